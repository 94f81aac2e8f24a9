"""For tests: starts a double and talks to its control routes and its API.

with Fake("qbraid", "--speed", "100") as fake:
    fake.set_faults(seed=7, preset={"p": 0.1})
    ... QBRAID_URL=fake.url ...
    assert not fake.stats()["duplicates"]
"""

import http.client
import json
import pathlib
import select
import ssl
import subprocess
import sys
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parents[1]
START_SECONDS = 60


class Answer:
    def __init__(self, status, headers, raw):
        self.status = status
        self.headers = headers
        self.raw = raw
        try:
            self.json = json.loads(raw)
        except ValueError:
            self.json = None

    def __repr__(self):
        return f"HTTP {self.status} {self.raw[:400]!r}"


def ask(conn, method, path, body=None):
    """The JSON answer to one request on a connection of its own, or ValueError."""
    try:
        data = None if body is None else json.dumps(body).encode()
        conn.request(method, path, data, {"Content-Type": "application/json"})
        reply = conn.getresponse()
        raw = reply.read()
        if reply.status != 200:
            raise ValueError(f"{method} {path}: {reply.status} {raw[:300]!r}")
        return json.loads(raw)
    finally:
        conn.close()


class Fake:
    """A running double; `url` is the base that a client is given."""

    def __init__(self, vendor, *options, key="fake-key", ca=None):
        self.vendor = vendor
        self.key = key
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / vendor), *map(str, options)],
            stdout=subprocess.PIPE,
            text=True,
        )
        if not select.select([self.process.stdout], [], [], START_SECONDS)[0]:
            self.close()
            raise RuntimeError(f"the double of {vendor} does not start")
        self.url = self.process.stdout.readline().strip()
        if not self.url:
            self.close()
            raise RuntimeError(f"the double of {vendor} ended at its start")
        self.parts = urllib.parse.urlsplit(self.url)
        self.tls = ssl.create_default_context(cafile=ca) if self.parts.scheme == "https" else None
        self.conn = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()

    # --- the vendor's API ---

    def connect(self, timeout=30):
        if self.tls:
            return http.client.HTTPSConnection(
                self.parts.hostname, self.parts.port, timeout=timeout, context=self.tls
            )
        return http.client.HTTPConnection(self.parts.hostname, self.parts.port, timeout=timeout)

    def credentials(self):
        if self.vendor == "qbraid":
            return {"X-API-KEY": self.key}
        return {"Authorization": f"apiKey {self.key}"}

    def call(self, method, path, body=None, headers=None, query=None):
        """One request on the kept connection; errors of the connection are the caller's."""
        if self.conn is None:
            self.conn = self.connect()
        target = self.parts.path + path
        if query:
            target += "?" + urllib.parse.urlencode(query)
        data = None if body is None else json.dumps(body).encode()
        try:
            self.conn.request(
                method, target, data, self.credentials() if headers is None else headers
            )
            reply = self.conn.getresponse()
            return Answer(reply.status, reply.headers, reply.read())
        except (OSError, http.client.HTTPException):
            self.conn.close()
            self.conn = None
            raise

    # --- control ---

    def control(self, name, body=None, method=None):
        method = method or ("GET" if body is None else "POST")
        return ask(self.connect(), method, f"/_fake/{name}", body)

    def set_faults(self, *rules, seed=0, preset=None):
        spec = {"seed": seed, "rules": list(rules)}
        if preset is not None:
            spec["preset"] = preset
        return self.control("faults", spec)

    def stats(self):
        return self.control("stats")

    def jobs(self):
        return self.control("jobs")

    def log(self, since=0):
        return self.control(f"log?since={since}")

    def reset(self):
        return self.control("reset", {})

    def advance(self, seconds):
        """Moves the vendor's clock forward."""
        return self.control("clock", {"advance": seconds})

    def settings(self, **values):
        return self.control("settings", values)

    def set_state(self, job_id, state):
        return self.control("jobs/" + urllib.parse.quote(job_id, safe=""), {"state": state})
