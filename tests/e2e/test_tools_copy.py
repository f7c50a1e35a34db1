# SPDX-License-Identifier: Apache-2.0
"""cp, put, get and sync: trees keep their structure, objects arrive whole or not at all, nothing is written outside, and scripts can rely on exit codes."""
import hashlib
import json
import os
import signal
import subprocess
import unittest

from support import EndToEnd

SIZES = {"a.bin": 0, "b.bin": 1, "with space+%.bin": 4096, "sub/ü.bin": 100000, "sub/deep/c.bin": 300001, "sub/deep/a.bin": 5_000_000}

SLOW = """storage:
  wrap:
    - delay: {write: 20ms}
"""


class Copy(EndToEnd):
    def tree(self, name="data", sizes=None):
        root = self.folder / name
        for key, size in (sizes or SIZES).items():
            path = root / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(hashlib.shake_128(key.encode()).digest(size))
        return root

    def files(self, root):
        """Names below root with their contents; also what is hidden, so that leftovers show."""
        root = self.folder / root
        return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in root.rglob("*") if p.is_file()}

    def assert_same(self, a, b):
        self.assertEqual(self.files(a), self.files(b))

    def json(self, command, *words, status=0):
        result = self.dlfw(command, "--json", *words)
        self.assertEqual(result.status, status, result.err)
        return json.loads(result.out.splitlines()[-1])


