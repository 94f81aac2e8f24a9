"""The doubles of the vendors' APIs keep their word, and the vendors' own SDKs can use them."""

import concurrent.futures
import email.utils
import http.client
import json
import os
import pathlib
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

import harness

sys.path.insert(0, str(harness.ROOT / "tests/fakes"))
from fakelib import faults  # noqa: E402
from fakelib.client import Fake  # noqa: E402

QIR_SV = "qbraid:qbraid:sim:qir-sv"
BROKEN = (OSError, http.client.HTTPException)


def submission(circuit=harness.BELL, device=QIR_SV, shots=100, form="qasm3", **values):
    program = {"format": form, "data": circuit}
    return {"deviceQrn": device, "shots": shots, "program": program, **values}


class FakeCase(unittest.TestCase):
    """One double for all tests of a class; its clock stands still unless a test moves it."""

    vendor = "qbraid"
    options = ("--speed", "0", "--jitter", "0")

    @classmethod
    def setUpClass(cls):
        cls.fake = Fake(cls.vendor, *cls.options)
        cls.addClassCleanup(cls.fake.close)

    def setUp(self):
        self.fake.reset()

    def tearDown(self):
        self.assertEqual(self.fake.stats()["bugs"], 0, "the double failed, see its standard error")

    def start(self, *options, **values):
        fake = Fake(self.vendor, *options, **values)
        self.addCleanup(fake.close)
        return fake


class QbraidCase(FakeCase):
    def submit(self, **values):
        reply = self.fake.call("POST", "/jobs", submission(**values))
        self.assertEqual(reply.status, 201, reply)
        return reply.json["data"]["jobQrn"]

    def state(self, job):
        return self.fake.call("GET", f"/jobs/{job}").json["data"]["status"]

    def finish(self, job):
        self.fake.advance(60)
        self.assertEqual(self.state(job), "COMPLETED")

    def result(self, job):
        reply = self.fake.call("GET", f"/jobs/{job}/result")
        self.assertEqual(reply.status, 200, reply)
        return reply.json["data"]

    def counts(self, **values):
        job = self.submit(**values)
        self.finish(job)
        return self.result(job)["resultData"]["measurementCounts"]


