"""A vendor's jobs: what state each is in at a moment, and what a cancel does.

A job's life is a list of (second, state) made when it is accepted; nothing runs in the background,
its state is read from the clock. The words are qBraid's; the IonQ double translates them.
"""

import heapq
import itertools
import random

FINAL = ("COMPLETED", "FAILED", "CANCELLED")
FOREVER = float("inf")


class Timing:
    """The vendor's seconds that a job spends in each state, each times 0.5 to 1.5."""

    def __init__(self, initializing=0.2, queued=2.0, running=3.0, cancelling=1.0, jitter=0.5):
        self.initializing = initializing
        self.queued = queued
        self.running = running
        self.cancelling = cancelling
        self.jitter = jitter

    def spread(self, seconds, rng):
        return seconds * (1 + self.jitter * (2 * rng.random() - 1))


class Job:
    """`outcome` is a Future of a runner.Outcome, or a list of them for a batch."""

    def __init__(self, job_id, number, owner, accepted, tags, faults, outcomes, is_batch=False):
        self.id = job_id
        self.number = number
        self.owner = owner
        self.accepted = accepted
        self.tags = tags
        self.faults = faults
        self.outcomes = outcomes
        self.is_batch = is_batch
        self.request = {}
        self.life = []
        self.cancel_at = None
        self.deleted = False
        self.cancels = 0
        self.reads = 0

    # --- its life ---

    def plan(self, timing, rng):
        at, life = self.accepted, []

        def stay(state, seconds):
            nonlocal at
            life.append((at, state))
            at += seconds

        skip = "skip" in self.faults
        stay("INITIALIZING", 0 if skip else timing.spread(timing.initializing, rng))
        if not skip:
            stay("QUEUED", timing.spread(timing.queued, rng))
            for name, state in (("unknown", "UNKNOWN"), ("new_state", None)):
                if name in self.faults:
                    rule = self.faults[name]
                    stay(state or rule["state"], rule["seconds"])
            self.plan_running(stay, timing.spread(timing.running, rng))
        life.append((at, self.last_state()))
        self.life = life

    def plan_running(self, stay, seconds):
        seconds *= self.faults.get("slow", {}).get("factor", 1.0)
        if "backwards" in self.faults:
            stay("RUNNING", seconds / 2)
            stay("QUEUED", self.faults["backwards"]["seconds"])
        stay("RUNNING", FOREVER if "stuck" in self.faults else seconds)
        if "hold" in self.faults:
            hold = self.faults["hold"]["seconds"]
            stay("HOLD", FOREVER if hold is None else hold)

    def last_state(self):
        return "FAILED" if "fails" in self.faults else "COMPLETED"

    def failure(self):
        """Why it failed, when it did."""
        if "fails" in self.faults:
            return self.faults["fails"]["message"]
        return next(
            (o.result().failure for o in self.outcomes if o.done() and o.result().failure), None
        )

    def is_computed(self):
        return all(outcome.done() for outcome in self.outcomes)

    def state(self, now):
        state = self.life[0][1]
        for at, name in self.life:
            if at > now:
                break
            state = name
        if state == "COMPLETED" and not self.is_computed():
            return "RUNNING"
        if state == "COMPLETED" and self.failure():
            return "FAILED"
        return state

    def time_of(self, *states):
        """When it first entered one of these states, by its plan."""
        return next((at for at, name in self.life if name in states), None)

    def ended_at(self, now):
        return self.life[-1][0] if self.state(now) in FINAL else None

    def is_settled(self, now):
        """Whether it can never change again."""
        return now >= self.life[-1][0] and self.is_computed()

    def result_at(self):
        """From when the result can be read."""
        late = self.faults.get("late_result", {}).get("seconds", 0.0)
        return (self.time_of("COMPLETED") or 0.0) + late

    def is_listed(self, now):
        lag = self.faults.get("list_lag", {}).get("seconds", 0.0)
        return not self.deleted and now >= self.accepted + lag

    def is_gone(self, now):
        return self.deleted or ("vanish" in self.faults and self.state(now) in FINAL)

    # --- cancel ---

    def cancel(self, now, timing):
        """True when the request is accepted."""
        self.cancels += 1
        if self.state(now) in (*FINAL, "HOLD") or "cancel_refused" in self.faults:
            return False
        if self.cancel_at is not None:
            return True
        self.cancel_at = now
        end = now + timing.cancelling
        passed = [(at, state) for at, state in self.life if at <= now]
        if "cancel_race" in self.faults:
            tail = [(now, "CANCELLING"), (max(end, self.planned_end(end)), "COMPLETED")]
        elif "late_after_cancel" in self.faults:
            late = self.faults["late_after_cancel"]["seconds"]
            tail = [(now, "CANCELLING"), (end, "CANCELLED"), (end + late, "COMPLETED")]
        else:
            tail = [(now, "CANCELLING"), (end, "CANCELLED")]
        self.life = passed + tail
        return True

    def planned_end(self, default):
        at = self.life[-1][0]
        return default if at == FOREVER else at


