"""IonQ's Quantum Cloud API, version 0.4.

Sources: IonQ's published OpenAPI document of v0.4; what qiskit-ionq 1.1 and cirq-ionq 1.7 send and
take (the tests of the real SDKs run against this). What neither says is "assumed", here and in the
README.
"""

import json
import math
import re
import uuid

from .httpd import Reply
from .service import ApiError, Service, json_object, positive_integer

PREFIX = "/v0.4"
PAGE = 25  # jobs of a page; a larger limit is lowered to it
MAX_SHOTS = 1_000_000
MAX_METADATA = 10
NAME = re.compile(r"[A-Za-z0-9 _-]*$")
NOT_HERE = ("hold", "unknown")  # states that IonQ does not have
# A job's states here, by jobs.py's.
STATES = {
    "INITIALIZING": "submitted",
    "QUEUED": "ready",
    "RUNNING": "started",
    "CANCELLING": "started",
    "CANCELLED": "canceled",
    "COMPLETED": "completed",
    "FAILED": "failed",
}
WORDS = ("Bad Request", "Unauthorized Error", "Forbidden", "Not Found Error", "Too Many Requests")
REASONS = dict(zip((400, 401, 403, 404, 429), WORDS))
JOB_TYPES = ("ionq.circuit.v1", "ionq.qasm3.v1", "ionq.multi-circuit.v1")
PROBABILITIES = "ionq.result.probabilities.json.v1"


def backend(name, qubits, **values):
    return {
        "backend": name,
        "status": "available",
        "degraded": False,
        "qubits": qubits,
        "average_queue_time": 0,
        "last_updated": "2026-01-01T00:00:00Z",
        "characterization_id": str(uuid.uuid5(uuid.NAMESPACE_DNS, name)),
        "location": "double",
        "supported_gates": "x y z h s si t ti v vi rx ry rz cnot swap xx yy zz not".split(),
        "supported_native_gates": ["gpi", "gpi2", "zz" if "forte" in name else "ms"],
        **values,
    }


def backends():
    rows = [
        backend("simulator", 29),
        backend("qpu.aria-1", 25, average_queue_time=1181215),
        backend("qpu.forte-1", 36, average_queue_time=397577),
        backend("qpu.forte-enterprise-1", 36, status="unavailable"),
        backend("qpu.harmony", 11, status="retired"),
    ]
    return {row["backend"]: row for row in rows}


