"""The main job over REST, the prototype's routes, and the plain parts of the gateway."""

import math
import unittest
import uuid

import harness

UNKNOWN = "00000000-0000-7000-8000-000000000000"

# name: (program, what holds for counts c of n shots)
CIRCUITS = {
    "bell": (
        harness.BELL,
        lambda c, n: set(c) == {"00", "11"} and abs(c["00"] - n / 2) < 5 * math.sqrt(n / 4),
    ),
    "ghz, OpenQASM 3": (
        (harness.ROOT / "examples/ghz5.qasm").read_text(),
        lambda c, n: set(c) == {"00000", "11111"},
    ),
    "qft": (
        (harness.ROOT / "examples/qft4.qasm").read_text(),
        lambda c, n: set(c) == {"0000", "0100", "1000", "1100"}
        and all(abs(v - n / 4) < 5 * math.sqrt(n * 3 / 16) for v in c.values()),
    ),
    "grover": (
        (harness.ROOT / "examples/grover3.qasm").read_text(),
        lambda c, n: abs(c["101"] / n - 0.9453) < 5 * math.sqrt(0.9453 * 0.0547 / n),
    ),
    # Registers out, x, z: the teleported qubit is leftmost.
    "teleport": (
        (harness.ROOT / "examples/teleport.qasm").read_text(),
        lambda c, n: abs(
            sum(v for k, v in c.items() if k.split(" ")[0] == "1") / n - math.sin(0.6) ** 2
        )
        < 5 * math.sqrt(0.22 / n),
    ),
    "bit order": (
        'OPENQASM 2.0; include "qelib1.inc"; qreg q[3]; creg a[2]; creg b[1]; x q[0];'
        "measure q[0] -> a[0]; measure q[1] -> a[1]; measure q[2] -> b[0];",
        lambda c, n: c == {"0 01": n},
    ),
    "reset": (
        'OPENQASM 2.0; include "qelib1.inc"; qreg q[1]; creg c[2]; h q[0];'
        "measure q[0] -> c[0]; reset q[0]; measure q[0] -> c[1];",
        lambda c, n: set(c) == {"00", "01"},
    ),
    "if, OpenQASM 3": (
        'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; h q[0];'
        "c[0] = measure q[0]; if (c[0] == 1) { x q[1]; } c[1] = measure q[1];",
        lambda c, n: set(c) == {"00", "11"},
    ),
}


