"""`${{ }}` expressions: the operators and functions that actions and workflows really use.

https://docs.github.com/en/actions/reference/workflows-and-actions/expressions. Anything else is an error; a key that
a known context does not have is null, as on GitHub.
"""

import math
import re
from collections.abc import Callable
from typing import Any

from runner.functions import FUNCTIONS
from runner.values import are_equal, is_less, is_true, member, members, to_number, to_string

_TOKEN = re.compile(
    r"\s*(?:'(?P<string>(?:[^']|'')*)'|(?P<name>[A-Za-z_][\w-]*)|(?P<number>(?:[+-]|\.|\d)[^\s()\[\],!<>=&|]*)"
    r"|(?P<operator>==|!=|<=|>=|&&|\|\||[!<>()\[\].,*]))",
    re.ASCII,
)
_DOT = re.compile(r"\s*\.")
_ENDS = [("operator", "]"), ("operator", ")"), ("operator", "*")]
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
    tokens = _tokens(source)
    asks = any(
        kind == "name" and text.lower() in _STATUS and follower == ("operator", "(")
        for (kind, text), follower in zip(tokens, tokens[1:])
    )
    return value and (asks or contexts["job"]["status"] == "success")


def evaluate(source: str, contexts: dict[str, Any]) -> Any:
    """The value of one expression without its braces."""
    parser = _Parser(_tokens(source), contexts)
    value = parser.either()
    if parser.position < len(parser.tokens):
        raise ExpressionError(f"unexpected `{parser.tokens[parser.position][1]}` in `{source.strip()}`")
    return value


def _tokens(source: str) -> list[tuple[str, str]]:
    tokens, position = [], 0
    source = source.rstrip()
    while position < len(source):
        # After a value a `.` asks for a member, else it begins a number.
        dot = _DOT.match(source, position)
        if dot and tokens and (tokens[-1][0] == "name" or tokens[-1] in _ENDS):
            tokens.append(("operator", "."))
            position = dot.end()
            continue
        found = _TOKEN.match(source, position)
        if not found or not found.lastgroup:
            raise ExpressionError(f"cannot read `{source[position:].strip()}`")
        tokens.append((found.lastgroup, found[found.lastgroup]))
        position = found.end()
    return tokens


class _Parser:
    """Recursive descent; evaluates as it goes, both sides of `&&` and `||` included (nothing has side effects).

    From loose to tight: `||`, `&&`, `==` and `!=`, `<` and its like, `!`.
    """

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
        value = self._equality()
        while self._take("&&"):
            right = self._equality()
            value = right if is_true(value) else value
        return value

    def _equality(self) -> Any:
        value = self._order()
        while True:
            if self._take("=="):
                value = are_equal(value, self._order())
            elif self._take("!="):
                value = not are_equal(value, self._order())
            else:
                return value

    def _order(self) -> Any:
        value = self._unary()
        while operator := next((each for each in _ORDERS if self._take(each)), None):
            value = _ORDERS[operator](value, self._unary())
        return value

    def _unary(self) -> Any:
        if self._take("!"):
            return not is_true(self._unary())
        return self._access()

    def _access(self) -> Any:
        value = self._primary()
        while True:
            if self._take("."):
                value = members(value) if self._take("*") else member(value, self._next("name"))
            elif self._take("["):
                if self._take("*"):
                    value = members(value)
                else:
                    value = member(value, self.either())
                self._expect("]")
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
            return _literal(text)
        if kind == "string":
            return text.replace("''", "'")
        if kind != "name":
            raise ExpressionError(f"unexpected `{text}`")
        if self._take("("):
            return self._call(text)
        if text in _KEYWORDS:
            return _KEYWORDS[text]
        for name, value in self._contexts.items():
            if name.lower() == text.lower():
                return value
        raise ExpressionError(f"unknown context `{text}`")

    def _call(self, name: str) -> Any:
        arguments = []
        if not self._take(")"):
            arguments.append(self.either())
            while self._take(","):
                arguments.append(self.either())
            self._expect(")")
        if name.lower() in _STATUS:
            if arguments:
                raise ExpressionError(f"`{name}` takes no argument")
            return _STATUS[name.lower()](self._contexts["job"]["status"])
        if name.lower() not in FUNCTIONS:
            raise ExpressionError(f"unknown function `{name}`")
        try:
            return FUNCTIONS[name.lower()](*arguments)
        except (ValueError, TypeError) as error:
            raise ExpressionError(f"`{name}`: {error}") from error

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


def _literal(text: str) -> float:
    value = to_number(text)
    if math.isnan(value):
        raise ExpressionError(f"`{text}` is no number")
    return value


_KEYWORDS = {"true": True, "false": False, "null": None, "NaN": math.nan, "Infinity": math.inf}
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<=": lambda left, right: are_equal(left, right) or is_less(left, right),
    ">=": lambda left, right: are_equal(left, right) or is_less(right, left),
    "<": is_less,
    ">": lambda left, right: is_less(right, left),
}
_STATUS: dict[str, Callable[[str], bool]] = {
    "always": lambda _: True,
    "success": lambda status: status == "success",
    "failure": lambda status: status == "failure",
    "cancelled": lambda status: status == "cancelled",
}
