# SPDX-License-Identifier: Apache-2.0
"""rclone serve s3 over a local folder: a second S3 server that shares no code with the first. buckets/ is that folder, so a test may put files there itself."""
from .program import Server, program

KEY = ("rclone-key-id", "rclone+secret/9Hc6Pd2fJ8")


class Rclone(Server):
    name = "rclone"
    scheme = "s3"
    secrets = (KEY[1],)

    def prepare(self):
        (self.folder / "buckets").mkdir(exist_ok=True)

    def argv(self):
        tls = ["--cert", self.certificates.path("server.pem"), "--key", self.certificates.path("server.key")] if self.tls else []
        return [program("bin/rclone"), "serve", "s3", "buckets", "--config", "", "--addr", f"127.0.0.1:{self.port}", "--auth-key", ",".join(KEY), *tls,
                "--cache-dir", str(self.folder / "cache")]

    @property
    def env(self):
        return {"AWS_ACCESS_KEY_ID": KEY[0], "AWS_SECRET_ACCESS_KEY": KEY[1], "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": self.endpoint,
                **({"AWS_CA_BUNDLE": self.certificates.ca} if self.tls else {})}

    @property
    def options(self):
        return {"endpoint_url": self.endpoint, **({"ca_bundle": self.certificates.ca} if self.tls else {})}

    def client(self):
        from .client_s3 import S3Client
        return S3Client(self.endpoint, *KEY, ca=self.certificates.ca if self.tls else None)
