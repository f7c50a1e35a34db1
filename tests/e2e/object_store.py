# SPDX-License-Identifier: Apache-2.0
"""What the tests of the object stores share: the module's server, a bucket per test, and the rule that no secret comes out of anything."""
import hashlib
import os
import pathlib
import secrets
import subprocess
import sys
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import SOURCE, EndToEnd, Result

EXAMPLES = SOURCE / "examples" / "dlio"
MIB = 1 << 20
OPERATION_SECONDS = 120  # no command of these tests takes longer, whatever the server does and however busy the machine is


def start(server):
    """For setUpModule: one start per module, stopped with it."""
    server.start()
    unittest.addModuleCleanup(server.stop)
    print(f"{server.name} took {server.start_seconds:.1f} s to start", file=sys.stderr)
    return server


def content(size, seed=0):
    """Bytes that do not repeat at any power of two."""
    return hashlib.shake_128(f"{seed}".encode()).digest(size)


class ObjectStore(EndToEnd):
    server = None  # of the subclass
    env = None     # in place of the server's

    def setUp(self):
        super().setUp()
        self.client = self.clients(self.server)
        self.bucket = self.make_bucket()

    def make_bucket(self):
        name = "dlfw-" + secrets.token_hex(8)
        self.client.make_bucket(name)
        return name

    kept_clients = {}

    @classmethod
    def clients(cls, server):
        """One per server: making one takes longer than a test."""
        if id(server) not in cls.kept_clients:
            cls.kept_clients[id(server)] = server.client()
        return cls.kept_clients[id(server)]

    def run(self, result=None):
        bad = len(result.failures) + len(result.errors) if result is not None else 0
        super().run(result)
        if result is not None and len(result.failures) + len(result.errors) > bad and self.server is not None:
            self.server.show_log()

    def uri(self, key=""):
        return self.server.uri(self.bucket, key)

    # the program, with its output as bytes

    def environment(self, more=None):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "AZURE_", "GOOGLE_", "GCS_", "STORAGE_EMULATOR"))}
        return {**kept, "HOME": str(self.folder), **(self.server.env if self.env is None else self.env), **(more or {})}

    def dlfw_bytes(self, command, *words, env=None, stdin=None, timeout=OPERATION_SECONDS):
        """status, standard output as bytes, standard error as text. A command that hangs is a failed test."""
        done = subprocess.run(self.argv(command, *words), capture_output=True, env=self.environment(env), cwd=self.folder, timeout=timeout, input=stdin or b"")
        self.assert_no_secret(done.stdout, done.stderr)
        return done.returncode, done.stdout, done.stderr.decode(errors="replace")

    def dlfw(self, command, *words, env=None, cwd=None, timeout=OPERATION_SECONDS, preexec_fn=None):
        done = subprocess.run(self.argv(command, *words), capture_output=True, text=True, env=self.environment(env), cwd=cwd or self.folder, timeout=timeout,
                              preexec_fn=preexec_fn)
        self.assert_no_secret(done.stdout.encode(), done.stderr.encode())
        return Result(done, self.results)

    def assert_no_secret(self, *outputs):
        """Neither as they are nor as they stand in a URL; in what was printed and in every file of the results folder."""
        files = [path.read_bytes() for path in self.results.rglob("*") if path.is_file()] if self.results.exists() else []
        for secret in self.server.secrets + tuple(self.more_secrets()):
            for form in {secret, urllib.parse.quote(secret, safe=""), urllib.parse.quote_plus(secret)}:
                for text in (*outputs, *files):
                    self.assertNotIn(form.encode(), text, "a secret came out")

    def more_secrets(self):
        return ()

    def assert_one_error(self, status, err, *texts):
        self.assertEqual(status, 1, err)
        lines = [line for line in err.splitlines() if line.startswith("dlfw: error:")]
        self.assertEqual(len(lines), 1, err)
        for text in texts:
            self.assertIn(text, lines[0])
        return lines[0]

    def cat(self, key, *words, **more):
        status, out, err = self.dlfw_bytes("cat", *words, self.uri(key), **more)
        self.assertEqual(status, 0, err)
        return out

    def local(self, name, data):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def upload(self, key, data, *words):
        status, _, err = self.dlfw_bytes("cp", *words, self.local("upload", data), self.uri(key))
        self.assertEqual(status, 0, err)
