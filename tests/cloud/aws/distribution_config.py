"""A distribution's configuration: a shortcut to make one, and what moto leaves out of it."""

from typing import Any

from moto.cloudfront.models import DefaultCacheBehaviour, Distribution, Origin, OriginAccessControl, cloudfront_backends

from cloud import context

CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
"""Managed-CachingOptimized: query strings are not part of the cache key.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html"""


IDENTITY = "origin-access-identity/cloudfront/"
"""What stands before an origin access identity's id."""


def create(description: dict[str, Any]) -> Distribution:
    """Make a distribution with a chosen id.

    `origins`: `{"id", "domain", "path", "website", "access_control", "access_identity", "protocol"}`, `access_control`
    being an id or `{"id", "signing"}` and `access_identity` an id; `origin_groups`: `{"id", "members", "codes"}`;
    `behaviours`: `{"path", "origin", "cache_policy" or "query_string", "functions", "lambdas"}`, the one without `path`
    being the default, and functions and lambdas a name for each event (`{"viewer-request": "index-html"}`);
    `error_pages`: `{"code", "page", "response_code"}`; `default_root_object`; `aliases`; `enabled`; `connection_mode`
    (`tenant-only`: a multi-tenant distribution).
    """
    origins = [_origin(origin, index) for index, origin in enumerate(description["origins"])]
    behaviours = description.get("behaviours", [])
    default = next((behaviour for behaviour in behaviours if "path" not in behaviour), {})
    others = [behaviour for behaviour in behaviours if "path" in behaviour]
    pages = description.get("error_pages", [])
    config: dict[str, Any] = {
        "CallerReference": description["id"],
        "Comment": "",
        "Enabled": description.get("enabled", True),
        "Aliases": {"Items": description.get("aliases", [])},
        "OriginGroups": _quantified([_origin_group(group) for group in description.get("origin_groups", [])]),
        "Origins": {"Quantity": len(origins), "Items": origins},
        # moto does not know that an origin group can be the target.
        "DefaultCacheBehavior": _behaviour({**default, "origin": origins[0]["Id"]}, origins[0]["Id"]),
        "CacheBehaviors": {
            "Quantity": len(others),
            "Items": [
                _behaviour(behaviour, origins[0]["Id"]) | {"PathPattern": behaviour["path"]} for behaviour in others
            ],
        },
        "CustomErrorResponses": {
            "Quantity": len(pages),
            "Items": [
                {
                    "ErrorCode": page["code"],
                    "ResponsePagePath": page["page"],
                    "ResponseCode": str(page.get("response_code", page["code"])),
                    "ErrorCachingMinTTL": 10,
                }
                for page in pages
            ],
        },
        "DefaultRootObject": description.get("default_root_object", ""),
        # https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_DistributionConfig.html
        "ConnectionMode": description.get("connection_mode", "direct"),
    }
    if not others:
        del config["CacheBehaviors"]
    if not description.get("aliases"):
        del config["Aliases"]
    for origin in description["origins"]:
        if control := origin.get("access_control"):
            _add_access_control(control)
    # moto takes buckets of one partition only.
    for origin in origins:
        if "S3OriginConfig" in origin:
            origin["DomainName"] = f"{origin['Id']}.amazonaws.com"
    distribution = Distribution(context.ACCOUNT, "us-east-1", config)
    for made, origin in zip(distribution.distribution_config.Origins["Items"], description["origins"], strict=True):
        made.domain_name = origin["domain"]
    distribution.distribution_config.DefaultCacheBehavior.target_origin_id = default.get("origin", origins[0]["Id"])
    distribution.distribution_id = distribution.id = description["id"]
    distribution.arn = f"arn:aws:cloudfront::{context.ACCOUNT}:distribution/{description['id']}"
    cloudfront_backends[context.ACCOUNT]["aws"].distributions[description["id"]] = distribution
    return distribution