class Qbraid(QbraidCase):
    def test_life_of_a_job(self):
        job = self.submit(name="bell", tags={"qtask": "t-1"})
        seen = [self.state(job)]
        for _ in range(60):
            self.fake.advance(0.1)
            seen.append(self.state(job))
        self.assertEqual(
            list(dict.fromkeys(seen)), ["INITIALIZING", "QUEUED", "RUNNING", "COMPLETED"]
        )
        counts = self.result(job)["resultData"]["measurementCounts"]
        self.assertEqual(set(counts), {"00", "11"})
        self.assertEqual(sum(counts.values()), 100)

    def test_result_is_not_readable_before_the_end(self):
        job = self.submit()
        self.assertEqual(self.fake.call("GET", f"/jobs/{job}/result").status, 409)

    def test_bit_order_is_clbit_0_last(self):
        circuit = (
            'OPENQASM 3.0; include "stdgates.inc"; qubit[3] q; bit[2] a; bit[1] b; x q[0];'
            "a[0] = measure q[0]; a[1] = measure q[1]; b[0] = measure q[2];"
        )
        self.assertEqual(self.counts(circuit=circuit), {"001": 100})
        self.fake.set_faults({"fault": "spaced_keys"})
        self.assertEqual(self.counts(circuit=circuit), {"0 01": 100})
        self.fake.set_faults({"fault": "hex_keys"}, {"fault": "float_counts"})
        found = self.counts(circuit=circuit)
        self.assertEqual(found, {"0x1": 100.0})
        self.assertIsInstance(found["0x1"], float)

    def test_wide_ghz_and_qir(self):
        lines = ['OPENQASM 2.0; include "qelib1.inc"; qreg q[60]; creg c[60]; h q[0];']
        lines += [f"cx q[{i}],q[{i + 1}];" for i in range(59)] + ["measure q -> c;"]
        found = self.counts(circuit=" ".join(lines))
        self.assertEqual(set(found), {"0" * 60, "1" * 60})
        qir = """call void @__quantum__qis__x__body(ptr null)
            call void @__quantum__qis__cnot__body(ptr null, ptr inttoptr (i64 1 to ptr))
            call void @__quantum__qis__mz__body(ptr null, ptr null)
            call void @__quantum__qis__mz__body(ptr inttoptr (i64 1 to ptr), ptr inttoptr (i64 1 to ptr))
            call void @__quantum__rt__result_record_output(ptr null, ptr null)"""
        self.assertEqual(self.counts(circuit=qir, form="qir.ll"), {"1": 100})

    def test_what_it_cannot_run_fails_with_a_text(self):
        job = self.submit(circuit="OPENQASM 3.0; qubit q; frobnicate q;")
        self.fake.advance(60)
        found = self.fake.call("GET", f"/jobs/{job}").json["data"]
        self.assertEqual(found["status"], "FAILED")
        self.assertIn("frobnicate", found["statusMsg"])

    def test_bad_submits_are_422(self):
        bad = [
            {},
            submission(shots=0),
            submission(shots="5"),
            submission(tags={"a": 1.5}),
            submission(form="openqasm"),
            submission(circuit=""),
            submission(device="nonsense"),
            submission(form="quil"),
            {**submission(), "program": []},
            {**submission(), "program": [{"format": "qasm3", "data": "x"}]},
        ]
        for body in bad:
            with self.subTest(body=body):
                self.assertEqual(self.fake.call("POST", "/jobs", body).status, 422)
        self.assertEqual(self.fake.stats()["jobs"], 0)

    def test_devices(self):
        rows = self.fake.call("GET", "/devices").json["data"]
        self.assertIn("RETIRED", {row["status"] for row in rows})
        rows = self.fake.call("GET", "/devices", query={"retired": "false"}).json["data"]
        self.assertNotIn("RETIRED", {row["status"] for row in rows})
        first = self.fake.call("GET", "/devices", query={"limit": 2, "page": 2}).json
        self.assertEqual([r["qrn"] for r in first["data"]], [r["qrn"] for r in rows][2:4])
        self.assertTrue(first["pagination"]["hasPrev"])
        self.assertEqual(
            self.fake.call("GET", f"/devices/{QIR_SV}").json["data"]["numberQubits"], 64
        )
        self.assertEqual(self.fake.call("GET", "/devices/a:b:sim:c").status, 404)
        self.assertEqual(self.fake.call("GET", "/devices/bad").status, 422)
        self.assertEqual(self.fake.call("GET", "/devices", query={"limit": 101}).status, 422)

    def test_offline_device_refuses(self):
        self.fake.settings(devices={QIR_SV: {"status": "OFFLINE"}})
        self.assertEqual(self.fake.call("POST", "/jobs", submission()).status, 400)

    def test_list_filters_and_pages(self):
        jobs = [self.submit(tags={"qtask": f"t-{i}", "even": i % 2 == 0}) for i in range(7)]
        listed = self.fake.call("GET", "/jobs", query={"limit": 3, "page": 3}).json
        self.assertEqual([j["jobQrn"] for j in listed["data"]], [jobs[0]])
        self.assertEqual(listed["pagination"]["totalPages"], 3)
        found = self.fake.call("GET", "/jobs", query={"tags": json.dumps({"qtask": "t-4"})}).json
        self.assertEqual([j["jobQrn"] for j in found["data"]], [jobs[4]])
        both = json.dumps({"qtask": "t-4", "even": False})
        self.assertEqual(self.fake.call("GET", "/jobs", query={"tags": both}).json["data"], [])
        self.fake.set_state(jobs[2], "COMPLETED")
        for group, count in (("pending", 6), ("returned", 1), ("all", 7)):
            listed = self.fake.call("GET", "/jobs", query={"statusGroup": group}).json
            self.assertEqual(len(listed["data"]), count, group)
        self.assertEqual(self.fake.call("GET", "/jobs", query={"tags": "[1"}).status, 422)

    def test_cancel(self):
        job = self.submit()
        reply = self.fake.call("POST", f"/jobs/{job}/cancel")
        self.assertEqual((reply.status, self.state(job)), (202, "CANCELLING"))
        self.fake.advance(2)
        self.assertEqual(self.state(job), "CANCELLED")
        self.assertEqual(self.fake.call("POST", f"/jobs/{job}/cancel").status, 400)

    def test_cancel_that_loses(self):
        for fault, then in (("cancel_race", "COMPLETED"), ("late_after_cancel", "COMPLETED")):
            self.fake.set_faults({"fault": fault})
            job = self.submit()
            self.assertEqual(self.fake.call("POST", f"/jobs/{job}/cancel").status, 202)
            self.assertEqual(self.state(job), "CANCELLING")
            self.finish(job)
            self.assertEqual(self.state(job), then)
            self.result(job)
        self.fake.set_faults({"fault": "cancel_refused"})
        job = self.submit()
        self.assertEqual(self.fake.call("POST", f"/jobs/{job}/cancel").status, 400)

    def test_cost_and_estimate(self):
        query = {"deviceQrn": "aws:iqm:qpu:garnet", "shots": 100}
        quote = self.fake.call("GET", "/jobs/cost-estimate", query=query).json["data"]
        self.assertEqual(quote["estimatedCost"], 44.5)
        query = {"deviceQrn": "rigetti:rigetti:qpu:cepheus-1-108q"}
        quote = self.fake.call("GET", "/jobs/cost-estimate", query=query).json["data"]
        self.assertFalse(quote["pricingAvailable"])
        job = self.submit(device="aws:iqm:qpu:garnet")
        self.finish(job)
        self.assertEqual(self.result(job)["cost"], 44.5)
        self.assertEqual(self.fake.stats()["cost"], 44.5)

    def test_batch(self):
        body = submission(device="aws:aws:sim:sv1")
        body["program"] = [body["program"]] * 3
        job = self.fake.call("POST", "/jobs", body).json["data"]
        self.assertEqual(job["numCircuits"], 3)
        self.finish(job["jobQrn"])
        self.assertEqual(len(self.result(job["jobQrn"])["results"]), 3)

    def test_keys_and_owners(self):
        self.fake.settings(keys={"fake-key": "user-1", "other": "user-2"})
        job = self.submit()
        for headers, status in (
            ({}, 401),
            ({"X-API-KEY": "wrong"}, 401),
            ({"X-API-KEY": "other"}, 403),
        ):
            self.assertEqual(self.fake.call("GET", f"/jobs/{job}", headers=headers).status, status)
        listed = self.fake.call("GET", "/jobs", headers={"X-API-KEY": "other"})
        self.assertEqual(listed.json["data"], [])

    def test_quota_slides(self):
        self.fake.settings(quota={"limit": 5})
        codes = []
        for _ in range(7):
            codes.append(self.fake.call("GET", "/devices").status)
            self.fake.advance(100)
        self.assertEqual(codes, [200] * 5 + [429] * 2)
        self.fake.advance(201)  # the first was 901 s ago
        self.assertEqual(self.fake.call("GET", "/devices").status, 200)
        self.assertEqual(self.fake.call("GET", "/devices").status, 429)
        quota = self.fake.stats()["quota"]
        self.assertEqual((quota["peak"], quota["refused"]), (5, 3))

    def test_quota_tells_when(self):
        fake = self.start("--quota", "1", "--speed", "9")
        fake.call("GET", "/devices")
        reply = fake.call("GET", "/devices")
        self.assertEqual(reply.status, 429)
        self.assertTrue(1 <= int(reply.headers["Retry-After"]) <= 100, reply.headers)
        self.assertEqual(reply.headers["X-RateLimit-Remaining"], "0")

    def test_duplicates_are_found(self):
        self.submit(tags={"qtask": "t-1"})
        self.submit(tags={"qtask": "t-2"})
        self.assertEqual(self.fake.stats()["duplicates"], {})
        again = self.submit(tags={"qtask": "t-1"})
        found = self.fake.stats()["duplicates"]
        self.assertEqual(list(found), ["t-1"])
        self.assertIn(again, found["t-1"])


