"""What a visitor gets: `/_viewer/TARGET/path`, by way of a distribution and its cache, or of a bucket itself.

TARGET is a distribution's id, `BUCKET.s3` (the REST endpoint), `BUCKET.s3-website`, or a bucket: its website endpoint
where it has a website document. What is asked for is anonymous, and obeys policies, ACLs, Block Public Access, origin
access control and identities, the website document, root object, error pages and path patterns.
"""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from moto.cloudfront.models import CacheBehaviour, DefaultCacheBehaviour, Distribution, Origin, cloudfront_backends

from cloud import context
from cloud.aws import backend, policies, site
from cloud.aws.distribution_config import IDENTITY
from cloud.http import Request, Response

_UNCACHEABLE = re.compile(r"\b(no-store|no-cache|private|max-age=0)\b")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")


def _add_index(path: str) -> str:
    """`index-html`: https://github.com/aws-samples/amazon-cloudfront-functions/tree/main/url-rewrite-single-page-apps"""
    if path.endswith("/"):
        return path + "index.html"
    return path if "." in path else path + "/index.html"


FUNCTIONS = {"index-html": _add_index}
"""What functions of these names do to a viewer's request; others do nothing here."""


_INDEX_CODE = 'if (request.uri.endsWith("/")) { request.uri += "index.html"; }'
"""What a function that was made by the API has to hold to be understood here, where nothing runs JavaScript."""


@dataclass
class Entry:
    """One cached answer."""

    response: Response
    names: set[str] = field(default_factory=set)
    """The paths that have to be invalidated. Where a function or the root object has changed the path, both that of
    before and that of after: "we recommend that you invalidate both",
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/invalidation-specifying-objects.html"""


class Viewer:
    """Visitors, and the caches that they have filled."""

    def __init__(self) -> None:
        self.caching = False
        """Whether distributions keep what they have given, until it is invalidated."""
        self._cache: dict[tuple[str, str], Entry] = {}

    def get(self, request: Request) -> Response:
        """The answer to a visitor's GET or HEAD."""
        target, slash, rest = request.raw_path.removeprefix("/_viewer/").partition("/")
        path = slash + rest
        with backend.lock():
            distribution = cloudfront_backends[context.ACCOUNT]["aws"].distributions.get(target)
            if distribution:
                return self._by_distribution(distribution, path or "/", request.query)
            if target.endswith(".s3-website"):
                return site.visit(target.removesuffix(".s3-website"), path or "/")
            bucket = backend.bucket(target)
            if bucket is not None and bucket.website_configuration:
                return site.visit(target, path or "/")
            return site.read(target.removesuffix(".s3"), path, site.Reader())

    def invalidate(self, distribution: str, paths: list[str]) -> None:
        """Drop what an invalidation names.

        A path names what was asked for under the very same path: `+` and `%2B` are two
        (https://github.com/rust-lang/crates.io/issues/14062), though S3 gives them the same object only under `%2B`.
        """
        patterns = [normalised(path) for path in paths]
        for key, entry in list(self._cache.items()):
            if key[0] == distribution:
                entry.names = {name for name in entry.names if not any(_covers(each, name) for each in patterns)}
                if not entry.names:
                    del self._cache[key]

    def _by_distribution(self, distribution: Distribution, path: str, query: str) -> Response:
        config = distribution.distribution_config
        behaviour = _behaviour(config, path)
        wanted = _rewritten(behaviour, path)
        if wanted == "/" and config.DefaultRootObject:
            wanted = f"/{config.DefaultRootObject}"
        suffix = f"?{query}" if query and _keeps_query(behaviour) else ""
        key = (distribution.id, normalised(wanted) + suffix)
        if self.caching and key in self._cache:
            self._cache[key].names.add(normalised(path) + suffix)
            return _shown(self._cache[key].response, "Hit")
        response = _fetch(distribution, behaviour, wanted)
        page = _error_page(config, response.status)
        if page:
            found = _fetch(distribution, _behaviour(config, page["ResponsePagePath"]), page["ResponsePagePath"])
            # "If your origin does not return the custom error page, CloudFront returns the status code that it received
            # from the origin that contains the custom error pages":
            # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/creating-custom-error-pages.html
            if found.status == 200:
                found.status = int(page.get("ResponseCode") or response.status)
            response = found
        kept = response.status == 200 or page is not None
        if self.caching and kept and not _UNCACHEABLE.search(_header(response, "cache-control")):
            names = {normalised(path) + suffix, normalised(wanted) + suffix}
            self._cache[key] = Entry(response, names)
        return _shown(response, "Error" if response.status >= 400 else "Miss")


