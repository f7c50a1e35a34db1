# SPDX-License-Identifier: Apache-2.0
"""The backend gs against gcp-storage-emulator, plain and, behind nginx, over TLS; google-cloud-storage writes and reads the same objects."""
import unittest

import object_suite
from object_store import ObjectStore, content, start
from faults import documents
from faults.proxy import Proxy, Rule
from gcs_account import Account
from servers.certificates import Certificates
from servers.gcs import GcsEmulator
from servers.nginx import Front
from servers.tokens import TokenServer, opaque_token


def setUpModule():
    certificates = Certificates()
    unittest.addModuleCleanup(certificates.remove)
    ObjectStore.server = start(GcsEmulator())
    OverTls.server = start(Front(ObjectStore.server, certificates))


class StockRuns(object_suite.StockRuns):
    pass


class Tools(object_suite.Tools):
    pass


class Names(object_suite.Names):
    keeps_slashes = False  # of the bytes: it knows both objects


class Others(object_suite.Others):
    pass


class OverTls(ObjectStore):
    def test_there_and_back(self):
        data = content(300001)
        self.upload("tls", data, "-o", f"ca_bundle={self.server.certificates.ca}")
        self.assertTrue(self.client.get(self.bucket, "tls") == data)
        self.assertTrue(self.cat("tls", "-o", f"ca_bundle={self.server.certificates.ca}") == data)

    def test_authority_is_needed(self):
        status, _, err = self.dlfw_bytes("cat", self.uri("tls"))
        self.assertIn("certificate", self.assert_one_error(status, err))


class Credentials(ObjectStore):
    """The emulator asks for none, so a proxy looks at what is sent."""
    tokens = ()

    def more_secrets(self):
        return tuple(self.tokens)

    def sent(self, proxy):
        return {head.get("authorization") for head in proxy.heads}

    def test_service_account(self):
        account = Account()
        with TokenServer(account.token_for) as server, Proxy(self.server.port) as proxy:
            path = self.local("account.json", account.file(server.endpoint + "/token").encode())
            self.tokens = account.secrets
            self.env = {"GCS_ENDPOINT_URL": proxy.endpoint, "GOOGLE_APPLICATION_CREDENTIALS": str(path)}
            self.upload("x", content(1000))
            self.tokens += tuple(server.given)
            self.assertEqual(self.cat("x"), content(1000))
            self.assertEqual(server.refused, [])
            self.assertEqual(self.sent(proxy), {f"Bearer {token}" for token in server.given})

    def test_token_that_ends(self):
        """It is renewed while a command is at work, and an expired one is not sent twice."""
        account = Account()
        expired = documents.EXPIRED["gs"]()
        with TokenServer(account.token_for) as server, Proxy(self.server.port, [Rule(expired, method="GET")]) as proxy:
            self.client.put(self.bucket, "x", content(1000))
            path = self.local("account.json", account.file(server.endpoint + "/token").encode())
            self.env = {"GCS_ENDPOINT_URL": proxy.endpoint, "GOOGLE_APPLICATION_CREDENTIALS": str(path)}
            self.assertEqual(self.cat("x"), content(1000))
            self.assertEqual((proxy.done, len(server.given)), (1, 2))

    def test_refused_account(self):
        account, other = Account(), Account()
        with TokenServer(lambda form: other.token_for({**form, "grant_type": "wrong"})) as server, Proxy(self.server.port) as proxy:
            path = self.local("account.json", account.file(server.endpoint + "/token").encode())
            self.tokens = account.secrets
            self.env = {"GCS_ENDPOINT_URL": proxy.endpoint, "GOOGLE_APPLICATION_CREDENTIALS": str(path)}
            status, _, err = self.dlfw_bytes("ls", self.uri())
            self.assert_one_error(status, err, "401")
            self.assertEqual(proxy.requests, [])

    def test_fixed_token(self):
        self.tokens = (opaque_token(),)
        with Proxy(self.server.port, [Rule(documents.DENIED["gs"](), method="GET", times=None)]) as proxy:
            self.local("token", self.tokens[0].encode())
            self.env = {"GCS_ENDPOINT_URL": proxy.endpoint}
            status, _, err = self.dlfw_bytes("ls", "-o", f"access_token=file:{self.folder / 'token'}", self.uri())
            self.assert_one_error(status, err, "403")
            self.assertEqual(self.sent(proxy), {f"Bearer {self.tokens[0]}"})
