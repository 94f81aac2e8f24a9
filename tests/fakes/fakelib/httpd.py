"""A small HTTP/1.1 server that can also misbehave: late, cut, truncated and reset replies.

One thread, one event loop. A handler gets a Request and returns a Reply at once; what a reply's
wire faults ask for is done here.
"""

import asyncio
import email.utils
import http
import json
import socket
import struct
import urllib.parse

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 64 * 1024 * 1024


class Request:
    __slots__ = ("method", "path", "query", "headers", "body", "peer")

    def __init__(self, method, target, headers, body, peer):
        path, _, query = target.partition("?")
        self.method = method
        self.path = urllib.parse.unquote(path)
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        self.headers = headers  # names in lower case
        self.body = body
        self.peer = peer

    def json(self):
        """The body as JSON; ValueError when it is none."""
        return json.loads(self.body)


class Reply:
    """`body` is bytes, or what json.dumps takes.

    Wire faults: `delay` seconds before the first byte, `cut` sends this share of the body and
    closes, `truncate` sends a whole reply whose body ends early, `reset` sends nothing and resets
    the connection, `dribble` sends the body in that many pieces with `pause` seconds between.
    """

    __slots__ = (
        "status",
        "body",
        "headers",
        "delay",
        "cut",
        "truncate",
        "reset",
        "dribble",
        "pause",
    )

    def __init__(self, status, body=b"", headers=None, content_type="application/json"):
        self.status = status
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.headers = {"Content-Type": content_type, **(headers or {})}
        self.delay = 0.0
        self.cut = None
        self.truncate = None
        self.reset = False
        self.dribble = 0
        self.pause = 0.0


class BadRequest(Exception):
    """The bytes are no HTTP request."""


def parse_head(head):
    """(method, target, {name in lower case: value}) of a request's head."""
    lines = head.decode("latin-1").split("\r\n")
    parts = lines[0].split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadRequest(lines[0][:100])
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            raise BadRequest(line[:100])
        headers[name.strip().lower()] = value.strip()
    return parts[0], parts[1], headers


def read_chunked(buffer, start):
    """(body, end) of a chunked body, or None while some of it is missing."""
    body, at = bytearray(), start
    while True:
        line_end = buffer.find(b"\r\n", at)
        if line_end < 0:
            return None
        try:
            size = int(bytes(buffer[at:line_end]).split(b";")[0], 16)
        except ValueError:
            raise BadRequest("chunk size") from None
        at = line_end + 2
        if len(buffer) < at + size + 2:
            return None
        if size == 0:
            return bytes(body), at + 2
        body += buffer[at : at + size]
        at += size + 2


class Connection(asyncio.Protocol):
    def __init__(self, server):
        self.server = server
        self.buffer = bytearray()
        self.busy = False
        self.continued = False
        self.closing = False
        self.transport = None
        self.peer = ""

    def connection_made(self, transport):
        self.transport = transport
        peer = transport.get_extra_info("peername")
        self.peer = peer[0] if peer else ""
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server.connections += 1

    def connection_lost(self, exc):
        self.closing = True

    def data_received(self, data):
        self.buffer += data
        if not self.busy:
            self.serve()

    def serve(self):
        try:
            while not self.busy and not self.closing:
                request = self.next_request()
                if request is None:
                    return
                self.busy = True
                self.send(self.server.handle(request))
        except BadRequest as bad:
            self.closing = True
            self.write(Reply(400, {"detail": f"not HTTP: {bad}"}))
            self.transport.close()

    def next_request(self):
        head_end = self.buffer.find(b"\r\n\r\n")
        if head_end < 0:
            if len(self.buffer) > MAX_HEAD_BYTES:
                raise BadRequest("the head is too large")
            return None
        method, target, headers = parse_head(self.buffer[:head_end])
        body = self.next_body(headers, head_end + 4)
        if body is None:
            self.ask_for_body(headers)
            return None
        raw, end = body
        del self.buffer[:end]
        self.continued = False
        return Request(method, target, headers, raw, self.peer)

    def next_body(self, headers, start):
        if "chunked" in headers.get("transfer-encoding", ""):
            return read_chunked(self.buffer, start)
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MAX_BODY_BYTES:
            raise BadRequest(f"content-length {length[:20]}")
        end = start + int(length)
        return (bytes(self.buffer[start:end]), end) if len(self.buffer) >= end else None

    def ask_for_body(self, headers):
        if headers.get("expect", "").lower() == "100-continue" and not self.continued:
            self.continued = True
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def send(self, reply):
        if reply.delay > 0:
            asyncio.get_running_loop().call_later(reply.delay, self.finish, reply)
        else:
            self.finish(reply)

    def finish(self, reply):
        if self.closing:
            return
        if reply.reset:
            self.reset()
        elif reply.dribble:
            self.write_slowly(reply)
        else:
            self.write(reply)
            self.end_reply(reply)

    def end_reply(self, reply):
        if reply.cut is not None:
            self.closing = True
            self.transport.close()
            return
        self.busy = False
        asyncio.get_running_loop().call_soon(self.serve)

    def write(self, reply):
        body = reply.body
        if reply.truncate is not None:
            body = body[: int(len(body) * reply.truncate)]
        sent = body if reply.cut is None else body[: int(len(body) * reply.cut)]
        self.transport.write(self.head(reply, len(body)) + sent)

    def write_slowly(self, reply):
        size = max(1, -(-len(reply.body) // reply.dribble))
        pieces = [reply.body[i : i + size] for i in range(0, len(reply.body), size)]
        self.transport.write(self.head(reply, len(reply.body)))
        self.write_pieces(reply, pieces)

    def write_pieces(self, reply, pieces):
        if self.closing:
            return
        if not pieces:
            self.end_reply(reply)
            return
        self.transport.write(pieces[0])
        loop = asyncio.get_running_loop()
        loop.call_later(reply.pause, self.write_pieces, reply, pieces[1:])

    @staticmethod
    def head(reply, length):
        try:
            reason = http.HTTPStatus(reply.status).phrase
        except ValueError:
            reason = "Status"  # e.g. Cloudflare's 520
        lines = [f"HTTP/1.1 {reply.status} {reason}"]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        lines += [
            f"Content-Length: {length}",
            f"Date: {email.utils.formatdate(usegmt=True)}",
            "",
            "",
        ]
        return "\r\n".join(lines).encode("latin-1")

    def reset(self):
        self.closing = True
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


class Server:
    """Listens and gives each request to `handle(request) -> Reply`."""

    def __init__(self, handle):
        self.handle = handle
        self.connections = 0

    async def listen(self, host, port, tls=None):
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: Connection(self), host, port, ssl=tls, backlog=1024)
