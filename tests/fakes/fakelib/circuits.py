"""A small simulator of its own: reads the programs that clients submit and samples them.

It is meant for the circuits of tests: named gates, measurement at the end, sparse states (a GHZ
state of 60 qubits has two amplitudes). Anything else is an Unsupported, which fails the job with
that text; with a gateway (runner.py) nothing is out of reach.

Bit order of counts is qBraid's and Qiskit's: the last bit of the last register first.
"""

import cmath
import math
import re

MAX_AMPLITUDES = 1 << 14


class Unsupported(Exception):
    """The circuit cannot be run here; the text says why."""


class Circuit:
    """Gates as (name, controls, targets, parameters); `measured` maps a clbit to its qubit."""

    def __init__(self):
        self.qubits = 0
        self.gates = []
        self.registers = []  # (name, size) in the order of declaration
        self.measured = {}

    def clbits(self):
        return sum(size for _, size in self.registers)


# --- gates -----------------------------------------------------------------------------------

_R = 1 / math.sqrt(2)


def _u(theta, phi, lam):
    c, s = math.cos(theta / 2), math.sin(theta / 2)
    return (
        c,
        -cmath.exp(1j * lam) * s,
        cmath.exp(1j * phi) * s,
        cmath.exp(1j * (phi + lam)) * c,
    )


def _rz(a):
    return cmath.exp(-0.5j * a), 0, 0, cmath.exp(0.5j * a)


def _phase(a):
    return 1, 0, 0, cmath.exp(1j * a)


# name -> matrix of one qubit, row by row, from the parameters
ONE_QUBIT = {
    "id": lambda: (1, 0, 0, 1),
    "x": lambda: (0, 1, 1, 0),
    "y": lambda: (0, -1j, 1j, 0),
    "z": lambda: (1, 0, 0, -1),
    "h": lambda: (_R, _R, _R, -_R),
    "s": lambda: (1, 0, 0, 1j),
    "sdg": lambda: (1, 0, 0, -1j),
    "t": lambda: _phase(math.pi / 4),
    "tdg": lambda: _phase(-math.pi / 4),
    "sx": lambda: ((1 + 1j) / 2, (1 - 1j) / 2, (1 - 1j) / 2, (1 + 1j) / 2),
    "sxdg": lambda: ((1 - 1j) / 2, (1 + 1j) / 2, (1 + 1j) / 2, (1 - 1j) / 2),
    "rx": lambda a: _u(a, -math.pi / 2, math.pi / 2),
    "ry": lambda a: _u(a, 0, 0),
    "rz": _rz,
    "p": _phase,
    "u": _u,
    "gpi": lambda a: (0, cmath.exp(-2j * math.pi * a), cmath.exp(2j * math.pi * a), 0),
    "gpi2": lambda a: (
        _R,
        -1j * _R * cmath.exp(-2j * math.pi * a),
        -1j * _R * cmath.exp(2j * math.pi * a),
        _R,
    ),
}
ALIASES = {
    "u1": "p",
    "phase": "p",
    "phaseshift": "p",
    "u3": "u",
    "U": "u",
    "not": "x",
    "si": "sdg",
    "ti": "tdg",
    "v": "sx",
    "vi": "sxdg",
    "i": "id",
}
# name -> (controls, gate)
CONTROLLED = {
    "cx": (1, "x"),
    "CX": (1, "x"),
    "cnot": (1, "x"),
    "cy": (1, "y"),
    "cz": (1, "z"),
    "ch": (1, "h"),
    "cs": (1, "s"),
    "cp": (1, "p"),
    "cu1": (1, "p"),
    "cphase": (1, "p"),
    "crx": (1, "rx"),
    "cry": (1, "ry"),
    "crz": (1, "rz"),
    "ccx": (2, "x"),
    "ccz": (2, "z"),
}
# exp(-i a/2 P P) as gates around an rz: (before, after) on each qubit
PAULI_PAIRS = {"xx": ("h", "h"), "rxx": ("h", "h"), "yy": ("sx", "sxdg"), "ryy": ("sx", "sxdg")}


