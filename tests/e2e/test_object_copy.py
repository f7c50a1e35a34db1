# SPDX-License-Identifier: Apache-2.0
"""The tools between any two storages: what went round through all services is what was there, and each service keeps its structure."""
import json

from object_store import MIB, ObjectStore, content, start
from servers.azurite import Azurite
from servers.gcs import GcsEmulator
from servers.rclone import Rclone

TREE = {"empty": 0, "a b/one": 1, "a b/ä+%/odd": 70001, "large": 17 * MIB + 5}


def setUpModule():
    RoundTrip.servers = [start(Rclone()), start(Azurite()), start(GcsEmulator())]
    RoundTrip.server = RoundTrip.servers[0]


class RoundTrip(ObjectStore):
    servers = ()

    def setUp(self):
        super().setUp()
        self.env = {name: value for server in self.servers for name, value in server.env.items()}
        self.roots = []
        for server in self.servers:
            if server is not self.server:
                self.clients(server).make_bucket(self.bucket)
            self.roots.append(server.uri(self.bucket))
        for name, size in TREE.items():
            self.local(f"tree/{name}", content(size, name))

    def more_secrets(self):
        return tuple(secret for server in self.servers for secret in server.secrets)

    def assert_same(self, folder):
        found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        self.assertEqual(sorted(found), sorted(TREE))
        for name, size in TREE.items():
            self.assertTrue(found[name] == content(size, name), name)

    def test_round(self):
        way = [self.folder / "tree", *(f"{root}/way" for root in self.roots), self.folder / "back"]
        for source, target in zip(way, way[1:]):
            self.assert_good(self.dlfw("cp", "-r", "--checksum", source, target))
        self.assert_same(self.folder / "back")
        for server in self.servers:
            self.assertEqual(self.clients(server).names(self.bucket), sorted(f"way/{name}" for name in TREE))

    def test_sync_both_ways(self):
        s3, az, _ = self.roots
        self.assert_good(self.dlfw("sync", self.folder / "tree", f"{s3}/s"))
        self.assert_good(self.dlfw("sync", f"{s3}/s", f"{az}/s"))
        self.clients(self.servers[1]).put(self.bucket, "s/extra", b"extra")
        self.clients(self.servers[1]).delete(self.bucket, "s/empty")
        self.assert_good(self.dlfw("sync", "--delete", f"{s3}/s", f"{az}/s"))
        self.assertEqual(self.clients(self.servers[1]).names(self.bucket), sorted(f"s/{name}" for name in TREE))
        again = self.dlfw("sync", "--json", "--dry-run", "--delete", f"{s3}/s", f"{az}/s")
        self.assert_good(again)
        self.assertEqual(json.loads(again.out.splitlines()[-1])["bytes"], 0, again.out)

    def test_one_side_fails(self):
        """What is wrong on one side is named, and nothing of the other side's credentials is."""
        self.clients(self.server).put(self.bucket, "w/good", b"good")
        status, _, err = self.dlfw_bytes("cp", "-r", f"{self.roots[0]}/w", "az://dlfwtest/no-such-container/w")
        self.assert_one_error(status, err, "no-such-container")