class MainJob(unittest.TestCase):
    """Create, wait, read."""

    def setUp(self):
        self.rest = harness.shared_stack().rest

    def test_circuits(self):
        for name, (program, holds) in CIRCUITS.items():
            with self.subTest(name):
                done = self.rest.run(program, shots=4000, seed=11)
                counts = done["result"]["measurements"]
                self.assertEqual(sum(counts.values()), 4000)
                self.assertTrue(holds(counts, 4000), counts)

    def test_result_fields(self):
        done = self.rest.run(harness.BELL, shots=100, seed=5)
        result = done["result"]
        self.assertEqual((done["task_type"], done["status"]), ("simulate", "completed"))
        self.assertEqual(result["job_id"], done["task_id"])
        self.assertEqual((result["status"], result["shots"], result["seed"]), ("completed", 100, 5))
        self.assertEqual((result["num_qubits"], result["num_clbits"]), (2, 2))
        self.assertIn(result["method"], ("statevector", "stabilizer"))
        self.assertGreaterEqual(result["seconds"], 0)
        self.assertEqual(done["payload"]["circuit_data"], harness.BELL)
        self.assertEqual(done["meta_data"]["num_qubits"], 2)
        self.assertEqual(uuid.UUID(done["task_id"]).version, 7)
        for name in ("created_at", "updated_at", "started_at", "finished_at"):
            self.assertRegex(done[name], r"^20\d\d-\d\d-\d\dT.*Z$", name)

    def test_seed_repeats_exactly(self):
        circuit = (harness.ROOT / "examples/grover3.qasm").read_text()
        first = self.rest.run(circuit, shots=3000, seed=123)["result"]
        again = self.rest.run(circuit, shots=3000, seed=123)["result"]
        other = self.rest.run(circuit, shots=3000, seed=124)["result"]
        self.assertEqual(first["measurements"], again["measurements"])
        self.assertNotEqual(first["measurements"], other["measurements"])

    def test_picked_seed_can_be_used_again(self):
        first = self.rest.run(harness.BELL, shots=1000)["result"]
        again = self.rest.run(harness.BELL, shots=1000, seed=first["seed"])["result"]
        self.assertEqual(first["measurements"], again["measurements"])

    def test_default_shots(self):
        self.assertEqual(self.rest.run(harness.BELL)["result"]["shots"], 1024)

    def test_backend_run_local(self):
        done = self.rest.run(
            harness.BELL, task_type="backend_run", backend_name="local", shots=50, seed=1
        )
        self.assertEqual(sum(done["result"]["measurements"].values()), 50)

    def test_backend_run_elsewhere_says_why(self):
        made = self.rest.call(
            "POST",
            "/v1/tasks",
            harness.task(
                harness.BELL, task_type="backend_run", backend_name="qbraid:qbraid:sim:qir-sv"
            ),
        )
        if made.status == 200:
            done = self.rest.wait(made.json["task_id"])
            self.assertEqual(done["status"], "failed")
            self.assertIn(done["error_reason"], ("PROVIDER_KEY_INVALID", "DEVICE_NOT_FOUND"))
        else:
            self.assertIn(made.reason, ("PROVIDER_KEY_INVALID", "DEVICE_NOT_FOUND"))

    def test_direct_simulate(self):
        done = self.rest.ok(
            "POST", "/v1/simulate", {"circuit_data": harness.BELL, "shots": 10, "seed": 3}
        )
        self.assertEqual(sum(done["result"]["measurements"].values()), 10)


class Prototype(unittest.TestCase):
    """The five routes that existed before, without a version in the path."""

    def setUp(self):
        self.rest = harness.shared_stack().rest

    def create_pending(self, **fields):
        made = self.rest.ok("POST", "/tasks", harness.task(harness.BELL, enqueue=False, **fields))
        self.assertEqual(made["status"], "pending")
        return made["task_id"]

    def test_create_stays_pending_until_enqueued(self):
        body = harness.task(harness.BELL, shots=20)
        del body["enqueue"]
        made = self.rest.ok("POST", "/tasks", body)
        self.assertEqual(made["status"], "pending")
        self.rest.run(harness.BELL, shots=1)  # meanwhile another one went all the way
        self.assertEqual(self.rest.ok("GET", f"/tasks/{made['task_id']}")["status"], "pending")
        queued = self.rest.ok("POST", f"/tasks/{made['task_id']}/enqueue?task_type=simulate")
        self.assertIn(queued["status"], ("queued", "processing", "completed"))
        self.assertEqual(self.rest.wait(made["task_id"])["status"], "completed")

    def test_enqueue_checks_the_type(self):
        task_id = self.create_pending()
        reply = self.rest.call("POST", f"/tasks/{task_id}/enqueue?task_type=backend_run")
        self.assertEqual((reply.status, reply.reason), (400, "TYPE_MISMATCH"), reply)
        self.assertEqual(self.rest.get(task_id)["status"], "pending")

    def test_list(self):
        project = f"list-{uuid.uuid4().hex[:8]}"
        ids = {self.create_pending(project=project) for _ in range(5)}
        page = self.rest.ok("GET", f"/tasks?project={project}&status=pending&page_size=2")
        self.assertEqual(len(page["tasks"]), 2)
        self.assertTrue(page["next_page_token"])
        self.assertEqual({t["task_id"] for t in self.rest.list_all(project=project)}, ids)
        self.assertEqual(self.rest.list_all(project=project, status="failed"), [])

    def test_patch(self):
        task_id = self.create_pending(meta_data={"run": "a"})
        changed = self.rest.ok(
            "PATCH", f"/tasks/{task_id}", {"max_retries": 7, "meta_data": {"run": "b", "n": 4}}
        )
        self.assertEqual(changed["max_retries"], 7)
        self.assertEqual((changed["meta_data"]["run"], changed["meta_data"]["n"]), ("b", 4))
        self.assertEqual(self.rest.ok("GET", f"/tasks/{task_id}")["max_retries"], 7)

    def test_patch_status(self):
        task_id = self.create_pending()
        self.assertEqual(
            self.rest.ok("PATCH", f"/tasks/{task_id}", {"status": "cancelled"})["status"],
            "cancelled",
        )


