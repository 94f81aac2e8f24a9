"""queue-svc as KEDA's trigger `external-push` sees it. The contract is stated here once more, by
KEDA's names and numbers, so that a change of our .proto files cannot hide a break."""

import threading
import unittest

import grpc

import harness


def contract():
    """The message classes of package externalscaler."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    kinds = {
        "bool": 8,
        "double": 1,
        "int64": 3,
        "string": 9,
    }
    messages = {
        "ScaledObjectRef": [(1, "name", "string"), (2, "namespace", "string")],
        "IsActiveResponse": [(1, "result", "bool")],
        "GetMetricSpecResponse": [(1, "metricSpecs", "*MetricSpec")],
        "MetricSpec": [
            (1, "metricName", "string"),
            (2, "targetSize", "int64"),
            (3, "targetSizeFloat", "double"),
        ],
        "GetMetricsRequest": [
            (1, "scaledObjectRef", "ScaledObjectRef"),
            (2, "metricName", "string"),
        ],
        "GetMetricsResponse": [(1, "metricValues", "*MetricValue")],
        "MetricValue": [
            (1, "metricName", "string"),
            (2, "metricValue", "int64"),
            (3, "metricValueFloat", "double"),
        ],
    }
    file = descriptor_pb2.FileDescriptorProto(
        name="keda.proto", package="externalscaler", syntax="proto3"
    )
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for number, field, kind in fields:
            row = message.field.add(name=field, number=number, label=1)
            if kind in kinds:
                row.type = kinds[kind]
            else:
                row.label = 3 if kind.startswith("*") else 1
                row.type, row.type_name = 11, ".externalscaler." + kind.lstrip("*")
        if name == "ScaledObjectRef":
            entry = message.nested_type.add(name="ScalerMetadataEntry")
            entry.options.map_entry = True
            entry.field.add(name="key", number=1, label=1, type=9)
            entry.field.add(name="value", number=2, label=1, type=9)
            message.field.add(
                name="scalerMetadata",
                number=3,
                label=3,
                type=11,
                type_name=".externalscaler.ScaledObjectRef.ScalerMetadataEntry",
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    found = {n: pool.FindMessageTypeByName("externalscaler." + n) for n in messages}
    return {name: factory.GetPrototype(found[name]) for name in messages}


class ExternalScaler(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Long enough for a task to be claimed, and so acknowledged, while it still runs.
        cls.stack = harness.Stack(env={"WORKER_TASKS": "1", "SCALER_POLL_MS": "100"})
        cls.rest = cls.stack.rest
        cls.channel = grpc.insecure_channel(cls.stack.env["QUEUE_ADDR"])
        cls.pb = contract()

    @classmethod
    def tearDownClass(cls):
        cls.channel.close()
        cls.stack.remove()

    def method(self, name, answer, kind="unary_unary"):
        return getattr(self.channel, kind)(
            "/externalscaler.ExternalScaler/" + name,
            lambda message: message.SerializeToString(),
            self.pb[answer].FromString,
        )

    def ref(self, **metadata):
        return self.pb["ScaledObjectRef"](
            name="qtaskdist-sim", namespace="default", scalerMetadata=metadata
        )

    def work(self, types):
        request = self.pb["GetMetricsRequest"](
            scaledObjectRef=self.ref(taskTypes=types, tasksPerReplica="2"), metricName="s0-tasks"
        )
        values = self.method("GetMetrics", "GetMetricsResponse")(request, timeout=10).metricValues
        self.assertEqual([v.metricName for v in values], ["s0-tasks"])
        self.assertEqual(values[0].metricValue, values[0].metricValueFloat)
        return values[0].metricValue

    def test_spec(self):
        ref = self.ref(taskTypes="simulate,c_qir_convert", tasksPerReplica="4")
        specs = self.method("GetMetricSpec", "GetMetricSpecResponse")(ref, timeout=10).metricSpecs
        self.assertEqual(
            [(s.metricName, s.targetSize, s.targetSizeFloat) for s in specs], [("tasks", 4, 4.0)]
        )

    def test_wrong_metadata(self):
        cases = {
            "taskTypes": [{}, {"taskTypes": "qiskit"}],
            "tasksPerReplica": [{"taskTypes": "simulate", "tasksPerReplica": "x"}],
        }
        for key, metadata in [(key, m) for key, list_ in cases.items() for m in list_]:
            with self.subTest(metadata), self.assertRaises(grpc.RpcError) as caught:
                self.method("GetMetricSpec", "GetMetricSpecResponse")(
                    self.ref(**metadata), timeout=10
                )
            self.assertEqual(caught.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
            self.assertIn(key, caught.exception.details())

    def test_long_task_counts_until_it_is_done(self):
        """A claimed task is in no stream; it must count nevertheless, or its worker is scaled away."""
        states, changed = [], threading.Condition()

        def listen():
            watch = self.method("StreamIsActive", "IsActiveResponse", "unary_stream")
            try:
                for message in watch(self.ref(taskTypes="simulate")):
                    with changed:
                        states.append(message.result)
                        changed.notify()
            except grpc.RpcError:
                pass

        def wait_state(count, last):
            with changed:
                fits = lambda: len(states) >= count and states[-1] == last  # noqa: E731
                self.assertTrue(changed.wait_for(fits, 60 * harness.SLOWNESS), states)

        circuit = harness.circuit_of_seconds(self.rest, 4)
        harness.wait_for(lambda: self.work("simulate") == 0, 20, "no work is left")
        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        wait_state(1, False)
        ids = [self.rest.create(circuit, shots=1, seed=n)["task_id"] for n in (1, 2)]
        wait_state(2, True)
        running = lambda: [  # noqa: E731
            r.get("count", 0)
            for r in self.rest.ok("GET", "/v1/queues")["running"]
            if r["task_type"] == "simulate"
        ]
        harness.wait_for(
            lambda: [int(count) for count in running()] == [1], 20, "one task is reported to run"
        )
        is_active = self.method("IsActive", "IsActiveResponse")
        self.assertTrue(is_active(self.ref(taskTypes="simulate"), timeout=10).result)
        self.assertGreaterEqual(self.work("simulate"), 1)
        self.assertEqual(self.work("backend_run"), 0)
        self.assertFalse(is_active(self.ref(taskTypes="c_qir_convert"), timeout=10).result)
        for task_id in ids:
            self.assertEqual(self.rest.wait(task_id)["status"], "completed")
        harness.wait_for(lambda: self.work("simulate") == 0, 20, "all work is done")
        wait_state(3, False)