class Cp(Copy):
    def test_trees_keep_their_structure(self):
        self.tree()
        for scheme in "", "direct://":
            with self.subTest(scheme):
                there, back = f"{scheme}{self.folder}/there", f"{self.folder}/back"
                self.assert_good(self.dlfw("cp", "-r", "--verify", "data", there))
                self.assert_same("data", "there")
                self.assertEqual(self.json("cp", "-r", "--checksum", there, back)["verified"], len(SIZES))
                self.assert_same("data", "back")

    def test_what_the_target_means(self):
        self.tree()
        cases = [
            (["data/b.bin", "o1"], "o1"),
            (["data/b.bin", "new/deep/o2"], "new/deep/o2"),
            (["data/b.bin", "into/"], "into/b.bin"),
            (["data/b.bin", "data/a.bin", "two/"], "two/a.bin"),
            (["-r", "data", "as"], "as/sub/deep/c.bin"),
            (["-r", "data", "under/"], "under/data/sub/deep/c.bin"),
            (["-r", "data/", "content/"], "content/sub/deep/c.bin"),
            (["-r", "data/sub", "data/b.bin", "mixed/"], "mixed/sub/deep/c.bin"),
            (["-r", "data/sub", "data/b.bin", "mixed2/"], "mixed2/b.bin"),
            (["-r", "data/b.bin", "one"], "one"),
            (["-r", ".", "/dev/null/x"], None),
        ]
        for words, expected in cases[:-1]:
            with self.subTest(words):
                self.assert_good(self.dlfw("cp", *words))
                self.assertTrue((self.folder / expected).is_file(), words)
        self.assertEqual((self.folder / "one").read_bytes(), (self.folder / "data/b.bin").read_bytes())

    def test_into_memory(self):
        self.tree()
        self.assertEqual(self.json("cp", "-r", "--verify", "data", "memory://x")["verified"], len(SIZES))

    def test_choice_by_name(self):
        self.tree()
        self.assert_good(self.dlfw("cp", "-r", "--glob", "c.*", "data", "chosen"))
        self.assertEqual(list(self.files("chosen")), ["sub/deep/c.bin"])
        self.assert_good(self.dlfw("cp", "-r", "--regex", "^sub/[^/]*$", "data", "chosen2"))
        self.assertEqual(list(self.files("chosen2")), ["sub/ü.bin"])

    def test_dry_run(self):
        self.tree()
        result = self.dlfw("cp", "-r", "--dry-run", "data", "there")
        self.assert_good(result)
        self.assertEqual(len([line for line in result.out.splitlines() if line.startswith("would copy ")]), len(SIZES))
        self.assertIn("would copy data/sub/deep/c.bin to there/sub/deep/c.bin", result.out)
        self.assertFalse((self.folder / "there").exists())

    def test_existing_objects(self):
        self.tree("old", {"a": 10, "b": 20})
        self.tree("new", {"a": 11, "b": 20, "c": 5})
        before = self.files("old")
        done = self.json("cp", "-r", "--no-clobber", "new", "old")
        self.assertEqual((done["objects"], done["same"]), (1, 2))
        self.assertEqual({k: v for k, v in self.files("old").items() if k != "c"}, before)
        os.utime(self.folder / "old/b", (1, 1))  # older than its source
        os.utime(self.folder / "new/b", (2, 2))
        done = self.json("cp", "-r", "--resume", "new", "old")
        self.assertEqual((done["objects"], done["same"]), (2, 1))
        self.assert_same("new", "old")
        done = self.json("cp", "-r", "--resume", "new", "old")
        self.assertEqual((done["objects"], done["same"], done["bytes"]), (0, 3, 0))
        self.assertEqual(self.json("cp", "-r", "new", "old")["objects"], 3)

    def test_one_failure_leaves_the_others(self):
        self.tree("data", {"a": 10, "b": 10, "c": 10})
        (self.folder / "there/b").mkdir(parents=True)
        result = self.dlfw("cp", "-r", "data", "there")
        self.assert_fails(result, "there/b")
        self.assertIn("copied 2 objects", result.out)
        self.assertIn("1 failed", result.out)
        self.assertEqual(sorted(self.files("there")), ["a", "c"])

    def test_mistakes(self):
        self.tree()
        for words, status, text in [
            (["data", "x"], 1, "directory"),
            (["data/", "x"], 2, "-r"),
            (["nothing", "x"], 1, "'nothing'"),
            (["-r", "nothing", "x"], 1, "nothing"),
            (["data/a.bin", "data/b.bin", "x"], 2, "end it in '/'"),
            (["data/a.bin", "data/sub/deep/a.bin", "x/"], 1, "would both become 'a.bin'"),
            (["data/a.bin", "data/a.bin"], 1, "same object"),
            (["-r", "data", "data/sub/copy"], 1, "lies in the folder"),
            (["-r", "data", "data"], 1, "same folder"),
            (["data/a.bin"], 2, "target"),
            (["--glob", "*", "data/a.bin", "x"], 2, "-r"),
            (["data/a.bin", "nosuch://x/y"], 1, "nosuch"),
            (["null://x/a", "x"], 1, "no bytes"),
            (["--verify", "data/a.bin", "null://x/a"], 1, "no bytes"),
            (["--no-clobber", "--resume", "data/a.bin", "x"], 2, "--resume"),
        ]:
            with self.subTest(words):
                self.assert_fails(self.dlfw("cp", *words), text, status=status)
        self.assertFalse((self.folder / "x").exists())
        os.mkfifo(self.folder / "pipe")
        self.assert_fails(self.dlfw("cp", "data/a.bin", "pipe"), "a pipe, a device or a socket, which no file replaces")
        self.assertTrue((self.folder / "pipe").is_fifo())

    def test_stopped(self):
        """Ctrl-C in the middle: one line, its exit code, whole objects only, and --resume goes on."""
        slow = self.folder / "slow.yaml"
        slow.write_text(SLOW)
        self.tree("data", {f"{i:03}": 3000000 if i % 4 == 0 else 100 for i in range(120)})
        process = self.start("cp", "-r", "--config", slow, "--target-option", "engine=auto", "data", "there")
        self.wait_for(lambda: len([p for p in (self.folder / "there").glob("*")]) > 4)
        status, out, err = self.stop(process)
        self.assertEqual(status, 130, err)
        self.assertEqual(err, "")
        self.assertEqual(len(out.splitlines()), 1, out)
        self.assertTrue(out.startswith("stopped; copied "), out)
        there, data = self.files("there"), self.files("data")
        self.assertLess(len(there), len(data))
        for name, digest in there.items():
            self.assertEqual(digest, data[name], name)
        done = self.json("cp", "-r", "--resume", "data", "there")
        self.assertEqual((done["same"], done["objects"]), (len(there), len(data) - len(there)))
        self.assert_same("data", "there")


