"""`tenure audit` at a real server: heads, proofs, verification on and off line, attacks on its files, and a second verifier that
agrees (verify.py)."""

import base64
import json
import os
import pathlib
import random
import shutil
import stat
import struct
import subprocess
import sys
import unittest

import verify
from server_case import FOUND_ACME, ServerTest
from tenure import TENURE, command, environment, new_id, wait_until

OFTEN = ("--notary-seconds", "1", "--notary-decisions", "7")


def crc32c_table():
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82f63b78 if byte & 1 else 0)
        yield byte


TABLE = list(crc32c_table())


def crc32c(data, crc=0):
    crc ^= 0xffffffff
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xff]
    return crc ^ 0xffffffff


def forge(log, payload, other):
    """Puts another payload of the same size in a log's active segment, and mends every checksum over it."""
    path = sorted(log.glob("segment-*.log"))[0]
    data = bytearray(path.read_bytes())
    salt = crc32c(data[8:24])  # of the log's id, in the segment's header
    at = data.find(payload)
    assert at > 0 and len(payload) == len(other)
    prefix = at - 64
    data[at:at + len(other)] = other
    data[prefix + 44:prefix + 48] = bytes(4)
    data[prefix + 44:prefix + 48] = struct.pack("<I", crc32c(data[prefix:at + len(other)]))
    begin = 64
    while True:  # the batch that it lies in
        length, = struct.unpack_from("<I", data, begin + 8)
        if begin + 40 + length > at:
            break
        begin += 40 + length
    struct.pack_into("<I", data, begin + 12, crc32c(data[begin + 40:begin + 40 + length], salt))
    struct.pack_into("<I", data, begin + 36, crc32c(data[begin:begin + 36], salt))
    path.write_bytes(data)
    chain, begin = 0, 64  # over all batches, which the mark of a clean stop has
    while data[begin:begin + 4] == b"TNRB":
        chain = crc32c(data[begin:begin + 36], chain)
        begin += 40 + struct.unpack_from("<I", data, begin + 8)[0]
    mark = bytearray((log / "CLEAN").read_bytes())
    struct.pack_into("<Q", mark, 40, chain)
    struct.pack_into("<I", mark, 52, crc32c(mark[:52], salt))
    (log / "CLEAN").write_bytes(mark)


