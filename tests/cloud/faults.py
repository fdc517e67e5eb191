"""Faults that tests order: errors, closed connections, delays and truncated answers for chosen operations."""

import threading
import time
from dataclasses import asdict, dataclass
from typing import Any

from cloud.aws.call import Call
from cloud.aws.errors import AwsError
from cloud.http import Dropped, Request


@dataclass
class Fault:
    """One ordered fault. It hits requests `skip`+1 to `skip`+`times` of those it matches; `times` -1 is all."""

    kind: str
    """`error`, `drop`, `delay` or `truncate`."""
    service: str = ""
    operation: str = ""
    match: str = ""
    """A part of the path, the query or a parameter; empty matches all."""
    times: int = 1
    skip: int = 0
    when: str = "before"
    """`before` the operation acts, or `after` it (`error` and `drop` only): the answer is lost, the effect is not."""
    status: int = 503
    code: str = "ServiceUnavailable"
    message: str = "Service is unable to handle request."
    seconds: float = 1.0

    def matches(self, request: Request, call: Call) -> bool:
        """Whether the fault is about this request."""
        return (
            self.service in ("", call.service)
            and self.operation in ("", call.operation)
            and (not self.match or self.match in f"{request.path}?{request.query} {call.params}")
        )


class Faults:
    """The ordered faults, in the order they were given; the first that matches is used."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def order(self, fault: Fault) -> None:
        """Add a fault."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._faults.clear()

    def as_json(self) -> list[dict[str, Any]]:
        """The faults that are left, with the counts that are left."""
        with self._lock:
            return [asdict(fault) for fault in self._faults]

    def take(self, request: Request, call: Call) -> Fault | None:
        """The fault that hits this request, counted."""
        if not self._faults:
            return None
        with self._lock:
            for fault in self._faults:
                if fault.times == 0 or not fault.matches(request, call):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                if fault.times > 0:
                    fault.times -= 1
                return fault
        return None


def strike(fault: Fault) -> None:
    """Let an `error`, `drop` or `delay` happen; a `truncate` acts on the answer instead."""
    match fault.kind:
        case "error":
            raise AwsError(fault.status, fault.code, fault.message)
        case "drop":
            raise Dropped
        case "delay":
            time.sleep(fault.seconds)
