#!/usr/bin/env python3
"""Uses qBraid's own SDK against the base URL in argv[1]; prints what it saw as one JSON object.

Run in an environment that has the package qbraid. Not a test by itself, see test_fakes.py.
"""

import json
import sys

from qbraid.runtime import QbraidProvider
from qbraid_core.services.runtime import QuantumRuntimeClient
from qbraid_core.sessions import QbraidSessionV1

BELL = """OPENQASM 3.0;
include "stdgates.inc";
qubit[2] q;
bit[2] c;
h q[0];
cx q[0], q[1];
c = measure q;
"""


def main():
    session = QbraidSessionV1(api_key="fake-key", base_url=sys.argv[1])
    client = QuantumRuntimeClient(session=session)
    provider = QbraidProvider(client=client)
    device = provider.get_device("qbraid:qbraid:sim:qir-sv")
    seen = {
        "devices": [d.id for d in provider.get_devices()],
        "retired": [d.qrn for d in client.list_devices(include_retired=True)],
        "device_status": device.status().name,
    }

    job = device.run(BELL, shots=200, name="bell", tags={"qtask": "sdk-1"})
    seen["first_status"] = job.status().name
    job.wait_for_final_state(timeout=60, poll_interval=0.05)
    result = job.result()
    seen["counts"] = result.data.get_counts()
    seen["success"] = result.success
    seen["program"] = job.program().data
    seen["by_tag"] = [j.jobQrn == job.id for j in client.list_jobs(tags={"qtask": "sdk-1"})]
    seen["pages"] = client.list_platform_jobs_paginated(limit=1).pagination.totalPages
    seen["platform_jobs"] = len(client.list_platform_jobs())

    cancelled = device.run(BELL, shots=200)
    cancelled.cancel()
    seen["cancelled"] = cancelled.status().name

    priced = provider.get_device("aws:iqm:qpu:garnet")
    paid = priced.run(BELL, shots=100)
    paid.wait_for_final_state(timeout=60, poll_interval=0.05)
    seen["cost"] = float(client.get_job_result(paid.id).cost)
    seen["estimate"] = float(client.estimate_cost(priced.id, 100).estimatedCost)
    seen["coupling"] = len(priced.coupling_map)

    batch = provider.get_device("aws:aws:sim:sv1")
    many = batch.submit([batch.prepare(BELL)] * 2, shots=50, as_batch=True)
    many.wait_for_final_state(timeout=60, poll_interval=0.05)
    seen["batch"] = [sum(r.data.get_counts().values()) for r in many.result().results]

    group = client.create_group(name="g")
    seen["group"] = [group.status.name, client.close_group(group.groupJobQrn).status.name]
    client.delete_job(job.id)
    seen["after_delete"] = len(client.list_jobs(tags={"qtask": "sdk-1"}))
    print(json.dumps(seen))


main()
