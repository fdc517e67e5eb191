"""Identities, roles, denied actions and GitHub's OIDC tokens."""

import json
import time
import unittest
import urllib.request
from typing import Any

from botocore.exceptions import ClientError

from cloud.oidc import claims_of
from cloud.tests.support import REGION, CloudTestCase

_ROLE = "arn:aws:iam::123456789012:role/path/deploy"
_KEY = "AKIAKNOWNKNOWNKNOWN1"


class AccessTestCase(CloudTestCase):
    """What the tests here share."""

    def assert_refused(self, code: str, message: str, call: Any, **arguments: Any) -> None:
        """The call fails with this code and message."""
        with self.assertRaises(ClientError) as raised:
            call(**arguments)
        error = raised.exception.response["Error"]
        self.assertEqual((error["Code"], error["Message"]), (code, message))

    def identify(self, **more: Any) -> None:
        """Make one key known."""
        self.control("POST", "identity", {"access_key": _KEY, "secret_key": "right"} | more)

    def caller(self, key: str = _KEY, secret: str = "right", **more: Any) -> Any:
        """A client of STS with a key."""
        return self.client("sts", key=key, aws_secret_access_key=secret, **more)


class Identities(AccessTestCase):
    """Known and unknown keys."""

    def test_any_key_is_somebody_until_one_is_known(self) -> None:
        answer = self.client("sts").get_caller_identity()
        self.assertEqual(answer["Arn"], "arn:aws:iam::123456789012:user/deploy")

    def test_known_key_is_who_it_is(self) -> None:
        self.identify(account="210987654321", arn="arn:aws:iam::210987654321:user/ci")
        answer = self.caller().get_caller_identity()
        self.assertEqual((answer["Account"], answer["Arn"]), ("210987654321", "arn:aws:iam::210987654321:user/ci"))

    def test_unknown_key(self) -> None:
        self.identify()
        self.assert_refused(
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
            self.caller(key="AKIAUNKNOWNUNKNOWN12").get_caller_identity,
        )
        self.assert_refused(
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
            self.client("s3", key="AKIAUNKNOWNUNKNOWN12").list_buckets,
        )

    def test_wrong_secret(self) -> None:
        self.identify()
        with self.assertRaisesRegex(ClientError, r"\(SignatureDoesNotMatch\).*Check your AWS Secret Access Key"):
            self.caller(secret="wrong").get_caller_identity()

    def test_right_secret_signs_every_service(self) -> None:
        self.identify()
        self.control("POST", "s3/bucket", {"bucket": "bkt"})
        self.control("POST", "cloudfront", {"id": "E1", "origins": [{"domain": "bkt.s3.amazonaws.com"}]})
        options = {"key": _KEY, "aws_secret_access_key": "right"}
        s3 = self.client("s3", **options)
        s3.put_object(Bucket="bkt", Key="a b/ü+~&=", Body=b"x", Metadata={"spaced": "a  b"})
        s3.list_objects_v2(Bucket="bkt", Prefix="a b/ü+", Delimiter="/")
        self.client("cloudfront", **options).get_distribution_config(Id="E1")
        self.client("elasticbeanstalk", **options).describe_environments(EnvironmentNames=["a&b=c"])

    def test_session_token_must_be_the_keys(self) -> None:
        self.identify(session_token="session")
        self.caller(aws_session_token="session").get_caller_identity()
        with self.assertRaisesRegex(ClientError, "InvalidClientTokenId"):
            self.caller(aws_session_token="other").get_caller_identity()

    def test_expired_credentials(self) -> None:
        self.identify(expires=time.time() - 1)
        message = "The security token included in the request is expired"
        self.assert_refused("ExpiredToken", message, self.caller().get_caller_identity)

    def test_clock_skew(self) -> None:
        self.control("POST", "oidc", {"clock_skew": 3600})
        with self.assertRaisesRegex(ClientError, "Signature expired: .* is now earlier than .* - 15 min"):
            self.caller().get_caller_identity()
        with self.assertRaisesRegex(ClientError, "RequestTimeTooSkewed"):
            self.client("s3").list_buckets()
        self.control("POST", "oidc", {"clock_skew": -3600})
        with self.assertRaisesRegex(ClientError, "Signature not yet current: .* is still later than"):
            self.caller().get_caller_identity()