class Notary(ServerTest):
    def setUp(self):
        super().setUp()
        self.files = pathlib.Path(self.root)
        self.key_file = self.files / "keys.txt"

    def found(self, *more, decisions=20):
        """A server that has decided something, signed it, and whose key is kept."""
        server = self.start(*OFTEN, *more)
        server.submit(*FOUND_ACME, *(command(new_id(), "CreateResource", space="web", type="service", resource=f"r{i}", name=f"R {i}")
                                     for i in range(decisions - len(FOUND_ACME))))
        self.key_file.write_text(self.ran("audit", "key", server=server))
        return server

    def ran(self, *arguments, server=None, code=0):
        got, out, err = self.tenure(*arguments, server=server)
        self.assertEqual(got, code, out + err)
        return out

    def signed(self, server, size):
        """The latest head's note, once it covers so many."""
        def asked():
            answer = server.get("/v1/checkpoints/0")
            return answer.status == 200 and verify.Head(answer.text).size >= size and answer.text
        return wait_until(asked, f"a head of size {size}")

    def verified(self, data=None, *more, code=0):
        """What both verifiers say of a directory: they must agree."""
        data = data or self.data
        more = [str(each) for each in more]
        told = json.loads(self.ran("audit", "verify", "--json", "--data", str(data), "--key", str(self.key_file), *more, code=code))
        held = [more[i + 1] for i, each in enumerate(more) if each == "--head"]
        second = subprocess.run([sys.executable, verify.__file__, "log", str(data), "--key", str(self.key_file),
                                 *(part for each in held for part in ("--head", each))], capture_output=True, text=True)
        self.assertEqual(second.returncode, code, second.stdout + second.stderr)
        partition = told["partitions"][0]
        self.assertEqual(len(second.stdout.splitlines()) - 1, len(partition["findings"]), second.stdout + str(partition))
        return partition

    def copy(self, name):
        """Of the data directory, as it is now."""
        return pathlib.Path(shutil.copytree(self.data, self.files / name))

    def test_a_log_is_signed_served_proved_and_verified(self):
        server = self.found()
        note = self.signed(server, 20)
        keys = verify.read_keys(self.key_file)
        head = verify.Head(note).check(keys)
        self.assertEqual(note, self.ran("audit", "checkpoint", server=server))
        self.assertEqual(head.size, 20)
        self.assertEqual(self.verified()["signed"], 20)  # beside the server
        payloads = list(verify.decisions(pathlib.Path(self.data) / "log"))
        for number in range(20):
            proof = server.get(f"/v1/proofs/inclusion?position=0:{number}").json
            verify.verify_inclusion(proof, payloads[number], keys)
            with self.assertRaises(verify.Finding):
                verify.verify_inclusion(proof, payloads[number - 1], keys)
        server.submit(*(command(new_id(), "CreateSpace", space=f"s{i}", name="S") for i in range(9)))
        self.signed(server, 29)
        heads = verify.read_heads(self.ran("audit", "checkpoint", "--all", server=server))
        self.assertGreaterEqual(len(heads), 2)
        for old in heads:
            proof = json.loads(self.ran("audit", "proof", "--from", str(old.size), "--json", server=server))
            verify.verify_consistency(proof, keys)
        paged = server.get("/v1/checkpoints/0?from=0&limit=1")
        self.assertEqual(verify.read_heads(paged.text)[0].size, heads[0].size)
        self.assertEqual(paged.headers["Tenure-Next"], str(heads[1].size))
        self.assertIn("leaf", self.ran("audit", "proof", "0:3", server=server))
        self.assertEqual(server.stop(), 0)
        mode = os.stat(os.path.join(self.data, "notary", "key.pem")).st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o600)
        self.assertEqual(self.verified()["met"], len(verify.read_heads((pathlib.Path(self.data) / "notary/partition-0/heads").read_text())))

    def test_what_cannot_be_proved_or_seen_is_said(self):
        server = self.found()
        self.signed(server, 20)
        self.assert_problem(server.get("/v1/proofs/inclusion?position=0:20"), 400, "malformed")
        self.assert_problem(server.get("/v1/proofs/inclusion?position=3"), 400, "malformed")
        self.assert_problem(server.get("/v1/checkpoints/1"), 404, "not_found")
        self.assert_problem(server.get("/v1/proofs/consistency?partition=0&from=0"), 400, "malformed")
        made = server.submit(command("k", "CreateApiKey", org="_tenure", actor="service:admin", key="reader", service="reader"))[0]
        stranger = {"Authorization": f"Bearer {made['secret']}"}
        for path in ("/v1/checkpoints", "/v1/checkpoints/0", "/v1/proofs/inclusion?position=0:1"):
            self.assert_problem(server.get(path, **stranger), 404, "not_found")

    def test_a_stop_signs_what_is_left_and_a_start_goes_on(self):
        server = self.start("--notary-seconds", "3600")
        server.submit(*FOUND_ACME)
        self.key_file.write_text(self.ran("audit", "key", server=server))
        first = verify.Head(self.signed(server, 1)).size
        server.submit(command(new_id(), "CreateSpace", space="late", name="Late"))
        self.assertEqual(server.stop(), 0)
        told = self.verified()
        self.assertEqual((told["to"], told["signed"]), (6, 6))
        self.assertLessEqual(first, 6)
        again = self.start("--notary-seconds", "3600")
        again.submit(command(new_id(), "CreateSpace", space="later", name="Later"))
        again.kill()
        self.assertEqual(self.verified()["to"], 7)  # killed: the last one is not signed, and all is well
        third = self.start(*OFTEN)
        self.signed(third, 7)
        self.assertEqual(self.verified()["signed"], 7)

    def test_attacks_on_the_files(self):
        server = self.found()
        self.signed(server, 20)
        server.stop()
        early = self.copy("early")
        server = self.start(*OFTEN)
        server.submit(*(command(new_id(), "CreateSpace", space=f"s{i}", name="S") for i in range(5)))
        held = self.files / "held"
        held.write_text(self.signed(server, 25))
        server.stop()
        payload = list(verify.decisions(pathlib.Path(self.data) / "log"))[9]

        forged = self.copy("forged")  # one byte of a name, all checksums mended
        at = payload.rfind(b"R 4")
        forge(forged / "log", payload, payload[:at] + b"R 5" + payload[at + 3:])
        shutil.rmtree(forged / "read_models")  # they are made again from the log
        self.assertEqual(self.ran("doctor", "--data", str(forged), "--deep", "--json").count('"ok":false'), 0)
        told = self.verified(forged, code=1)
        self.assertIn("the log is not what was signed", told["findings"][0])

        rolled_back = self.copy("rolled back")
        shutil.rmtree(rolled_back / "log")
        shutil.copytree(early / "log", rolled_back / "log")
        self.assertIn("20 to 24 are missing", self.verified(rolled_back, code=1)["findings"][0])

        self.verified(early)  # log and heads both older: only a head that one holds tells
        self.assertIn("older than", self.verified(early, "--head", held, code=1)["findings"][0])

        swapped = self.copy("swapped")  # another key, which signs the same log
        shutil.rmtree(swapped / "notary")
        other = self.start_on(swapped)
        self.signed(other, 25)
        other.stop()
        self.assertIn("not signed by a key that you trust", self.verified(swapped, code=1)["findings"][0])

        beheaded = self.copy("beheaded")
        shutil.rmtree(beheaded / "notary")
        self.assertIn("nothing is signed", self.verified(beheaded, code=1)["findings"][0])

        another = self.files / "another"  # a log of its own, with the key of this one
        other = self.start_on(another, copied_key=pathlib.Path(self.data) / "notary/key.pem")
        other.submit(*FOUND_ACME)
        self.signed(other, 5)
        other.stop()
        shutil.rmtree(another / "notary/partition-0")
        shutil.copytree(pathlib.Path(self.data) / "notary/partition-0", another / "notary/partition-0")
        self.assertIn("is of another log", self.verified(another, code=1)["findings"][0])

        # A server that is started on such a log signs nothing more and says so.
        for built in ("state", "read_models"):  # which would notice, too
            shutil.rmtree(rolled_back / built)
        other = self.start_on(rolled_back)
        self.assert_problem(wait_until(lambda: (answer := other.get("/readyz")).status == 503 and answer, "it sees"), 503, "unavailable")
        self.assertIn("tenure_log_differs_from_signed 1", other.get("/metrics").text)

    def start_on(self, data, copied_key=None):
        if copied_key:
            empty = self.start_on(data)
            empty.kill()
            shutil.copy(copied_key, pathlib.Path(data) / "notary/key.pem")
            shutil.rmtree(pathlib.Path(data) / "notary/partition-0", ignore_errors=True)
        mine, self.data = self.data, str(data)
        try:
            return self.start(*OFTEN)
        finally:
            self.data = mine

    def test_parts_of_a_log(self):
        server = self.found()
        first = self.files / "first"
        first.write_text(self.signed(server, 20))
        server.submit(*(command(new_id(), "CreateSpace", space=f"s{i}", name="S") for i in range(5)))
        self.signed(server, 25)
        server.stop()
        verified = ("audit", "verify", "--json", "--data", self.data, "--key", str(self.key_file))
        told = json.loads(self.ran(*verified, "--since", str(first)))["partitions"][0]
        self.assertEqual((told["from"], told["to"], told["findings"]), (20, 25, []))
        told = json.loads(self.ran(*verified, "--from", "3", "--to", "9"))["partitions"][0]
        self.assertEqual((told["from"], told["to"], told["met"]), (3, 10, 1))
        payload = list(verify.decisions(pathlib.Path(self.data) / "log"))[9]
        at = payload.rfind(b"R 4")
        forge(pathlib.Path(self.data) / "log", payload, payload[:at] + b"R 5" + payload[at + 3:])
        self.ran(*verified, "--from", "3", "--to", "8")
        self.ran(*verified, "--from", "9", "--to", "9", code=1)
        self.ran(*verified, "--since", str(first))  # it lies before what this one reads
        self.ran(*verified, "--from", "9", "--to", "99", code=2)
        self.ran("audit", "verify", "--data", self.data, "--key", str(self.files / "none"), code=3)
        self.ran("audit", "proof", code=2)

    def test_what_is_signed_of_a_partition_that_is_not_there(self):
        server = self.found()
        held = self.files / "held"
        held.write_text(self.signed(server, 20).replace("/0\n", "/7\n", 1))
        server.stop()
        verified = ("audit", "verify", "--data", self.data, "--key", str(self.key_file))
        self.ran(*verified)
        self.assertIn("BAD " + str(held), self.ran(*verified, "--head", str(held), code=1))
        (pathlib.Path(self.data) / "notary/partition-1").mkdir()
        self.assertIn("partition-1: the log has no such partition", self.ran(*verified, code=1))
        self.assertEqual(len(json.loads(self.ran(*verified, "--json", code=1))["strays"]), 1)

    def test_a_log_that_ends_before_what_one_asks_for(self):
        server = self.found()
        first = self.files / "first"
        first.write_text(self.signed(server, 20))
        server.stop()
        (pathlib.Path(self.data) / "notary/partition-0/tree").write_bytes(b"")
        told = self.ran("audit", "verify", "--data", self.data, "--key", str(self.key_file), "--since", str(first), code=1)
        self.assertIn("BAD the tree on disk ends before", told)

    def test_random_trees_have_one_root(self):
        source = random.Random(9)
        for size in list(range(40)) + [1000]:
            leaves = [verify.leaf_hash(source.randbytes(source.randrange(40))) for _ in range(size)]
            tree = verify.Tree()
            for leaf in leaves:
                tree.add(leaf)
            self.assertEqual(tree.root(), verify.tree_root(leaves))


if __name__ == "__main__":
    unittest.main()
