"""backend_run on devices of vendors, against the doubles in tests/fakes: the right result whatever
goes wrong, one job for a task whatever dies, and never more requests than the quota allows.

Each task of the fault tests has a circuit of its own whose only outcome is the task's number, so a
result that belongs to another task, or bits in another order, cannot pass.
"""

import collections
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import unittest

import harness
from harness import wait_for

sys.path.insert(0, str(harness.ROOT / "tests/fakes"))
from fakelib import faults  # noqa: E402
from fakelib.client import Fake  # noqa: E402

QIR_SV = "qbraid:qbraid:sim:qir-sv"
GARNET = "aws:iqm:qpu:garnet"
SHOTS = 100
KEY = "fake-key-5f0c"
FINAL = harness.FINAL


def number_circuit(number):
    """Two registers whose bits are the number: the low four in a, the next six in b."""
    flips = "".join(f"x q[{i}];\n" for i in range(10) if number >> i & 1)
    return (
        'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[10] q;\nbit[4] a;\nbit[6] b;\n'
        + flips
        + "".join(f"a[{i}] = measure q[{i}];\n" for i in range(4))
        + "".join(f"b[{i}] = measure q[{i + 4}];\n" for i in range(6))
    )


def number_of(key):
    """The number back from a key such as "000001 0010"."""
    if [len(word) for word in key.split(" ")] != [6, 4]:
        raise AssertionError(f"not the registers of the circuit: {key!r}")
    return int(key.replace(" ", ""), 2)


def device_task(number=0, device=QIR_SV, **fields):
    return harness.task(
        number_circuit(number),
        task_type="backend_run",
        backend_name=device,
        shots=SHOTS,
        **fields,
    )


LONG = bool(os.environ.get("QT_E2E_LONG"))


class BackendCase(unittest.TestCase):
    """A stack of its own and a double, for all tests of a class."""

    vendor = "qbraid"
    speed = 60  # the vendor's seconds in one of ours
    fake_options = ()
    settings = {}

    @classmethod
    def setUpClass(cls):
        options = ("--key", KEY, "--speed", cls.speed, *cls.fake_options)
        cls.fake = Fake(cls.vendor, *options, key=KEY)
        cls.addClassCleanup(cls.fake.close)
        cls.stack = harness.Stack(sims=1, env=cls.environment())
        cls.addClassCleanup(cls.stack.remove)
        cls.rest = cls.stack.rest

    @classmethod
    def environment(cls):
        """Our times divided as the vendor's are; its limits are the real ones."""
        window_ms = int(900_000 / cls.speed)
        name = cls.vendor.upper()
        return {
            f"{name}_URL": cls.fake.url,
            f"{name}_API_KEY": KEY,
            f"{name}_QUOTA_WINDOW_MS": str(window_ms),
            "POLL_MIN_MS": "100",
            "POLL_MAX_MS": "500",
            "SWEEP_MS": "200",
            "SNOOZE_MIN_MS": "200",
            "SNOOZE_MAX_MS": "1000",
            "LISTING_DELAY_MS": "200",
            "DEVICE_CACHE_MS": "60000",
            "BREAKER_CAP_MS": "1000",
            **cls.settings,
        }

    def setUp(self):
        self.fake.reset()

    def tearDown(self):
        self.assertEqual(self.fake.stats()["bugs"], 0, "the double failed")

    # --- tasks ---

    def create(self, *args, **fields):
        return self.rest.ok("POST", "/v1/tasks", device_task(*args, **fields))["task_id"]

    def check_result(self, done, number):
        said = {k: done.get(k) for k in ("task_id", "error_reason", "error", "retry_count")}
        self.assertEqual(done["status"], "completed", said)
        counts = done["result"]["measurements"]
        self.assertEqual({number_of(k): n for k, n in counts.items()}, {number: SHOTS}, said)

    def run_one(self, number, **fields):
        done = self.rest.wait(self.create(number, **fields))
        self.check_result(done, number)
        return done

    def run_many(self, count, seconds):
        """Creates `count` tasks at once, waits for all and checks every result."""
        project = f"p-{time.monotonic_ns()}"
        ids = self.rest.batch([device_task(i % 1024, project=project) for i in range(count)])
        self.rest.wait_project(project, seconds)
        for number, task_id in enumerate(ids):
            self.check_result(self.rest.get(task_id), number % 1024)
        return ids

    def check_one_job_each(self, ids):
        """The double has exactly one job for each task."""
        jobs = [job["tags"].get("qtask") for job in self.fake.jobs()]
        self.assertEqual(sorted(jobs), sorted(ids))
        self.assertEqual(self.fake.stats()["duplicates"], {})

    def check_quota(self):
        quota = self.fake.stats()["quota"]
        self.assertEqual(quota["refused"], 0, quota)
        self.assertLessEqual(quota["peak"], quota["limit"], quota)

    def job_of(self, task_id):
        """The task's job at the double, or None."""
        jobs = [job for job in self.fake.jobs() if job["tags"].get("qtask") == task_id]
        return jobs[0] if jobs else None

    def state(self, task_id):
        job = self.job_of(task_id)
        return job and job["state"]

    def submit_only(self, number, **fields):
        """(task id, job id) of a task that does not wait for its job."""
        done = self.rest.wait(self.create(number, wait_for_completion=False, **fields))
        self.assertEqual(done["status"], "completed", done)
        self.assertEqual(done["result"]["status"], "submitted")
        return done["task_id"], done["result"]["job_id"]

    def wait_job(self, job_id, status):
        """The job over REST, when it has ended so."""
        path = f"/v1/jobs/{job_id}"
        job = wait_for(
            lambda: (j := self.rest.ok("GET", path))["status"] in FINAL and j, 60, "the job ends"
        )
        self.assertEqual(job["status"], status, job)
        return job

    def check_job_result(self, job, number):
        counts = job["result"]["measurements"]
        self.assertEqual({number_of(k): n for k, n in counts.items()}, {number: SHOTS}, job)


