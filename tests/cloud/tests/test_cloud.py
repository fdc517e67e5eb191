"""The parts around the services: log, faults, reset, pool, GitHub."""

import json
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from cloud.tests.support import CloudTestCase

_TESTS = Path(__file__).parents[2]


class Log(CloudTestCase):
    """The log of requests."""

    def test_requests_are_named_with_what_they_carry(self) -> None:
        self.control("POST", "s3/bucket", {"bucket": "bkt"})
        s3 = self.client("s3")
        s3.put_object(Bucket="bkt", Key="a", Body=b"x" * 100, CacheControl="no-cache")
        s3.delete_objects(Bucket="bkt", Delete={"Objects": [{"Key": "a"}]})
        self.client("elasticbeanstalk", "eu-west-1").describe_events(EnvironmentName="env1")
        put, delete, events = self.requests()
        self.assertEqual((put["service"], put["operation"], put["path"]), ("s3", "PutObject", "/bkt/a"))
        self.assertEqual((put["headers"]["cache-control"], put["status"]), ("no-cache", 200))
        self.assertNotIn("authorization", put["headers"])
        self.assertEqual(put["access_key"], "AKIAIOSFODNN7EXAMPLE")
        self.assertEqual((delete["operation"], delete["params"]["keys"]), ("DeleteObjects", ["a"]))
        self.assertEqual((events["region"], events["params"]["EnvironmentName"]), ("eu-west-1", "env1"))
        self.assertLessEqual(put["started"], put["ended"])
        self.control("DELETE", "requests")
        self.assertEqual(self.requests(), [])

    def test_every_s3_operation_has_its_name(self) -> None:
        self.control("POST", "s3/bucket", {"bucket": "bkt", "versioning": "Enabled"})
        s3 = self.client("s3")
        calls: dict[str, dict[str, Any]] = {
            "head_bucket": {}, "list_objects_v2": {}, "list_objects": {}, "list_object_versions": {},
            "get_bucket_location": {}, "get_bucket_versioning": {}, "get_bucket_acl": {},
            "get_public_access_block": {}, "get_bucket_ownership_controls": {}, "get_bucket_encryption": {},
            "list_multipart_uploads": {}, "put_object": {"Key": "a"}, "head_object": {"Key": "a"},
            "get_object": {"Key": "a"}, "get_object_acl": {"Key": "a"}, "get_object_tagging": {"Key": "a"},
            "create_multipart_upload": {"Key": "a"}, "delete_object": {"Key": "a"},
        }  # fmt: skip
        for call, arguments in calls.items():
            getattr(s3, call)(Bucket="bkt", **arguments)
        named = [each["operation"] for each in self.requests()]
        expected = [s3.meta.method_to_api_mapping[call] for call in calls]
        self.assertEqual(named, expected)


class Reset(CloudTestCase):
    """Forgetting."""

    def test_reset_forgets_everything(self) -> None:
        self.control("POST", "s3/object", {"bucket": self.fresh_bucket(), "key": "a", "body": "x"})
        self.control("POST", "beanstalk/environments", {"application": "a", "environment": "env-1"})
        self.control("POST", "identity", {"access_key": "AKIA", "secret_key": "s"})
        self.control("POST", "reset")
        self.assertEqual(self.client("s3").list_buckets()["Buckets"], [])
        self.assertEqual(self.control("GET", "beanstalk"), {})

    def fresh_bucket(self) -> str:
        """A bucket."""
        self.control("POST", "s3/bucket", {"bucket": "bkt"})
        return "bkt"

    def test_wrong_control_is_an_error_that_says_so(self) -> None:
        for path, body, expected in (("nope", {}, "no such control"), ("faults", {"kin": 1}, "kin")):
            with self.assertRaises(urllib.error.HTTPError) as raised:
                self.control("POST", path, body)
            self.assertIn(expected, raised.exception.read().decode())