class QbraidFaults(QbraidCase):
    """One fault after the other."""

    def get(self, path="/devices"):
        return self.fake.call("GET", path)

    def set_fault(self, name, **values):
        self.fake.set_faults({"fault": name, **values})

    def test_throttle(self):
        self.set_fault("throttle")
        self.assertEqual((self.get().status, self.get().headers["Retry-After"]), (429, None))
        self.set_fault("throttle", retry_after=7)
        self.assertEqual(self.get().headers["Retry-After"], "7")
        self.set_fault("throttle", retry_after="date")
        self.assertIsNotNone(email.utils.parsedate_to_datetime(self.get().headers["Retry-After"]))

    def test_errors_before_and_after(self):
        self.set_fault("error_before", routes=["submit"])
        self.assertGreaterEqual(self.fake.call("POST", "/jobs", submission()).status, 500)
        self.assertEqual(self.fake.stats()["jobs"], 0)
        self.set_fault("error_after", routes=["submit"])
        self.assertGreaterEqual(self.fake.call("POST", "/jobs", submission()).status, 500)
        self.assertEqual(self.fake.stats()["jobs"], 1)

    def test_error_shapes(self):
        for shape in faults.ERROR_SHAPES:
            self.set_fault("error_before", status=503, shape=shape)
            reply = self.get()
            self.assertEqual((reply.status, reply.json is None), (503, shape == "html"), shape)

    def test_broken_connections(self):
        for name, jobs in (("reset_before", 0), ("reset_after", 1), ("cut", 2)):
            self.set_fault(name, routes=["submit"])
            with self.assertRaises(BROKEN, msg=name):
                self.fake.call("POST", "/jobs", submission())
            self.assertEqual(self.fake.stats()["jobs"], jobs, name)

    def test_broken_bodies(self):
        for name in ("truncate", "html"):
            self.set_fault(name)
            reply = self.get()
            self.assertEqual((reply.status, reply.json), (200, None), name)
        self.set_fault("not_success")
        self.assertFalse(self.get().json["success"])
        self.set_fault("dribble", pause=0.001)
        self.assertTrue(self.get().json["success"])

    def test_delay(self):
        self.set_fault("delay", seconds=0.2)
        began = time.monotonic()
        self.assertEqual(self.get().status, 200)
        self.assertGreaterEqual(time.monotonic() - began, 0.2)

    def test_late_result_in_its_forms(self):
        for form, status in ((409, 409), (404, 404), ("not_success", 200)):
            self.set_fault("late_result", **{"as": form})
            job = self.submit()
            self.fake.advance(6)
            self.assertEqual(self.state(job), "COMPLETED")
            reply = self.get(f"/jobs/{job}/result")
            self.assertEqual(reply.status, status)
            self.assertFalse((reply.json or {}).get("success", False))
            self.fake.advance(20)
            self.result(job)

    def test_odd_states(self):
        for name, odd in (("hold", "HOLD"), ("unknown", "UNKNOWN"), ("new_state", "TRANSPILING")):
            self.set_fault(name)
            job = self.submit()
            seen = set()
            for _ in range(50):
                self.fake.advance(1)
                seen.add(self.state(job))
            self.assertIn(odd, seen, name)
            self.assertEqual(self.state(job), "COMPLETED", name)

    def test_ends_that_are_none(self):
        self.set_fault("stuck")
        job = self.submit()
        self.fake.advance(100000)
        self.assertEqual(self.state(job), "RUNNING")
        self.set_fault("fails")
        job = self.submit()
        self.fake.advance(60)
        self.assertEqual(self.state(job), "FAILED")
        self.assertEqual(self.get(f"/jobs/{job}/result").status, 409)
        self.set_fault("vanish")
        job = self.submit()
        self.fake.advance(60)
        self.assertEqual(self.get(f"/jobs/{job}").status, 404)

    def test_odd_fields(self):
        names = ("cost_string", "null_timestamps", "provider_object", "extra_fields")
        self.fake.set_faults(*({"fault": name} for name in names))
        job = self.submit(device="aws:aws:sim:sv1")
        self.finish(job)
        found = self.get(f"/jobs/{job}").json["data"]
        self.assertIsInstance(found["cost"], str)
        self.assertIsNone(found["timeStamps"])
        self.assertEqual(found["provider"]["provider"], "AWS")
        self.assertIn("queueTicket", found)
        self.set_fault("short_submit")
        reply = self.fake.call("POST", "/jobs", submission())
        self.assertEqual(set(reply.json["data"]), {"jobQrn", "status"})

    def test_list_lag(self):
        self.set_fault("list_lag")
        job = self.submit()
        self.assertEqual(self.get("/jobs").json["data"], [])
        self.fake.advance(6)
        self.assertEqual([j["jobQrn"] for j in self.get("/jobs").json["data"]], [job])

    def test_rules_by_index_times_and_seed(self):
        self.set_fault("throttle", at=[1, 3])
        self.assertEqual([self.get().status for _ in range(5)], [200, 429, 200, 429, 200])
        self.set_fault("throttle", times=2)
        self.assertEqual([self.get().status for _ in range(3)], [429, 429, 200])
        runs = []
        for seed in (1, 1, 2):
            self.fake.set_faults({"fault": "throttle", "p": 0.5}, seed=seed)
            runs.append([self.get().status for _ in range(40)])
        self.assertEqual(runs[0], runs[1])
        self.assertNotEqual(runs[0], runs[2])

    def test_every_is_an_exact_share_at_drawn_places(self):
        runs = []
        for seed in (1, 1, 2):
            self.fake.set_faults({"fault": "throttle", "every": 5}, seed=seed)
            runs.append([self.get().status for _ in range(40)])
            for place in range(0, 40, 5):
                self.assertEqual(runs[-1][place : place + 5].count(429), 1)
        self.assertEqual(runs[0], runs[1])
        self.assertNotEqual(runs[0], runs[2])

    def test_once_is_the_first_request_for_a_job(self):
        self.set_fault("throttle", once=True)
        codes = []
        for tag in ("t-1", "t-1", "t-2", "t-2"):
            body = submission(tags={"qtask": tag})
            codes.append(self.fake.call("POST", "/jobs", body).status)
        self.assertEqual(codes, [429, 201, 429, 201])
        query = {"tags": json.dumps({"qtask": "t-1"})}
        codes = [self.fake.call("GET", "/jobs", query=query).status for _ in range(2)]
        self.assertEqual(codes, [429, 200])
        self.assertEqual([self.get().status, self.get().status], [429, 429])

    def test_bad_rules_are_refused(self):
        for rule in (
            {"fault": "nonsense"},
            {"fault": "cut", "shares": 1},
            {"fault": "cut", "every": 0},
        ):
            with self.assertRaises(ValueError):
                self.fake.set_faults(rule)

    def test_preset_has_every_fault_but_the_hopeless(self):
        names = {rule["fault"] for rule in faults.preset()}
        every = {*faults.REQUEST_FAULTS, *faults.JOB_FAULTS}
        self.assertEqual(every - names, set(faults.NOT_IN_PRESET))

    def test_readme_names_every_fault(self):
        text = (harness.ROOT / "tests/fakes/README.md").read_text()
        for name in (*faults.REQUEST_FAULTS, *faults.JOB_FAULTS):
            self.assertIn(f"| `{name}` |", text)


