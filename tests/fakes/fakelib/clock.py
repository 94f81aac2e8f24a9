"""The vendor's time: it runs faster than ours by a factor, and can be moved forward."""

import time


class Clock:
    """Seconds since the start, as the vendor counts them."""

    def __init__(self, speed=1.0):
        self.speed = speed
        self._since = time.monotonic()
        self._base = 0.0

    def now(self):
        return self._base + (time.monotonic() - self._since) * self.speed

    def set_speed(self, speed):
        self._base, self._since, self.speed = self.now(), time.monotonic(), speed

    def advance(self, seconds):
        self._base += seconds

    def real_seconds(self, seconds):
        """How long a client waits for this much of the vendor's time; None: for ever."""
        return seconds / self.speed if self.speed > 0 else None
