"""What the end-to-end tests share: a private stack, a REST client, gRPC stubs, circuits.

The stack is the real one: scripts/stack with the programs of QT_BUILD_DIR. Nothing here knows how
the services work inside.
"""

import atexit
import glob
import http.client
import importlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("QT_BUILD_DIR", ROOT / "build/dev")).resolve()
GRPC_PROTOS = "/usr/share/grpc-proto"
FINAL = ("completed", "failed", "cancelled")
# Programs with sanitizers run several times slower.
SLOWNESS = float(os.environ.get("QT_E2E_SLOWNESS", "1"))


class TestError(Exception):
    """The surroundings of a test failed, not what it checks."""


def wait_for(condition, seconds, what, pause=0.02):
    """Polls until condition() is true, and returns its value."""
    end = time.monotonic() + seconds * SLOWNESS
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds * SLOWNESS:.0f} s: {what}")
        time.sleep(pause)


def free_port():
    """A TCP port that is free now, below the ephemeral range."""
    while True:
        port = random.randrange(10000, 30000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


class Reply:
    """An HTTP reply; for errors, the pieces of the google.rpc.Status in it."""

    def __init__(self, status, headers, raw):
        self.status = status
        self.headers = headers
        self.raw = raw
        try:
            self.json = json.loads(raw)
        except ValueError:
            self.json = None

    def detail(self, kind):
        details = (self.json or {}).get("details", [])
        found = [d for d in details if d.get("@type", "").endswith("/google.rpc." + kind)]
        return found[0] if found else {}

    @property
    def reason(self):
        return self.detail("ErrorInfo").get("reason")

    @property
    def violations(self):
        """{field: description of the first error in it}"""
        return {row["field"]: row["description"] for row in reversed(self.all_violations)}

    @property
    def all_violations(self):
        return self.detail("BadRequest").get("field_violations", [])

    def __repr__(self):
        return f"HTTP {self.status} {self.raw[:600]!r}"


class Rest:
    """The gateway, spoken to in plain HTTP."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.host, self.port = parts.hostname, parts.port

    def raw(self, method, path, body=None, headers=None, timeout=90):
        conn = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            conn.request(method, path, body=body, headers=headers or {})
            resp = conn.getresponse()
            return Reply(resp.status, resp.headers, resp.read())
        finally:
            conn.close()

    def call(self, method, path, body=None):
        headers = {} if body is None else {"Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        return self.raw(method, path, data, headers)

    def ok(self, method, path, body=None):
        reply = self.call(method, path, body)
        if reply.status != 200:
            raise AssertionError(f"{method} {path}: {reply}")
        return reply.json

    def create(self, circuit, **fields):
        return self.ok("POST", "/v1/tasks", task(circuit, **fields))

    def get(self, task_id):
        return self.ok("GET", f"/v1/tasks/{task_id}")

    def wait(self, task_id, seconds=60):
        """Waits until the task is final, by long polls."""
        end = time.monotonic() + seconds * SLOWNESS
        while True:
            found = self.ok("GET", f"/v1/tasks/{task_id}/wait?timeout_seconds=5")
            if found["status"] in FINAL:
                return found
            if time.monotonic() > end:
                raise AssertionError(f"not final within {seconds * SLOWNESS:.0f} s: {found}")

    def run(self, circuit, **fields):
        """Creates, enqueues and waits; the task must complete."""
        done = self.wait(self.create(circuit, **fields)["task_id"])
        if done["status"] != "completed":
            raise AssertionError(
                f"{done['status']}: {done.get('error_reason')}: {done.get('error')}"
            )
        return done

    def counts(self, circuit, **fields):
        return self.run(circuit, **fields)["result"]["measurements"]

    def batch(self, tasks):
        """Stores many tasks, in requests below the gateway's limit; the ids."""
        size = max(len(json.dumps(task)) for task in tasks)
        step = max(1, min(10000, 4_000_000 // size))
        results = []
        for i in range(0, len(tasks), step):
            body = {"tasks": tasks[i : i + step]}
            results += self.ok("POST", "/v1/tasks:batchCreate", body)["results"]
        refused = [r for r in results if r.get("error")]
        if refused or len(results) != len(tasks):
            raise AssertionError(f"{len(results)} results, refused: {refused[:2]}")
        return [r["task_id"] for r in results]

    def list_all(self, **filters):
        """All tasks that match, over all pages, without their large fields."""
        found, token = [], ""
        while True:
            query = {"page_size": 1000, "omit_large_fields": "true", **filters}
            if token:
                query["page_token"] = token
            page = self.ok("GET", "/v1/tasks?" + urllib.parse.urlencode(query, doseq=True))
            found += page.get("tasks", [])
            token = page.get("next_page_token", "")
            if not token:
                return found

    def wait_project(self, project, seconds):
        """Waits until no task of the project is open; all of them."""

        def is_idle():
            query = urllib.parse.urlencode(
                {
                    "project": project,
                    "page_size": 1,
                    "omit_large_fields": "true",
                    "status": ["pending", "queued", "processing", "cancelling"],
                },
                doseq=True,
            )
            reply = self.call("GET", "/v1/tasks?" + query)
            return reply.status == 200 and not reply.json.get("tasks")

        wait_for(is_idle, seconds, f"all tasks of {project} are final")
        return self.list_all(project=project)


class Stack:
    """A private PostgreSQL, Redis and the services."""

    def __init__(self, sims=1, env=None):
        self.dir = tempfile.mkdtemp(prefix="qt-e2e-")
        os.chmod(self.dir, 0o755)
        self.environ = dict(
            os.environ, QT_RUN_DIR=f"{self.dir}/run", QT_BUILD_DIR=str(BUILD), **(env or {})
        )
        self.environ.pop("GATEWAY_URL", None)
        atexit.register(self.remove)
        self.command("up", "--sim", str(sims))
        lines = pathlib.Path(f"{self.dir}/run/env").read_text().splitlines()
        self.env = dict(line.split("=", 1) for line in lines)
        self.rest = Rest(self.env["GATEWAY_URL"])

    def command(self, *words):
        # Not a pipe: the services inherit it and would keep it open.
        with open(f"{self.dir}/stack.log", "ab+") as log:
            code = subprocess.call(
                [ROOT / "scripts/stack", *words],
                env=self.environ,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
            if code != 0:
                log.seek(0)
                raise TestError(f"scripts/stack {' '.join(words)}: {log.read().decode()[-3000:]}")

    def start(self, name):
        self.command("start", name)

    def stop(self, name):
        self.command("stop", name)

    def pid(self, name):
        return int(pathlib.Path(f"{self.dir}/run/pids/{name}.pid").read_text())

    def kill(self, name, sig=signal.SIGKILL):
        pid = self.pid(name)
        os.kill(pid, sig)
        wait_for(lambda: not self.is_alive(pid), 30, f"{name} is gone")

    @staticmethod
    def is_alive(pid):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as f:
                return f.read().rsplit(")", 1)[1].split()[0] != "Z"
        except FileNotFoundError:
            return False

    def services(self):
        names = [pathlib.Path(p).stem for p in glob.glob(f"{self.dir}/run/pids/*.pid")]
        return sorted(n for n in names if n not in ("postgres", "redis"))

    def pids(self):
        return {name: self.pid(name) for name in self.services() if self.is_alive(self.pid(name))}

    def cpu_seconds(self, name):
        """Of all its threads, to the nanosecond: clock_getcpuclockid(3) of another process."""
        per_process_sched = 2
        return time.clock_gettime((~self.pid(name) << 3) | per_process_sched)

    def forget_redis(self):
        """An empty disk for a stopped Redis."""
        shutil.rmtree(f"{self.dir}/run/redis")

    def redis(self, *words):
        port = self.env["REDIS_URL"].rsplit(":", 1)[1]
        return subprocess.check_output(["redis-cli", "-p", port, *words], text=True).strip()

    def sql(self, query):
        psql = "/usr/lib/postgresql/15/bin/psql"
        return subprocess.check_output(
            [psql, "-qAtX", self.env["DATABASE_URL"], "-c", query], text=True
        ).strip()

    def log(self, name):
        return pathlib.Path(f"{self.dir}/run/logs/{name}.log").read_text(errors="replace")

    def remove(self):
        if not os.path.isdir(self.dir):
            return
        self.command("down")
        for path in sorted(glob.glob(f"{self.dir}/run/logs/*.log")):
            found = re.search(
                r"(ERROR: (Address|Leak|Thread)Sanitizer|runtime error:|Assertion .* failed).*",
                pathlib.Path(path).read_text(errors="replace"),
                re.S,
            )
            if found:
                crash_reports.append(f"{pathlib.Path(path).stem}: {found.group(0)[:3000]}")
        if not os.environ.get("QT_E2E_KEEP"):
            self.command("down", "--purge")
            shutil.rmtree(self.dir, ignore_errors=True)


# What sanitizers and assertions said in the logs of stacks that were removed.
crash_reports = []
_shared = []


def shared_stack():
    """One stack for all tests that break nothing."""
    if not _shared:
        _shared.append(Stack(sims=1))
    return _shared[0]


def close_shared_stack():
    while _shared:
        _shared.pop().remove()


# --- gRPC ------------------------------------------------------------------------------------


def stubs():
    """The module qtaskdist.v1 of Python stubs, made from proto/ into the build folder."""
    out = BUILD / "e2e" / "python"
    protos = sorted(ROOT.glob("proto/**/*.proto"))
    stamp = out / "stamp"
    newest = max(p.stat().st_mtime for p in protos)
    if not stamp.exists() or stamp.stat().st_mtime < newest:
        out.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [
                "protoc",
                "-I",
                ROOT / "proto",
                f"--python_out={out}",
                f"--grpc_python_out={out}",
                "--plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin",
                *protos,
            ],
            check=True,
        )
        stamp.touch()
    if str(out) not in sys.path:
        sys.path.insert(0, str(out))
        import google  # Debian's package; ours adds google.api and google.rpc

        google.__path__.append(str(out / "google"))

    class Modules:
        """Each generated module under its short name, e.g. task_pb2."""

    for path in sorted((out / "qtaskdist/v1").glob("*_pb2*.py")):
        setattr(Modules, path.stem, importlib.import_module(f"qtaskdist.v1.{path.stem}"))
    Modules.status_pb2 = importlib.import_module("google.rpc.status_pb2")
    Modules.error_details_pb2 = importlib.import_module("google.rpc.error_details_pb2")
    return Modules


def grpc_messages(*files):
    """Message classes of protos under /usr/share/grpc-proto by full name. Stubs would be a package
    called grpc, which is grpcio's own name."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    with tempfile.NamedTemporaryFile() as f:
        subprocess.run(
            [
                "protoc",
                "-I",
                GRPC_PROTOS,
                "--include_imports",
                f"--descriptor_set_out={f.name}",
                *files,
            ],
            check=True,
        )
        fds = descriptor_pb2.FileDescriptorSet.FromString(f.read())
    pool = descriptor_pool.DescriptorPool()
    for proto in fds.file:
        pool.Add(proto)
    factory = message_factory.MessageFactory(pool)
    return {
        f"{proto.package}.{m.name}": factory.GetPrototype(
            pool.FindMessageTypeByName(f"{proto.package}.{m.name}")
        )
        for proto in fds.file
        for m in proto.message_type
    }


# --- packages of others ----------------------------------------------------------------------


def python_with(test, name, *packages):
    """The Python of an environment with these packages from PyPI, made when it is missing; the test
    is skipped when they cannot be had."""
    place = BUILD / "e2e" / name
    python, stamp = place / "bin/python", place / "installed"
    if stamp.exists():
        return python
    shutil.rmtree(place, ignore_errors=True)
    install = [python, "-m", "pip", "install", "-q", "--no-compile", *packages]
    for words in ([sys.executable, "-m", "venv", place], install):
        try:
            done = subprocess.run(
                words, timeout=300, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
            )
        except subprocess.TimeoutExpired:
            test.skipTest(f"cannot install {' '.join(packages)} in time")
        if done.returncode != 0:
            said = done.stdout.decode(errors="replace")[-200:].strip()
            test.skipTest(f"cannot install {' '.join(packages)}: {said}")
    stamp.touch()
    return python


# --- circuits --------------------------------------------------------------------------------

BELL = (ROOT / "examples/bell.qasm").read_text()


def task(circuit, **fields):
    """A create request as JSON. Fields of the payload and of the request mix."""
    of_request = (
        "max_retries",
        "scheduled_for",
        "meta_data",
        "enqueue",
        "priority",
        "project",
        "idempotency_key",
        "task_type",
    )
    body = {
        "task_type": "simulate",
        "enqueue": True,
        "payload": {"circuit_type": "qasm", "circuit_data": circuit},
    }
    for name, value in fields.items():
        (body if name in of_request else body["payload"])[name] = value
    return body


def heavy_circuit(qubits, layers):
    """Long work in little text: no two gates merge into a trivial one, and all qubits mix."""
    lines = ["OPENQASM 2.0;", 'include "qelib1.inc";', f"qreg q[{qubits}];", f"creg c[{qubits}];"]
    for layer in range(layers):
        for q in range(qubits):
            lines.append(f"u3({0.1 + 0.013 * layer + 0.7 * q},0.3,{0.2 + 0.011 * q}) q[{q}];")
        for q in range(layer % 2, qubits - 1, 2):
            lines.append(f"cx q[{q}],q[{q + 1}];")
    lines.append("measure q -> c;")
    return "\n".join(lines)


def circuit_of_seconds(rest, seconds, qubits=20):
    """A circuit that keeps a simulator busy for about this long, by one trial run."""
    trial = 4
    took = rest.run(heavy_circuit(qubits, trial), shots=1, seed=1)["result"]["seconds"]
    return heavy_circuit(qubits, max(1, round(trial * seconds / max(took, 1e-3))))
