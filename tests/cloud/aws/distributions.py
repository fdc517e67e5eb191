"""CloudFront's cache policies and the state of invalidations."""

import base64
import re
import time
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from moto.cloudfront.models import CloudFrontBackend, Invalidation, cloudfront_backends

from cloud import context
from cloud.aws import backend
from cloud.aws.call import Call
from cloud.aws.distribution_config import CACHING_OPTIMIZED
from cloud.aws.errors import AwsError
from cloud.http import Request, Response

_QUERY_STRINGS = {
    CACHING_OPTIMIZED: "none",
    "b2884449-e4de-46a7-ac36-70bc7f1ddd6d": "none",  # CachingOptimizedForUncompressedObjects
    "4135ea2d-6df8-44a3-9df3-4b5a84be39ad": "none",  # CachingDisabled
    "2e54312d-136d-493c-8eb9-b001f22f67d2": "all",  # Amplify
    "83da9c7e-98b4-4e11-a168-04f0df8e2c65": "none",  # UseOriginCacheControlHeaders
    "4cc15a8a-d715-48a4-82b8-cc0b614638fe": "all",  # UseOriginCacheControlHeaders-QueryStrings
}

# A path, or a cache tag:
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/invalidation-specifying-tags.html
_VALID_PATH = re.compile(r"/(?:[A-Za-z0-9_\-.*$/'@:+&?=()!,;]|%[0-9A-Fa-f]{2})*|#[!-+\--~]{1,256}")
_LONGEST_PATH = 4000
_MOST_PATHS = 3000
_MOST_WILDCARDS = 15


class Distributions:
    """How invalidations of this cloud go, and the cache policies that a test has made."""

    def __init__(self) -> None:
        self.invalidation_seconds = 0.5
        """How long an invalidation is `InProgress`."""
        self.busy = 0
        """How many of the next CreateInvalidation calls answer TooManyInvalidationsInProgress."""
        self.policies: dict[str, str] = dict(_QUERY_STRINGS)
        self.functions: dict[str, str] = {}
        """The code of the functions that were made by CloudFront's API."""
        self._done_at: dict[str, float] = {}

    def answer(self, request: Request, call: Call) -> Response | None:
        """The answer to a call that moto does not know, None for the others."""
        match call.operation:
            case "GetCachePolicy":
                return self._cache_policy(request.raw_path.rpartition("/")[2])
            case "CreateFunction":
                return self._create_function(request)
            case "PublishFunction":
                return self._publish_function(request.raw_path.split("/")[3])
        return None

    def _create_function(self, request: Request) -> Response:
        """https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateFunction.html"""
        asked = ElementTree.fromstring(request.body)
        name = asked.findtext("{*}Name") or ""
        if name in self.functions:
            raise AwsError(409, "FunctionAlreadyExists", "A function with the same name already exists in this AWS account.")
        self.functions[name] = base64.b64decode(asked.findtext("{*}FunctionCode") or "").decode()
        return _function(name, "DEVELOPMENT", 201)

    def _publish_function(self, name: str) -> Response:
        """https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_PublishFunction.html"""
        if name not in self.functions:
            raise AwsError(404, "NoSuchFunctionExists", "The specified function does not exist.")
        return _function(name, "LIVE", 200)

    def guard(self, call: Call) -> None:
        """Refuse what CloudFront refuses and moto takes."""
        self._settle()
        if call.operation != "CreateInvalidation":
            return
        backend = _backend()
        distribution = call.params["DistributionId"]
        if distribution not in backend.distributions:
            return
        paths = call.params["Paths"]
        if not paths or not all(_is_valid(path) for path in paths):
            # https://github.com/exercism/website/issues/6119
            raise AwsError(400, "InvalidArgument", "Your request contains one or more invalid invalidation paths.")
        self._guard_progress(backend, distribution, paths)

    def repeated(self, call: Call) -> Invalidation | None:
        """The invalidation that a repeated caller reference made; another batch under it is an error."""
        if call.operation != "CreateInvalidation":
            return None
        for invalidation in _backend().invalidations.get(call.params["DistributionId"], []):
            if invalidation.caller_ref != call.params["CallerReference"]:
                continue
            if sorted(invalidation.paths) == sorted(call.params["Paths"]):
                return invalidation
            # https://github.com/aws/aws-cdk/issues/3878
            message = (
                "Your request contains a caller reference that was used for a previous invalidation batch for the "
                "same distribution."
            )
            raise AwsError(400, "InvalidArgument", message)
        return None

    def started(self, request: Request, call: Call) -> Response:
        """Begin the progress of the invalidation that CreateInvalidation has just made, and show it."""
        invalidation = _backend().invalidations[call.params["DistributionId"]][-1]
        invalidation.status = "InProgress"
        self._done_at[invalidation.id] = time.time() + self.invalidation_seconds
        return self.show(request, call, invalidation)

    def show(self, request: Request, call: Call, invalidation: Invalidation) -> Response:
        """CreateInvalidation's answer for an invalidation."""
        shown = Request("GET", f"{request.raw_path}/{invalidation.id}", request.headers)
        response = backend.call_moto(shown, call)
        response.status = 201
        response.headers["location"] = f"https://cloudfront.amazonaws.com{shown.target}"
        return response

    def _settle(self) -> None:
        now = time.time()
        for invalidations in _backend().invalidations.values():
            for invalidation in invalidations:
                if now >= self._done_at.get(invalidation.id, 0):
                    invalidation.status = "Completed"

    def _guard_progress(self, backend: CloudFrontBackend, distribution: str, paths: list[str]) -> None:
        running = [
            path
            for invalidation in backend.invalidations.get(distribution, [])
            if invalidation.status == "InProgress"
            for path in invalidation.paths
        ]
        together = running + paths
        wildcards = [path for path in together if path.endswith("*")]
        if self.busy or len(together) - len(wildcards) > _MOST_PATHS or len(wildcards) > _MOST_WILDCARDS:
            self.busy = max(0, self.busy - 1)
            # https://github.com/laurilehmijoki/s3_website/issues/26
            message = "Processing your request will cause you to exceed the maximum number of in-progress invalidations."
            raise AwsError(400, "TooManyInvalidationsInProgress", message)

    def _cache_policy(self, policy_id: str) -> Response:
        behaviour = self.policies.get(policy_id)
        if behaviour is None:
            # https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_GetCachePolicy.html
            raise AwsError(404, "NoSuchCachePolicy", "The cache policy does not exist.")
        names = "<QueryStrings><Quantity>1</Quantity><Items><Name>v</Name></Items></QueryStrings>"
        body = (
            '<?xml version="1.0"?><CachePolicy xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/">'
            f"<Id>{escape(policy_id)}</Id><LastModifiedTime>2020-08-25T00:00:00Z</LastModifiedTime>"
            "<CachePolicyConfig><MinTTL>1</MinTTL><MaxTTL>31536000</MaxTTL><DefaultTTL>86400</DefaultTTL>"
            f"<Name>{escape(policy_id)}</Name><ParametersInCacheKeyAndForwardedToOrigin>"
            "<EnableAcceptEncodingGzip>true</EnableAcceptEncodingGzip>"
            "<HeadersConfig><HeaderBehavior>none</HeaderBehavior></HeadersConfig>"
            "<CookiesConfig><CookieBehavior>none</CookieBehavior></CookiesConfig>"
            f"<QueryStringsConfig><QueryStringBehavior>{escape(behaviour)}</QueryStringBehavior>"
            f"{names if behaviour in ('whitelist', 'allExcept') else ''}</QueryStringsConfig>"
            "</ParametersInCacheKeyAndForwardedToOrigin></CachePolicyConfig></CachePolicy>"
        )
        headers = {"content-type": "text/xml", "etag": "E23ZP02F085DFQ"}
        return Response(200, headers, body.encode())