class Tls(FakeCase):
    def certificates(self):
        """A CA of the test's own, and a certificate of localhost by it."""
        out = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (out / "ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        for words in (
            "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test-ca -keyout ca.key -out ca.pem",
            "req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout tls.key -out tls.csr",
            "x509 -req -in tls.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out tls.pem",
        ):
            subprocess.run(["openssl", *words.split()], cwd=out, check=True, capture_output=True)
        return out

    def test_a_client_can_verify_it(self):
        out = self.certificates()
        options = ("--tls-cert", out / "tls.pem", "--tls-key", out / "tls.key")
        fake = self.start(*options, ca=out / "ca.pem")
        self.assertEqual(fake.call("GET", "/devices").status, 200)
        stranger = http.client.HTTPSConnection(
            fake.parts.hostname, fake.parts.port, context=ssl.create_default_context(), timeout=30
        )
        with self.assertRaises(ssl.SSLCertVerificationError):
            stranger.request("GET", "/api/v1/devices")


class IonqCase(FakeCase):
    vendor = "ionq"

    BELL = [{"gate": "h", "target": 0}, {"gate": "cnot", "control": 0, "target": 1}]

    def body(self, circuit=None, **values):
        given = {"qubits": 2, "gateset": "qis", "circuit": circuit or self.BELL}
        return {
            "type": "ionq.circuit.v1",
            "backend": "simulator",
            "shots": 100,
            "input": given,
            **values,
        }

    def submit(self, **values):
        reply = self.fake.call("POST", "/jobs", self.body(**values))
        self.assertEqual(reply.status, 201, reply)
        return reply.json["id"]

    def job(self, job):
        return self.fake.call("GET", f"/jobs/{job}").json

    def probabilities(self, **values):
        job = self.submit(**values)
        self.fake.advance(60)
        reply = self.fake.call("GET", f"/jobs/{job}/results/probabilities")
        self.assertEqual(reply.status, 200, reply)
        return reply.json


