#!/usr/bin/env python3
"""Reads a file with Qiskit's Rust loader of its language and prints the CPU seconds of the median
round and the number of operations.

Usage: peer_qiskit.py ENVIRONMENT FILE [LANGUAGE [ROUNDS]]
ENVIRONMENT: a virtual environment, made when missing; LANGUAGE: 2 (default) or 3
Exit code 3: Qiskit cannot be had, or has no such loader.
"""

import sys
import time
import warnings

import peer_environment


def loader(language):
    """qasm2.load, or what reads OpenQASM 3 in Rust."""
    if language == 2:
        from qiskit import qasm2

        return qasm2.load
    from qiskit import qasm3

    return qasm3.load_experimental


def main():
    peer_environment.enter(sys.argv[1], "qiskit")
    language = int(sys.argv[3]) if len(sys.argv) > 3 else 2
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 3
    try:
        load = loader(language)
    except (ImportError, AttributeError):
        sys.exit(3)
    warnings.simplefilter("ignore")
    seconds = []
    for _ in range(rounds):
        start = time.process_time()
        circuit = load(sys.argv[2])
        seconds.append(time.process_time() - start)
    print(sorted(seconds)[rounds // 2], len(circuit.data))


if __name__ == "__main__":
    main()
