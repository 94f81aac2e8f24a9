"""Processes die and stores lose their memory; no task is lost and each has one result."""

import collections
import os
import signal
import threading
import time
import unittest
import uuid

import harness

# Services stop at once when a test tells them to; how long they linger has its own tests.
QUICK_STOP = {"RPC_LAME_DUCK_MS": "100"}


class FaultCase(unittest.TestCase):
    """A stack of its own per class, whole again before each test."""

    sims = 1

    @classmethod
    def setUpClass(cls):
        cls.stack = harness.Stack(sims=cls.sims, env=QUICK_STOP)
        cls.rest = cls.stack.rest

    @classmethod
    def tearDownClass(cls):
        cls.stack.remove()

    def setUp(self):
        self.project = f"p-{uuid.uuid4().hex[:10]}"

    def create_many(self, count, circuit=harness.BELL, **fields):
        fields = {"shots": 100, "project": self.project, **fields}
        return self.rest.batch([harness.task(circuit, **fields)] * count)

    def assert_all_completed(self, ids, seconds):
        tasks = self.rest.wait_project(self.project, seconds)
        self.assertEqual(collections.Counter(t["status"] for t in tasks), {"completed": len(ids)})
        self.assertEqual({t["task_id"] for t in tasks}, set(ids))

    def events(self, task_id):
        return self.rest.ok("GET", f"/v1/tasks/{task_id}/events")["events"]

    def assert_one_result(self, task_id):
        finals = [e["to"] for e in self.events(task_id) if e["to"] in harness.FINAL]
        self.assertEqual(finals, ["completed"])


class Worker(FaultCase):
    """sim-svc dies, stops, or shares."""

    def start_slow_task(self, seconds):
        made = self.rest.create(
            harness.circuit_of_seconds(self.rest, seconds), shots=10, project=self.project
        )
        harness.wait_for(
            lambda: self.rest.get(made["task_id"])["status"] == "processing", 20, "it is processed"
        )
        return made["task_id"]

    def test_killed_mid_task(self):
        task_id = self.start_slow_task(3)
        self.stack.start("sim-svc-2")
        self.assertEqual(self.rest.get(task_id)["status"], "processing")
        self.stack.kill("sim-svc")
        killed = time.monotonic()
        done = self.rest.wait(task_id, 60)
        took = time.monotonic() - killed
        self.assertEqual(done["status"], "completed", done)
        self.assertLessEqual(
            took, 20 * harness.SLOWNESS, "redone on the other simulator within 20 s"
        )
        self.assertEqual(done["attempt"], 2)
        self.assertEqual(sum(done["result"]["measurements"].values()), 10)
        self.assert_one_result(task_id)
        self.stack.start("sim-svc")
        self.stack.stop("sim-svc-2")

    def test_suspended_past_its_lease(self):
        """A worker that sleeps through its lease wakes up with a result nobody wants."""
        task_id = self.start_slow_task(3)
        pid = self.stack.pid("sim-svc")
        os.kill(pid, signal.SIGSTOP)
        try:
            self.stack.start("sim-svc-2")
            done = self.rest.wait(task_id, 60)
        finally:
            os.kill(pid, signal.SIGCONT)
        self.assertEqual(done["status"], "completed")
        self.stack.stop("sim-svc-2")
        self.rest.run(harness.BELL, shots=1)  # by the one that slept: it has come to itself
        after = self.rest.get(task_id)
        for name in ("attempt", "finished_at", "result", "version"):
            self.assertEqual(after[name], done[name], name)
        self.assert_one_result(task_id)

    def test_two_share_the_work(self):
        self.stack.start("sim-svc-2")
        circuit = harness.circuit_of_seconds(self.rest, 0.05, qubits=14)
        before = {name: self.stack.cpu_seconds(name) for name in ("sim-svc", "sim-svc-2")}
        ids = self.create_many(150, circuit)
        self.assert_all_completed(ids, 120)
        used = {name: self.stack.cpu_seconds(name) - before[name] for name in before}
        self.assertGreater(min(used.values()), 0.15 * sum(used.values()), used)
        self.stack.stop("sim-svc-2")

    def test_drain(self):
        """SIGTERM: what runs is finished or given back, without an attempt lost or a lease waited for."""
        self.stack.start("sim-svc-2")
        circuit = harness.circuit_of_seconds(self.rest, 0.4)
        ids = self.create_many(16, circuit)
        harness.wait_for(
            lambda: self.stack.cpu_seconds("sim-svc-2") > 0.5, 30, "the second one works"
        )
        pid = self.stack.pid("sim-svc-2")
        self.stack.kill("sim-svc-2", signal.SIGTERM)
        self.assertFalse(self.stack.is_alive(pid))
        self.assert_all_completed(ids, 60)
        for task_id in ids:
            self.assertEqual(self.rest.get(task_id)["retry_count"], 0)
            self.assertNotIn("LEASE_EXPIRED", {e.get("reason") for e in self.events(task_id)})