class Ionq(IonqCase):
    def test_life_of_a_job(self):
        job = self.submit(name="bell 1", metadata={"qtask": "t-1"})
        seen = [self.job(job)["status"]]
        self.assertEqual(self.fake.call("GET", f"/jobs/{job}/results/probabilities").status, 404)
        for _ in range(60):
            self.fake.advance(0.1)
            seen.append(self.job(job)["status"])
        self.assertEqual(list(dict.fromkeys(seen)), ["submitted", "ready", "started", "completed"])
        found = self.job(job)
        self.assertEqual(
            found["stats"], {"qubits": 2, "circuits": 1, "gate_counts": {"1q": 1, "2q": 1}}
        )
        url = found["results"]["probabilities"]["url"].removeprefix("/v0.4")
        self.assertEqual(set(self.fake.call("GET", url).json), {"0", "3"})

    def test_keys_are_decimal_and_qubit_0_is_the_lowest(self):
        self.assertEqual(self.probabilities(circuit=[{"gate": "x", "target": 1}]), {"2": 1.0})

    def test_gates(self):
        for circuit, expected in (
            ([{"gate": "v", "target": 0}, {"gate": "vi", "target": 0}], {"0": 1}),
            ([{"gate": "ry", "target": 0, "rotation": 3.141592653589793}], {"1": 1}),
            ([{"gate": "x", "target": 0}, {"gate": "swap", "targets": [0, 1]}], {"2": 1}),
            ([{"gate": "xx", "targets": [0, 1], "rotation": 3.141592653589793}], {"3": 1}),
            ([{"gate": "yy", "targets": [0, 1], "rotation": 3.141592653589793}], {"3": 1}),
            (
                [
                    {"gate": "h", "target": 0},
                    {"gate": "zz", "targets": [0, 1], "rotation": 3.141592653589793},
                    {"gate": "h", "target": 0},
                ],
                {"1": 1},
            ),
        ):
            with self.subTest(circuit=circuit):
                found = self.probabilities(circuit=circuit)
                self.assertEqual({k: round(p, 9) for k, p in found.items()}, expected)

    def test_native_gates(self):
        gates = [{"gate": "ms", "targets": [0, 1], "phases": [0, 0]}]
        given = {"qubits": 2, "gateset": "native", "circuit": gates}
        found = self.probabilities(input=given)
        self.assertEqual({k: round(p, 9) for k, p in found.items()}, {"0": 0.5, "3": 0.5})
        gates += [{"gate": "ms", "targets": [0, 1], "phases": [0.5, 0]}]
        found = self.probabilities(input=given)
        self.assertEqual({k: round(p, 9) for k, p in found.items()}, {"0": 1.0})

    def test_qpu_is_sampled(self):
        found = self.probabilities(backend="qpu.aria-1")
        self.assertEqual(sum(found.values()), 1.0)
        self.assertTrue(all((p * 100) == round(p * 100) for p in found.values()), found)

    def test_multi_circuit(self):
        circuits = [{"circuit": self.BELL}, {"circuit": [{"gate": "x", "target": 0}]}]
        given = {"gateset": "qis", "qubits": 2, "circuits": circuits}
        job = self.submit(type="ionq.multi-circuit.v1", input=given)
        self.fake.advance(60)
        found = self.fake.call("GET", f"/jobs/{job}/results/probabilities/aggregated").json
        self.assertEqual(list(found), self.job(job)["child_job_ids"])
        self.assertEqual(list(found.values())[1], {"1": 1.0})

    def test_qasm3(self):
        job = self.submit(type="ionq.qasm3.v1", input={"data": harness.BELL})
        self.fake.advance(60)
        self.assertEqual(self.job(job)["status"], "completed")

    def test_bad_submits_are_400(self):
        for values in (
            {"type": "circuit"},
            {"backend": "qpu.harmony"},
            {"shots": 0},
            {"name": "a/b"},
            {"metadata": {"a": 1}},
            {"metadata": {str(i): "" for i in range(11)}},
            {"input": {"gateset": "qis"}},
            {"input": {"gateset": "qis", "circuit": [{"target": 0}]}},
            {"input": {"gateset": "qis", "qubits": 30, "circuit": []}},
        ):
            with self.subTest(values=values):
                reply = self.fake.call("POST", "/jobs", self.body(**values))
                self.assertEqual((reply.status, reply.json["statusCode"]), (400, 400))

    def test_list_pages_filters(self):
        jobs = [self.submit() for _ in range(30)]
        first = self.fake.call("GET", "/jobs", query={"limit": 100}).json
        self.assertEqual(len(first["jobs"]), 25)
        second = self.fake.call("GET", "/jobs", query={"next": first["next"]}).json
        self.assertEqual([j["id"] for j in second["jobs"]], jobs[4::-1])
        self.assertIsNone(second["next"])
        self.fake.set_state(jobs[3], "FAILED")
        found = self.fake.call("GET", "/jobs", query={"status": "failed"}).json["jobs"]
        self.assertEqual([j["id"] for j in found], [jobs[3]])

    def test_cancel_delete_cost(self):
        job = self.submit(backend="qpu.aria-1")
        self.assertEqual(
            self.fake.call("PUT", f"/jobs/{job}/status/cancel").json["status"], "canceled"
        )
        self.fake.advance(2)
        self.assertEqual(self.job(job)["status"], "canceled")
        job = self.submit(backend="qpu.aria-1")
        self.fake.advance(60)
        self.fake.call("PUT", f"/jobs/{job}/status/cancel")
        self.assertEqual(self.job(job)["status"], "completed")
        self.assertEqual(
            self.fake.call("GET", f"/jobs/{job}/cost").json["cost"], {"value": 12.41, "unit": "usd"}
        )
        self.assertEqual(self.fake.call("DELETE", f"/jobs/{job}").json["status"], "deleted")
        self.assertEqual(self.fake.call("GET", f"/jobs/{job}").status, 404)

    def test_keys(self):
        for headers, path, status in (
            ({}, "/jobs", 401),
            ({"Authorization": "apiKey wrong"}, "/jobs", 401),
            ({"Authorization": "Bearer fake-key"}, "/jobs", 401),
            ({}, "/backends", 200),
        ):
            self.assertEqual(self.fake.call("GET", path, headers=headers).status, status)

    def test_failure_and_faults(self):
        self.fake.set_faults({"fault": "fails"})
        job = self.submit()
        self.fake.advance(60)
        self.assertEqual(self.job(job)["failure"]["code"], "QuantumComputerError")
        self.fake.set_faults(
            {"fault": "new_state", "state": "RUNNING"}, {"fault": "null_timestamps"}
        )
        job = self.submit()
        self.fake.advance(60)
        self.assertIsNone(self.job(job)["completed_at"])
        self.fake.set_faults({"fault": "error_before", "status": 503, "shape": "ionq"})
        self.assertEqual(self.fake.call("GET", "/jobs").json["statusCode"], 503)


