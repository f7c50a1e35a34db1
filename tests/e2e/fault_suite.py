# SPDX-License-Identifier: Apache-2.0
"""The fault matrix: each fault during GET, PUT, upload in parts and LIST. After each the bytes are right or there is one error line; nothing is lost, nothing
stays behind, and no command outlasts its deadline. A subclass names the server."""
import signal
import subprocess
import time

from object_store import MIB, OPERATION_SECONDS, ObjectStore, content  # first: it makes tests/ known
from faults import documents
from faults.kinds import Cut, Delay, Drip, Duplicate, Flip, FlipRequest, Garbage, Refuse, Reset, ResetRequest, SetHeader, Stall
from faults.proxy import Proxy, Rule

SMALL, LARGE = 70001, 17 * MIB + 5
SILENCE = 0.7  # seconds of idle_timeout and first_byte_timeout where a fault is a silence ...
SLOW = {"parts": 1.5}  # ... and where the service itself takes its time
DEADLINE = 6   # of one operation with all its attempts
RIGHT, ERROR, EITHER = "right", "error", "either"

CONFIG = """storage:
  storage_type: {scheme}
  storage_root: {root}
  retry: {{max_attempts: {attempts}, backoff: 10ms, max_backoff: 50ms, timeout: {deadline}s}}
"""


class Matrix(ObjectStore):
    attempts = 3

    def through(self, proxy):
        """The environment that leads to the proxy."""
        return {name: value.replace(self.server.endpoint, proxy.endpoint) for name, value in self.server.env.items()}

    def words(self, silence=None, options=()):
        root = self.server.uri(self.bucket).split("://")[1]
        config = self.folder / "faults.yaml"
        config.write_text(CONFIG.format(scheme=self.server.scheme, root=root, attempts=self.attempts, deadline=DEADLINE))
        given = list(options)
        if silence:
            given += [f"first_byte_timeout={silence}s", f"idle_timeout={silence}s"]
        return ["--config", config] + [word for option in given for word in ("-o", option)]

    # one operation under one fault, and what must hold after it

    def read(self, proxy, words, expect, size=SMALL):
        data = content(size)
        status, out, err = self.dlfw_bytes("cat", *words, self.uri("read"), env=self.through(proxy))
        if status == 0:
            self.assertTrue(out == data, f"wrong bytes: {len(out)} of {size}")
        self.judge(status, err, expect)

    def fetch(self, proxy, words, expect, size=SMALL):
        """To a file: after an error there is none, nor a part of one."""
        target = self.folder / "fetched"
        target.unlink(missing_ok=True)
        status, _, err = self.dlfw_bytes("get", *words, self.uri("read"), target, env=self.through(proxy))
        if status == 0:
            self.assertTrue(target.read_bytes() == content(size), "wrong bytes")
        else:
            self.assertEqual([path.name for path in self.folder.iterdir() if "fetched" in path.name], [])
        self.judge(status, err, expect)

    def write(self, proxy, words, expect, size=SMALL, key="written"):
        data = content(size, "written")
        if self.client.size(self.bucket, key) is not None:
            self.client.delete(self.bucket, key)
        status, _, err = self.dlfw_bytes("cp", *words, self.local("source", data), self.uri(key), env=self.through(proxy))
        there = self.client.size(self.bucket, key)
        if status == 0 or there is not None:  # an answer may be lost after the service has done its work; then all of it must be there
            self.assertTrue(self.client.get(self.bucket, key) == data, f"{there} bytes are stored, of {size}")
        self.assertEqual(self.uploads_left(key), [])
        self.judge(status, err, expect)

    def uploads_left(self, key):
        return [name for name in self.client.uploads(self.bucket) if name == key]

    def upload_parts(self, proxy, words, expect):
        self.write(proxy, words, expect, size=LARGE, key="parts")

    def list(self, proxy, words, expect):
        status, out, err = self.dlfw_bytes("ls", "-r", "--json", *words, self.uri("names"), env=self.through(proxy))
        if status == 0:
            self.assertEqual(out.count(b"\n"), 20, out)
        self.judge(status, err, expect)

    def judge(self, status, err, expect):
        if status:
            self.assert_one_error(status, err)
        if expect == RIGHT:
            self.assertEqual(status, 0, err)
        elif expect == ERROR:
            self.assertNotEqual(status, 0, "the command does not know of the fault")

    kept_buckets = {}  # one per server: every test leaves it as it was

    def setUp(self):
        super().setUp()
        self.client.put(self.bucket, "read", content(SMALL))

    def make_bucket(self):
        name = self.kept_buckets.get(self.server)
        if name is None:
            name = self.kept_buckets[self.server] = super().make_bucket()
            for i in range(20):
                self.client.put(name, f"names/{i}", b"x")
        return name

    @property
    def operations(self):
        """Where each operation meets its fault: method and path of the request."""
        return {"read": (self.read, "GET", "/read"), "fetch": (self.fetch, "GET", "/read"), "write": (self.write, *self.put_request),
                           "parts": (self.upload_parts, *self.part_request), "list": (self.list, *self.list_request)}

    put_request = part_request = list_request = None  # of the subclass: (method, path) as regular expressions

    def each(self, make_fault, expect, names=("read", "fetch", "write", "parts", "list"), times=1, silence=None, options=()):
        """make_fault() is done to the first `times` requests of each operation; None: to all."""
        for name in names:
            with self.subTest(name):
                operation, method, path = self.operations[name]
                fault = make_fault()
                if fault.at_accept:  # there is no request yet
                    method = path = ""
                with Proxy(self.server.port, [Rule(fault, method=method, path=path, times=times)]) as proxy:
                    begin = time.monotonic()
                    operation(proxy, self.words(silence and SLOW.get(name, silence), options), expect)
                    took = time.monotonic() - begin
                    self.assertGreaterEqual(proxy.done, 1, f"the fault was never done; requests: {proxy.requests[:20]}")
                    if times is not None and expect == RIGHT:
                        self.assertEqual(proxy.done, times)
                    self.assertLess(took, DEADLINE + 10, "past the deadline")


