"""Elastic Beanstalk's operations, driven by `aws elasticbeanstalk`."""

import tempfile
import time
import unittest
from typing import Any

from cloud.tests.support import REGION, CliError, CloudTestCase

_APP = ("--application-name", "my-app")
_ENV = ("--environment-name", "my-app-prod")
_BUCKET = f"elasticbeanstalk-{REGION}-123456789012"


class BeanstalkTestCase(CloudTestCase):
    """A test with the application `my-app` and its environment `my-app-prod`."""

    def setUp(self) -> None:
        super().setUp()
        self.launch()

    def launch(self, **more: Any) -> None:
        """Make the environment anew."""
        body = {"application": "my-app", "environment": "my-app-prod", "region": REGION, "version_label": "v0"}
        self.control("POST", "beanstalk/environments", body | more)

    def scenario(self, scenario: str, seconds: float = 0.2, **more: Any) -> None:
        """Say how updates go."""
        body = {"environment": "my-app-prod", "scenario": scenario, "seconds": seconds}
        self.control("POST", "beanstalk/scenario", body | more)

    def create_version(self, label: str, *more: str) -> Any:
        """Upload a bundle and make a version of it."""
        with tempfile.NamedTemporaryFile("w") as bundle:
            bundle.write(label)
            bundle.flush()
            key = f"my-app/{label}.zip"
            self.aws("s3api", "put-object", "--bucket", _BUCKET, "--key", key, "--body", bundle.name)
        source = f"S3Bucket={_BUCKET},S3Key=my-app/{label}.zip"
        return self.beanstalk(
            "create-application-version", *_APP, "--version-label", label, "--source-bundle", source, *more
        )["ApplicationVersion"]

    def update(self, label: str) -> Any:
        """Deploy a version that exists."""
        return self.beanstalk("update-environment", *_ENV, "--version-label", label)

    def environment(self) -> Any:
        """The environment now, in the fields of DescribeEnvironments."""
        (found,) = self.control("GET", "beanstalk")[REGION]["environments"]
        return found

    def until_ready(self) -> Any:
        """The environment once it is Ready."""
        self.wait_for(lambda: self.environment()["Status"] == "Ready")
        return self.environment()

    def events(self, *more: str) -> list[Any]:
        """The environment's events, newest first."""
        return self.beanstalk("describe-events", *_ENV, *more)["Events"]

    def assert_fails(self, message: str, operation: str, *arguments: str) -> None:
        """The command fails with exactly this message."""
        with self.assertRaises(CliError) as raised:
            self.beanstalk(operation, *arguments)
        self.assertTrue(str(raised.exception).endswith(message), str(raised.exception))


