#!/usr/bin/env python3
"""Bell tasks of 100 shots, created in one batch: tasks per second until all are completed, and the
time from created to completed of each. The peer is Celery with as many worker processes, the same
number of shots per task and the same Redis, in the same run.

Usage: scripts/bench pipeline [TASKS [ROUNDS]]      default: 10000 tasks, 3 rounds
"""

import gc
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))
sys.path.insert(0, str(ROOT / "bench"))
import harness  # noqa: E402

SHOTS = 100
PEER_TASKS = 1000


def percentile(values, share):
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, round(share * (len(ranked) - 1)))]


class Ours:
    """The batch goes in by gRPC; the times are the store's own."""

    def __init__(self, stack):
        import grpc

        self.pb = harness.stubs()
        self.rest = stack.rest
        self.stack = stack
        options = [("grpc.max_receive_message_length", 64 << 20)]
        channel = grpc.insecure_channel(stack.env["TASK_ADDR"], options)
        self.tasks = self.pb.task_service_pb2_grpc.TaskServiceStub(channel)

    def batch(self, count, project):
        pb = self.pb
        one = pb.task_requests_pb2.CreateTaskRequest(
            task_type=pb.task_pb2.TASK_TYPE_SIMULATE,
            enqueue=True,
            project=project,
            payload=pb.task_pb2.TaskPayload(circuit_data=harness.BELL, shots=SHOTS),
        )
        return pb.task_requests_pb2.BatchCreateTasksRequest(tasks=[one] * count)

    def is_idle(self, project):
        pb = self.pb.task_pb2
        open_ones = self.pb.task_requests_pb2.ListTasksRequest(
            project=project,
            page_size=1,
            omit_large_fields=True,
            status=[pb.TASK_STATUS_PENDING, pb.TASK_STATUS_QUEUED, pb.TASK_STATUS_PROCESSING],
        )
        return not self.tasks.ListTasks(open_ones, timeout=60).tasks

    def done_tasks(self, project):
        token = ""
        while True:
            page = self.tasks.ListTasks(
                self.pb.task_requests_pb2.ListTasksRequest(
                    project=project, page_size=1000, omit_large_fields=True, page_token=token
                ),
                timeout=60,
            )
            yield from page.tasks
            token = page.next_page_token
            if not token:
                return

    def round(self, count):
        """(tasks per second, [ms from created to completed])"""
        project = f"b-{uuid.uuid4().hex[:10]}"
        request = self.batch(count, project)
        began = time.time()
        self.tasks.BatchCreateTasks(request, timeout=120)
        harness.wait_for(lambda: self.is_idle(project), 300, "all are completed")
        waits, last = [], began
        for done in self.done_tasks(project):
            if done.status != self.pb.task_pb2.TASK_STATUS_COMPLETED:
                sys.exit(f"{done.task_id} is not completed: {done.error}")
            finished = done.finished_at.ToNanoseconds() / 1e9
            waits.append(1000 * (finished - done.created_at.ToNanoseconds() / 1e9))
            last = max(last, finished)
        if len(waits) != count:
            sys.exit(f"{len(waits)} of {count} tasks are there")
        return count / (last - began), waits


class Celery:
    def __init__(self, stack):
        os.environ["REDIS_URL"] = stack.env["REDIS_URL"]
        import celery  # noqa: F401 (fails here when it is not installed)
        import peer_celery

        self.bell = peer_celery.bell
        self.worker = subprocess.Popen(
            [
                "/usr/bin/python3",
                "-m",
                "celery",
                "-A",
                "peer_celery",
                "worker",
                "--concurrency",
                str(os.cpu_count()),
                "--loglevel",
                "error",
                "--without-gossip",
                "--without-mingle",
            ],
            cwd=ROOT / "bench",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=dict(os.environ, C_FORCE_ROOT="1", PYTHONDONTWRITEBYTECODE="1"),
        )
        self.bell.delay(1).get(timeout=60)

    def round(self, count):
        began = time.time()
        results = [self.bell.delay(SHOTS) for _ in range(count)]
        for result in results:
            result.get(timeout=300)
        rate = count / (time.time() - began)
        del results, result
        gc.collect()  # a result talks to Redis when it goes away
        return rate

    def stop(self):
        self.worker.terminate()
        self.worker.wait(30)


def report(round_no, rate, waits, peer_rate):
    print(
        f"round {round_no}: {rate:.0f} tasks/s, created -> completed p50 {percentile(waits, 0.5):.0f} ms "
        f"p99 {percentile(waits, 0.99):.0f} ms; Celery {peer_rate:.0f} tasks/s",
        flush=True,
    )


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    stack = harness.Stack()
    peer = None
    try:
        ours, peer = Ours(stack), Celery(stack)
        ours.round(100)
        rates, peer_rates, all_waits = [], [], []
        for i in range(rounds):
            rate, waits = ours.round(count)
            peer_rate = peer.round(PEER_TASKS)
            report(i + 1, rate, waits, peer_rate)
            rates.append(rate)
            peer_rates.append(peer_rate)
            all_waits += waits
    finally:
        if peer:
            peer.stop()
        stack.remove()
    value, peer_value = statistics.median(rates), statistics.median(peer_rates)
    print(
        json.dumps(
            {
                "bench": "pipeline",
                "value": round(value, 1),
                "unit": "tasks/s",
                "peer": "celery, same redis",
                "peer_value": round(peer_value, 1),
                "ratio": round(value / peer_value, 2),
                "tasks": count,
                "p50_ms": round(percentile(all_waits, 0.5), 1),
                "p99_ms": round(percentile(all_waits, 0.99), 1),
            }
        )
    )


if __name__ == "__main__":
    main()
