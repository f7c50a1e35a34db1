# SPDX-License-Identifier: Apache-2.0
"""The faults: what each does to one request, its answer, or a connection."""
import socket
import struct
import threading


class Fault:
    """Before the request goes on, while its body goes, when the answer's head is there, and while the answer's body goes."""
    at_accept = False
    answers_itself = False

    def request(self, link, head):
        pass

    def request_piece(self, link, piece, offset):
        return piece

    def answer(self, link, head):
        pass

    def answer_piece(self, link, piece, offset):
        """Returns what goes on; may raise Stop after sending a part by itself."""
        return piece

    def answered(self, link, sent):
        pass


class Stop(Exception):
    """This connection ends here."""


def reset(sock):
    """RST instead of FIN."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass
    sock.close()


class Reset(Fault):
    """The connection is reset after n bytes of the answer's body; None: before its head, when the server has done the work."""

    def __init__(self, after):
        self.after = after

    def answer(self, link, head):
        if self.after is None:
            link.break_client()

    def answer_piece(self, link, piece, offset):
        if offset + len(piece) >= self.after:
            link.to_client(piece[:self.after - offset])
            link.settle()
            link.break_client()
        return piece

    def answered(self, link, sent):
        link.break_client()  # a body shorter than n: after all of it


class ResetRequest(Fault):
    """The connection is reset after n bytes of the request's body; the server never sees the end."""

    def __init__(self, after):
        self.after = after

    def request_piece(self, link, piece, offset):
        if offset + len(piece) >= self.after:
            link.break_client()
        return piece


class Cut(Fault):
    """The body ends after n bytes, and the connection with it. honest: Content-Length still says all of it; else it says n, so that the message looks whole."""

    def __init__(self, after, honest):
        self.after, self.honest = after, honest

    def answer(self, link, head):
        if not self.honest and head.get("content-length") is not None:
            head.set("Content-Length", min(self.after, int(head.get("content-length"))))

    def answer_piece(self, link, piece, offset):
        if offset + len(piece) > self.after:
            link.to_client(piece[:self.after - offset])
            raise Stop
        return piece


class Status(Fault):
    """The proxy answers by itself; the server never sees the request."""
    answers_itself = True

    def __init__(self, code, body=b"", retry_after=None, headers=()):
        self.code, self.body, self.retry_after, self.headers = code, body, retry_after, headers

    def request(self, link, head):
        more = "".join(f"{name}: {value}\r\n" for name, value in self.headers)
        if self.retry_after is not None:
            more += f"Retry-After: {self.retry_after}\r\n"
        body = b"" if head.first.startswith("HEAD ") else self.body
        link.to_client(f"HTTP/1.1 {self.code} Fault\r\nContent-Length: {len(self.body)}\r\n{more}\r\n".encode() + body)


class Stall(Fault):
    """Nothing comes for some seconds, after n bytes of the answer's body; None: before its head."""

    def __init__(self, after, seconds):
        self.after, self.seconds = after, seconds

    def answer(self, link, head):
        if self.after is None:
            link.wait(self.seconds)

    def answer_piece(self, link, piece, offset):
        if self.after is not None and offset + len(piece) > self.after >= offset:
            link.to_client(piece[:self.after - offset])
            link.wait(self.seconds)
            return piece[self.after - offset:]
        return piece


class Drip(Fault):
    """The body comes in small pieces with pauses, all of it."""

    def __init__(self, piece_bytes, pause):
        self.piece_bytes, self.pause = piece_bytes, pause

    def answer_piece(self, link, piece, offset):
        for at in range(0, len(piece), self.piece_bytes):
            link.to_client(piece[at:at + self.piece_bytes])
            link.wait(self.pause)
        return b""


class Delay(Fault):
    """The request goes on later."""

    def __init__(self, seconds):
        self.seconds = seconds

    def request(self, link, head):
        link.wait(self.seconds)


def flipped(piece, offset, at):
    if offset <= at < offset + len(piece):
        piece = bytearray(piece)
        piece[at - offset] ^= 0x20
    return bytes(piece)


class Flip(Fault):
    """One bit of byte n of the answer's body is wrong."""

    def __init__(self, at):
        self.at = at

    def answer_piece(self, link, piece, offset):
        return flipped(piece, offset, self.at)


class FlipRequest(Fault):
    """One bit of byte n of the request's body is wrong when the server gets it."""

    def __init__(self, at):
        self.at = at

    def request_piece(self, link, piece, offset):
        return flipped(piece, offset, self.at)


class SetHeader(Fault):
    """A header of the answer is another one; value None: it is missing."""

    def __init__(self, name, value):
        self.name, self.value = name, value

    def answer(self, link, head):
        head.set(self.name, self.value)


class Duplicate(Fault):
    """An answer with Content-Length comes twice: the second one stands on the connection when the next request is sent."""

    def __init__(self):
        self.kept = threading.local()

    def answer(self, link, head):
        self.kept.bytes = head.bytes()

    def answer_piece(self, link, piece, offset):
        self.kept.bytes += piece
        return piece

    def answered(self, link, sent):
        link.to_client(self.kept.bytes)


class Refuse(Fault):
    """The connection is reset as soon as it is there."""
    at_accept = True

    def accept(self, link):
        link.break_client()


class Garbage(Fault):
    """Bytes that are neither TLS nor HTTP, then the end."""
    at_accept = True

    def accept(self, link):
        link.to_client(b"\x00\xffthis is no protocol\r\n" * 8)
        link.settle()
        raise Stop