class Processes(unittest.TestCase):
    """The command line."""

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the cloud."""
        process = subprocess.Popen(
            [sys.executable, "-m", "cloud", *arguments],
            cwd=_TESTS,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.wait)
        self.addCleanup(lambda: process.stdin and process.stdin.close())
        self.addCleanup(lambda: process.stdout and process.stdout.close())
        return process

    def test_single_cloud_serves_until_stdin_closes(self) -> None:
        process = self.start("--port", "0")
        assert process.stdout and process.stdin
        endpoints = json.loads(process.stdout.readline())
        self.assertEqual(endpoints["github"], f"{endpoints['endpoint']}/_github")
        urllib.request.urlopen(f"{endpoints['control']}/requests").read()
        process.stdin.close()
        self.assertEqual(process.wait(5), 0)

    def test_clouds_of_a_pool_know_nothing_of_each_other_and_end_with_it(self) -> None:
        process = self.start("--pool")
        assert process.stdout and process.stdin
        process.stdin.write("new\nnew\n")
        process.stdin.flush()
        one, two = (json.loads(process.stdout.readline()) for _ in range(2))
        urllib.request.urlopen(urllib.request.Request(f"{one['endpoint']}/only-here", method="PUT"))
        with self.assertRaises(urllib.error.HTTPError):
            urllib.request.urlopen(f"{two['endpoint']}/only-here")
        process.stdin.write(f"end {one['pid']}\nnew\n")
        process.stdin.flush()
        three = json.loads(process.stdout.readline())
        with self.assertRaises(urllib.error.URLError):
            urllib.request.urlopen(one["endpoint"])
        process.stdin.close()
        process.wait(5)
        for ended in (two, three):
            with self.assertRaises(urllib.error.URLError):
                urllib.request.urlopen(ended["endpoint"])


class GitHub(CloudTestCase):
    """The deployments API."""

    def api(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and body of an API call."""
        request = urllib.request.Request(
            f"{self.cloud['github']}/repos/o/r{path}",
            json.dumps(body).encode() if body else None,
            {"Authorization": "Bearer token"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def test_deployment_with_its_statuses(self) -> None:
        status, deployment = self.api("POST", "/deployments", {"ref": "main", "environment": "prod"})
        self.assertEqual((status, deployment["environment"]), (201, "prod"))
        path = f"/deployments/{deployment['id']}/statuses"
        for state in ("in_progress", "success"):
            body = {"state": state, "environment_url": "http://x", "log_url": "http://l"}
            self.assertEqual(self.api("POST", path, body)[0], 201)
        self.assertEqual([each["state"] for each in self.api("GET", path)[1]], ["success", "in_progress"])
        self.assertEqual(self.api("GET", "/deployments?environment=prod")[1][0]["id"], deployment["id"])
        self.assertEqual(self.api("GET", "/deployments?environment=other")[1], [])
        self.assertEqual(self.control("GET", "github")["statuses"][1]["environment_url"], "http://x")
        self.assertEqual([each["operation"] for each in self.requests()][:2], ["CreateDeployment", "CreateDeploymentStatus"])

    def test_success_makes_earlier_deployments_of_the_environment_inactive(self) -> None:
        for _ in range(2):
            body = {"ref": "main", "environment": "staging", "production_environment": False}
            deployment = self.api("POST", "/deployments", body)[1]
            self.api("POST", f"/deployments/{deployment['id']}/statuses", {"state": "success"})
        states = [each["state"] for each in self.control("GET", "github")["statuses"]]
        self.assertEqual(states, ["success", "success", "inactive"])

    def test_commit_has_a_subject(self) -> None:
        self.control("POST", "github", {"subject": "Fix it"})
        commit = self.api("GET", "/commits/abc")[1]
        self.assertEqual(commit["commit"]["message"].split("\n")[0], "Fix it")

    def test_modes(self) -> None:
        self.control("POST", "github", {"mode": "forbidden"})
        status, body = self.api("POST", "/deployments", {"ref": "main"})
        self.assertEqual((status, body["message"]), (403, "Resource not accessible by integration"))
        self.control("POST", "github", {"mode": "down"})
        self.assertEqual(self.api("GET", "/deployments")[0], 502)
        self.control("POST", "github", {"mode": "slow", "seconds": 0.2})
        started = time.monotonic()
        self.assertEqual(self.api("GET", "/deployments")[0], 200)
        self.assertGreaterEqual(time.monotonic() - started, 0.2)

    def test_rate_limits(self) -> None:
        self.control("POST", "github", {"mode": "secondary-limit", "seconds": 60, "times": 1})
        request = urllib.request.Request(f"{self.cloud['github']}/repos/o/r/deployments")
        request.add_header("Authorization", "Bearer token")
        with self.assertRaises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(request)
        self.assertEqual((raised.exception.code, raised.exception.headers["retry-after"]), (403, "60"))
        self.assertIn("You have exceeded a secondary rate limit.", raised.exception.read().decode())
        self.assertEqual(self.api("GET", "/deployments"), (200, []))
        self.control("POST", "github", {"mode": "rate-limit", "times": 2})
        with self.assertRaises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(request)
        self.assertEqual(raised.exception.headers["x-ratelimit-remaining"], "0")
        self.assertIn("API rate limit exceeded", self.api("GET", "/deployments")[1]["message"])
        with self.assertRaises(urllib.error.HTTPError):
            self.control("POST", "github", {"mode": "nope"})


if __name__ == "__main__":
    unittest.main()
