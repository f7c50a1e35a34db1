# SPDX-License-Identifier: Apache-2.0
"""nginx as the TLS end in front of a server that has none of its own."""
import os

from .program import Server

CONFIG = """daemon off;
master_process off;
error_log stderr;
pid {folder}/pid;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream behind {{ server 127.0.0.1:{behind}; keepalive 32; }}
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        client_max_body_size 0;
        keepalive_requests 100000;
        merge_slashes off;
        location / {{
            proxy_pass http://behind;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_request_buffering off;
            proxy_buffering off;
        }}
    }}
}}
"""


class Front(Server):
    """The server behind must be running; its URIs and secrets are the front's too."""
    name = "nginx"

    def __init__(self, behind, certificates):
        super().__init__(certificates)
        self.behind = behind
        self.scheme, self.secrets = behind.scheme, behind.secrets

    def prepare(self):
        text = CONFIG.format(folder=self.folder, port=self.port, behind=self.behind.port, certificate=self.certificates.path("server.pem"),
                             key=self.certificates.path("server.key"))
        (self.folder / "nginx.conf").write_text(text)

    def argv(self):
        nginx = next((path for path in ("/usr/sbin/nginx", "/usr/bin/nginx") if os.access(path, os.X_OK)), None)
        if not nginx:
            raise FileNotFoundError("'nginx' is missing; ./scripts/install-packages test installs it")
        return [nginx, "-c", str(self.folder / "nginx.conf"), "-p", str(self.folder), "-e", "stderr"]

    def uri(self, bucket, key=""):
        return self.behind.uri(bucket, key)

    @property
    def env(self):
        return {name: value.replace(self.behind.endpoint, self.endpoint) for name, value in self.behind.env.items()}

    @property
    def options(self):
        return {**{name: value.replace(self.behind.endpoint, self.endpoint) for name, value in self.behind.options.items()},
                "ca_bundle": self.certificates.ca}

    def client(self):
        return self.behind.client()