class Qbraid(BackendCase):
    """One task after the other, nothing goes wrong."""

    def test_runs_and_splits_registers_again(self):
        done = self.run_one(0b110101_0010)
        self.assertEqual(done["result"]["backend_name"], QIR_SV)
        self.check_one_job_each([done["task_id"]])
        program = self.fake.jobs()[0]["request"]["program"]
        self.assertIn(program["format"], ("qir.bc", "qir.ll", "qasm3"))

    def test_bell_is_sampled_by_the_device(self):
        task_id = self.rest.create(
            harness.BELL, task_type="backend_run", backend_name=QIR_SV, shots=1000
        )["task_id"]
        counts = self.rest.wait(task_id)["result"]["measurements"]
        self.assertEqual(set(counts), {"00", "11"})
        self.assertEqual(sum(counts.values()), 1000)

    def test_devices_and_price(self):
        devices = {d["name"]: d for d in self.rest.ok("GET", "/v1/devices")["devices"]}
        self.assertEqual(devices[QIR_SV]["status"], "online")
        self.assertEqual(devices[QIR_SV]["num_qubits"], 64)
        self.assertEqual(devices["aws:rigetti:qpu:aspen-m-3"]["status"], "retired")
        self.assertNotIn("ibm:ibm:qpu:kingston", devices)  # no direct access
        quote = self.rest.ok("GET", f"/v1/devices/{GARNET}/cost?shots=100")
        self.assertAlmostEqual(quote["cost"], 44.5)

    def test_submit_without_waiting(self):
        self.fake.settings(timing={"running": 36000})
        task_id, job_id = self.submit_only(7)
        self.assertIn(self.state(task_id), ("INITIALIZING", "QUEUED", "RUNNING"))
        path = f"/v1/jobs/{job_id}"
        job = wait_for(
            lambda: (j := self.rest.ok("GET", path))["status"] == "processing" and j,
            30,
            "the job runs",
        )
        self.assertEqual((job["task_id"], job["provider_status"]), (task_id, "RUNNING"))
        self.assertIsNone(job["result"])
        self.fake.advance(72000)
        self.check_job_result(self.wait_job(job_id, "completed"), 7)
        results = self.fake.stats()["by_route"]["result 200"]
        self.check_job_result(self.wait_job(job_id, "completed"), 7)  # kept, not read again
        self.assertEqual(self.fake.stats()["by_route"]["result 200"], results)

    def test_a_job_is_cancelled_by_its_id(self):
        self.fake.settings(timing={"running": 36000})
        task_id, job_id = self.submit_only(1)
        cancel = f"/v1/jobs/{job_id}/cancel"
        self.assertEqual(self.rest.ok("POST", cancel, {})["status"], "cancelling")
        self.wait_job(job_id, "cancelled")
        self.assertEqual(self.state(task_id), "CANCELLED")
        self.assertEqual(self.rest.ok("POST", cancel, {})["status"], "cancelled")
        self.assertEqual(self.job_of(task_id)["cancels"], 1)
        self.assertEqual(self.rest.get(task_id)["status"], "completed")  # it had submitted

    def test_jobs_that_are_not_there(self):
        for method, path in (("GET", "/v1/jobs/nothing"), ("POST", "/v1/jobs/nothing/cancel")):
            reply = self.rest.call(method, path, {} if method == "POST" else None)
            self.assertEqual((reply.status, reply.reason), (404, "JOB_NOT_FOUND"))

    def test_cancel_reaches_the_device(self):
        self.fake.settings(timing={"running": 36000})
        task_id = self.create(1)
        wait_for(lambda: self.state(task_id) == "RUNNING", 30, "the job runs")
        self.rest.ok("POST", f"/v1/tasks/{task_id}/cancel", {})
        self.assertEqual(self.rest.wait(task_id)["status"], "cancelled")
        wait_for(lambda: self.state(task_id) == "CANCELLED", 30, "the job is cancelled")

    def test_failed_job_fails_the_task_with_its_words(self):
        self.fake.set_faults({"fault": "fails", "message": "lost lock"})
        done = self.rest.wait(self.create(1, max_retries=0))
        self.assertEqual((done["status"], done["error_reason"]), ("failed", "JOB_FAILED"))
        self.assertIn("lost lock", done["error"])
        self.assertEqual(self.fake.stats()["jobs"], 1)

    def test_refused_submit_says_why(self):
        done = self.rest.wait(self.create(1, device="azure:quantinuum:qpu:h2-1", max_retries=0))
        self.assertEqual(done["status"], "failed", done)
        self.assertEqual(self.fake.stats()["jobs"], 0)

    def test_unknown_and_retired_devices(self):
        for device in ("qbraid:qbraid:sim:nothing", "aws:rigetti:qpu:aspen-m-3"):
            done = self.rest.wait(self.create(1, device=device, max_retries=0))
            self.assertEqual(done["status"], "failed", done)
        self.assertEqual(self.fake.stats()["jobs"], 0)


