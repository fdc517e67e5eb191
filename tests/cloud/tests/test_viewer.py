"""What visitors get: by way of distributions, website endpoints and the REST endpoint."""

import json
import time
import unittest
import urllib.error
import urllib.request
from typing import Any

from botocore.exceptions import ClientError

from cloud.tests.support import CloudTestCase

_ARN = "arn:aws:cloudfront::123456789012:distribution/E1"
_REST = "site.s3.us-east-1.amazonaws.com"
_WEBSITE = "site.s3-website-us-east-1.amazonaws.com"
_EVERYBODY = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::site/*"}
_OAC = {
    "Effect": "Allow",
    "Principal": {"Service": "cloudfront.amazonaws.com"},
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::site/*",
    "Condition": {"StringEquals": {"AWS:SourceArn": _ARN}},
}
_LIST = {"Action": "s3:ListBucket", "Resource": "arn:aws:s3:::site"}


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_NO_REDIRECTS = urllib.request.build_opener(_Stay)


class ViewerTestCase(CloudTestCase):
    """A test with a few pages in the bucket `site`."""

    def setUp(self) -> None:
        super().setUp()
        self.bucket()
        for key in ("index.html", "about/index.html", "about", "style.css", "c++.html", "404.html", "docs/index.html"):
            self.put(key)

    def bucket(self, *statements: dict[str, Any], **settings: Any) -> None:
        """Set the bucket up; without statements it has no policy."""
        policy = {"Version": "2012-10-17", "Statement": list(statements)} if statements else None
        self.control("POST", "s3/bucket", {"bucket": "site", "policy": policy} | settings)

    def put(self, key: str, body: str | None = None, **headers: str) -> None:
        """Put an object whose body is its key, unless told otherwise."""
        self.control("POST", "s3/object", {"bucket": "site", "key": key, "body": body or key, "headers": headers})

    def distribution(self, domain: str = _REST, **more: Any) -> None:
        """Make the distribution E1 in front of the bucket."""
        origin = {"domain": domain} | more.pop("origin", {})
        self.control("POST", "cloudfront", {"id": "E1", "origins": [origin]} | more)

    def ask(self, path: str, target: str = "E1") -> tuple[int, str]:
        """Status and body, or the address of a redirect."""
        try:
            with _NO_REDIRECTS.open(f"{self.cloud['endpoint']}/_viewer/{target}{path}") as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers.get("location") or error.read().decode()

    def statuses(self, *paths: str, target: str = "E1") -> list[int]:
        """The statuses of several paths."""
        return [self.ask(path, target)[0] for path in paths]


class Buckets(ViewerTestCase):
    """Without a distribution."""

    def test_rest_endpoint_obeys_policy_and_block(self) -> None:
        self.assertEqual(self.statuses("/style.css", "/nope", target="site.s3"), [403, 403])
        self.bucket(_EVERYBODY)
        # RestrictPublicBuckets is on in a new bucket.
        self.assertEqual(self.statuses("/style.css", target="site.s3"), [403])
        self.bucket(_EVERYBODY, block_public_access=False)
        self.assertEqual(self.statuses("/style.css", "/nope", "/", target="site.s3"), [200, 403, 403])
        self.bucket(_EVERYBODY, _LIST | {"Effect": "Allow", "Principal": "*"})
        self.assertEqual(self.statuses("/style.css", "/nope", target="site.s3"), [200, 404])
        self.control("POST", "s3/account", {"block_public_access": ["RestrictPublicBuckets"]})
        self.assertEqual(self.statuses("/style.css", target="site.s3"), [403])
        self.assertEqual(self.ask("/a", "gone.s3")[0], 404)

    def test_rest_endpoint_obeys_acls(self) -> None:
        self.bucket(ownership="ObjectWriter", block_public_access=False)
        self.put("open", **{"x-amz-acl": "public-read"})
        self.assertEqual(self.statuses("/open", "/style.css", target="site.s3"), [200, 403])
        self.bucket(block_public_access=["IgnorePublicAcls"])
        self.assertEqual(self.statuses("/open", target="site.s3"), [403])

    def test_denials_win(self) -> None:
        hidden = _EVERYBODY | {"Effect": "Deny", "Resource": "arn:aws:s3:::site/about*"}
        self.bucket(_EVERYBODY, hidden, block_public_access=False)
        self.assertEqual(self.statuses("/style.css", "/about/index.html", target="site.s3"), [200, 403])

    def test_website_endpoint(self) -> None:
        self.bucket(_EVERYBODY, block_public_access=False)
        self.assertIn("NoSuchWebsiteConfiguration", self.ask("/", "site.s3-website")[1])
        self.bucket(_EVERYBODY, website={"index": "index.html", "error": "404.html"})
        self.assertEqual(self.ask("/", "site"), (200, "index.html"))
        self.assertEqual(self.ask("/docs/", "site"), (200, "docs/index.html"))
        self.assertEqual(self.ask("/docs", "site"), (302, "/docs/"))
        self.assertEqual(self.ask("/about", "site"), (200, "about"))
        self.assertEqual(self.ask("/nope", "site"), (403, "404.html"))
        self.bucket(_EVERYBODY, _LIST | {"Effect": "Allow", "Principal": "*"})
        self.assertEqual(self.ask("/nope", "site"), (404, "404.html"))
        self.put("old", **{"x-amz-website-redirect-location": "/about/"})
        self.assertEqual(self.ask("/old", "site"), (301, "/about/"))
        self.bucket()
        self.assertEqual(self.ask("/", "site")[0], 403)


class Distributions(ViewerTestCase):
    """By way of CloudFront."""

    def test_origin_access_control(self) -> None:
        self.distribution(origin={"access_control": "OAC1"})
        self.assertEqual(self.statuses("/style.css"), [403])
        self.bucket(_OAC)
        self.assertEqual(self.statuses("/style.css", "/nope", "/", "/about/"), [200, 403, 403, 403])
        other = _OAC | {"Condition": {"StringEquals": {"AWS:SourceArn": _ARN.replace("E1", "E2")}}}
        self.bucket(other)
        self.assertEqual(self.statuses("/style.css"), [403])
        self.bucket(_OAC, _OAC | _LIST)
        self.assertEqual(self.statuses("/style.css", "/nope"), [200, 404])
        self.distribution(origin={"access_control": {"id": "OAC1", "signing": "never"}})
        self.assertEqual(self.statuses("/style.css"), [403])

    def test_origin_access_identity(self) -> None:
        user = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E2QWRUHEXAMPLE"
        self.bucket(_EVERYBODY | {"Principal": {"AWS": user}})
        self.distribution(origin={"access_identity": "E2QWRUHEXAMPLE"})
        self.assertEqual(self.statuses("/style.css"), [200])
        self.distribution(origin={"access_identity": "ANOTHER"})
        self.assertEqual(self.statuses("/style.css"), [403])

    def test_kms_needs_access_control(self) -> None:
        key = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
        self.bucket(_OAC, _EVERYBODY, block_public_access=False, encryption={"key": key})
        self.put("secret")
        self.distribution()
        self.assertEqual(self.statuses("/secret", "/style.css"), [400, 200])
        self.distribution(origin={"access_control": "OAC1"})
        self.assertEqual(self.statuses("/secret"), [403])
        self.bucket(_OAC, kms_lets_in=True)
        self.assertEqual(self.statuses("/secret"), [200])

    def test_aws_s_own_kms_key_lets_no_distribution_in(self) -> None:
        self.bucket(_OAC, encryption="aws:kms", kms_lets_in=True)
        self.put("secret")
        self.distribution(origin={"access_control": "OAC1"})
        self.assertEqual(self.statuses("/secret", "/style.css"), [403, 200])

    def test_a_restricted_public_policy_keeps_identities_out_and_lets_the_service_in(self) -> None:
        user = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E2QWRUHEXAMPLE"
        self.bucket(_EVERYBODY, _EVERYBODY | {"Principal": {"AWS": user}}, _OAC, block_public_access=["RestrictPublicBuckets"])
        self.distribution(origin={"access_identity": "E2QWRUHEXAMPLE"})
        self.assertEqual(self.statuses("/style.css"), [403])
        self.distribution(origin={"access_control": "OAC1"})
        self.assertEqual(self.statuses("/style.css"), [200])

    def test_a_policy_that_wants_https_keeps_the_website_endpoint_out(self) -> None:
        insecure = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::site/*"}
        insecure["Condition"] = {"Bool": {"aws:SecureTransport": "false"}}
        self.bucket(_EVERYBODY, insecure, block_public_access=False, website={"index": "index.html"})
        self.assertEqual(self.statuses("/index.html", target="site"), [403])
        self.assertEqual(self.statuses("/index.html", target="site.s3"), [200])

    def test_root_object_folders_and_functions(self) -> None:
        self.bucket(_OAC)
        self.distribution(origin={"access_control": "OAC1"}, default_root_object="index.html")
        self.assertEqual(self.statuses("/", "/about/", "/docs"), [200, 403, 403])
        self.distribution(
            origin={"access_control": "OAC1"}, behaviours=[{"functions": {"viewer-request": "index-html"}}]
        )
        self.assertEqual([self.ask(path)[1] for path in ("/", "/docs/", "/docs", "/style.css")],
                         ["index.html", "docs/index.html", "docs/index.html", "style.css"])  # fmt: skip
        self.distribution(_WEBSITE)
        self.bucket(_EVERYBODY, block_public_access=False, website={"index": "index.html"})
        self.assertEqual(self.statuses("/", "/docs/", "/docs"), [200, 200, 302])

    def test_error_pages(self) -> None:
        self.bucket(_OAC)
        spa = [{"code": code, "page": "/index.html", "response_code": 200} for code in (403, 404)]
        self.distribution(origin={"access_control": "OAC1"}, error_pages=spa)
        self.assertEqual(self.ask("/app/settings"), (200, "index.html"))
        self.distribution(origin={"access_control": "OAC1"}, error_pages=[{"code": 403, "page": "/404.html"}])
        self.assertEqual(self.ask("/nope"), (403, "404.html"))
        self.distribution(origin={"access_control": "OAC1"}, error_pages=[{"code": 403, "page": "/gone.html"}])
        self.assertEqual(self.ask("/nope")[0], 403)

    def test_paths_behaviours_and_origin_groups(self) -> None:
        self.bucket(_OAC)
        origins = [
            {"id": "site", "domain": _REST, "access_control": "OAC1"},
            {"id": "docs", "domain": _REST, "access_control": "OAC1", "path": "/docs"},
            {"id": "api", "domain": "api.example.com"},
        ]
        group = {"id": "both", "members": ["docs", "site"], "codes": [403]}
        behaviours = [{"origin": "both"}, {"path": "/api/*", "origin": "api"}, {"path": "about*", "origin": "site"}]
        self.control(
            "POST", "cloudfront", {"id": "E1", "origins": origins, "origin_groups": [group], "behaviours": behaviours}
        )
        self.assertEqual(self.ask("/index.html"), (200, "docs/index.html"))
        self.assertEqual(self.ask("/style.css"), (200, "style.css"))
        self.assertEqual(self.ask("/about"), (200, "about"))
        self.assertEqual(self.ask("/api/x"), (200, "api.example.com/api/x"))

    def test_configuration_is_told(self) -> None:
        self.distribution(
            origin={"access_control": "OAC1"},
            aliases=["www.example.com"],
            behaviours=[{"functions": {"viewer-request": "index-html"}, "lambdas": {"origin-request": "edge"}}],
        )
        cloudfront = self.client("cloudfront")
        config = cloudfront.get_distribution_config(Id="E1")["DistributionConfig"]
        (origin,) = config["Origins"]["Items"]
        self.assertEqual((origin["OriginAccessControlId"], origin["S3OriginConfig"]), ("OAC1", {"OriginAccessIdentity": ""}))
        self.assertEqual(config["Aliases"]["Items"], ["www.example.com"])
        behaviour = config["DefaultCacheBehavior"]
        self.assertNotIn("ForwardedValues", behaviour)
        (function,) = behaviour["FunctionAssociations"]["Items"]
        self.assertEqual(function["FunctionARN"], "arn:aws:cloudfront::123456789012:function/index-html")
        (edge,) = behaviour["LambdaFunctionAssociations"]["Items"]
        self.assertEqual(edge["EventType"], "origin-request")
        control = cloudfront.get_origin_access_control(Id="OAC1")["OriginAccessControl"]
        self.assertEqual(control["OriginAccessControlConfig"]["SigningBehavior"], "always")
        created = cloudfront.create_distribution(DistributionConfig=config | {"CallerReference": "two"})["Distribution"]
        copied = cloudfront.get_distribution_config(Id=created["Id"])["DistributionConfig"]
        self.assertEqual(copied["Origins"], config["Origins"])
        self.assertEqual(copied["DefaultCacheBehavior"], behaviour)


class Caches(ViewerTestCase):
    """What distributions keep."""

    def setUp(self) -> None:
        super().setUp()
        self.bucket(_OAC)
        self.control("POST", "cloudfront/settings", {"caching": True})

    def invalidate(self, *paths: str) -> None:
        """Invalidate paths of E1."""
        batch = {"Paths": {"Quantity": len(paths), "Items": list(paths)}, "CallerReference": str(time.time())}
        self.client("cloudfront").create_invalidation(DistributionId="E1", InvalidationBatch=batch)

    def test_answers_are_kept_until_they_are_invalidated(self) -> None:
        self.distribution(origin={"access_control": "OAC1"})
        self.ask("/style.css")
        self.put("style.css", "new")
        self.assertEqual(self.ask("/style.css"), (200, "style.css"))
        self.invalidate("/other.css")
        self.assertEqual(self.ask("/style.css"), (200, "style.css"))
        self.invalidate("/st*")
        self.assertEqual(self.ask("/style.css"), (200, "new"))
        self.put("live", **{"cache-control": "no-store"})
        self.ask("/live")
        self.put("live", "newer")
        self.assertEqual(self.ask("/live"), (200, "newer"))

    def test_plus_is_kept_under_its_escape(self) -> None:
        self.distribution(origin={"access_control": "OAC1"})
        self.assertEqual(self.statuses("/c++.html"), [403])  # S3 takes `+` for a blank
        self.assertEqual(self.ask("/c%2b%2B.html"), (200, "c++.html"))
        self.put("c++.html", "new")
        self.invalidate("/c++.html")
        self.assertEqual(self.ask("/c%2B%2B.html"), (200, "c++.html"))
        self.invalidate("/c%2B%2B.html")
        self.assertEqual(self.ask("/c%2B%2B.html"), (200, "new"))

    def test_escapes_that_are_not_needed_make_no_difference(self) -> None:
        self.put("~a")
        self.distribution(origin={"access_control": "OAC1"})
        self.ask("/~a")
        self.put("~a", "new")
        self.invalidate("/%7Ea")
        self.assertEqual(self.ask("/~a"), (200, "new"))

    def test_both_names_of_a_changed_path(self) -> None:
        self.distribution(origin={"access_control": "OAC1"}, default_root_object="index.html")
        self.ask("/")
        self.put("index.html", "new")
        self.invalidate("/index.html")
        self.assertEqual(self.ask("/"), (200, "index.html"))
        self.invalidate("/", "/index.html")
        self.assertEqual(self.ask("/"), (200, "new"))

    def test_query_strings_are_part_of_the_name_where_the_policy_says_so(self) -> None:
        everything = "4cc15a8a-d715-48a4-82b8-cc0b614638fe"
        for behaviour, invalidated, expected in (
            ({}, "/style.css", "new"),
            ({"cache_policy": everything}, "/style.css", "style.css"),
            ({"query_string": True}, "/style.css*", "new"),
        ):
            self.put("style.css")
            self.distribution(origin={"access_control": "OAC1"}, behaviours=[behaviour])
            self.invalidate("/*")
            self.ask("/style.css?v=1")
            self.put("style.css", "new")
            self.invalidate(invalidated)
            self.assertEqual(self.ask("/style.css?v=1"), (200, expected))


class Account(CloudTestCase):
    """Block Public Access of the account."""

    def test_it_is_told_and_can_be_denied(self) -> None:
        url = "/v20180820/configuration/publicAccessBlock"
        account = {"x-amz-account-id": "123456789012"}
        # Wrapped, as S3 itself does not: https://github.com/getmoto/moto/pull/9716
        self.assertIn("<ErrorResponse><Error><Code>NoSuchPublicAccessBlockConfiguration</Code>", self.get(url, account)[1])
        self.assertEqual(self.get(url, {"x-amz-account-id": "210987654321"})[0], 403)
        self.control("POST", "s3/account", {"block_public_access": ["BlockPublicPolicy"]})
        status, body = self.get(url, account)
        self.assertEqual(status, 200)
        self.assertIn("<BlockPublicAcls>false</BlockPublicAcls>", body)
        self.assertIn("<BlockPublicPolicy>true</BlockPublicPolicy>", body)
        self.control("POST", "deny", {"action": "s3:GetAccountPublicAccessBlock"})
        self.assertEqual(self.get(url, account)[0], 403)

    def test_reads_of_a_bucket_without_settings(self) -> None:
        self.control("POST", "s3/bucket", {"bucket": "site"})
        s3 = self.client("s3")
        s3.delete_public_access_block(Bucket="site")
        for call, code in (
            (s3.get_bucket_policy, "NoSuchBucketPolicy"),
            (s3.get_bucket_policy_status, "NoSuchBucketPolicy"),
            (s3.get_bucket_website, "NoSuchWebsiteConfiguration"),
            (s3.get_public_access_block, "NoSuchPublicAccessBlockConfiguration"),
        ):
            with self.assertRaisesRegex(ClientError, code):
                call(Bucket="site")
        self.control("POST", "s3/bucket", {"bucket": "site", "policy": {"Statement": [_EVERYBODY]}, "website": {"error": "e"}})
        self.assertEqual(json.loads(s3.get_bucket_policy(Bucket="site")["Policy"])["Statement"], [_EVERYBODY])
        website = s3.get_bucket_website(Bucket="site")
        self.assertEqual((website["IndexDocument"]["Suffix"], website["ErrorDocument"]["Key"]), ("index.html", "e"))


if __name__ == "__main__":
    unittest.main()
