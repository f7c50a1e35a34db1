# SPDX-License-Identifier: Apache-2.0
"""validate, config show, plugins list and info, version, help, and what they say to mistakes."""
import json
import pathlib
import shutil
import subprocess
import time
import unittest

from support import BUILD, SMALL, EndToEnd


class Validate(EndToEnd):
    def test_good_file(self):
        result = self.dlfw("validate", self.write(SMALL))
        self.assertEqual((result.status, result.err), (0, ""))

    def test_all_mistakes_at_once_with_their_places(self):
        text = SMALL.replace("epochs: 2", "epochs: two").replace("batch_size: 4", "batch_siez: 4").replace("format: npz", "format: npx")
        result = self.dlfw("validate", "--json", self.write(text))
        self.assertEqual(result.status, 1)
        report = json.loads(result.out)
        self.assertFalse(report["ok"])
        found = {(p["line"], p["column"], p["severity"]) for p in report["problems"]}
        self.assertLessEqual({(19, 11, "error"), (14, 3, "warning")}, found)
        self.assertTrue(any("npx" in p["message"] for p in report["problems"]), report)

    def test_strict(self):
        self.assertEqual(self.dlfw("validate", "--strict", self.write(SMALL + "nonsense: 1\n")).status, 1)
        self.assertEqual(self.dlfw("validate", self.write(SMALL + "nonsense: 1\n")).status, 0)

    def test_plugin_options_are_checked(self):
        result = self.dlfw("validate", self.write(SMALL), "++storage.storage_options.engine=urign")
        self.assertEqual(result.status, 1)
        self.assertIn("urign", result.out + result.err)
        self.assertIn("uring", result.out + result.err)

    def test_nothing_is_written(self):
        self.dlfw("validate", self.write(SMALL))
        self.assertEqual([p.name for p in self.folder.iterdir()], ["run.yaml"])

    def test_syntax_error_names_the_place(self):
        result = self.dlfw("validate", self.write(SMALL + "dataset: {{}}\n"))
        self.assertEqual(result.status, 1)
        self.assertIn("run.yaml:21:1", result.out + result.err)


class ConfigShow(EndToEnd):
    def test_values_and_where_they_came_from(self):
        result = self.dlfw("config", "show", "--json", self.write(SMALL), "++reader.batch_size=9")
        self.assertEqual(result.status, 0, result.err)
        text = result.out
        self.assertIn("override 1", text)
        self.assertIn("run.yaml:15:17", text)
        json.loads(text)

    def test_text(self):
        result = self.dlfw("config", "show", self.write(SMALL))
        self.assertEqual(result.status, 0, result.err)
        row = [line for line in result.out.splitlines() if line.startswith("reader.prefetch_size")]
        self.assertEqual(len(row), 1)
        self.assertIn("default", row[0])


class Plugins(EndToEnd):
    def list(self, *words):
        return json.loads(self.dlfw("plugins", "list", "--json", *words).out)

    def test_list(self):
        names = {(i["name"], i["kind"]) for p in [self.list()] for i in p["plugins"]}
        self.assertLessEqual({("file", "backend"), ("direct", "backend"), ("null", "backend"), ("memory", "backend"), ("npz", "format"), ("npy", "format"),
                              ("metrics", "hook")}, names)

    def test_refused_files_have_their_reasons(self):
        folder = self.folder / "more"
        folder.mkdir()
        (folder / "dlfw-backend-text.so").write_text("not a program")
        shutil.copy("/bin/true", folder / "dlfw-backend-program.so")
        done = subprocess.run([str(BUILD / "dlfw"), "plugins", "list", "--json", "--plugin-dir", str(folder)], capture_output=True, text=True)
        refused = {pathlib.Path(p["file"]).name: p["reason"] for p in json.loads(done.stdout)["refused"]}
        self.assertIn("ELF", refused["dlfw-backend-text.so"])
        self.assertIn("dlfw-backend-program.so", refused)

    def test_twenty_plugins_in_twenty_milliseconds(self):
        folder = self.folder / "many"
        folder.mkdir()
        for i in range(20):
            shutil.copy(BUILD / "plugins" / "dlfw-format-npz.so", folder / f"dlfw-format-n{i}.so")
        argv = [str(BUILD / "dlfw"), "plugins", "list", "--plugin-dir", str(folder)]
        best = min(self.seconds(argv) for _ in range(5))
        if not (BUILD / "CMakeCache.txt").read_text().count("DLFW_SANITIZE:STRING=a"):
            self.assertLess(best, 0.02)

    def seconds(self, argv):
        start = time.perf_counter()
        subprocess.run(argv, stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - start

    def test_info(self):
        info = json.loads(self.dlfw("plugins", "info", "file", "--json").out)
        self.assertIn("engine", json.dumps(info))
        text = self.dlfw("plugins", "info", "npz").out
        self.assertIn("compression", text)
        self.assertIn("Apache-2.0", text)

    def test_info_of_an_unknown_plugin_names_the_nearest(self):
        result = self.dlfw("plugins", "info", "npx")
        self.assertEqual(result.status, 1)
        self.assertRegex(result.err, "npz|npy")

    def test_missing_plugin_dir(self):
        done = subprocess.run([str(BUILD / "dlfw"), "plugins", "list", "--plugin-dir", "/nonexistent"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nonexistent", done.stderr)


class CommandLine(EndToEnd):
    def run_plain(self, *words):
        return subprocess.run([str(BUILD / "dlfw"), *words], capture_output=True, text=True)

    def test_version_and_help(self):
        self.assertRegex(self.run_plain("--version").stdout, r"^dlfw \d+\.\d+\.\d+ \(plugin ABI 1\.0\)$")
        for words in (["--help"], ["run", "--help"], ["plugins", "--help"]):
            done = self.run_plain(*words)
            self.assertEqual(done.returncode, 0)
            self.assertIn("usage: dlfw", done.stdout)

    def test_mistakes_exit_with_2(self):
        for words in ([], ["rum"], ["run"], ["run", "--fast", "x.yaml"], ["run", "--plugin-dir"], ["run", "a.yaml", "b.yaml"]):
            done = self.run_plain(*words)
            self.assertEqual(done.returncode, 2, words)
            self.assertTrue(done.stderr, words)
            self.assertEqual(done.stdout, "", words)

    def test_unknown_variable(self):
        result = self.dlfw("run", self.write(SMALL), env={"DLFW_PLUGIN_PAHT": "x"})
        self.assertEqual(result.status, 1)
        self.assertIn("DLFW_PLUGIN_PATH", result.err)


if __name__ == "__main__":
    unittest.main()
