"""Each wrong request gets the right HTTP code, gRPC code, reason and place, and hurts nobody."""

import json
import unittest

import harness

INVALID = 3
NOT_FOUND = 5
FAILED_PRECONDITION = 9
RESOURCE_EXHAUSTED = 8
UUID_OF_NO_TASK = "01890000-0000-7000-8000-000000000000"


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = harness.shared_stack()
        cls.rest = cls.stack.rest
        cls.pids = cls.stack.pids()

    def tearDown(self):
        """Nothing crashed, and the next good task works."""
        self.assertEqual(self.stack.pids(), self.pids)
        self.assertEqual(
            self.rest.counts(
                'OPENQASM 2.0; include "qelib1.inc"; qreg q[1]; creg c[1]; x q[0]; measure q -> c;',
                shots=3,
            ),
            {"1": 3},
        )

    def post(self, body, path="/v1/tasks", headers=None):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.rest.raw("POST", path, data, headers or {"Content-Type": "application/json"})

    def expect(self, reply, http, code, reason, place=None, text=None):
        self.assertEqual(reply.status, http, reply)
        self.assertEqual(reply.json.get("code"), code, reply)
        reasons = (reason,) if isinstance(reason, str) else reason
        self.assertIn(reply.reason, reasons, reply)
        if place:
            self.assertTrue(any(field.endswith(place) for field in reply.violations), reply)
        if text:
            self.assertRegex(reply.json["message"], text)

    def test_broken_json(self):
        for body in (
            b"{",
            b'{"task_type": }',
            b"[1,2",
            b'{"task_type":"simulate",}',
            b"\x00",
            b"{} {}",
            b'{"task_type": "simulate"',
        ):
            with self.subTest(body):
                self.expect(self.post(body), 400, INVALID, "JSON_SYNTAX")

    def test_body_that_is_no_object(self):
        for body in (b"[]", b'"text"', b"1", b"null"):
            with self.subTest(body):
                reply = self.post(body)
                self.assertEqual((reply.status, reply.json["code"]), (400, INVALID), reply)

    def test_no_body(self):
        reply = self.post(b"")
        self.expect(reply, 400, INVALID, ("BODY_REQUIRED", "FIELD_REQUIRED", "JSON_SYNTAX"))

    def test_unknown_field(self):
        self.expect(
            self.post(dict(harness.task(harness.BELL), colour="red")),
            400,
            INVALID,
            "FIELD_UNKNOWN",
            "colour",
        )
        body = harness.task(harness.BELL, shots_typo=3)
        self.expect(self.post(body), 400, INVALID, "FIELD_UNKNOWN", "shots_typo")

    def test_unknown_query_parameter(self):
        reply = self.rest.raw("GET", "/v1/tasks?colour=red")
        self.expect(reply, 400, INVALID, "FIELD_UNKNOWN", "colour")

    def test_unknown_type(self):
        self.expect(
            self.post(harness.task(harness.BELL, task_type="teleport")),
            400,
            INVALID,
            "FIELD_INVALID",
            "task_type",
        )

    def test_missing_type(self):
        body = harness.task(harness.BELL)
        del body["task_type"]
        self.expect(self.post(body), 400, INVALID, "FIELD_REQUIRED", "task_type")

    def test_wrong_kind_of_value(self):
        for value in ("many", -1, 1.5, [1], {}, True, 5_000_000_000):
            with self.subTest(value):
                self.expect(
                    self.post(harness.task(harness.BELL, shots=value)),
                    400,
                    INVALID,
                    ("FIELD_INVALID", "SHOTS_OUT_OF_RANGE"),
                    "shots",
                )

    def test_missing_circuit(self):
        body = harness.task("")
        self.expect(self.post(body), 400, INVALID, "FIELD_REQUIRED", "circuit_data")
        del body["payload"]["circuit_data"]
        self.expect(self.post(body), 400, INVALID, "FIELD_REQUIRED", "circuit_data")
        del body["payload"]
        self.expect(self.post(body), 400, INVALID, "FIELD_REQUIRED", "payload")

    def test_syntax_error_has_its_place(self):
        program = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\nh q[0]\ncx q[0],q[1];\n'
        self.expect(
            self.post(harness.task(program)),
            400,
            INVALID,
            "CIRCUIT_SYNTAX",
            "circuit_data",
            r"\b5:1\b|\b4:7\b",
        )
        self.expect(
            self.post(harness.task("OPENQASM 2.0;\nqreg q[1];\nfrobnicate q[0];\n")),
            400,
            INVALID,
            "CIRCUIT_SYNTAX",
            "circuit_data",
            r"\b3:1\b",
        )

    def test_all_errors_of_a_circuit_are_told(self):
        program = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\nhh q[0];\nx q[7];\nx q[1]\n'
        for path, body, field in (
            ("/v1/tasks", harness.task(program), "payload.circuit_data"),
            ("/v1/analyze", {"circuit_data": program}, "circuit_data"),
        ):
            with self.subTest(path):
                rows = self.post(body, path).all_violations
                self.assertEqual([row["field"] for row in rows], [field] * 3)
                places = [row["description"].split(": ")[0] for row in rows]
                self.assertEqual(places, ["4:1", "5:5", "6:7"])
                self.assertEqual({row["reason"] for row in rows}, {"CIRCUIT_SYNTAX"})
                self.assertIn("did you mean 'h'?", rows[0]["description"])

    def test_python_code_is_refused_with_a_hint(self):
        for kind in ("qiskit", "cirq"):
            reply = self.post(harness.task("import qiskit", circuit_type=kind))
            self.expect(reply, 400, INVALID, "CIRCUIT_TYPE_UNSUPPORTED", text="(?i)openqasm")

    def test_forty_qubits(self):
        program = (
            'OPENQASM 2.0; include "qelib1.inc"; qreg q[40]; creg c[40]; '
            + "".join(f"ry(0.{i + 1}) q[{i}];" for i in range(40))
            + "measure q -> c;"
        )
        reply = self.post(harness.task(program, method="statevector"))
        if reply.status == 200:  # found when it runs
            done = self.rest.wait(reply.json["task_id"])
            self.assertEqual(
                (done["status"], done["error_reason"]), ("failed", "CIRCUIT_TOO_MANY_QUBITS")
            )
            self.assertIn("40", done["error"])
        else:
            self.expect(reply, 400, INVALID, "CIRCUIT_TOO_MANY_QUBITS", text="40")

    def test_too_many_shots(self):
        self.expect(
            self.post(harness.task(harness.BELL, shots=4_000_000_000)),
            400,
            INVALID,
            ("SHOTS_OUT_OF_RANGE", "FIELD_INVALID"),
            "shots",
        )

    def test_field_of_another_type(self):
        self.expect(
            self.post(harness.task(harness.BELL, backend_name="local")),
            400,
            INVALID,
            "FIELD_NOT_ALLOWED",
            "backend_name",
        )

    def test_ten_megabytes(self):
        body = harness.task("// " + "x" * (10 << 20))
        reply = self.post(body)
        self.expect(reply, 413, RESOURCE_EXHAUSTED, ("BODY_TOO_LARGE", "MESSAGE_TOO_LARGE"))

    def test_circuit_over_its_limit(self):
        body = harness.task(harness.BELL + "\n// " + "x" * (4 << 20))
        reply = self.post(body)
        self.assertIn(reply.status, (400, 413), reply)
        self.assertIn(reply.reason, ("CIRCUIT_TOO_LARGE", "FIELD_INVALID", "BODY_TOO_LARGE"), reply)

    def test_nesting_bombs(self):
        deep = 100_000
        self.expect(
            self.post(b"[" * deep),
            400,
            INVALID,
            ("NESTING_TOO_DEEP", "JSON_SYNTAX", "FIELD_INVALID"),
        )
        body = b'{"payload":' * deep
        self.assertEqual(self.post(body).status, 400)
        nested = b'{"task_type":"simulate","nothing":' + b"[" * deep + b"]" * deep + b"}"
        self.assertEqual(self.post(nested).status, 400)
        program = "OPENQASM 3.0; qubit q; U(" + "(" * deep + "1" + ")" * deep + ",0,0) q;"
        self.expect(
            self.post(harness.task(program)),
            400,
            INVALID,
            ("CIRCUIT_TOO_LARGE", "CIRCUIT_SYNTAX", "NESTING_TOO_DEEP"),
        )

    def test_gate_bomb(self):
        gates = ["gate g0 a { h a; }"] + [
            f"gate g{i} a {{ {f'g{i - 1} a; ' * 10} }}" for i in range(1, 13)
        ]
        program = 'OPENQASM 2.0; include "qelib1.inc"; ' + "\n".join(gates) + "qreg q[1]; g12 q[0];"
        self.expect(self.post(harness.task(program)), 400, INVALID, "CIRCUIT_TOO_LARGE")

    def test_not_utf8(self):
        body = json.dumps(harness.task("// @\n" + harness.BELL)).encode().replace(b"@", b"\xff\xfe")
        self.expect(self.post(body), 400, INVALID, ("UTF8_INVALID", "JSON_SYNTAX"))
        lone = json.dumps(harness.task("// @\n" + harness.BELL)).encode().replace(b"@", b"\\ud800")
        self.expect(self.post(lone), 400, INVALID, ("UTF8_INVALID", "JSON_SYNTAX"))
        nul = json.dumps(harness.task("// @\n" + harness.BELL)).encode().replace(b"@", b"\\u0000")
        self.expect(self.post(nul), 400, INVALID, ("UTF8_INVALID", "JSON_SYNTAX", "CIRCUIT_SYNTAX"))

    def test_bad_uuid(self):
        for bad in ("7", "not-a-uuid", "0" * 36, UUID_OF_NO_TASK + "0", "%00", "..%2f..%2fetc"):
            with self.subTest(bad):
                self.expect(
                    self.rest.raw("GET", f"/v1/tasks/{bad}"),
                    400,
                    INVALID,
                    ("ID_INVALID", "UTF8_INVALID"),
                    "task_id",
                )

    def test_unknown_id(self):
        for method, path in (
            ("GET", ""),
            ("POST", "/enqueue"),
            ("GET", "/wait"),
            ("GET", "/events"),
        ):
            with self.subTest(path):
                reply = self.rest.raw(method, f"/v1/tasks/{UUID_OF_NO_TASK}{path}")
                self.expect(reply, 404, NOT_FOUND, "TASK_NOT_FOUND")

    def test_illegal_state_change(self):
        done = self.rest.run(harness.BELL, shots=1)["task_id"]
        for method, path, body in (
            ("POST", "/enqueue", None),
            ("POST", "/cancel", {}),
            ("PATCH", "", {"status": "queued"}),
            ("PATCH", "", {"status": "pending"}),
        ):
            with self.subTest(path or body):
                reply = self.rest.call(method, f"/v1/tasks/{done}{path}", body)
                self.expect(reply, 400, FAILED_PRECONDITION, ("ILLEGAL_STATE_CHANGE", "TASK_FINAL"))
        self.assertEqual(self.rest.get(done)["status"], "completed")

    def test_read_only_field(self):
        made = self.rest.create(harness.BELL, enqueue=False)["task_id"]
        reply = self.rest.call("PATCH", f"/v1/tasks/{made}", {"created_at": "2020-01-01T00:00:00Z"})
        self.expect(reply, 400, INVALID, ("FIELD_READ_ONLY", "FIELD_INVALID"), "created_at")

    def test_unknown_path_and_method(self):
        reply = self.rest.raw("GET", "/v1/nothing")
        self.expect(reply, 404, NOT_FOUND, "ROUTE_NOT_FOUND")
        reply = self.rest.raw("PUT", "/v1/tasks", b"{}", {"Content-Type": "application/json"})
        self.assertEqual((reply.status, reply.reason), (405, "HTTP_METHOD_NOT_ALLOWED"), reply)

    def test_wrong_content_type(self):
        reply = self.post(harness.task(harness.BELL), headers={"Content-Type": "text/xml"})
        self.assertEqual(reply.reason, "MEDIA_TYPE_UNSUPPORTED", reply)

    def test_page_token(self):
        self.expect(
            self.rest.raw("GET", "/v1/tasks?page_token=garbage"), 400, INVALID, "PAGE_TOKEN_INVALID"
        )

    def test_batch_over_its_limit(self):
        body = {"tasks": [{"task_type": "simulate", "payload": {"circuit_data": "x"}}] * 10_001}
        reply = self.post(body, "/v1/tasks:batchCreate")
        self.assertEqual((reply.status, reply.json["code"]), (400, INVALID), reply)
