#!/usr/bin/env python3
"""What metrics and traces cost: the tasks of bench/pipeline on two stacks, one that shows all and one
that shows nothing, and the processor seconds of all services of each.

The first has /metrics, which is scraped every 5 s, and sends traces, sampled as by default, to a
collector that only takes them. Both run at the same time, so that a processor that becomes slower
or faster does so for both.

Usage: scripts/bench observe [TASKS [ROUNDS]]      default: 10000 tasks, 10 rounds
"""

import http.server
import json
import pathlib
import statistics
import sys
import threading
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench"))
import pipeline  # noqa: E402
from pipeline import harness  # noqa: E402

SCRAPE_S = 5


class Sink(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    taken = 0

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        Sink.taken += 1
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Scraper(threading.Thread):
    def __init__(self, stack):
        super().__init__(daemon=True)
        lines = pathlib.Path(f"{stack.dir}/run/ports").read_text().split()
        self.ports = [line.split("=")[1] for line in lines if "-metrics=" in line]
        self.done = threading.Event()
        self.pages = 0

    def run(self):
        while not self.done.wait(SCRAPE_S):
            for port in self.ports:
                request = urllib.request.Request(
                    f"http://127.0.0.1:{port}/metrics",
                    headers={"Accept": "application/openmetrics-text"},
                )
                with urllib.request.urlopen(request, timeout=10) as page:
                    page.read()
                self.pages += 1


class Side:
    def __init__(self, env):
        self.stack = harness.Stack(env=env)
        self.ours = pipeline.Ours(self.stack)
        self.ours.round(200)
        self.seconds = []

    def cpu(self):
        return sum(self.stack.cpu_seconds(name) for name in self.stack.services())

    def round(self, count):
        before = self.cpu()
        self.ours.round(count)
        self.seconds.append(self.cpu() - before)


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    sink = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=sink.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{sink.server_address[1]}"
    sides = []
    try:
        shown = Side({"OTEL_EXPORTER_OTLP_ENDPOINT": url})
        sides.append(shown)
        hidden = Side({"METRICS_ADDR": "off"})
        sides.append(hidden)
        scraper = Scraper(shown.stack)
        scraper.start()
        for i in range(rounds):
            both = [threading.Thread(target=side.round, args=(count,)) for side in sides]
            for thread in both:
                thread.start()
            for thread in both:
                thread.join()
            on, off = shown.seconds[-1], hidden.seconds[-1]
            print(f"round {i + 1}: on {on:.2f} s, off {off:.2f} s, {on / off - 1:+.1%}", flush=True)
        scraper.done.set()
        scraper.join()
    finally:
        for side in sides:
            side.stack.remove()
        sink.shutdown()
    on, off = sum(shown.seconds), sum(hidden.seconds)
    pairs = [a / b for a, b in zip(shown.seconds, hidden.seconds)]
    print(
        json.dumps(
            {
                "bench": "observe",
                "value": round(on, 2),
                "unit": "CPU seconds of all services, metrics and traces on",
                "peer": "metrics and traces off",
                "peer_value": round(off, 2),
                "ratio": round(on / off, 4),
                "median_ratio": round(statistics.median(pairs), 4),
                "tasks": count * rounds,
                "scrapes": scraper.pages,
                "trace_requests": Sink.taken,
            }
        )
    )


main()