class QbraidFaults(BackendCase):
    """Each fault alone, on every request or job that it can hit once."""

    settings = {"BREAKER_FAILURES": "0"}

    def test_each_fault(self):
        skipped = ("refuse", "fails", "stuck", "vanish", "list_lag", "slow")
        for number, name in enumerate([*faults.REQUEST_FAULTS, *faults.JOB_FAULTS]):
            if name in skipped:
                continue
            with self.subTest(fault=name):
                self.fake.reset()
                rule = {"fault": name}
                if name in faults.REQUEST_FAULTS:
                    rule["once"] = True
                    rule["routes"] = ["submit", "list", "result"]
                    rule["times"] = 6
                self.fake.set_faults(rule)
                done = self.run_one(number)
                self.check_one_job_each([done["task_id"]])
                self.assertGreater(self.fake.stats()["faults"][0]["fired"], 0)

    def test_retry_after_is_kept(self):
        for form in (2, "date"):
            with self.subTest(form=form):
                self.fake.reset()
                self.fake.set_faults(
                    {"fault": "throttle", "retry_after": form, "routes": ["submit"], "at": [0]}
                )
                done = self.run_one(3)
                log = self.fake.log()
                first = next(r for r in log if r["route"] == "submit" and r["code"] == 429)
                later = [r for r in log if r["n"] > first["n"]]
                # A date has whole seconds and is one second ahead; then it may be due at once.
                least = 1.9 if form == 2 else 0.0
                self.assertGreaterEqual(later[0]["at"] - first["at"], least)
                self.check_one_job_each([done["task_id"]])


