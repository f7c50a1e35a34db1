# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 messages on sockets, just enough for a proxy: heads, and bodies as pieces with their framing kept."""


class Broken(Exception):
    """The peer has gone or speaks nonsense."""


class Head:
    def __init__(self, raw):
        self.lines = raw.decode("latin-1").split("\r\n")[:-2]

    @property
    def first(self):
        return self.lines[0]

    def get(self, name):
        for line in self.lines[1:]:
            key, _, value = line.partition(":")
            if key.strip().lower() == name.lower():
                return value.strip()
        return None

    def set(self, name, value):
        """value None: removed."""
        self.lines[1:] = [line for line in self.lines[1:] if line.partition(":")[0].strip().lower() != name.lower()]
        if value is not None:
            self.lines.append(f"{name}: {value}")

    def bytes(self):
        return ("\r\n".join(self.lines) + "\r\n\r\n").encode("latin-1")


class Reader:
    """Buffered bytes of a socket."""

    def __init__(self, sock):
        self.sock, self.buffer = sock, b""

    def more(self):
        piece = self.sock.recv(1 << 18)
        if not piece:
            raise Broken("closed")
        self.buffer += piece

    def head(self):
        """None: the peer closed in good order before a message."""
        while b"\r\n\r\n" not in self.buffer:
            if len(self.buffer) > 1 << 20:
                raise Broken("head without end")
            piece = self.sock.recv(1 << 16)
            if not piece:
                if self.buffer:
                    raise Broken("closed inside a head")
                return None
            self.buffer += piece
        end = self.buffer.index(b"\r\n\r\n") + 4
        raw, self.buffer = self.buffer[:end], self.buffer[end:]
        return Head(raw)

    def take(self, limit):
        """1 to limit bytes."""
        if not self.buffer:
            self.more()
        piece, self.buffer = self.buffer[:limit], self.buffer[limit:]
        return piece

    def line(self):
        while b"\r\n" not in self.buffer:
            self.more()
        end = self.buffer.index(b"\r\n") + 2
        line, self.buffer = self.buffer[:end], self.buffer[end:]
        return line

    def body(self, head, has_body=True):
        """Pieces (framing, payload): payload b"" for what is framing only. Ends with the message."""
        if not has_body:
            return
        if (head.get("transfer-encoding") or "").lower() == "chunked":
            yield from self.chunks()
        elif head.get("content-length") is not None:
            left = int(head.get("content-length"))
            while left:
                piece = self.take(min(left, 1 << 18))
                left -= len(piece)
                yield b"", piece
        elif head.first.startswith("HTTP/"):  # an answer that ends with the connection
            while True:
                try:
                    yield b"", self.take(1 << 18)
                except Broken:
                    return

    def chunks(self):
        while True:
            line = self.line()
            left = int(line.split(b";")[0], 16)
            yield line, b""
            while left:
                piece = self.take(left)
                left -= len(piece)
                yield b"", piece
            end = self.line()
            yield end, b""
            if line.split(b";")[0].strip() == b"0":
                while end != b"\r\n":  # trailers
                    end = self.line()
                    yield end, b""
                return
