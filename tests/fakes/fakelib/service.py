"""What both doubles do with a request before and after the vendor's own part: keys, quota, faults,
accounting, and the control routes below /_fake/.
"""

import collections
import json
import math
import time
import traceback

from . import faults as fault_rules
from .clock import Clock
from .faults import Faults, FaultError
from .httpd import Reply
from .jobs import Jobs
from .quota import Quota
from .runner import Gateway, OwnSimulator

MAX_LOG = 200_000


class ApiError(Exception):
    """What the vendor answers instead of a result."""

    def __init__(self, status, body, headers=None):
        super().__init__(status)
        self.status = status
        self.body = body
        self.headers = headers or {}


class Service:
    """Of a vendor: `prefix`, `routes`, and the methods at the end."""

    prefix = ""
    public_routes = ()
    default_shapes = ("detail",)
    default_quota = 1000
    routes = ()  # (name, method, pattern of the path, call(request, owner, *groups))

    def __init__(self, options):
        self.options = options
        self.runner = Gateway(options.gateway) if options.gateway else OwnSimulator()
        self.epoch = time.time()
        self.faults = Faults()
        self.reset()

    @staticmethod
    def key_and_owner(text):
        key, _, owner = text.partition("=")
        return key, owner or "user-1"

    def reset(self):
        """As it was at its start."""
        options = self.options
        self.clock = Clock(options.speed)
        limit = self.default_quota if options.quota is None else options.quota
        self.quota = Quota(self.clock, limit, options.anonymous_quota, options.window)
        self.jobs = Jobs(self.clock, options.seed)
        for name in ("queued", "running", "cancelling", "jitter"):
            if getattr(options, name) is not None:
                setattr(self.jobs.timing, name, getattr(options, name))
        self.faults.set({})
        self.keys = dict(self.key_and_owner(k) for k in options.key)
        self.epoch = time.time()
        self.route_codes = collections.Counter()
        self.log = collections.deque(maxlen=MAX_LOG)
        self.total = 0
        self.unauthorized = 0
        self.bugs = 0

    # --- one request ---

    def handle(self, request):
        try:
            return self.handle_or_raise(request)
        except Exception:  # pylint: disable=broad-exception-caught
            traceback.print_exc()
            self.bugs += 1
            return Reply(500, {"detail": "a bug of the double, see its standard error"})

    def handle_or_raise(self, request):
        if request.path.startswith("/_fake/"):
            return self.control(request)
        self.total += 1
        try:
            name, call = self.route(request)
        except ApiError as error:
            name, call = "unknown", error
        delay, fault = self.faults.of_request(name, self.subject(request, name))
        reply = self.answer(request, name, call, fault)
        if delay:
            reply.delay += delay.values["seconds"]
        fired = [rule.fault for rule in (delay, fault) if rule]
        self.account(request, name, reply, fired)
        return reply

    def route(self, request):
        """(name, call(request, owner) -> Reply) of a request, or ApiError."""
        path, is_known = request.path.rstrip("/"), False
        for name, method, pattern, call in self.routes:
            found = pattern.match(path)
            if found and method == request.method:
                return name, lambda r, owner: call(r, owner, *found.groups())
            is_known = is_known or bool(found)
        raise self.no_route(is_known)

    def answer(self, request, name, call, fault):
        try:
            owner, is_anonymous = self.authorize(request, name)
            self.check_quota(owner, is_anonymous)
            reply = self.before(fault)
            if reply is None:
                if isinstance(call, ApiError):
                    raise call
                reply = self.after(fault, call(request, owner))
        except ApiError as error:
            owner, is_anonymous = self.identity(request)
            reply = Reply(error.status, error.body, error.headers)
        if not self.options.no_quota_headers:
            reply.headers.update(self.headers_of_quota(owner, is_anonymous))
        return reply

    def account(self, request, name, reply, fired):
        code = "reset" if reply.reset else reply.status
        self.route_codes[f"{name} {code}"] += 1
        self.log.append(
            {
                "n": self.total - 1,
                "at": round(time.monotonic(), 6),
                "method": request.method,
                "path": request.path,
                "query": request.query,
                "route": name,
                "code": code,
                "faults": fired,
            }
        )

    def subject(self, request, name):
        """(route, job) that a request is about, None when it is about none."""
        if name == "submit":
            try:
                value = self.tags_of(json_object(request)).get(self.options.tag)
            except (ValueError, AttributeError):
                return None
            return None if value is None else (name, value)
        if request.query.get("tags"):
            return name, request.query["tags"]
        parts = request.path.removeprefix(self.prefix).split("/")
        return (name, parts[2]) if parts[1:2] == ["jobs"] and len(parts) > 2 else None

    # --- keys and quota ---

    def identity(self, request):
        """(owner, is anonymous); an address stands for one without a good key."""
        owner = self.keys.get(self.key_of(request))
        return (owner, False) if owner else (("address", request.peer), True)

    def authorize(self, request, name):
        owner, is_anonymous = self.identity(request)
        if is_anonymous and name not in self.public_routes:
            self.unauthorized += 1
            wait = self.quota.take(owner, True)
            if wait is not None:
                raise self.too_many(wait)
            raise ApiError(401, self.error(401, "Invalid or missing API key"))
        return owner, is_anonymous

    def check_quota(self, owner, is_anonymous):
        wait = self.quota.take(owner, is_anonymous)
        if wait is not None:
            raise self.too_many(wait)

    def too_many(self, wait):
        real = self.clock.real_seconds(wait)
        headers = {} if real is None else {"Retry-After": str(max(1, math.ceil(real)))}
        return ApiError(429, self.error(429, "Too many requests"), headers)

    def headers_of_quota(self, owner, is_anonymous):
        limit, left, reset = self.quota.left(owner, is_anonymous)
        if not limit:
            return {}
        return {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(left),
            "X-RateLimit-Reset": str(math.ceil(self.clock.real_seconds(reset) or 0)),
        }

    # --- faults of one request ---

    def before(self, rule):
        """The reply of a fault that leaves nothing done, or None."""
        if rule is None:
            return None
        if rule.fault == "throttle":
            headers = fault_rules.retry_after(rule.values["retry_after"])
            return Reply(429, self.error(429, "Too many requests"), headers)
        if rule.fault in ("error_before", "refuse"):
            return self.server_error(rule)
        if rule.fault == "reset_before":
            reply = Reply(200)
            reply.reset = True
            return reply
        return None

    def after(self, rule, reply):
        """The fault on the reply of what was done."""
        if rule is None:
            return reply
        if rule.fault == "error_after":
            return self.server_error(rule)
        if rule.fault == "cut":
            reply.cut = rule.values["share"]
        elif rule.fault == "truncate":
            reply.truncate = rule.values["share"]
        elif rule.fault == "reset_after":
            reply.reset = True
        elif rule.fault == "dribble":
            reply.dribble, reply.pause = rule.values["pieces"], rule.values["pause"]
        elif rule.fault == "html":
            page, content_type = fault_rules.error_body("html", 200, "checking your browser")
            reply = Reply(200, page, content_type=content_type)
        elif rule.fault == "not_success":
            reply = Reply(200, fault_rules.error_body("not_success", 200, "try again later")[0])
        return reply

    def server_error(self, rule):
        status = rule.values["status"] or self.faults.rng.choice(fault_rules.ERROR_STATUSES)
        shape = rule.values["shape"] or self.faults.rng.choice(self.default_shapes)
        body, content_type = fault_rules.error_body(shape, status, "injected by the double")
        return Reply(status, body, content_type=content_type)

    # --- time ---

    def iso(self, at, digits=3):
        """The vendor's second as an ISO time."""
        if at is None or math.isinf(at):
            return None
        real = self.epoch + at
        fraction = f"{real % 1:.6f}"[2 : 2 + digits]
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(real)) + f".{fraction}Z"

    # --- control ---

    def control(self, request):
        name = request.path.removeprefix("/_fake/").strip("/")
        handler = getattr(self, "control_" + name.replace("-", "_").split("/")[0], None)
        if handler is None:
            return Reply(404, {"error": f"no control is called {name}"})
        try:
            body = request.json() if request.body else {}
            found = handler(request, body)
        except (FaultError, ValueError, KeyError, TypeError, AttributeError) as why:
            return Reply(400, {"error": f"{type(why).__name__}: {why}"})
        return Reply(200, found if found is not None else {"ok": True})

    def control_ready(self, _request, _body):
        return {"ready": True}

    def control_faults(self, request, body):
        if request.method in ("PUT", "POST"):
            self.faults.set(body)
        elif request.method == "DELETE":
            self.faults.set({})
        return {"rules": self.faults.report()}

    def control_stats(self, _request, _body):
        return {
            "requests": self.total,
            "by_route": dict(sorted(self.route_codes.items())),
            "quota": self.quota.report(),
            "unauthorized": self.unauthorized,
            "bugs": self.bugs,
            "jobs": len(self.jobs.by_id),
            "states": self.jobs.states(),
            "duplicates": self.jobs.duplicates(self.options.tag),
            "tags": len({v for (n, v) in self.jobs.by_tag if n == self.options.tag}),
            "cost": sum(self.cost(job) for job in self.jobs.by_id.values()),
            "faults": self.faults.report(),
            "now": self.clock.now(),
        }

    def control_log(self, request, _body):
        since = int(request.query.get("since", 0))
        return [row for row in self.log if row["n"] >= since]

    def control_jobs(self, request, body):
        parts = request.path.strip("/").split("/", 2)
        if len(parts) == 3:
            return self.control_job(self.jobs.by_id[parts[2]], body)
        return [self.describe(job) for job in self.jobs.by_id.values()]

    def control_job(self, job, body):
        """Moves a job to a state at once: {"state": "COMPLETED"}."""
        if "state" in body:
            now = self.clock.now()
            job.life = [(at, s) for at, s in job.life if at < now] + [(now, body["state"])]
            self.jobs.watch(job)
        return self.describe(job)

    def describe(self, job):
        now = self.clock.now()
        return {
            "id": job.id,
            "owner": job.owner,
            "tags": job.tags,
            "state": job.state(now),
            "life": [[at if at != math.inf else None, state] for at, state in job.life],
            "faults": sorted(job.faults),
            "cancels": job.cancels,
            "reads": job.reads,
            "deleted": job.deleted,
            "request": job.request,
        }

    def control_reset(self, _request, _body):
        self.reset()

    def control_clock(self, _request, body):
        """{"speed": 60} or {"advance": 900}"""
        if "speed" in body:
            self.clock.set_speed(float(body["speed"]))
        self.clock.advance(float(body.get("advance", 0)))
        return {"now": self.clock.now(), "speed": self.clock.speed}

    def control_settings(self, _request, body):
        """Changes {"quota": {...}, "timing": {...}, "keys": {...}} while it runs."""
        for name, value in body.get("quota", {}).items():
            if not hasattr(self.quota, name):
                raise KeyError(name)
            setattr(self.quota, name, value)
        for name, value in body.get("timing", {}).items():
            if not hasattr(self.jobs.timing, name):
                raise KeyError(name)
            setattr(self.jobs.timing, name, float(value))
        if "keys" in body:
            self.keys = dict(body["keys"])
        if "devices" in body:
            self.change_devices(body["devices"])

    # --- what a vendor has of its own ---

    def no_route(self, is_known):
        """The ApiError for a path that there is not, or not with this method."""
        raise NotImplementedError

    def key_of(self, request):
        raise NotImplementedError

    def error(self, status, message):
        raise NotImplementedError

    def tags_of(self, body):
        """The tags in a submit's body."""
        raise NotImplementedError

    def cost(self, job):
        raise NotImplementedError

    def change_devices(self, changes):
        raise NotImplementedError


def positive_integer(text, default, most):
    """A page or limit of a query: its value, or ValueError."""
    if text is None or text == "":
        return default
    value = int(text)
    if value < 1 or value > most:
        raise ValueError(f"must be from 1 to {most}")
    return value


def json_object(request):
    """The body as an object, or ValueError."""
    try:
        body = request.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise ValueError("the body is not JSON") from None
    if not isinstance(body, dict):
        raise ValueError("the body is not an object")
    return body