class Watchdogs(BackendCase):
    settings = {
        "WATCHDOG_QUEUED_S": "2",
        "WATCHDOG_RUNNING_S": "2",
        "WATCHDOG_CANCELLING_S": "2",
        "WATCHDOG_HELD_S": "2",
        "WATCHDOG_UNKNOWN_S": "2",
        "WATCHDOG_RESULT_S": "2",
    }

    def check_fails(self, task_id, reason):
        done = self.rest.wait(task_id)
        self.assertEqual((done["status"], done.get("error_reason")), ("failed", reason), done)

    def check(self, reason, **rule):
        self.fake.set_faults(rule)
        self.check_fails(self.create(1, max_retries=0), reason)

    def test_queued_for_too_long(self):
        self.fake.settings(timing={"queued": 36000})
        task_id = self.create(1, max_retries=0)
        self.check_fails(task_id, "JOB_STUCK")
        wait_for(lambda: self.state(task_id) == "CANCELLED", 30, "the job is cancelled")

    def test_cancelling_for_too_long(self):
        self.fake.settings(timing={"queued": 36000})
        task_id = self.create(1, max_retries=0)
        wait_for(lambda: self.state(task_id) == "QUEUED", 30, "the job waits")
        self.fake.set_state(self.job_of(task_id)["id"], "CANCELLING")
        self.check_fails(task_id, "JOB_STUCK")

    def test_each_state_has_its_limit(self):
        for reason, rule in (
            ("JOB_STUCK", {"fault": "stuck"}),
            ("JOB_HELD", {"fault": "hold", "seconds": None}),
            ("JOB_STUCK", {"fault": "new_state", "seconds": 1e9}),
            ("JOB_STUCK", {"fault": "late_result", "seconds": 1e9}),
        ):
            with self.subTest(rule=rule):
                self.fake.reset()
                self.check(reason, **rule)


class ManyTasks(BackendCase):
    """Many tasks, each fault hits one in ten of their submits, looks, results, and jobs."""

    fake_options = ("--queued", "60", "--running", "120")
    speed = 60
    settings = {"BREAKER_FAILURES": "0", "WORKER_TASKS": "32"}
    TASKS = int(os.environ.get("QT_E2E_FAULT_TASKS", "1000" if LONG else "100"))

    def test_every_fault_in_one_of_ten(self):
        of_jobs = faults.preset(every=10, once=True, routes=["submit", "result", "cancel"])
        # A poll reads some ten pages that have to come all through.
        of_lists = faults.preset(
            p=0.01, only=list(faults.REQUEST_FAULTS), routes=["list", "devices"]
        )
        self.fake.set_faults(*of_jobs, *of_lists, seed=5)
        ids = self.run_many(self.TASKS, 600)
        self.check_one_job_each(ids)
        self.check_quota()
        fired = collections.Counter()
        for row in self.fake.stats()["faults"][: len(of_jobs)]:
            fired[row["fault"]] += row["fired"]
        # Each rule looked at a submit or a job of every task. 429 has three rules, each of which
        # may stand before its place in the last of its shares.
        of_cancel = {"cancel_race", "cancel_refused", "late_after_cancel"}
        for name in {rule["fault"] for rule in of_jobs} - of_cancel:
            least = self.TASKS // 10 - (3 if name == "throttle" else 0)
            self.assertGreaterEqual(fired[name], least, f"{name} was hardly tried")
        # Of several on one request one is drawn: once in a billion runs it is never the same one.
        log = [row for row in self.fake.log() if row["route"] in of_jobs[0]["routes"]]
        hit = {name for row in log for name in row["faults"]}
        self.assertLessEqual({rule["fault"] for rule in of_jobs} & set(faults.REQUEST_FAULTS), hit)


