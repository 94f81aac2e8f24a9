"""What an operator sees: metrics that Prometheus takes, traces that arrive whole, logs that name
their trace."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.request

import harness
import otlp

GATEWAY, TASK, QUEUE, SIM = "gateway", "task-svc", "queue-svc", "sim-svc"


def metrics_ports(stack):
    lines = pathlib.Path(f"{stack.dir}/run/ports").read_text().split()
    pairs = (line.split("=") for line in lines)
    return {name.removesuffix("-metrics"): port for name, port in pairs if name.endswith("-metrics")}


class Traces(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.collector = otlp.Collector()
        env = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": cls.collector.url,
            "OTEL_TRACES_SAMPLER_ARG": "1",
            "OTEL_BSP_SCHEDULE_DELAY": "50",
            "LOG_LEVEL": "debug",
        }
        cls.stack = harness.Stack(env=env)

    @classmethod
    def tearDownClass(cls):
        cls.stack.remove()
        cls.collector.close()

    def start(self, circuit=harness.BELL, flags="01", **fields):
        """Creates a task within a trace of ours; (task id, trace id, our span id)."""
        trace_id, span_id = os.urandom(16).hex(), os.urandom(8).hex()
        reply = self.stack.rest.raw(
            "POST",
            "/v1/tasks",
            json.dumps(harness.task(circuit, **fields)).encode(),
            {
                "Content-Type": "application/json",
                "traceparent": f"00-{trace_id}-{span_id}-{flags}",
            },
        )
        self.assertEqual(reply.status, 200, reply)
        return reply.json["task_id"], trace_id, span_id

    def whole_trace(self, trace_id, names):
        """The spans of a trace, by service and name, as soon as all these have arrived."""

        def arrived():
            found = {(s.service, s.name): s for s in self.collector.trace(trace_id)}
            return found if names <= found.keys() else None

        try:
            return harness.wait_for(arrived, 20, "the trace is whole")
        except AssertionError:
            self.fail(f"only {self.collector.trace(trace_id)}")

    def assert_chain(self, spans, *keys):
        """Each span is the parent of the next."""
        for parent, child in zip(keys, keys[1:]):
            self.assertEqual(spans[child].parent_id, spans[parent].span_id, f"{parent} > {child}")
            self.assertLessEqual(spans[parent].start, spans[child].end)

    def test_task_from_gateway_to_worker(self):
        task_id, trace_id, span_id = self.start()
        self.assertEqual(self.stack.rest.wait(task_id)["status"], "completed")
        create = "qtaskdist.v1.TaskService/CreateTask"
        rest, call = (GATEWAY, "POST TaskService.CreateTask"), (GATEWAY, create)
        served, commit = (TASK, create), (TASK, "commit create")
        dispatch, wait, run = (TASK, "dispatch"), (QUEUE, "queue wait"), (SIM, "run")
        complete, done = (SIM, "complete"), (TASK, "commit complete")
        spans = self.whole_trace(
            trace_id, {rest, call, served, commit, dispatch, wait, run, complete, done}
        )
        self.assertEqual(spans[rest].parent_id, span_id)
        self.assert_chain(spans, rest, call, served, dispatch, wait, run)
        self.assert_chain(spans, served, commit)
        self.assert_chain(spans, served, done)
        self.assert_chain(spans, wait, complete)
        kinds = {spans[k].kind for k in (rest, served)}, spans[call].kind, spans[dispatch].kind
        self.assertEqual(kinds, ({"server"}, "client", "producer"))
        self.assertEqual(spans[run].kind, "consumer")
        self.assertEqual(spans[run].attributes["qt.task_id"], task_id)
        self.assertEqual(spans[run].attributes["qt.task_type"], "simulate")
        self.assertEqual(spans[rest].attributes["http.response.status_code"], 200)
        for span in spans.values():
            self.assertLessEqual(span.start, span.end, span)
            self.assertFalse(span.failed, span)
        self.assertEqual(self.collector.errors, [])

    def test_provider_call(self):
        task_id, trace_id, _ = self.start(task_type="backend_run", backend_name="local")
        self.assertEqual(self.stack.rest.wait(task_id)["status"], "completed")
        simulate = "qtaskdist.v1.SimService/Simulate"
        run, call, served = ("backend-svc", "run"), ("backend-svc", simulate), (SIM, simulate)
        self.assert_chain(self.whole_trace(trace_id, {run, call, served}), run, call, served)

    def test_claimed_task(self):
        """A payload that does not travel along is fetched by a claim."""
        task_id, trace_id, _ = self.start(circuit=harness.BELL + "//" + "x" * 5000)
        self.assertEqual(self.stack.rest.wait(task_id)["status"], "completed")
        wait, claim = (QUEUE, "queue wait"), (SIM, "claim")
        spans = self.whole_trace(trace_id, {wait, claim, (TASK, "commit claim"), (SIM, "run")})
        self.assert_chain(spans, wait, claim)

    def test_failure_is_marked(self):
        deep = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[60]; h q; u3(0.1,0.2,0.3) q; '
        deep += "".join(f"ccx q[{i}],q[{i + 1}],q[{i + 2}];" for i in range(58))
        task_id, trace_id, _ = self.start(circuit=deep)
        self.assertEqual(self.stack.rest.wait(task_id)["status"], "failed")
        self.assertTrue(self.whole_trace(trace_id, {(SIM, "run")})[(SIM, "run")].failed)

    def test_unsampled_parent(self):
        task_id, trace_id, _ = self.start(flags="00")
        self.assertEqual(self.stack.rest.wait(task_id)["status"], "completed")
        marker, marked, _ = self.start()
        self.stack.rest.wait(marker)
        self.whole_trace(marked, {(SIM, "run"), (TASK, "commit complete")})
        self.assertEqual(self.collector.trace(trace_id), [])

    def test_batch_items_link_back(self):
        body = {"tasks": [harness.task(harness.BELL)] * 3}
        trace_id, span_id = os.urandom(16).hex(), os.urandom(8).hex()
        headers = {
            "Content-Type": "application/json",
            "traceparent": f"00-{trace_id}-{span_id}-01",
        }
        data = json.dumps(body).encode()
        reply = self.stack.rest.raw("POST", "/v1/tasks:batchCreate", data, headers)
        ids = [result["task_id"] for result in reply.json["results"]]
        for task_id in ids:
            self.stack.rest.wait(task_id)

        def items():
            with self.collector.lock:
                roots = [s for s in self.collector.spans if trace_id in s.links]
            return roots if len(roots) == 3 else None

        roots = harness.wait_for(items, 20, "a trace per task")
        self.assertEqual(len({root.trace_id for root in roots}), 3)
        for root in roots:
            self.whole_trace(root.trace_id, {(TASK, "create task"), (SIM, "run")})

    def test_logs_name_the_trace(self):
        task_id, trace_id, _ = self.start()
        self.stack.rest.wait(task_id)

        def lines():
            logged = [json.loads(line) for line in self.stack.log(TASK).splitlines()]
            return [line for line in logged if line.get("trace_id") == trace_id]

        found = harness.wait_for(lines, 10, "a line with the trace id")
        self.assertTrue(all(len(line["span_id"]) == 16 for line in found), found)
        self.assertTrue(all(line.get("request_id") for line in found), found)

    def test_opentelemetry_reads_it(self):
        """The same bytes, read by OpenTelemetry's own classes."""
        task_id, trace_id, _ = self.start()
        self.stack.rest.wait(task_id)
        spans = self.whole_trace(trace_id, {(SIM, "run"), (TASK, "commit complete")})
        python = harness.python_with(self, "opentelemetry", "opentelemetry-proto==1.27.0")
        program = (
            "import sys\n"
            "from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as t\n"
            "for line in sys.stdin:\n"
            "    request = t.ExportTraceServiceRequest.FromString(bytes.fromhex(line))\n"
            "    for r in request.resource_spans:\n"
            "        for s in r.scope_spans:\n"
            "            for x in s.spans:\n"
            "                print(x.trace_id.hex(), x.span_id.hex(), x.parent_span_id.hex() or '-')\n"
        )
        with self.collector.lock:
            bodies = "\n".join(body.hex() for body in self.collector.bodies)
        out = subprocess.run(
            [python, "-c", program], input=bodies, stdout=subprocess.PIPE, text=True, check=True
        ).stdout
        for span in spans.values():
            self.assertIn(f"{span.trace_id} {span.span_id} {span.parent_id or '-'}\n", out)


