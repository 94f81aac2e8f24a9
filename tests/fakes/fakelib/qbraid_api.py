"""qBraid's Runtime API, version 2 (its paths begin with /api/v1).

Sources: docs.qbraid.com/v2/api-reference; what qbraid-core 0.6 sends and takes (the test of the
real SDK runs against this). What neither says is marked "assumed" here and in the README.
"""

import collections
import json
import math
import re
import uuid

from .httpd import Reply
from .jobs import FINAL
from .service import ApiError, Service, json_object, positive_integer

PREFIX = "/api/v1"
MAX_LIMIT = 100  # jobs or devices a page, documented
MAX_BATCH = 2000  # circuits of a batch job
RETURNED = (*FINAL, "HOLD")  # assumed: the states of statusGroup=returned
FORMATS = ("qasm2", "qasm3", "qir.bc", "qir.ll", "quil", "ionq.circuit.v0", "analog", "problem")
QRN = re.compile(r"[a-z0-9-]+:[a-z0-9-]+:(sim|qpu):[A-Za-z0-9._-]+$")


def object_id(text):
    """24 hexadecimal digits, as the vendor's database has them."""
    return text.encode().hex().ljust(24, "0")[:24]


def device(qrn, **values):
    vendor, _, kind, name = qrn.split(":")
    return {
        "name": name,
        "qrn": qrn,
        "vendor": vendor,
        "deviceType": "SIMULATOR" if kind == "sim" else "QPU",
        "runInputTypes": ["qasm3"],
        "status": "ONLINE",
        "statusMsg": None,
        "nextAvailable": None,
        "queueDepth": 0,
        "avgQueueTime": None,
        "numberQubits": 32,
        "paradigm": "gate_model",
        "modality": None,
        "noiseModels": None,
        "pricingModel": "fixed",
        "pricing": {"perTask": 0, "perShot": 0, "perMinute": 0},
        "directAccess": True,
        "batchJobSupport": False,
        "description": "A device of the double.",
        "vrn": f"arn:double:{name}",
        "providerId": object_id(qrn.split(":")[1]),
        "visibility": "public",
        "verified": "verified",
        **values,
    }


def devices():
    """What the double offers: free and priced, without and with batches, retired, offline."""
    rows = [
        device(
            "qbraid:qbraid:sim:qir-sv",
            name="QIR sparse simulator",
            runInputTypes=["pyqir", "qasm3"],
            numberQubits=64,
            noiseModels=[],
        ),
        device(
            "aws:aws:sim:sv1",
            runInputTypes=["qasm3"],
            numberQubits=34,
            pricing={"perTask": 0.375, "perShot": 0, "perMinute": 7.5},
            batchJobSupport=True,
        ),
        device(
            "qbraid:equal1:sim:bell-1",
            runInputTypes=["qasm2"],
            numberQubits=6,
            noiseModels=["ideal", "bell-1"],
        ),
        device(
            "aws:iqm:qpu:garnet",
            numberQubits=20,
            modality="superconducting",
            pricing={"perTask": "30", "perShot": "0.145", "perMinute": 0},
            minShots=1,
            maxShots=20000,
            avgQueueTime=15,
            queueDepth=12,
        ),
        device(
            "ionq:ionq:sim:simulator",
            runInputTypes=["ionq"],
            numberQubits=29,
            pricing={"perTask": 0, "perShot": 0, "perMinute": 0},
        ),
        device(
            "rigetti:rigetti:qpu:cepheus-1-108q",
            runInputTypes=["quil", "qasm3"],
            numberQubits=108,
            modality="superconducting",
            pricingModel="dynamic",
            pricing=None,
        ),
        device(
            "azure:quantinuum:qpu:h2-1", status="OFFLINE", statusMsg="maintenance", numberQubits=56
        ),
        device("aws:rigetti:qpu:aspen-m-3", status="RETIRED", numberQubits=79),
        device(
            "ibm:ibm:qpu:kingston",
            directAccess=False,
            pricingModel=None,
            pricing=None,
            numberQubits=156,
        ),
    ]
    return {row["qrn"]: row for row in rows}