class Storm(BackendCase):
    """Few tasks, and every single request can be hit by every fault."""

    fake_options = ("--queued", "10", "--running", "10")
    settings = {"BREAKER_FAILURES": "0", "WORKER_TASKS": "16"}

    def test_most_requests_fail(self):
        rules = [r for r in faults.preset(every=10) if r.get("retry_after") is None]
        self.fake.set_faults(*rules, seed=11)
        ids = self.run_many(40, 300)
        self.check_one_job_each(ids)
        self.check_quota()
        # Ten rules look at every request: about 65 of 100 are hit, of hundreds never only 40.
        log = self.fake.log()
        hurt = sum(1 for row in log if row["faults"])
        self.assertGreater(hurt, len(log) * 0.4)


def failpoint_build():
    """Whether the build has failpoints: the word of the variable is in the program."""
    program = harness.BUILD / "services/backend-svc/backend-svc"
    found = [p for p in harness.BUILD.rglob("backend-svc") if p.is_file()]
    program = found[0] if found else program
    return program.exists() and b"QT_FAILPOINT" in program.read_bytes()


class KillCase(BackendCase):
    """What died is given to another soon, and a submit of unknown end is looked up soon."""

    fake_options = ("--queued", "10", "--running", "20")
    settings = {"LEASE_MS": "3000", "HEARTBEAT_MS": "500", "PROVIDER_TIMEOUT_MS": "3000"}

    def setUp(self):
        super().setUp()
        if not failpoint_build():
            self.skipTest("this build has no failpoints")

    def restart(self, **env):
        """Stops backend-svc and starts it with these variables more."""
        if "backend-svc" in self.stack.pids():
            self.stack.stop("backend-svc")
        self.start(**env)

    def start(self, **env):
        kept = dict(self.stack.environ)
        self.stack.environ.update(env)
        try:
            self.stack.start("backend-svc")
        finally:
            self.stack.environ.clear()
            self.stack.environ.update(kept)

    def tearDown(self):
        if "backend-svc" not in self.stack.pids():
            self.start()
        super().tearDown()

    def wait_dead(self, point):
        def is_dead():
            return "backend-svc" not in self.stack.pids()

        wait_for(is_dead, 60, f"backend-svc dies at {point}")



