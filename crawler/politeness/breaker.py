"""The circuit breaker: a host that does not answer is left alone for a while, then tried with one request.

After "Release It!" (M. Nygard): closed while all is well, open during a pause, half-open while one request tries.
"""

from __future__ import annotations

import math

_MOST_KNOWN = 50_000  # hosts in trouble; beyond that the oldest is forgotten


class _State:
    __slots__ = ("failures", "pauses", "reason", "until")

    def __init__(self) -> None:
        self.failures = 0
        self.pauses = 0
        self.until = 0.0
        self.reason = ""


class Breaker:
    """Counts failures in a row per host. Times are seconds of `time.monotonic`; `failures` 0 = never breaks.

    After `failures` of them the host rests for `pause` seconds, after each further one for twice as long, at most
    `max_pause` (0: whatever it is). A host that has failed after `give_up` pauses is given up.
    """

    def __init__(self, failures: int, pause: float, max_pause: float, give_up: int) -> None:
        self._failures = failures
        self._pause = pause
        self._max_pause = max_pause or math.inf
        self._give_up = give_up
        self._states: dict[str, _State] = {}

    def succeeded(self, host: str) -> None:
        """The host works."""
        if self._states:
            self._states.pop(host, None)

    def failed(self, host: str, started: float, now: float, reason: str) -> float:
        """A request failed; until when the host is to be left alone, 0.0 = it is not."""
        if not self._failures:
            return 0.0
        state = self._states.get(host)
        if state is None:
            if len(self._states) >= _MOST_KNOWN:
                del self._states[next(iter(self._states))]
            state = self._states[host] = _State()
        if state.pauses and started < state.until:
            return state.until  # it flew already when the pause began, and says nothing new
        state.failures += 1
        state.reason = reason
        if state.pauses or state.failures >= self._failures:
            last = state.pauses >= self._give_up  # nobody waits for a host that is given up
            state.until = now if last else now + min(self._max_pause, self._pause * 2.0 ** min(state.pauses, 64))
            state.pauses += 1
        return state.until

    def is_trying(self, host: str) -> bool:
        """Whether the host had a pause and has not answered since: one request at a time."""
        state = self._states.get(host) if self._states else None
        return state is not None and state.pauses > 0

    def given_up(self, host: str) -> str:
        """Why nothing more is asked of this host, or "" if it is."""
        state = self._states.get(host) if self._states else None
        if state is None or state.pauses <= self._give_up:
            return ""
        return f"{state.failures} failures in a row, the last one: {state.reason}"