class Connections(Matrix):
    def test_reset_inside_the_answer(self):
        self.each(lambda: Reset(after=50), RIGHT)

    def test_reset_before_the_answer(self):
        """The service may have done its work: doing it again must not hurt."""
        self.each(lambda: Reset(after=None), RIGHT)

    def test_reset_inside_the_request(self):
        self.each(lambda: ResetRequest(after=1000), RIGHT, ["write", "parts"])

    def test_reset_always(self):
        self.each(lambda: Reset(after=50), ERROR, ["read", "fetch", "list"], times=None)
        self.each(lambda: Reset(after=None), ERROR, times=None)

    def test_refused_once(self):
        self.each(Refuse, RIGHT)

    def test_refused_always(self):
        self.each(Refuse, ERROR, times=None)

    def test_garbage(self):
        self.each(Garbage, EITHER)
        self.each(Garbage, ERROR, times=None)


class Bodies(Matrix):
    def test_cut_with_the_right_length(self):
        self.each(lambda: Cut(after=40, honest=True), RIGHT, ["read", "fetch", "list"])

    def test_cut_with_a_wrong_length(self):
        """The message looks whole; the size that the answer or the service tells does not."""
        self.each(lambda: Cut(after=40, honest=False), EITHER, ["read", "fetch", "list"])

    def test_always_cut(self):
        for honest in (True, False):
            self.each(lambda: Cut(after=40, honest=honest), ERROR, ["read", "fetch", "list"], times=None)

    def test_dripping(self):
        self.each(lambda: Drip(20000, 0.02), RIGHT)

    def test_wrong_etag(self):
        self.each(lambda: SetHeader("ETag", '"00000000000000000000000000000000"'), EITHER)

    def test_no_etag(self):
        self.each(lambda: SetHeader("ETag", None), EITHER)

    def test_duplicate_answer(self):
        """What stands on a connection after an answer belongs to no request."""
        self.each(Duplicate, RIGHT, ["read", "fetch", "write", "parts"])

    checksums = ()  # options that a service needs for what follows

    def test_a_bit_of_a_read(self):
        """The service's checksum of the object tells."""
        self.upload("read", content(SMALL), *(word for option in self.checksums for word in ("-o", option)))
        self.each(lambda: Flip(at=33333), EITHER, ["read", "fetch"], options=self.checksums)
        self.each(lambda: Flip(at=33333), ERROR, ["read", "fetch"], times=None, options=self.checksums)

    def test_a_bit_of_a_write(self):
        self.each(lambda: FlipRequest(at=33333), EITHER, ["write", "parts"], options=self.checksums)


class Statuses(Matrix):
    def test_once(self):
        for document in (documents.UNAVAILABLE, documents.BROKEN, documents.THROTTLED):
            self.each(document[self.server.scheme], RIGHT)

    def test_retry_after(self):
        """The pause that the service asks for is kept."""
        for name in ("read", "write"):
            begin = time.monotonic()
            self.each(lambda: documents.THROTTLED[self.server.scheme](retry_after=1), RIGHT, [name])
            self.assertGreater(time.monotonic() - begin, 1)

    def test_always(self):
        self.each(documents.UNAVAILABLE[self.server.scheme], ERROR, times=None)

    def test_expired_token(self):
        self.each(documents.EXPIRED[self.server.scheme], ERROR, times=None)

    def test_denied(self):
        """Not repeated."""
        for name in self.operations:
            with self.subTest(name):
                operation, method, path = self.operations[name]
                with Proxy(self.server.port, [Rule(documents.DENIED[self.server.scheme](), method=method, path=path, times=None)]) as proxy:
                    operation(proxy, self.words(), ERROR)
                    if name != "parts":  # several parts are under way at once
                        self.assertEqual(proxy.done, 1, proxy.requests)


