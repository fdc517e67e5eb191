"""The functions of expressions, but for those that ask for the job's status.

As GitHub's own evaluator has them: https://github.com/actions/languageservices/tree/main/expressions/src/funcs,
https://github.com/actions/runner/tree/main/src/Sdk/DTExpressions2/Expressions2/Sdk/Functions. What they refuse is a
ValueError or a TypeError.
"""

import json
import math
import re
from collections.abc import Callable
from typing import Any

from runner.values import are_equal, to_string

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{(\d+)[^{}]*\}|[{}]", re.ASCII)


def _contains(haystack: Any, needle: Any) -> bool:
    if isinstance(haystack, list):
        return any(are_equal(item, needle) for item in haystack)
    return _is_primitive(haystack, needle) and to_string(needle).lower() in to_string(haystack).lower()


def _starts_with(text: Any, start: Any) -> bool:
    return _is_primitive(text, start) and to_string(text).lower().startswith(to_string(start).lower())


def _ends_with(text: Any, end: Any) -> bool:
    return _is_primitive(text, end) and to_string(text).lower().endswith(to_string(end).lower())


def _is_primitive(*values: Any) -> bool:
    return not any(isinstance(value, (dict, list)) for value in values)


def _format(text: Any, *values: Any) -> str:
    def fill(found: re.Match[str]) -> str:
        if found[0] in ("{{", "}}"):
            return found[0][0]
        if found[1] is None:
            raise ValueError(f"the format string is invalid: {text}")
        if int(found[1]) >= len(values):
            raise ValueError(f"format has no argument {found[1]}")
        return to_string(values[int(found[1])])

    return _PLACEHOLDER.sub(fill, to_string(text))


def _join(items: Any, separator: Any = ",") -> str:
    if isinstance(items, list):
        return (to_string(separator) if _is_primitive(separator) else ",").join(map(to_string, items))
    return to_string(items) if _is_primitive(items) else ""


def _to_json(value: Any) -> str:
    return json.dumps(_whole_numbers(value), indent=2, ensure_ascii=False)


def _whole_numbers(value: Any) -> Any:
    """The value with numbers as they are written: `1`, not `1.0`."""
    if isinstance(value, dict):
        return {name: _whole_numbers(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_whole_numbers(item) for item in value]
    if isinstance(value, float) and math.isfinite(value) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return value


def _from_json(value: Any) -> Any:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    return json.loads(to_string(value), parse_constant=refuse)


def _case(*arguments: Any) -> Any:
    if len(arguments) < 3:
        raise TypeError("case takes three arguments or more")
    for predicate, value in zip(arguments[:-1:2], arguments[1::2], strict=False):
        if not isinstance(predicate, bool):
            raise TypeError("case predicate must evaluate to a boolean value")
        if predicate:
            return value
    return arguments[-1]


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "case": _case,
    "contains": _contains,
    "startswith": _starts_with,
    "endswith": _ends_with,
    "format": _format,
    "join": _join,
    "tojson": _to_json,
    "fromjson": _from_json,
}