class Versions(BeanstalkTestCase):
    """Application versions and their bundles."""

    def test_storage_location_is_a_bucket_of_the_region_and_the_same_each_time(self) -> None:
        self.assertEqual(self.beanstalk("create-storage-location"), {"S3Bucket": _BUCKET})
        self.assertEqual(self.beanstalk("create-storage-location"), {"S3Bucket": _BUCKET})
        self.assertEqual(
            self.aws("s3api", "get-bucket-location", "--bucket", _BUCKET), {"LocationConstraint": REGION}
        )

    def test_version_is_processed_only_when_asked(self) -> None:
        self.assertEqual(self.create_version("plain")["Status"], "UNPROCESSED")
        self.control("POST", "beanstalk/versions", {"region": REGION, "seconds": 0.3})
        self.assertEqual(self.create_version("v1", "--process")["Status"], "PROCESSING")
        self.wait_for(lambda: self.version("v1")["Status"] == "PROCESSED")

    def test_processing_can_fail(self) -> None:
        self.control("POST", "beanstalk/versions", {"region": REGION, "seconds": 0, "fails": True})
        self.create_version("v1", "--process")
        self.assertEqual(self.version("v1")["Status"], "FAILED")

    def version(self, label: str) -> Any:
        (found,) = self.beanstalk("describe-application-versions", *_APP, "--version-labels", label)[
            "ApplicationVersions"
        ]
        return found

    def test_version_is_unusable_until_it_is_processed(self) -> None:
        body = {"region": REGION, "application": "my-app", "version_label": "v1"}
        self.control("POST", "beanstalk/versions", body | {"processing": 0.5})
        with self.assertRaisesRegex(CliError, "InvalidParameterValue"):
            self.update("v1")
        self.wait_for(lambda: self.version("v1")["Status"] == "PROCESSED")
        self.update("v1")
        self.until_ready()
        self.control("POST", "beanstalk/versions", body | {"fails": True})
        self.assertEqual(self.version("v1")["Status"], "FAILED")
        with self.assertRaisesRegex(CliError, "InvalidParameterValue"):
            self.update("v1")

    def test_version_whose_bundle_is_gone_cannot_be_deployed(self) -> None:
        body = {"region": REGION, "application": "my-app", "version_label": "v1", "source_gone": True}
        self.control("POST", "beanstalk/versions", body)
        message = r"\(InvalidParameterCombination\).*Unable to download from S3 location \(Bucket: .*  Key: my-app/v1.zip\)"
        with self.assertRaisesRegex(CliError, message):
            self.update("v1")

    def version(self, label: str) -> Any:
        """One version."""
        (found,) = self.beanstalk("describe-application-versions", *_APP, "--version-labels", label)["ApplicationVersions"]
        return found

    def test_versions_are_listed_newest_first_in_pages(self) -> None:
        for label in ("v1", "v2", "v3"):
            self.create_version(label, "--description", f"about {label}")
        listing = ("describe-application-versions", *_APP, "--max-items", "1000", "--page-size", "2")
        found = self.beanstalk(*listing)["ApplicationVersions"]
        self.assertEqual([each["VersionLabel"] for each in found], ["v3", "v2", "v1", "v0"])
        self.assertEqual(found[0]["Description"], "about v3")
        self.assertEqual(found[0]["SourceBundle"], {"S3Bucket": _BUCKET, "S3Key": "my-app/v3.zip"})
        self.assertEqual(len(self.requests("DescribeApplicationVersions")), 2)

    def test_second_version_of_a_label_is_refused(self) -> None:
        self.create_version("v1")
        message = "(InvalidParameterValue) when calling the CreateApplicationVersion operation: Application Version v1 already exists."
        self.assert_fails(message, "create-application-version", *_APP, "--version-label", "v1")

    def test_version_of_an_unknown_application_is_refused(self) -> None:
        message = "No Application named 'nope' found."
        arguments = ("--application-name", "nope", "--version-label", "v1")
        self.assert_fails(message, "create-application-version", *arguments)
        self.beanstalk("create-application-version", *arguments, "--auto-create-application")
        self.assertEqual(self.control("GET", "beanstalk")[REGION]["applications"], ["my-app", "nope"])

    def test_bundle_that_is_not_in_s3_is_refused(self) -> None:
        message = (
            "(InvalidParameterCombination) when calling the CreateApplicationVersion operation: Unable to download "
            f"from S3 location (Bucket: {_BUCKET}  Key: nope.zip). Reason: Not Found"
        )
        source = f"S3Bucket={_BUCKET},S3Key=nope.zip"
        self.assert_fails(
            message, "create-application-version", *_APP, "--version-label", "v1", "--source-bundle", source
        )

    def test_bundle_in_another_region_is_refused(self) -> None:
        self.control("POST", "s3/object", {"bucket": _bucket_elsewhere(self), "key": "k", "body": "x"})
        message = "Reason: The bucket is in this region: us-east-1. Please use this region to retry the request"
        source = "S3Bucket=elsewhere,S3Key=k"
        self.assert_fails(
            message, "create-application-version", *_APP, "--version-label", "v1", "--source-bundle", source
        )

    def test_quota_of_versions(self) -> None:
        self.control("POST", "beanstalk/versions", {"region": REGION, "limit": 1})
        message = (
            "(TooManyApplicationVersionsException) when calling the CreateApplicationVersion operation: You cannot "
            "have more than 1 Application Versions. Either remove some Application Versions or request a limit "
            "increase."
        )
        self.assert_fails(message, "create-application-version", *_APP, "--version-label", "v1")

    def test_deletion_takes_the_bundle_along_when_asked(self) -> None:
        for label, flag in (("kept", "--no-delete-source-bundle"), ("gone", "--delete-source-bundle")):
            self.create_version(label)
            self.beanstalk("delete-application-version", *_APP, "--version-label", label, flag)
        keys = [each["key"] for each in self.control("GET", f"s3/objects?bucket={_BUCKET}")]
        self.assertEqual(keys, ["my-app/kept.zip", "my-app/v0.zip"])
        self.assert_fails(
            "No Application Version named 'gone' found.", "delete-application-version", *_APP, "--version-label", "gone"
        )

    def test_version_being_deployed_cannot_be_deleted(self) -> None:
        self.create_version("v1")
        self.scenario("hangs")
        self.update("v1")
        message = (
            "(OperationInProgressFailure) when calling the DeleteApplicationVersion operation: Unable to delete "
            "application version: v1. An operation is already in progress, please retry again shortly."
        )
        self.assert_fails(message, "delete-application-version", *_APP, "--version-label", "v1")