class Silence(Matrix):
    attempts = 2

    def test_stalled_once(self):
        self.each(lambda: Stall(after=None, seconds=30), RIGHT, silence=SILENCE)
        self.each(lambda: Stall(after=50, seconds=30), RIGHT, ["read", "list"], silence=SILENCE)

    def test_stalled_always(self):
        self.each(lambda: Stall(after=None, seconds=30), ERROR, ["read", "parts", "list"], times=None, silence=SILENCE)

    def test_late_but_in_time(self):
        self.each(lambda: Delay(0.3), RIGHT, ["read", "write", "list"])


class Trust(Matrix):
    def read_with(self, certificate, rules=(), options=()):
        with Proxy(self.server.port, rules, certificate=(self.certificates, certificate)) as proxy:
            words = self.words(options=[f"ca_bundle={self.certificates.ca}", *options])
            status, out, err = self.dlfw_bytes("cat", *words, self.uri("read"), env=self.through(proxy))
            return status, out, err, proxy

    def test_good_certificate(self):
        status, out, err, _ = self.read_with("server")
        self.assertEqual((status, out == content(SMALL)), (0, True), err)

    def test_bad_certificates(self):
        for name in ("expired", "unknown"):
            with self.subTest(name):
                status, out, err, proxy = self.read_with(name)
                self.assertIn("certificate", self.assert_one_error(status, err))
                self.assertEqual((out, proxy.requests), (b"", []))  # and no request, with its credentials, was sent

    def test_verification_can_be_turned_off(self):
        status, out, err, _ = self.read_with("unknown", options=["verify_tls=false"])
        self.assertEqual((status, out == content(SMALL)), (0, True), err)

    def test_broken_handshake(self):
        status, out, err, proxy = self.read_with("server", [Rule(Garbage(), times=None)])
        self.assert_one_error(status, err)
        self.assertEqual(out, b"")
        self.assertGreaterEqual(proxy.done, 1)

    def test_no_such_host(self):
        env = {name: value.replace(self.server.endpoint, "http://nowhere.invalid:80") for name, value in self.server.env.items()}
        status, _, err = self.dlfw_bytes("cat", *self.words(), self.uri("read"), env=env)
        self.assertIn("nowhere.invalid", self.assert_one_error(status, err))


class Training(Matrix):
    """A run under faults that pass: all samples come once, and the retries are counted."""

    def test_run(self):
        config = self.write_config()
        self.assert_good(self.run_job(config, "++workflow.train=False"))
        faults = [Reset(after=1000), Reset(after=None), Cut(after=700, honest=True), documents.UNAVAILABLE[self.server.scheme](),
                  documents.THROTTLED[self.server.scheme]()]
        rules = [Rule(fault, method="GET", path=self.sample_path, skip=2 + i) for i, fault in enumerate(faults)]
        with Proxy(self.server.port, rules) as proxy:
            result = self.run_job(config, "++workflow.generate_data=False", env=self.through(proxy))
            self.assert_good(result)
            self.assertEqual(proxy.done, len(faults))
        summary = result.summary()["dlfw"]
        self.assertEqual(summary["coverage"][0]["train"]["samples"], 12)
        self.assertGreaterEqual(summary["io"]["retries"], len(faults))
        self.assertEqual(summary["io"]["errors"], 0)

    def test_damaged_samples(self):
        """No wrong byte reaches a batch: read again, or an error."""
        config = self.write_config()
        self.assert_good(self.run_job(config, "++workflow.train=False"))
        for times in (3, None):
            with Proxy(self.server.port, [Rule(Flip(at=2000), method="GET", path=self.sample_path, times=times)]) as proxy:
                result = self.run_job(config, "++workflow.generate_data=False", "++reader.verify=all", env=self.through(proxy))
                self.assertGreaterEqual(proxy.done, 1)
            if result.status == 0:
                self.assertIsNotNone(times)
                self.assertEqual(result.summary()["dlfw"]["coverage"][0]["train"]["samples"], 12)
            else:
                self.assert_fails(result)

    sample_path = "img_"

    def write_config(self):
        from support import SMALL as RUN
        path = self.folder / "run.yaml"
        text = RUN.format(folder=self.uri(self.id().rsplit(".", 1)[1])).replace("epochs: 2", "epochs: 1")
        path.write_text(text + "storage:\n  retry: {max_attempts: 8, backoff: 10ms, max_backoff: 50ms}\n")
        return path


class Interrupted(Matrix):
    def test_upload_is_taken_back(self):
        """Ctrl-C while parts are on their way: no object, no unfinished upload."""
        method, path = self.part_request
        rule = Rule(Stall(after=None, seconds=30), method=method, path=path, times=None)
        with Proxy(self.server.port, [rule]) as proxy:
            words = self.argv("cp", *self.words(), self.local("source", content(LARGE)), self.uri("parts-interrupted"))
            process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment(self.through(proxy)), cwd=self.folder)
            self.addCleanup(process.kill)
            self.wait_for(lambda: proxy.done)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=OPERATION_SECONDS)
            self.assertEqual(process.returncode, 130, err)
            self.assert_no_secret(out, err)
        self.assertIsNone(self.client.size(self.bucket, "parts-interrupted"))
        self.assertEqual(self.uploads_left("parts-interrupted"), [])
