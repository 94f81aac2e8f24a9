#!/usr/bin/env python3
"""Runs a list of gates in Qulacs on one thread and prints the CPU seconds of the fastest round,
without and with its circuit optimizer.

Usage: peer_qulacs.py ENVIRONMENT GATES     ENVIRONMENT: a virtual environment, made when missing
A line of GATES is `qubits N` or `NAME QUBIT... [ANGLE]`. Exit code 3: Qulacs cannot be had.
"""

import math
import os
import pathlib
import sys
import time

import peer_environment

ROUNDS = 3


def read(path):
    import qulacs
    from qulacs import gate

    def cp(control, target, angle):
        matrix = gate.U1(target, angle).get_matrix()
        diagonal = gate.DenseMatrix(target, matrix)
        diagonal.add_control_qubit(control, 1)
        return diagonal

    make = {
        "h": gate.H,
        "x": gate.X,
        "cx": gate.CNOT,
        "cz": gate.CZ,
        "swap": gate.SWAP,
        "cp": cp,
        # Qulacs turns the other way round.
        "rx": lambda q, t: gate.RX(q, -t),
        "ry": lambda q, t: gate.RY(q, -t),
        "rz": lambda q, t: gate.RZ(q, -t),
        "u": lambda q, t, p, l: gate.U3(q, t, p, l),
    }
    circuit = None
    for line in pathlib.Path(path).read_text().splitlines():
        name, *numbers = line.split()
        values = [float(n) if "." in n else int(n) for n in numbers]
        if name == "qubits":
            circuit = qulacs.QuantumCircuit(values[0])
        else:
            circuit.add_gate(make[name](*values))
    return circuit


def seconds(circuit):
    import qulacs

    best = math.inf
    for _ in range(ROUNDS):
        state = qulacs.QuantumState(circuit.get_qubit_count())
        start = time.process_time()
        circuit.update_quantum_state(state)
        best = min(best, time.process_time() - start)
    return best


def main():
    os.environ["OMP_NUM_THREADS"] = "1"
    peer_environment.enter(sys.argv[1], "qulacs")
    try:
        from qulacs.circuit import QuantumCircuitOptimizer
    except ImportError:
        sys.exit(3)
    circuit = read(sys.argv[2])
    plain = seconds(circuit)
    QuantumCircuitOptimizer().optimize(circuit, 2)
    print(plain, seconds(circuit))


main()
