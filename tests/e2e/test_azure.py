# SPDX-License-Identifier: Apache-2.0
"""The backend az against Azurite, plain and over TLS, with each kind of credential; azure-storage-blob writes and reads the same objects."""
import datetime
import unittest

import object_suite
from object_store import ObjectStore, content, start
from servers.azurite import ACCOUNT, KEY, Azurite
from servers.certificates import Certificates
from servers.tokens import TokenServer, directory_token


def setUpModule():
    certificates = Certificates()
    unittest.addModuleCleanup(certificates.remove)
    ObjectStore.server = start(Azurite())
    OverTls.server = start(Azurite(certificates))
    Tokens.server = OverTls.server


class StockRuns(object_suite.StockRuns):
    pass


class Tools(object_suite.Tools):
    pass


class Names(object_suite.Names):
    pass


class Others(object_suite.Others):
    pass


class OverTls(ObjectStore):
    def test_there_and_back(self):
        ca = f"ca_bundle={self.server.certificates.ca}"
        self.upload("tls", content(300001), "-o", ca)
        self.assertTrue(self.client.get(self.bucket, "tls") == content(300001))
        self.assertTrue(self.cat("tls", "-o", ca) == content(300001))

    def test_authority_is_needed(self):
        status, _, err = self.dlfw_bytes("cat", self.uri("tls"))
        self.assertIn("certificate", self.assert_one_error(status, err))


class Credentials(ObjectStore):
    def sas(self, permissions, minutes=10):
        from azure.storage.blob import AccountSasPermissions, ResourceTypes, generate_account_sas
        now = datetime.datetime.now(datetime.timezone.utc)
        return generate_account_sas(ACCOUNT, KEY, ResourceTypes(container=True, object=True), AccountSasPermissions(**dict.fromkeys(permissions, True)),
                                    expiry=now + datetime.timedelta(minutes=minutes), start=now - datetime.timedelta(hours=1))

    def with_sas(self, token):
        self.signature = token.split("sig=")[1].split("&")[0]
        self.env = {"AZURE_STORAGE_ENDPOINT": self.server.account_url, "AZURE_STORAGE_SAS_TOKEN": token}

    signature = None

    def more_secrets(self):
        return (self.signature,) if self.signature else ()

    def test_sas(self):
        self.with_sas(self.sas(["read", "write", "create", "list", "delete"]))
        self.upload("x", content(1000))
        self.assertEqual(self.cat("x"), content(1000))
        self.assert_good(self.dlfw("ls", self.uri()))
        self.assert_good(self.dlfw("rm", self.uri("x")))

    def test_sas_that_may_only_read(self):
        self.client.put(self.bucket, "x", content(10))
        self.with_sas(self.sas(["read", "list"]))
        self.assertEqual(self.cat("x"), content(10))
        self.assert_one_error(*self.copied_to("y"), "AuthorizationPermissionMismatch")

    def test_sas_that_has_ended(self):
        self.with_sas(self.sas(["read"], minutes=-10))
        status, _, err = self.dlfw_bytes("cat", self.uri("x"))
        self.assert_one_error(status, err, "403")

    def copied_to(self, key):
        status, _, err = self.dlfw_bytes("cp", self.local("source", b"x"), self.uri(key))
        return status, err

    def test_connection_string(self):
        self.env = {"AZURE_STORAGE_CONNECTION_STRING": self.server.connection_string}
        self.upload("x", content(1000))
        self.assertEqual(self.cat("x"), content(1000))

    def test_wrong_key(self):
        self.env = {**self.server.env, "AZURE_STORAGE_KEY": "d3Jvbmcta2V5LW9mLWEtdGVzdA=="}
        status, _, err = self.dlfw_bytes("ls", self.uri())
        self.assertNotIn("d3Jvbmcta2V5", self.assert_one_error(status, err, "403"))

    def test_no_key(self):
        self.env = {"AZURE_STORAGE_ENDPOINT": self.server.account_url, "IDENTITY_ENDPOINT": "http://127.0.0.1:9/",
                    "AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:9"}
        status, _, err = self.dlfw_bytes("ls", self.uri())
        self.assert_one_error(status, err)


class Tokens(ObjectStore):
    """OAuth: the server takes bearer tokens over TLS and looks at their claims."""
    secret = "client~secret/8Vx2"
    tokens = ()

    def more_secrets(self):
        return (self.secret, *self.tokens)

    def token_for(self, form):
        if (form["grant_type"], form["client_id"], form["client_secret"]) != ("client_credentials", "client-1", self.secret):
            raise ValueError("wrong client")
        return directory_token()

    def with_directory(self, server, secret):
        self.env = {"AZURE_STORAGE_ENDPOINT": self.server.account_url, "AZURE_AUTHORITY_HOST": server.endpoint, "AZURE_TENANT_ID": "tenant-1",
                    "AZURE_CLIENT_ID": "client-1", "AZURE_CLIENT_SECRET": secret}
        return ["-o", f"ca_bundle={self.server.certificates.ca}"]

    def test_client_secret(self):
        with TokenServer(self.token_for) as server:
            words = self.with_directory(server, self.secret)
            self.upload("x", content(1000), *words)
            self.tokens = tuple(server.given)
            self.assertEqual(self.cat("x", *words), content(1000))
            self.assertEqual((len(server.given), server.refused), (2, []))  # one for each command

    def test_wrong_client_secret(self):
        with TokenServer(self.token_for) as server:
            status, _, err = self.dlfw_bytes("ls", *self.with_directory(server, "wrong"), self.uri())
            self.assert_one_error(status, err, "401")

    def test_token_that_has_ended(self):
        with TokenServer(lambda form: directory_token(seconds=-60)) as server:
            status, _, err = self.dlfw_bytes("ls", *self.with_directory(server, self.secret), self.uri())
            self.assert_one_error(status, err, "403")
