"""Upgrades, rollbacks, backup and restore of the store."""

import pathlib
import re
import subprocess
import unittest

import harness

PG_BIN = "/usr/lib/postgresql/15/bin"
MIGRATIONS = harness.ROOT / "services/task-svc/migrations"

# What a migration of the next version may do while programs of this version still run.
NEXT_MIGRATION = """
ALTER TABLE task_active ADD COLUMN note text;
ALTER TABLE task_done ADD COLUMN note text NOT NULL DEFAULT '';
ALTER TABLE task_event ADD COLUMN note text;
ALTER TABLE worker ADD COLUMN note text;
ALTER TABLE idem ADD COLUMN note text;
ALTER TABLE queue_cfg ADD COLUMN note text;
CREATE TABLE task_note (id uuid PRIMARY KEY, note text);
CREATE INDEX task_active_note ON task_active (note);
INSERT INTO schema_migrations (version, name, checksum, oldest_program)
    SELECT max(version) + 1, 'next', 'unknown', {} FROM schema_migrations;
"""


def newest_version():
    return max(int(p.name.split("_")[0]) for p in MIGRATIONS.glob("*.sql"))


class Upgrade(unittest.TestCase):
    def setUp(self):
        self.stack = harness.Stack()
        self.addCleanup(self.stack.remove)

    def everything_works(self):
        rest = self.stack.rest
        counts = rest.counts(harness.BELL, shots=100, seed=3)
        self.assertEqual(set(counts), {"00", "11"})
        made = rest.create(harness.BELL, enqueue=False, idempotency_key="upgrade")["task_id"]
        same = rest.create(harness.BELL, enqueue=False, idempotency_key="upgrade")["task_id"]
        self.assertEqual(made, same)
        self.assertEqual(rest.ok("POST", f"/v1/tasks/{made}/cancel")["status"], "cancelled")
        self.assertTrue(rest.ok("GET", f"/v1/tasks/{made}/events")["events"])
        rest.ok("POST", f"/v1/tasks/{made}/retry")
        self.assertEqual(rest.wait(made)["status"], "completed")
        rest.batch([harness.task(harness.BELL, project="upgrade") for _ in range(50)])
        self.assertEqual(len(rest.wait_project("upgrade", 60)), 50)

    def test_this_version_runs_on_the_next_schema(self):
        """As it must while an upgrade rolls, and after it is rolled back."""
        self.stack.sql(NEXT_MIGRATION.format(newest_version()))
        self.stack.stop("task-svc")
        migrate = subprocess.run(
            [harness.BUILD / "services/task-svc/task-svc", "migrate"],
            env={"DATABASE_URL": self.stack.env["DATABASE_URL"]},
            check=False,
            capture_output=True,
            text=True,
        )
        self.assertEqual(migrate.returncode, 0, migrate.stdout + migrate.stderr)
        self.stack.start("task-svc")
        harness.wait_for(
            lambda: self.stack.rest.call("GET", "/readyz").status == 200, 60, "ready again"
        )
        self.everything_works()

    def test_a_schema_that_is_too_new_is_refused(self):
        self.stack.sql(NEXT_MIGRATION.format(newest_version() + 1))
        self.stack.stop("task-svc")
        start = subprocess.run(
            [harness.BUILD / "services/task-svc/task-svc"],
            env={
                "DATABASE_URL": self.stack.env["DATABASE_URL"],
                "QUEUE_ADDR": self.stack.env["QUEUE_ADDR"],
                "LISTEN_ADDR": "127.0.0.1:0",
                "METRICS_ADDR": "127.0.0.1:0",
            },
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertNotEqual(start.returncode, 0)
        self.assertIn("SCHEMA_MISMATCH", start.stdout + start.stderr)


class Migrations(unittest.TestCase):
    def test_each_says_which_programs_still_work(self):
        """From the fourth on: those of the version before, at least."""
        for path in sorted(MIGRATIONS.glob("*.sql")):
            version = int(path.name.split("_")[0])
            if version > 3:
                with self.subTest(path.name):
                    first = path.read_text().splitlines()[0]
                    found = re.fullmatch(r"-- oldest-program: (\d+)", first)
                    self.assertTrue(found, first)
                    self.assertLess(int(found.group(1)), version)


class Backup(unittest.TestCase):
    """docs/deploy.md says to dump PostgreSQL alone: Redis can be rebuilt."""

    def test_dump_and_restore(self):
        stack = harness.Stack()
        self.addCleanup(stack.remove)
        rest, url = stack.rest, stack.env["DATABASE_URL"]
        done = rest.run(harness.BELL, shots=200, seed=5)
        pending = rest.create(harness.BELL, enqueue=False)["task_id"]
        stack.stop("sim-svc")
        queued = rest.batch([harness.task(harness.BELL, project="waits") for _ in range(300)])
        dump = pathlib.Path(stack.dir) / "backup.dump"
        subprocess.run([f"{PG_BIN}/pg_dump", "-Fc", "-d", url, "-f", dump], check=True)
        lost = rest.create(harness.BELL, enqueue=False)["task_id"]  # after the backup

        for name in ("task-svc", "queue-svc", "redis"):
            stack.stop(name)
        stack.forget_redis()
        admin = url.rsplit("/", 1)[0] + "/postgres"
        for statement in ("DROP DATABASE qtaskdist WITH (FORCE)", "CREATE DATABASE qtaskdist"):
            subprocess.run([f"{PG_BIN}/psql", "-qX", admin, "-c", statement], check=True)
        subprocess.run([f"{PG_BIN}/pg_restore", "-d", url, "--no-owner", dump], check=True)
        for name in ("redis", "queue-svc", "task-svc", "sim-svc"):
            stack.start(name)

        harness.wait_for(lambda: rest.call("GET", "/readyz").status == 200, 60, "ready again")
        self.assertEqual(rest.get(done["task_id"])["result"], done["result"])
        self.assertEqual(rest.get(pending)["status"], "pending")
        self.assertEqual(rest.call("GET", f"/v1/tasks/{lost}").status, 404)
        finished = rest.wait_project("waits", 120)
        self.assertEqual({t["task_id"] for t in finished}, set(queued))
        self.assertEqual({t["status"] for t in finished}, {"completed"})
