"""Debian's grpcio and grpc-js against the services, with stubs made from proto/."""

import json
import os
import pathlib
import shutil
import subprocess
import unittest

import grpc

import harness

NODE_DIR = pathlib.Path(__file__).resolve().parent / "node"
SERVICES = {
    "TASK_ADDR": {"qtaskdist.v1.TaskService", "qtaskdist.v1.TaskWorkerService"},
    "QUEUE_ADDR": {"qtaskdist.v1.QueueService"},
    "SIM_ADDR": {"qtaskdist.v1.SimService"},
    "BACKEND_ADDR": {"qtaskdist.v1.BackendService"},
}
UUID_OF_NO_TASK = "01890000-0000-7000-8000-000000000000"


class GrpcPython(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = harness.shared_stack()
        cls.pb = harness.stubs()
        cls.channel = grpc.insecure_channel(cls.stack.env["TASK_ADDR"])
        cls.tasks = cls.pb.task_service_pb2_grpc.TaskServiceStub(cls.channel)

    @classmethod
    def tearDownClass(cls):
        cls.channel.close()

    def request(self, circuit=harness.BELL, **payload):
        pb = self.pb
        return pb.task_requests_pb2.CreateTaskRequest(
            task_type=pb.task_pb2.TASK_TYPE_SIMULATE,
            enqueue=True,
            payload=pb.task_pb2.TaskPayload(
                circuit_type=pb.task_pb2.CIRCUIT_TYPE_QASM, circuit_data=circuit, **payload
            ),
        )

    def refusal(self, call, *args):
        """The grpc.RpcError of a call, its Status, and the details by name."""
        with self.assertRaises(grpc.RpcError) as caught:
            call(*args, timeout=30)
        err = caught.exception
        trailers = dict(err.trailing_metadata())
        status = self.pb.status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
        details = {}
        for packed in status.details:
            name = packed.TypeName().rsplit(".", 1)[1]
            details[name] = getattr(self.pb.error_details_pb2, name).FromString(packed.value)
        return err, status, details

    def test_create_wait_read(self):
        requests = self.pb.task_requests_pb2
        made = self.tasks.CreateTask(self.request(shots=500, seed=2), timeout=30)
        done = self.tasks.WaitTask(
            requests.WaitTaskRequest(task_id=made.task_id, timeout_seconds=30), timeout=40
        )
        self.assertEqual(done.status, self.pb.task_pb2.TASK_STATUS_COMPLETED)
        read = self.tasks.GetTask(requests.GetTaskRequest(task_id=made.task_id), timeout=30)
        self.assertEqual(read.result.measurements, done.result.measurements)
        self.assertEqual(set(read.result.measurements), {"00", "11"})
        self.assertEqual(sum(read.result.measurements.values()), 500)

    def test_rest_and_grpc_agree(self):
        made = self.tasks.CreateTask(self.request(shots=500, seed=2), timeout=30)
        over_rest = self.stack.rest.wait(made.task_id)["result"]["measurements"]
        over_grpc = self.tasks.GetTask(
            self.pb.task_requests_pb2.GetTaskRequest(task_id=made.task_id), timeout=30
        )
        self.assertEqual(over_rest, dict(over_grpc.result.measurements))

    def test_errors_carry_reason_and_field(self):
        err, status, details = self.refusal(
            self.tasks.CreateTask, self.request("OPENQASM 2.0;\nqreg q[;\n")
        )
        self.assertEqual(err.code(), grpc.StatusCode.INVALID_ARGUMENT)
        self.assertEqual(status.code, 3)
        self.assertEqual(details["ErrorInfo"].reason, "CIRCUIT_SYNTAX")
        self.assertEqual(details["ErrorInfo"].domain, "qtaskdist")
        field = details["BadRequest"].field_violations[0]
        self.assertEqual(field.field, "payload.circuit_data")
        self.assertRegex(field.description + err.details(), r"2:\d")

    def test_all_errors_of_a_circuit(self):
        circuit = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\nhh q[0];\nx q[7];\nx q[1]\n'
        request = self.request(circuit)
        _, _, details = self.refusal(self.tasks.CreateTask, request)
        self.check_violations(details["BadRequest"], "payload.circuit_data")
        batch = self.pb.task_requests_pb2.BatchCreateTasksRequest(tasks=[self.request(), request])
        results = self.tasks.BatchCreateTasks(batch, timeout=30).results
        self.assertTrue(results[0].task_id)
        found = [d for d in results[1].error.details if d.type_url.endswith("BadRequest")]
        bad = self.pb.error_details_pb2.BadRequest.FromString(found[0].value)
        self.check_violations(bad, "tasks[1].payload.circuit_data")

    def check_violations(self, bad_request, field):
        rows = bad_request.field_violations
        self.assertEqual([row.field for row in rows], [field] * 3)
        places = [row.description.split(": ")[0] for row in rows]
        self.assertEqual(places, ["4:1", "5:5", "6:7"])
        self.assertIn("did you mean", rows[0].description)
        self.assertIn("expected ';'", rows[2].description)

    def test_unknown_task(self):
        err, _, details = self.refusal(
            self.tasks.GetTask, self.pb.task_requests_pb2.GetTaskRequest(task_id=UUID_OF_NO_TASK)
        )
        self.assertEqual(err.code(), grpc.StatusCode.NOT_FOUND)
        self.assertEqual(details["ErrorInfo"].reason, "TASK_NOT_FOUND")

    def test_invalid_bytes(self):
        call = self.channel.unary_unary("/qtaskdist.v1.TaskService/GetTask")
        for data in (b"\xff" * 40, b"\x0a\x02\xff\xfe", b"\x0a\x05abc"):
            with self.subTest(data), self.assertRaises(grpc.RpcError) as caught:
                call(data, timeout=30)
            self.assertEqual(caught.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)

    def test_unknown_method(self):
        with self.assertRaises(grpc.RpcError) as caught:
            self.channel.unary_unary("/qtaskdist.v1.TaskService/Nothing")(b"", timeout=30)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNIMPLEMENTED)

    def test_direct_simulate(self):
        pb = self.pb
        with grpc.insecure_channel(self.stack.env["SIM_ADDR"]) as channel:
            sim = pb.sim_service_pb2_grpc.SimServiceStub(channel)
            reply = sim.Simulate(
                pb.sim_pb2.SimulateRequest(payload=self.request(shots=64).payload), timeout=30
            )
            self.assertEqual(sum(reply.result.measurements.values()), 64)
            limits = sim.GetLimits(pb.sim_pb2.GetLimitsRequest(), timeout=30)
            self.assertGreaterEqual(limits.max_qubits_statevector, 20)

    def test_health(self):
        types = harness.grpc_messages("grpc/health/v1/health.proto")
        request, response = (
            types[f"grpc.health.v1.HealthCheck{x}"] for x in ("Request", "Response")
        )
        for addr, services in SERVICES.items():
            with grpc.insecure_channel(self.stack.env[addr]) as channel:
                for name in ["", *services]:
                    with self.subTest(f"{addr} {name}"):
                        check = channel.unary_unary(
                            "/grpc.health.v1.Health/Check",
                            request.SerializeToString,
                            response.FromString,
                        )
                        self.assertEqual(check(request(service=name), timeout=10).status, 1)
                        watch = channel.unary_stream(
                            "/grpc.health.v1.Health/Watch",
                            request.SerializeToString,
                            response.FromString,
                        )
                        stream = watch(request(service=name), timeout=10)
                        self.assertEqual(next(stream).status, 1)
                        stream.cancel()

    def test_reflection(self):
        for version in ("v1", "v1alpha"):
            types = harness.grpc_messages(f"grpc/reflection/{version}/reflection.proto")
            request, response = (
                types[f"grpc.reflection.{version}.ServerReflection{x}"]
                for x in ("Request", "Response")
            )
            for addr, services in SERVICES.items():
                with self.subTest(f"{version} {addr}"), grpc.insecure_channel(
                    self.stack.env[addr]
                ) as channel:
                    call = channel.stream_stream(
                        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
                        request.SerializeToString,
                        response.FromString,
                    )
                    asked = [
                        request(list_services="*"),
                        request(file_containing_symbol=min(services)),
                    ]
                    listed, described = call(iter(asked), timeout=10)
                    names = {s.name for s in listed.list_services_response.service}
                    self.assertLessEqual(services | {"grpc.health.v1.Health"}, names)
                    files = described.file_descriptor_response.file_descriptor_proto
                    self.assertTrue(
                        any(min(services).rsplit(".", 1)[1].encode() in f for f in files)
                    )


