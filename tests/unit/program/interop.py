#!/usr/bin/env python3
"""Other people's IonQ and Braket tools and ours mean the same.

Usage: interop.py PROGRAM_TOOL PROGRAMS ENVIRONMENT
Reads what qiskit-ionq and cirq-ionq write, and compares states with Qiskit and Cirq; runs Braket
programs in Braket's own simulator and, through our reader, in Qiskit; runs the OpenQASM programs
of the folder PROGRAMS in Braket's simulator as our Braket text. ENVIRONMENT is a virtual
environment, made when missing. Exit code 77 (skipped) without QT_INTEROP=1, or when the packages
cannot be had.
"""

import json
import math
import os
import pathlib
import random
import re
import subprocess
import sys

PACKAGES = ["qiskit-ionq", "cirq-ionq", "amazon-braket-default-simulator"]
SKIPPED = 77


def enter(environment):
    python = pathlib.Path(environment) / "bin/python"
    if pathlib.Path(sys.prefix).resolve() == pathlib.Path(environment).resolve():
        return
    if os.environ.get("QT_INTEROP") != "1":
        sys.exit(SKIPPED)
    if not python.exists():
        try:
            subprocess.run([sys.executable, "-m", "venv", environment], check=True)
            subprocess.run([python, "-m", "pip", "install", "-q", *PACKAGES], check=True)
        except (subprocess.CalledProcessError, OSError):
            sys.exit(SKIPPED)
    os.execv(python, [str(python)] + sys.argv)