class Jobs:
    """All jobs, found by id, by tag and by their owner."""

    def __init__(self, clock, seed=0):
        self.clock = clock
        self.timing = Timing()
        self.rng = random.Random(f"{seed}:jobs")
        self.numbers = itertools.count(1)
        self.by_id = {}
        self.by_owner = {}
        self.by_tag = {}
        self.open = {}  # those that can still change, in the order of their submit
        self.ends = []  # heap of (when it may be settled, number, job)

    def add(self, job_id, owner, tags, faults, outcomes, request, is_batch=False):
        now = self.clock.now()
        job = Job(job_id, next(self.numbers), owner, now, tags, faults, outcomes, is_batch)
        job.request = request
        job.plan(self.timing, self.rng)
        self.by_id[job_id] = job
        self.by_owner.setdefault(owner, []).append(job)
        self.watch(job)
        for name, value in tags.items():
            self.by_tag.setdefault((name, value), []).append(job)
        return job

    def watch(self, job):
        """To be called whenever a job's life has changed."""
        self.open[job.id] = job
        heapq.heappush(self.ends, (job.life[-1][0], job.number, job))

    def cancel(self, job):
        accepted = job.cancel(self.clock.now(), self.timing)
        self.watch(job)
        return accepted

    def settle(self):
        """Forgets those that can no longer change as open ones."""
        now, unfinished = self.clock.now(), []
        while self.ends and self.ends[0][0] <= now:
            job = heapq.heappop(self.ends)[2]
            if job.is_settled(now):
                self.open.pop(job.id, None)
            else:
                unfinished.append((max(now, job.life[-1][0]) + 0.01, job.number, job))
        for entry in unfinished:
            heapq.heappush(self.ends, entry)

    def listed(self, owner, tags=None, only_open=False):
        """The owner's jobs that lists show, the newest first."""
        now = self.clock.now()
        if tags:
            name, value = next(iter(tags.items()))
            found = self.by_tag.get((name, value), [])
        elif only_open:
            self.settle()
            found = self.open.values()
        else:
            found = self.by_owner.get(owner, [])
        jobs = [job for job in found if job.owner == owner and job.is_listed(now)]
        for name, value in list((tags or {}).items())[1:]:
            jobs = [job for job in jobs if job.tags.get(name) == value]
        return jobs[::-1]

    def duplicates(self, tag):
        """{value: [job ids]} of the tag's values that more than one job has."""
        return {
            str(value): [job.id for job in jobs]
            for (name, value), jobs in self.by_tag.items()
            if name == tag and len(jobs) > 1
        }

    def states(self):
        now, found = self.clock.now(), {}
        for job in self.by_id.values():
            state = job.state(now)
            found[state] = found.get(state, 0) + 1
        return found
