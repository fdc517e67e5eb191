"""The operations by their names, and what they have in common: how they find an environment, read and cut lists."""

import base64
from collections.abc import Callable
from datetime import datetime
from typing import Any

from cloud.beanstalk import texts
from cloud.beanstalk.environment import Environment
from cloud.beanstalk.region import Region

_MOST_RECORDS = 1000

Params = dict[str, Any]
Operation = Callable[[Region, Params], dict[str, Any] | None]

OPERATIONS: dict[str, Operation] = {}
"""The operations, by moto's name of the method."""


def operation(function: Operation) -> Operation:
    """Add an operation."""
    OPERATIONS[function.__name__] = function
    return function


def environment_of(region: Region, params: Params) -> Environment:
    """The environment that the parameters name, by name or id."""
    application = params.get("ApplicationName")
    if application and application not in region.applications:
        raise texts.no_application(application)
    name, identifier = params.get("EnvironmentName"), params.get("EnvironmentId")
    found = region.find(name, identifier)
    if application and found.application != application:
        raise texts.no_environment(found.name)
    return found


def page_of(found: list[Any], params: Params) -> tuple[list[Any], str | None]:
    """One page of a list, and the token of the next."""
    start = decode(params["NextToken"]) if params.get("NextToken") else 0
    end = start + int(params.get("MaxRecords") or _MOST_RECORDS)
    return found[start:end], encode(end) if end < len(found) else None


def encode(number: int) -> str:
    """A token that stands for a number."""
    return base64.b64encode(f"token-{number}".encode()).decode()


def decode(token: str) -> int:
    """The number behind a token."""
    return int(base64.b64decode(token).decode().removeprefix("token-"))


def is_true(value: object) -> bool:
    """Whether a parameter says true."""
    return str(value).lower() == "true"


def seconds(time_filter: datetime | str) -> float:
    """A time filter as Unix time."""
    if isinstance(time_filter, str):
        time_filter = datetime.fromisoformat(time_filter.replace("Z", "+00:00"))
    return time_filter.timestamp()