class NoCollector(unittest.TestCase):
    def test_services_go_on(self):
        """A collector that nobody listens at costs spans, and nothing else."""
        env = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
            "OTEL_TRACES_SAMPLER_ARG": "1",
            "OTEL_BSP_SCHEDULE_DELAY": "10",
        }
        stack = harness.Stack(env=env)
        try:
            stack.rest.batch([harness.task(harness.BELL, project="p")] * 300)
            done = stack.rest.wait_project("p", 60)
            self.assertEqual({task["status"] for task in done}, {"completed"})
            port = metrics_ports(stack)[SIM]

            def lost():
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as page:
                    return 'qt_trace_spans_total{outcome="lost"}' in page.read().decode()

            harness.wait_for(lost, 30, "lost spans are counted")
        finally:
            stack.remove()


class Metrics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = harness.shared_stack()
        cls.stack.rest.run(harness.BELL)

    def page(self, port, accept):
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/metrics", headers={"Accept": accept}
        )
        with urllib.request.urlopen(request) as reply:
            return reply.headers["Content-Type"], reply.read()

    def test_every_service_has_them(self):
        ports = metrics_ports(self.stack)
        self.assertEqual(set(ports), {GATEWAY, TASK, QUEUE, SIM, "backend-svc"})
        for name, port in ports.items():
            kind, text = self.page(port, "text/plain")
            self.assertTrue(kind.startswith("text/plain; version=0.0.4"))
            self.assertIn(f'qt_build_info{{service="{name}",', text.decode())
            kind, text = self.page(port, "application/openmetrics-text")
            self.assertTrue(kind.startswith("application/openmetrics-text; version=1.0.0"))
            self.assertTrue(text.endswith(b"# EOF\n"))

    def test_promtool_has_nothing_to_say(self):
        if not shutil.which("promtool"):
            self.skipTest("promtool is not installed (Debian package prometheus)")
        for name, port in metrics_ports(self.stack).items():
            _, text = self.page(port, "text/plain")
            done = subprocess.run(
                ["promtool", "check", "metrics"],
                input=text,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
            )
            self.assertEqual((done.returncode, done.stdout), (0, b""), name)

    def test_documented(self):
        """Every family that a service shows is in the tables."""
        known = (harness.ROOT / "docs/metrics.md").read_text()
        for name, port in metrics_ports(self.stack).items():
            _, text = self.page(port, "text/plain")
            for line in text.decode().splitlines():
                if line.startswith("# TYPE "):
                    self.assertIn(f"`{line.split()[2]}`", known, name)


