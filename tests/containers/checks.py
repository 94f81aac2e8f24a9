"""What check-containers and check-cluster share: checks that report, and clients that load a stack."""

import threading
import time
import traceback

import harness


class Report:
    """Runs checks one after the other and says how each went; one that fails stops no other.
    `look` gives what there is to see after a failure."""

    def __init__(self, look=lambda: ""):
        self.look, self.passed, self.failed = look, 0, 0
        self.began = time.monotonic()

    def seconds(self):
        return f"{time.monotonic() - self.began:.0f} s"

    def step(self, function):
        name = function.__doc__.splitlines()[0]
        began = time.monotonic()
        try:
            said = function()
            self.passed += 1
            print(f"ok      {name} ({time.monotonic() - began:.0f} s){': ' + said if said else ''}", flush=True)
        except Exception as err:  # noqa: BLE001
            self.failed += 1
            where = [f"{f.name}:{f.lineno}" for f in traceback.extract_tb(err.__traceback__)]
            print(f"FAILED  {name} ({' '.join(where)}): {err!r:.1500}\n{self.look()}", flush=True)

    def end(self):
        """The exit code."""
        print(f"{self.passed} passed, {self.failed} failed ({self.seconds()})", flush=True)
        return 1 if self.failed else 0


class Load:
    """Clients that create tasks and wait for them. `call` takes the number of a turn, then what
    harness.Rest.call takes, and returns its reply."""

    def __init__(self, call, clients):
        self.call = call
        self.stopping = threading.Event()
        self.statuses, self.bad, self.ids = [], [], []
        self.project = f"load-{time.monotonic_ns()}"
        self.threads = [threading.Thread(target=self.client, args=(n,)) for n in range(clients)]

    def around(self, change):
        """Runs it in the middle of the load, of which no request may fail; says how many there were."""
        for thread in self.threads:
            thread.start()
        try:
            self.wait_for_more("the load runs")
            change()
            self.wait_for_more("the load goes on")
        finally:
            self.stopping.set()
            for thread in self.threads:
                thread.join()
        count = len(self.statuses)
        assert not self.bad, f"{len(self.bad)} of {count} failed: {self.bad[:3]}"
        return f"{count} requests, none failed"

    def wait_for_more(self, what):
        before = self.statuses.count(200)
        harness.wait_for(lambda: self.statuses.count(200) > before + 50, 60, what)

    def check_tasks(self, rest):
        """All that were created are completed, and no other."""
        found = {t["task_id"]: t["status"] for t in rest.wait_project(self.project, 120)}
        assert set(found) == set(self.ids) and set(found.values()) == {"completed"}, len(found)

    def client(self, turn):
        while not self.stopping.is_set():
            turn += 1
            try:
                body = harness.task(harness.BELL, shots=10, project=self.project)
                made = self.count(self.call(turn, "POST", "/v1/tasks", body))
                if made.status == 200:
                    task_id = made.json["task_id"]
                    self.ids.append(task_id)
                    self.count(self.call(turn, "GET", f"/v1/tasks/{task_id}/wait?timeout_seconds=20"))
            except Exception as err:  # noqa: BLE001
                self.bad.append(repr(err))

    def count(self, reply):
        self.statuses.append(reply.status)
        if reply.status != 200:
            self.bad.append(repr(reply))
        return reply
