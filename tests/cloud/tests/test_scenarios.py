"""How updates go when they do not go well."""

import unittest
from typing import Any

from cloud.tests.support import REGION, CliError
from cloud.tests.test_beanstalk import BeanstalkTestCase

_ENV = ("--environment-name", "my-app-prod")


class Scenarios(BeanstalkTestCase):
    """Each scenario ends as it says."""

    def setUp(self) -> None:
        super().setUp()
        self.create_version("v1")

    def deploy(self, scenario: str, **more: Any) -> None:
        """Deploy v1 under a scenario."""
        self.scenario(scenario, **more)
        self.update("v1")

    def messages(self, severity: str = "ERROR") -> list[str]:
        """The messages of that severity, oldest first."""
        return [each["Message"] for each in reversed(self.events()) if each["Severity"] == severity]

    def state(self) -> tuple[str, str, str]:
        """Status, health and label."""
        environment = self.environment()
        return environment["Status"], environment["Health"], environment["VersionLabel"]

    def test_fails(self) -> None:
        self.deploy("fails")
        self.until_ready()
        self.assertEqual(self.state(), ("Ready", "Red", "v0"))
        errors = self.messages()
        self.assertEqual(errors[0], "Instance deployment failed. For details, see 'eb-engine.log'.")
        self.assertRegex(errors[2], r"^Unsuccessful command execution on instance id\(s\) 'i-\w+'. Aborting")
        self.assertEqual(errors[3], "Failed to deploy application.")
        health = self.beanstalk("describe-environment-health", *_ENV, "--attribute-names", "All")
        self.assertEqual((health["Status"], health["Color"], health["HealthStatus"]), ("Ready", "Red", "Degraded"))
        expected = 'Incorrect application version on environment instances. Expected version "v0" (deployment 1).'
        self.assertEqual(health["Causes"], [expected])
        (instance,) = self.beanstalk("describe-instances-health", *_ENV, "--attribute-names", "All")[
            "InstanceHealthList"
        ]
        self.assertEqual(
            (instance["Deployment"]["VersionLabel"], instance["Deployment"]["Status"]), ("v1", "Failed")
        )

    def test_reverts(self) -> None:
        self.deploy("reverts")
        self.until_ready()
        self.assertEqual(self.state(), ("Ready", "Green", "v0"))
        self.assertEqual(
            self.messages()[-2:],
            [
                "Failed to deploy application.",
                "The environment was reverted to the previous configuration setting.",
            ],
        )

    def test_green_on_the_old_label_without_an_error(self) -> None:
        self.deploy("green-on-old-label")
        self.until_ready()
        self.assertEqual(self.state(), ("Ready", "Green", "v0"))
        self.assertEqual(self.messages(), [])

    def test_yellow_then_green(self) -> None:
        self.deploy("yellow-then-green", recovery_seconds=2)
        self.until_ready()
        self.assertEqual(self.state(), ("Ready", "Yellow", "v1"))
        self.wait_for(lambda: self.state() == ("Ready", "Green", "v1"))
        self.assertEqual(
            self.messages("WARN"),
            ["Environment health has transitioned from Info to Warning. Impaired services on 1 out of 5 instances."],
        )

    def test_red(self) -> None:
        self.deploy("red")
        self.until_ready()
        self.assertEqual(self.state(), ("Ready", "Red", "v1"))
        self.assertEqual(self.messages(), [])

    def test_hangs_until_aborted(self) -> None:
        self.deploy("hangs", seconds=2)
        self.wait_for(lambda: self.environment()["HealthStatus"] == "Info")
        self.assertEqual(len(self.events()), 3)
        self.assertEqual(self.state()[0], "Updating")
        self.beanstalk("abort-environment-update", *_ENV)
        self.assertEqual(self.state()[0], "Aborting")
        self.until_ready()
        self.assertEqual(self.state(), ("Ready", "Green", "v0"))
        self.assert_fails(
            "Environment named my-app-prod is in an invalid state for this operation. Must be pending deployment.",
            "abort-environment-update", *_ENV,
        )  # fmt: skip

    def test_abort_has_a_request_id_of_its_own(self) -> None:
        self.deploy("hangs")
        self.beanstalk("abort-environment-update", *_ENV)
        self.until_ready()
        ids = {each["RequestId"] for each in self.events() if "RequestId" in each}
        self.assertEqual(len(ids), 2)

    def test_busy_then_free(self) -> None:
        self.scenario("busy", 3)
        with self.assertRaisesRegex(CliError, "Must be Ready"):
            self.update("v1")
        self.until_ready()
        self.scenario("success")
        self.update("v1")
        self.until_ready()
        self.assertEqual(self.state(), ("Ready", "Green", "v1"))

    def test_partial_success_leaves_one_instance_behind(self) -> None:
        self.launch(instances=2)
        self.deploy("partial")
        self.until_ready()
        self.assertEqual(self.state(), ("Ready", "Green", "v1"))
        instances = self.beanstalk("describe-instances-health", *_ENV, "--attribute-names", "All")["InstanceHealthList"]
        self.assertEqual([each["Deployment"]["VersionLabel"] for each in instances], ["v1", "v0"])
        self.assertEqual(
            instances[1]["Causes"],
            ['Incorrect application version "v0" (deployment 1). Expected version "v1" (deployment 2).'],
        )

    def test_terminated_while_updating(self) -> None:
        self.deploy("terminated")
        self.wait_for(lambda: self.state()[0] == "Terminated")

    def test_basic_health_knows_no_causes(self) -> None:
        self.launch(health="basic")
        self.deploy("red")
        environment = self.until_ready()
        self.assertNotIn("HealthStatus", environment)
        for operation, name in (
            ("describe-environment-health", "DescribeEnvironmentHealth"),
            ("describe-instances-health", "DescribeInstancesHealth"),
        ):
            self.assert_fails(
                f"(InvalidRequestException) when calling the {name} operation: {name} is not supported.",
                operation, *_ENV, "--attribute-names", "All",
            )  # fmt: skip
        self.assertEqual(self.messages("WARN"), ["Environment health has transitioned from GREEN to RED"])

    def test_scenario_counts_its_times(self) -> None:
        self.deploy("fails", times=1)
        self.until_ready()
        self.update("v1")
        self.until_ready()
        self.assertEqual(self.state(), ("Ready", "Green", "v1"))

    def test_failed_settings_are_taken_back(self) -> None:
        self.scenario("fails")
        setting = "Namespace=aws:elasticbeanstalk:command,OptionName=Timeout,Value=600"
        self.beanstalk("update-environment", *_ENV, "--option-settings", setting)
        self.until_ready()
        self.assertEqual(self.state(), ("Ready", "Green", "v0"))
        self.assertEqual(self.messages()[0], "Failed to deploy configuration.")

    def test_unknown_scenario_is_an_error(self) -> None:
        with self.assertRaises(Exception) as raised:
            self.scenario("nope")
        self.assertIn("400", str(raised.exception))

    def test_environment_is_found_by_its_name_whatever_its_region(self) -> None:
        self.scenario("red")
        self.assertEqual(list(self.control("GET", "beanstalk")), [REGION])


if __name__ == "__main__":
    unittest.main()
