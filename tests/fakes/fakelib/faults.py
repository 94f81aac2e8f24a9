"""Which request or job goes wrong, and how: rules with a probability and a seed, or an index.

A rule is an object:
    fault    one of REQUEST_FAULTS or JOB_FAULTS
    p        probability, default 1
    every    instead of p: exactly one of each so many that the rule looks at, at a drawn place
    at       list of indexes, from 0, of the requests (or submits) that the rule looks at
    times    fires at most this often
    routes   names of routes, for request faults; default all but those of IMMUNE
    once     true: looks only at the first request of a route for each job, e.g. its first submit;
             requests that belong to no job are all looked at
    tags     {name: value} that the job must have, for job faults
    and the fault's own parameters, below
Every rule draws from a generator of its own, made of the seed and its place in the list, so that a
rule more or less does not move the others.
"""

import email.utils
import random
import time

# What goes wrong with one request: name -> (description, parameters with their defaults).
REQUEST_FAULTS = {
    "delay": ("the reply comes later", {"seconds": 0.3}),
    "throttle": ("429, nothing done", {"retry_after": None}),
    "error_before": ("a 5xx, nothing done", {"status": None, "shape": None}),
    "error_after": ("a 5xx, although it was done", {"status": None, "shape": None}),
    "cut": ("done, and the connection closes within the body", {"share": 0.5}),
    "truncate": ("done, and the body is a whole reply of cut JSON", {"share": 0.5}),
    "reset_before": ("connection reset, nothing done", {}),
    "reset_after": ("done, and the connection is reset instead of a reply", {}),
    "dribble": ("the body comes in pieces", {"pieces": 10, "pause": 0.05}),
    "html": ("done, and the reply is a 200 with a proxy's page", {}),
    "not_success": ('done, and the reply is a 200 with "success": false', {}),
    "refuse": ("this status, nothing done", {"status": 403, "shape": None}),
}

# What is odd about one job, drawn when it is accepted; seconds are the vendor's.
JOB_FAULTS = {
    "late_result": (
        "COMPLETED comes this much before the result; `as`: 409, 404 or not_success",
        {"seconds": 20.0, "as": 409},
    ),
    "hold": ("HOLD before COMPLETED; null: HOLD for ever", {"seconds": 30.0}),
    "unknown": ("UNKNOWN for a time", {"seconds": 20.0}),
    "new_state": (
        "a state that no client knows, for a time",
        {"state": "TRANSPILING", "seconds": 10.0},
    ),
    "backwards": ("RUNNING, then QUEUED again", {"seconds": 5.0}),
    "skip": ("COMPLETED at once, no state between", {}),
    "fails": ("ends FAILED", {"message": "device error: lost lock"}),
    "stuck": ("stays RUNNING for ever", {}),
    "slow": ("runs this many times longer", {"factor": 10.0}),
    "vanish": ("404 from the moment it ends", {}),
    "list_lag": ("not in lists for a time after the submit", {"seconds": 5.0}),
    "cancel_race": ("a cancel is accepted, and the job ends COMPLETED", {}),
    "cancel_refused": ("a cancel is answered with 400", {}),
    "late_after_cancel": (
        "CANCELLED, and turns COMPLETED with a result afterwards",
        {"seconds": 10.0},
    ),
    "cost_string": ("costs are strings", {}),
    "null_timestamps": ("timeStamps is null", {}),
    "empty_timestamps": ("timeStamps is {}", {}),
    "float_counts": ("counts are floats", {}),
    "spaced_keys": ("a space between registers (or bits) in keys", {}),
    "hex_keys": ("keys are hexadecimal", {}),
    "short_keys": ("keys without leading zeros", {}),
    "provider_object": ("vendor and provider are objects, in capitals", {}),
    "short_submit": ("the reply to the submit has the job's name and status only", {}),
    "extra_fields": ("fields that no client knows", {}),
}

# Shapes of an error's body that the vendors or the proxies before them use.
ERROR_SHAPES = ("detail", "detail_list", "message", "error", "error_object", "not_success", "html")
ERROR_STATUSES = (500, 502, 503, 504, 520, 522, 524)
# A client asks for these once at its start; an error there tests nothing of interest.
IMMUNE = ("verify",)
# Alone they leave no right end to wait for, so the preset leaves them out.
NOT_IN_PRESET = ("refuse", "fails", "stuck", "vanish", "list_lag", "slow")


class FaultError(ValueError):
    """A rule that makes no sense."""


def check_rule(rule):
    known = REQUEST_FAULTS.get(rule.get("fault")) or JOB_FAULTS.get(rule.get("fault"))
    if known is None:
        raise FaultError(f"no fault is called {rule.get('fault')!r}")
    allowed = {"fault", "p", "every", "at", "times", "routes", "once", "tags", *known[1]}
    unknown = set(rule) - allowed
    if unknown:
        raise FaultError(f"{rule['fault']} has no parameter {sorted(unknown)[0]!r}")
    if int(rule.get("every", 1)) < 1:
        raise FaultError("every is less than 1")
    return known[1]