def convert(kind, target, text):
    done = subprocess.run([sys.argv[1], kind, target], input=text, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{kind} to {target}: {done.stderr}\n{text}")
    return done.stdout


def state(openqasm2):
    """The state before the measurements; qubit 0 is the lowest bit."""
    from qiskit import qasm2
    from qiskit.quantum_info import Statevector

    circuit = qasm2.loads(openqasm2, custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)
    circuit = circuit.remove_final_measurements(inplace=False)
    return Statevector(circuit).data


def check_overlap(name, a, b):
    import numpy as np

    overlap = abs(np.vdot(a, b))
    if len(a) != len(b) or abs(overlap - 1) > 1e-9:
        sys.exit(f"{name}: the states overlap by {overlap}")


def from_ionq(name, gates, gateset, qubits, expected):
    text = json.dumps({"qubits": qubits, "gateset": gateset, "circuit": gates})
    check_overlap(name, state(convert("ionq", "openqasm2", text)), expected)


def check_qiskit_ionq(seed):
    from qiskit import QuantumCircuit
    from qiskit.circuit.library import MCPhaseGate, PauliEvolutionGate
    from qiskit.quantum_info import SparsePauliOp, Statevector
    from qiskit_ionq.helpers import qiskit_circ_to_ionq_circ
    from qiskit_ionq.ionq_gates import GPI2Gate, GPIGate, MSGate, ZZGate

    pick = random.Random(seed)
    c = QuantumCircuit(4)
    one = ["h", "x", "y", "z", "s", "sdg", "t", "tdg", "sx", "sxdg"]
    turn = ["rx", "ry", "rz", "p"]
    two = ["cx", "cy", "cz", "ch", "swap", "csx"]
    two_turn = ["crx", "cry", "crz", "cp", "rxx", "ryy", "rzz"]
    for q in range(4):
        c.ry(0.3 + q, q)
    for _ in range(40):
        q = pick.sample(range(4), 4)
        angle = pick.uniform(-6, 6)
        kind = pick.randrange(7)
        if kind == 0:
            getattr(c, pick.choice(one))(q[0])
        elif kind == 1:
            getattr(c, pick.choice(turn))(angle, q[0])
        elif kind == 2:
            getattr(c, pick.choice(two))(q[0], q[1])
        elif kind == 3:
            getattr(c, pick.choice(two_turn))(angle, q[0], q[1])
        elif kind == 4:
            c.ccx(q[0], q[1], q[2])
        elif kind == 5:
            c.mcx(q[:3], q[3])
        else:
            terms = SparsePauliOp(["XXI", "ZZI", "IIZ"], [0.5, -0.25, 1])
            c.append(PauliEvolutionGate(terms, time=abs(angle)), q[:3])
    c.append(MCPhaseGate(0.4, 2), [0, 1, 2])
    gates = qiskit_circ_to_ionq_circ(c)[0]
    from_ionq(f"qiskit-ionq, seed {seed}", gates, "qis", 4, Statevector(c).data)
    n = QuantumCircuit(3)
    for _ in range(20):
        q = pick.sample(range(3), 3)
        gate = pick.choice([GPIGate(pick.random()), GPI2Gate(pick.random()),
                            MSGate(pick.random(), pick.random(), pick.random() / 4),
                            ZZGate(pick.random() / 4)])
        n.append(gate, q[:gate.num_qubits])
    gates = qiskit_circ_to_ionq_circ(n, gateset="native")[0]
    from_ionq(f"qiskit-ionq native, seed {seed}", gates, "native", 3, Statevector(n).data)


def check_cirq_ionq(seed):
    import cirq
    import cirq_ionq
    from cirq_ionq.serializer import Serializer

    pick = random.Random(seed)
    q = cirq.LineQubit.range(3)
    ops = [cirq.ry(0.3 + i)(q[i]) for i in range(3)]
    for _ in range(30):
        a, b = pick.sample(q, 2)
        power = pick.choice([1, 0.5, -0.5, 0.25, -0.25, pick.random()])
        ops.append(pick.choice([
            cirq.X(a) ** power, cirq.Y(a) ** power, cirq.Z(a) ** power, cirq.H(a), cirq.CNOT(a, b),
            cirq.SWAP(a, b), cirq.XX(a, b) ** power, cirq.YY(a, b) ** power, cirq.ZZ(a, b) ** power,
            cirq.PauliStringPhasor(cirq.X(a) * cirq.Y(b), exponent_neg=pick.random()),
        ]))
    c = cirq.Circuit(ops)
    body = Serializer().serialize_single_circuit(c).input
    expected = c.final_state_vector(qubit_order=q[::-1], dtype="complex128")
    from_ionq(f"cirq-ionq, seed {seed}", body["circuit"], body["gateset"], 3, expected)
    ops = []
    for _ in range(20):
        a, b = pick.sample(q, 2)
        ops.append(pick.choice([
            cirq_ionq.GPIGate(phi=pick.random())(a), cirq_ionq.GPI2Gate(phi=pick.random())(a),
            cirq_ionq.MSGate(phi0=pick.random(), phi1=pick.random(), theta=pick.random() / 4)(a, b),
        ]))
    c = cirq.Circuit(ops + [cirq_ionq.GPIGate(phi=0)(x) for x in q])
    body = Serializer().serialize_single_circuit(c).input
    expected = c.final_state_vector(qubit_order=q[::-1], dtype="complex128")
    from_ionq(f"cirq-ionq native, seed {seed}", body["circuit"], body["gateset"], 3, expected)


def braket_run(source):
    from braket.default_simulator import StateVectorSimulator
    from braket.ir.openqasm import Program

    return StateVectorSimulator().run(Program(source=source), shots=0)


def braket_state(source):
    """Braket has qubit 0 as the highest bit: turned round."""
    import numpy as np

    vector = braket_run(source + "\n#pragma braket result state_vector\n").resultTypes[0].value
    vector = np.array(vector, dtype=complex).flatten()
    n = int(math.log2(len(vector)))
    return vector.reshape([2] * n).transpose(*reversed(range(n))).flatten()


BRAKET_GATES = [
    "i {a};", "x {a};", "y {a};", "z {a};", "h {a};", "s {a};", "si {a};", "t {a};", "ti {a};",
    "v {a};", "vi {a};", "rx({t}) {a};", "ry({t}) {a};", "rz({t}) {a};", "phaseshift({t}) {a};",
    "cnot {a}, {b};", "cy {a}, {b};", "cz {a}, {b};", "cv {a}, {b};", "cphaseshift({t}) {a}, {b};",
    "cphaseshift00({t}) {a}, {b};", "cphaseshift01({t}) {a}, {b};", "cphaseshift10({t}) {a}, {b};",
    "swap {a}, {b};", "iswap {a}, {b};", "pswap({t}) {a}, {b};", "xy({t}) {a}, {b};",
    "xx({t}) {a}, {b};", "yy({t}) {a}, {b};", "zz({t}) {a}, {b};", "ecr {a}, {b};",
    "ccnot {a}, {b}, {c};", "cswap {a}, {b}, {c};", "gpi({t}) {a};", "gpi2({t}) {a};",
    "ms({t}, 0.3, 0.7) {a}, {b};", "ms({t}, 0.3) {a}, {b};", "prx({t}, 0.4) {a};",
    "U({t}, 0.2, 0.3) {a};", "gphase({t});", "ctrl @ U({t}, 0.2, 0.3) {a}, {b};",
    "negctrl @ ctrl @ ry({t}) {a}, {b}, {c};", "inv @ xy({t}) {a}, {b};", "ctrl @ gphase({t}) {a};",
    "ctrl @ iswap {a}, {b}, {c};", "pow(0.5) @ x {a};", "ctrl @ gpi({t}) {a}, {b};",
    "#pragma braket verbatim\nbox {{\nh {a};\n}}",
]


def random_unitary(pick, qubits):
    import numpy as np

    m = np.array([[complex(pick.gauss(0, 1), pick.gauss(0, 1)) for _ in range(2**qubits)]
                  for _ in range(2**qubits)])
    q, _ = np.linalg.qr(m)
    rows = ", ".join("[" + ", ".join(f"{z.real:.15f} {'+' if z.imag >= 0 else '-'} "
                                     f"{abs(z.imag):.15f}im" for z in row) + "]" for row in q)
    return f"#pragma braket unitary([{rows}])"


def check_braket(name, body):
    source = f"OPENQASM 3.0;\nqubit[3] q;\n{body}"
    check_overlap(name, state(convert("braket", "openqasm2", source)), braket_state(source))
    again = convert("braket", "braket", source)  # measures: without them for Braket's state
    bare = "\n".join(x for x in again.splitlines() if "measure" not in x and x[:3] != "bit")
    check_overlap(f"{name} written again", braket_state(bare), braket_state(source))


MIXED = "".join(f"ry({0.3 + i}) q[{i}];\nrz({0.2 + i}) q[{i}];\n" for i in range(3))


def check_braket_gates():
    for gate in BRAKET_GATES:
        check_braket(gate, MIXED + gate.format(a="q[2]", b="q[0]", c="q[1]", t=0.7) + "\n")
    pick = random.Random(5)
    for qubits in (1, 2, 3):
        targets = ", ".join(f"q[{i}]" for i in pick.sample(range(3), qubits))
        body = f"{MIXED}{random_unitary(pick, qubits)} {targets}\n"
        check_braket(f"unitary on {targets}", body)
    for seed in range(5):
        pick = random.Random(seed)
        lines = []
        for _ in range(30):
            q = [f"q[{i}]" for i in pick.sample(range(3), 3)]
            gate = pick.choice(BRAKET_GATES)
            lines.append(gate.format(a=q[0], b=q[1], c=q[2], t=pick.uniform(-3, 3)))
        check_braket(f"random program {seed}", MIXED + "\n".join(lines) + "\n")


def check_programs(folder):
    """OpenQASM programs that are gates: as Braket text, in Braket's simulator."""
    checked = 0
    for path in sorted(pathlib.Path(folder).glob("*.qasm")):
        text = path.read_text()
        done = [subprocess.run([sys.argv[1], "qasm", target], input=text, capture_output=True,
                               text=True) for target in ("braket", "openqasm2")]
        lines = done[0].stdout.splitlines()
        if any(x.returncode for x in done) or sum(x.startswith("qubit") for x in lines) != 1:
            continue
        bare = "\n".join(x for x in lines if "measure" not in x and x[:3] != "bit")
        gates = [x for x in bare.splitlines()[2:] if not x.startswith("barrier")]
        used = {x for line in gates for x in re.findall(r"\w+\[\d+\]", line)}
        size = int(lines[1].split("[")[1].split("]")[0]) if "[" in lines[1] else 1
        if size > 10 or len(used) < size:
            continue  # Braket's simulator has only qubits that a gate is on
        check_overlap(path.name, braket_state(bare), state(done[1].stdout))
        checked += 1
    return checked


def main():
    enter(sys.argv[3])
    for seed in range(10):
        check_qiskit_ionq(seed)
        check_cirq_ionq(seed)
    check_braket_gates()
    print(f"programs run in Braket's simulator: {check_programs(sys.argv[2])}")


if __name__ == "__main__":
    main()
