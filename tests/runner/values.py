"""Values of expressions: their kinds, how they are coerced, compared, ordered and looked into.

As GitHub's own evaluator does it: https://github.com/actions/languageservices/blob/main/expressions/src/result.ts,
https://github.com/actions/runner/blob/main/src/Sdk/DTExpressions2/Expressions2/Sdk/ExpressionUtility.cs
"""

import math
import re
from typing import Any

_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_OCTAL = re.compile(r"0o[0-7]+")
_INFINITE = {"Infinity": math.inf, "-Infinity": -math.inf}


class Filtered(list[Any]):
    """What `.*` gives: further members are looked up in each item."""


def to_string(value: Any) -> str:
    """A value as the runner writes it into a string; numbers with 15 digits at most."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return _number_text(float(value))
    if isinstance(value, (dict, list)):
        return "Object" if isinstance(value, dict) else "Array"
    return str(value)


def to_number(value: Any) -> float:
    """A value as a number, NaN when it is none: strings as in JavaScript, with hexadecimal and octal ones of 32 bits."""
    if value is None or isinstance(value, (bool, int, float)):
        return float(value or 0)
    if not isinstance(value, str):
        return math.nan
    text = value.strip()
    if not text:
        return 0.0
    if _DECIMAL.fullmatch(text):
        return float(text)
    for pattern, base in ((_HEX, 16), (_OCTAL, 8)):
        if pattern.fullmatch(text):
            number = int(text[2:], base)
            # The runner reads them as signed numbers of 32 bits.
            return math.nan if number >= 1 << 32 else float(number - (1 << 32) if number >= 1 << 31 else number)
    return _INFINITE.get(text, math.nan)


def is_true(value: Any) -> bool:
    """Whether a value counts as true: null, false, 0, NaN and the empty string do not."""
    if isinstance(value, (dict, list)):
        return True
    if isinstance(value, (bool, int, float)):
        return bool(value) and not math.isnan(value)
    return bool(value)


def are_equal(left: Any, right: Any) -> bool:
    """`==`: strings without regard to case; of unlike kinds, numbers; objects and arrays only the very same."""
    left, right = _alike(left, right)
    if isinstance(left, (dict, list)) or isinstance(right, (dict, list)):
        return left is right
    if isinstance(left, str) and isinstance(right, str):
        return upper(left) == upper(right)
    return bool(type(left) is type(right) and left == right)


def is_less(left: Any, right: Any) -> bool:
    """`<`: strings by their capitals, character by character; NaN, objects and arrays are less than nothing."""
    left, right = _alike(left, right)
    if isinstance(left, str) and isinstance(right, str):
        return upper(left) < upper(right)
    if type(left) is type(right) and isinstance(left, (bool, float)):
        return left < right
    return False


def member(value: Any, key: Any) -> Any:
    """`value.key` or `value[key]`; null for what is not there."""
    if isinstance(value, Filtered):
        found = Filtered()
        for item in value:
            if _has(item, key):
                found.append(member(item, key))
        return found
    if not _has(value, key):
        return None
    if isinstance(value, list):
        return value[int(to_number(key))]
    return next(item for name, item in value.items() if upper(name) == upper(to_string(key)))


def members(value: Any) -> Filtered:
    """`value.*`: all items of an array, all values of an object, of a filtered array those of each item."""
    if isinstance(value, Filtered):
        return Filtered(each for item in value if isinstance(item, (dict, list)) for each in members(item))
    if isinstance(value, dict):
        return Filtered(value.values())
    return Filtered(value if isinstance(value, list) else [])


def upper(text: str) -> str:
    """Capitals, but for the dotless i."""
    return "".join(char if char == "ı" else char.upper() for char in text)


def _has(value: Any, key: Any) -> bool:
    if isinstance(value, dict):
        return not isinstance(key, (dict, list)) and any(upper(name) == upper(to_string(key)) for name in value)
    if isinstance(value, list):
        number = to_number(key)
        return math.isfinite(number) and 0 <= math.floor(number) < len(value)
    return False


def _alike(left: Any, right: Any) -> tuple[Any, Any]:
    """Both values as they are compared: numbers where their kinds differ, as long as neither is an object or array."""
    left, right = (float(each) if type(each) is int else each for each in (left, right))
    kinds = type(left), type(right)
    if kinds[0] is kinds[1] or any(issubclass(kind, (dict, list)) for kind in kinds):
        return left, right
    return to_number(left), to_number(right)


def _number_text(number: float) -> str:
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return f"{number or 0.0:.15g}".upper()