def as_json() -> dict[str, Any]:
    """The distributions' invalidations."""
    return {
        identifier: [
            {
                "id": invalidation.id,
                "status": invalidation.status,
                "paths": invalidation.paths,
                "caller_reference": invalidation.caller_ref,
            }
            for invalidation in _backend().invalidations.get(identifier, [])
        ]
        for identifier in _backend().distributions
    }


def _backend() -> CloudFrontBackend:
    return cloudfront_backends[context.ACCOUNT]["aws"]


def _function(name: str, stage: str, status: int) -> Response:
    arn = f"arn:aws:cloudfront::{context.ACCOUNT}:function/{name}"
    body = (
        f'<?xml version="1.0"?><FunctionSummary xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><Name>{escape(name)}</Name>'
        "<Status>UNASSOCIATED</Status><FunctionConfig><Comment/><Runtime>cloudfront-js-2.0</Runtime></FunctionConfig>"
        f"<FunctionMetadata><FunctionARN>{escape(arn)}</FunctionARN><Stage>{stage}</Stage>"
        "<LastModifiedTime>2026-11-22T00:00:00Z</LastModifiedTime></FunctionMetadata></FunctionSummary>"
    )
    return Response(status, {"content-type": "text/xml", "etag": "ETVPDKIKX0DER"}, body.encode())


def _is_valid(path: str) -> bool:
    """Whether CloudFront takes the path: what RFC 1738 calls unsafe must be percent-encoded, and that RFC counts `~`
    and brackets among the unsafe.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/invalidation-specifying-objects.html,
    https://github.com/aws/aws-sdk/issues/525 (`~`), https://github.com/aws/aws-sdk-go/issues/223 (space)
    """
    return bool(_VALID_PATH.fullmatch(path)) and len(path) <= _LONGEST_PATH
