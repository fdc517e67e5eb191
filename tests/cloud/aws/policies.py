"""Evaluates bucket policies: which of their statements are about a request.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html. An operator or condition key
that is not known here is an error: a policy that is misread would prove anything.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cloud.aws.call import Call
from cloud.aws.errors import AwsError
from cloud.http import Request

ANYBODY = "*"
"""The principal of an anonymous request."""
CLOUDFRONT = "cloudfront.amazonaws.com"
"""The service principal of a distribution with origin access control."""


@dataclass(frozen=True)
class Asked:
    """What somebody wants to do; `principal` is an ARN, a service or `ANYBODY`."""

    principal: str
    action: str
    resource: str
    context: dict[str, str] = field(default_factory=dict)
    """Condition keys in lower case with their values; a key that the request does not have is missing."""


def decide(policy: bytes | None, asked: Asked) -> str:
    """`Deny` or `Allow` when the policy says so, else the empty string."""
    effects = {statement["Effect"] for statement in statements(policy) if _is_about(statement, asked)}
    return "Deny" if "Deny" in effects else "Allow" if "Allow" in effects else ""


def statements(policy: bytes | None) -> list[dict[str, Any]]:
    """The policy's statements."""
    return _list(json.loads(policy)["Statement"]) if policy else []


def is_public(policy: bytes | None) -> bool:
    """Whether S3 calls the policy public.

    "Fixed values" (no wildcards) of certain conditions make a statement for everybody non-public:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
    """
    return any(
        statement["Effect"] == "Allow" and _is_for_everybody(statement) and not _is_narrowed(statement)
        for statement in statements(policy)
    )


def is_like(pattern: str, text: str, fold: bool = False) -> bool:
    """Whether a text fits a pattern with `*` and `?`; `fold` compares without regard to case."""
    # `${*}`, `${?}` and `${$}` stand for the characters themselves:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars
    parts = "".join(
        {"*": ".*", "?": "."}.get(part) or re.escape(part[2] if re.fullmatch(r"\$\{[*?$]\}", part) else part)
        for part in re.split(r"(\$\{[*?$]\}|[*?])", pattern)
    )
    return re.fullmatch(parts, text, re.DOTALL | (re.IGNORECASE if fold else 0)) is not None


def guard(policy: bytes | None, request: Request, call: Call, caller: str, needed: list[tuple[str, str]]) -> None:
    """Raise AccessDenied when the policy denies one of the needed actions (with their resources) explicitly.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html
    """
    context = request_context(request, call) | {"aws:principalarn": caller, "aws:principalaccount": caller.split(":")[4]}
    for action, resource in needed:
        if decide(policy, Asked(caller, action, resource, context)) == "Deny":
            message = (
                f'User: {caller} is not authorized to perform: {action} on resource: "{resource}" with an explicit '
                "deny in a resource-based policy"
            )
            raise AwsError(403, "AccessDenied", message)


def request_context(request: Request, call: Call) -> dict[str, str]:
    """The condition keys of an S3 request.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html#amazons3-policy-keys,
    https://docs.aws.amazon.com/AmazonS3/latest/API/bucket-policy-s3-sigv4-conditions.html
    """
    found = {"aws:securetransport": "true", "s3:signatureversion": "AWS4-HMAC-SHA256"}
    if "authorization" in request.headers:
        found["s3:authtype"] = "REST-HEADER"
    for header in ("x-amz-content-sha256", "x-amz-acl", "x-amz-server-side-encryption", "x-amz-storage-class"):
        if header in request.headers:
            found[f"s3:{header}"] = request.headers[header]
    for parameter in ("prefix", "delimiter", "max-keys", "versionid"):
        for name, value in call.params.items():
            if name.lower() == parameter:
                found[f"s3:{parameter}"] = str(value)
    if "referer" in request.headers:
        found["aws:referer"] = request.headers["referer"]
    return found


def _is_about(statement: dict[str, Any], asked: Asked) -> bool:
    return (
        _names_principal(statement, asked.principal)
        and _names(statement, "Action", asked.action, fold=True)
        and _names(statement, "Resource", asked.resource)
        and all(
            _holds(operator, key, _list(values), asked.context)
            for operator, conditions in statement.get("Condition", {}).items()
            for key, values in conditions.items()
        )
    )