class Ionq(Service):
    prefix = PREFIX
    default_quota = 0  # IonQ does not say how many requests it takes
    public_routes = ("backends", "backend", "characterizations")
    default_shapes = ("ionq", "html")

    def __init__(self, options):
        super().__init__(options)
        self.routes = self.table()

    def reset(self):
        super().reset()
        self.backends = backends()

    def table(self):
        job, back = r"/jobs/([^/]+)", r"/backends/([^/]+)"
        rows = [
            ("whoami", "GET", "/whoami", self.whoami),
            ("backends", "GET", "/backends", self.list_backends),
            ("backend", "GET", back, self.get_backend),
            ("characterizations", "GET", back + "/characterizations", self.characterizations),
            ("submit", "POST", "/jobs", self.submit),
            ("list", "GET", "/jobs", self.list_jobs),
            ("delete", "DELETE", "/jobs", self.delete_jobs),
            ("cancel", "PUT", "/jobs/status/cancel", self.cancel_jobs),
            ("estimate", "GET", "/jobs/estimate", self.estimate),
            ("job", "GET", job, self.get_job),
            ("delete", "DELETE", job, self.delete_job),
            ("cancel", "PUT", job + "/status/cancel", self.cancel),
            ("cost", "GET", job + "/cost", self.get_cost),
            ("result", "GET", job + "/results/probabilities", self.probabilities),
            ("result", "GET", job + "/results/probabilities/aggregated", self.aggregated),
            ("result", "GET", job + "/artifacts/([^/]+)", self.artifact),
        ]
        return [
            (n, method, re.compile(PREFIX + path + "$"), call) for n, method, path, call in rows
        ]

    def no_route(self, is_known):
        status = 405 if is_known else 404
        return ApiError(status, self.error(status, "Resource not found."))

    def key_of(self, request):
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        return key if scheme.lower() == "apikey" else None

    def error(self, status, message):
        reason = REASONS.get(status, "Internal Server Error")
        return {"error": reason, "message": message, "statusCode": status}

    def bad(self, message, *keys):
        body = self.error(400, message)
        body["validation"] = {"source": "payload", "keys": list(keys)}
        return ApiError(400, body)

    def tags_of(self, body):
        return body.get("metadata") or {}

    # --- backends ---

    def whoami(self, _request, owner):
        key_id = str(uuid.uuid5(uuid.NAMESPACE_DNS, owner))
        return Reply(200, {"key_id": key_id, "key_name": owner, "project_id": key_id})

    def list_backends(self, _request, _owner):
        return Reply(200, list(self.backends.values()))

    def get_backend(self, _request, _owner, name):
        return Reply(200, self.find_backend(name))

    def find_backend(self, name):
        if name not in self.backends:
            raise ApiError(404, self.error(404, f"Backend {name} not found"))
        return self.backends[name]

    def change_devices(self, changes):
        for name, values in changes.items():
            self.backends[name] = {**self.backends.get(name, backend(name, 11)), **values}

    def characterizations(self, _request, _owner, name):
        row = self.find_backend(name)
        if name == "simulator":
            return Reply(200, {"characterizations": [], "pages": 0})
        qubits = row["qubits"]
        found = {
            "id": row["characterization_id"],
            "backend": name,
            "date": row["last_updated"],
            "qubits": qubits,
            "connectivity": [[a, b] for a in range(qubits) for b in range(a + 1, qubits)],
            "fidelity": {"spam": {"median": 0.9962, "stderr": None}},
            "timing": {"readout": 250e-6, "reset": 150e-6, "1q": 63e-6, "2q": 650e-6},
        }
        return Reply(200, {"characterizations": [found], "pages": 1})

    # --- submit ---

    def submit(self, request, owner):
        try:
            body = json_object(request)
        except ValueError as why:
            raise self.bad(str(why)) from None
        shots = self.check_submit(body)
        tags = self.tags_of(body)
        circuits = self.circuits(body)
        seed = self.options.seed + len(self.jobs.by_id)
        sampled = shots if self.is_sampled(body) else 0
        outcomes = [
            self.runner.submit(f, d, sampled, seed + i) for i, (f, d) in enumerate(circuits)
        ]
        job_id, drawn = str(uuid.uuid4()), self.faults.of_job(tags)
        faults = {name: rule for name, rule in drawn.items() if name not in NOT_HERE}
        is_batch = body["type"] == "ionq.multi-circuit.v1"
        job = self.jobs.add(job_id, owner, tags, faults, outcomes, body, is_batch)
        status = self.state(job, self.clock.now())
        return Reply(201, {"id": job_id, "status": status, "session_id": body.get("session_id")})

    @staticmethod
    def is_sampled(body):
        """The ideal simulator gives exact probabilities, all else comes from shots."""
        return (
            body["backend"] != "simulator"
            or (body.get("noise") or {}).get("model", "ideal") != "ideal"
        )

    def check_submit(self, body):
        if body.get("type") not in JOB_TYPES:
            raise self.bad(f'"type" must be one of {", ".join(JOB_TYPES)}', "type")
        row = self.backends.get(body.get("backend"))
        if row is None or row["status"] == "retired":
            raise self.bad(f'"backend" {body.get("backend")} is not one that takes jobs', "backend")
        if not isinstance(body.get("input"), dict):
            raise self.bad('"input" is required', "input")
        if not NAME.match(str(body.get("name") or "")):
            raise self.bad('"name" has characters that are not allowed', "name")
        self.check_metadata(body.get("metadata"))
        try:
            shots = int(body.get("shots", 100))  # cirq-ionq sends a string
        except (TypeError, ValueError):
            shots = 0
        if not 1 <= shots <= MAX_SHOTS:
            raise self.bad(f'"shots" must be from 1 to {MAX_SHOTS}', "shots")
        return shots

    def check_metadata(self, metadata):
        if metadata is None:
            return
        if not isinstance(metadata, dict) or len(metadata) > MAX_METADATA:
            raise self.bad(
                f'"metadata" must be an object of at most {MAX_METADATA} keys', "metadata"
            )
        for name, value in metadata.items():
            if not isinstance(value, str) or len(name) > 40 or len(value) > 40000:
                raise self.bad(f'"metadata.{name}" must be a string', "metadata")

    def circuits(self, body):
        """[(format, data)] for the runner."""
        given = body["input"]
        if body["type"] == "ionq.qasm3.v1":
            if not isinstance(given.get("data"), str):
                raise self.bad('"input.data" is required', "input.data")
            return [("qasm3", given["data"])]
        rows = given.get("circuits") if body["type"] == "ionq.multi-circuit.v1" else [given]
        if not isinstance(rows, list) or not rows or len(rows) > 5000:
            raise self.bad('"input.circuits" must have from 1 to 5000 circuits', "input.circuits")
        return [("ionq", self.circuit(row, given, body["backend"])) for row in rows]

    def circuit(self, row, given, name):
        gates = row.get("circuit") if isinstance(row, dict) else None
        if not isinstance(gates, list):
            raise self.bad('"input.circuit" is required', "input.circuit")
        gateset = row.get("gateset") or given.get("gateset")
        if gateset not in ("qis", "native"):
            raise self.bad('"input.gateset" must be qis or native', "input.gateset")
        used = [int(q) for g in gates for q in self.operands(g)]
        qubits = row.get("qubits") or given.get("qubits") or max(used, default=0) + 1
        if qubits > self.backends[name]["qubits"]:
            raise self.bad(
                f'"input.qubits": {name} has {self.backends[name]["qubits"]}', "input.qubits"
            )
        return json.dumps([qubits, gateset, gates])

    def operands(self, gate):
        if not isinstance(gate, dict) or not isinstance(gate.get("gate"), str):
            raise self.bad('each of "input.circuit" must have a "gate"', "input.circuit")
        single = [gate[k] for k in ("target", "control") if k in gate]
        many = [q for k in ("targets", "controls") for q in gate.get(k, [])]
        if not all(isinstance(q, (int, float)) and q >= 0 for q in single + many):
            raise self.bad(f'operands of "{gate["gate"]}" must be qubits', "input.circuit")
        return single + many

    # --- jobs ---

    @staticmethod
    def state(job, now):
        state = job.state(now)
        return STATES.get(state, state.lower())

    def find_job(self, owner, job_id):
        job = self.jobs.by_id.get(job_id)
        if job is None or job.owner != owner or job.is_gone(self.clock.now()):
            raise ApiError(404, self.error(404, f"Job {job_id} not found"))
        job.reads += 1
        return job

    def get_job(self, _request, owner, job_id):
        return Reply(200, self.job_view(self.find_job(owner, job_id)))

    def list_jobs(self, request, owner):
        query, now = request.query, self.clock.now()
        jobs = self.jobs.listed(owner)
        if query.get("ids"):
            wanted = query["ids"].split(",")
            jobs = [j for j in jobs if j.id in wanted]
        if query.get("status"):
            jobs = [j for j in jobs if self.state(j, now) == query["status"]]
        if query.get("target"):
            jobs = [j for j in jobs if j.request["backend"] in query["target"].split(",")]
        if query.get("next"):
            last = self.jobs.by_id.get(query["next"])
            if last is None:
                raise self.bad('"next" is unknown', "next")
            jobs = [j for j in jobs if j.number <= last.number]
        try:
            limit = min(PAGE, positive_integer(query.get("limit"), PAGE, 1 << 31))
        except ValueError as why:
            raise self.bad(f'"limit" {why}', "limit") from None
        after = jobs[limit].id if len(jobs) > limit else None
        return Reply(200, {"jobs": [self.job_view(j) for j in jobs[:limit]], "next": after})

    def job_view(self, job):
        now, request = self.clock.now(), job.request
        state = self.state(job, now)
        ended, started = job.ended_at(now), job.time_of("RUNNING")
        has_run = started is not None and started <= now and "null_timestamps" not in job.faults
        milliseconds = int((ended - started) * 1000) if ended is not None and has_run else None
        view = {
            "id": job.id,
            "status": state,
            "type": request["type"],
            "backend": request["backend"],
            "dry_run": bool(request.get("dry_run")),
            "submitter_id": job.owner,
            "project_id": None,
            "parent_job_id": None,
            "child_job_ids": self.children(job) if job.is_batch else None,
            "session_id": request.get("session_id"),
            "metadata": job.tags or None,
            "name": request.get("name"),
            "submitted_at": self.iso(job.accepted),
            "started_at": self.iso(started) if has_run else None,
            "completed_at": self.iso(ended) if has_run else None,
            "predicted_execution_duration_ms": None,
            "predicted_wait_time_ms": self.wait(job, now),
            "execution_duration_ms": milliseconds,
            "shots": int(request.get("shots", 100)),
            "failure": self.failure(job) if state == "failed" else None,
            "settings": request.get("settings") or {},
            "stats": self.stats_of(job),
            "output": {},
            "results": (
                self.results(job) if state == "completed" and now >= job.result_at() else None
            ),
        }
        if request["backend"] == "simulator":
            view["noise"] = request.get("noise") or {"model": "ideal"}
        if "extra_fields" in job.faults:
            view["queue"] = {"lane": "standard", "hints": [None, 1]}
        return view

    def wait(self, job, now):
        started = job.time_of("RUNNING")
        return None if started is None or started <= now else int((started - now) * 1000)

    @staticmethod
    def failure(job):
        """The document says `message`, qiskit-ionq and cirq-ionq read `error`: it has both."""
        text = job.failure() or "failed"
        code = "SimulationError" if "fails" not in job.faults else "QuantumComputerError"
        return {"code": code, "message": text, "error": text}

    @staticmethod
    def children(job):
        return [str(uuid.uuid5(uuid.UUID(job.id), str(i))) for i in range(len(job.outcomes))]

    def stats_of(self, job):
        given = job.request["input"]
        rows = given.get("circuits") or ([given] if "circuit" in given else [])
        operands = [self.operands(g) for row in rows for g in row["circuit"]]
        qubits = given.get("qubits") or max((r.get("qubits") or 0 for r in rows), default=0)
        if not qubits:
            qubits = int(max((q for row in operands for q in row), default=0)) + 1
        counts = {"1q": sum(len(o) == 1 for o in operands), "2q": sum(len(o) > 1 for o in operands)}
        return {"qubits": qubits, "circuits": len(job.outcomes), "gate_counts": counts}

    def results(self, job):
        base = f"{PREFIX}/jobs/{job.id}/results/probabilities"
        if job.is_batch:
            base += "/aggregated"
        artifact = {
            "id": "probabilities",
            "format": PROBABILITIES,
            "media_type": "application/json",
        }
        return {"probabilities": {"url": base}, PROBABILITIES: artifact}

    def delete_job(self, _request, owner, job_id):
        self.find_job(owner, job_id).deleted = True
        return Reply(200, {"id": job_id, "status": "deleted"})

    def ids(self, request):
        try:
            ids = json_object(request).get("ids")
        except ValueError as why:
            raise self.bad(str(why)) from None
        if not isinstance(ids, list):
            raise self.bad('"ids" is required', "ids")
        return ids

    def delete_jobs(self, request, owner):
        ids = self.ids(request)
        for job_id in ids:
            self.find_job(owner, job_id).deleted = True
        return Reply(200, {"ids": ids, "status": "deleted"})

    # --- results and cost ---

    def finished(self, owner, job_id):
        """The job if its results can be read; 404 before, as documented."""
        job = self.find_job(owner, job_id)
        now = self.clock.now()
        if job.state(now) != "COMPLETED" or now < job.result_at():
            raise ApiError(404, self.error(404, "Job not found or not yet completed."))
        return job

    @staticmethod
    def distribution(job, outcome):
        """{decimal state: probability}; qubit 0 is the lowest bit."""
        if outcome.counts:
            shots = sum(outcome.counts.values())
            found = {k: n / shots for k, n in outcome.counts.items()}
        else:
            found = outcome.probabilities
        if "hex_keys" in job.faults:
            return {hex(k): p for k, p in found.items()}
        return {str(k): p for k, p in found.items() if p > 1e-12}

    def probabilities(self, _request, owner, job_id):
        job = self.finished(owner, job_id)
        if job.is_batch:
            raise ApiError(404, self.error(404, "A multi-circuit job has aggregated results."))
        return Reply(200, self.distribution(job, job.outcomes[0].result()))

    def aggregated(self, _request, owner, job_id):
        job = self.finished(owner, job_id)
        rows = zip(self.children(job), job.outcomes)
        return Reply(200, {child: self.distribution(job, o.result()) for child, o in rows})

    def artifact(self, request, owner, job_id, name):
        if name != "probabilities":
            raise ApiError(404, self.error(404, "Job or artifact not found."))
        job = self.finished(owner, job_id)
        return (self.aggregated if job.is_batch else self.probabilities)(request, owner, job_id)

    @staticmethod
    def price(name, shots, one, two):
        """Credits for gates times shots, a minimum for the device; the simulator is free."""
        if name == "simulator":
            return 0.0
        return round(max(12.41, shots * (one * 0.0002 + two * 0.001)), 2)

    def price_of(self, job):
        gates = self.stats_of(job)["gate_counts"]
        shots = int(job.request.get("shots", 100))
        return self.price(job.request["backend"], shots, gates["1q"], gates["2q"])

    def cost(self, job):
        done = job.state(self.clock.now()) == "COMPLETED" and not job.request.get("dry_run")
        return self.price_of(job) if done else 0.0

    def get_cost(self, _request, owner, job_id):
        job = self.find_job(owner, job_id)
        money = (lambda v: f"{v:.2f}") if "cost_string" in job.faults else (lambda v: v)
        found = {
            "dry_run": bool(job.request.get("dry_run")),
            "estimated_cost": {"value": money(self.price_of(job)), "unit": "usd"},
        }
        if job.state(self.clock.now()) == "COMPLETED":
            found["cost"] = {"value": money(self.cost(job)), "unit": "usd"}
        return Reply(200, found)

    def estimate(self, request, _owner):
        query = request.query
        row = self.find_backend(query.get("backend", ""))
        try:
            shots = positive_integer(query.get("shots"), 1000, MAX_SHOTS)
            qubits = positive_integer(query.get("qubits"), 25, 1 << 31)
            one, two = (max(0, int(query.get(k, 0))) for k in ("1q_gates", "2q_gates"))
        except ValueError as why:
            raise self.bad(f"estimate: {why}") from None
        context = {
            "backend": row["backend"],
            "type": query.get("type", "ionq.circuit.v1"),
            "qubits": qubits,
            "shots": shots,
            "1q_gates": one,
            "2q_gates": two,
            "error_mitigation": query.get("error_mitigation") == "true",
            "organization": None,
            "project": None,
        }
        rates = [{"sku": "double", "unit": "gates", "cost_1q_gate": 0.0002, "cost_2q_gate": 0.001}]
        return Reply(
            200,
            {
                "estimate_context": context,
                "estimated_at": self.iso(self.clock.now()),
                "estimated_unit": "usd",
                "rate_card": {"id": "double", "rates": rates},
                "estimated_total_cost": self.price(row["backend"], shots, one, two),
                "estimated_execution_time": math.ceil(self.jobs.timing.running * 1000),
                "current_predicted_queue_time": math.ceil(self.jobs.timing.queued * 1000),
            },
        )

    # --- cancel ---

    def cancel(self, _request, owner, job_id):
        """Always answers canceled, as documented; a job that ended stays as it is (assumed)."""
        job = self.find_job(owner, job_id)
        if "cancel_refused" in job.faults:
            raise self.bad(f"Job {job_id} cannot be canceled")
        self.jobs.cancel(job)
        return Reply(200, {"id": job_id, "status": "canceled"})

    def cancel_jobs(self, request, owner):
        ids = self.ids(request)
        for job_id in ids:
            self.jobs.cancel(self.find_job(owner, job_id))
        return Reply(200, {"ids": ids, "status": "canceled"})
