# SPDX-License-Identifier: Apache-2.0
"""One suite for all services: stock runs, the tools, names, sizes, other people's clients, credentials. A subclass names the server."""
import json
import os

from object_store import EXAMPLES, MIB, ObjectStore, content

SIZES = {"empty": 0, "one": 1, "page": 4096, "odd": 70001, "parts": 17 * MIB + 5}
SCALED = ["++workload.dataset.num_files_train=14", "++workload.dataset.num_files_eval=7", "++workload.dataset.record_length_bytes=146600",
          "++workload.dataset.record_length_bytes_stdev=68341", "++workload.train.epochs=1", "++workload.train.computation_time=0.001",
          "++workload.evaluation.eval_time=0.001", "++workload.workflow.evaluation=True", "++workload.reader.verify=all"]
NAMES = ["plain", "with space", "a+b&c=d;e", "100%25", "%2F", "tab\there", "quote'\"`$x", "ä/к/漢", "..hidden", "dots..inside", "trailing.", "#hash?query",
         "~tilde(1)*!", "[bracket]{brace}", "deep/er/and/deeper"]


class StockRuns(ObjectStore):
    """A stock DLIO file, with nothing changed but where the data are (and how many)."""

    def stock(self, name, *words):
        config = EXAMPLES / f"{name}.yaml"
        made = self.run_job(config, *SCALED, *words, command="generate")
        self.assert_good(made)
        result = self.run_job(config, *SCALED, *words, "++workload.workflow.generate_data=False")
        self.assert_good(result)
        return result.summary()["dlfw"]

    def test_data_folder_is_a_uri(self):
        summary = self.stock("unet3d_h100", f"++workload.dataset.data_folder={self.uri('unet3d')}")
        epoch = summary["epochs"][0]
        self.assertEqual(epoch["steps"], 2)
        self.assertGreater(epoch["bytes_verified"], 14 * 30000)
        self.assertEqual(summary["coverage"][0]["train"]["samples"], 14)
        self.assertEqual(summary["coverage"][0]["eval"]["samples"], 7)
        names = self.client.names(self.bucket)
        self.assertEqual((len([n for n in names if "/train/" in n]), len([n for n in names if "/valid/" in n])), (14, 7), names)

    def test_storage_section(self):
        """The way DLIO itself spells it: type, root, options."""
        words = [f"++workload.storage.storage_type={self.server.scheme}", f"++workload.storage.storage_root={self.uri().split('://')[1]}",
                 "++workload.dataset.data_folder=data/unet3d"]
        words += [f"++workload.storage.storage_options.{name}={value}" for name, value in self.server.options.items()]
        self.assertEqual(self.stock("unet3d_h100", *words)["io"]["errors"], 0)


class Tools(ObjectStore):
    def tree(self):
        return {f"{'sub/' * (i % 2)}{name}": content(size, name) for i, (name, size) in enumerate(SIZES.items())}

    def local_tree(self, tree):
        for name, data in tree.items():
            self.local(f"tree/{name}", data)
        return self.folder / "tree"

    def test_there_and_back(self):
        tree = self.tree()
        self.assert_good(self.dlfw("cp", "-r", self.local_tree(tree), self.uri("copy")))
        self.assertEqual(self.client.names(self.bucket), sorted(f"copy/{name}" for name in tree))
        for name, data in tree.items():
            self.assertEqual(self.client.get(self.bucket, f"copy/{name}") == data, True, name)
        self.assert_good(self.dlfw("cp", "-r", self.uri("copy"), self.folder / "back"))
        for name, data in tree.items():
            self.assertEqual((self.folder / "back" / name).read_bytes() == data, True, name)

    def test_sync_does_only_what_is_needed(self):
        tree = self.tree()
        folder = self.local_tree(tree)
        for path in folder.rglob("*"):
            os.utime(path, (1.7e9, 1.7e9))  # some services tell the time of a change in whole seconds only
        self.assert_good(self.dlfw("sync", folder, self.uri("s")))
        before = {name: self.client.etag(self.bucket, f"s/{name}") for name in tree}
        self.assert_good(self.dlfw("sync", folder, self.uri("s")))
        self.assertEqual({name: self.client.etag(self.bucket, f"s/{name}") for name in tree}, before)
        self.local("tree/new", b"new")
        self.assert_good(self.dlfw("sync", "--dry-run", folder, self.uri("s")))
        self.assertIsNone(self.client.size(self.bucket, "s/new"))
        self.assert_good(self.dlfw("sync", folder, self.uri("s")))
        self.assertEqual(self.client.get(self.bucket, "s/new"), b"new")

    def test_looking(self):
        for i in range(5):
            self.client.put(self.bucket, f"a/{i}", content(100 + i))
        self.client.put(self.bucket, "b", content(7))
        status, out, err = self.dlfw_bytes("ls", "-r", "--json", self.uri())
        self.assertEqual(status, 0, err)
        listed = sorted(json.loads(line)["name"] for line in out.decode().splitlines())
        self.assertEqual(listed, [f"a/{i}" for i in range(5)] + ["b"])
        self.assertEqual(self.cat("a/3"), content(103))
        self.assertEqual(self.cat("a/3", "--range", "10-19"), content(103)[10:20])
        result = self.dlfw("stat", "--json", self.uri("a/4"))
        self.assert_good(result)
        self.assertEqual(json.loads(result.out)["size"], 104)
        result = self.dlfw("du", "--json", self.uri())
        self.assert_good(result)
        total = json.loads(result.out.splitlines()[-1])
        self.assertEqual((total["name"], total["objects"], total["bytes"]), ("", 6, sum(100 + i for i in range(5)) + 7))

    def test_removing(self):
        for i in range(30):
            self.client.put(self.bucket, f"gone/{i:02}", b"x")
        self.client.put(self.bucket, "gone-not", b"x")
        self.client.put(self.bucket, "kept/1", b"x")
        self.assert_good(self.dlfw("rm", "-r", self.uri("gone")))
        self.assertEqual(self.client.names(self.bucket), ["gone-not", "kept/1"])
        self.assert_good(self.dlfw("rm", self.uri("kept/1")))
        self.assertEqual(self.client.names(self.bucket), ["gone-not"])

    def test_buckets(self):
        other = self.server.uri(self.bucket + "-2")
        self.assert_good(self.dlfw("mb", other))
        self.assertTrue(self.client.has_bucket(self.bucket + "-2"))
        self.client.put(self.bucket + "-2", "x", b"x")
        self.assert_fails(self.dlfw("rb", other))
        self.assertTrue(self.client.has_bucket(self.bucket + "-2"))
        self.client.delete(self.bucket + "-2", "x")
        self.assert_good(self.dlfw("rb", other))
        self.assertFalse(self.client.has_bucket(self.bucket + "-2"))

    def test_what_is_not_there(self):
        for command, words in (("cat", []), ("stat", []), ("get", [self.folder / "never"])):
            status, out, err = self.dlfw_bytes(command, self.uri("absent"), *words)
            self.assert_one_error(status, err, "absent")
            if command == "cat":
                self.assertEqual(out, b"")
        status, _, err = self.dlfw_bytes("ls", self.server.uri(self.bucket + "-none"))
        self.assert_one_error(status, err, self.bucket + "-none")
        self.assertFalse((self.folder / "never").exists())


