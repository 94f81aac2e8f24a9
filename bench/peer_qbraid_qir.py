#!/usr/bin/env python3
"""Converts an OpenQASM 3 file to QIR text with qbraid-qir and prints the CPU seconds.

Usage: peer_qbraid_qir.py ENVIRONMENT FILE    ENVIRONMENT: a virtual environment, made when missing
Exit code 3: qbraid-qir cannot be had.
"""

import pathlib
import sys
import time

import peer_environment


def main():
    peer_environment.enter(sys.argv[1], "qbraid-qir[qasm3]")
    try:
        from qbraid_qir.qasm3 import qasm3_to_qir
    except ImportError:
        sys.exit(3)
    source = pathlib.Path(sys.argv[2]).read_text()
    start = time.process_time()
    text = str(qasm3_to_qir(source, name="main"))
    print(time.process_time() - start, len(text))


main()
