"""AWS's host names, as botocore's own rules and data make them: what a name is for, and whether AWS's certificate covers it.

botocore is another client than the action's, with other code; what it does not name does not exist here.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from cloud.context import ACCOUNT
from fidelity.signatures import Scope

REGIONS = (
    "us-east-1", "us-east-2", "eu-central-1", "eu-west-1", "ap-east-1", "us-gov-west-1",
    "cn-north-1", "cn-northwest-1", "eusc-de-east-1",
)  # fmt: skip
_CALLS: dict[str, tuple[str, str, dict[str, str]]] = {
    "s3": ("s3", "list_objects_v2", {"Bucket": "a.bucket"}),
    "s3control": ("s3control", "get_public_access_block", {"AccountId": ACCOUNT}),
    "sts": ("sts", "get_caller_identity", {}),
    "cloudfront": ("cloudfront", "list_distributions", {}),
    "elasticbeanstalk": ("elasticbeanstalk", "describe_environments", {}),
}


@dataclass(frozen=True)
class Host:
    """What a host name is for."""

    name: str
    """The name without the bucket's."""
    scope: Scope
    bucket: str = ""
    """The bucket in the name (virtual-host addressing), else empty."""
    account: str = ""
    """The account in the name: S3 Control has one."""

    @property
    def certificate(self) -> list[str]:
        """The names in the server's certificate; S3's has one wildcard, which stands for one label."""
        with_names = self.scope.service == "s3" or self.account
        return [self.name, f"*.{self.name}"] if with_names else [self.name]


class _Captured(Exception):
    """botocore would have sent a request."""

    def __init__(self, request: Any) -> None:
        super().__init__()
        self.request = request


def asked(service: str, region: str, *, fips: bool = False, dual_stack: bool = False, **given: str) -> tuple[str, Scope]:
    """The host that botocore asks, and what it signs for. Raises botocore's error where there is no such endpoint."""
    called, operation, arguments = _CALLS[service]
    config = Config(use_fips_endpoint=fips, use_dualstack_endpoint=dual_stack, retries={"total_max_attempts": 1})
    client = _session().create_client(
        called, region_name=region, config=config, aws_access_key_id="key", aws_secret_access_key="secret"
    )
    client.meta.events.register("before-send", _capture)
    try:
        getattr(client, operation)(**arguments | given)
    except _Captured as captured:
        scope = str(captured.request.headers["Authorization"]).split("Credential=key/")[1].split("/")
        return urlsplit(captured.request.url).hostname or "", Scope(scope[1], scope[2])
    raise AssertionError("botocore sent nothing")


def _capture(request: Any, **_: Any) -> None:
    raise _Captured(request)


@cache
def _session() -> Any:
    session = botocore.session.Session()
    session.set_config_variable("config_file", "/dev/null")
    session.set_config_variable("credentials_file", "/dev/null")
    return session


@cache
def all_hosts() -> dict[str, Host]:
    """Every host of these regions, by its name without bucket or account."""
    return {host.name: host for host in _all()}


def _all() -> Iterator[Host]:
    for region, fips, dual_stack, service in itertools.product(REGIONS, (False, True), (False, True), _CALLS):
        # GovCloud has no CloudFront: https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/setting-up-cloudfront.html
        if service == "cloudfront" and region.startswith("us-gov-"):
            continue
        try:
            name, scope = asked(service, region, fips=fips, dual_stack=dual_stack)
        except BotoCoreError:
            continue
        if service == "s3control":
            yield Host(name.removeprefix(f"{ACCOUNT}."), scope, account=ACCOUNT)
            continue
        yield Host(name, scope)
        # botocore still takes the old name for this region; other clients take the one with the region:
        # https://docs.aws.amazon.com/general/latest/gr/s3.html
        if name == "s3.amazonaws.com":
            yield Host("s3.us-east-1.amazonaws.com", scope)


def find(name: str) -> Host | None:
    """What a host is for; None when there is no such host."""
    name = name.lower()
    if name in all_hosts():
        return all_hosts()[name]
    for base, host in all_hosts().items():
        if not name.endswith(f".{base}"):
            continue
        first = name.removesuffix(f".{base}")
        # `s3` names are ends of others: a bucket's name is never a part of a service's.
        if host.account:
            return host if first == host.account else None
        if host.scope.service == "s3":
            return Host(base, host.scope, bucket=first)
    return None


def covers(certificate: list[str], name: str) -> bool:
    """Whether a certificate is for a host: a `*` stands for one label (RFC 9525, section 6.3)."""
    first, _, rest = name.partition(".")
    return name in certificate or bool(first) and f"*.{rest}" in certificate
