# SPDX-License-Identifier: Apache-2.0
"""The stock workloads of examples/dlio that lie on S3: generate and train, scaled, all content verified."""
import unittest

from object_store import EXAMPLES, ObjectStore, start
from servers.rclone import Rclone

SMALL = ["dataset.num_files_train=14", "dataset.record_length_bytes=146600", "train.epochs=1", "train.computation_time=0.001", "reader.verify=all"]


def setUpModule():
    ObjectStore.server = start(Rclone())


class Workloads(ObjectStore):
    def assert_run(self, name, *texts):
        config = EXAMPLES / f"{name}.yaml"
        result = self.run_job(config, *("++workload." + text for text in (*SMALL, *texts)))
        self.assert_good(result)
        epoch = result.summary()["dlfw"]["epochs"][0]
        self.assertGreater(epoch["steps"], 0)
        self.assertGreater(epoch["bytes_verified"], 12 * 145000)
        return result.summary()["dlfw"]

    def test_unet3d(self):
        for name in ("unet3d_v100_s3", "unet3d_a100_s3", "unet3d_h100_s3"):
            with self.subTest(name):
                self.assert_run(name, f"storage.storage_options.endpoint_url={self.server.endpoint}", f"storage.storage_root={self.bucket}",
                                f"dataset.data_folder=s3://{self.bucket}/{name}")
                names = [key for key in self.client.names(self.bucket) if f"{name}/train/" in key]
                self.assertEqual(len(names), 14)

    def test_two_endpoints(self):
        """One server under two names."""
        doors = [self.server.endpoint, self.server.endpoint.replace("127.0.0.1", "localhost")]
        for name in ("multi_endpoint_roundrobin", "multi_endpoint_mpi"):
            with self.subTest(name):
                storage = self.assert_run(name, f"storage.endpoint_uris=[{','.join(doors)}]", f"storage.storage_root={self.bucket}",
                                          f"dataset.data_folder=data/{name}")["storage"]
                if name == "multi_endpoint_roundrobin":
                    self.assertTrue(all(e["requests"] for e in storage["endpoints"]), storage)


if __name__ == "__main__":
    unittest.main()