class Kill(KillCase):
    """kill -9 at every step of a submit, and at any moment: never two jobs, never none."""

    KILLS = 8
    # A task that has no job yet, killed three times, is POISONED, and rightly. Not by chance here.
    settings = {**KillCase.settings, "MAX_CRASHES": str(KILLS + 1)}
    POINTS = (
        "before_intent",
        "after_intent",
        "before_post",
        "after_post",
        "after_store",
        "before_update",
        "after_result",
    )
    # Without QT_E2E_LONG=1 only the steps around the request that costs money.
    SOME_POINTS = POINTS if LONG else ("after_intent", "before_post", "after_post", "after_store")
    DOUBTS = ("error_after", "error_before") if LONG else ("error_after",)
    LOOKUP_POINTS = ("before_lookup", "after_lookup")
    CANCEL_POINTS = ("before_cancel", "after_cancel")

    def die_at(self, point, ids):
        """Kills it at the point while it works on these tasks, starts it, waits for their end."""
        self.wait_dead(point)
        self.start()
        for number, task_id in enumerate(ids):
            self.check_result(self.rest.wait(task_id, 120), number)
        self.check_one_job_each(ids)

    def test_at_every_step(self):
        for point in self.SOME_POINTS:
            with self.subTest(point=point):
                self.fake.reset()
                self.restart(QT_FAILPOINT=point)
                self.die_at(point, [self.create(number) for number in range(3)])

    def test_while_a_doubt_is_resolved(self):
        for point in self.LOOKUP_POINTS:
            for fault in self.DOUBTS:
                with self.subTest(point=point, fault=fault):
                    self.fake.reset()
                    self.fake.set_faults({"fault": fault, "routes": ["submit"], "times": 2})
                    self.restart(QT_FAILPOINT=point)
                    self.die_at(point, [self.create(number) for number in range(3)])

    def test_while_a_job_is_cancelled(self):
        for point in self.CANCEL_POINTS:
            with self.subTest(point=point):
                self.fake.reset()
                self.fake.settings(timing={"running": 36000})
                task_id = self.create(1)
                wait_for(lambda: self.state(task_id) == "RUNNING", 60, "the job runs")
                self.restart(QT_FAILPOINT=point)  # now: it also cancels jobs of tasks before
                self.rest.ok("POST", f"/v1/tasks/{task_id}/cancel", {})
                self.wait_dead(point)
                self.start()
                self.assertEqual(self.rest.wait(task_id)["status"], "cancelled")
                wait_for(lambda: self.state(task_id) == "CANCELLED", 60, "the job is cancelled")
                self.check_one_job_each([task_id])

    def test_at_any_moment(self):
        rng = random.Random(3)
        self.fake.set_faults(
            *faults.preset(
                p=0.05,
                once=True,
                routes=["submit", "result"],
                only=("delay", "error_after", "cut", "reset_after", "error_before"),
            ),
            seed=3,
        )
        self.restart()
        project = f"k-{time.monotonic_ns()}"
        ids = self.rest.batch([device_task(i, project=project) for i in range(150)])
        for _ in range(self.KILLS):
            done = self.fake.stats()["requests"]
            goal = done + rng.randrange(5, 60)
            wait_for(
                lambda: self.fake.stats()["requests"] >= goal or self.is_idle(project),
                60,
                "it works",
            )
            self.stack.kill("backend-svc")
            self.start()
        self.rest.wait_project(project, 300)
        for number, task_id in enumerate(ids):
            self.check_result(self.rest.get(task_id), number)
        self.check_one_job_each(ids)
        self.check_quota()

    def is_idle(self, project):
        query = f"/v1/tasks?project={project}&page_size=1&omit_large_fields=true"
        query += "".join(f"&status={s}" for s in ("pending", "queued", "processing"))
        return not self.rest.ok("GET", query).get("tasks")


class KilledOften(KillCase):
    """A job that there is costs money: it is followed although its workers die."""

    settings = {**KillCase.settings, "MAX_CRASHES": "2", "MAX_JOB_CRASHES": "4"}

    def die_with(self, deaths):
        """The id of a task whose worker died so often when it had read the result."""
        self.restart(QT_FAILPOINT="after_result")
        task_id = self.create(5)
        for death in range(deaths):
            self.wait_dead("after_result")
            self.start(**({} if death == deaths - 1 else {"QT_FAILPOINT": "after_result"}))
        return task_id

    def test_a_paid_job_is_followed(self):
        done = self.rest.wait(self.die_with(3), 120)
        self.check_result(done, 5)
        self.check_one_job_each([done["task_id"]])

    def test_what_is_given_up_can_be_had(self):
        task_id = self.die_with(4)
        done = self.rest.wait(task_id, 120)
        self.assertEqual((done["status"], done["error_reason"]), ("failed", "POISONED"))
        self.check_job_result(self.wait_job(self.job_of(task_id)["id"], "completed"), 5)
        self.rest.ok("POST", f"/v1/tasks/{task_id}/retry", {})
        self.check_result(self.rest.wait(task_id), 5)
        self.check_one_job_each([task_id])


class Quota(BackendCase):
    """More work than one window allows: it takes longer, and nothing is refused."""

    speed = 90
    fake_options = ("--queued", "5", "--running", "5", "--quota", "60")
    # The window is ten seconds here: requests that a loaded machine delays come closer together.
    settings = {"QBRAID_QUOTA_REQUESTS": "45"}

    def test_never_beyond(self):
        ids = self.run_many(60, 300)
        self.check_one_job_each(ids)
        self.check_quota()
        self.assertGreater(self.fake.stats()["requests"], 60)


