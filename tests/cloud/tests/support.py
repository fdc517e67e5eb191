"""What the tests share: one warm pool of clouds, the aws CLI in this process, and the control endpoint."""

import contextlib
import io
import json
import os
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.request
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from awscli.clidriver import CLIDriver, create_clidriver
from botocore.config import Config

_TESTS = Path(__file__).parents[2]
REGION = "ap-northeast-2"


@cache
def _cli() -> CLIDriver:
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_MAX_ATTEMPTS": "1",
    }
    return create_clidriver()


class CliError(Exception):
    """The aws CLI has failed; the text is what it wrote to stderr."""


class Pool:
    """The pool's process, started with the first test that needs it."""

    process: subprocess.Popen[str] | None = None

    @classmethod
    def new(cls) -> dict[str, Any]:
        """A new cloud's endpoints."""
        if cls.process is None:
            cls.process = subprocess.Popen(
                [sys.executable, "-m", "cloud", "--pool"],
                cwd=_TESTS,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            unittest.addModuleCleanup(cls.close)
        cls.tell("new")
        assert cls.process.stdout
        return json.loads(cls.process.stdout.readline())

    @classmethod
    def tell(cls, line: str) -> None:
        """Write a line to the pool."""
        assert cls.process and cls.process.stdin
        cls.process.stdin.write(f"{line}\n")
        cls.process.stdin.flush()

    @classmethod
    def close(cls) -> None:
        """End the pool and its clouds."""
        if cls.process:
            cls.process.communicate()
            cls.process = None


class CloudTestCase(unittest.TestCase):
    """A test with a cloud of its own."""

    maxDiff = None

    def setUp(self) -> None:
        self.cloud = Pool.new()
        self.addCleanup(Pool.tell, f"end {self.cloud['pid']}")

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Send a control request and give the answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.cloud['control']}/{path}", data, method=method)
        with urllib.request.urlopen(request) as response:
            return json.load(response)

    def get(self, url: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
        """Status and body of a plain GET; a path counts from the cloud's endpoint."""
        url = url if url.startswith("http") else self.cloud["endpoint"] + url
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {})) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def aws(self, *arguments: str, region: str = REGION) -> Any:
        """Run the aws CLI; its JSON output, None when there is none."""
        out, err = io.StringIO(), io.StringIO()
        options = ["--endpoint-url", self.cloud["endpoint"], "--region", region, "--output", "json"]
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = _cli().main([*arguments, *options])
        if code:
            raise CliError(err.getvalue().strip())
        return json.loads(out.getvalue()) if out.getvalue() else None

    def beanstalk(self, operation: str, *arguments: str) -> Any:
        """Run one `aws elasticbeanstalk` command."""
        return self.aws("elasticbeanstalk", operation, *arguments)

    def client(self, service: str, region: str = "us-east-1", key: str = "AKIAIOSFODNN7EXAMPLE", **more: Any) -> Any:
        """A boto3 client that does not retry."""
        credentials = {"aws_secret_access_key": "secret"} | more
        return boto3.client(
            service,
            endpoint_url=self.cloud["endpoint"],
            region_name=region,
            aws_access_key_id=key,
            config=Config(retries={"total_max_attempts": 1}),
            **credentials,
        )

    def requests(self, *operations: str) -> list[dict[str, Any]]:
        """The logged requests, only those of the operations where some are given."""
        logged = self.control("GET", "requests")
        return [each for each in logged if not operations or each["operation"] in operations]

    def wait_for(self, check: Any, seconds: float = 5) -> Any:
        """Ask until the answer is true, and give it."""
        end = time.monotonic() + seconds
        while not (answer := check()):
            self.assertLess(time.monotonic(), end, "waited in vain")
            time.sleep(0.02)
        return answer
