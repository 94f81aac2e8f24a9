#!/usr/bin/env python3
"""Converts an OpenQASM 3 file to QIR text with qbraid-qir and prints the CPU seconds.

Usage: peer_qbraid_qir.py ENVIRONMENT FILE    ENVIRONMENT: a virtual environment, made when missing
Exit code 3: qbraid-qir cannot be had.
"""

import os
import pathlib
import subprocess
import sys
import time


def enter(environment):
    """Continues in the environment's Python."""
    python = pathlib.Path(environment) / "bin/python"
    if pathlib.Path(sys.prefix).resolve() == pathlib.Path(environment).resolve():
        return
    if not python.exists():
        quiet = {"stdout": sys.stderr, "check": True}
        try:
            subprocess.run([sys.executable, "-m", "venv", environment], **quiet)
            subprocess.run([python, "-m", "pip", "install", "-q", "qbraid-qir[qasm3]"], **quiet)
        except (subprocess.CalledProcessError, OSError):
            sys.exit(3)
    os.execv(python, [str(python)] + sys.argv)


def main():
    enter(sys.argv[1])
    try:
        from qbraid_qir.qasm3 import qasm3_to_qir
    except ImportError:
        sys.exit(3)
    source = pathlib.Path(sys.argv[2]).read_text()
    start = time.process_time()
    text = str(qasm3_to_qir(source, name="main"))
    print(time.process_time() - start, len(text))


main()
