"""STS: who is calling, and roles assumed with a web identity token or with keys."""

import re
import time
from xml.sax.saxutils import escape

from cloud import context
from cloud.aws.call import Call
from cloud.aws.errors import AwsError
from cloud.aws.identity import Identity
from cloud.aws.permissions import access_denied
from cloud.http import Response
from cloud.oidc import ISSUER, Oidc, claims_of

_SHORTEST_SECONDS = 900
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role/(?:.*/)?([\w+=,.@-]+)")


def answer(call: Call) -> Response:
    """The answer to a call of STS."""
    match call.operation:
        case "GetCallerIdentity":
            return _caller_identity(context.current().state.identities.caller(call))
        case "AssumeRoleWithWebIdentity":
            return _with_web_identity(call)
        case "AssumeRole":
            return _with_keys(call)
    # https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
    raise AwsError(400, "InvalidAction", f"Could not find operation {call.operation} for version 2011-06-15")


def _caller_identity(identity: Identity) -> Response:
    user = f"AIDAEXAMPLE{identity.account}"
    if ":assumed-role/" in identity.arn:
        user = f"AROAEXAMPLE:{identity.arn.rpartition('/')[2]}"
    return _response(
        "GetCallerIdentity",
        f"<Arn>{escape(identity.arn)}</Arn><UserId>{escape(user)}</UserId><Account>{identity.account}</Account>",
    )


def _with_web_identity(call: Call) -> Response:
    """The errors are those that aws-actions/configure-aws-credentials has reported."""
    oidc = context.current().state.oidc
    claims = claims_of(call.params.get("WebIdentityToken", ""))
    if claims is None:
        # https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html#API_AssumeRoleWithWebIdentity_Errors
        message = (
            "The web identity token that was passed could not be validated by AWS. Get a new identity token from the "
            "identity provider and then retry the request."
        )
        raise AwsError(400, "InvalidIdentityToken", message)
    if not oidc.knows_provider():
        # https://github.com/aws-actions/configure-aws-credentials/issues/280
        message = f"No OpenIDConnect provider found in your account for {ISSUER}"
        raise AwsError(400, "InvalidIdentityToken", message)
    if time.time() > claims["exp"]:
        # https://github.com/aws/aws-sdk-java-v2/issues/5709
        message = (
            f"Token expired: current date/time {int(time.time())} must be before the expiration date/time "
            f"{claims['exp']}"
        )
        raise AwsError(400, "ExpiredTokenException", message)
    if claims["aud"] != oidc.audience:
        # https://github.com/awslabs/amazon-eks-irsa-cfn/pull/18
        raise AwsError(400, "InvalidIdentityToken", "Incorrect token audience")
    role = call.params.get("RoleArn", "")
    if not _is_trusted(oidc, role, claims["sub"], claims["aud"]) or oidc.is_fresh():
        # https://github.com/aws-actions/configure-aws-credentials/issues/318
        raise AwsError(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
    extra = (
        f"<SubjectFromWebIdentityToken>{escape(claims['sub'])}</SubjectFromWebIdentityToken>"
        f"<Audience>{escape(claims['aud'])}</Audience><Provider>{ISSUER}</Provider>"
    )
    return _assume(call, oidc.max_duration_seconds, extra)


def _with_keys(call: Call) -> Response:
    state = context.current().state
    caller = state.identities.caller(call)
    # A role that was just made: https://github.com/hashicorp/terraform-provider-aws/issues/6566
    if state.permissions.denies("sts:AssumeRole", call.params.get("RoleArn", "")) or state.oidc.is_fresh():
        raise access_denied("sts", caller.arn, "sts:AssumeRole", call.params.get("RoleArn", ""))
    if "Tags.member.1.Key" in call.params and state.permissions.denies("sts:TagSession", call.params.get("RoleArn", "")):
        # https://github.com/aws-actions/configure-aws-credentials/issues/54
        raise access_denied("sts", caller.arn, "sts:TagSession", call.params.get("RoleArn", ""))
    longest = state.oidc.max_duration_seconds
    if ":assumed-role/" in caller.arn and int(call.params.get("DurationSeconds", 3600)) > 3600:
        # https://github.com/coinbase/assume-role/issues/24
        message = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
        raise AwsError(400, "ValidationError", message)
    return _assume(call, longest, "")


def _is_trusted(oidc: Oidc, role: str, subject: str, audience: str) -> bool:
    return any(role == trust.role and trust.covers(subject) and audience == trust.aud for trust in oidc.trust)


def _assume(call: Call, longest: int, extra: str) -> Response:
    role = _ROLE.fullmatch(call.params.get("RoleArn", ""))
    if role is None:
        # https://github.com/physera/onelogin-aws-cli/issues/12
        raise AwsError(400, "ValidationError", "Request ARN is invalid")
    seconds = int(call.params.get("DurationSeconds", 3600))
    if seconds > longest:
        # https://github.com/kreuzwerker/awsu/issues/27
        message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        raise AwsError(400, "ValidationError", message)
    if seconds < _SHORTEST_SECONDS:
        message = (
            f"1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: "
            f"Member must have value greater than or equal to {_SHORTEST_SECONDS}"
        )
        raise AwsError(400, "ValidationError", message)
    session = call.params.get("RoleSessionName", "")
    arn = f"arn:aws:sts::{role[1]}:assumed-role/{role[2]}/{session}"
    state = context.current().state
    shorter = state.oidc.session_seconds
    identity = state.identities.issue(role[1], arn, seconds if shorter is None else shorter)
    expiration = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(identity.expires))
    return _response(
        call.operation,
        f"<AssumedRoleUser><AssumedRoleId>AROAEXAMPLE:{escape(session)}</AssumedRoleId><Arn>{escape(arn)}</Arn>"
        f"</AssumedRoleUser><Credentials><AccessKeyId>{identity.access_key}</AccessKeyId>"
        f"<SecretAccessKey>{identity.secret_key}</SecretAccessKey>"
        f"<SessionToken>{identity.session_token}</SessionToken><Expiration>{expiration}</Expiration></Credentials>"
        f"{extra}",
    )


def _response(operation: str, result: str) -> Response:
    request_id = context.current().request_id
    body = (
        f'<{operation}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{operation}Result>{result}'
        f"</{operation}Result><ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        f"</{operation}Response>"
    )
    return Response(200, {"content-type": "text/xml", "x-amzn-requestid": request_id}, body.encode())
