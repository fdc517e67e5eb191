"""What the handling of one request may look up without being passed it: the request's id and the cloud's state.

moto builds its response objects itself, so the Elastic Beanstalk operations added to them reach the state here.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cloud.faults import Fault
    from cloud.state import State

ACCOUNT = "123456789012"
"""The account that owns everything, unless an identity says otherwise."""


@dataclass(frozen=True)
class Context:
    """The request being handled."""

    request_id: str
    account: str
    state: State
    fault: Fault | None = None
    """The fault that strikes the request, for operations that carry it out themselves."""


_CURRENT: ContextVar[Context] = ContextVar("context")


def enter(context: Context) -> None:
    """Make `context` the one of this thread's request."""
    _CURRENT.set(context)


def strike(fault: Fault) -> None:
    """Let this thread's request be struck by a fault."""
    _CURRENT.set(replace(_CURRENT.get(), fault=fault))


def current() -> Context:
    """The context of the request that this thread handles."""
    return _CURRENT.get()
