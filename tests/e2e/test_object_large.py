# SPDX-License-Identifier: Apache-2.0
"""An object of more than 5 GiB: more than one PUT may carry, and offsets that 32 bits cannot hold. Read from rclone, which has
it as a sparse file; written to a server that drops the bytes."""
import json
import resource

from object_store import MIB, ObjectStore, content, start
from faults.drain import Drain
from servers.rclone import Rclone
from support import SANITIZED

GIB = 1 << 30
SIZE = 5 * GIB + 200 * MIB + 3


def setUpModule():
    Large.server = start(Rclone())


class Large(ObjectStore):
    def stored(self, key):
        return self.server.folder / "buckets" / self.bucket / key

    def test_reading(self):
        marks = {offset: content(1000, offset) for offset in (0, 4 * GIB - 500, 5 * GIB - 1, SIZE - 1000)}
        with open(self.stored("sparse"), "wb") as file:
            file.truncate(SIZE)
            for offset, data in marks.items():
                file.seek(offset)
                file.write(data)
        self.assertEqual(json.loads(self.dlfw("stat", "--json", self.uri("sparse")).out)["size"], SIZE)
        for offset, data in marks.items():
            self.assertEqual(self.cat("sparse", "--range", f"{offset}-{offset + 999}"), data)
        self.assertEqual(self.cat("sparse", "--range", "-1000"), marks[SIZE - 1000])

    def test_writing(self):
        with Drain() as drain:
            self.env = {**self.server.env, "AWS_ENDPOINT_URL": drain.endpoint}
            self.assert_good(self.dlfw("put", "--size", SIZE, "--name-template", "large", self.uri("made"), timeout=200))
        sizes = [drain.parts[number] for number in sorted(drain.parts)]
        self.assertEqual(sum(sizes), SIZE)
        self.assertEqual((drain.committed, drain.others), (list(range(1, len(sizes) + 1)), []))
        self.assertLessEqual(len(sizes), 10000)
        self.assertTrue(all(5 * MIB <= size <= 5 * GIB for size in sizes[:-1]), sizes[:3])
        if not SANITIZED:
            self.assertLess(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, 400 * 1024)  # KiB: buffers of parts in flight, not the object
