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

    def test_times_out(self) -> None:
        self.deploy("times-out")
        self.until_ready()
        self.assertEqual(self.state(), ("Ready", "Red", "v0"))
        self.assertRegex(self.messages("WARN")[0], r"command timeout time \(they might .*\): \[i-\w+\]\.$")
        self.assertTrue(any("[Successful: 0, TimedOut: 1]" in message for message in self.messages("INFO")))
        self.assertTrue(self.messages()[0].startswith("Unsuccessful command execution on instance id(s) 'i-"))

    def test_complete_but_with_command_timeouts(self) -> None:
        for severity in ("WARN", "ERROR"):
            self.deploy("command-timeouts", severity=severity)
            self.until_ready()
            self.assertEqual(self.state(), ("Ready", "Green", "v1"))
            expected = "Update environment operation is complete, but with command timeouts."
            self.assertTrue(any(message.startswith(expected) for message in self.messages(severity)))
        self.deploy("with-errors")
        self.until_ready()
        self.assertTrue(any(" complete, but with errors." in message for message in self.messages("WARN")))

    def test_immutable_update_shows_the_old_instances_for_a_while(self) -> None:
        self.launch(instances=2)
        old = {each["InstanceId"] for each in self.instances()}
        self.deploy("immutable", seconds=1, recovery_seconds=1)
        self.wait_for(lambda: len(self.instances()) == 3)
        self.assertEqual([each.get("Deployment", {}).get("VersionLabel") for each in self.instances()], [None, "v0", "v0"])
        self.until_ready()
        self.assertEqual(self.state(), ("Ready", "Green", "v1"))
        labels = [each["Deployment"]["VersionLabel"] for each in self.instances()]
        self.assertEqual(labels, ["v1", "v1", "v0", "v0"])
        self.wait_for(lambda: len(self.instances()) == 2)
        self.assertFalse(old & {each["InstanceId"] for each in self.instances()})
        self.assertEqual(len([message for message in self.messages("INFO") if message.startswith("Removed ")]), 2)

    def instances(self) -> list[Any]:
        """What DescribeInstancesHealth says."""
        answer = self.beanstalk("describe-instances-health", *_ENV, "--attribute-names", "All")
        return list(answer["InstanceHealthList"])

    def test_instance_that_was_just_launched_has_no_deployment(self) -> None:
        self.control("POST", "beanstalk/environment", {"environment": "my-app-prod", "instance_labels": [None]})
        self.assertNotIn("Deployment", self.instances()[0])

    def test_cluster_environment(self) -> None:
        self.launch(tier="Cluster")
        environment = self.environment()
        self.assertEqual((environment["Tier"], environment["Health"]), ({"Name": "Cluster", "Type": "EKS"}, "Grey"))
        self.assertNotIn("SolutionStackName", environment)
        self.deploy("success")
        self.until_ready()
        self.assertEqual(self.state(), ("Ready", "Grey", "v1"))
        health = self.beanstalk("describe-environment-health", *_ENV, "--attribute-names", "All")
        self.assertEqual(health["Causes"], ["Insufficient request rate (0.0 requests/min) to determine application health."])
        self.assert_fails(
            "DescribeInstancesHealth is not supported.", "describe-instances-health", *_ENV, "--attribute-names", "All"
        )
        with self.assertRaisesRegex(Exception, "400"):
            self.scenario("fails")

    def test_unknown_scenario_is_an_error(self) -> None:
        with self.assertRaises(Exception) as raised:
            self.scenario("nope")
        self.assertIn("400", str(raised.exception))

    def test_environment_is_found_by_its_name_whatever_its_region(self) -> None:
        self.scenario("red")
        self.assertEqual(list(self.control("GET", "beanstalk")), [REGION])


class OtherPeople(BeanstalkTestCase):
    """Updates by somebody else."""

    def setUp(self) -> None:
        super().setUp()
        self.create_version("v1")

    def somebody(self, **more: Any) -> None:
        """Somebody deploys v9."""
        body = {"environment": "my-app-prod", "version_label": "v9", "seconds": 0.3}
        self.control("POST", "beanstalk/update", body | more)

    def describe(self) -> tuple[str, str]:
        """Status and label by DescribeEnvironments."""
        (found,) = self.beanstalk("describe-environments", "--environment-names", "my-app-prod")["Environments"]
        return found["Status"], found["VersionLabel"]

    def until(self, status: str, label: str) -> None:
        """Wait for a state."""
        self.wait_for(lambda: self.describe() == (status, label))

    def test_at_once(self) -> None:
        self.somebody()
        self.assertEqual(self.describe(), ("Updating", "v0"))
        self.until("Ready", "v9")

    def test_after_some_polls(self) -> None:
        self.somebody(polls=2)
        self.assertEqual([self.describe() for _ in range(2)], [("Ready", "v0"), ("Updating", "v0")])
        self.until("Ready", "v9")

    def test_right_after_an_update_that_goes_on(self) -> None:
        self.scenario("success")
        self.update("v1")
        self.somebody()
        seen = set()
        self.wait_for(lambda: seen.add(self.describe()) or ("Ready", "v9") in seen)
        self.assertNotIn(("Ready", "v1"), seen)
        self.assertIn(("Updating", "v1"), seen)
        completed = [each for each in self.events() if each["Message"] == "Environment update completed successfully."]
        self.assertEqual(len({each["RequestId"] for each in completed}), 2)

    def test_instead_of_an_update_that_goes_on(self) -> None:
        self.scenario("success", 5)
        self.update("v1")
        self.somebody(abort=True)
        self.until("Ready", "v9")
        completed = [each for each in self.events() if each["Message"] == "Environment update completed successfully."]
        self.assertEqual(len(completed), 1)


if __name__ == "__main__":
    unittest.main()
