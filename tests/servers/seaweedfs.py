# SPDX-License-Identifier: Apache-2.0
"""SeaweedFS: S3 with identities, so that signatures are checked. With certificates it speaks TLS itself, on a second port."""
import json

from .program import Server, program

ADMIN = ("admin-key-id", "admin+secret/7Xq0Zk3vB1")  # + and / as real secrets have them
READER = ("reader-key-id", "reader+secret/2Lw8Yt5nM4")


class SeaweedFS(Server):
    name = "seaweedfs"
    scheme = "s3"
    port_count = 9
    secrets = (ADMIN[1], READER[1])
    environment_names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")

    def prepare(self):
        def identity(name, key, actions):
            return {"name": name, "credentials": [{"accessKey": key[0], "secretKey": key[1]}], "actions": actions}
        identities = [identity("admin", ADMIN, ["Admin", "Read", "Write", "List", "Tagging"]), identity("reader", READER, ["Read", "List"])]
        (self.folder / "s3.json").write_text(json.dumps({"identities": identities}))
        (self.folder / "data").mkdir(exist_ok=True)

    @property
    def plain_port(self):
        return self.ports[8]

    @property
    def port(self):
        return self.ports[7] if self.tls else self.plain_port

    def argv(self):
        p = self.ports
        names = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc", "s3.port.grpc")
        words = [f"-{name}={port}" for name, port in zip(names, p)]
        if self.tls:
            words += [f"-s3.port.https={self.port}", f"-s3.cert.file={self.certificates.path('server.pem')}", f"-s3.key.file={self.certificates.path('server.key')}"]
        return [program("bin/weed"), "-logtostderr", "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-dir=data", "-s3", f"-s3.port={self.plain_port}",
                "-s3.config=s3.json", "-s3.domainName=localhost", "-s3.iam=false", "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.allowDeleteBucketNotEmpty=false", *words,
                "-volume.max=400", "-master.volumeSizeLimitMB=1024", "-master.telemetry=false"]

    def is_ready(self):
        return self.answers("/healthz") == 200

    def leftover_files(self):
        kinds = ("master-grpc", "volume-grpc", "filer", "filer-grpc", "s3", "s3-grpc")
        return [f"/tmp/seaweedfs-{kind}-{port}.sock" for kind in kinds for port in self.ports]

    def env_of(self, key):
        return {"AWS_ACCESS_KEY_ID": key[0], "AWS_SECRET_ACCESS_KEY": key[1], "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": self.endpoint,
                **({"AWS_CA_BUNDLE": self.certificates.ca} if self.tls else {})}

    @property
    def env(self):
        return self.env_of(ADMIN)

    @property
    def reader_env(self):
        return self.env_of(READER)

    @property
    def options(self):
        return {"endpoint_url": self.endpoint, **({"ca_bundle": self.certificates.ca} if self.tls else {})}

    def client(self):
        from .client_s3 import S3Client
        return S3Client(self.endpoint, *ADMIN, ca=self.certificates.ca if self.tls else None)
