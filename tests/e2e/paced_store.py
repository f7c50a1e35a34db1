# SPDX-License-Identifier: Apache-2.0
"""A storage with a known bandwidth, shared by all who read from it: the S3 calls that a training run makes, answered from a folder, no faster than so many
bytes per second in total. How many accelerators it feeds is arithmetic.

    with PacedStore(folder, rate=8e6) as store:
        ... store.uri, store.options, store.env ...
        store.requests                           # objects that were read"""
import http.server
import pathlib
import threading
import time
import urllib.parse
from xml.sax.saxutils import escape

BUCKET = "paced"


class PacedStore:
    def __init__(self, folder, rate):
        self.folder, self.rate = pathlib.Path(folder), rate
        self.requests, self.free, self.lock = 0, 0.0, threading.Lock()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"store": self}))
        self.server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.uri = f"s3://{BUCKET}/data"
        self.env = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing", "AWS_REGION": "us-east-1"}
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def pace(self, size):
        """Sleeps until these bytes' turn has passed. Idle time earns nothing."""
        with self.lock:
            self.requests += 1
            self.free = max(self.free, time.monotonic()) + size / self.rate
            due = self.free
        time.sleep(max(0, due - time.monotonic()))

    def names(self, prefix):
        files = (str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())
        return sorted("data/" + name for name in files if ("data/" + name).startswith(prefix))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store = None

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def listing(self, query):
        prefix, delimiter = query.get("prefix", [""])[0], query.get("delimiter", [""])[0]
        entries, folders = [], []
        for name in self.store.names(prefix):
            rest = name[len(prefix):]
            if delimiter and delimiter in rest:
                folder = prefix + rest.split(delimiter)[0] + delimiter
                folders += [folder] if folder not in folders else []
            else:
                size = (self.store.folder / name.removeprefix("data/")).stat().st_size
                entries.append(f"<Contents><Key>{escape(name)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>\"x\"</ETag><Size>{size}</Size></Contents>")
        prefixes = "".join(f"<CommonPrefixes><Prefix>{escape(f)}</Prefix></CommonPrefixes>" for f in folders)
        return ('<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
                f"<Name>{BUCKET}</Name><KeyCount>{len(entries) + len(folders)}</KeyCount><IsTruncated>false</IsTruncated>{''.join(entries)}{prefixes}"
                "</ListBucketResult>").encode()

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query, keep_blank_values=True)
        if "list-type" in query:
            return self.answer(200, self.listing(query), Content_Type="application/xml")
        key = urllib.parse.unquote(url.path).removeprefix(f"/{BUCKET}/data/")
        path = self.store.folder / key
        if not path.is_file():
            return self.answer(404, b"<Error><Code>NoSuchKey</Code><Message>absent</Message></Error>", Content_Type="application/xml")
        if self.command == "HEAD":
            self.send_response(200)
            self.send_header("ETag", '"x"')
            self.send_header("Content-Length", str(path.stat().st_size))
            return self.end_headers()
        body, wanted = path.read_bytes(), self.headers.get("Range")
        whole = len(body)
        if wanted:
            first, last = wanted.removeprefix("bytes=").split("-")
            first, last = int(first), min(int(last or whole - 1), whole - 1)
            body = body[first:last + 1]
        self.store.pace(len(body))
        if wanted:
            return self.answer(206, body, ETag='"x"', Content_Range=f"bytes {first}-{last}/{whole}")
        return self.answer(200, body, ETag='"x"')

    do_HEAD = do_GET
