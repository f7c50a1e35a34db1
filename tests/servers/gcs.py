# SPDX-License-Identifier: Apache-2.0
"""gcp-storage-emulator: the JSON API of Google Cloud Storage, in memory. It asks for no credentials and has no TLS; nginx.Front gives it that.

It serves one connection at a time and lets 5 wait, so that the kernel drops the sixth and the client's next try comes a second later; and it writes the state of
all objects as JSON after each change, also when nobody will read it. LAUNCHER lets 512 wait, leaves the writing out, and changes nothing else."""
from .program import Server, program

LAUNCHER = """
import socketserver, sys
from gcp_storage_emulator import __main__, storage
socketserver.TCPServer.request_queue_size = 512
storage.Storage._write_config_to_file = lambda self: None
sys.exit(__main__.main())
"""


class GcsEmulator(Server):
    name = "gcp-storage-emulator"
    scheme = "gs"

    def argv(self):
        return [program("bin/python"), "-c", LAUNCHER, "start", "--port", str(self.port), "-H", "127.0.0.1", "--in-memory", "--quiet"]

    @property
    def env(self):
        return {"STORAGE_EMULATOR_HOST": self.endpoint, "GOOGLE_CLOUD_PROJECT": "dlfw-test"}

    @property
    def options(self):
        return {"endpoint_url": self.endpoint, "anonymous": "true"}

    def client(self):
        from .client_gcs import GcsClient
        return GcsClient(self.endpoint)
