"""Who calls: known keys with their secrets and sessions, and AWS's answers to those it does not know."""

import secrets
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timezone

from cloud.aws import sigv4
from cloud.aws.call import Call
from cloud.aws.errors import AwsError
from cloud.context import ACCOUNT
from cloud.http import Request

_SKEW_ALLOWED_SECONDS = 900
_ANYBODY = f"arn:aws:iam::{ACCOUNT}:user/deploy"


@dataclass(frozen=True)
class Identity:
    """One set of credentials and whom it belongs to."""

    access_key: str
    secret_key: str
    session_token: str = ""
    account: str = ACCOUNT
    arn: str = _ANYBODY
    expires: float | None = None
    """Unix time in seconds; None never."""


class Identities:
    """Known credentials. As long as none is set, every key is taken and belongs to one user."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, Identity] = {}
        self._strict = False
        self.clock_skew = 0.0
        """Seconds by which AWS's clock is ahead of this machine's."""

    def set(self, identity: Identity) -> None:
        """Make these credentials known; from then on unknown ones are refused."""
        with self._lock:
            self._known[identity.access_key] = identity
            self._strict = True

    def issue(self, account: str, arn: str, seconds: float) -> Identity:
        """New temporary credentials."""
        identity = Identity(
            access_key="ASIA" + secrets.token_hex(8).upper(),
            secret_key=secrets.token_urlsafe(30),
            session_token="IQoJb3JpZ2luX2VjE" + secrets.token_urlsafe(200),
            account=account,
            arn=arn,
            expires=time.time() + seconds,
        )
        with self._lock:
            self._known[identity.access_key] = identity
        return identity

    def caller(self, call: Call) -> Identity:
        """Whom a call's key belongs to."""
        return self._known.get(call.access_key) or Identity(call.access_key, "")

    def check(self, request: Request, call: Call) -> None:
        """Raise AWS's error for credentials that are unknown, wrong or expired, or a clock that is off."""
        if not call.access_key:
            return
        self._check_clock(request, call)
        identity = self._known.get(call.access_key)
        if identity is None:
            if self._strict:
                raise _unknown_key(call)
            return
        if identity.expires is not None and time.time() > identity.expires:
            raise _expired(call)
        if request.headers.get("x-amz-security-token", "") != identity.session_token:
            raise _wrong_token(call)
        if not sigv4.is_valid(request, identity.secret_key):
            raise _wrong_signature(call)

    def _check_clock(self, request: Request, call: Call) -> None:
        if not self.clock_skew:
            return
        try:
            signed = datetime.strptime(request.headers.get("x-amz-date", ""), "%Y%m%dT%H%M%SZ")
        except ValueError:
            return
        now = time.time() + self.clock_skew
        if abs(now - signed.replace(tzinfo=timezone.utc).timestamp()) > _SKEW_ALLOWED_SECONDS:
            raise _skewed(call, request.headers["x-amz-date"], now)


def _unknown_key(call: Call) -> AwsError:
    if call.service == "s3":
        # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
        message = "The AWS Access Key Id you provided does not exist in our records."
        return AwsError(403, "InvalidAccessKeyId", message, {"AWSAccessKeyId": call.access_key})
    # https://github.com/aws-actions/configure-aws-credentials/issues/743
    return AwsError(403, "InvalidClientTokenId", "The security token included in the request is invalid.")


def _wrong_token(call: Call) -> AwsError:
    if call.service == "s3":
        # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
        return AwsError(400, "InvalidToken", "The provided token is malformed or otherwise invalid.")
    return AwsError(403, "InvalidClientTokenId", "The security token included in the request is invalid.")


def _expired(call: Call) -> AwsError:
    if call.service == "s3":
        # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
        return AwsError(400, "ExpiredToken", "The provided token has expired.")
    # https://github.com/miquella/vaulted/issues/107
    return AwsError(403, "ExpiredToken", "The security token included in the request is expired")


def _wrong_signature(call: Call) -> AwsError:
    # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList; the longer one is shown in
    # https://github.com/mhart/aws4fetch/issues/73
    message = (
        "The request signature we calculated does not match the signature you provided. "
        "Check your key and signing method."
        if call.service == "s3"
        else "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
        "Access Key and signing method. Consult the service documentation for details."
    )
    return AwsError(403, "SignatureDoesNotMatch", message)


def _skewed(call: Call, signed: str, now: float) -> AwsError:
    def stamp(seconds: float) -> str:
        return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y%m%dT%H%M%SZ")

    if call.service == "s3":
        # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
        message = "The difference between the request time and the current time is too large."
        server = datetime.fromtimestamp(now, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        details = {"RequestTime": signed, "ServerTime": server, "MaxAllowedSkewMilliseconds": "900000"}
        return AwsError(403, "RequestTimeTooSkewed", message, details)
    if signed < stamp(now):
        # https://github.com/aws/aws-cli/issues/6676
        limit = stamp(now - _SKEW_ALLOWED_SECONDS)
        message = f"Signature expired: {signed} is now earlier than {limit} ({stamp(now)} - 15 min.)"
    else:
        # https://github.com/aws/aws-sdk-js/issues/2565
        limit = stamp(now + _SKEW_ALLOWED_SECONDS)
        message = f"Signature not yet current: {signed} is still later than {limit} ({stamp(now)} + 15 min.)"
    return AwsError(403, "SignatureDoesNotMatch", message)