class GrpcJs(unittest.TestCase):
    """@grpc/grpc-js loads proto/ at run time."""

    def install(self):
        if shutil.which("npm") is None:
            self.skipTest("npm is not there")
        out = harness.BUILD / "e2e/node"
        out.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "client.js"):
            shutil.copy(NODE_DIR / name, out / name)
        if not (out / "node_modules/@grpc/grpc-js").is_dir():
            done = subprocess.run(
                ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"],
                cwd=out,
                timeout=180,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
            )
            if done.returncode != 0:
                self.skipTest(
                    "npm cannot install: " + done.stdout.decode(errors="replace")[-200:].strip()
                )
        return out

    def test_create_wait_read(self):
        out = self.install()
        env = dict(
            os.environ,
            TASK_ADDR=harness.shared_stack().env["TASK_ADDR"],
            PROTO_DIR=str(harness.ROOT / "proto"),
            CIRCUIT=harness.BELL,
        )
        done = subprocess.run(
            ["node", "client.js"],
            cwd=out,
            env=env,
            timeout=90,
            text=True,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        told = json.loads(done.stdout)
        self.assertEqual(told["status"], "TASK_STATUS_COMPLETED")
        self.assertEqual(set(told["measurements"]), {"00", "11"})
        self.assertEqual(sum(told["measurements"].values()), 300)
        self.assertEqual(told["refusal"], "NOT_FOUND")