# The SDK's names of input types, as formats of `program`.
INPUT_FORMATS = {
    "pyqir": ("qir.bc", "qir.ll"),
    "qasm2": ("qasm2",),
    "qasm3": ("qasm3",),
    "ionq": ("ionq.circuit.v0",),
    "quil": ("quil",),
}


def invalid(*problems):
    """FastAPI's 422: each problem is (place, text)."""
    rows = [{"loc": ["body", *p], "msg": text, "type": "value_error"} for p, text in problems]
    return ApiError(422, {"detail": rows})


class Qbraid(Service):
    prefix = PREFIX
    default_shapes = (
        "detail",
        "detail_list",
        "message",
        "error",
        "error_object",
        "not_success",
        "html",
    )

    def __init__(self, options):
        super().__init__(options)
        self.routes = self.table()

    def reset(self):
        super().reset()
        self.devices = devices()
        self.groups = {}
        self.waiting_at, self.waiting_counts = None, {}

    def table(self):
        job, dev, group = r"/jobs/([^/]+)", r"/devices/([^/]+)", r"/jobs/group/([^/]+)"
        rows = [
            ("verify", "GET", "/users/verify", self.verify),
            ("balance", "GET", "/billing/credits/balance", self.balance),
            ("devices", "GET", "/devices", self.list_devices),
            ("device", "GET", dev, self.get_device),
            ("calibrations", "GET", dev + "/calibrations", self.calibrations),
            ("submit", "POST", "/jobs", self.submit),
            ("list", "GET", "/jobs", self.list_jobs),
            ("delete", "DELETE", "/jobs", self.delete_jobs),
            ("statuses", "GET", "/jobs/statuses", self.statuses),
            ("estimate", "GET", "/jobs/cost-estimate", self.estimate),
            ("group_create", "POST", "/jobs/group", self.create_group),
            ("group_list", "GET", "/jobs/group", self.list_groups),
            ("group", "GET", group, self.get_group),
            ("group_close", "POST", group + "/close", self.close_group),
            ("group_cancel", "POST", group + "/cancel", self.cancel_group),
            ("group_jobs", "GET", group + "/jobs", self.group_jobs),
            ("job", "GET", job, self.get_job),
            ("delete", "DELETE", job, self.delete_job),
            ("result", "GET", job + "/result", self.result),
            ("program", "GET", job + "/program", self.program),
            ("compiled", "GET", job + "/compiled-program", self.compiled_program),
            ("cancel", "POST", job + "/cancel", self.cancel),
        ]
        return [
            (name, method, re.compile(PREFIX + path + "$"), call)
            for name, method, path, call in rows
        ]

    def no_route(self, is_known):
        if is_known:
            return ApiError(405, {"detail": "Method Not Allowed"})
        return ApiError(404, {"detail": "Not Found"})

    def key_of(self, request):
        return request.headers.get("x-api-key")

    def error(self, status, message):
        return {"detail": message} if status != 429 else {"success": False, "message": message}

    def tags_of(self, body):
        return body.get("tags") or {}

    # --- account ---

    def verify(self, _request, owner):
        return self.ok(
            {
                "email": f"{owner}@example.org",
                "userId": owner,
                "organizationId": "organization-1",
                "organizationUserId": f"organization-1-{owner}",
            }
        )

    def balance(self, _request, owner):
        return self.ok(
            {
                "qbraidCredits": 1000.0,
                "awsCredits": 0.0,
                "autoRecharge": "off",
                "organizationId": "organization-1",
                "userId": owner,
            }
        )

    # --- devices ---

    def list_devices(self, request, _owner):
        query = request.query
        rows = list(self.devices.values())
        if query.get("retired", "true").lower() == "false":
            rows = [r for r in rows if r["status"] != "RETIRED"]
        for field in ("qrn", "vendor", "deviceType", "status"):
            if field in query:
                rows = [r for r in rows if r[field] == query[field]]
        if "directAccess" in query:
            rows = [
                r for r in rows if r["directAccess"] == (query["directAccess"].lower() == "true")
            ]
        return self.page(request, [self.device_view(r) for r in rows], 20)

    def get_device(self, _request, _owner, qrn):
        return self.ok(self.device_view(self.find_device(qrn)))

    def find_device(self, qrn):
        if not QRN.match(qrn):
            raise ApiError(
                422,
                {
                    "detail": [
                        {"loc": ["path", "device_qrn"], "msg": "bad QRN", "type": "value_error"}
                    ]
                },
            )
        if qrn not in self.devices:
            raise ApiError(404, {"detail": f"Device {qrn} not found"})
        return self.devices[qrn]

    def device_view(self, row):
        return {**row, "queueDepth": row["queueDepth"] + self.waiting().get(row["qrn"], 0)}

    def waiting(self):
        """{device: open jobs}, counted once a second of the vendor."""
        now = self.clock.now()
        if self.waiting_at is None or now - self.waiting_at >= 1:
            self.jobs.settle()
            found = collections.Counter(j.request["deviceQrn"] for j in self.jobs.open.values())
            self.waiting_at, self.waiting_counts = now, found
        return self.waiting_counts

    def change_devices(self, changes):
        for qrn, values in changes.items():
            self.devices[qrn] = {**self.devices.get(qrn, device(qrn)), **values}

    def calibrations(self, _request, _owner, qrn):
        row = self.find_device(qrn)
        if row["deviceType"] == "SIMULATOR":
            raise ApiError(404, {"detail": "No calibration data"})
        qubits = {
            str(q): {"t1": 4e-5, "t2": 2e-5, "readoutError": 0.02}
            for q in range(row["numberQubits"])
        }
        edges = [
            {"source": q, "target": q + 1, "value": 0.01} for q in range(row["numberQubits"] - 1)
        ]
        return self.ok(
            {
                "deviceQRNs": [qrn],
                "provider": qrn.split(":")[1],
                "lastCalibrated": self.iso(0),
                "fetchedAt": self.iso(self.clock.now()),
                "qubits": qubits,
                "edges": {"cz": {"error": edges}},
            }
        )

    # --- submit ---

    def submit(self, request, owner):
        try:
            body = json_object(request)
        except ValueError as why:
            raise ApiError(
                422, {"detail": [{"loc": ["body"], "msg": str(why), "type": "json_invalid"}]}
            ) from None
        row = self.check_submit(body)
        tags = self.tags_of(body)
        faults = self.faults.of_job(tags)
        programs = body["program"] if isinstance(body["program"], list) else [body["program"]]
        shots = body.get("shots") or 100
        seed = self.options.seed + len(self.jobs.by_id)
        outcomes = [self.run(p, shots, seed + i) for i, p in enumerate(programs)]
        job_id = f"{row['qrn']}-{uuid.uuid4().hex[:4]}-qjob-{uuid.uuid4().hex[:20]}"
        job = self.jobs.add(
            job_id, owner, tags, faults, outcomes, body, isinstance(body["program"], list)
        )
        view = self.job_view(job)
        if "short_submit" in faults:
            view = {"jobQrn": job.id, "status": view["status"]}
        return Reply(201, {"success": True, "data": view})

    def run(self, program, shots, seed):
        form, data = program["format"], program["data"]
        if form == "ionq.circuit.v0":
            rows = data if isinstance(data, dict) else json.loads(data)
            form, data = "ionq", json.dumps(
                [rows.get("qubits"), rows.get("gateset", "qis"), rows["circuit"]]
            )
        return self.runner.submit(form, data, shots, seed)

    def check_submit(self, body):
        problems = []
        if not isinstance(body.get("deviceQrn"), str):
            problems.append((("deviceQrn",), "Field required"))
        shots = body.get("shots")
        if shots is not None and (
            not isinstance(shots, int) or isinstance(shots, bool) or shots <= 0
        ):
            problems.append((("shots",), "Input should be greater than 0"))
        problems += self.check_tags(body.get("tags")) + self.check_program(body.get("program"))
        if body.get("groupJobQrn") and body["groupJobQrn"] not in self.groups:
            problems.append((("groupJobQrn",), "no such group"))
        if problems:
            raise invalid(*problems)
        row = self.find_device(body["deviceQrn"])
        self.check_device(row, body)
        return row

    @staticmethod
    def check_tags(tags):
        if tags is None:
            return []
        if not isinstance(tags, dict):
            return [(("tags",), "Input should be a valid dictionary")]
        bad = [k for k, v in tags.items() if not isinstance(v, (str, int, bool))]
        return [(("tags", k), "Input should be a string, an integer or a boolean") for k in bad]

    @staticmethod
    def check_program(program):
        programs = program if isinstance(program, list) else [program]
        if program is None or not programs:
            return [(("program",), "Field required")]
        if len(programs) > MAX_BATCH:
            return [(("program",), f"at most {MAX_BATCH} programs")]
        for i, p in enumerate(programs):
            place = ("program", i) if isinstance(program, list) else ("program",)
            if not isinstance(p, dict) or p.get("format") not in FORMATS:
                return [((*place, "format"), f"Input should be one of {', '.join(FORMATS)}")]
            if p.get("data") in (None, ""):
                return [((*place, "data"), "Field required")]
        return []

    @staticmethod
    def check_device(row, body):
        if row["status"] in ("OFFLINE", "RETIRED", "UNAVAILABLE"):
            raise ApiError(
                400, {"success": False, "message": f"Device {row['qrn']} is {row['status']}"}
            )
        if not row["directAccess"]:
            raise ApiError(403, {"detail": "No direct access to this device"})
        if isinstance(body["program"], list) and not row["batchJobSupport"]:
            raise invalid((("program",), "this device takes no batch jobs"))
        programs = body["program"] if isinstance(body["program"], list) else [body["program"]]
        allowed = [f for t in row["runInputTypes"] for f in INPUT_FORMATS.get(t, (t,))]
        for p in programs:
            if p["format"] not in allowed:
                raise invalid((("program", "format"), f"{row['qrn']} takes {', '.join(allowed)}"))
        for field, is_bad in (("maxShots", lambda s, m: s > m), ("minShots", lambda s, m: s < m)):
            if row.get(field) and body.get("shots") and is_bad(body["shots"], row[field]):
                raise invalid((("shots",), f"{field} of {row['qrn']} is {row[field]}"))
        noise = (body.get("runtimeOptions") or {}).get("noiseModel")
        if noise is not None and noise not in (row["noiseModels"] or []):
            raise invalid(
                (("runtimeOptions", "noiseModel"), f"{row['qrn']} has no such noise model")
            )

    # --- jobs ---

    def find_job(self, owner, job_id):
        job = self.jobs.by_id.get(job_id)
        if job is None and "-qjob-" not in job_id:
            raise ApiError(
                422,
                {"detail": [{"loc": ["path", "job_qrn"], "msg": "bad QRN", "type": "value_error"}]},
            )
        if job is None or job.is_gone(self.clock.now()):
            raise ApiError(404, {"detail": f"Job {job_id} not found"})
        if job.owner != owner:
            raise ApiError(403, {"detail": "Not authorized to access this job"})
        job.reads += 1
        return job

    def get_job(self, _request, owner, job_id):
        return self.ok(self.job_view(self.find_job(owner, job_id)))

    def list_jobs(self, request, owner):
        query = request.query
        tags = None
        if query.get("tags"):
            try:
                tags = json.loads(query["tags"])
                if not isinstance(tags, dict):
                    raise ValueError
            except ValueError:
                raise ApiError(422, {"detail": "tags must be a JSON object"}) from None
        group = query.get("statusGroup", "all")
        if group not in ("pending", "returned", "all"):
            raise ApiError(422, {"detail": "statusGroup must be pending, returned or all"})
        status = query.get("status")
        jobs = self.jobs.listed(
            owner, tags, only_open=group == "pending" and not status and not tags
        )
        now = self.clock.now()
        if status:
            jobs = [j for j in jobs if j.state(now) == status]
        elif group != "all":
            jobs = [j for j in jobs if (j.state(now) in RETURNED) == (group == "returned")]
        for field, place in (("vendor", 0), ("provider", 1)):
            if query.get(field, "all") != "all":
                jobs = [j for j in jobs if j.request["deviceQrn"].split(":")[place] == query[field]]
        if query.get("search"):
            jobs = [j for j in jobs if query["search"] in f"{j.id} {j.request.get('name')}"]
        return self.page(request, jobs, 50, self.job_view)

    def page(self, request, rows, default_limit, view=lambda row: row):
        try:
            page = positive_integer(request.query.get("page"), 1, 1 << 30)
            limit = positive_integer(request.query.get("limit"), default_limit, MAX_LIMIT)
        except ValueError as why:
            raise ApiError(422, {"detail": f"page or limit {why}"}) from None
        pages = max(1, math.ceil(len(rows) / limit))
        shown = [view(row) for row in rows[(page - 1) * limit : page * limit]]
        return Reply(
            200,
            {
                "success": True,
                "data": shown,
                "pagination": {
                    "page": page,
                    "limit": limit,
                    "total": len(rows),
                    "totalPages": pages,
                    "hasNext": page < pages,
                    "hasPrev": page > 1,
                },
                "meta": {"timestamp": self.iso(self.clock.now())},
            },
        )

    def job_view(self, job):
        now, request, faults = self.clock.now(), job.request, job.faults
        state = job.state(now)
        vendor, provider = request["deviceQrn"].split(":")[:2]
        if "provider_object" in faults:
            vendor, provider = {"vendor": vendor.upper()}, {
                "_id": "0" * 24,
                "provider": provider.upper(),
            }
        queued = job.time_of("RUNNING") if state == "QUEUED" else None
        view = {
            "_id": f"{job.number:024x}",
            "jobQrn": job.id,
            "batchJobQrn": None,
            "groupJobQrn": request.get("groupJobQrn"),
            "deviceQrn": request["deviceQrn"],
            "vendor": vendor,
            "provider": provider,
            "status": state,
            "statusMsg": job.failure() if state == "FAILED" else None,
            "experimentType": "gate_model",
            "queuePosition": None if queued is None else max(0, math.ceil(queued - now)),
            "timeStamps": self.time_stamps(job, now),
            "name": request.get("name"),
            "shots": request.get("shots"),
            "tags": job.tags,
            "runtimeOptions": request.get("runtimeOptions") or {},
            "numCircuits": len(job.outcomes),
            "cost": self.money(job, self.cost(job)) if state in FINAL else None,
            "estimatedCost": self.money(job, self.price(request)),
            "metadata": {},
            **self.platform_fields(job, provider),
        }
        if "extra_fields" in faults:
            view.update({"queueTicket": {"lane": [1, None]}, "priorityClass": "standard"})
        return view

    @staticmethod
    def platform_fields(job, provider):
        """What the platform's own pages read."""
        directory = f"{job.owner}/{job.id}"
        return {
            "jobVrn": f"double-{job.number}",
            "organizationUserId": f"organization-1-{job.owner}",
            "deviceId": object_id(job.request["deviceQrn"]),
            "providerId": object_id(str(provider)),
            "error": None,
            "s3Destination": None,
            "gcsDestination": {"bucket": "double", "directory": directory},
        }

    def time_stamps(self, job, now):
        if "null_timestamps" in job.faults:
            return None
        if "empty_timestamps" in job.faults:
            return {}
        ended = job.ended_at(now)
        digits = 6 if job.number % 2 else 3
        started = job.time_of("RUNNING")
        duration = (
            None if ended is None or started is None else max(0, int((ended - started) * 1000))
        )
        return {
            "createdAt": self.iso(job.accepted, digits),
            "endedAt": self.iso(ended, digits),
            "executionDuration": duration,
        }

    @staticmethod
    def money(job, value):
        return f"{value:.3f}" if "cost_string" in job.faults else round(value, 6)

    def price(self, request, minutes=0.0):
        pricing = self.devices[request["deviceQrn"]].get("pricing") or {}
        per = {name: float(pricing.get(name) or 0) for name in ("perTask", "perShot", "perMinute")}
        return (
            per["perTask"]
            + per["perShot"] * (request.get("shots") or 0)
            + per["perMinute"] * minutes
        )

    def cost(self, job):
        """Credits of a job that ended; a cancelled or failed one costs nothing (assumed)."""
        now = self.clock.now()
        if job.state(now) != "COMPLETED":
            return 0.0
        started, ended = job.time_of("RUNNING"), job.ended_at(now)
        minutes = (ended - started) / 60 if started is not None else 0.0
        return round(self.price(job.request, minutes), 6)

    def delete_job(self, _request, owner, job_id):
        job = self.find_job(owner, job_id)
        job.deleted = True
        return self.ok({"jobQrn": job_id})

    def delete_jobs(self, request, owner):
        try:
            names = json.loads(request.query.get("qrns", ""))
        except ValueError:
            raise ApiError(422, {"detail": "qrns must be a JSON array"}) from None
        for job_id in names:
            self.find_job(owner, job_id).deleted = True
        return self.ok({"deleted": len(names)})

    def statuses(self, _request, owner):
        now, found = self.clock.now(), {}
        for job in self.jobs.listed(owner):
            state = job.state(now)
            found[state] = found.get(state, 0) + 1
        return self.ok(found)

    def estimate(self, request, _owner):
        row = self.find_device(request.query.get("deviceQrn", ""))
        try:
            shots = positive_integer(request.query.get("shots"), 1000, 1 << 31)
        except ValueError as why:
            raise ApiError(422, {"detail": f"shots {why}"}) from None
        found = {"deviceQrn": row["qrn"], "shots": shots, "pricingModel": row["pricingModel"]}
        if row["pricing"] is None:
            reason = "dynamic_pricing_unavailable"
            return self.ok({**found, "pricingAvailable": False, "reason": reason})
        cost = self.price({"deviceQrn": row["qrn"], "shots": shots}, 1.0)
        return self.ok({**found, "pricingAvailable": True, "estimatedCost": round(cost, 6)})

    # --- results ---

    def result(self, _request, owner, job_id):
        job = self.find_job(owner, job_id)
        now = self.clock.now()
        state = job.state(now)
        if state != "COMPLETED" or now < job.result_at():
            return self.not_yet(job, state)
        results = [self.result_view(job, o.result(), now) for o in job.outcomes]
        if job.is_batch:
            head = {k: results[0][k] for k in ("status", "cost", "timeStamps")}
            return self.ok({**head, "results": results})
        return self.ok(results[0])

    def not_yet(self, job, state):
        form = job.faults.get("late_result", {}).get("as", 409) if state == "COMPLETED" else 409
        message = f"Result not available, job is {state}"
        if form == "not_success":
            return Reply(200, {"success": False, "data": {"message": message, "status": state}})
        raise ApiError(form, {"detail": message})

    def result_view(self, job, outcome, now):
        data = {
            "measurementCounts": self.counts(job, outcome),
            "runnerVersion": "double",
            "runnerSeed": None,
        }
        return {
            "status": "COMPLETED",
            "cost": self.money(job, self.cost(job)),
            "timeStamps": self.time_stamps(job, now),
            "resultData": data,
        }

    def counts(self, job, outcome):
        faults, width = job.faults, outcome.clbits()
        found = {}
        for bits, count in outcome.counts.items():
            key = self.key_text(bits, width, outcome.registers, faults)
            found[key] = float(count) if "float_counts" in faults else count
        return found

    @staticmethod
    def key_text(bits, width, registers, faults):
        """A key as qBraid writes it: clbit 0 last. Several registers make no gap (assumed), but
        some vendors' do."""
        if "hex_keys" in faults:
            return hex(bits)
        text = f"{bits:0{max(width, 1)}b}"
        if "spaced_keys" in faults:
            if len(registers) <= 1:
                return " ".join(text)
            words, at = [], len(text)
            for _, size in registers:
                words.insert(0, text[at - size : at])
                at -= size
            return " ".join(words)
        if "short_keys" in faults:
            return text.lstrip("0") or "0"
        return text

    def program(self, _request, owner, job_id):
        return self.ok(self.find_job(owner, job_id).request["program"])

    def compiled_program(self, _request, owner, job_id):
        job = self.find_job(owner, job_id)
        done = job.state(self.clock.now()) == "COMPLETED"
        if not done or ":qpu:" not in job.request["deviceQrn"]:
            raise ApiError(404, {"detail": "No compiled program"})
        return self.ok(job.request["program"])

    def cancel(self, _request, owner, job_id):
        job = self.find_job(owner, job_id)
        if not self.jobs.cancel(job):
            state = job.state(self.clock.now())
            raise ApiError(400, {"detail": f"Job cannot be cancelled, it is {state}"})
        return Reply(202, {"success": True, "data": {"jobQrn": job.id, "status": "CANCELLING"}})

    # --- groups ---

    def create_group(self, request, owner):
        body = json_object(request)
        name = f"group-{len(self.groups) + 1:06d}"
        self.groups[name] = {
            "groupJobQrn": name,
            "owner": owner,
            "status": "OPEN",
            "name": body.get("name"),
            "tags": body.get("tags") or {},
            "metadata": body.get("metadata") or {},
            "maxTTL": body.get("maxTTL") or 3600,
            "timeStamps": {"createdAt": self.iso(self.clock.now())},
        }
        return Reply(201, {"success": True, "data": self.group_view(self.groups[name])})

    def find_group(self, owner, name):
        group = self.groups.get(name)
        if group is None or group["owner"] != owner:
            raise ApiError(404, {"detail": f"Group {name} not found"})
        return group

    def members(self, group):
        return [
            j
            for j in self.jobs.by_id.values()
            if j.request.get("groupJobQrn") == group["groupJobQrn"]
        ]

    def group_view(self, group):
        now, jobs = self.clock.now(), self.members(group)
        states = [job.state(now) for job in jobs]
        counts = {
            "jobCount": len(jobs),
            "completedCount": states.count("COMPLETED"),
            "failedCount": states.count("FAILED"),
            "cancelledCount": states.count("CANCELLED"),
        }
        status = group["status"]
        if status == "CLOSED" and jobs and all(state in FINAL for state in states):
            status = "FAILED" if "FAILED" in states else "COMPLETED"
        names = {"jobQrns": [job.id for job in jobs], "status": status}
        return {**{k: v for k, v in group.items() if k != "owner"}, **counts, **names}

    def list_groups(self, request, owner):
        rows = [self.group_view(g) for g in self.groups.values() if g["owner"] == owner]
        if "status" in request.query:
            rows = [row for row in rows if row["status"] == request.query["status"]]
        return self.page(request, rows[::-1], 50)

    def get_group(self, _request, owner, name):
        return self.ok(self.group_view(self.find_group(owner, name)))

    def close_group(self, _request, owner, name):
        group = self.find_group(owner, name)
        group["status"] = "CLOSED"
        return self.ok(self.group_view(group))

    def cancel_group(self, _request, owner, name):
        group = self.find_group(owner, name)
        group["status"] = "CANCELLED"
        for job in self.members(group):
            self.jobs.cancel(job)
        return self.ok(self.group_view(group))

    def group_jobs(self, _request, owner, name):
        return self.ok([self.job_view(j) for j in self.members(self.find_group(owner, name))])

    @staticmethod
    def ok(data):
        return Reply(200, {"success": True, "data": data})