class Get(Copy):
    def test_default_target_is_the_working_directory(self):
        self.tree()
        work = self.folder / "work"
        work.mkdir()
        self.assert_good(self.dlfw("get", "../data/sub/deep/c.bin", cwd=work))
        self.assert_good(self.dlfw("get", "-r", f"{self.folder}/data/sub", cwd=work))
        self.assertEqual(sorted(self.files("work")), ["c.bin", "sub/deep/a.bin", "sub/deep/c.bin", "sub/ü.bin"])

    def get_bytes(self, *words):
        done = subprocess.run(self.argv("get", *words), capture_output=True, cwd=self.folder, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, b"")
        return done.stdout

    def test_parts(self):
        self.tree()
        whole = (self.folder / "data/sub/deep/a.bin").read_bytes()
        for scheme in "file://", "direct://":
            uri = f"{scheme}{self.folder}/data/sub/deep/a.bin"
            for offset, length in (0, None), (1, 10), (4096, 1048576), (999999, None), (len(whole), None), (5, 0):
                with self.subTest(uri=uri, offset=offset, length=length):
                    words = ["--offset", offset] + (["--length", length] if length is not None else [])
                    expected = whole[offset:][:length]
                    self.assertEqual(self.get_bytes(*words, uri, "-"), expected)
                    self.assert_good(self.dlfw("get", *words, uri, "part"))
                    self.assertEqual((self.folder / "part").read_bytes(), expected)
        self.assert_fails(self.dlfw("get", "--offset", len(whole) + 1, "data/sub/deep/a.bin", "-"), "there is nothing at")

    def test_a_reader_that_leaves(self):
        self.tree()
        process = subprocess.Popen(self.argv("get", "data/sub/deep/a.bin", "-"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.folder)
        process.stdout.read(10)
        process.stdout.close()
        self.assertEqual(process.stderr.read(), b"")
        process.stderr.close()
        self.assertEqual(process.wait(30), 0)

    def test_keylist(self):
        self.tree()
        (self.folder / "outside").write_text("x")
        (self.folder / "keys").write_text("# comment\nb.bin\n\nsub/deep/c.bin\n")
        self.assert_good(self.dlfw("get", "--keylist", "keys", "data", "there"))
        self.assertEqual(sorted(self.files("there")), ["b.bin", "sub/deep/c.bin"])
        (self.folder / "keys").write_text("b.bin\n../outside\n/etc/passwd\nmissing\nsub/deep/a.bin\n")
        done = self.dlfw("get", "--keylist", "keys", "data", "deep/there2")
        self.assert_fails(done)
        self.assertIn("3 failed", done.out)
        self.assertEqual(sorted(self.files("deep")), ["there2/b.bin", "there2/sub/deep/a.bin"])

    def test_discard(self):
        self.tree()
        done = self.json("get", "--discard", "-r", "data")
        self.assertEqual((done["attempted"], done["objects"], done["failed"], done["bytes"]), (len(SIZES), len(SIZES), 0, sum(SIZES.values())))
        self.assertGreaterEqual(done["read_ns"]["count"], len(SIZES))
        (self.folder / "keys").write_text("b.bin\nmissing\n")
        done = self.json("get", "--discard", "--keylist", "keys", "data", status=1)
        self.assertEqual((done["attempted"], done["objects"], done["failed"]), (2, 1, 1))

    def test_mistakes(self):
        self.tree()
        for words, text in [
            (["-r", "data", "-"], "standard output"),
            (["--discard", "--verify", "-r", "data"], "--discard"),
            (["--offset", "1", "-r", "data"], "--offset"),
            (["--offset", "x", "data/b.bin"], "--offset"),
            (["data/"], "-r"),
            (["a", "b", "c"], "'c'"),
            ([], "URI"),
        ]:
            with self.subTest(words):
                self.assert_fails(self.dlfw("get", *words), text, status=2)


class Put(Copy):
    def test_files(self):
        self.tree()
        self.assert_good(self.dlfw("put", "-r", "data", "direct://there/"))
        self.assert_same("data", "there/data")

    def test_made_up(self):
        for scheme in "file://", "direct://":
            done = self.json("put", "--size", "100000", "--count", 12, "--name-template", "s{}/of_{}", "--verify", f"{scheme}{self.folder}/out")
            self.assertEqual((done["objects"], done["bytes"], done["verified"]), (12, 1200000, 12))
            files = self.files("out")
            self.assertEqual(sorted(files), sorted(f"s{i}/of_12" for i in range(12)))
            self.assertEqual(len(set(files.values())), 12)
        self.assert_good(self.dlfw("put", "--size", "1MiB", "--count", 8, "--dedup", 4, "--compress", 10, "twice"))
        self.assertEqual(len(set(self.files("twice").values())), 2)
        self.assert_good(self.dlfw("put", "--size", "1MiB", "--count", 8, "--dedup", 4, "--compress", 10, "again"))
        self.assert_same("twice", "again")

    def test_compressed(self):
        for scheme in "file://", "direct://":
            words = "--size", 3000001, "--count", 3, "--compress", 4
            done = self.json("put", *words, "--zstd", 3, "--verify", f"{scheme}{self.folder}/packed")
            self.assertEqual((done["objects"], done["bytes"], done["verified"]), (3, 9000003, 3))
            self.assertEqual(done["stored_bytes"], sum(p.stat().st_size for p in (self.folder / "packed").iterdir()))
            self.assertAlmostEqual(done["bytes"] / done["stored_bytes"], 4, delta=0.04)
            self.assert_good(self.dlfw("put", *words, "plain"))
            self.assert_good(self.dlfw("put", "-r", "--zstd", 19, "--checksum", "plain", "again"))
            for path in (self.folder / "plain").iterdir():
                for packed in "packed", "again":
                    whole = subprocess.run(["zstd", "-dc", self.folder / packed / path.name], capture_output=True, check=True).stdout
                    self.assertEqual(whole, path.read_bytes())

    def test_mistakes(self):
        for words, status, text in [
            (["--zstd", "20", "a", "out"], 2, "--zstd"),
            (["--zstd", "3", "--resume", "a", "out"], 2, "--no-clobber"),
            (["--size", "1MiB", "--count", "2", "--name-template", "x", "out"], 1, "'{}'"),
            (["--size", "1MiB", "--compress", "0.5", "out"], 1, "ratio"),
            (["--size", "1MiB", "--dedup", "1.5", "out"], 2, "--dedup"),
            (["--size", "1MiB", "--name-template", "../{}", "out"], 1, "'..'"),
            (["--count", "2", "a", "out"], 2, "--size"),
            (["--size", "1MiB", "a", "out"], 2, "'a'"),
            (["memory://x/a", "out"], 2, "local file"),
            (["a"], 2, "URI"),
        ]:
            with self.subTest(words):
                self.assert_fails(self.dlfw("put", *words), text, status=status)
        self.assertFalse((self.folder / "out").exists() and self.files("out"))


class Sync(Copy):
    def test_only_what_differs(self):
        data = self.tree()
        first = self.json("sync", "data", "there")
        self.assertEqual((first["objects"], first["same"]), (len(SIZES), 0))
        self.assert_same("data", "there")
        again = self.json("sync", "data", "there")
        self.assertEqual((again["objects"], again["same"], again["bytes"]), (0, len(SIZES), 0))
        (data / "b.bin").write_bytes(b"xy")  # another size
        os.utime(data / "sub/ü.bin")  # newer
        (data / "new.bin").write_bytes(b"1")
        (self.folder / "there/extra.bin").write_bytes(b"1")
        done = self.json("sync", "data", "there")
        self.assertEqual((done["objects"], done["same"], done["removed"]), (3, len(SIZES) - 2, 0))
        self.assertTrue((self.folder / "there/extra.bin").exists())

    def test_checksum(self):
        data = self.tree()
        self.assert_good(self.dlfw("sync", "data", "there"))
        changed = data / "sub/deep/c.bin"
        before = changed.stat()
        changed.write_bytes(b"y" + changed.read_bytes()[1:])
        os.utime(changed, ns=(before.st_atime_ns, before.st_mtime_ns))
        self.assertEqual(self.json("sync", "data", "there")["objects"], 0)
        done = self.json("sync", "--checksum", "data", f"direct://{self.folder}/there")
        self.assertEqual((done["objects"], done["same"]), (1, len(SIZES) - 1))
        self.assert_same("data", "there")

    def test_delete(self):
        self.tree()
        self.tree("there", {"extra": 5, "sub/extra": 5, "b.bin": 3})
        result = self.dlfw("sync", "--delete", "--dry-run", "data", "there")
        self.assert_good(result)
        self.assertEqual(sorted(line for line in result.out.splitlines() if "remove " in line), ["would remove there/extra", "would remove there/sub/extra"])
        self.assertEqual(len(self.files("there")), 3)
        self.assertEqual(self.json("sync", "--delete", "data", "there")["removed"], 2)
        self.assert_same("data", "there")

    def test_nothing_is_deleted_after_a_failure(self):
        self.tree("data", {"a": 5, "b": 5})
        self.tree("there", {"extra": 5})
        (self.folder / "there/b").mkdir()
        self.assert_fails(self.dlfw("sync", "--delete", "data", "there"), "there/b")
        self.assertEqual(sorted(self.files("there")), ["a", "extra"])
        self.assert_fails(self.dlfw("sync", "--delete", "nothing", "there"), "nothing")
        self.assertEqual(sorted(self.files("there")), ["a", "extra"])

    def test_folders_that_lie_in_each_other(self):
        self.tree()
        self.assert_fails(self.dlfw("sync", "data", "data/sub/copy"), "lies in")
        self.assert_fails(self.dlfw("sync", "--delete", "data/sub", "data"), "--delete would remove it")
        self.assertEqual(len(self.files("data")), len(SIZES))


if __name__ == "__main__":
    unittest.main()
