"""IonQ's and Braket's circuits through REST and gRPC, in every task type."""

import json
import unittest

import harness

# x on qubit 2, half a turn on qubit 0: outcomes 100 and 101.
GATES = [{"gate": "x", "target": 2}, {"gate": "h", "target": 0}]
IONQ = json.dumps({"qubits": 3, "gateset": "qis", "circuit": GATES})
BRAKET = "OPENQASM 3.0;\nqubit[3] q;\nx q[2];\nh q[0];\ncphaseshift01(0.3) q[0], q[1];\n"
PROGRAMS = {"ionq": IONQ, "braket": BRAKET}
BROKEN = {
    "ionq": ('{"qubits": 1, "circuit": [\n{"gate": "hh", "target": 0}]}', r"^.*2:10: circuit"),
    "braket": ("qubit q;\nsx q;\n", r"2:1: the gate 'sx'"),
}


class Circuits(unittest.TestCase):
    def setUp(self):
        self.rest = harness.shared_stack().rest

    def test_simulate(self):
        for kind, program in PROGRAMS.items():
            with self.subTest(kind=kind):
                counts = self.rest.counts(program, circuit_type=kind, shots=1000, seed=3)
                self.assertEqual(set(counts), {"100", "101"})
                self.assertEqual(sum(counts.values()), 1000)

    def test_device(self):
        for kind, program in PROGRAMS.items():
            with self.subTest(kind=kind):
                done = self.rest.run(
                    program, task_type="backend_run", circuit_type=kind, backend_name="local"
                )
                self.assertEqual(set(done["result"]["measurements"]), {"100", "101"})

    def test_convert_both_ways(self):
        for kind, program in PROGRAMS.items():
            for target in ("openqasm2", "openqasm3", "ionq", "braket"):
                with self.subTest(kind=kind, target=target):
                    done = self.rest.run(
                        program,
                        task_type="c_qir_convert",
                        circuit_type=kind,
                        target=target,
                        verify=True,
                    )
                    text = done["result"]["text"]
                    counts = self.rest.counts(text, circuit_type=target, shots=100, seed=1)
                    self.assertEqual(set(counts), {"100", "101"})

    def test_analyze(self):
        for kind, program in PROGRAMS.items():
            body = {"circuit_type": kind, "circuit_data": program}
            found = self.rest.ok("POST", "/v1/analyze", body)
            self.assertEqual(found["num_qubits"], 3)
            self.assertEqual(int(found["measurement_count"]), 3)

    def test_create_says_what_it_is(self):
        for kind, program in PROGRAMS.items():
            made = self.rest.ok("POST", "/v1/tasks", harness.task(program, circuit_type=kind))
            self.assertEqual(made["meta_data"]["num_qubits"], 3)

    def test_broken_programs_are_refused_at_once(self):
        for kind, (program, place) in BROKEN.items():
            with self.subTest(kind=kind):
                body = harness.task(program, circuit_type=kind)
                reply = self.rest.call("POST", "/v1/tasks", body)
                self.assertEqual(reply.status, 400, reply)
                self.assertRegex(reply.json["message"], place)
                self.assertIn("payload.circuit_data", json.dumps(reply.json["details"]))