def normalised(path: str) -> str:
    """A path whose needless escapes are undone, and whose needed ones are in capitals.

    https://www.rfc-editor.org/rfc/rfc3986#section-6.2.2
    """

    def shorten(found: re.Match[str]) -> str:
        char = unquote(found[0], "latin-1")
        return char if re.fullmatch(r"[A-Za-z0-9._~-]", char) else found[0].upper()

    return _ESCAPE.sub(shorten, path)


def _covers(pattern: str, name: str) -> bool:
    if pattern.endswith("*"):
        return name.startswith(pattern[:-1])
    return pattern == name


def _behaviour(config: Any, path: str) -> DefaultCacheBehaviour:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesCacheBehavior.html"""
    others: list[CacheBehaviour] = config.CacheBehaviors.get("Items", [])
    for behaviour in others:
        if policies.is_like(f"/{behaviour.path_pattern.removeprefix('/')}", path):
            return behaviour
    return config.DefaultCacheBehavior


def _rewritten(behaviour: DefaultCacheBehaviour, path: str) -> str:
    associations = [
        *behaviour.function_associations.get("Items", []),
        *behaviour.lambda_function_associations.get("Items", []),
    ]
    for association in associations:
        arn = association.get("FunctionARN") or association["LambdaFunctionARN"].rpartition(":")[0]
        name = re.split("[/:]", arn)[-1]
        if association["EventType"] != "viewer-request":
            continue
        if name in FUNCTIONS:
            path = FUNCTIONS[name](path)
        elif _INDEX_CODE in context.current().state.distributions.functions.get(name, ""):
            path += "index.html" if path.endswith("/") else ""
    return path


def _keeps_query(behaviour: DefaultCacheBehaviour) -> bool:
    if behaviour.cache_policy_id:
        policy = context.current().state.distributions.policies.get(behaviour.cache_policy_id, "none")
        return policy != "none"
    return str(behaviour.forwarded_values.QueryString).lower() == "true"


def _fetch(distribution: Distribution, behaviour: DefaultCacheBehaviour, path: str) -> Response:
    config = distribution.distribution_config
    origins: dict[str, Origin] = {origin.id: origin for origin in config.Origins["Items"]}
    group = next(
        (each for each in config.OriginGroups.get("Items", []) if each["Id"] == behaviour.target_origin_id), None
    )
    if group is None:
        return _from_origin(distribution, origins[behaviour.target_origin_id], path)
    primary, secondary = (origins[member["OriginId"]] for member in group["Members"]["Items"])
    response = _from_origin(distribution, primary, path)
    codes = [int(code) for code in group["FailoverCriteria"]["StatusCodes"]["Items"]]
    return _from_origin(distribution, secondary, path) if response.status in codes else response


def _from_origin(distribution: Distribution, origin: Origin, path: str) -> Response:
    bucket, is_website = site.bucket_of(origin.domain_name)
    if not bucket:
        return Response(200, {"content-type": "text/plain"}, f"{origin.domain_name}{origin.origin_path}{path}".encode())
    if is_website:
        return site.visit(bucket, quote(origin.origin_path) + path)
    return site.read(bucket, quote(origin.origin_path) + path, _reader(distribution, origin))


def _reader(distribution: Distribution, origin: Origin) -> site.Reader:
    """Who the distribution is to the bucket.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
    """
    controls = cloudfront_backends[context.ACCOUNT]["aws"].origin_access_controls
    control = controls.get(origin.origin_access_control_id)
    if control and control.signing_behavior != "never":
        source = {"aws:sourcearn": distribution.arn, "aws:sourceaccount": context.ACCOUNT}
        return site.Reader(policies.CLOUDFRONT, source)
    if origin.s3_access_identity:
        identity = origin.s3_access_identity.removeprefix(IDENTITY)
        return site.Reader(f"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity {identity}")
    return site.Reader()


def _error_page(config: Any, status: int) -> dict[str, Any] | None:
    for page in config.CustomErrorResponses.get("Items", []):
        if int(page["ErrorCode"]) == status and page.get("ResponsePagePath"):
            return dict(page)
    return None


def _header(response: Response, wanted: str) -> str:
    return next((value for name, value in response.headers.items() if name.lower() == wanted), "")


def _shown(response: Response, how: str) -> Response:
    headers = {name: value for name, value in response.headers.items() if name.lower() != "x-cache"}
    return Response(response.status, headers | {"x-cache": f"{how} from cloudfront"}, response.body)
