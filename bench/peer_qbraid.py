#!/usr/bin/env python3
"""Follows jobs with qBraid's own SDK as it does by default: one request per job every 5 s.

Usage: peer_qbraid.py ENVIRONMENT URL JOBS SECONDS
ENVIRONMENT: a virtual environment, made when missing. URL: the double's, whose time stands still:
it is moved on whenever all jobs' waits sleep, so the machine's speed plays no part. SECONDS: how
long to follow, in the double's. Prints the number of requests that were made meanwhile.
Exit code 3: the SDK cannot be had.
"""

import json
import pathlib
import sys
import threading
import urllib.request

import peer_environment

BELL = """OPENQASM 3.0;
include "stdgates.inc";
qubit[2] q;
bit[2] c;
h q[0];
cx q[0], q[1];
c = measure q;
"""


class Enough(Exception):
    """The time to follow is over."""


class Time:
    """Instead of time.sleep: the last of the sleepers moves the double's clock on."""

    def __init__(self, root, sleepers, seconds):
        self.root = root
        self.awake = sleepers
        self.sleepers = sleepers
        self.left = seconds
        self.round = 0
        self.changed = threading.Condition()

    def control(self, name, body=None):
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.root}/_fake/{name}", data) as reply:
            return json.load(reply)

    def move_on(self, seconds):
        self.control("clock", {"advance": seconds})
        self.left -= seconds
        self.round += 1
        self.awake = self.sleepers
        self.changed.notify_all()

    def sleep(self, seconds):
        with self.changed:
            self.awake -= 1
            current = self.round
            if self.awake == 0:
                self.move_on(seconds)
            self.changed.wait_for(lambda: self.round > current)
            if self.left <= 0:
                raise Enough

    def leave(self):
        """One that sleeps no more, e.g. because it was refused."""
        with self.changed:
            self.sleepers -= 1
            self.awake -= 1
            if self.awake == 0 and self.sleepers > 0:
                self.move_on(0)


def main():
    peer_environment.enter(sys.argv[1], "qbraid")
    try:
        import qbraid.runtime.job
        from qbraid.runtime import QbraidProvider
        from qbraid_core.services.runtime import QuantumRuntimeClient
        from qbraid_core.sessions import QbraidSessionV1
    except ImportError:
        sys.exit(3)
    url, count, seconds = sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    client = QuantumRuntimeClient(session=QbraidSessionV1(api_key="fake-key", base_url=url))
    device = QbraidProvider(client=client).get_device("qbraid:qbraid:sim:qir-sv")
    jobs = [device.run(BELL, shots=100) for _ in range(count)]
    clock = Time(url.removesuffix("/api/v1"), count, seconds)
    clock.control("clock", {"speed": 0})
    qbraid.runtime.job.sleep = clock.sleep

    def follow(job):
        try:
            job.wait_for_final_state()
        except Enough:
            pass
        except Exception as refused:  # pylint: disable=broad-exception-caught
            print(type(refused).__name__, refused, file=sys.stderr)
        clock.leave()

    before = clock.control("stats")["requests"]
    threads = [threading.Thread(target=follow, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(clock.control("stats")["requests"] - before)


if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
    main()
