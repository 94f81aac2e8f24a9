"""Runs a submitted program for real: with circuits.py, or on a gateway of qtaskdist.

The answer is an Outcome with counts, or a failure with its text; it may come later (gateway).
"""

import base64
import binascii
import concurrent.futures
import functools
import http.client
import json
import random
import shutil
import subprocess
import urllib.parse

from . import circuits
from .client import ask


class Outcome:
    """`registers` is [(name, size)], `counts` {clbits as int: count}; `failure` a text or None."""

    def __init__(self, registers=(), counts=None, probabilities=None, failure=None):
        self.registers = list(registers)
        self.counts = counts or {}
        self.probabilities = probabilities or {}
        self.failure = failure

    def clbits(self):
        return sum(size for _, size in self.registers)


def llvm_dis():
    """Path of an LLVM disassembler, or None."""
    names = ["llvm-dis", *(f"llvm-dis-{v}" for v in range(21, 13, -1))]
    return next((path for path in map(shutil.which, names) if path), None)


def bitcode_text(data):
    """QIR text of base64 bitcode; Unsupported when this machine cannot tell."""
    try:
        bitcode = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise circuits.Unsupported("the bitcode is not base64") from None
    tool = llvm_dis()
    if tool is None:
        raise circuits.Unsupported("QIR bitcode needs llvm-dis or a gateway here")
    done = subprocess.run([tool, "-o", "-"], input=bitcode, capture_output=True, check=False)
    if done.returncode != 0:
        raise circuits.Unsupported("the bitcode is not LLVM bitcode")
    return done.stdout.decode(errors="replace")


READERS = {
    "qasm2": circuits.read_qasm,
    "qasm3": circuits.read_qasm,
    "qir.ll": circuits.read_qir,
    "qir.bc": lambda data: circuits.read_qir(bitcode_text(data)),
}


@functools.lru_cache(maxsize=1024)
def _solved(form, data):
    """(registers, {outcome: probability}) of a program, once."""
    if form == "ionq":
        qubits, gateset, rows = json.loads(data)
        circuit = circuits.read_ionq(qubits, gateset, rows)
    else:
        circuit = READERS[form](data)
    return circuit.registers, circuits.outcomes(circuit)


class OwnSimulator:
    def submit(self, form, data, shots, seed):
        future = concurrent.futures.Future()
        try:
            registers, probabilities = _solved(form, data)
            counts = circuits.sample(probabilities, shots, random.Random(seed)) if shots else {}
            future.set_result(Outcome(registers, counts, probabilities))
        except (circuits.Unsupported, ValueError, KeyError, TypeError, IndexError) as why:
            future.set_result(Outcome(failure=f"cannot run the program: {why}"))
        return future

    def close(self):
        """Nothing to stop."""


class Gateway:
    """Runs each program as a `simulate` task of a qtaskdist gateway."""

    TYPES = {
        "qasm2": "openqasm2",
        "qasm3": "openqasm3",
        "qir.ll": "qir",
        "qir.bc": "qir",
        "ionq": "ionq",
    }

    def __init__(self, url, threads=4):
        self.parts = urllib.parse.urlsplit(url)
        self.pool = concurrent.futures.ThreadPoolExecutor(threads)

    def submit(self, form, data, shots, seed):
        return self.pool.submit(self.run, form, data, shots, seed)

    def close(self):
        self.pool.shutdown(wait=False, cancel_futures=True)

    def run(self, form, data, shots, seed):
        if form == "ionq":
            qubits, gateset, rows = json.loads(data)
            data = json.dumps({"qubits": qubits, "gateset": gateset, "circuit": rows})
        payload = {"circuit_type": self.TYPES[form], "circuit_data": data, "shots": shots}
        payload["seed"] = seed % (1 << 31)
        body = {"task_type": "simulate", "enqueue": True, "payload": payload}
        try:
            task = self.call("POST", "/v1/tasks", body)
            while task["status"] not in ("completed", "failed", "cancelled"):
                task = self.call("GET", f"/v1/tasks/{task['task_id']}/wait?timeout_seconds=20")
        except (OSError, http.client.HTTPException, KeyError, ValueError) as why:
            return Outcome(failure=f"the gateway did not run it: {why}")
        if task["status"] != "completed":
            return Outcome(failure=str(task.get("error") or task["status"]))
        return self.outcome(task["result"]["measurements"], shots)

    def call(self, method, path, body=None):
        conn = http.client.HTTPConnection(self.parts.hostname, self.parts.port, timeout=120)
        return ask(conn, method, path, body)

    @staticmethod
    def outcome(measurements, shots):
        """Keys as Qiskit writes them: the last register first, registers with spaces between."""
        keys = list(measurements)
        sizes = [len(word) for word in keys[0].split(" ")][::-1] if keys else []
        counts = {int(k.replace(" ", ""), 2): int(n) for k, n in measurements.items()}
        total = shots or sum(counts.values()) or 1
        registers = [(f"c{i}", size) for i, size in enumerate(sizes)]
        return Outcome(registers, counts, {k: n / total for k, n in counts.items()})