def gate(circuit, name, qubits, params=()):
    """Adds a gate by its OpenQASM or QIR name."""
    name = ALIASES.get(name, name)
    if name in ONE_QUBIT:
        _add(circuit, name, (), qubits, params, 1)
    elif name in CONTROLLED:
        controls, base = CONTROLLED[name]
        _add(circuit, base, qubits[:controls], qubits[controls:], params, 1)
    elif name in ("swap", "cswap"):
        a, b = qubits[-2:]
        for x, y in ((a, b), (b, a), (a, b)):
            gate_of_controls(circuit, "x", [*qubits[:-2], x], [y], ())
    elif name in ("rzz", "zz", *PAULI_PAIRS):
        _pauli_pair(circuit, PAULI_PAIRS.get(name), qubits, params)
    elif name == "u2":
        _add(circuit, "u", (), qubits, (math.pi / 2, *params), 1)
    elif name == "r":
        theta, phi = params
        _add(circuit, "u", (), qubits, (theta, phi - math.pi / 2, math.pi / 2 - phi), 1)
    else:
        raise Unsupported(f"gate {name}")


def gate_of_controls(circuit, name, controls, targets, params):
    """A gate with any number of controls, as IonQ's `controls` has."""
    for target in targets:
        _add(circuit, ALIASES.get(name, name), tuple(controls), [target], params, 1)


def _add(circuit, name, controls, targets, params, count):
    if name not in ONE_QUBIT:
        raise Unsupported(f"gate {name}")
    if len(targets) != count:
        raise Unsupported(f"gate {name} on {len(targets)} qubits")
    circuit.gates.append((name, tuple(controls), targets[0], tuple(params)))


def _pauli_pair(circuit, around, qubits, params):
    if len(qubits) != 2 or len(params) != 1:
        raise Unsupported("a two-qubit rotation takes two qubits and an angle")
    before, after = around or (None, None)
    for q in qubits if before else ():
        _add(circuit, before, (), [q], (), 1)
    _add(circuit, "x", (qubits[0],), [qubits[1]], (), 1)
    _add(circuit, "rz", (), [qubits[1]], params, 1)
    _add(circuit, "x", (qubits[0],), [qubits[1]], (), 1)
    for q in qubits if after else ():
        _add(circuit, after, (), [q], (), 1)


# --- running ---------------------------------------------------------------------------------


def apply(state, gate_row):
    name, controls, target, params = gate_row
    m00, m01, m10, m11 = ONE_QUBIT[name](*params)
    mask, bit = sum(1 << c for c in set(controls)), 1 << target
    out = {}
    for index, amplitude in state.items():
        if index & mask != mask:
            out[index] = out.get(index, 0) + amplitude
        elif index & bit:
            _spread(out, index & ~bit, m01 * amplitude)
            _spread(out, index, m11 * amplitude)
        else:
            _spread(out, index, m00 * amplitude)
            _spread(out, index | bit, m10 * amplitude)
    if len(out) > MAX_AMPLITUDES:
        raise Unsupported(f"more than {MAX_AMPLITUDES} amplitudes")
    return {i: a for i, a in out.items() if abs(a) > 1e-12}


def _spread(out, index, amplitude):
    if amplitude != 0:
        out[index] = out.get(index, 0) + amplitude


def distribution(circuit):
    """{qubit basis state as int: probability}"""
    state = {0: 1 + 0j}
    for row in circuit.gates:
        state = apply(state, row)
    return {i: abs(a) ** 2 for i, a in sorted(state.items())}


def outcomes(circuit):
    """{clbits as int, clbit 0 lowest: probability} of the measured bits."""
    found = {}
    for index, p in distribution(circuit).items():
        key = sum(((index >> q) & 1) << c for c, q in circuit.measured.items())
        found[key] = found.get(key, 0) + p
    return found


def sample(probabilities, shots, rng):
    """{outcome: count}"""
    keys = list(probabilities)
    counts = {}
    for key in rng.choices(keys, weights=[probabilities[k] for k in keys], k=shots):
        counts[key] = counts.get(key, 0) + 1
    return dict(sorted(counts.items()))


# --- OpenQASM --------------------------------------------------------------------------------

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)
_GATE = re.compile(r"([A-Za-z_]\w*)\s*(?:\(([^()]*(?:\([^()]*\)[^()]*)*)\))?\s+(.+)$", re.S)
_BIT = re.compile(r"([A-Za-z_]\w*)\s*(?:\[\s*(\d+)\s*\])?$")
_NUMBER = re.compile(r"[0-9.eE+\-*/() \t]|pi|π|tau|sqrt|sin|cos|tan|exp|ln")
_DECLARATION = re.compile(
    r"(qubit|bit|qreg|creg)\s*(?:\[\s*(\d+)\s*\])?\s*([A-Za-z_]\w*)\s*(?:\[\s*(\d+)\s*\])?$"
)


