"""`${{ }}` expressions: the operators and functions that actions and workflows really use.

https://docs.github.com/en/actions/reference/workflows-and-actions/expressions. Anything else is an error; a key that
a known context does not have is null, as on GitHub.
"""

import json
import math
import re
from collections.abc import Callable
from typing import Any

_TOKEN = re.compile(
    r"\s*(?:(?P<number>-?\d+(?:\.\d+)?)|'(?P<string>(?:[^']|'')*)'|(?P<name>[A-Za-z_][\w-]*)"
    r"|(?P<operator>==|!=|<=|>=|&&|\|\||[!<>()\[\].,*]))"
)
_INTERPOLATION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)


class ExpressionError(Exception):
    """The expression is wrong, or uses something that is not known here."""


def interpolate(text: Any, contexts: dict[str, Any]) -> str:
    """A YAML value as a string, with its expressions evaluated."""
    if not isinstance(text, str):
        return to_string(text)
    return _INTERPOLATION.sub(lambda found: to_string(evaluate(found[1], contexts)), text)


def condition(text: Any, contexts: dict[str, Any]) -> bool:
    """The value of an `if:`; without a status function it holds only while nothing has failed."""
    if text is None:
        return bool(contexts["job"]["status"] == "success")
    source = str(text).strip()
    if found := _INTERPOLATION.fullmatch(source):
        source = found[1]
    value = is_true(evaluate(source, contexts))
    if not re.search(r"\b(success|failure|always|cancelled)\s*\(", source):
        return value and contexts["job"]["status"] == "success"
    return value


def evaluate(source: str, contexts: dict[str, Any]) -> Any:
    """The value of one expression without its braces."""
    parser = _Parser(_tokens(source), contexts)
    value = parser.either()
    if parser.position < len(parser.tokens):
        raise ExpressionError(f"unexpected `{parser.tokens[parser.position][1]}` in `{source.strip()}`")
    return value


def to_string(value: Any) -> str:
    """A value as the runner writes it into a string."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (dict, list)):
        return "Object" if isinstance(value, dict) else "Array"
    return str(value)


def is_true(value: Any) -> bool:
    """Whether a value counts as true: null, false, 0 and the empty string do not."""
    return value not in (None, False, 0, "") or isinstance(value, (dict, list))


def _tokens(source: str) -> list[tuple[str, str]]:
    tokens, position = [], 0
    source = source.rstrip()
    while position < len(source):
        found = _TOKEN.match(source, position)
        if not found or not found.lastgroup:
            raise ExpressionError(f"cannot read `{source[position:].strip()}`")
        tokens.append((found.lastgroup, found[found.lastgroup]))
        position = found.end()
    return tokens


class _Parser:
    """Recursive descent; evaluates as it goes, both sides of `&&` and `||` included (nothing has side effects)."""

    def __init__(self, tokens: list[tuple[str, str]], contexts: dict[str, Any]) -> None:
        self.tokens = tokens
        self.position = 0
        self._contexts = contexts

    def either(self) -> Any:
        value = self._both()
        while self._take("||"):
            right = self._both()
            value = value if is_true(value) else right
        return value

    def _both(self) -> Any:
        value = self._comparison()
        while self._take("&&"):
            right = self._comparison()
            value = right if is_true(value) else value
        return value

    def _comparison(self) -> Any:
        value = self._unary()
        for operator, holds in _COMPARISONS.items():
            if self._take(operator):
                return holds(value, self._unary())
        return value

    def _unary(self) -> Any:
        if self._take("!"):
            return not is_true(self._unary())
        return self._access()

    def _access(self) -> Any:
        value = self._primary()
        while True:
            if self._take("."):
                value = _member(value, self._next("name"))
            elif self._take("["):
                key = self.either()
                self._expect("]")
                value = _member(value, key)
            else:
                return value

    def _primary(self) -> Any:
        if self._take("("):
            value = self.either()
            self._expect(")")
            return value
        kind, text = self._peek()
        self.position += 1
        if kind == "number":
            return float(text)
        if kind == "string":
            return text.replace("''", "'")
        if kind != "name":
            raise ExpressionError(f"unexpected `{text}`")
        if self._take("("):
            return self._call(text)
        if text in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[text]
        if text not in self._contexts:
            raise ExpressionError(f"unknown context `{text}`")
        return self._contexts[text]

    def _call(self, name: str) -> Any:
        arguments = []
        if not self._take(")"):
            arguments.append(self.either())
            while self._take(","):
                arguments.append(self.either())
            self._expect(")")
        if name in _STATUS:
            return _STATUS[name](self._contexts["job"]["status"])
        if name not in _FUNCTIONS:
            raise ExpressionError(f"unknown function `{name}`")
        return _FUNCTIONS[name](*arguments)

    def _peek(self) -> tuple[str, str]:
        if self.position >= len(self.tokens):
            raise ExpressionError("the expression ends too early")
        return self.tokens[self.position]

    def _take(self, operator: str) -> bool:
        if self.position < len(self.tokens) and self.tokens[self.position] == ("operator", operator):
            self.position += 1
            return True
        return False

    def _expect(self, operator: str) -> None:
        if not self._take(operator):
            raise ExpressionError(f"expected `{operator}`")

    def _next(self, kind: str) -> str:
        found, text = self._peek()
        if found != kind:
            raise ExpressionError(f"unexpected `{text}`")
        self.position += 1
        return text


def _member(value: Any, key: Any) -> Any:
    if isinstance(value, dict):
        wanted = to_string(key).lower()
        return next((item for name, item in value.items() if name.lower() == wanted), None)
    if isinstance(value, list) and isinstance(key, float):
        return value[int(key)] if 0 <= int(key) < len(value) else None
    return None


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return left.lower() == right.lower()
    if type(left) is type(right):
        return bool(left == right)
    return _number(left) == _number(right)


def _number(value: Any) -> float:
    if value is None or value == "":
        return 0.0
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _contains(haystack: Any, needle: Any) -> bool:
    if isinstance(haystack, list):
        return any(_equal(item, needle) for item in haystack)
    return to_string(needle).lower() in to_string(haystack).lower()


def _format(text: str, *values: Any) -> str:
    def fill(found: re.Match[str]) -> str:
        if found[0] in ("{{", "}}"):
            return found[0][0]
        if int(found[1]) >= len(values):
            raise ExpressionError(f"format has no argument {found[1]}")
        return to_string(values[int(found[1])])

    return re.sub(r"\{\{|\}\}|\{(\d+)\}", fill, text)


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": _equal,
    "!=": lambda left, right: not _equal(left, right),
    "<=": lambda left, right: _number(left) <= _number(right),
    ">=": lambda left, right: _number(left) >= _number(right),
    "<": lambda left, right: _number(left) < _number(right),
    ">": lambda left, right: _number(left) > _number(right),
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "contains": _contains,
    "startsWith": lambda text, start: to_string(text).lower().startswith(to_string(start).lower()),
    "endsWith": lambda text, end: to_string(text).lower().endswith(to_string(end).lower()),
    "format": _format,
    "join": lambda items, separator=",": to_string(separator).join(map(to_string, items)),
    "toJSON": lambda value: json.dumps(value, indent=2),
    "fromJSON": json.loads,
}
_STATUS: dict[str, Callable[[str], bool]] = {
    "always": lambda _: True,
    "success": lambda status: status == "success",
    "failure": lambda status: status == "failure",
    "cancelled": lambda status: status == "cancelled",
}
