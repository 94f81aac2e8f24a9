"""Requests per sliding window, refused beyond a limit, and what a client made of it."""

import collections


class Window:
    """One user's requests within the last `seconds`."""

    def __init__(self):
        self.times = collections.deque()
        self.peak = 0
        self.refused = 0

    def drop_old(self, now, seconds):
        while self.times and self.times[0] <= now - seconds:
            self.times.popleft()


class Quota:
    """1,000 requests in 15 minutes for a user, 100 for an address without a key.

    `limit` 0 switches it off. A refused request is counted as one of the window only with
    `count_refused`, as some limiters do.
    """

    def __init__(self, clock, limit=1000, anonymous_limit=100, seconds=900.0):
        self.clock = clock
        self.limit = limit
        self.anonymous_limit = anonymous_limit
        self.seconds = seconds
        self.count_refused = False
        self.windows = collections.defaultdict(Window)

    def take(self, owner, is_anonymous):
        """None when the request may pass, else the vendor's seconds until one may."""
        window, now = self.windows[owner], self.clock.now()
        limit = self.anonymous_limit if is_anonymous else self.limit
        window.drop_old(now, self.seconds)
        if limit and len(window.times) >= limit:
            wait = window.times[0] + self.seconds - now
            window.refused += 1
            if self.count_refused:
                window.times.append(now)
            return max(wait, 0.001)
        window.times.append(now)
        window.peak = max(window.peak, len(window.times))
        return None

    def left(self, owner, is_anonymous):
        """(limit, requests left, vendor's seconds until the oldest leaves the window)"""
        window, now = self.windows[owner], self.clock.now()
        limit = self.anonymous_limit if is_anonymous else self.limit
        window.drop_old(now, self.seconds)
        reset = window.times[0] + self.seconds - now if window.times else 0.0
        return limit, max(0, limit - len(window.times)), reset

    def report(self):
        now = self.clock.now()
        for window in self.windows.values():
            window.drop_old(now, self.seconds)
        return {
            "limit": self.limit,
            "seconds": self.seconds,
            "peak": max((w.peak for w in self.windows.values()), default=0),
            "refused": sum(w.refused for w in self.windows.values()),
            "in_window": {str(o): len(w.times) for o, w in self.windows.items()},
        }
