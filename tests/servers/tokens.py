# SPDX-License-Identifier: Apache-2.0
"""A token server of the test's own: what the directory of Azure and the token endpoint of Google are. It checks what it is asked with, and hands out tokens."""
import base64
import http.server
import json
import secrets
import threading
import time
import urllib.parse


def unpack(text):
    """base64 as tokens have it."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def pack(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class TokenServer:
    """make(form) returns the token, or raises ValueError; lives: seconds that each token is said to last."""

    def __init__(self, make, lives=3600):
        self.make, self.lives = make, lives
        self.given = []
        self.refused = []

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, form):
        try:
            self.given.append(self.make(form))
        except (ValueError, KeyError) as reason:
            self.refused.append(str(reason))
            return 401, {"error": "invalid_client", "error_description": str(reason)}
        return 200, {"token_type": "Bearer", "expires_in": self.lives, "access_token": self.given[-1]}

    def __enter__(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                code, reply = outer.answer(dict(urllib.parse.parse_qsl(body)))
                text = json.dumps(reply).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def opaque_token():
    return "ya29." + secrets.token_urlsafe(40)


def directory_token(issuer="https://sts.windows.net/11111111-2222-3333-4444-555555555555/", seconds=3600):
    """What Azurite takes: it looks at the claims, not at the signature."""
    now = int(time.time())
    claims = {"aud": "https://storage.azure.com", "iss": issuer, "iat": now, "nbf": now - 5, "exp": now + seconds}
    return ".".join([pack(json.dumps({"alg": "RS256", "typ": "JWT"}).encode()), pack(json.dumps(claims).encode()), pack(secrets.token_bytes(64))])
