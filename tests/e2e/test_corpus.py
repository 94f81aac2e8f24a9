"""Programs that others wrote run through REST, when they are at hand, and their counts are right."""

import os
import pathlib
import re
import unittest

import harness

try:
    import reference
except ImportError:  # numpy is not there
    reference = None

CORPUS = pathlib.Path(os.environ.get("QT_CORPUS", harness.ROOT.parent / "shared/corpus/qasmbench"))
MAX_QUBITS = 20
MAX_REFERENCE_QUBITS = 12
SHOTS = 20_000


def repaired(text):
    """The program with measurements of the registers that it declares."""
    registers = re.findall(r"^qreg\s+(\w+)\[(\d+)\]", text, re.M)
    text = re.sub(r"^measure .*$", "", text, flags=re.M)
    return text + "".join(
        f"creg c_{name}[{size}];\nmeasure {name} -> c_{name};\n" for name, size in registers
    )


@unittest.skipIf(reference is None, "numpy is not there")
@unittest.skipUnless(CORPUS.is_dir(), f"no programs in {CORPUS}")
class QasmBench(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """Some programs of the collection measure registers that they do not declare."""
        cls.programs, cls.broken = {}, {}
        for path in sorted(CORPUS.glob("*.qasm")):
            text = path.read_text()
            try:
                if reference.Program(text).num_qubits <= MAX_QUBITS:
                    cls.programs[path.stem] = text
            except KeyError as err:
                cls.broken[path.stem] = (text, err.args[0])
                cls.programs[path.stem + ", repaired"] = repaired(text)

    def test_every_program_gives_the_right_counts(self):
        rest = harness.shared_stack().rest
        made = {}
        for name, text in self.programs.items():
            reply = rest.call("POST", "/v1/tasks", harness.task(text, shots=SHOTS, seed=1))
            with self.subTest(name):
                self.assertEqual(reply.status, 200, reply)
                made[name] = reply.json["task_id"]
        for name, task_id in made.items():
            with self.subTest(name):
                done = rest.wait(task_id, 120)
                self.assertEqual(
                    done["status"], "completed", (done.get("error_reason"), done.get("error"))
                )
                counts = done["result"]["measurements"]
                self.assertEqual(sum(counts.values()), SHOTS)
                if done["result"]["num_qubits"] <= MAX_REFERENCE_QUBITS:
                    self.compare(reference.distribution(self.programs[name]), counts)

    def compare(self, probs, counts):
        self.assertLessEqual(set(counts), set(probs), "outcomes that cannot happen")
        self.assertLess(reference.distance(probs, counts), reference.distance_bound(probs, SHOTS))

    def test_broken_programs_are_refused_with_the_place(self):
        rest = harness.shared_stack().rest
        for name, (text, register) in self.broken.items():
            with self.subTest(name):
                reply = rest.call("POST", "/v1/tasks", harness.task(text))
                self.assertEqual((reply.status, reply.reason), (400, "CIRCUIT_SYNTAX"), reply)
                lines = text.splitlines()
                line = next(
                    i
                    for i, s in enumerate(lines, 1)
                    if s.startswith("measure") and f" {register}[" in s
                )
                self.assertIn(f"{line}:", reply.json["message"])


@unittest.skipIf(reference is None, "numpy is not there")
class Examples(unittest.TestCase):
    """The same for our own OpenQASM 2 programs, which are always there."""

    def test_counts(self):
        rest = harness.shared_stack().rest
        for path in sorted((harness.ROOT / "examples").glob("*.qasm")):
            text = path.read_text()
            if "OPENQASM 2" not in text:
                continue
            with self.subTest(path.stem):
                counts = rest.counts(text, shots=SHOTS, seed=1)
                QasmBench.compare(self, reference.distribution(text), counts)