def _names_principal(statement: dict[str, Any], principal: str) -> bool:
    if "NotPrincipal" in statement:
        return not _matches_principal(statement["NotPrincipal"], principal)
    return _matches_principal(statement["Principal"], principal)


def _matches_principal(named: Any, principal: str) -> bool:
    """A role is named by its own ARN or by that of one of its sessions."""
    if named == "*":
        return True
    if session := re.fullmatch(r"(arn:aws[a-z-]*):sts::(\d{12}):assumed-role/([^/]+)/.*", principal):
        role = f"{session[1]}:iam::{session[2]}:role/{session[3]}"
        if any(value == role for value in _list(named.get("AWS", []))):
            return True
    for kind, values in named.items():
        for value in map(str, _list(values)):
            if kind == "AWS" and (value == "*" or _is_account(value, principal)):
                return True
            if value == principal and (kind == "Service") == (principal == CLOUDFRONT):
                return True
    return False


def _is_account(value: str, principal: str) -> bool:
    """Whether a principal is the whole account that a value names, or the very one."""
    account = re.fullmatch(r"(?:arn:aws[a-z-]*:iam::)?(\d{12})(?::root)?", value)
    return value == principal or (account is not None and f"::{account[1]}:" in principal)


def _names(statement: dict[str, Any], element: str, wanted: str, fold: bool = False) -> bool:
    negated = f"Not{element}" in statement
    values = map(str, _list(statement[f"Not{element}" if negated else element]))
    found = any(is_like(value, wanted, fold) for value in values)
    return found != negated


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, given: wanted == given,
    "StringEqualsIgnoreCase": lambda wanted, given: wanted.lower() == given.lower(),
    "StringLike": is_like,
    "ArnEquals": is_like,
    "ArnLike": is_like,
    "Bool": lambda wanted, given: wanted.lower() == given.lower(),
    "NumericEquals": lambda wanted, given: float(wanted) == float(given),
    "NumericLessThan": lambda wanted, given: float(given) < float(wanted),
    "NumericLessThanEquals": lambda wanted, given: float(given) <= float(wanted),
    "NumericGreaterThan": lambda wanted, given: float(given) > float(wanted),
}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NumericNotEquals": "NumericEquals",
}
_KEYS = re.compile(
    r"aws:(securetransport|sourcearn|sourceaccount|principalarn|principalaccount|referer|useragent|sourceip)"
    r"|s3:(x-amz-(content-sha256|acl|server-side-encryption|storage-class)|prefix|delimiter|max-keys|versionid"
    r"|signatureversion|authtype|signatureage|tlsversion)"
)


def _holds(operator: str, key: str, values: list[Any], context: dict[str, str]) -> bool:
    """Whether a condition holds. A missing key fails it, unless it is negated or says `IfExists`.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
    """
    key = key.lower()
    if not _KEYS.fullmatch(key):
        raise NotImplementedError(f"the condition key {key}")
    given = context.get(key)
    wanted = [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
    if operator == "Null":
        return (given is None) == (wanted[0] == "true")
    bare = operator.removesuffix("IfExists")
    negated = bare in _NEGATED
    compare = _OPERATORS.get(_NEGATED.get(bare, bare))
    if compare is None:
        raise NotImplementedError(f"the condition operator {operator}")
    if given is None:
        return negated or bare != operator
    return any(compare(value, given) for value in wanted) != negated


def _is_for_everybody(statement: dict[str, Any]) -> bool:
    named = statement.get("Principal")
    return named == "*" or isinstance(named, dict) and "*" in _list(named.get("AWS", []))


def _is_narrowed(statement: dict[str, Any]) -> bool:
    for operator, conditions in statement.get("Condition", {}).items():
        if operator.removesuffix("IfExists") not in ("StringEquals", "StringLike", "ArnEquals", "ArnLike", "IpAddress"):
            continue
        for key, values in conditions.items():
            fixed = not any(char in str(value) for value in _list(values) for char in "*?")
            if fixed and key.lower() in ("aws:sourcearn", "aws:sourceaccount", "aws:sourceip", "aws:principalarn"):
                return True
    return False


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