def _origin(origin: dict[str, Any], index: int) -> dict[str, Any]:
    described: dict[str, Any] = {
        "Id": origin.get("id", f"origin-{index}"),
        "DomainName": origin["domain"],
        "OriginPath": origin.get("path", ""),
    }
    if control := origin.get("access_control"):
        described["OriginAccessControlId"] = control if isinstance(control, str) else control["id"]
    if origin.get("website") or not origin["domain"].endswith(("amazonaws.com", "amazonaws.com.cn", "amazonaws.eu")):
        described["CustomOriginConfig"] = {
            "HTTPPort": 80,
            "HTTPSPort": 443,
            "OriginProtocolPolicy": origin.get("protocol", "http-only"),
            "OriginSslProtocols": {"Quantity": 1, "Items": ["TLSv1.2"]},
        }
    else:
        identity = origin.get("access_identity", "")
        described["S3OriginConfig"] = {"OriginAccessIdentity": identity and f"{IDENTITY}{identity}"}
    return described


def _behaviour(behaviour: dict[str, Any], default_origin: str) -> dict[str, Any]:
    described: dict[str, Any] = {
        "TargetOriginId": behaviour.get("origin", default_origin),
        "ViewerProtocolPolicy": "redirect-to-https",
        "FunctionAssociations": _quantified(
            [
                {"FunctionARN": f"arn:aws:cloudfront::{context.ACCOUNT}:function/{name}", "EventType": event}
                for event, name in behaviour.get("functions", {}).items()
            ]
        ),
        "LambdaFunctionAssociations": _quantified(
            [
                {
                    "LambdaFunctionARN": f"arn:aws:lambda:us-east-1:{context.ACCOUNT}:function:{name}:1",
                    "EventType": event,
                    "IncludeBody": False,
                }
                for event, name in behaviour.get("lambdas", {}).items()
            ]
        ),
    }
    if "query_string" in behaviour:
        described["ForwardedValues"] = {
            "QueryString": bool(behaviour["query_string"]),
            "Cookies": {"Forward": "none"},
        }
    else:
        described["CachePolicyId"] = behaviour.get("cache_policy", CACHING_OPTIMIZED)
    return described


def _origin_group(group: dict[str, Any]) -> dict[str, Any]:
    return {
        "Id": group["id"],
        "FailoverCriteria": {"StatusCodes": _quantified(group.get("codes", [500, 502, 503, 504]))},
        "Members": _quantified([{"OriginId": member} for member in group["members"]]),
    }


def _add_access_control(control: str | dict[str, str]) -> None:
    described = {"id": control} if isinstance(control, str) else control
    made = OriginAccessControl(
        {
            "Name": described["id"],
            "Description": "",
            "SigningProtocol": "sigv4",
            "SigningBehavior": described.get("signing", "always"),
            "OriginAccessControlOriginType": "s3",
        }
    )
    made.id = described["id"]
    cloudfront_backends[context.ACCOUNT]["aws"].origin_access_controls[made.id] = made


def _quantified(items: list[Any]) -> dict[str, Any]:
    return {"Quantity": len(items), "Items": items} if items else {"Quantity": 0}


_moto_origin = Origin.__init__
_moto_behaviour = DefaultCacheBehaviour.__init__


def _make_origin(self: Origin, origin: dict[str, Any]) -> None:
    """moto forgets who may read the origin; AWS gives both, empty where there is none.

    https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_Origin.html
    """
    _moto_origin(self, origin)
    self.origin_access_control_id = origin.get("OriginAccessControlId") or ""
    if "S3OriginConfig" in origin:
        self.s3_origin_config = {"OriginAccessIdentity": self.s3_access_identity or ""}


def _make_behaviour(self: DefaultCacheBehaviour, config: dict[str, Any]) -> None:
    """moto forgets the functions, and gives forwarded values along with a cache policy, where AWS has one of the two.

    https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_DefaultCacheBehavior.html
    """
    forwarded = config.get("ForwardedValues")
    _moto_behaviour(self, config)
    self.function_associations = config.get("FunctionAssociations") or {"Quantity": 0}
    self.lambda_function_associations = config.get("LambdaFunctionAssociations") or {"Quantity": 0}
    if self.cache_policy_id and not forwarded:
        del self.forwarded_values


Origin.__init__ = _make_origin
DefaultCacheBehaviour.__init__ = _make_behaviour