def number(text):
    """The value of an angle such as -3*pi/4."""
    if _NUMBER.sub("", text):
        raise Unsupported(f"expression {text.strip()}")
    names = {n: getattr(math, n) for n in ("pi", "tau", "sqrt", "sin", "cos", "tan", "exp")}
    names.update({"π": math.pi, "ln": math.log, "__builtins__": {}})
    try:
        return float(eval(text, names))  # pylint: disable=eval-used # only digits and names above
    except (SyntaxError, ArithmeticError, TypeError, NameError, ValueError):
        raise Unsupported(f"expression {text.strip()}") from None


class QasmReader:
    def __init__(self):
        self.circuit = Circuit()
        self.qregs = {}
        self.cregs = {}

    def read(self, text):
        for raw in _COMMENT.sub(" ", text).split(";"):
            statement = raw.strip()
            if statement and not statement.startswith(
                ("OPENQASM", "include", "barrier", "#pragma")
            ):
                self.statement(statement)
        if not self.circuit.measured:
            self.measure_all()
        return self.circuit

    def statement(self, text):
        if "{" in text or text.startswith(("if", "for", "while", "def", "gate", "opaque", "reset")):
            raise Unsupported(f"statement {text.split()[0]}")
        declared = _DECLARATION.match(text)
        if declared:
            self.declare(
                declared.group(1), declared.group(3), declared.group(2) or declared.group(4)
            )
        elif text.startswith("measure"):
            qubit, _, bit = text[len("measure") :].partition("->")
            self.measure(qubit, bit)
        elif re.match(r".*=\s*measure\b", text, re.S):
            bit, _, qubit = text.partition("=")
            bit = (
                re.sub(r"^\s*bit\s*(\[\s*\d+\s*\])?", "", bit)
                if bit.strip().startswith("bit ")
                else bit
            )
            self.measure(qubit.strip()[len("measure") :], bit)
        else:
            self.apply_gate(text)

    def declare(self, kind, name, size):
        size = int(size or 1)
        if kind in ("qubit", "qreg"):
            self.qregs[name] = range(self.circuit.qubits, self.circuit.qubits + size)
            self.circuit.qubits += size
        else:
            start = self.circuit.clbits()
            self.cregs[name] = range(start, start + size)
            self.circuit.registers.append((name, size))

    def bits(self, text, registers):
        found = _BIT.match(text.strip())
        if not found or found.group(1) not in registers:
            raise Unsupported(f"operand {text.strip()}")
        register = registers[found.group(1)]
        if found.group(2) is None:
            return list(register)
        if int(found.group(2)) >= len(register):
            raise Unsupported(f"operand {text.strip()} is outside of its register")
        return [register[int(found.group(2))]]

    def measure(self, qubit, bit):
        qubits, bits = self.bits(qubit, self.qregs), self.bits(bit, self.cregs)
        if len(qubits) != len(bits):
            raise Unsupported("a measurement of registers of different sizes")
        self.circuit.measured.update(zip(bits, qubits))

    def apply_gate(self, text):
        found = _GATE.match(text)
        if not found:
            raise Unsupported(f"statement {text[:40]}")
        name, params, operands = found.groups()
        values = [number(p) for p in params.split(",")] if params else []
        groups = [self.bits(o, self.qregs) for o in operands.split(",")]
        if any(q in self.circuit.measured.values() for group in groups for q in group):
            raise Unsupported("a gate after a measurement")
        for i in range(max(len(g) for g in groups)):
            gate(self.circuit, name, [g[i if len(g) > 1 else 0] for g in groups], values)

    def measure_all(self):
        """IonQ and many simulators measure what the program does not."""
        self.circuit.registers = [("meas", self.circuit.qubits)]
        self.circuit.measured = {q: q for q in range(self.circuit.qubits)}


def read_qasm(text):
    return QasmReader().read(text)


# --- QIR text --------------------------------------------------------------------------------

_CALL = re.compile(r"call\s+\w+\s+@__quantum__(qis|rt)__(\w+?)(?:__(body|ctl|adj))?\s*\((.*)\)")
_ADDRESS = re.compile(r"inttoptr\s*\(\s*i64\s+(\d+)\s+to|%(?:Qubit|Result)\*\s+null|ptr\s+null")
_DOUBLE = re.compile(r"double\s+(0x[0-9A-Fa-f]+|[-+0-9.eE]+)")
QIR_NAMES = {"cnot": "cx", "ccnot": "ccx"}


