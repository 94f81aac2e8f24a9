#!/usr/bin/env python3
"""Runs the end-to-end tests.

Usage: tests/e2e/run.py [NAME...]    NAME is a module (rest), or module.Class[.test] (faults.Redis)
The programs are those of QT_BUILD_DIR (default build/dev).
"""

import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import harness  # noqa: E402


class Result(unittest.TextTestResult):
    """Says how long each test took."""

    def startTest(self, test):
        self.began = time.monotonic()
        super().startTest(test)

    def addSuccess(self, test):
        unittest.TestResult.addSuccess(self, test)
        self.stream.writeln(f"ok ({time.monotonic() - self.began:.1f} s)")
        self.stream.flush()


def load(names):
    here = pathlib.Path(__file__).resolve().parent
    if not names:
        names = sorted(p.stem.removeprefix("test_") for p in here.glob("test_*.py"))
    return unittest.defaultTestLoader.loadTestsFromNames(f"test_{name}" for name in names)


def main():
    runner = unittest.TextTestRunner(verbosity=2, resultclass=Result)
    try:
        result = runner.run(load(sys.argv[1:]))
    finally:
        harness.close_shared_stack()
    for report in harness.crash_reports:
        print(f"FAIL: crash of {report}", flush=True)
    # A test with several failed subtests is one.
    bad = {getattr(test, "test_case", test) for test, _ in result.failures + result.errors}
    passed = (
        result.testsRun - sum(isinstance(t, unittest.TestCase) for t in bad) - len(result.skipped)
    )
    failed = len(bad) + len(harness.crash_reports)
    print(f"e2e: {passed} passed, {failed} failed, {len(result.skipped)} skipped", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
