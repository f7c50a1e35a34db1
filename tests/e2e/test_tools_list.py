# SPDX-License-Identifier: Apache-2.0
"""ls, stat, cat, rm, mb, rb and du on local files, and the arguments that all storage tools share."""
import datetime
import json
import os
import pathlib
import re
import shutil
import subprocess
import time
import unittest

from support import SANITIZED, EndToEnd, Result


class Tools(EndToEnd):
    def setUp(self):
        super().setUp()
        self.data = self.folder / "data"
        self.data.mkdir()

    def put(self, name, content=b""):
        path = self.data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def lines(self, *words, **more):
        result = self.dlfw(*words, **more)
        self.assert_good(result)
        return sorted(result.out.splitlines())

    def documents(self, *words):
        return [json.loads(line) for line in self.lines(*words)]

    def left(self):
        return sorted(str(p.relative_to(self.data)) for p in self.data.rglob("*"))


class List(Tools):
    def setUp(self):
        super().setUp()
        for name in ("a.npz", "b.txt", "train/1.npz", "train/2.npz", "train/deep/3.npz", "valid/4.txt"):
            self.put(name, b"x" * (10 + len(name)))
        (self.data / "none").mkdir()

    def test_one_level_and_all(self):
        self.assertEqual(self.lines("ls", self.data), ["a.npz", "b.txt", "none/", "train/", "valid/"])
        everything = ["a.npz", "b.txt", "train/1.npz", "train/2.npz", "train/deep/3.npz", "valid/4.txt"]
        for jobs in ("1", "7"):
            self.assertEqual(self.lines("ls", "-r", "-j", jobs, f"{self.data}/"), everything)
        self.assertEqual(self.lines("ls", "-r", f"file://{self.data}"), everything)
        self.assertEqual(self.lines("ls", "-r", f"direct://{self.data}"), everything)
        self.assertEqual(self.lines("ls", "data", cwd=self.folder), ["a.npz", "b.txt", "none/", "train/", "valid/"])
        self.assertEqual(self.lines("ls", self.data / "none"), [])

    def test_whole_uris_and_nul_bytes(self):
        self.assertEqual(self.lines("ls", "--uri", f"file://{self.data}/train/"),
                         [f"file://{self.data}/train/{name}" for name in ("1.npz", "2.npz", "deep/")])
        out = self.dlfw("ls", "-0", self.data / "train").out
        self.assertEqual(sorted(out.split("\0")), ["", "1.npz", "2.npz", "deep/"])

    def test_patterns(self):
        self.assertEqual(self.lines("ls", "--glob", "*.npz", self.data), ["a.npz"])
        self.assertEqual(self.lines("ls", "-r", "--glob", "*.npz", self.data), ["a.npz", "train/1.npz", "train/2.npz", "train/deep/3.npz"])
        self.assertEqual(self.lines("ls", "-r", "--glob", "train/*.npz", self.data), ["train/1.npz", "train/2.npz"])
        self.assertEqual(self.lines("ls", "-r", "--glob", "train/**", self.data), ["train/1.npz", "train/2.npz", "train/deep/3.npz"])
        self.assertEqual(self.lines("ls", "-r", "--regex", "/[14][.]", self.data), ["train/1.npz", "valid/4.txt"])
        self.assertEqual(self.lines("ls", "--glob", "t*", self.data), ["train/"])
        for words in (["--glob", "[", self.data], ["--regex", "(", self.data], ["--glob", "a", "--regex", "b", self.data]):
            self.assertEqual(self.dlfw("ls", *words).status, 2)

    def test_details(self):
        os.utime(self.data / "a.npz", ns=(0, 1700000000_987654321))
        rows = {line.split()[-1]: line.split()[:-1] for line in self.lines("ls", "-l", self.data)}
        self.assertEqual(rows["a.npz"], ["15", "2023-11-14T22:13:20Z"])
        self.assertEqual(rows["train/"], ["-", "-"])

    def test_json(self):
        os.utime(self.data / "a.npz", ns=(0, 1700000000_987654321))
        found = {entry["name"]: entry for entry in self.documents("ls", "--json", self.data)}
        self.assertEqual(found["a.npz"], {"name": "a.npz", "type": "object", "size": 15, "mtime": "2023-11-14T22:13:20.987654321Z"})
        self.assertEqual(found["train/"], {"name": "train/", "type": "folder"})
        entry, = self.documents("ls", "--json", "--uri", "--glob", "b*", self.data)
        self.assertEqual(entry["uri"], f"{self.data}/b.txt")

    def test_count(self):
        result = self.dlfw("ls", "-r", "--count", self.data)
        size = sum(p.stat().st_size for p in self.data.rglob("*") if p.is_file())
        self.assertRegex(result.out, rf"^6 objects, {size} bytes \([0-9.]+ B\), [0-9.]+ s, [0-9.]+k? names/s\n$")
        counted, = self.documents("ls", "--count", "--json", self.data)
        self.assertEqual((counted["objects"], counted["folders"]), (2, 3))
        self.assertGreater(counted["names_per_s"], 0)

    def test_an_object(self):
        self.assertEqual(self.lines("ls", self.data / "a.npz"), ["a.npz"])
        self.assertEqual(self.lines("ls", "--uri", "-r", f"file://{self.data}/train/1.npz"), [f"file://{self.data}/train/1.npz"])
        entry, = self.documents("ls", "--json", self.data / "a.npz")
        self.assertEqual(entry["size"], 15)

    def test_mistakes(self):
        self.assert_fails(self.dlfw("ls", self.data / "nothing"), "nothing", "No such file")
        self.assert_fails(self.dlfw("ls", "nosuch://x"), "nosuch")
        for words in ([], [self.data, self.data], ["--depth", self.data], ["-x", self.data], ["-j", "0", self.data], ["-o", "engine", self.data],
                      ["-o", "=x", self.data]):
            self.assertEqual(self.dlfw("ls", *words).status, 2, words)

    def test_a_folder_that_cannot_be_listed(self):
        """Without capabilities: with them root may list everything."""
        (self.data / "train").chmod(0)
        self.addCleanup((self.data / "train").chmod, 0o755)
        drop = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"] if os.geteuid() == 0 else []
        done = subprocess.run([*drop, *self.argv("ls", "-r", self.data)], capture_output=True, text=True, timeout=60)
        result = Result(done, self.results)
        self.assert_fails(result, "train", "Permission denied")
        self.assertIn("valid/4.txt", result.out)

    def test_names_that_hurt(self):
        shutil.rmtree(self.data)
        names = [b"new\nline", b"esc\x1b[31m", "\u00e9 +%20".encode(), b"\xff\xfe", b'quote"back\\slash']
        for name in names:
            self.data.mkdir(exist_ok=True)
            (pathlib.Path(os.fsdecode(bytes(self.data) + b"/" + name))).write_bytes(b"")
        argv = self.argv("ls", "-0", self.data)
        self.assertEqual(sorted(subprocess.run(argv, capture_output=True).stdout.split(b"\0")[:-1]), sorted(names))
        result = self.dlfw("ls", "-l", self.data)
        self.assert_good(result)
        self.assertEqual(len(result.out.splitlines()), len(names))
        for text in ("new\\nline", "esc\\x1b[31m", "\u00e9 +%20", "\\xff\\xfe"):
            self.assertIn(text, result.out)
        found = [entry["name"] for entry in self.documents("ls", "--json", self.data)]
        self.assertEqual(sorted(found), sorted(["new\nline", "esc\x1b[31m", "\u00e9 +%20", "\\xff\\xfe", 'quote"back\\slash']))

    def test_a_reader_that_goes_is_no_failure(self):
        for i in range(3000):
            self.put(f"many/a_rather_long_name_of_an_object_{i:06}")
        script = '"$@" | head -1; exit ${PIPESTATUS[0]}'
        done = subprocess.run(["bash", "-c", script, "-", *self.argv("ls", "-r", "-l", self.data)], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


class Show(Tools):
    def test_stat(self):
        path = self.put("x", b"12345")
        os.utime(path, ns=(0, 1700000000_000000000))
        result = self.dlfw("stat", path)
        self.assertEqual(result.status, 0, result.err)
        self.assertRegex(result.out, rf"uri: +{path}\nsize: +5 \(5 B\)\nmodified: +2023-11-14T22:13:20Z\n$")
        entry, = self.documents("stat", "--json", path)
        self.assertEqual(entry, {"uri": str(path), "size": 5, "mtime": "2023-11-14T22:13:20Z"})

    def test_stat_of_what_is_not_there(self):
        path = self.put("x", b"12345")
        result = self.dlfw("stat", "--json", self.data / "nothing", path)
        self.assert_fails(result, f"{self.data}/nothing", "No such file")
        self.assertEqual(json.loads(result.out)["size"], 5)  # the others are shown
        self.assert_fails(self.dlfw("stat", self.data), "is a directory")
        self.assert_fails(self.dlfw("stat", "s3://"), "no object")

    def test_a_reader_of_stat_that_goes(self):
        paths = [self.put(f"a_name_that_is_long_enough_to_fill_buffers_{i}") for i in range(1200)]
        for words in ([], ["--json"]):
            script = '"$@" | head -1; exit ${PIPESTATUS[0]}'
            done = subprocess.run(["bash", "-c", script, "-", *self.argv("stat", *words, *paths)], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            with open("/dev/full", "wb") as full:
                done = subprocess.run(self.argv("stat", *words, *paths), stdout=full, stderr=subprocess.PIPE, text=True)
            self.assertEqual(done.returncode, 1)
            self.assertEqual(done.stderr, "dlfw: error: cannot write to standard output: No space left on device\n")

    def cat(self, *words):
        done = subprocess.run(self.argv("cat", *words), capture_output=True)
        return done.returncode, done.stdout, done.stderr.decode()

    def test_cat(self):
        content = bytes(range(256)) * 20000 + b"end"  # more than is read ahead
        path, small, empty = self.put("big", content), self.put("small", b"small"), self.put("empty")
        for scheme in ("", "file://", "direct://"):
            self.assertEqual(self.cat(f"{scheme}{path}", f"{scheme}{small}", f"{scheme}{empty}", f"{scheme}{small}"),
                             (0, content + b"smallsmall", ""))
        self.assertEqual(self.cat("-j", "1", path), (0, content, ""))
        self.assertEqual(self.cat("-o", "engine=pread", path), (0, content, ""))

    def test_ranges(self):
        content = bytes(i * 7 % 251 for i in range(3000000))
        path = self.put("x", content)
        for text, expected in (("0-0", content[:1]), ("5-9", content[5:10]), ("2999990-", content[2999990:]), ("-7", content[-7:]),
                               ("1048570:+20", content[1048570:1048590]), ("1MiB:+1MiB", content[1048576:2097152]), ("3000000-", b""),
                               ("10:+0", b""), ("-9999999", content)):
            for scheme in ("file://", "direct://"):
                self.assertEqual(self.cat("--range", text, f"{scheme}{path}"), (0, expected, ""), text)
        for text in ("3000000:+1", "2999999:+2", "0-3000000", "3000001-"):
            status, out, err = self.cat("--range", text, path)
            self.assertEqual((status, out), (1, b""), text)
            self.assertIn("beyond the end", err)
        for text in ("", "5", "9-5", "a-b", "5:+", ":+5", "-"):
            self.assertEqual(self.cat("--range", text, path)[0], 2, text)

    def test_cat_mistakes(self):
        path = self.put("x", b"good")
        status, out, err = self.cat(self.data / "nothing", path)
        self.assertEqual((status, out), (1, b"good"))
        self.assertIn("nothing", err)
        with open("/dev/full", "wb") as full:
            done = subprocess.run(self.argv("cat", path), stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("No space left", done.stderr)

    def test_a_reader_that_goes_is_no_failure(self):
        path = self.put("big", bytes(8 << 20))
        script = '"$@" | head -c 10 >/dev/null; exit ${PIPESTATUS[0]}'
        done = subprocess.run(["bash", "-c", script, "-", *self.argv("cat", path, path)], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_du(self):
        for name, size in (("x", 1), ("a/1", 10), ("a/2", 20), ("a/b/3", 300), ("c/4", 4000)):
            self.put(name, bytes(size))
        (self.data / "none").mkdir()
        rows = [line.split() for line in self.dlfw("du", self.data).out.splitlines()]
        self.assertEqual(rows, [["330", "3", "a/"], ["4000", "1", "c/"], ["4331", "5", str(self.data)]])
        rows = [line.split() for line in self.dlfw("du", "-d", "2", self.data).out.splitlines()]
        self.assertEqual(rows[:2], [["330", "3", "a/"], ["300", "1", "a/b/"]])
        rows = self.dlfw("du", "-h", "-d", "0", self.data).out.splitlines()
        self.assertEqual(len(rows), 1)
        self.assertIn("4.23 KiB", rows[0])
        found = [json.loads(line) for line in self.dlfw("du", "--json", "--glob", "[12]", self.data).out.splitlines()]
        self.assertEqual(found, [{"name": "a/", "objects": 2, "bytes": 30}, {"name": "", "objects": 2, "bytes": 30}])
        self.assertEqual(self.dlfw("du", self.data / "a/2").out.split(), ["20", "1", f"{self.data}/a/2"])  # an object
        self.assert_fails(self.dlfw("du", self.data / "nothing"), "nothing")
        self.assertEqual(self.dlfw("du", "-d", "x", self.data).status, 2)


    def test_du_of_many_folders(self):
        for i in range(200):
            self.put(f"{i:03}/{i % 3}/x", bytes(i))
        rows = [line.split() for line in self.dlfw("du", "-d", "2", self.data).out.splitlines()]
        self.assertEqual(len(rows), 401)
        self.assertEqual(rows[:4], [["0", "1", "000/"], ["0", "1", "000/0/"], ["1", "1", "001/"], ["1", "1", "001/1/"]])
        self.assertEqual(rows[-1], [str(sum(range(200))), "200", str(self.data)])


class Remove(Tools):
    def test_objects(self):
        for name in ("x", "y", "z", "a/x"):
            self.put(name)
        self.assert_good(self.dlfw("rm", self.data / "x", f"file://{self.data}/a/x"))
        self.assertEqual(self.left(), ["a", "y", "z"])
        result = self.dlfw("rm", self.data / "x", self.data / "y")
        self.assert_fails(result, f"{self.data}/x", "No such file")
        self.assertEqual(self.left(), ["a", "z"])  # the others go
        self.assert_good(self.dlfw("rm", "-f", self.data / "x", self.data / "z"))
        self.assert_fails(self.dlfw("rm", self.data / "a"), "Is a directory")
        self.assertEqual(self.left(), ["a"])
        self.assertEqual(self.dlfw("rm").status, 2)

    def test_folders(self):
        outside = self.folder / "outside"
        outside.mkdir()
        (outside / "keep").touch()
        for name in ("x", "a/1", "a/b/2", "a/b/c/3"):
            self.put(name)
        (self.data / "none").mkdir()
        (self.data / "a/link").symlink_to(outside)
        result = self.dlfw("rm", "-r", "-n", self.data)
        self.assertEqual(sorted(line for line in result.out.splitlines() if line.startswith("would remove")),
                         sorted(f"would remove {self.data}{rest}" for rest in ("", "/a/", "/a/1", "/a/b/", "/a/b/2", "/a/b/c/", "/a/b/c/3", "/a/link", "/none/", "/x")))
        self.assertEqual(len(self.left()), 9)
        done = json.loads(self.dlfw("rm", "-r", "--json", self.data).out)
        self.assertEqual((done["objects"], done["folders"], done["failed"], done["dry_run"]), (5, 5, 0, False))
        self.assertFalse(self.data.exists())
        self.assertTrue((outside / "keep").exists())
        self.assert_fails(self.dlfw("rm", "-r", self.data), "data")
        self.assert_good(self.dlfw("rm", "-rf", self.data))

    def test_patterns(self):
        for name in ("x.tmp", "y", "a/z.tmp", "a/w"):
            self.put(name)
        result = self.dlfw("rm", "--glob", "*.tmp", self.data)
        self.assertRegex(result.out, r"^1 objects removed")
        self.assertEqual(self.left(), ["a", "a/w", "a/z.tmp", "y"])
        self.assert_good(self.dlfw("rm", "-r", "--regex", "tmp$", self.data))
        self.assertEqual(self.left(), ["a", "a/w", "y"])

    def test_an_object_with_r(self):
        path = self.put("x")
        self.assert_good(self.dlfw("rm", "-r", path))
        self.assertEqual(self.left(), [])

    def test_what_is_not_removed(self):
        self.put("x")
        self.assert_fails(self.dlfw("rm", "-r", "/"), "never removed")
        self.assert_fails(self.dlfw("rm", "-r", "--force", "//"), "never removed")
        self.assert_fails(self.dlfw("rm", "-r", ".", cwd=self.data), "working directory")
        self.assert_fails(self.dlfw("rm", "-r", "..", cwd=self.data), "working directory")
        self.assert_fails(self.dlfw("rm", "-r", self.data, env={"HOME": str(self.data / "x")}), "home directory")
        self.assertEqual(self.dlfw("rm", "-r", "").status, 1)
        self.assert_fails(self.dlfw("rm", "-r", "memory://bucket"), "whole bucket")
        self.assertEqual(self.left(), ["x"])
        self.assert_good(self.dlfw("rm", "-r", "--force", self.data, cwd=self.data))

    def test_a_link_to_nothing_keeps_its_folder(self):
        self.put("a/x")
        (self.data / "a/bad").symlink_to("nowhere")
        self.assert_fails(self.dlfw("rm", "-r", self.data), "'a/'", "no object")
        self.assertEqual(self.left(), ["a", "a/bad"])

    def test_buckets(self):
        bucket = self.data / "a/b"
        self.assert_good(self.dlfw("mb", bucket))
        self.assertTrue(bucket.is_dir())
        self.assert_good(self.dlfw("mb", bucket, self.data / "c"))  # again
        self.put("a/b/x/y")
        self.assert_fails(self.dlfw("rb", bucket), "not empty", "--force")
        self.assert_good(self.dlfw("rb", "--force", bucket))
        self.assertFalse(bucket.exists())
        self.assert_good(self.dlfw("rb", self.data / "c"))
        self.assertEqual(self.left(), ["a"])
        self.assert_fails(self.dlfw("rb", self.data / "c"), "No such file")
        self.assert_fails(self.dlfw("rb", "--force", "/"), "never removed")
        self.put("file")
        self.assert_fails(self.dlfw("mb", self.data / "file/x"), "file")
        self.assert_good(self.dlfw("mb", "memory://bucket"))


class Common(Tools):
    def test_storage_options(self):
        self.put("x")
        self.assertEqual(self.lines("ls", "-o", "engine=pread", self.data), ["x"])
        self.assertEqual(self.lines("ls", "-o", "engine=nonsense", "-o", "engine=pread", self.data), ["x"])  # the last counts
        self.assert_fails(self.dlfw("ls", "-o", "engine=nonsense", self.data), "option 'engine=nonsense'", str(self.data))
        self.assert_fails(self.dlfw("ls", "-o", "engin=pread", self.data), "engin")

    def test_run_file(self):
        self.put("x")
        config = self.write("model: {{name: m}}\nstorage:\n  storage_options: {{engine: nonsense}}\n")
        self.assert_fails(self.dlfw("ls", "--config", config, self.data), "run.yaml:3", "nonsense")
        self.assertEqual(self.lines("ls", "--config", config, "-o", "engine=pread", self.data), ["x"])
        self.assert_fails(self.dlfw("ls", "--config", config, "memory://x"), "there is no directory")  # another scheme
        broken = self.write("storage:\n  wrap: [{{error: {{every: 1, status: io, ops: [list]}}}}]\n", "broken.yaml")
        self.assert_fails(self.dlfw("ls", "--config", broken, self.data), "cannot list")
        self.assert_fails(self.dlfw("ls", "--config", self.folder / "none.yaml", self.data), "none.yaml")

    def test_secrets_are_not_shown(self):
        result = self.dlfw("ls", "-o", "secret_access_key=hidden123", self.data)
        self.assertEqual(result.status, 1)
        self.assertNotIn("hidden123", result.err + result.out)

    def test_help(self):
        for command in ("ls", "stat", "cat", "rm", "mb", "rb", "du"):
            result = subprocess.run([self.argv("ls")[0], command, "--help"], capture_output=True, text=True)
            self.assertEqual(result.returncode, 0)
            self.assertRegex(result.stdout, rf"^usage: dlfw {command} ")

    def test_dates_are_utc(self):
        path = self.put("x")
        entry, = self.documents("stat", "--json", path)
        told = datetime.datetime.fromisoformat(re.sub(r"\.(\d{6})\d+Z$", r".\1+00:00", entry["mtime"]).replace("Z", "+00:00"))
        self.assertAlmostEqual(told.timestamp(), path.stat().st_mtime, delta=1)


class Interrupted(Tools):
    def test_stops_soon(self):
        for i in range(200):
            self.put(f"d{i}/x")
        config = self.write("storage:\n  wrap: [{{delay: {{open: 100ms}}}}]\n")
        for words in (["ls", "-r"], ["du"], ["rm", "-r"]):
            process = self.start(words[0], *words[1:], "-j", "2", "--config", config, self.data)
            time.sleep(0.7)
            begin = time.monotonic()
            status, _, err = self.stop(process)
            self.assertEqual(status, 130, err)
            self.assertNotIn("error", err)
            self.assertLess(time.monotonic() - begin, 5)
        self.assertGreater(len(self.left()), 100)


class Memory(Tools):
    """Memory does not grow with the number of names."""
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

    def peak_kib(self, *words):
        pid = os.posix_spawn(self.argv(words[0])[0], self.argv(*words), os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
        _, status, usage = os.wait4(pid, 0)
        self.assertEqual(status, 0)
        return usage.ru_maxrss

    @unittest.skipIf(SANITIZED, "a sanitizer's memory is not ours")
    def test_many_names(self):
        limit = 24 << 10
        for k in range(40):
            folder = self.data / f"d{k % 4}" / f"{k}"
            folder.mkdir(parents=True)
            for i in range(1000):
                os.mknod(folder / f"a_name_that_has_fifty_bytes_or_some_more_{i:08}")
        self.assertLess(self.peak_kib("ls", "-r", self.data), limit)
        self.assertLess(self.peak_kib("du", self.data), limit)
        self.assertLess(self.peak_kib("rm", "-r", self.data), limit)
        self.assertFalse(self.data.exists())


if __name__ == "__main__":
    unittest.main()
