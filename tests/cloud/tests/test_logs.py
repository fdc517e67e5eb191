"""Logs of instances and of deployments."""

import io
import re
import unittest
import zipfile
from typing import Any

from cloud.tests.support import REGION
from cloud.tests.test_beanstalk import BeanstalkTestCase

_ENV = ("--environment-name", "my-app-prod")
_BUCKET = f"elasticbeanstalk-{REGION}-123456789012"


class Logs(BeanstalkTestCase):
    """RequestEnvironmentInfo and RetrieveEnvironmentInfo."""

    def retrieve(self, kind: str = "tail") -> list[Any]:
        """The collected logs."""
        return self.beanstalk("retrieve-environment-info", *_ENV, "--info-type", kind)["EnvironmentInfo"]

    def test_tail_is_there_a_moment_after_the_request(self) -> None:
        self.create_version("v1")
        self.scenario("fails")
        self.update("v1")
        self.until_ready()
        self.assertEqual(self.retrieve(), [])
        self.beanstalk("request-environment-info", *_ENV, "--info-type", "tail")
        (info,) = self.wait_for(self.retrieve)
        status, tail = self.get(info["Message"])
        self.assertEqual(status, 200)
        self.assertRegex(tail, r"(?s)\n-+\n/var/log/eb-engine.log\n-+\n.* \[ERROR\] An error occurred during execution")
        self.assertRegex(tail, r"^-+\n/var/log/web.stdout.log\n-+\n")

    def test_url_needs_its_signature_and_no_other_authorization(self) -> None:
        self.beanstalk("request-environment-info", *_ENV, "--info-type", "bundle")
        (info,) = self.wait_for(lambda: self.retrieve("bundle"))
        url = info["Message"]
        self.assertEqual(self.get(re.sub("X-Amz-Signature=.*", "X-Amz-Signature=00", url))[0], 403)
        status, body = self.get(url, {"Authorization": "AWS4-HMAC-SHA256 Credential=x"})
        self.assertEqual(status, 400)
        self.assertIn("Only one auth mechanism allowed", body)

    def test_log_can_be_chosen(self) -> None:
        self.scenario("success", log="::error::from the log\n")
        self.create_version("v1")
        self.update("v1")
        self.until_ready()
        self.beanstalk("request-environment-info", *_ENV, "--info-type", "tail")
        (info,) = self.wait_for(self.retrieve)
        self.assertEqual(self.get(info["Message"])[1], "::error::from the log\n")

    def fail(self, **more: Any) -> None:
        """Let a deployment fail."""
        self.scenario("fails", **more)
        self.create_version("v1")
        self.update("v1")
        self.until_ready()

    def tail(self) -> dict[str, list[str]]:
        """The lines of each log in a fresh tail, by path."""
        before = len(self.retrieve())
        self.beanstalk("request-environment-info", *_ENV, "--info-type", "tail")
        self.wait_for(lambda: len(self.retrieve()) > before)
        text = self.get(self.retrieve()[-1]["Message"])[1]
        parts = re.split(r"(?m)^-{40}\n(/var/\S+)\n-{40}\n", text)
        self.assertEqual(parts[0], "")
        return {path: body.splitlines() for path, body in zip(parts[1::2], parts[2::2])}

    def test_the_command_that_collects_the_tail_is_the_last_in_it(self) -> None:
        self.launch(own_commands=True)
        self.fail()
        lines = self.tail()["/var/log/eb-engine.log"]
        starts = [index for index, line in enumerate(lines) if line.endswith("[INFO] Starting...")]
        commands = [line.partition("(")[2].rstrip(")") for line in lines if "Engine command: (" in line]
        self.assertEqual((len(starts), commands), (2, ["app-deploy", "tail-log"]))
        errors = [index for index, line in enumerate(lines) if "[ERROR]" in line]
        self.assertTrue(starts[0] < errors[0] < starts[1])
        self.assertTrue(lines[-3].endswith("Running command: tail -n 100 /var/log/eb-engine.log"), lines)
        again = self.tail()["/var/log/eb-engine.log"]
        commands = [line.partition("(")[2].rstrip(")") for line in again if "Engine command: (" in line]
        self.assertEqual(commands, ["app-deploy", "tail-log", "tail-log"])

    def test_tail_has_a_hundred_lines(self) -> None:
        self.launch(own_commands=True)
        self.fail(cause="dependencies", noise=90)
        lines = self.tail()["/var/log/eb-engine.log"]
        self.assertEqual(len(lines), 102)  # the two blank ones belong to the tail
        self.assertFalse(any("Engine command: (app-deploy)" in line for line in lines))
        self.assertTrue(any("[ERROR] An error occurred during execution" in line for line in lines))

    def test_urls_are_signed_anew_for_each_answer(self) -> None:
        self.beanstalk("request-environment-info", *_ENV, "--info-type", "tail")
        (first,) = self.wait_for(self.retrieve)
        (second,) = self.retrieve()
        self.assertNotEqual(first["Message"], second["Message"])
        self.assertEqual(first["Message"].partition("?")[0], second["Message"].partition("?")[0])
        self.assertEqual(first["SampleTimestamp"], second["SampleTimestamp"])
        self.assertEqual(self.get(first["Message"]), self.get(second["Message"]))

    def test_application_logs_of_other_platforms(self) -> None:
        for platform, expected in (
            ("docker", r"/var/log/eb-docker/containers/eb-current-app/eb-[0-9a-f]{12}-stdouterr\.log"),
            ("docker-older", r"/var/log/eb-docker/containers/eb-current-app/[0-9a-f]{12}-stdouterr\.log"),
            ("ecs", r"/var/log/containers/nginx-proxy-[0-9a-f]{12}-stdouterr\.log"),
            ("windows", r"C:\\Program Files\\Amazon\\ElasticBeanstalk\\logs\\AWSDeployment\.log"),
        ):
            name = f"on-{platform}"
            self.launch(environment=name, platform=platform)
            self.beanstalk("request-environment-info", "--environment-name", name, "--info-type", "tail")
            ask = ("retrieve-environment-info", "--environment-name", name, "--info-type", "tail")
            (info,) = self.wait_for(lambda: self.beanstalk(*ask)["EnvironmentInfo"])
            self.assertRegex(self.get(info["Message"])[1], f"\n?-+\n{expected}\n-+\n")

    def test_further_logs_and_other_causes(self) -> None:
        sections = {"/var/log/cfn-init-cmd.log": True, "/var/log/eb-hooks.log": "a hook's output\n"}
        self.fail(cause="hook", sections=sections)
        tail = self.tail()
        self.assertTrue(any("[ERROR] Exited with error code 1" in line for line in tail["/var/log/cfn-init-cmd.log"]))
        self.assertEqual(tail["/var/log/eb-hooks.log"][0], "a hook's output")
        error = next(line for line in tail["/var/log/eb-engine.log"] if "[ERROR]" in line)
        self.assertIn("[RunAppDeployPreBuildHooks]", error)
        with self.assertRaisesRegex(Exception, "400"):
            self.scenario("fails", cause="nope")


