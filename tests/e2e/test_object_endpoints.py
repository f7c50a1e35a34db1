# SPDX-License-Identifier: Apache-2.0
"""Two doors to one S3 server, one of which closes: runs go on, tools too, and the error names both when nothing is left."""
import socket
import threading
import unittest

from object_store import ObjectStore, start
from servers.rclone import Rclone
from support import SMALL

SERVER = None


def setUpModule():
    global SERVER
    SERVER = start(Rclone())


class Door:
    """A port that leads to the server until it is shut: then connections break, and new ones are refused. after: shuts itself after so many bytes."""

    def __init__(self, port, after=None):
        self.target, self.left, self.open = port, after, []
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                here, _ = self.listener.accept()
                there = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                return
            with self.lock:
                self.open += [here, there]
            threading.Thread(target=self.pass_on, args=(here, there, False), daemon=True).start()
            threading.Thread(target=self.pass_on, args=(there, here, True), daemon=True).start()

    def pass_on(self, source, sink, counts):
        try:
            while data := source.recv(65536):
                if counts and self.left is not None:
                    self.left -= len(data)
                    if self.left < 0:
                        self.shut()
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def shut(self):
        with self.lock:
            for end in (self.listener, *self.open):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                end.close()
            self.open = []


class Endpoints(ObjectStore):
    def setUp(self):
        self.server = SERVER
        super().setUp()

    def doors(self, **more):
        made = [Door(SERVER.port), Door(SERVER.port, **more)]
        for door in made:
            self.addCleanup(door.shut)
        return made

    def config(self, doors, more=""):
        uris = ", ".join(door.url for door in doors)
        text = SMALL.replace("{folder}/data", f"s3://{self.bucket}/data").replace("num_files_train: 12", "num_files_train: 40")
        return self.write(text.replace("record_length_bytes: 4096", "record_length_bytes: 50000") +
                          f"storage:\n  storage_type: s3\n  endpoint_uris: [{uris}]\n  retry: {{{{backoff: 10ms}}}}\n{more}")

    def test_both_work(self):
        for strategy in ("round_robin", "least_connections", "latency"):
            with self.subTest(strategy):
                result = self.run_job(self.config(self.doors(), f"  endpoint_strategy: {strategy}\n"))
                self.assert_good(result)
                endpoints = result.summary()["dlfw"]["storage"]["endpoints"]
                self.assertEqual(len(endpoints), 2)
                self.assertEqual([e["errors"] for e in endpoints], [0, 0])
                self.assertTrue(all(e["requests"] for e in endpoints), endpoints)

    def test_one_closes_while_the_run_goes_on(self):
        doors = self.doors(after=1000000)
        result = self.run_job(self.config(doors))
        self.assert_good(result)
        good, bad = result.summary()["dlfw"]["storage"]["endpoints"]
        self.assertEqual((good["endpoint"], bad["endpoint"]), (doors[0].url, doors[1].url))
        # a file that was on its way when its door closed comes again through the other one, and rclone may refuse to have it twice at once
        self.assertLessEqual(good["errors"], 1)
        self.assertGreater(bad["errors"], 0)
        self.assertEqual(bad["state"], "set_aside")
        self.assertLess(bad["requests"], good["requests"])
        self.assertEqual(result.summary()["dlfw"]["io"]["errors"], 0)
        self.assertEqual(result.summary()["dlfw"]["coverage"][0]["train"]["samples"], 40)

    def test_none_is_left(self):
        doors = self.doors()
        for door in doors:
            door.shut()
        result = self.run_job(self.config(doors))
        self.assert_fails(result, doors[0].url, doors[1].url, "every endpoint failed")

    def test_the_environment_names_them(self):
        doors = self.doors()
        doors[1].shut()
        self.client.put(self.bucket, "a/b", b"hello")
        env = {"S3_ENDPOINT_URIS": f"{doors[0].url},{doors[1].url}", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
        for _ in range(3):
            self.assertEqual(self.cat("a/b", env=env), b"hello")


if __name__ == "__main__":
    unittest.main()
