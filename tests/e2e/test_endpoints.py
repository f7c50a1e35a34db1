# SPDX-License-Identifier: Apache-2.0
"""Runs over several endpoints: folders that lead to the same files stand for servers of the same objects."""
import unittest

from support import SMALL, EndToEnd

STORAGE = """storage:
  storage_root: {root}
  endpoint_uris: {endpoints}
"""


class Endpoints(EndToEnd):
    def setUp(self):
        super().setUp()
        (self.folder / "real").mkdir()
        for name in ("a", "b", "c1", "c2"):
            (self.folder / name).symlink_to(self.folder / "real")

    def config(self, endpoints, more="", root="{folder}/a"):
        text = STORAGE.replace("{endpoints}", endpoints).replace("{root}", root) + more
        return self.write(SMALL.replace("data_folder: {folder}/data", "data_folder: data") + text)

    def endpoints_of(self, result):
        return result.summary()["dlfw"]["storage"].get("endpoints")

    def test_generate_and_train_use_all(self):
        for strategy in ("round_robin", "least_connections", "latency"):
            with self.subTest(strategy):
                result = self.run_job(self.config("['{folder}/a', '{folder}/b']", f"  endpoint_strategy: {strategy}\n"))
                self.assert_good(result)
                endpoints = self.endpoints_of(result)
                self.assertEqual([e["endpoint"] for e in endpoints], [f"file://{self.folder}/{x}/data" for x in "ab"])
                for endpoint in endpoints:
                    self.assertEqual((endpoint["state"], endpoint["errors"], endpoint["times_set_aside"]), ("in_use", 0, 0))
                self.assertGreaterEqual(sum(e["requests"] for e in endpoints), 3 * 12)
                self.assertGreater(sum(e["bytes_read"] for e in endpoints), 2 * 12 * 4096)
                if strategy == "round_robin":
                    self.assertTrue(all(e["requests"] > 10 for e in endpoints), endpoints)
                names = {f["name"] for f in result.summary()["dlfw"]["figures"]}
                self.assertIn("endpoint2_requests", names)
        self.assertEqual(len(list((self.folder / "real/data/train").iterdir())), 12)

    def test_ways_to_name_them(self):
        (self.folder / "list").write_text(f"# mounts\n{self.folder}/a\n{self.folder}/c{{1...2}} # two\n")
        for endpoints, count in (("'file://{folder}/a,file://{folder}/b'", 2), ("['{folder}/a', '{folder}/c{{1...2}}']", 3), ("{folder}/list", 3)):
            with self.subTest(endpoints):
                result = self.run_job(self.config(endpoints))
                self.assert_good(result)
                self.assertEqual(len(self.endpoints_of(result)), count)

    def test_options_of_the_storage_may_hold_them(self):
        config = self.write(SMALL.replace("data_folder: {folder}/data", "data_folder: data") +
                            "storage:\n  storage_root: {folder}/a\n  storage_options:\n    endpoint_uris: ['{folder}/a', '{folder}/b']\n")
        result = self.run_job(config)
        self.assert_good(result)
        self.assertEqual(len(self.endpoints_of(result)), 2)

    def test_the_strategy_as_mlperf_storage_calls_it(self):
        result = self.run_job(self.config("['{folder}/a', '{folder}/b']", "  load_balance_strategy: least_connections\n"))
        self.assert_good(result)
        self.assertEqual(len(self.endpoints_of(result)), 2)
        both = self.config("['{folder}/a', '{folder}/b']", "  load_balance_strategy: latency\n  endpoint_strategy: latency\n")
        self.assert_fails(self.run_job(both), "storage.load_balance_strategy says the same as endpoint_strategy; keep one of them")
        self.assert_fails(self.run_job(self.config("['{folder}/a', '{folder}/b']", "  load_balance_strategy: random\n")), "'random' is none of")

    def test_past_the_page_cache(self):
        result = self.run_job(self.config("['{folder}/a', '{folder}/b']"), "++reader.odirect=true")
        self.assert_good(result)
        self.assertTrue(all(e["requests"] for e in self.endpoints_of(result)))

    def test_each_rank_its_own(self):
        result = self.run_job(self.config("['{folder}/a', '{folder}/b']", "  use_mpi_endpoint_distribution: true\n"))
        self.assert_good(result)
        self.assertIsNone(self.endpoints_of(result))

    def test_mistakes(self):
        self.assert_fails(self.run_job(self.config("['{folder}/a', '{folder}/b']", root="{folder}/real")), "below none of them", "storage.storage_root")
        self.assert_fails(self.run_job(self.config("['http://127.0.0.1:9000']")), "has no servers")
        self.assert_fails(self.run_job(self.config("['{folder}/a', '{folder}/a']")), "twice")
        self.assert_fails(self.run_job(self.config("['{folder}/a']", "  endpoint_strategy: random\n")), "endpoint_strategy")

    def test_a_checkpoint_elsewhere_is_left_alone(self):
        result = self.run_job(self.config("['{folder}/a', '{folder}/b']", "checkpoint:\n  checkpoint_folder: {folder}/elsewhere\nmodel_size: 1000\n"),
                              "++workflow.checkpoint=true", "++model.model_size_bytes=100000")
        self.assert_good(result)
        self.assertTrue(any((self.folder / "elsewhere").rglob("*")))


if __name__ == "__main__":
    unittest.main()