class Requests(unittest.TestCase):
    """The rest of the public API."""

    def setUp(self):
        self.rest = harness.shared_stack().rest

    def test_cancel_waiting_task(self):
        made = self.rest.create(harness.BELL, enqueue=False)
        gone = self.rest.ok("POST", f"/v1/tasks/{made['task_id']}/cancel", {"reason": "not needed"})
        self.assertEqual(gone["status"], "cancelled")

    def test_scheduled_for_waits(self):
        made = self.rest.create(harness.BELL, scheduled_for="2099-01-01T00:00:00Z")
        self.assertIn(made["status"], ("pending", "queued"))
        self.rest.run(harness.BELL, shots=1)
        self.assertIn(self.rest.get(made["task_id"])["status"], ("pending", "queued"))
        self.rest.ok("POST", f"/v1/tasks/{made['task_id']}/cancel", {})

    def test_idempotency_key(self):
        key = uuid.uuid4().hex
        first = self.rest.create(harness.BELL, shots=10, idempotency_key=key)
        again = self.rest.create(harness.BELL, shots=10, idempotency_key=key)
        self.assertEqual(first["task_id"], again["task_id"])
        other = self.rest.call(
            "POST", "/v1/tasks", harness.task(harness.BELL, shots=11, idempotency_key=key)
        )
        self.assertEqual((other.status, other.reason), (409, "IDEMPOTENCY_MISMATCH"), other)

    def test_meta_data_keeps_its_types(self):
        made = self.rest.create(
            harness.BELL, enqueue=False, meta_data={"s": "é", "n": 1.5, "b": True}
        )
        kept = self.rest.get(made["task_id"])["meta_data"]
        self.assertEqual((kept["s"], kept["n"], kept["b"]), ("é", 1.5, True))

    def test_batch_fails_item_by_item(self):
        good, bad = harness.task(harness.BELL, shots=1), harness.task(
            "OPENQASM 2.0; qreg q[1]; nonsense q[0];"
        )
        reply = self.rest.ok("POST", "/v1/tasks:batchCreate", {"tasks": [good, bad, good]})
        self.assertEqual(reply["created_count"], 2)
        self.assertEqual([bool(r.get("task_id")) for r in reply["results"]], [True, False, True])
        self.assertEqual(reply["results"][1]["error"]["code"], 3)

    def test_probes(self):
        for path in ("/healthz", "/readyz"):
            self.assertEqual(self.rest.raw("GET", path).status, 200, path)

    def test_openapi(self):
        doc = self.rest.ok("GET", "/openapi.json")
        self.assertTrue(doc["openapi"].startswith("3."), doc["openapi"])
        for path in ("/v1/tasks", "/v1/tasks/{task_id}", "/tasks/{task_id}/enqueue"):
            self.assertIn(path, doc["paths"])

    def test_queue_stats(self):
        streams = {s["stream"] for s in self.rest.ok("GET", "/v1/queues")["streams"]}
        self.assertLessEqual({"stream:simulate", "stream:c_qir", "stream:backend"}, streams)
