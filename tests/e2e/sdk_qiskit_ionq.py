#!/usr/bin/env python3
"""Uses qiskit-ionq against the base URL in argv[1]; prints what it saw as one JSON object.

Run in an environment that has the package. Not a test by itself, see test_fakes.py.
"""

import json
import sys

from qiskit import QuantumCircuit
from qiskit_ionq import IonQProvider


def by_qiskit(url):
    provider = IonQProvider(token="fake-key", url=url)
    simulator, qpu = provider.get_backend("simulator"), provider.get_backend("qpu.forte-1")
    circuit = QuantumCircuit(3, 2)
    circuit.h(0)
    circuit.cx(0, 2)
    circuit.measure([0, 2], [0, 1])
    flip = QuantumCircuit(2, 2)
    flip.x(1)
    flip.measure([0, 1], [0, 1])

    job = simulator.run(circuit, shots=200, extra_metadata={"qtask": "sdk-1"})
    seen = {"first_status": job.status().name}
    job.wait_for_final_state(timeout=60, wait=0.05)
    seen["counts"] = job.result().get_counts()
    job = qpu.run(flip, shots=200)
    job.wait_for_final_state(timeout=60, wait=0.05)
    seen["flip"] = job.result().get_counts()
    job = simulator.run([circuit, flip], shots=100)
    job.wait_for_final_state(timeout=60, wait=0.05)
    seen["batch"] = job.result().get_counts()
    job = simulator.run(circuit, shots=100)
    job.cancel()
    job.wait_for_final_state(timeout=60, wait=0.05)
    seen["cancelled"] = job.status().name
    seen["again"] = simulator.retrieve_job(job.job_id()).status().name
    return seen


print(json.dumps(by_qiskit(sys.argv[1])))
