#!/usr/bin/env python3
"""Other people's QIR tools and ours understand each other.

Usage: interop.py QIR_TOOL PROGRAMS ENVIRONMENT
Runs each OpenQASM program in our simulator and, as our QIR of both versions, in qir-runner; reads
what PyQIR and qbraid-qir make with our reader; has PyQIR verify ours. ENVIRONMENT is a virtual
environment, made when missing. Exit code 77 (skipped) without QT_INTEROP=1, or when the packages
cannot be had.
"""

import collections
import math
import os
import pathlib
import subprocess
import sys
import tempfile

PACKAGES = ["pyqir", "qirrunner", "qbraid-qir[qasm3]"]
SHOTS = 2000
SKIPPED = 77


def enter(environment):
    python = pathlib.Path(environment) / "bin/python"
    if pathlib.Path(sys.prefix).resolve() == pathlib.Path(environment).resolve():
        return
    if os.environ.get("QT_INTEROP") != "1":
        sys.exit(SKIPPED)
    stamp = pathlib.Path(environment) / "installed"
    if not stamp.exists():
        try:
            subprocess.run([sys.executable, "-m", "venv", "--clear", environment], check=True)
            subprocess.run([python, "-m", "pip", "install", "-q", *PACKAGES], check=True)
            stamp.touch()
        except (subprocess.CalledProcessError, OSError):
            sys.exit(SKIPPED)
    os.execv(python, [str(python)] + sys.argv)


def tool_bytes(*args):
    done = subprocess.run([sys.argv[1], *map(str, args)], capture_output=True)
    if done.returncode != 0:
        sys.exit(f"{args}: {done.stderr.decode()}")
    return done.stdout


def tool(*args):
    return tool_bytes(*args).decode()


def our_counts(path):
    lines = (line.rsplit("\t", 1) for line in tool("run", path, SHOTS).splitlines())
    return {key: int(count) for key, count in lines}


def key_of(registers):
    """Our key: the last register first, in each the highest bit first."""
    return " ".join("".join(reversed(bits)) for bits in reversed(registers))


def runner_counts(path):
    import qirrunner

    handler = qirrunner.OutputHandler()
    qirrunner.run(str(path), shots=SHOTS, rng_seed=1, output_fn=handler.handle)
    counts = collections.Counter()
    for line in handler.get_output().splitlines():
        fields = line.split("\t")
        if fields[0] == "START":
            registers, left = [], 0
        elif fields[0] == "OUTPUT" and fields[1] == "ARRAY":
            registers.append([])
            left = int(fields[2])
        elif fields[0] == "OUTPUT" and fields[1] in ("RESULT", "BOOL"):
            if left == 0:
                registers.append([])
            left = max(0, left - 1)
            registers[-1].append("1" if fields[2] in ("1", "true") else "0")
        elif fields[0] == "END":
            counts[key_of(registers)] += 1
    return counts


def compare(what, ours, theirs):
    for key in set(ours) | set(theirs):
        x, y = ours.get(key, 0), theirs.get(key, 0)
        if abs(x - y) > 6 * math.sqrt(x + y + 1):
            sys.exit(f"{what}: {key} came {y} times, not {x}")


def check_ours(programs, work):
    import pyqir

    for program in sorted(programs.glob("*.qasm")):
        expected = our_counts(program)
        for version in (1, 2):
            path = work / f"{program.stem}_{version}.ll"
            path.write_text(tool("convert", program, version))
            compare(f"qir-runner, {path.name}", expected, runner_counts(path))
        modules = [pyqir.Module.from_ir(pyqir.Context(), path.read_text())]
        for version in (1, 2):
            bitcode = tool_bytes("bitcode", program, version)
            modules.append(pyqir.Module.from_bitcode(pyqir.Context(), bitcode))
        for module in modules:
            if module.verify() is not None:
                sys.exit(f"PyQIR, {path.name}: {module.verify()}")
            if len([f for f in module.functions if pyqir.is_entry_point(f)]) != 1:
                sys.exit(f"PyQIR, {path.name}: not one entry point")


def check_pyqir(work):
    import pyqir

    module = pyqir.SimpleModule("branch", 2, 2)
    qis = pyqir.BasicQisBuilder(module.builder)
    qubits, results = module.qubits, module.results
    qis.x(qubits[0])
    qis.mz(qubits[0], results[0])
    qis.if_result(results[0], one=lambda: qis.x(qubits[1]), zero=lambda: qis.h(qubits[1]))
    qis.mz(qubits[1], results[1])
    (work / "pyqir.ll").write_text(module.ir())
    (work / "pyqir.bc").write_bytes(module.bitcode())
    for name in ("pyqir.ll", "pyqir.bc"):
        compare(name, {"11": SHOTS}, our_counts(work / name))


def check_qbraid(programs, work):
    """Its base profile merges registers and its adaptive one turns them round, so these are
    programs that do not show it."""
    from qbraid_qir.qasm3 import qasm3_to_qir

    for name, profile in (("bell", "base"), ("bell", "adaptive"), ("teleport", "adaptive")):
        program = programs / f"{name}.qasm"
        module = qasm3_to_qir(program.read_text(), name="main", profile=profile)
        for path, data in (("qbraid.ll", str(module).encode()), ("qbraid.bc", module.bitcode)):
            (work / path).write_bytes(data)
            compare(f"{name}, {profile}, {path}", our_counts(program), our_counts(work / path))


def main():
    enter(sys.argv[3])
    programs = pathlib.Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        check_ours(programs, work)
        check_pyqir(work)
        check_qbraid(programs, work)
    print("ok")


main()
