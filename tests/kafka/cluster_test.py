"""The cluster that other tests stand on: it starts, it can be killed and started again, it leaves nothing."""

import os
import signal
import subprocess
import tempfile
import unittest

from cluster import Broker, Cluster, begun, stop_saved


def kcat(cluster, *arguments, input=None):
    return subprocess.run(["kcat", "-b", cluster.bootstrap, *arguments], input=input, text=True,
                          capture_output=True, check=True, timeout=60).stdout


class ClusterTest(unittest.TestCase):
    def test_three_brokers_serve_together(self):
        with Cluster.start(3) as cluster:
            self.assertIn("3 brokers", kcat(cluster, "-L"))

    def test_a_killed_broker_starts_again_at_the_same_address_with_the_same_cluster(self):
        with Cluster.start() as cluster:
            broker = cluster.brokers[0]
            identity = (broker.directory / "data" / "meta.properties").read_text()
            broker.end(signal.SIGKILL)
            self.assertFalse(broker.runs())
            broker.start()
            broker.wait_ready()
            self.assertIn("1 brokers", kcat(cluster, "-L"))
            self.assertEqual((broker.directory / "data" / "meta.properties").read_text(), identity)

    def test_stopping_by_a_saved_state_ends_exactly_its_processes_and_deletes_their_data(self):
        cluster = Cluster.start()
        broker = cluster.brokers[0]
        with tempfile.TemporaryDirectory() as directory:
            state = os.path.join(directory, "broker.json")
            cluster.save(state)
            stop_saved(state)
            self.assertFalse(os.path.exists(state))
        broker.process.wait()
        self.assertIsNone(begun(broker.pid))
        self.assertFalse(os.path.exists(cluster.directory))

    def test_a_process_that_only_has_the_same_id_is_left_alone(self):
        with subprocess.Popen(["sleep", "600"]) as bystander:
            Cluster(tempfile.mkdtemp(), [Broker("/", 1, "", bystander.pid, since="0")]).stop()
            self.assertIsNone(bystander.poll())
            bystander.kill()


if __name__ == "__main__":
    unittest.main()
