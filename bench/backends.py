#!/usr/bin/env python3
"""How many jobs at a vendor one request quota (qBraid: 1,000 in 15 minutes) can follow:
backend-svc, which asks for lists, against qBraid's own SDK, which asks for each job every 5 s. Both
follow jobs that run longer than the quota's window, on the same double.

SDK: more and more jobs until it is refused something within two windows; its sleeps move the
double's clock, so this does not depend on the machine. Ours: JOBS jobs, submitted through task-svc,
with the double's time and ours SPEED times faster; the requests of two windows while all are open,
how often each state is read, and that nothing was refused.

Usage: scripts/bench backends [JOBS [SPEED]]      default: 1000 jobs, speed 30
"""

import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))
sys.path.insert(0, str(ROOT / "tests/fakes"))
import harness  # noqa: E402
from fakelib.client import Fake  # noqa: E402

WINDOW = 900.0  # the vendor's seconds
LIMIT = 1000
DEVICE = "qbraid:qbraid:sim:qir-sv"


def say(text):
    print(text, file=sys.stderr, flush=True)


# --- the SDK ---------------------------------------------------------------------------------


def sdk_requests(fake, jobs, windows):
    """(requests of a window, refused) while the SDK follows so many jobs for `windows` windows;
    None when the SDK cannot be had."""
    fake.reset()
    words = [sys.executable, ROOT / "bench/peer_qbraid.py", ROOT / "build/bench/qbraid", fake.url]
    done = subprocess.run(
        [*words, str(jobs), str(windows * WINDOW)],
        env=dict(os.environ, QBRAID_CONFIG_FILE="/nonexistent"),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode == 3:
        return None
    if done.returncode != 0:
        sys.exit("the peer failed")
    return int(done.stdout) / windows, fake.stats()["quota"]["refused"]


def sdk_capacity(fake):
    """The most jobs that the SDK follows without a refusal, with the requests that they take."""
    best, rate = 0, None
    for jobs in range(1, LIMIT):
        found = sdk_requests(fake, jobs, 2)
        if found is None:
            return None, None
        say(f"SDK, {jobs} jobs: {found[0]:.0f} requests a window, {found[1]} refused")
        if found[1]:
            break
        best, rate = jobs, found[0]
    return best, rate


# --- ours ------------------------------------------------------------------------------------


def environment(fake, speed):
    """Everything that is measured in time, divided as the vendor's time is; defaults else."""
    scaled = {
        "QBRAID_QUOTA_WINDOW_MS": 900_000,
        "POLL_MIN_MS": 1000,
        "POLL_MAX_MS": 30_000,
        "SNOOZE_MIN_MS": 1000,
        "SNOOZE_MAX_MS": 60_000,
        "LISTING_DELAY_MS": 30_000,
    }
    env = {name: str(max(10, int(ms / speed))) for name, ms in scaled.items()}
    return {**env, "QBRAID_URL": fake.url, "QBRAID_API_KEY": "fake-key"}


def task():
    return harness.task(harness.BELL, task_type="backend_run", backend_name=DEVICE, shots=100)


def polls_between(log, start, end):
    """Requests of the log in this time, and how often the list was begun again."""
    rows = [r for r in log if start <= r["at"] < end]
    firsts = [
        r
        for r in rows
        if r["route"] == "list"
        and r["query"].get("statusGroup") == "pending"
        and r["query"].get("page", "1") == "1"
    ]
    return rows, firsts


def ours(fake, speed, jobs):
    fake.reset()
    stack = harness.Stack(sims=1, env=environment(fake, speed))
    try:
        stack.rest.batch([task() for _ in range(jobs)])
        limit = 60 + 4 * jobs / LIMIT * WINDOW / speed
        harness.wait_for(lambda: fake.stats()["jobs"] == jobs, limit, "all are submitted")
        say(f"ours: {jobs} jobs are submitted")
        start = time.monotonic()
        time.sleep(2 * WINDOW / speed)  # what is measured is time itself
        end = time.monotonic()
        log, stats = fake.log(), fake.stats()
    finally:
        stack.remove()
    if stats["jobs"] != jobs or stats["duplicates"] or len(stats["states"]) != 1:
        sys.exit(f"not the jobs that were meant: {stats['states']}, {stats['duplicates']}")
    rows, firsts = polls_between(log, start, end)
    interval = (end - start) / max(1, len(firsts)) * speed
    say(
        f"ours: {len(rows) / 2:.0f} requests a window, each job's state is read every"
        f" {interval:.0f} s of the vendor, peak {stats['quota']['peak']} in a window with the"
        f" submits, {stats['quota']['refused']} refused"
    )
    return {
        "requests": len(rows) / 2,
        "interval": interval,
        "refused": stats["quota"]["refused"],
        "peak": stats["quota"]["peak"],
    }


def main():
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    speed = float(sys.argv[2]) if len(sys.argv) > 2 else 30.0
    # Queued and running for longer than anything that is measured.
    options = ("--speed", speed, "--queued", 0.1, "--running", 1e9, "--jitter", 0)
    with Fake("qbraid", *options) as fake:
        peer, rate = sdk_capacity(fake)
        if peer is None:
            say("the SDK cannot be had: no peer")
        found = ours(fake, speed, jobs)
    if found["refused"]:
        sys.exit("requests were refused")
    print(
        json.dumps(
            {
                "bench": "backends",
                "value": jobs,
                "unit": "jobs followed within one quota",
                "peer": "qbraid SDK, one poll per job every 5 s",
                "peer_value": peer,
                "ratio": round(jobs / peer, 1) if peer else None,
                "requests_per_window": round(found["requests"]),
                "peer_requests_per_window": round(rate) if rate else None,
                "seconds_between_looks": round(found["interval"], 1),
            }
        )
    )


if __name__ == "__main__":
    main()
