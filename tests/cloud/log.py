"""The log of requests that tests assert on. Keeps no bodies, so that thousands of uploads cost little memory."""

import threading
import time
from collections import deque
from typing import Any

from cloud.aws.call import Call
from cloud.http import Request

_MOST_ENTRIES = 200_000


class Entry:
    """One logged request; `finish` adds the answer's status, `fault` is the kind of the fault that struck it."""

    __slots__ = ("call", "ended", "fault", "headers", "method", "n", "path", "query", "started", "status")

    def __init__(self, n: int, request: Request, call: Call) -> None:
        self.n = n
        self.call = call
        self.method = request.method
        self.path = request.path
        self.query = request.query
        self.headers = request.headers
        self.started = request.started
        self.ended: float | None = None
        self.status: int | None = None
        self.fault = ""

    def finish(self, status: int) -> None:
        """Note how the request was answered; 0 is a connection closed without an answer."""
        self.status = status
        self.ended = time.time()

    def as_json(self) -> dict[str, Any]:
        """The entry as `/_cloud/requests` shows it; `started` and `ended` are Unix times in seconds."""
        return {
            "n": self.n,
            "service": self.call.service,
            "operation": self.call.operation,
            "method": self.method,
            "path": self.path.encode(errors="surrogateescape").decode(errors="replace"),
            "query": self.query,
            "status": self.status,
            "fault": self.fault,
            "access_key": self.call.access_key,
            "region": self.call.region,
            "headers": {name: value for name, value in self.headers.items() if name != "authorization"},
            "params": self.call.params,
            "started": self.started,
            "ended": self.ended,
        }


class RequestLog:
    """All requests since the start or the last `clear`, in order of arrival."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: deque[Entry] = deque(maxlen=_MOST_ENTRIES)
        self._count = 0

    def add(self, request: Request, call: Call) -> Entry:
        """Log a request that has just arrived."""
        with self._lock:
            self._count += 1
            entry = Entry(self._count, request, call)
            self._entries.append(entry)
        return entry

    def as_json(self) -> list[dict[str, Any]]:
        """All entries as JSON."""
        with self._lock:
            entries = list(self._entries)
        return [entry.as_json() for entry in entries]

    def clear(self) -> None:
        """Forget all entries; numbering goes on."""
        with self._lock:
            self._entries.clear()
