"""A slow, obvious OpenQASM 2 simulator: the exact distribution of the outcomes of a program.

It shares nothing with the services. A program is a list of operations on numbered qubits and bits;
the state is an array of 2^n amplitudes, qubit 0 in the lowest bit of the index.
"""

import collections
import math
import re

import numpy as np

Op = collections.namedtuple("Op", "name params targets condition")  # condition: (bits, value)
PI = math.pi
NAMES = {name: getattr(math, name) for name in ("sin", "cos", "tan", "exp", "sqrt")}
NAMES.update(pi=PI, ln=math.log)
BUILT_IN_REGISTER = re.compile(r"([a-zA-Z_]\w*)\s*(?:\[\s*(\d+)\s*\])?$")


def u3(theta, phi, lam):
    c, s = math.cos(theta / 2), math.sin(theta / 2)
    return np.array(
        [[c, -np.exp(1j * lam) * s], [np.exp(1j * phi) * s, np.exp(1j * (phi + lam)) * c]]
    )


def rotation(pauli):
    return lambda a: math.cos(a / 2) * np.eye(2) - 1j * math.sin(a / 2) * np.array(pauli)


X, Y, Z = [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]
ONE_QUBIT = {
    "U": u3,
    "u3": u3,
    "u": u3,
    "u2": lambda p, l: u3(PI / 2, p, l),
    "u1": lambda l: u3(0, 0, l),
    "p": lambda l: u3(0, 0, l),
    "u0": lambda _: np.eye(2),
    "id": lambda: np.eye(2),
    "x": lambda: np.array(X),
    "y": lambda: np.array(Y),
    "z": lambda: np.array(Z),
    "h": lambda: np.array([[1, 1], [1, -1]]) / math.sqrt(2),
    "s": lambda: np.diag([1, 1j]),
    "sdg": lambda: np.diag([1, -1j]),
    "t": lambda: u3(0, 0, PI / 4),
    "tdg": lambda: u3(0, 0, -PI / 4),
    "sx": lambda: np.array([[1 + 1j, 1 - 1j], [1 - 1j, 1 + 1j]]) / 2,
    "sxdg": lambda: np.array([[1 - 1j, 1 + 1j], [1 + 1j, 1 - 1j]]) / 2,
    "rx": rotation(X),
    "ry": rotation(Y),
    "rz": rotation(Z),
}
# name: (controls, the gate on the last qubit)
CONTROLLED = {
    "CX": (1, "x"),
    "cx": (1, "x"),
    "cy": (1, "y"),
    "cz": (1, "z"),
    "ch": (1, "h"),
    "csx": (1, "sx"),
    "crx": (1, "rx"),
    "cry": (1, "ry"),
    "crz": (1, "rz"),
    "cu1": (1, "u1"),
    "cp": (1, "u1"),
    "cu3": (1, "u3"),
    "ccx": (2, "x"),
    "ccz": (2, "z"),
    "c3x": (3, "x"),
    "c4x": (4, "x"),
}


def decomposed(name, params):
    """Gates made of others: [(name, params, positions)]."""
    if name == "swap":
        return [("cx", [], [0, 1]), ("cx", [], [1, 0]), ("cx", [], [0, 1])]
    if name == "cswap":
        return [("cx", [], [2, 1]), ("ccx", [], [0, 1, 2]), ("cx", [], [2, 1])]
    if name == "rzz":
        return [("cx", [], [0, 1]), ("rz", params, [1]), ("cx", [], [0, 1])]
    if name == "rxx":
        around = [("h", [], [0]), ("h", [], [1])]
        return around + [("rzz", params, [0, 1])] + around
    raise ValueError(f"gate {name}")