class Stores(FaultCase):
    """Redis forgets or dies; the services around it die; PostgreSQL dies."""

    def test_flushall_with_1000_queued(self):
        self.stack.stop("sim-svc")
        ids = self.create_many(1000)
        harness.wait_for(
            lambda: int(self.stack.redis("XLEN", "stream:simulate")) >= 1000, 30, "all are in Redis"
        )
        self.stack.redis("FLUSHALL")
        self.stack.start("sim-svc")
        self.assert_all_completed(ids, 60)

    def test_redis_killed_and_restarted(self):
        ids = self.create_many(500)
        self.stack.kill("redis")
        self.stack.start("redis")
        ids += self.create_many(500)
        self.assert_all_completed(ids, 60)

    def test_redis_restarted_empty(self):
        self.stack.stop("sim-svc")
        ids = self.create_many(300)
        harness.wait_for(
            lambda: int(self.stack.redis("XLEN", "stream:simulate")) >= 300, 30, "all are in Redis"
        )
        self.stack.kill("redis")
        self.stack.forget_redis()
        self.stack.start("redis")
        self.stack.start("sim-svc")
        self.assert_all_completed(ids, 60)

    def test_create_while_redis_is_down(self):
        self.stack.kill("redis")
        ids = self.create_many(200)
        self.stack.start("redis")
        self.assert_all_completed(ids, 60)

    def test_queue_svc_killed_and_restarted(self):
        ids = self.create_many(500)
        self.stack.kill("queue-svc")
        self.stack.start("queue-svc")
        ids += self.create_many(500)
        self.assert_all_completed(ids, 60)

    def test_task_svc_killed_and_restarted(self):
        ids = self.create_many(500)
        self.stack.kill("task-svc")
        self.stack.start("task-svc")
        harness.wait_for(
            lambda: self.rest.raw("GET", "/readyz").status == 200, 30, "the gateway is ready"
        )
        ids += self.create_many(500)
        self.assert_all_completed(ids, 60)

    def test_postgres_killed_and_restarted(self):
        acknowledged, stop = [], threading.Event()

        def keep_creating():
            while not stop.is_set():
                reply = self.rest.call(
                    "POST", "/v1/tasks", harness.task(harness.BELL, shots=10, project=self.project)
                )
                if reply.status == 200:
                    acknowledged.append(reply.json["task_id"])

        thread = threading.Thread(target=keep_creating)
        thread.start()
        try:
            harness.wait_for(lambda: len(acknowledged) >= 20, 20, "tasks are created")
            self.stack.kill("postgres")
            self.stack.start("postgres")
            seen = len(acknowledged)
            harness.wait_for(lambda: len(acknowledged) >= seen + 20, 30, "tasks are created again")
        finally:
            stop.set()
            thread.join()
        tasks = self.rest.wait_project(self.project, 60)
        self.assertLessEqual(set(acknowledged), {t["task_id"] for t in tasks})
        self.assertEqual({t["status"] for t in tasks}, {"completed"})


class Load(FaultCase):
    def test_ten_thousand_bells(self):
        ids = self.create_many(10_000)
        self.assertEqual(len(set(ids)), 10_000)
        self.assert_all_completed(ids, 120)
        sample = self.rest.get(ids[5000])["result"]["measurements"]
        self.assertEqual((set(sample), sum(sample.values())), ({"00", "11"}, 100))
        harness.wait_for(
            lambda: int(self.stack.redis("XLEN", "stream:simulate")) == 0,
            30,
            "Redis is empty again",
        )
