"""A virtual environment for a benchmark's peer from PyPI, made when it is missing."""

import os
import pathlib
import subprocess
import sys


def enter(environment, package):
    """Continues in the environment's Python. Exits with 3 when the package cannot be had."""
    python = pathlib.Path(environment) / "bin/python"
    if pathlib.Path(sys.prefix).resolve() == pathlib.Path(environment).resolve():
        return
    if not python.exists():
        quiet = {"stdout": sys.stderr, "check": True}
        try:
            subprocess.run([sys.executable, "-m", "venv", environment], **quiet)
            subprocess.run([python, "-m", "pip", "install", "-q", package], **quiet)
        except (subprocess.CalledProcessError, OSError):
            sys.exit(3)
    os.execv(python, [str(python)] + sys.argv)