class Denials(AccessTestCase):
    """Denied actions."""

    def deny(self, action: str, resource: str = "*") -> None:
        """Deny an action."""
        self.control("POST", "deny", {"action": action, "resource": resource})

    def test_denial_names_caller_action_and_resource(self) -> None:
        self.control("POST", "s3/bucket", {"bucket": "bkt"})
        self.deny("s3:PutObject", "arn:aws:s3:::bkt/secret/*")
        s3 = self.client("s3")
        s3.put_object(Bucket="bkt", Key="open", Body=b"")
        self.assert_refused(
            "AccessDenied",
            "User: arn:aws:iam::123456789012:user/deploy is not authorized to perform: s3:PutObject on resource: "
            '"arn:aws:s3:::bkt/secret/a" because no identity-based policy allows the s3:PutObject action',
            s3.put_object, Bucket="bkt", Key="secret/a", Body=b"",
        )  # fmt: skip
        self.control("DELETE", "deny")
        s3.put_object(Bucket="bkt", Key="secret/a", Body=b"")

    def test_other_services_word_it_without_quotes(self) -> None:
        self.deny("elasticbeanstalk:UpdateEnvironment")
        self.deny("cloudfront:*")
        update = self.client("elasticbeanstalk", REGION).update_environment
        with self.assertRaisesRegex(ClientError, f"on resource: arn:aws:elasticbeanstalk:{REGION}:.*:environment/a/env1 "):
            update(ApplicationName="a", EnvironmentName="env1", VersionLabel="v")
        with self.assertRaisesRegex(ClientError, "cloudfront:GetDistributionConfig on resource: arn:aws:cloudfront::"):
            self.client("cloudfront").get_distribution_config(Id="E1")

    def test_acl_and_copy_source_need_actions_of_their_own(self) -> None:
        self.control("POST", "s3/bucket", {"bucket": "bkt", "ownership": "ObjectWriter", "block_public_access": False})
        s3 = self.client("s3")
        s3.put_object(Bucket="bkt", Key="a", Body=b"")
        self.deny("s3:PutObjectAcl")
        self.deny("s3:GetObject")
        s3.put_object(Bucket="bkt", Key="a", Body=b"")
        with self.assertRaisesRegex(ClientError, "s3:PutObjectAcl"):
            s3.put_object(Bucket="bkt", Key="a", Body=b"", ACL="private")
        with self.assertRaisesRegex(ClientError, "s3:GetObject on"):
            s3.copy_object(Bucket="bkt", Key="c", CopySource={"Bucket": "bkt", "Key": "a"})

    def test_policy_of_a_caller_is_all_that_it_may_do(self) -> None:
        self.client("s3").create_bucket(Bucket="site")
        mine = self.client("s3", key=_KEY)
        listing = {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": ["arn:aws:s3:::site"]}
        listing["Condition"] = {"StringLike": {"s3:prefix": ["docs/${*}/*"]}}
        writing = {"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": ["arn:aws:s3:::site/docs/${*}/*"]}
        self.control("POST", "policy", {"access_key": _KEY, "policy": {"Statement": [listing, writing]}})
        mine.put_object(Bucket="site", Key="docs/*/a", Body=b"")
        mine.list_objects_v2(Bucket="site", Prefix="docs/*/")
        for refused in (
            lambda: mine.put_object(Bucket="site", Key="docs/x/a", Body=b""),
            lambda: mine.get_object(Bucket="site", Key="docs/*/a"),
            lambda: mine.list_objects_v2(Bucket="site", Prefix="docs/"),
            lambda: mine.list_objects_v2(Bucket="site"),
            lambda: mine.head_bucket(Bucket="site"),
        ):
            with self.assertRaises(ClientError) as raised:
                refused()
            self.assertEqual(raised.exception.response["ResponseMetadata"]["HTTPStatusCode"], 403)
        answer = mine.delete_objects(Bucket="site", Delete={"Objects": [{"Key": "docs/*/a"}]})
        self.assertEqual([each["Code"] for each in answer["Errors"]], ["AccessDenied"])
        self.client("s3").get_object(Bucket="site", Key="docs/*/a")

    def test_deletions_are_refused_one_by_one(self) -> None:
        self.control("POST", "s3/bucket", {"bucket": "bkt"})
        self.deny("s3:DeleteObject", "arn:aws:s3:::bkt/kept&*")
        s3 = self.client("s3")
        for key in ("gone", "kept&safe"):
            s3.put_object(Bucket="bkt", Key=key, Body=b"")
        objects = [{"Key": key} for key in ("gone", "kept&safe")]
        answer = s3.delete_objects(Bucket="bkt", Delete={"Objects": objects, "Quiet": True})
        self.assertNotIn("Deleted", answer)
        self.assertEqual([(each["Key"], each["Code"]) for each in answer["Errors"]], [("kept&safe", "AccessDenied")])
        answer = s3.delete_objects(Bucket="bkt", Delete={"Objects": objects[1:]})
        self.assertEqual(len(answer["Errors"]), 1)
        self.assertEqual([each["key"] for each in self.control("GET", "s3/objects?bucket=bkt")], ["kept&safe"])

    def test_checksum_under_kms_needs_decrypt_and_the_rest_of_head_does_not(self) -> None:
        s3 = self.client("s3")
        s3.create_bucket(Bucket="site")
        key = "arn:aws:kms:us-east-1:123456789012:key/k"
        s3.put_object(Bucket="site", Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
        s3.put_object(Bucket="site", Key="plain", Body=b"x")
        self.control("POST", "deny", {"action": "kms:Decrypt"})
        self.assertEqual(s3.head_object(Bucket="site", Key="k")["SSEKMSKeyId"], key)
        self.assertEqual(s3.head_object(Bucket="site", Key="plain", ChecksumMode="ENABLED")["ContentLength"], 1)
        self.assert_refused("403", "Forbidden", s3.head_object, Bucket="site", Key="k", ChecksumMode="ENABLED")
        with self.assertRaises(ClientError) as raised:
            s3.get_object(Bucket="site", Key="k")
        self.assertIn(f"kms:Decrypt on resource: {key} because", raised.exception.response["Error"]["Message"])

    def test_missing_object_is_forbidden_to_those_who_may_not_list(self) -> None:
        self.control("POST", "s3/bucket", {"bucket": "bkt"})
        self.deny("s3:ListBucket")
        with self.assertRaisesRegex(ClientError, r"\(403\)"):
            self.client("s3").head_object(Bucket="bkt", Key="nope")


class Roles(AccessTestCase):
    """Roles assumed with a token or with keys."""

    def trust(self, **more: Any) -> None:
        """Let the role trust a repository."""
        settings = {"sub": "repo:octo-org/octo-repo:ref:refs/heads/main"} | more
        self.control("POST", "oidc", {"trust": [{"role": _ROLE, "sub": "repo:octo-org/octo-repo:*"}]} | settings)

    def token(self, audience: str = "sts.amazonaws.com") -> str:
        """A token of the endpoint."""
        request = urllib.request.Request(f"{self.cloud['oidc']}?api-version=2.0&audience={audience}")
        request.add_header("Authorization", "bearer request-token")
        return str(json.load(urllib.request.urlopen(request))["value"])

    def assume(self, token: str | None = None, **more: Any) -> Any:
        """Assume the role with a token."""
        arguments = {"RoleArn": _ROLE, "RoleSessionName": "GitHubActions", "WebIdentityToken": token or self.token()}
        return self.client("sts").assume_role_with_web_identity(**arguments, **more)

    def test_token_holds_the_claims_that_were_asked(self) -> None:
        claims = claims_of(self.token("me"))
        assert claims
        self.assertEqual((claims["aud"], claims["iss"]), ("me", "https://token.actions.githubusercontent.com"))
        self.assertEqual(claims["sub"], "repo:octo-org/octo-repo:ref:refs/heads/main")

    def test_token_needs_the_request_token(self) -> None:
        self.assertEqual(self.get(self.cloud["oidc"], {"Authorization": "bearer nope"})[0], 401)

    def test_assumed_role_gives_credentials_that_work(self) -> None:
        self.trust()
        credentials = self.assume()["Credentials"]
        options = {
            "aws_secret_access_key": credentials["SecretAccessKey"],
            "aws_session_token": credentials["SessionToken"],
        }
        answer = self.client("sts", key=credentials["AccessKeyId"], **options).get_caller_identity()
        self.assertEqual(answer["Arn"], "arn:aws:sts::123456789012:assumed-role/deploy/GitHubActions")
        wrong = options | {"aws_secret_access_key": "wrong"}
        with self.assertRaisesRegex(ClientError, "SignatureDoesNotMatch"):
            self.client("sts", key=credentials["AccessKeyId"], **wrong).get_caller_identity()

    def test_tokens_that_are_not_trusted(self) -> None:
        self.trust()
        self.assert_refused("InvalidIdentityToken", "Incorrect token audience", self.assume, token=self.token("other"))
        self.trust(sub="repo:octo-org/fork:ref:refs/heads/main")
        message = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
        self.assert_refused("AccessDenied", message, self.assume)
        self.trust(has_provider=False)
        message = "No OpenIDConnect provider found in your account for https://token.actions.githubusercontent.com"
        self.assert_refused("InvalidIdentityToken", message, self.assume)
        self.trust(has_provider=True, token_seconds=-60)
        with self.assertRaisesRegex(ClientError, "ExpiredTokenException.*Token expired: current date/time"):
            self.assume()
        with self.assertRaisesRegex(ClientError, "InvalidIdentityToken"):
            self.assume("not.a.token")

    def test_subjects_with_ids(self) -> None:
        pattern = [{"role": _ROLE, "sub": "repo:octo-org/octo-repo:*"}]
        self.trust(immutable=True, trust=pattern)
        claims = claims_of(self.token())
        assert claims
        self.assertEqual(claims["sub"], "repo:octo-org@123456/octo-repo@456789:ref:refs/heads/main")
        self.assertEqual((claims["repository"], claims["repository_owner"]), ("octo-org/octo-repo", "octo-org"))
        self.assertEqual((claims["repository_id"], claims["repository_owner_id"]), ("456789", "123456"))
        message = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
        self.assert_refused("AccessDenied", message, self.assume)
        pattern = [{"role": _ROLE, "sub": "repo:octo-org@123456/octo-repo@456789:*"}]
        self.trust(trust=pattern)
        self.assume()
        self.trust(immutable=False, trust=pattern)
        self.assert_refused("AccessDenied", message, self.assume)
        self.trust(sub="repo:octo-org@1/octo-repo@2:environment:prod", immutable=True)
        claims = claims_of(self.token())
        assert claims
        self.assertEqual((claims["sub"][:27], claims["repository"]), ("repo:octo-org@1/octo-repo@2", "octo-org/octo-repo"))

    def test_trust_compares_as_iam_does(self) -> None:
        message = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
        for trusted, more in (
            ("repo:octo-org/octo-repo:ref:refs/heads/*", {"exact": True}),
            ("repo:octo-org/octo-rep[o]:*", {}),
            ("repo:Octo-Org/octo-repo:*", {}),
        ):
            self.trust(trust=[{"role": _ROLE, "sub": trusted} | more])
            self.assert_refused("AccessDenied", message, self.assume)
        self.trust(trust=[{"role": _ROLE, "sub": "repo:octo-org/octo-rep?:*"}])
        self.assume()

    def test_fresh_role_is_refused_at_first(self) -> None:
        self.trust(fresh_tries=2)
        message = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
        for _ in range(2):
            self.assert_refused("AccessDenied", message, self.assume)
        self.assume()
        self.trust(fresh_provider_tries=1)
        unknown = "No OpenIDConnect provider found in your account for https://token.actions.githubusercontent.com"
        self.assert_refused("InvalidIdentityToken", unknown, self.assume)
        self.assume()
        self.trust(fresh_seconds=0.5)
        with self.assertRaisesRegex(ClientError, "not authorized to perform: sts:AssumeRole on resource: " + _ROLE):
            self.client("sts").assume_role(RoleArn=_ROLE, RoleSessionName="one")
        time.sleep(0.5)
        self.client("sts").assume_role(RoleArn=_ROLE, RoleSessionName="one")

    def test_duration_has_its_limits(self) -> None:
        self.trust()
        message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        self.assert_refused("ValidationError", message, self.assume, DurationSeconds=7200)
        self.trust(max_duration_seconds=43200)
        self.assume(DurationSeconds=7200)

    def test_role_is_assumed_with_keys_and_chained_for_an_hour_at_most(self) -> None:
        self.trust(max_duration_seconds=43200)
        first = self.client("sts").assume_role(RoleArn=_ROLE, RoleSessionName="one", DurationSeconds=7200)["Credentials"]
        options = {"aws_secret_access_key": first["SecretAccessKey"], "aws_session_token": first["SessionToken"]}
        chained = self.client("sts", key=first["AccessKeyId"], **options).assume_role
        message = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
        self.assert_refused(
            "ValidationError", message, chained, RoleArn=_ROLE, RoleSessionName="two", DurationSeconds=7200
        )
        chained(RoleArn=_ROLE, RoleSessionName="two")


if __name__ == "__main__":
    unittest.main()
