# SPDX-License-Identifier: Apache-2.0
"""A certificate authority of the test's own, and server certificates of it: good, expired, and of an authority that nobody knows. Made by the openssl program."""
import pathlib
import shutil
import ssl
import subprocess
import tempfile

NAMES = "subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:*.localhost"


class Certificates:
    """Paths of PEM files: ca, server.pem/server.key, expired.pem/.key, unknown.pem/.key."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="dlfw-ca-"))
        self.make_authority("ca")
        self.make_authority("stranger")
        self.make_server("server", "ca")
        self.make_server("expired", "ca", days=-1)
        self.make_server("unknown", "stranger")

    def openssl(self, *words):
        done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True, cwd=self.folder)
        if done.returncode:
            raise RuntimeError(f"openssl {words[0]} failed: {done.stderr}")

    def make_authority(self, name):
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN=dlfw test {name}",
                     "-keyout", f"{name}.key", "-out", f"{name}.pem")

    def make_server(self, name, authority, days=2):
        """days < 0: it ended a while ago. Dates on the command line need openssl ca; x509 takes negative days."""
        (self.folder / "names").write_text(NAMES + "\n")
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key",
                     "-out", f"{name}.csr")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key", "-CAcreateserial", "-days", days,
                     "-extfile", "names", "-out", f"{name}.pem")

    def path(self, name):
        return str(self.folder / name)

    @property
    def ca(self):
        return self.path("ca.pem")

    def client_context(self):
        return ssl.create_default_context(cafile=self.ca)

    def server_context(self, name="server"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path(f"{name}.pem"), self.path(f"{name}.key"))
        return context

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)
