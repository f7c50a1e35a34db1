# SPDX-License-Identifier: Apache-2.0
"""A service account of the test's own: its file, and the check of what is signed with its key."""
import json

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from servers.tokens import opaque_token, unpack

EMAIL = "tester@dlfw-test.iam.gserviceaccount.com"


class Account:
    def __init__(self):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.pem = self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()

    def file(self, token_uri):
        return json.dumps({"type": "service_account", "project_id": "dlfw-test", "private_key_id": "key-1", "private_key": self.pem, "client_email": EMAIL,
                           "token_uri": token_uri})

    @property
    def secrets(self):
        return tuple(line for line in self.pem.splitlines() if "-----" not in line and len(line) > 20)

    def token_for(self, form):
        """Raises when the assertion is not signed with our key, or says something else than it should."""
        if form.get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer":
            raise ValueError(f"wrong grant type {form.get('grant_type')}")
        head, claims, signature = form["assertion"].split(".")
        self.key.public_key().verify(unpack(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
        claims = json.loads(unpack(claims))
        if claims["iss"] != EMAIL or not 0 < claims["exp"] - claims["iat"] <= 3600 or "devstorage" not in claims["scope"]:
            raise ValueError(f"wrong claims {claims}")
        return opaque_token()
