"""A collector for OTLP/HTTP: takes ExportTraceServiceRequests and keeps their spans.

The messages are decoded by hand (field numbers of opentelemetry/proto/trace/v1/trace.proto), so
that what our services write is read by something that shares no code with them.
"""

import http.server
import threading

KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def fields(data):
    """(number, value) of each field; bytes for what has a length, integers for the others."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, at = varint(data, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
            value, at = int.from_bytes(data[at : at + size], "little"), at + size
        elif wire == 2:
            size, at = varint(data, at)
            if at + size > len(data):
                raise ValueError(f"field {number} is cut")
            value, at = data[at : at + size], at + size
        else:
            raise ValueError(f"wire type {wire}")
        yield number, value


def all_of(data, number):
    return [value for n, value in fields(data) if n == number]


def one_of(data, number, default=b""):
    return (all_of(data, number) or [default])[-1]


def attributes(data, number):
    found = {}
    for pair in all_of(data, number):
        kind, value = next(iter(fields(one_of(pair, 2))))
        found[one_of(pair, 1).decode()] = value.decode() if kind == 1 else value
    return found


class Span:
    def __init__(self, service, data):
        self.service = service
        self.trace_id = one_of(data, 1).hex()
        self.span_id = one_of(data, 2).hex()
        self.parent_id = one_of(data, 4).hex()
        self.name = one_of(data, 5).decode()
        self.kind = KINDS[one_of(data, 6, 0)]
        self.start, self.end = one_of(data, 7, 0), one_of(data, 8, 0)
        self.attributes = attributes(data, 9)
        self.links = [one_of(link, 1).hex() for link in all_of(data, 13)]
        status = one_of(data, 15)
        self.failed = one_of(status, 3, 0) == 2

    def __repr__(self):
        return f"{self.service}: {self.name} ({self.kind}) {self.span_id} < {self.parent_id or '-'}"


def spans_of(request):
    for resource_spans in all_of(request, 1):
        service = attributes(one_of(resource_spans, 1), 1)["service.name"]
        for scope_spans in all_of(resource_spans, 2):
            for span in all_of(scope_spans, 2):
                yield Span(service, span)


class Collector:
    """Listens on a port of its own until close(). Every request is kept in `bodies`."""

    def __init__(self):
        self.lock = threading.Lock()
        self.spans, self.bodies, self.errors = [], [], []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.take(self.path, self.headers["Content-Type"], body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def take(self, path, content_type, body):
        with self.lock:
            try:
                if (path, content_type) != ("/v1/traces", "application/x-protobuf"):
                    raise ValueError(f"{path} with {content_type}")
                self.bodies.append(body)
                self.spans.extend(spans_of(body))
            except (ValueError, KeyError, IndexError, StopIteration) as error:
                self.errors.append(repr(error))

    def trace(self, trace_id):
        with self.lock:
            return [span for span in self.spans if span.trace_id == trace_id]

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