class DeploymentLogs(BeanstalkTestCase):
    """What the platforms of March 2026 and later upload."""

    def keys(self) -> list[str]:
        """The keys of the deployment logs."""
        found = self.control("GET", f"s3/objects?bucket={_BUCKET}")
        return [each["key"] for each in found if each["key"].startswith("resources/")]

    def deploy(self, label: str) -> str:
        """Deploy a version; the request's id."""
        self.create_version(label)
        answer = self.client("elasticbeanstalk", REGION).update_environment(
            EnvironmentName="my-app-prod", VersionLabel=label
        )
        self.until_ready()
        return str(answer["ResponseMetadata"]["RequestId"])

    def read(self, key: str) -> str:
        """A log."""
        return str(self.client("s3", REGION).get_object(Bucket=_BUCKET, Key=key)["Body"].read().decode())

    def test_each_deployment_leaves_its_log(self) -> None:
        self.launch(deployment_logs=True)
        identifier = self.environment()["EnvironmentId"]
        self.scenario("fails", cause="dependencies", noise=80)
        failed = f"resources/environments/logs/deployments/{identifier}/eb-deployment-{self.deploy('v1')}.log"
        self.assertEqual(self.keys(), [failed])
        lines = self.read(failed).splitlines()
        self.assertEqual(lines[0], "[INFO] Starting Application deployment")
        self.assertTrue(lines[1].startswith("[ERROR] An error occurred during execution of command [app-deploy]"))
        self.scenario("success")
        good = failed.rpartition("/")[0] + f"/eb-deployment-{self.deploy('v2')}.log"
        self.assertEqual(self.keys(), sorted([failed, good]))
        self.assertTrue(self.read(good).endswith("[INFO] Completed Application deployment\n"))

    def test_cluster_environment_has_a_zip_file(self) -> None:
        self.launch(tier="Cluster")
        identifier = self.environment()["EnvironmentId"]
        key = f"resources/environments/logs/deployments/{identifier}/deployment-my-app-prod-{self.deploy('v1')}.zip"
        self.assertEqual(self.keys(), [key])
        body = self.client("s3", REGION).get_object(Bucket=_BUCKET, Key=key)["Body"].read()
        events, pod = zipfile.ZipFile(io.BytesIO(body)).namelist()
        self.assertEqual(events, "1-environment/_k8Events.txt")
        self.assertRegex(pod, r"^1-environment/my-app-prod-.*\.txt$")

    def test_older_platforms_and_those_that_must_not_leave_none(self) -> None:
        self.scenario("success")
        self.deploy("v1")
        self.launch(deployment_logs=True)
        self.scenario("success")
        option = "Namespace=aws:elasticbeanstalk:application:environment,OptionName=EB_DEPLOYMENT_LOG_S3_DISABLED"
        self.beanstalk("update-environment", *_ENV, "--option-settings", f"{option},Value=true")
        self.until_ready()
        self.deploy("v2")
        self.assertEqual(self.keys(), [])


if __name__ == "__main__":
    unittest.main()
