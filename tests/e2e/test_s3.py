# SPDX-License-Identifier: Apache-2.0
"""The backend s3 against SeaweedFS, plain and over TLS, and against rclone serve s3; boto3 writes and reads the same objects."""
import unittest

import object_suite
from object_store import MIB, ObjectStore, content, start
from servers.certificates import Certificates
from servers.rclone import Rclone
from servers.seaweedfs import ADMIN, READER, SeaweedFS


def setUpModule():
    certificates = Certificates()
    unittest.addModuleCleanup(certificates.remove)
    ObjectStore.server = start(SeaweedFS())
    OnRclone.server = OthersOnRclone.server = NamesOnRclone.server = start(Rclone())
    OverTls.server = start(Rclone(certificates))


class StockRuns(object_suite.StockRuns):
    pass


class Tools(object_suite.Tools):
    pass


class Names(object_suite.Names):
    keeps_slashes = False
    longest_name = 255  # of one component


class Others(object_suite.Others):
    pass


class OnRclone(object_suite.Tools):
    pass


class OthersOnRclone(object_suite.Others):
    pass


class NamesOnRclone(object_suite.Names):
    keeps_slashes = False
    longest_name = 255


class OverTls(ObjectStore):
    def test_there_and_back(self):
        self.upload("tls", content(300001))
        self.assertTrue(self.client.get(self.bucket, "tls") == content(300001))
        self.assertTrue(self.cat("tls") == content(300001))

    def test_authority_is_needed(self):
        self.env = {name: value for name, value in self.server.env.items() if name != "AWS_CA_BUNDLE"}
        status, _, err = self.dlfw_bytes("cat", self.uri("tls"))
        self.assertIn("certificate", self.assert_one_error(status, err))


class Credentials(ObjectStore):
    def test_only_reading(self):
        self.client.put(self.bucket, "x", content(10))
        self.env = self.server.reader_env
        self.assertEqual(self.cat("x"), content(10))
        status, _, err = self.dlfw_bytes("cp", self.local("source", b"new"), self.uri("x"))
        self.assert_one_error(status, err, "AccessDenied", f"s3://{self.bucket}")
        status, _, err = self.dlfw_bytes("rm", self.uri("x"))
        self.assert_one_error(status, err, "AccessDenied")
        self.assertEqual(self.client.get(self.bucket, "x"), content(10))

    def test_wrong_secret(self):
        self.env = {**self.server.env, "AWS_SECRET_ACCESS_KEY": READER[1]}
        status, _, err = self.dlfw_bytes("ls", self.uri())
        self.assert_one_error(status, err, "SignatureDoesNotMatch")

    def test_unknown_key(self):
        self.env = {**self.server.env, "AWS_ACCESS_KEY_ID": "nobody"}
        status, _, err = self.dlfw_bytes("ls", self.uri())
        self.assert_one_error(status, err, "InvalidAccessKeyId")

    def test_profile(self):
        self.local("credentials", f"[default]\naws_access_key_id = nobody\naws_secret_access_key = wrong\n[mine]\naws_access_key_id = {ADMIN[0]}\n"
                                  f"aws_secret_access_key = {ADMIN[1]}\n".encode())
        self.local("config", f"[profile mine]\nregion = us-east-1\nendpoint_url = {self.server.endpoint}\n".encode())
        self.env = {"AWS_PROFILE": "mine", "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "credentials"), "AWS_CONFIG_FILE": str(self.folder / "config")}
        self.upload("x", content(1000))
        self.assertEqual(self.cat("x"), content(1000))

    def test_options(self):
        """Secrets by the options' own ways, beside an empty environment."""
        self.local("secret", ADMIN[1].encode())
        self.env = {}
        words = ["-o", f"endpoint_url={self.server.endpoint}", "-o", f"access_key_id={ADMIN[0]}", "-o", f"secret_access_key=file:{self.folder / 'secret'}"]
        self.upload("x", content(1000), *words)
        self.assertEqual(self.cat("x", *words), content(1000))

    def test_a_run_keeps_the_secret_to_itself(self):
        """Given in the run file, it stands in none of the results."""
        from support import SMALL
        config = self.folder / "run.yaml"
        config.write_text(SMALL.format(folder=self.uri()) + f"storage:\n  storage_options: {{endpoint_url: '{self.server.endpoint}', "
                          f"access_key_id: {ADMIN[0]}, secret_access_key: '{ADMIN[1]}'}}\n")
        self.env = {}
        self.assert_good(self.run_job(config))
        self.assertTrue((self.results / "summary.json").exists())


class Ways(ObjectStore):
    """Each way to sign and address a request is accepted by a server that checks."""

    def there_and_back(self, *options):
        words = [word for option in options for word in ("-o", option)]
        for key, size in (("small", 1000), ("large", 17 * MIB + 5)):
            self.upload(key, content(size), *words)
            self.assertTrue(self.client.get(self.bucket, key) == content(size))
            self.assertTrue(self.cat(key, *words) == content(size))

    def test_payload_signing(self):
        for way in ("unsigned", "signed", "streaming", "unsigned_trailer"):
            with self.subTest(way):
                self.there_and_back(f"payload_signing={way}")

    def test_no_checksums(self):
        self.there_and_back("checksums=false")

    def test_presigned(self):
        self.there_and_back("presigned=true")

    def test_virtual_host(self):
        self.env = {**self.server.env, "AWS_ENDPOINT_URL": self.server.endpoint.replace("127.0.0.1", "localhost")}
        self.there_and_back("addressing=virtual")

    def test_verified_writes(self):
        self.there_and_back("verify_writes=true")

    def test_small_pages_and_batches(self):
        for i in range(25):
            self.client.put(self.bucket, f"p/{i:02}", b"x")
        status, out, err = self.dlfw_bytes("ls", "-r", "-o", "list_page=7", self.uri("p"))
        self.assertEqual((status, len(out.splitlines())), (0, 25), err)
        self.assert_good(self.dlfw("rm", "-r", "-o", "list_page=7", "-o", "delete_batch=3", self.uri("p")))
        self.assertEqual(self.client.names(self.bucket), [])
