# SPDX-License-Identifier: Apache-2.0
"""An S3 endpoint that takes uploads in parts, keeps the sizes and drops the bytes: for objects that no test machine has room for. Nothing can be read from it."""
import re
import socket
import threading

from .http_message import Broken, Reader

BEGUN = "<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><UploadId>drain-1</UploadId></InitiateMultipartUploadResult>"
ENDED = "<CompleteMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><ETag>&quot;all&quot;</ETag></CompleteMultipartUploadResult>"


class Drain:
    def __init__(self):
        self.lock = threading.Lock()
        self.parts = {}         # number -> bytes that came
        self.committed = None   # numbers that the commit named, in its order
        self.others = []        # requests that are not part of an upload

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def take(self, head, size, body):
        """Returns the body of the answer."""
        method, path = head.first.split(" ")[:2]
        number = re.search(r"[?&]partNumber=(\d+)", path)
        with self.lock:
            if method == "PUT" and number:
                self.parts[int(number[1])] = size
                return ""
            if method == "POST" and re.search(r"[?&]uploads(=|&|$)", path):
                return BEGUN
            if method == "POST" and "uploadId=" in path:
                self.committed = [int(n) for n in re.findall(rb"<PartNumber>(\d+)</PartNumber>", body)]
                return ENDED
            self.others.append(f"{method} {path}")
            return ""

    def serve(self, client):
        reader, memory = Reader(client), memoryview(bytearray(1 << 20))
        try:
            while (head := reader.head()) is not None:
                if (head.get("expect") or "").lower() == "100-continue":
                    client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                size = int(head.get("content-length") or 0)
                body = reader.buffer[:size]
                reader.buffer = reader.buffer[size:]
                left = size - len(body)
                while left:
                    if size < 1 << 16:
                        piece = client.recv(left)
                        body += piece
                        got = len(piece)
                    else:
                        got = client.recv_into(memory, min(left, len(memory)))
                    if not got:
                        raise Broken("closed inside a body")
                    left -= got
                answer = self.take(head, size, body).encode()
                client.sendall(b'HTTP/1.1 200 OK\r\nETag: "part"\r\nContent-Length: %d\r\n\r\n' % len(answer) + answer)
        except (Broken, OSError):
            pass
        finally:
            client.close()

    def accept_all(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        threading.Thread(target=self.accept_all, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