def _double(text):
    if text.startswith("0x"):
        import struct

        return struct.unpack(">d", bytes.fromhex(text[2:].rjust(16, "0")))[0]
    return float(text)


def read_qir(text):
    """A base profile program; the recorded results become clbits in their order."""
    circuit, results, recorded = Circuit(), {}, []
    if re.search(r"__quantum__rt__read_result|__quantum__qis__read_result", text):
        raise Unsupported("a program that reads results while it runs")
    for line in text.splitlines():
        found = _CALL.search(line)
        if not found:
            continue
        kind, name, form, arguments = found.groups()
        addresses = [int(m.group(1) or 0) for m in _ADDRESS.finditer(arguments)]
        if kind == "rt":
            if name == "result_record_output":
                recorded.append(addresses[0])
        elif name in ("mz", "m"):
            results[addresses[1]] = addresses[0]
        elif name != "barrier":
            _qir_gate(circuit, name, form, addresses, _DOUBLE.findall(arguments))
    if not results:
        raise Unsupported("a program without measurements, or not QIR")
    recorded = recorded or sorted(results)
    circuit.registers = [("c", len(recorded))]
    circuit.measured = {i: results[r] for i, r in enumerate(recorded) if r in results}
    return circuit


def _qir_gate(circuit, name, form, addresses, doubles):
    name = QIR_NAMES.get(name, name)
    if form == "adj":
        name = {"s": "sdg", "t": "tdg"}.get(name, name)
    circuit.qubits = max([circuit.qubits, *(a + 1 for a in addresses)])
    gate(circuit, name, addresses, [_double(d) for d in doubles])


# --- IonQ JSON -------------------------------------------------------------------------------


def read_ionq(qubits, gateset, rows):
    """A circuit of IonQ's `qis` or `native` gates; every qubit is measured."""
    circuit = Circuit()
    circuit.qubits = qubits
    for row in rows:
        if not isinstance(row, dict) or "gate" not in row:
            raise Unsupported("a gate without a name")
        if gateset == "native":
            _ionq_native(circuit, row)
        else:
            _ionq_qis(circuit, row)
    used = [q for _, controls, target, _ in circuit.gates for q in (*controls, target)]
    if any(q >= qubits or q < 0 for q in used):
        raise Unsupported("a gate on a qubit that the circuit does not have")
    circuit.registers = [("c", qubits)]
    circuit.measured = {q: q for q in range(qubits)}
    return circuit


def _ionq_qubits(row):
    targets = (
        [int(t) for t in row.get("targets", [])] or [int(row["target"])]
        if ("targets" in row or "target" in row)
        else []
    )
    controls = [int(c) for c in row.get("controls", [])]
    if "control" in row:
        controls.append(int(row["control"]))
    if not targets:
        raise Unsupported(f"gate {row['gate']} without a target")
    return controls, targets


def _ionq_qis(circuit, row):
    controls, targets = _ionq_qubits(row)
    name = row["gate"]
    params = [float(row["rotation"])] if "rotation" in row else []
    if name == "cnot":
        gate_of_controls(circuit, "x", controls, targets, [])
    elif name in ("swap", "xx", "yy", "zz") and not controls:
        gate(circuit, name, targets, params)
    elif name == "swap":
        a, b = targets
        for x, y in ((a, b), (b, a), (a, b)):
            gate_of_controls(circuit, "x", [*controls, x], [y], ())
    else:
        gate_of_controls(circuit, name, controls, targets, params)


def _ionq_native(circuit, row):
    _, targets = _ionq_qubits(row)
    name = row["gate"]
    if name in ("gpi", "gpi2"):
        gate(circuit, name, targets, [float(row["phase"])])
    elif name == "zz":
        angle = float(row.get("angle", row.get("rotation", 0.25)))
        gate(circuit, "zz", targets, [2 * math.pi * angle])
    elif name == "ms":
        _molmer_sorensen(circuit, targets, row.get("phases", [0, 0]), float(row.get("angle", 0.25)))
    elif name != "nop":
        raise Unsupported(f"native gate {name}")


def _molmer_sorensen(circuit, targets, phases, angle):
    """exp(-i pi angle P0 P1), P a Pauli in the plane of x and y at the phase (in turns)."""
    for q, phase in zip(targets, phases):
        gate(circuit, "rz", [q], [-2 * math.pi * phase])
    gate(circuit, "xx", targets, [2 * math.pi * angle])
    for q, phase in zip(targets, phases):
        gate(circuit, "rz", [q], [2 * math.pi * phase])
