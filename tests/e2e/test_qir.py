"""QIR through REST and gRPC: converted, checked, simulated; hostile bitcode."""

import base64
import random
import threading
import unittest

import grpc

import harness

TELEPORT = (harness.ROOT / "tests/data/qasm/teleport.qasm").read_text()
BROKEN_BASE = """define i64 @main() #0 {
start:
  call void @__quantum__rt__initialize(ptr null)
  br label %body
body:
  call void @__quantum__qis__h__body(ptr inttoptr (i64 5 to ptr))
  br label %measurements
measurements:
  call void @__quantum__qis__mz__body(ptr null, ptr writeonly null) #1
  br label %output
output:
  call void @__quantum__rt__result_record_output(ptr null, ptr null)
  ret i64 0
}
declare void @__quantum__rt__initialize(ptr)
declare void @__quantum__qis__h__body(ptr)
declare void @__quantum__qis__mz__body(ptr, ptr writeonly) #1
declare void @__quantum__rt__result_record_output(ptr, ptr)
attributes #0 = { "entry_point" "qir_profiles"="base_profile" "output_labeling_schema"="labeled"
  "required_num_qubits"="1" "required_num_results"="1" }
attributes #1 = { "irreversible" }
!llvm.module.flags = !{!0, !1, !2, !3}
!0 = !{i32 1, !"qir_major_version", i32 2}
!1 = !{i32 7, !"qir_minor_version", i32 0}
!2 = !{i32 1, !"dynamic_qubit_management", i1 false}
!3 = !{i32 1, !"dynamic_result_management", i1 false}
"""


def damaged(bitcode, seed):
    """Bitcode with one wrong byte near the front, where LLVM's reader often breaks down."""
    rng = random.Random(seed)
    data = bytearray(bitcode)
    data[rng.randrange(180, 260)] = rng.randrange(256)
    return base64.b64encode(data).decode()