class Rule:
    def __init__(self, rule, seed, place):
        self.values = {**check_rule(rule), **rule}
        self.fault = rule["fault"]
        self.rng = random.Random(f"{seed}:{place}:{self.fault}")
        self.seen = 0
        self.fired = 0
        self.place = 0
        self.subjects = set()

    def is_new(self, subject):
        """Whether a rule with `once` still looks at this (route, job)."""
        if not self.values.get("once") or subject is None:
            return True
        is_new = subject not in self.subjects
        self.subjects.add(subject)
        return is_new

    def fires(self):
        """Whether this one of those that the rule looks at goes wrong."""
        index = self.seen
        self.seen += 1
        if "every" in self.values and index % self.values["every"] == 0:
            self.place = index + self.rng.randrange(self.values["every"])
        if self.fired >= self.values.get("times", float("inf")):
            return False
        if "at" in self.values:
            hit = index in self.values["at"]
        elif "every" in self.values:
            hit = index == self.place
        else:
            hit = self.rng.random() < self.values.get("p", 1.0)
        self.fired += hit
        return hit

    def sees_route(self, route):
        routes = self.values.get("routes")
        return route in routes if routes else route not in IMMUNE

    def sees_tags(self, tags):
        return all(tags.get(k) == v for k, v in self.values.get("tags", {}).items())


class Faults:
    def __init__(self):
        self.rules = []
        self.rng = random.Random(0)
        self.set({})

    def set(self, spec):
        """{"seed": 7, "rules": [...], "preset": {"p": 0.1}}; rules come before the preset's."""
        seed = spec.get("seed", 0)
        rules = list(spec.get("rules", []))
        if "preset" in spec:
            rules += preset(**spec["preset"])
        self.rules = [Rule(rule, seed, place) for place, rule in enumerate(rules)]
        self.rng = random.Random(f"{seed}:shapes")

    def of_request(self, route, subject):
        """The fired rules of a request: (the delay or None, one other or None)."""
        fired = [
            rule
            for rule in self.rules
            if rule.fault in REQUEST_FAULTS
            and rule.sees_route(route)
            and rule.is_new(subject)
            and rule.fires()
        ]
        delays = [rule for rule in fired if rule.fault == "delay"]
        others = [rule for rule in fired if rule.fault != "delay"]
        return delays[0] if delays else None, self.rng.choice(others) if others else None

    def of_job(self, tags):
        """{fault: parameters} of a new job."""
        return {
            rule.fault: rule.values
            for rule in self.rules
            if rule.fault in JOB_FAULTS and rule.sees_tags(tags) and rule.fires()
        }

    def report(self):
        return [
            {"fault": rule.fault, "seen": rule.seen, "fired": rule.fired} for rule in self.rules
        ]


def preset(p=0.1, every=None, without=(), only=None, **common):
    """Every fault after which a client can still end a job right, each with this probability or, if
    `every` is given, in exactly one of so many; 429 in its three forms. `common` (once, routes) is
    for all request faults."""
    rules = []
    for name in [*REQUEST_FAULTS, *JOB_FAULTS]:
        if name in NOT_IN_PRESET or name in without or (only is not None and name not in only):
            continue
        forms = [{}]
        if name == "throttle":
            forms = [{"retry_after": form} for form in (None, 1, "date")]
        share = {"every": every * len(forms)} if every else {"p": p / len(forms)}
        of_requests = common if name in REQUEST_FAULTS else {}
        rules += [{"fault": name, **share, **of_requests, **form} for form in forms]
    return rules


def retry_after(value):
    """The header for null (none), seconds, or "date" (one second from now)."""
    if value is None:
        return {}
    if value == "date":
        return {"Retry-After": email.utils.formatdate(time.time() + 1, usegmt=True)}
    return {"Retry-After": str(value)}


def error_body(shape, status, message):
    """(body, content type) of an error."""
    bodies = {
        "detail": {"detail": message},
        "detail_list": {"detail": [{"loc": ["body"], "msg": message, "type": "server_error"}]},
        "message": {"success": False, "message": message},
        "error": {"error": message},
        "error_object": {"success": False, "error": {"message": message, "code": "SERVER_ERROR"}},
        "not_success": {"success": False, "data": {"message": message, "status": "error"}},
        "ionq": {"error": "Internal Server Error", "message": message, "statusCode": status},
    }
    if shape == "html":
        page = f"<!DOCTYPE html><title>{status}</title><body>{message}</body>"
        return page.encode(), "text/html; charset=UTF-8"
    return bodies[shape], "application/json"
