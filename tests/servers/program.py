# SPDX-License-Identifier: Apache-2.0
"""One server program: started on free ports, ready when it answers, stopped by its pid, dead when the test's process is.

What every server offers (class Server): uri(), env, options, secrets. A test gives env to the dlfw program and options to the run file or the command line,
and asserts that no secret comes out anywhere."""
import ctypes
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

SOURCE = pathlib.Path(__file__).resolve().parents[2]
HOME = pathlib.Path(os.environ.get("TEST_SERVERS") or SOURCE / "build" / "servers")
PORTS = range(20000, 32000)  # below what the kernel gives to connections, so that only another server can take one
START_SECONDS = 40           # a start takes 0.1 to 4 s; sanitizers beside it on two cores make it longer
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def free_ports(count):
    """Ports that nobody listens on now."""
    found = []
    while len(found) < count:
        port = random.SystemRandom().choice(PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


def program(name):
    """A file of scripts/servers."""
    path = HOME / name
    if not path.is_file():
        raise FileNotFoundError(f"'{path}' is missing; ./scripts/servers installs it")
    return str(path)


class Server:
    """A subclass sets name and scheme, and says argv(), ready_url() and what clients need."""
    name = ""
    scheme = ""
    port_count = 1
    tls = False

    def __init__(self, certificates=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"dlfw-{self.name}-"))
        self.certificates = certificates
        self.tls = certificates is not None
        self.process = None
        self.start_seconds = 0.0

    # what a subclass says

    def prepare(self):
        """Writes configuration into self.folder; the ports are known."""

    def argv(self):
        raise NotImplementedError

    def is_ready(self):
        """Any HTTP answer will do where a server has no address that tells."""
        return self.answers("/") > 0

    def leftover_files(self):
        """Files outside of the folder that a killed server leaves."""
        return []

    program_env = {}  # for the server itself
    env = {}       # for dlfw: endpoint and credentials
    options = {}   # for storage.storage_options: what env does not say
    secrets = ()   # texts that no output may hold

    def uri(self, bucket, key=""):
        return f"{self.scheme}://{bucket}/{key}" if key else f"{self.scheme}://{bucket}"

    # the rest is common

    @property
    def port(self):
        return self.ports[0]

    @property
    def endpoint(self):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def answers(self, path, seconds=1):
        """Status of a GET; 0: no answer."""
        context = self.certificates.client_context() if self.tls else None
        try:
            with urllib.request.urlopen(self.endpoint + path, timeout=seconds, context=context) as answer:
                return answer.status
        except urllib.error.HTTPError as refusal:
            return refusal.code
        except OSError:
            return 0

    def log(self):
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self):
        for attempt in range(3):  # somebody else may have taken a port meanwhile
            self.ports = free_ports(self.port_count)
            self.prepare()
            begin = time.monotonic()
            with open(self.folder / "log", "wb") as log:
                self.process = subprocess.Popen(self.argv(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=die_with_parent,
                                                env={**os.environ, "TMPDIR": str(self.folder), "HOME": str(self.folder), **self.program_env})
            if self.wait_until_ready(begin + START_SECONDS):
                self.start_seconds = time.monotonic() - begin
                return self
            code, text = self.process.poll(), self.log()
            self.end_process()
            if "address already in use" not in text.lower():
                break
        self.stop()
        raise RuntimeError(f"{self.name} did not start (exit code {code}):\n{text[-4000:]}")

    def wait_until_ready(self, deadline):
        while time.monotonic() < deadline and self.process.poll() is None:
            if self.is_ready():
                return True
            time.sleep(0.02)
        return False

    def end_process(self):
        """SIGKILL: nothing of a test's server is worth keeping, and SeaweedFS takes 5 s to end in good order."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self):
        self.end_process()
        for path in self.leftover_files():
            pathlib.Path(path).unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def show_log(self, lines=15):
        print(f"--- the last lines of {self.name}'s log", *(line[:300] for line in self.log().splitlines()[-lines:]), sep="\n", file=sys.stderr)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, error, trace):
        if kind is not None:
            self.show_log()
        self.stop()