class Qir(unittest.TestCase):
    def setUp(self):
        self.rest = harness.shared_stack().rest
        if not self.rest.ok("GET", "/v1/limits").get("qir"):
            self.skipTest("sim-svc was built without LLVM 16")

    def convert(self, circuit, **fields):
        done = self.rest.run(circuit, task_type="c_qir_convert", **fields)
        return done["result"]

    def counts(self, circuit, kind):
        return self.rest.counts(circuit, circuit_type=kind, shots=2000, seed=9)

    def source_of(self, result):
        """What a request takes: text, or base64, which is how JSON carries bytes."""
        return result["bitcode"] if result["encoding"] == "bitcode" else result["text"]

    def test_all_forms(self):
        for program, profile, method in (
            (harness.BELL, "base", "state"),
            (TELEPORT, "adaptive", "distribution"),
        ):
            expected = self.counts(program, "qasm")
            for target in ("qir-1.0", "qir-2.0"):
                for encoding in ("text", "bitcode"):
                    with self.subTest(target=target, encoding=encoding, profile=profile):
                        r = self.convert(program, target=target, encoding=encoding, verify=True)
                        self.assertEqual((r["encoding"], r["profile"]), (encoding, profile))
                        self.assertEqual(r["target"], target.replace("-", "_").replace(".", "_"))
                        self.assertTrue(r["conversion"]["check"]["conforms"])
                        self.assertEqual(r["conversion"]["verification"]["method"], method)
                        self.assertTrue(r["conversion"]["verification"]["equivalent"])
                        self.assertEqual(self.counts(self.source_of(r), "qir"), expected)

    def test_into_openqasm(self):
        qir = self.convert(harness.BELL, encoding="bitcode")["bitcode"]
        for target in ("openqasm2", "openqasm3"):
            r = self.convert(qir, circuit_type="qir", target=target, verify=True)
            self.assertEqual(self.counts(r["text"], target), self.counts(harness.BELL, "qasm"))

    def test_task_and_call_agree(self):
        fields = {"target": "qir-2.0", "profile": "adaptive", "entry_point": "bell"}
        task = self.convert(harness.BELL, **fields)
        call = self.rest.ok("POST", "/v1/convert", {"circuit_data": harness.BELL, **fields})
        self.assertEqual(task["text"], call["result"]["text"])
        self.assertEqual(task["conversion"], call["result"]["conversion"])
        self.assertIn("@bell(", task["text"])
        stored = harness.shared_stack().sql(
            "SELECT result -> 'conversion' -> 'check' ->> 'conforms' FROM tasks"
            " WHERE payload ->> 'entry_point' = 'bell' LIMIT 1"
        )
        self.assertEqual(stored.strip(), "true")

    def test_analyze(self):
        text = self.convert(harness.BELL)["text"]
        found = self.rest.ok("POST", "/v1/analyze", {"circuit_type": "qir", "circuit_data": text})
        self.assertEqual((found["num_qubits"], int(found["gate_count"])), (2, 2))

    def test_check(self):
        text = self.convert(harness.BELL)["text"]
        report = self.rest.ok("POST", "/v1/qir/check", {"circuit_data": text})["report"]
        self.assertTrue(report["conforms"])
        report = self.rest.ok("POST", "/v1/qir/check", {"circuit_data": BROKEN_BASE})["report"]
        self.assertEqual(report["profile"], "base")
        found = {v["rule"]: v for v in report["violations"]}
        self.assertEqual(set(found), {"qubit-range", "record-label"})
        place = found["qubit-range"]
        self.assertEqual((place["function"], place["block"]), ("main", "body"))
        self.assertIn("__quantum__qis__h__body", place["instruction"])
        self.assertTrue(place["section"] and place["hint"])

    def test_refused_on_create(self):
        rows = (
            ({"target": "qir-3.0"}, "payload.target"),
            ({"target": "openqasm3", "profile": "base"}, "payload.profile"),
            ({"target": "openqasm2", "encoding": "bitcode"}, "payload.encoding"),
            ({"gate_set": "huge"}, "payload.gate_set"),
            ({"entry_point": "no good"}, "payload.entry_point"),
            ({"shots": 5}, "payload.shots"),
            ({"circuit_type": "qir"}, "payload.circuit_data"),
        )
        for fields, place in rows:
            with self.subTest(**fields):
                task = harness.task(harness.BELL, task_type="c_qir_convert", **fields)
                reply = self.rest.call("POST", "/v1/tasks", task)
                self.assertEqual(reply.status, 400, reply)
                self.assertIn(place, reply.violations)

    def test_refused_later(self):
        wide = 'OPENQASM 3.0; include "stdgates.inc"; qubit[20] q; h q;'
        for circuit, fields, reason in (
            (wide, {"verify": True}, "VERIFY_LIMIT"),
            (TELEPORT, {"profile": "base"}, "CIRCUIT_UNSUPPORTED"),
            ("define i64 @main() { oops }", {"circuit_type": "qir"}, "CIRCUIT_SYNTAX"),
        ):
            with self.subTest(reason):
                made = self.rest.create(circuit, task_type="c_qir_convert", **fields)
                done = self.rest.wait(made["task_id"])
                self.assertEqual((done["status"], done["error_reason"]), ("failed", reason))
                self.assertEqual(done["retry_count"], 0)

    def test_grpc(self):
        pb = harness.stubs()
        address = harness.shared_stack().env["SIM_ADDR"]
        with grpc.insecure_channel(address) as channel:
            sim = pb.sim_service_pb2_grpc.SimServiceStub(channel)
            payload = pb.task_pb2.TaskPayload(
                circuit_data=harness.BELL,
                target=pb.task_pb2.CONVERT_TARGET_QIR_1_0,
                encoding=pb.task_pb2.QIR_ENCODING_BITCODE,
                verify=True,
            )
            done = sim.Convert(pb.sim_pb2.ConvertRequest(payload=payload), timeout=60).result
            self.assertEqual(done.bitcode[:4], b"BC\xc0\xde")
            self.assertEqual(done.conversion.verification.method, "state")
            program = base64.b64encode(done.bitcode).decode()
            report = sim.CheckQir(
                pb.sim_pb2.CheckQirRequest(circuit_data=program), timeout=60
            ).report
            self.assertTrue(report.conforms)
            self.assertEqual(report.profile, pb.task_pb2.QIR_PROFILE_BASE)

    def test_hostile_bitcode_takes_nothing_down(self):
        stack = harness.shared_stack()
        before = stack.pid("sim-svc")
        good = self.rest.ok(
            "POST", "/v1/convert", {"circuit_data": harness.BELL, "encoding": "bitcode"}
        )["result"]["bitcode"]
        bitcode = base64.b64decode(good)
        wrong = []

        def attack(first):
            for seed in range(first, first + 10):
                body = {"circuit_type": "qir", "circuit_data": damaged(bitcode, seed), "shots": 10}
                reply = self.rest.call("POST", "/v1/simulate", body)
                if reply.status not in (200, 400):
                    wrong.append(reply)
                body["circuit_data"] = good
                reply = self.rest.call("POST", "/v1/simulate", body)
                if reply.status != 200:
                    wrong.append(reply)

        threads = [threading.Thread(target=attack, args=(i * 1000,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        self.assertEqual(stack.pid("sim-svc"), before)