class Sdk(unittest.TestCase):
    """The vendors' own clients take the doubles for the vendors."""

    def run_client(self, fake, packages, program):
        python = harness.python_with(self, program.removesuffix(".py"), *packages)
        env = dict(os.environ, QBRAID_CONFIG_FILE="/nonexistent", IONQ_API_URL=fake.url)
        done = subprocess.run(
            [python, harness.ROOT / "tests/e2e" / program, fake.url],
            env=env,
            text=True,
            timeout=180,
            check=False,
            capture_output=True,
        )
        self.assertEqual(done.returncode, 0, done.stderr[-3000:])
        self.assertEqual(fake.stats()["bugs"], 0)
        return json.loads(done.stdout.splitlines()[-1])

    def start(self, vendor):
        fake = Fake(vendor, "--speed", "20")
        self.addCleanup(fake.close)
        return fake

    def test_qbraid(self):
        fake = self.start("qbraid")
        seen = self.run_client(fake, ["qbraid"], "sdk_qbraid.py")
        self.assertIn(QIR_SV, seen["devices"])
        self.assertNotIn("aws:rigetti:qpu:aspen-m-3", seen["devices"])
        self.assertIn("aws:rigetti:qpu:aspen-m-3", seen["retired"])
        self.assertEqual(seen["device_status"], "ONLINE")
        self.assertIn(seen["first_status"], ("INITIALIZING", "QUEUED"))
        self.assertTrue(seen["success"])
        self.assertEqual((set(seen["counts"]), sum(seen["counts"].values())), ({"00", "11"}, 200))
        self.assertIn("cx q[0], q[1];", seen["program"])
        self.assertEqual(seen["by_tag"], [True])
        self.assertEqual((seen["pages"], seen["platform_jobs"]), (1, 1))
        self.assertEqual(seen["cancelled"], "CANCELLED")
        self.assertEqual((seen["cost"], seen["estimate"]), (44.5, 44.5))
        self.assertEqual(seen["coupling"], 19)
        self.assertEqual(seen["batch"], [50, 50])
        self.assertEqual(seen["group"], ["OPEN", "CLOSED"])
        self.assertEqual(seen["after_delete"], 0)
        states = fake.stats()["states"]
        self.assertEqual(states, {"COMPLETED": 3, "CANCELLED": 1})

    def test_qiskit_ionq(self):
        fake = self.start("ionq")
        seen = self.run_client(fake, ["qiskit-ionq"], "sdk_qiskit_ionq.py")
        self.assertIn(seen["first_status"], ("INITIALIZING", "QUEUED"))
        self.assertEqual((set(seen["counts"]), sum(seen["counts"].values())), ({"00", "11"}, 200))
        self.assertEqual(seen["flip"], {"10": 200})
        self.assertEqual([set(c) for c in seen["batch"]], [{"00", "11"}, {"10"}])
        self.assertEqual((seen["cancelled"], seen["again"]), ("CANCELLED", "CANCELLED"))

    def test_cirq_ionq(self):
        if not os.environ.get("QT_E2E_ALL_SDKS"):
            self.skipTest("QT_E2E_ALL_SDKS is not set (cirq-ionq is a large download)")
        fake = self.start("ionq")
        seen = self.run_client(fake, ["cirq-ionq"], "sdk_cirq_ionq.py")
        self.assertEqual(seen["counts"], {"3": 100})
        self.assertEqual(seen["cancelled"], "canceled")


class Load(FakeCase):
    options = ("--quota", "0", "--speed", "100")

    def test_many_clients_at_once(self):
        def work(name):
            conn = self.fake.connect()
            headers = self.fake.credentials()
            for i in range(100):
                body = json.dumps(submission(tags={"qtask": f"{name}-{i}"}))
                conn.request("POST", "/api/v1/jobs", body, headers)
                reply = conn.getresponse()
                reply.read()
                if reply.status != 201:
                    return reply.status
            conn.close()
            return 201

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            self.assertEqual(set(pool.map(work, range(16))), {201})
        stats = self.fake.stats()
        self.assertEqual((stats["jobs"], stats["tags"]), (1600, 1600))
        self.assertEqual(stats["duplicates"], {})


if __name__ == "__main__":
    unittest.main()
