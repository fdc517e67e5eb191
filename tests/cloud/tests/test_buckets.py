"""Bucket policies, owners, requester pays, and servers that list oddly."""

import json
import unittest
import urllib.error
import urllib.request
from typing import Any

from cloud.aws.policies import Asked, decide
from cloud.tests.test_s3 import S3TestCase

_FIRST = "arn:aws:iam::123456789012:user/deploy"


def _statement(effect: str, action: str, principal: Any = "*", resource: str = "*", **condition: Any) -> dict[str, Any]:
    """A statement about the bucket `site`."""
    named = f"arn:aws:s3:::site/{resource}" if resource else "arn:aws:s3:::site"
    statement = {"Effect": effect, "Principal": principal, "Action": action, "Resource": named}
    return statement | ({"Condition": condition} if condition else {})


class Policies(S3TestCase):
    """What a bucket's policy denies."""

    def policy(self, *statements: dict[str, Any]) -> None:
        """Give the bucket a policy."""
        self.s3.put_bucket_policy(Bucket="site", Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))

    def test_unsigned_payloads_can_be_denied(self) -> None:
        header = {"s3:x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
        self.policy(_statement("Deny", "s3:*", StringEquals=header))
        self.put("signed")
        request = urllib.request.Request(f"{self.cloud['endpoint']}/site/unsigned", b"x", method="PUT")
        request.add_header("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
        request.add_header("Authorization", "AWS4-HMAC-SHA256 Credential=AKIA/20261120/us-east-1/s3/aws4_request, x")
        with self.assertRaises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(request)
        self.assertEqual(raised.exception.code, 403)
        body = raised.exception.read().decode()
        self.assertIn("<Code>AccessDenied</Code>", body)
        self.assertIn("with an explicit deny in a resource-based policy", body)
        self.assertEqual([each["key"] for each in self.control("GET", "s3/objects?bucket=site")], ["signed"])

    def test_denials_are_about_actions_resources_principals_and_conditions(self) -> None:
        self.policy(
            _statement("Deny", "s3:PutObject", resource="secret/*"),
            _statement("Deny", "s3:ListBucket", resource="", StringLike={"s3:prefix": "secret/*"}),
            _statement("Deny", "s3:GetObject", {"AWS": "arn:aws:iam::123456789012:user/other"}),
            _statement("Deny", "s3:DeleteObject", {"AWS": "123456789012"}, "kept"),
        )
        self.put("open")
        self.s3.get_object(Bucket="site", Key="open")
        self.s3.list_objects_v2(Bucket="site", Prefix="open/")
        expected = f'User: {_FIRST} is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::site/secret/a" with'
        self.assert_refused("AccessDenied", expected, self.put, key="secret/a")
        self.assert_refused("AccessDenied", "s3:ListBucket", self.s3.list_objects_v2, Bucket="site", Prefix="secret/a")
        self.put("kept")
        objects = [{"Key": "kept"}, {"Key": "open"}]
        answer = self.s3.delete_objects(Bucket="site", Delete={"Objects": objects})
        self.assertEqual([each["Key"] for each in answer["Errors"]], ["kept"])
        self.s3.delete_bucket_policy(Bucket="site")
        self.put("secret/a")

    def test_sessions_are_their_role(self) -> None:
        role = "arn:aws:iam::123456789012:role/ci"
        self.control("POST", "oidc", {"trust": []})
        found = self.client("sts").assume_role(RoleArn=role, RoleSessionName="one")["Credentials"]
        session = self.client(
            "s3",
            key=found["AccessKeyId"],
            aws_secret_access_key=found["SecretAccessKey"],
            aws_session_token=found["SessionToken"],
        )
        self.policy(_statement("Deny", "s3:PutObject", {"AWS": role}))
        self.assert_refused("AccessDenied", "s3:PutObject", session.put_object, Bucket="site", Key="a", Body=b"")
        self.put("a")

    def test_public_policies_are_told_and_blocked(self) -> None:
        everybody = _statement("Allow", "s3:GetObject")
        self.policy(everybody)
        self.assertTrue(self.s3.get_bucket_policy_status(Bucket="site")["PolicyStatus"]["IsPublic"])
        source = {"aws:SourceArn": "arn:aws:cloudfront::123456789012:distribution/E1"}
        self.policy(_statement("Allow", "s3:GetObject", {"Service": "cloudfront.amazonaws.com"}, StringEquals=source))
        self.assertFalse(self.s3.get_bucket_policy_status(Bucket="site")["PolicyStatus"]["IsPublic"])
        self.bucket(block_public_access=["BlockPublicPolicy"])
        self.put("a", ACL="public-read")
        document = json.dumps({"Version": "2012-10-17", "Statement": [everybody]})
        message = "because public policies are prevented by the BlockPublicPolicy setting"
        self.assert_refused("AccessDenied", message, self.s3.put_bucket_policy, Bucket="site", Policy=document)
        self.bucket(policy=json.loads(document))
        self.assertTrue(self.s3.get_bucket_policy_status(Bucket="site")["PolicyStatus"]["IsPublic"])

    def test_what_is_not_known_is_no_quiet_allowance(self) -> None:
        for condition in ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {"StringEquals": {"aws:Nope": "x"}}):
            document = json.dumps({"Statement": _statement("Deny", "s3:PutObject", **condition)}).encode()
            with self.assertRaises(NotImplementedError):
                decide(document, Asked(_FIRST, "s3:PutObject", "arn:aws:s3:::site/a"))


class Owners(S3TestCase):
    """Buckets of other accounts."""

    def test_owner_that_is_not_expected(self) -> None:
        self.put("a", ExpectedBucketOwner="123456789012")
        wrong = {"Bucket": "site", "ExpectedBucketOwner": "210987654321"}
        self.assert_refused("AccessDenied", "Access Denied", self.s3.list_objects_v2, **wrong)
        self.assert_refused("403", "Forbidden", self.s3.head_object, Key="a", **wrong)
        copy = {"Bucket": "site", "Key": "b", "CopySource": {"Bucket": "site", "Key": "a"}}
        self.s3.copy_object(**copy, ExpectedSourceBucketOwner="123456789012")
        self.assert_refused(
            "AccessDenied", "Access Denied", self.s3.copy_object, **copy, ExpectedSourceBucketOwner="210987654321"
        )
        self.control("POST", "s3/bucket", {"bucket": "theirs", "owner": "210987654321"})
        self.s3.put_object(Bucket="theirs", Key="a", Body=b"", ExpectedBucketOwner="210987654321")
        self.assert_refused(
            "AccessDenied", "", self.s3.put_object, Bucket="theirs", Key="a", ExpectedBucketOwner="123456789012"
        )

    def test_requester_pays(self) -> None:
        self.control("POST", "s3/bucket", {"bucket": "costly", "requester_pays": True})
        self.assert_refused("AccessDenied", "Access Denied", self.s3.list_objects_v2, Bucket="costly")
        answer = self.s3.put_object(Bucket="costly", Key="a", Body=b"", RequestPayer="requester")
        self.assertEqual(answer["RequestCharged"], "requester")
        copy = {"Bucket": "site", "Key": "b", "CopySource": {"Bucket": "costly", "Key": "a"}}
        self.assert_refused("AccessDenied", "Access Denied", self.s3.copy_object, **copy)
        self.control("POST", "s3/bucket", {"bucket": "own", "requester_pays": True, "owner": "123456789012"})
        self.s3.list_objects_v2(Bucket="own")


class OddListings(S3TestCase):
    """Answers that single servers gave."""

    def test_truncated_page_without_keys(self) -> None:
        for key in ("a", "b", "c"):
            self.put(key)
        self.control("POST", "faults", {"kind": "empty-page", "times": 2, "skip": 1})
        pages = list(self.s3.get_paginator("list_objects_v2").paginate(Bucket="site", PaginationConfig={"PageSize": 2}))
        self.assertEqual([[each["Key"] for each in page.get("Contents", [])] for page in pages], [["a", "b"], [], [], ["c"]])
        self.control("POST", "faults", {"kind": "empty-page"})
        first = self.s3.list_objects_v2(Bucket="site")
        self.assertEqual((first["IsTruncated"], first["KeyCount"]), (True, 0))
        rest = self.s3.list_objects_v2(Bucket="site", ContinuationToken=first["NextContinuationToken"])
        self.assertEqual(rest["KeyCount"], 3)

    def test_refused_key_marker(self) -> None:
        self.bucket(refused_key_marker="\U0010ffff")
        self.s3.list_object_versions(Bucket="site", KeyMarker="a")
        self.assert_refused("InvalidArgument", "", self.s3.list_object_versions, Bucket="site", KeyMarker="a\U0010ffff")

    def test_delete_markers_apart(self) -> None:
        for key in ("a", "b"):
            self.put(key)
            self.s3.delete_object(Bucket="site", Key=key)
        url = f"{self.cloud['endpoint']}/site?versions"
        mixed = urllib.request.urlopen(url).read().decode()
        self.assertLess(mixed.index("<DeleteMarker>"), mixed.index("<Version>"))
        self.bucket(delete_markers_apart=True)
        apart = urllib.request.urlopen(url).read().decode()
        self.assertGreater(apart.index("<DeleteMarker>"), apart.rindex("<Version>"))

    def test_answer_names_the_bucket(self) -> None:
        body = urllib.request.urlopen(f"{self.cloud['endpoint']}/site?list-type=2").read().decode()
        self.assertRegex(body, r"<ListBucketResult [^>]*><Name>site</Name>")


class OptInRegions(S3TestCase):
    """Regions that an account has to opt into."""

    def test_error_names_the_region_and_no_header_does(self) -> None:
        for bucket, region, asked, named in (
            ("cape", "af-south-1", "us-east-1", "af-south-1"),
            ("virginia", "us-east-1", "me-south-1", "unspecified"),
        ):
            self.control("POST", "s3/bucket", {"bucket": bucket, "region": region})
            authorization = f"AWS4-HMAC-SHA256 Credential=AKIA/20261120/{asked}/s3/aws4_request, SignedHeaders=host, x"
            request = urllib.request.Request(f"{self.cloud['endpoint']}/{bucket}?list-type=2")
            request.add_header("Authorization", authorization)
            with self.assertRaises(urllib.error.HTTPError) as raised:
                urllib.request.urlopen(request)
            self.assertEqual(raised.exception.code, 400)
            self.assertNotIn("x-amz-bucket-region", raised.exception.headers)
            body = raised.exception.read().decode()
            self.assertIn("<Code>IllegalLocationConstraintException</Code>", body)
            self.assertIn(f"The {named} location constraint is incompatible for the region specific endpoint", body)

    def test_real_client_follows(self) -> None:
        self.control("POST", "s3/bucket", {"bucket": "cape", "region": "af-south-1"})
        self.assertEqual(self.client("s3", "us-east-1").list_objects_v2(Bucket="cape")["KeyCount"], 0)


if __name__ == "__main__":
    unittest.main()
