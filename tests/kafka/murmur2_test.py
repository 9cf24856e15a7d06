"""The vectors of tests/base/murmur2_test.cc, asked of the Java client itself: fails where they differ."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from cluster import JARS, fetch

HERE = pathlib.Path(__file__).resolve().parent

JAVA = """\
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import org.apache.kafka.common.utils.Utils;

public class Murmur2 {
  public static void main(String[] files) throws Exception {
    for (String line : Files.readAllLines(Path.of(files[0]))) {
      int hash = Utils.murmur2(line.getBytes(StandardCharsets.UTF_8));
      System.out.println(Integer.toUnsignedString(hash) + " " + Utils.toPositive(hash) % 16);
    }
  }
}
"""


def vectors():
    """(key, hash, partition of 16) of each line `{"key", hash, partition},`."""
    source = (HERE.parent / "base" / "murmur2_test.cc").read_text()
    return [(key, int(value), int(partition))
            for key, value, partition in re.findall(r'\{"([^"]*)", (\d+)u, (\d+)\}', source)]


class Murmur2Test(unittest.TestCase):
    def test_the_java_client_agrees_with_every_vector(self):
        fetch()
        known = vectors()
        self.assertGreater(len(known), 20)
        with tempfile.TemporaryDirectory() as directory:
            program = os.path.join(directory, "Murmur2.java")
            keys = os.path.join(directory, "keys")
            pathlib.Path(program).write_text(JAVA)
            pathlib.Path(keys).write_text("".join(f"{key}\n" for key, _, _ in known))
            out = subprocess.run(["java", "-cp", f"{JARS}/*", program, keys], check=True, text=True,
                                 capture_output=True, timeout=120).stdout
        found = [tuple(map(int, line.split())) for line in out.splitlines()]
        self.assertEqual(found, [(value, partition) for _, value, partition in known])


if __name__ == "__main__":
    unittest.main()
