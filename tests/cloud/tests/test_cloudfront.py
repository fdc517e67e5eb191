"""CloudFront's distributions and invalidations."""

import unittest
from typing import Any

from botocore.exceptions import ClientError

from cloud.tests.support import CloudTestCase


class CloudFront(CloudTestCase):
    """A test with the distribution E1 in front of the bucket `site`."""

    def setUp(self) -> None:
        super().setUp()
        self.control(
            "POST",
            "cloudfront",
            {
                "id": "E1",
                "origins": [
                    {"id": "site", "domain": "site.s3.us-east-1.amazonaws.com", "path": "/public"},
                    {"id": "api", "domain": "api.example.com"},
                ],
                "behaviours": [
                    {"origin": "site", "cache_policy": "4cc15a8a-d715-48a4-82b8-cc0b614638fe"},
                    {"path": "/api/*", "origin": "api", "query_string": True},
                ],
                "error_pages": [{"code": 404, "page": "/404.html"}],
                "default_root_object": "index.html",
            },
        )
        self.cloudfront = self.client("cloudfront")

    def invalidate(self, paths: list[str], reference: str = "one", distribution: str = "E1") -> Any:
        """Create an invalidation."""
        batch = {"Paths": {"Quantity": len(paths), "Items": paths}, "CallerReference": reference}
        return self.cloudfront.create_invalidation(DistributionId=distribution, InvalidationBatch=batch)["Invalidation"]

    def assert_refused(self, code: str, message: str, *arguments: Any) -> None:
        """The invalidation fails so."""
        with self.assertRaises(ClientError) as raised:
            self.invalidate(*arguments)
        error = raised.exception.response["Error"]
        self.assertEqual((error["Code"], error["Message"]), (code, message))

    def test_configuration_is_told(self) -> None:
        config = self.cloudfront.get_distribution_config(Id="E1")["DistributionConfig"]
        self.assertEqual([each["OriginPath"] for each in config["Origins"]["Items"]], ["/public", ""])
        self.assertEqual(config["DefaultRootObject"], "index.html")
        (behaviour,) = config["CacheBehaviors"]["Items"]
        self.assertTrue(behaviour["ForwardedValues"]["QueryString"])
        (page,) = config["CustomErrorResponses"]["Items"]
        self.assertEqual((page["ErrorCode"], page["ResponsePagePath"]), (404, "/404.html"))
        policy = self.cloudfront.get_cache_policy(Id=config["DefaultCacheBehavior"]["CachePolicyId"])["CachePolicy"]
        parameters = policy["CachePolicyConfig"]["ParametersInCacheKeyAndForwardedToOrigin"]
        self.assertEqual(parameters["QueryStringsConfig"]["QueryStringBehavior"], "all")

    def test_multi_tenant_distribution_says_so(self) -> None:
        origins = [{"domain": "site.s3.us-east-1.amazonaws.com"}]
        self.control("POST", "cloudfront", {"id": "E2", "origins": origins, "connection_mode": "tenant-only"})
        modes = [
            self.cloudfront.get_distribution_config(Id=each)["DistributionConfig"]["ConnectionMode"]
            for each in ("E1", "E2")
        ]
        self.assertEqual(modes, ["direct", "tenant-only"])

    def test_distribution_can_be_made_by_the_api_too(self) -> None:
        config = self.cloudfront.get_distribution_config(Id="E1")["DistributionConfig"] | {"CallerReference": "two"}
        created = self.cloudfront.create_distribution(DistributionConfig=config)["Distribution"]
        self.assertEqual(self.invalidate(["/*"], "x", created["Id"])["Status"], "InProgress")

    def test_invalidation_takes_its_time(self) -> None:
        self.control("POST", "cloudfront/settings", {"invalidation_seconds": 0.3})
        invalidation = self.invalidate(["/a", "/b/*"])
        self.assertEqual(invalidation["Status"], "InProgress")
        self.wait_for(lambda: self.status(invalidation["Id"]) == "Completed")
        shown = self.control("GET", "cloudfront")["E1"]
        self.assertEqual(shown[0]["paths"], ["/a", "/b/*"])
        listed = self.cloudfront.list_invalidations(DistributionId="E1")["InvalidationList"]["Items"]
        self.assertEqual([each["Id"] for each in listed], [invalidation["Id"]])

    def status(self, identifier: str) -> str:
        """An invalidation's status."""
        return str(self.cloudfront.get_invalidation(DistributionId="E1", Id=identifier)["Invalidation"]["Status"])

    def test_repeated_reference_makes_no_second_invalidation(self) -> None:
        first = self.invalidate(["/a", "/b"])
        self.assertEqual(self.invalidate(["/b", "/a"])["Id"], first["Id"])
        self.assertEqual(len(self.control("GET", "cloudfront")["E1"]), 1)
        message = (
            "Your request contains a caller reference that was used for a previous invalidation batch for the same "
            "distribution."
        )
        self.assert_refused("InvalidArgument", message, ["/a"])

    def test_paths_that_are_not_encoded_are_refused(self) -> None:
        message = "Your request contains one or more invalid invalidation paths."
        for number, path in enumerate(["/~a", "/a b", "/ü", "a", "/[1]", "/50%", "/a\nb", "", '/"']):
            with self.subTest(path=path):
                self.assert_refused("InvalidArgument", message, ["/fine", path], f"bad-{number}")
        self.invalidate(["/", "/*", "/%7Ea", "/a%20b", "/a?b=c", "/@:+&(1)!,;='$-_."])

    def test_unknown_distribution(self) -> None:
        self.assert_refused(
            "NoSuchDistribution", "The specified distribution does not exist.", ["/a"], "one", "E2"
        )

    def test_too_many_in_progress(self) -> None:
        message = "Processing your request will cause you to exceed the maximum number of in-progress invalidations."
        self.control("POST", "cloudfront/settings", {"invalidation_seconds": 60, "busy": 1})
        self.assert_refused("TooManyInvalidationsInProgress", message, ["/a"])
        self.invalidate([f"/{number}" for number in range(3000)], "many")
        self.assert_refused("TooManyInvalidationsInProgress", message, ["/a"], "more")
        self.invalidate([f"/{number}/*" for number in range(15)], "wild")
        self.assert_refused("TooManyInvalidationsInProgress", message, ["/*"], "wilder")


if __name__ == "__main__":
    unittest.main()
