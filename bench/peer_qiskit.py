#!/usr/bin/env python3
"""Reads a file with Qiskit's Rust OpenQASM 2 loader and prints the CPU seconds of the fastest round
and the number of operations.

Usage: peer_qiskit.py ENVIRONMENT FILE     ENVIRONMENT: a virtual environment, made when missing
Exit code 3: Qiskit cannot be had.
"""

import sys
import time

import peer_environment

ROUNDS = 3


def main():
    peer_environment.enter(sys.argv[1], "qiskit")
    try:
        from qiskit import qasm2
    except ImportError:
        sys.exit(3)
    best = None
    for _ in range(ROUNDS):
        start = time.process_time()
        circuit = qasm2.load(sys.argv[2])
        seconds = time.process_time() - start
        best = seconds if best is None else min(best, seconds)
    print(best, len(circuit.data))


if __name__ == "__main__":
    main()