class Keys(unittest.TestCase):
    """TLS is verified, and keys that are refused or that never may be seen."""

    def stack(self, **env):
        stack = harness.Stack(sims=1, env={"POLL_MIN_MS": "100", **env})
        self.addCleanup(stack.remove)
        return stack

    def certificates(self):
        out = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        out.chmod(0o755)
        (out / "ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        for words in (
            "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.pem",
            "req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout tls.key -out tls.csr",
            "x509 -req -in tls.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2"
            " -extfile ext -out tls.pem",
        ):
            subprocess.run(["openssl", *words.split()], cwd=out, check=True, capture_output=True)
        return out

    def run_task(self, stack):
        task = device_task(5, max_retries=0)
        return stack.rest.wait(stack.rest.ok("POST", "/v1/tasks", task)["task_id"])

    def test_tls_is_verified(self):
        out = self.certificates()
        options = ("--speed", "60", "--tls-cert", out / "tls.pem", "--tls-key", out / "tls.key")
        fake = Fake("qbraid", *options, ca=out / "ca.pem")
        self.addCleanup(fake.close)
        env = {"QBRAID_URL": fake.url, "QBRAID_API_KEY": "fake-key"}
        stack = self.stack(**env, PROVIDER_CA_FILE=str(out / "ca.pem"))
        done = self.run_task(stack)
        self.assertEqual(done["status"], "completed", done)
        requests = fake.stats()["requests"]
        stranger = self.stack(**env, GIVE_UP_S="0")
        done = self.run_task(stranger)
        self.assertEqual(done["status"], "failed", done)
        self.assertEqual(fake.stats()["requests"], requests)

    def test_a_wrong_key_is_told_and_never_shown(self):
        fake = Fake("qbraid", "--speed", "60")
        self.addCleanup(fake.close)
        secret = "wrong-key-91b2e7"
        stack = self.stack(QBRAID_URL=fake.url, QBRAID_API_KEY=secret)
        done = self.run_task(stack)
        self.assertEqual((done["status"], done["error_reason"]), ("failed", "PROVIDER_KEY_INVALID"))
        self.assertGreater(fake.stats()["unauthorized"], 0)
        self.assertNotIn(secret, json.dumps(done))
        for name in stack.services():
            self.assertNotIn(secret, stack.log(name))


class Ionq(BackendCase):
    vendor = "ionq"

    def ionq_device(self):
        names = [d["name"] for d in self.rest.ok("GET", "/v1/devices?provider=ionq")["devices"]]
        return next(name for name in names if name.endswith("simulator"))

    def test_runs_and_splits_registers_again(self):
        done = self.run_one(0b100110_0101, device=self.ionq_device())
        self.check_one_job_each([done["task_id"]])

    def test_submit_without_waiting(self):
        self.fake.settings(timing={"running": 36000})
        device = self.ionq_device()
        _, job_id = self.submit_only(6, device=device)
        self.fake.advance(72000)
        self.check_job_result(self.wait_job(job_id, "completed"), 6)
        task_id, job_id = self.submit_only(6, device=device)
        self.rest.ok("POST", f"/v1/jobs/{job_id}/cancel", {})
        self.wait_job(job_id, "cancelled")
        self.assertEqual(self.state(task_id), "CANCELLED")

    def test_lost_replies(self):
        device = self.ionq_device()
        for fault in ("error_after", "reset_after", "cut", "error_before"):
            with self.subTest(fault=fault):
                self.fake.reset()
                self.fake.set_faults({"fault": fault, "routes": ["submit"], "at": [0]})
                done = self.run_one(9, device=device)
                self.check_one_job_each([done["task_id"]])

    def test_cancel_reaches_the_device(self):
        self.fake.settings(timing={"running": 36000})
        task_id = self.create(1, device=self.ionq_device())
        wait_for(lambda: self.state(task_id) == "RUNNING", 30, "the job runs")
        self.rest.ok("POST", f"/v1/tasks/{task_id}/cancel", {})
        self.assertEqual(self.rest.wait(task_id)["status"], "cancelled")
        wait_for(lambda: self.state(task_id) == "CANCELLED", 30, "the job is cancelled")


if __name__ == "__main__":
    unittest.main()
