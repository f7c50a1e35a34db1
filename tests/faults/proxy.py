# SPDX-License-Identifier: Apache-2.0
"""A proxy in front of a real server that does what it is told to some of the requests, and counts how often it did.

    with Proxy(server.port, [Rule(Reset(after=1000), method="GET", path="/bucket/key", times=2)]) as proxy:
        ...                               # the client talks to proxy.endpoint
        self.assertEqual(proxy.rules[0].done, 2)

A rule fits requests by method and by path with query (regular expressions); it lets the first `skip` of these pass and acts on the next `times` (None: on all).
Faults of a connection (Refuse, Garbage) act when it is accepted."""
import re
import socket
import threading
import time

from .http_message import Broken, Head, Reader
from .kinds import Fault, Stop, reset


class Rule:
    def __init__(self, fault, method="", path="", skip=0, times=1):
        self.fault, self.method, self.path, self.skip, self.times = fault, re.compile(method), re.compile(path), skip, times
        self.seen = self.done = 0  # under the proxy's lock

    def takes(self, method, path):
        if self.method.pattern and not self.method.fullmatch(method) or not self.path.search(path):
            return False
        self.seen += 1
        if self.seen <= self.skip or (self.times is not None and self.done >= self.times):
            return False
        self.done += 1
        return True


class Link:
    """One connection of a client, and one to the server behind."""

    def __init__(self, proxy, client):
        self.proxy, self.client, self.server, self.answers = proxy, client, None, None
        self.client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    # what faults use

    def to_client(self, data):
        if data:
            self.client.sendall(data)

    def wait(self, seconds):
        if self.proxy.ending.wait(seconds):
            raise Stop

    def settle(self):
        """What was sent arrives before a reset would overtake it."""
        time.sleep(0.02)

    def break_client(self):
        reset(self.client)
        raise Stop

    # the work

    def run(self):
        try:
            for rule in self.proxy.rules_at_accept():
                rule.fault.accept(self)
            if self.proxy.context:
                self.client = self.proxy.context.wrap_socket(self.client, server_side=True)
            self.exchange_all()
        except (Stop, Broken, OSError):
            pass
        finally:
            for sock in (self.client, self.server):
                if sock is not None:
                    sock.close()
            self.proxy.forget(self)

    def exchange_all(self):
        asks = Reader(self.client)
        while True:
            head = asks.head()
            if head is None:
                return
            self.exchange(asks, head)

    def reach_server(self):
        """Not before there is something to say: a server that does one thing at a time would wait for it."""
        if self.server is None:
            self.server = socket.create_connection(("127.0.0.1", self.proxy.behind), timeout=60)
            self.server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.answers = Reader(self.server)
        return self.answers

    def exchange(self, asks, head):
        method = head.first.split(" ")[0]
        fault = self.proxy.fault_for(head)
        fault.request(self, head)
        if fault.answers_itself:
            if head.get("content-length") not in (None, "0") or head.get("transfer-encoding"):
                self.drain(asks, head)
            return
        answers = self.reach_server()
        self.server.sendall(head.bytes())
        answer = self.send_body(asks, answers, head, fault)
        self.pass_answer(answers, method, answer, fault)

    def drain(self, asks, head):
        if (head.get("expect") or "").lower() == "100-continue":
            raise Stop
        for _ in asks.body(head):
            pass

    def send_body(self, asks, answers, head, fault):
        """Returns the head of the answer if it came before the body was sent, else None."""
        if (head.get("expect") or "").lower() == "100-continue":
            first = self.answer_head(answers)
            if " 100 " not in first.first + " ":
                return first
            self.to_client(first.bytes())
        offset = 0
        for framing, piece in asks.body(head):
            self.server.sendall(framing + fault.request_piece(self, piece, offset) if piece else framing)
            offset += len(piece)
        return None

    @staticmethod
    def answer_head(answers):
        head = answers.head()
        if head is None:
            raise Broken("the server closed")
        return head

    def pass_answer(self, answers, method, head, fault):
        head = head or self.answer_head(answers)
        while head.first.split(" ")[1].startswith("1"):
            self.to_client(head.bytes())
            head = self.answer_head(answers)
        has_body = method != "HEAD" and head.first.split(" ")[1] not in ("204", "304")
        as_sent = Head(head.bytes())
        self.proxy.stay_between(head)
        fault.answer(self, head)
        self.to_client(head.bytes())
        offset = 0
        for framing, piece in answers.body(as_sent, has_body):
            self.to_client(framing)
            if piece:
                self.to_client(fault.answer_piece(self, piece, offset))
                offset += len(piece)
        fault.answered(self, offset)
        if (as_sent.get("connection") or "").lower() == "close":
            raise Stop


class Proxy:
    """On a free port of loopback while the with block lasts. certificate: (Certificates, name) for TLS towards the client."""

    def __init__(self, behind, rules=(), certificate=None):
        self.behind, self.rules = behind, list(rules)
        self.context = certificate[0].server_context(certificate[1]) if certificate else None
        self.lock = threading.Lock()
        self.ending = threading.Event()
        self.links = set()
        self.heads = []  # of all requests that came
        self.connections = 0

    @property
    def endpoint(self):
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}"

    @property
    def done(self):
        """How often any fault was done."""
        with self.lock:
            return sum(rule.done for rule in self.rules)

    @property
    def requests(self):
        """(method, path) of all that came."""
        with self.lock:
            return [tuple(head.first.split(" ")[:2]) for head in self.heads]

    def fault_for(self, head):
        method, path = head.first.split(" ")[:2]
        with self.lock:
            self.heads.append(head)
            for rule in self.rules:
                if not rule.fault.at_accept and rule.takes(method, path):
                    return rule.fault
        return Fault()

    def rules_at_accept(self):
        with self.lock:
            self.connections += 1
            return [rule for rule in self.rules if rule.fault.at_accept and rule.takes("", "")]

    def stay_between(self, head):
        """Where the server names itself, the client is to come back to the proxy."""
        if head.get("location"):
            head.set("Location", head.get("location").replace(f"http://127.0.0.1:{self.behind}", self.endpoint))

    def forget(self, link):
        with self.lock:
            self.links.discard(link)

    def accept_all(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            link = Link(self, client)
            with self.lock:
                self.links.add(link)
            threading.Thread(target=link.run, daemon=True).start()

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept_all, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.lock:
            left = list(self.links)
        for link in left:
            for sock in (link.client, link.server):
                try:
                    if sock is not None:
                        sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