class Program:
    """Reads OpenQASM 2; afterwards num_qubits, cregs [(name, first bit, width)] and ops."""

    def __init__(self, text):
        self.num_qubits = self.num_bits = 0
        self.qregs, self.cregs, self.gates, self.ops = {}, {}, {}, []
        text = re.sub(r"//[^\n]*", "", text)
        for body in re.finditer(r"\bgate\s+([^{]*)\{([^}]*)\}", text):
            self.define(body.group(1), body.group(2))
        text = re.sub(r"\bgate\s+[^{]*\{[^}]*\}", "", text)
        for statement in text.split(";"):
            if statement.strip():
                self.read(statement.strip())

    def define(self, head, body):
        name, params, args = re.match(
            r"(\w+)\s*(?:\(([^)]*)\))?\s*(.*)", head.strip(), re.S
        ).groups()
        calls = [self.call(s.strip()) for s in body.split(";") if s.strip()]
        words = [p.strip() for p in (params or "").split(",") if p.strip()]
        self.gates[name] = (words, [a.strip() for a in args.split(",")], calls)

    @staticmethod
    def call(statement):
        """(name, parameter texts, argument texts)"""
        name, rest = re.match(r"(\w+)\s*(.*)", statement, re.S).groups()
        params = ""
        if rest.startswith("("):
            depth = 0
            for end, char in enumerate(rest):
                depth += {"(": 1, ")": -1}.get(char, 0)
                if depth == 0:
                    break
            params, rest = rest[1:end], rest[end + 1 :]
        return (
            name,
            [p for p in params.split(",") if p.strip()],
            [a.strip() for a in rest.split(",")],
        )

    def read(self, statement, condition=None):
        word = re.match(r"\w+", statement).group()
        if word in ("OPENQASM", "include", "opaque"):
            return
        if word in ("qreg", "creg"):
            name, size = re.match(r"\w+\s+(\w+)\s*\[\s*(\d+)\s*\]", statement).groups()
            if word == "qreg":
                self.qregs[name] = range(self.num_qubits, self.num_qubits + int(size))
                self.num_qubits += int(size)
            else:
                self.cregs[name] = range(self.num_bits, self.num_bits + int(size))
                self.num_bits += int(size)
        elif word == "if":
            reg, value, rest = re.match(
                r"if\s*\(\s*(\w+)\s*==\s*(\d+)\s*\)\s*(.*)", statement, re.S
            ).groups()
            self.read(rest, (self.cregs[reg], int(value)))
        elif word == "measure":
            source, target = statement[len("measure") :].split("->")
            for q, c in zip(self.operand(source, self.qregs), self.operand(target, self.cregs)):
                self.ops.append(Op("measure", [], [q, c], condition))
        else:
            name, params, args = self.call(statement)
            if name == "barrier":
                return
            operands = [self.operand(a, self.qregs) for a in args]
            values = [self.value(p, {}) for p in params]
            width = max(len(o) for o in operands)
            for i in range(width):
                self.apply(
                    name,
                    values,
                    [o[i] if len(o) > 1 or width == 1 else o[0] for o in operands],
                    condition,
                )

    @staticmethod
    def operand(text, registers):
        name, index = BUILT_IN_REGISTER.match(text.strip()).groups()
        return list(registers[name]) if index is None else [registers[name][int(index)]]

    @staticmethod
    def value(text, names):
        return float(eval(text.replace("^", "**"), {"__builtins__": {}}, {**NAMES, **names}))

    def apply(self, name, values, targets, condition):
        if name in self.gates and name not in ONE_QUBIT and name not in CONTROLLED:
            words, args, calls = self.gates[name]
            names, places = dict(zip(words, values)), dict(zip(args, targets))
            for inner, params, inner_args in calls:
                if inner != "barrier":
                    self.apply(
                        inner,
                        [self.value(p, names) for p in params],
                        [places[a] for a in inner_args],
                        condition,
                    )
        elif name == "reset" or name in ONE_QUBIT or name in CONTROLLED:
            self.ops.append(Op(name, values, targets, condition))
        else:
            for inner, params, places in decomposed(name, values):
                self.apply(inner, params, [targets[p] for p in places], condition)


def apply_gate(state, op):
    """The state after a gate; index bit q is axis n-1-q."""
    controls, base = CONTROLLED.get(op.name, (0, op.name))
    matrix = ONE_QUBIT[base](*op.params)
    n = state.ndim
    where = [slice(None)] * n
    for q in op.targets[:controls]:
        where[n - 1 - q] = 1
    zero, one = list(where), list(where)
    axis = n - 1 - op.targets[-1]
    zero[axis], one[axis] = 0, 1
    a, b = state[tuple(zero)].copy(), state[tuple(one)].copy()
    state[tuple(zero)] = matrix[0, 0] * a + matrix[0, 1] * b
    state[tuple(one)] = matrix[1, 0] * a + matrix[1, 1] * b


def project(state, q, bit):
    """(probability, normalized state) after q was found to be bit."""
    kept = state.copy()
    where = [slice(None)] * state.ndim
    where[state.ndim - 1 - q] = 1 - bit
    kept[tuple(where)] = 0
    prob = float(np.sum(np.abs(kept) ** 2))
    return prob, kept / math.sqrt(prob) if prob > 0 else kept


def step(branches, op):
    """Branches are (probability, bits as a number, state)."""
    out = []
    for prob, bits, state in branches:
        if op.condition:
            register, wanted = op.condition
            if sum((bits >> b & 1) << i for i, b in enumerate(register)) != wanted:
                out.append((prob, bits, state))
                continue
        if op.name not in ("measure", "reset"):
            apply_gate(state, op)
            out.append((prob, bits, state))
            continue
        q = op.targets[0]
        for found in (0, 1):
            share, kept = project(state, q, found)
            if share < 1e-14:
                continue
            if op.name == "measure":
                c = op.targets[1]
                out.append((prob * share, bits & ~(1 << c) | found << c, kept))
            else:
                if found:
                    apply_gate(kept, Op("x", [], [q], None))
                out.append((prob * share, bits, kept))
    return out


def key(program, bits):
    words = ["".join(str(bits >> b & 1) for b in reversed(reg)) for reg in program.cregs.values()]
    return " ".join(reversed(words))


def distribution(text):
    """{outcome: probability}, with outcomes written like the service's."""
    program = Program(text)
    end = len(program.ops)
    while end and program.ops[end - 1].name == "measure" and not program.ops[end - 1].condition:
        end -= 1
    state = np.zeros([2] * program.num_qubits, complex)
    state.flat[0] = 1
    branches = [(1.0, 0, state)]
    for op in program.ops[:end]:
        branches = step(branches, op)
    total = collections.Counter()
    for prob, bits, state in branches:
        # The measurements at the end, all at once: they commute.
        weights = prob * np.abs(state.reshape(-1)) ** 2
        for index in np.nonzero(weights > 1e-15)[0]:
            final = bits
            for op in program.ops[end:]:
                q, c = op.targets
                final = final & ~(1 << c) | (int(index) >> q & 1) << c
            total[key(program, final)] += weights[index]
    return dict(total)


def distance_bound(probs, shots):
    """The total variation that sampling alone stays below, but for one time in a billion."""
    expected = sum(math.sqrt(2 * p * (1 - p) / (PI * shots)) for p in probs.values() if p < 1) / 2
    return expected + math.sqrt(math.log(1e9) / (2 * shots))


def distance(probs, counts):
    shots = sum(counts.values())
    return sum(abs(probs.get(k, 0) - counts.get(k, 0) / shots) for k in {*probs, *counts}) / 2