class Environments(BeanstalkTestCase):
    """Environments, their updates and what is told about them."""

    def test_applications_and_environments_are_described(self) -> None:
        (application,) = self.beanstalk("describe-applications")["Applications"]
        self.assertEqual((application["ApplicationName"], application["Versions"]), ("my-app", ["v0"]))
        (environment,) = self.beanstalk("describe-environments", "--environment-names", "my-app-prod")["Environments"]
        shown = {name: environment[name] for name in ("VersionLabel", "Status", "Health", "HealthStatus")}
        self.assertEqual(
            shown, {"VersionLabel": "v0", "Status": "Ready", "Health": "Green", "HealthStatus": "Ok"}
        )
        self.assertEqual(self.get(f"http://{environment['CNAME']}/any"), (200, "my-app-prod is running v0"))

    def test_worker_has_no_address(self) -> None:
        self.launch(tier="Worker")
        (environment,) = self.beanstalk("describe-environments", *_APP)["Environments"]
        self.assertEqual(environment["Tier"]["Name"], "Worker")
        self.assertNotIn("CNAME", environment)

    def test_other_regions_know_nothing(self) -> None:
        self.assertEqual(self.aws("elasticbeanstalk", "describe-environments", region="eu-west-1")["Environments"], [])

    def test_update_deploys_a_version(self) -> None:
        self.create_version("v1")
        self.scenario("success", 0.6)
        answer = self.update("v1")
        self.assertEqual((answer["Status"], answer["AbortableOperationInProgress"]), ("Updating", True))
        self.assert_fails(
            "(InvalidParameterValue) when calling the UpdateEnvironment operation: Environment named my-app-prod is "
            "in an invalid state for this operation. Must be Ready.",
            "update-environment", *_ENV, "--version-label", "v0",
        )  # fmt: skip
        environment = self.until_ready()
        self.assertEqual((environment["VersionLabel"], environment["Health"]), ("v1", "Green"))
        self.assertEqual(self.get("/_app/my-app-prod/"), (200, "my-app-prod is running v1"))

    def test_unknown_names_are_refused(self) -> None:
        self.assert_fails(
            "No Environment found for EnvironmentName = 'nope'.",
            "update-environment", "--environment-name", "nope", "--version-label", "v0",
        )  # fmt: skip
        self.assert_fails(
            "No Environment found for EnvironmentId = 'e-nope'.",
            "describe-environment-resources", "--environment-id", "e-nope",
        )  # fmt: skip
        self.assert_fails(
            "No Application Version named 'nope' found.", "update-environment", *_ENV, "--version-label", "nope"
        )

    def test_settings_are_updated_and_shown(self) -> None:
        self.scenario("success")
        setting = "Namespace=aws:elasticbeanstalk:application:environment,OptionName=MODE,Value=blue"
        self.beanstalk("update-environment", *_ENV, "--option-settings", setting)
        self.until_ready()
        (settings,) = self.beanstalk("describe-configuration-settings", *_APP, *_ENV)["ConfigurationSettings"]
        values = {each["OptionName"]: each["Value"] for each in settings["OptionSettings"]}
        self.assertEqual((values["MODE"], values["SystemType"]), ("blue", "enhanced"))
        messages = [each["Message"] for each in self.events()]
        self.assertIn("Updating environment my-app-prod's configuration settings.", messages)
        self.assertIn("Successfully deployed new configuration to environment.", messages)

    def test_a_setting_that_is_removed_is_gone_or_says_what_nobody_has_set(self) -> None:
        self.scenario("success")
        mode = "Namespace=aws:elasticbeanstalk:application:environment,OptionName=MODE"
        policy = "Namespace=aws:elasticbeanstalk:command,OptionName=DeploymentPolicy"
        changes = [
            ("--option-settings", f"{mode},Value=blue", f"{policy},Value=Rolling"),
            ("--options-to-remove", mode, policy),
        ]
        for change, expected in zip(changes, [("blue", "Rolling"), (None, "AllAtOnce")]):
            self.beanstalk("update-environment", *_ENV, *change)
            self.until_ready()
            (settings,) = self.beanstalk("describe-configuration-settings", *_APP, *_ENV)["ConfigurationSettings"]
            values = {each["OptionName"]: each["Value"] for each in settings["OptionSettings"]}
            self.assertEqual((values.get("MODE"), values.get("DeploymentPolicy")), expected)

    def test_unknown_setting_is_refused(self) -> None:
        self.assert_fails(
            "(ConfigurationValidationException) when calling the UpdateEnvironment operation: Configuration validation "
            "exception: Invalid option specification (Namespace: 'nope', OptionName: 'x'): Unknown configuration "
            "setting.",
            "update-environment", *_ENV, "--option-settings", "Namespace=nope,OptionName=x,Value=1",
        )  # fmt: skip

    def test_version_with_settings_can_be_refused(self) -> None:
        self.scenario("success", refuses_combination=True)
        setting = "Namespace=aws:elasticbeanstalk:command,OptionName=Timeout,Value=600"
        self.assert_fails(
            "(InvalidParameterCombination) when calling the UpdateEnvironment operation: You cannot update the "
            "application version and make configuration updates at the same time",
            "update-environment", *_ENV, "--version-label", "v0", "--option-settings", setting,
        )  # fmt: skip

    def test_environments_come_in_pages(self) -> None:
        for number in range(4):
            self.launch(environment=f"env-{number}")
        listing = ("describe-environments", *_APP, "--max-records", "2")
        first = self.beanstalk(*listing, "--no-paginate")
        self.assertEqual(len(first["Environments"]), 2)
        rest = self.beanstalk(*listing, "--no-paginate", "--next-token", first["NextToken"])
        self.assertEqual([each["EnvironmentName"] for each in rest["Environments"]], ["env-1", "env-2"])

    def test_terminated_environment_is_listed_unless_unwanted(self) -> None:
        self.beanstalk("terminate-environment", *_ENV)
        self.wait_for(lambda: self.environment()["Status"] == "Terminated")
        self.assertEqual(self.environment()["Health"], "Grey")
        self.assertEqual(self.beanstalk("describe-environments", "--no-include-deleted")["Environments"], [])
        self.assert_fails("No Environment found for EnvironmentName = 'my-app-prod'.", "abort-environment-update", *_ENV)

    def test_instances_are_named(self) -> None:
        self.launch(instances=2)
        resources = self.beanstalk("describe-environment-resources", *_ENV)["EnvironmentResources"]
        self.assertEqual(len(resources["Instances"]), 2)


