"""What a test says about single buckets that moto does not model: owners, requester pays, odd servers."""

from dataclasses import dataclass, fields
from typing import Any

from cloud.aws.call import Call
from cloud.aws.errors import AwsError
from cloud.context import ACCOUNT
from cloud.http import Request, Response

_SOMEBODY = "210987654321"


@dataclass
class Traits:
    """One bucket's peculiarities."""

    owner: str = ACCOUNT
    """The owner's account. A bucket of another account takes every call, as one that waits for somebody's data."""
    requester_pays: bool = False
    """Others than the owner must say that they pay. The bucket is another account's unless `owner` says otherwise."""
    refused_key_marker: str = ""
    """ListObjectVersions answers 400 to a key marker with this text (`\\U0010ffff`: not every server takes it)."""
    kms_lets_in: bool = False
    """The policy of the KMS key that encrypts the bucket lets CloudFront's service principal decrypt."""
    delete_markers_apart: bool = False
    """ListObjectVersions gives a page's delete markers behind all its versions, instead of by key and newest first."""


class BucketTraits:
    """The traits of the buckets that have some."""

    def __init__(self) -> None:
        self._traits: dict[str, Traits] = {}

    def of(self, bucket: str) -> Traits:
        """A bucket's traits."""
        return self._traits.get(bucket, Traits())

    def set(self, bucket: str, settings: dict[str, Any]) -> None:
        """Take the traits out of a bucket's settings, and keep them."""
        found = {each.name: settings.pop(each.name) for each in fields(Traits) if each.name in settings}
        if found.get("requester_pays") and "owner" not in found:
            found["owner"] = _SOMEBODY
        if found:
            self._traits[bucket] = Traits(**found)

    def guard(self, request: Request, call: Call, account: str) -> None:
        """Refuse what the owner's account and its settings refuse."""
        self._guard_owner(call.bucket, request.headers.get("x-amz-expected-bucket-owner"))
        if source := request.headers.get("x-amz-copy-source"):
            bucket = source.lstrip("/").partition("/")[0]
            self._guard_owner(bucket, request.headers.get("x-amz-source-expected-bucket-owner"))
            self._guard_payer(request, bucket, account)
        self._guard_payer(request, call.bucket, account)

    def amend(self, call: Call, response: Response) -> None:
        """https://docs.aws.amazon.com/AmazonS3/latest/userguide/ObjectsinRequesterPaysBuckets.html"""
        if call.bucket and self.of(call.bucket).requester_pays:
            response.headers["x-amz-request-charged"] = "requester"

    def _guard_owner(self, bucket: str, expected: str | None) -> None:
        if expected is not None and bucket and expected != self.of(bucket).owner:
            # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
            raise AwsError(403, "AccessDenied", "Access Denied")

    def _guard_payer(self, request: Request, bucket: str, account: str) -> None:
        traits = self.of(bucket)
        if traits.requester_pays and account != traits.owner and request.headers.get("x-amz-request-payer") != "requester":
            # https://docs.aws.amazon.com/AmazonS3/latest/userguide/RequesterPaysBuckets.html
            raise AwsError(403, "AccessDenied", "Access Denied")
