#!/usr/bin/env python3
"""Uses cirq-ionq against the base URL in argv[1]; prints what it saw as one JSON object.

Run in an environment that has the package. Not a test by itself, see test_fakes.py.
"""

import json
import sys

import cirq
import cirq_ionq


def by_cirq(url):
    service = cirq_ionq.Service(remote_host=url, api_key="fake-key", default_target="simulator")
    a, b = cirq.LineQubit.range(2)
    circuit = cirq.Circuit(cirq.X(a), cirq.CNOT(a, b), cirq.measure(a, b, key="m"))
    job = service.create_job(circuit, repetitions=100, target="qpu.forte-1")
    seen = {"first_status": job.status(), "counts": dict(job.results().counts("m"))}
    job = service.create_job(circuit, repetitions=100)
    job.cancel()
    seen["cancelled"] = job.status()
    return seen


print(json.dumps(by_cirq(sys.argv[1])))