class Prometheus(unittest.TestCase):
    """The real one scrapes the services, with our alert rules loaded."""

    def setUp(self):
        if not shutil.which("prometheus"):
            self.skipTest("prometheus is not installed (Debian package prometheus)")
        self.stack = harness.shared_stack()
        self.stack.rest.run(harness.BELL)
        self.dir = tempfile.mkdtemp(prefix="qt-e2e-prometheus-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def ask(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/{path}") as reply:
            return json.load(reply)["data"]

    def start(self):
        targets = [f"127.0.0.1:{p}" for p in metrics_ports(self.stack).values()]
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(harness.ROOT / "k8s/chart/files/alerts.yml")],
            "scrape_configs": [{"job_name": "qtaskdist", "static_configs": [{"targets": targets}]}],
        }
        path = pathlib.Path(self.dir, "prometheus.yaml")
        path.write_text(json.dumps(config))  # JSON is YAML
        self.port = harness.free_port()
        with open(f"{self.dir}/log", "wb") as log:
            process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={path}",
                    f"--storage.tsdb.path={self.dir}/data",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                ],
                stdout=log,
                stderr=log,
            )
        self.addCleanup(lambda: (process.terminate(), process.wait(30)))

    def targets(self):
        try:
            found = self.ask("targets?state=active")["activeTargets"]
        except OSError:
            return None
        return found if len(found) == 5 and all(t["lastScrape"][:4] != "0001" for t in found) else None

    def check_dashboard(self):
        """Prometheus understands every query of the dashboard."""
        board = json.loads((harness.ROOT / "k8s/monitoring/dashboard.json").read_text())
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                query = target["expr"].replace("$__rate_interval", "1m").replace("$job", ".*")
                self.ask("query?query=" + urllib.request.quote(query))

    def test_scrapes_and_rules(self):
        self.start()
        targets = harness.wait_for(self.targets, 60, "every target was scraped")
        self.assertEqual({t["lastError"] for t in targets}, {""})
        self.assertEqual({t["health"] for t in targets}, {"up"})

        def completed():
            query = "sum(qt_task_moves_total{to='completed'})"
            found = self.ask("query?query=" + urllib.request.quote(query))["result"]
            return found and float(found[0]["value"][1]) >= 1

        harness.wait_for(completed, 30, "the task is counted")

        def evaluated():
            rules = [r for g in self.ask("rules")["groups"] for r in g["rules"]]
            known = all(r["health"] != "unknown" for r in rules)
            return rules if rules and known else None

        rules = harness.wait_for(evaluated, 60, "the rules are evaluated")
        self.check_dashboard()
        self.assertEqual({r["name"]: r.get("lastError", "") for r in rules if r["health"] != "ok"}, {})


if __name__ == "__main__":
    sys.exit("run tests/e2e/run.py observe")
