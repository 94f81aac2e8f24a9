"""Programs that others wrote run through REST, when they are at hand."""
import json
import os
import pathlib
import re
import unittest

import harness

CORPUS = pathlib.Path(os.environ.get("QT_CORPUS", harness.ROOT.parent / "shared/corpus/qasmbench"))
MAX_QUBITS = 20


def qubits(text):
    return sum(int(n) for n in re.findall(r"^\s*qreg\s+\w+\s*\[\s*(\d+)\s*\]", text, re.M))


@unittest.skipUnless(CORPUS.is_dir(), f"no programs in {CORPUS}")
class QasmBench(unittest.TestCase):
    def test_every_program_completes(self):
        rest = harness.shared_stack().rest
        made = {}
        for path in sorted(CORPUS.glob("*.qasm")):
            text = path.read_text()
            if 0 < qubits(text) <= MAX_QUBITS:
                reply = rest.call("POST", "/v1/tasks", harness.task(text, shots=2000, seed=1))
                with self.subTest(path.stem):
                    self.assertEqual(reply.status, 200, reply)
                    made[path.stem] = reply.json["task_id"]
        self.assertGreater(len(made), 0)
        for name, task_id in made.items():
            with self.subTest(name):
                done = rest.wait(task_id, 120)
                self.assertEqual(done["status"], "completed", json.dumps(done)[-500:])
                self.assertEqual(sum(done["result"]["measurements"].values()), 2000)
                self.assertLessEqual(done["result"]["num_qubits"], MAX_QUBITS)