class Names(ObjectStore):
    def both_ways(self, name):
        data = content(300, name)
        self.upload(f"n/{name}", data)
        self.assertIn(f"n/{name}", self.client.names(self.bucket, "n/"))
        self.assertEqual(self.client.get(self.bucket, f"n/{name}"), data)
        self.client.put(self.bucket, f"m/{name}", data)
        self.assertEqual(self.cat(f"m/{name}"), data)

    def test_names(self):
        for name in NAMES:
            with self.subTest(name):
                self.both_ways(name)
        status, out, err = self.dlfw_bytes("ls", "-r", "--json", self.uri("m"))
        self.assertEqual(status, 0, err)
        self.assertEqual(sorted(json.loads(line)["name"] for line in out.decode().splitlines()), sorted(NAMES))

    def test_names_that_mean_something_to_paths(self):
        """Whatever becomes of these, nothing is stored under another name of ours and no other object is touched."""
        self.client.put(self.bucket, "p/lead", b"do not touch")
        self.client.put(self.bucket, "b", b"do not touch")
        for name in ["p/../b", "p/./lead", "p//lead", "/p/lead", "p/..", "p/."]:
            with self.subTest(name):
                status, _, err = self.dlfw_bytes("cp", self.local("upload", b"new"), self.uri(name))
                if status == 0:
                    self.assertEqual(self.cat(name), b"new")
                else:
                    self.assert_one_error(status, err)
        self.assertEqual(self.client.get(self.bucket, "b"), b"do not touch")
        if self.keeps_slashes:
            self.assertEqual(self.client.get(self.bucket, "p/lead"), b"do not touch")

    keeps_slashes = True  # False: the server itself makes one slash of two

    def test_longest_name(self):
        for size in (1024, 1025, 5000):
            with self.subTest(size):
                name = "k" * 200 + "/" + "k" * (size - 201)
                status, _, err = self.dlfw_bytes("cp", self.local("upload", b"long"), self.uri(name))
                if status == 0:
                    self.assertLessEqual(size, 1024)
                    self.assertEqual(self.client.get(self.bucket, name), b"long")
                else:
                    self.assertGreaterEqual(size, self.longest_name + 1, err)
                    self.assert_one_error(status, err)

    longest_name = 1024


class Others(ObjectStore):
    """Objects written by us are read by the vendor's own client, and theirs by us."""

    def test_sizes(self):
        for name, size in SIZES.items():
            with self.subTest(name):
                data = content(size, name)
                self.upload(f"ours/{name}", data)
                self.assertTrue(self.client.get(self.bucket, f"ours/{name}") == data)
                self.assertEqual(self.client.size(self.bucket, f"ours/{name}"), size)
                self.client.put(self.bucket, f"theirs/{name}", data)
                self.assertTrue(self.cat(f"theirs/{name}") == data)
        self.assertEqual(self.client.uploads(self.bucket), [])

    def test_parts(self):
        data = content(17 * MIB + 5)
        self.client.put_in_parts(self.bucket, "theirs", data, 5 * MIB)
        self.assertTrue(self.cat("theirs") == data)
        self.assertTrue(self.cat("theirs", "--range", f"{5 * MIB - 3}-{5 * MIB + 4}") == data[5 * MIB - 3:5 * MIB + 5])
        self.upload("ours", data)
        self.assertTrue(self.client.get_range(self.bucket, "ours", 5 * MIB - 3, 16 * MIB + 5) == data[5 * MIB - 3:16 * MIB + 6])

    def test_what_is_known_of_an_object(self):
        self.client.put(self.bucket, "tagged", content(1000), metadata={"origin": "elsewhere"})
        result = self.dlfw("stat", "--json", self.uri("tagged"))
        self.assert_good(result)
        known = json.loads(result.out)
        self.assertEqual(known["size"], 1000)
        self.assertIn("elsewhere", json.dumps(known))
        self.assertEqual(known["etag"].strip('"'), self.client.etag(self.bucket, "tagged"))