class Events(BeanstalkTestCase):
    """The event stream."""

    def test_events_of_an_update_carry_its_request_id_and_health_transitions_none(self) -> None:
        self.create_version("v1")
        self.scenario("success")
        answer = self.client("elasticbeanstalk", REGION).update_environment(
            EnvironmentName="my-app-prod", VersionLabel="v1"
        )
        self.until_ready()
        request_id = answer["ResponseMetadata"]["RequestId"]
        own = self.beanstalk("describe-events", "--request-id", request_id)["Events"]
        self.assertEqual(
            [each["Message"] for each in reversed(own)],
            [
                "Environment update is starting.",
                "Deploying new version to instance(s).",
                "Instance deployment successfully generated a 'Procfile'.",
                "Instance deployment completed successfully.",
                "New application version was deployed to running EC2 instances.",
                "Environment update completed successfully.",
            ],
        )
        others = [each for each in self.events() if each.get("RequestId") != request_id]
        self.assertEqual([each.get("RequestId") for each in others], [None, None])
        self.assertRegex(others[1]["Message"], "^Environment health has transitioned from Ok to Info. Application ")

    def test_many_events_of_one_moment_come_in_pages_without_loss(self) -> None:
        self.create_version("v1")
        self.scenario("success", events=25)
        self.update("v1")
        self.until_ready()
        everything = [each["Message"] for each in self.events()]
        self.assertEqual(len([message for message in everything if message.startswith("Batch ")]), 25)
        paged, token = [], ()
        while True:
            page = self.beanstalk("describe-events", *_ENV, "--max-records", "7", "--no-paginate", *token)
            paged += [each["Message"] for each in page["Events"]]
            self.control("POST", "beanstalk/event", {"environment": "my-app-prod", "message": "later"})
            if "NextToken" not in page:
                break
            token = ("--next-token", page["NextToken"])
        self.assertEqual(paged, everything)

    def test_events_are_filtered_by_time_and_severity(self) -> None:
        now = time.time()
        for age, severity in ((60, "ERROR"), (30, "INFO"), (0, "WARN")):
            body = {"environment": "my-app-prod", "message": f"{age}", "severity": severity, "date": now - age}
            self.control("POST", "beanstalk/event", body)
        self.assertEqual([each["Message"] for each in self.events("--severity", "WARN")], ["0", "60"])
        start = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - 45))
        self.assertEqual([each["Message"] for each in self.events("--start-time", start)], ["0", "30"])
        self.assertEqual([each["Message"] for each in self.events("--end-time", start)], ["60"])


def _bucket_elsewhere(test: CloudTestCase) -> str:
    test.control("POST", "s3/bucket", {"bucket": "elsewhere", "region": "us-east-1"})
    return "elsewhere"


if __name__ == "__main__":
    unittest.main()
