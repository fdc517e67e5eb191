"""An account on the emulator that is empty before each test: stacks, visitors, and jobs of GitHub in it."""

import base64
import contextlib
import http.client
import http.server
import json
import os
import socket
import subprocess
import sys
import time
import unittest
import urllib.parse
import urllib.request
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

PROJECT = Path(__file__).resolve().parents[2]
TESTS = PROJECT / "tests"
PYTHON = Path(os.environ.get("FIDELITY_PYTHON", PROJECT / "target/fidelity/bin/python"))
REGION = "eu-central-1"
ISSUER = "https://token.actions.githubusercontent.com"


def token(subject, audience="sts.amazonaws.com"):
    """A token as GitHub's, but for the signature, which the emulator does not look at."""
    parts = ({"alg": "RS256", "typ": "JWT"}, {"iss": ISSUER, "aud": audience, "sub": subject})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, "c2lnbmF0dXJl"])


class GitHub(http.server.BaseHTTPRequestHandler):
    """The job's token endpoint."""

    subject = ""

    def do_GET(self):
        """Answers with a token."""
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        [audience] = asked.get("audience", ["https://github.com/octo-org"])
        body = json.dumps({"value": token(self.subject, audience)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Says nothing."""


class Emulated(unittest.TestCase):
    """An account that is empty before each test."""

    @classmethod
    def setUpClass(cls):
        if not PYTHON.exists():
            raise RuntimeError(f"the emulator is not installed at {PYTHON}: `make fidelity-templates` does it")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        cls.port, cls.endpoint = port, f"http://127.0.0.1:{port}"
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        cls.emulator = subprocess.Popen(
            [PYTHON, TESTS / "setup/emulator.py", str(port)], env={"PATH": os.environ["PATH"]} | keys, stderr=subprocess.DEVNULL
        )
        cls.addClassCleanup(cls.stop)
        cls.await_health()
        cls.environment = os.environ | keys | {
            "AWS_ENDPOINT_URL": cls.endpoint, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, "AWS_PAGER": "",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }  # fmt: skip

    @classmethod
    def stop(cls):
        cls.emulator.terminate()
        cls.emulator.wait(timeout=20)

    @classmethod
    def await_health(cls):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if cls.emulator.poll() is not None:
                raise RuntimeError("the emulator ended at once")
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{cls.endpoint}/_ministack/health", timeout=5).read()
                return
            time.sleep(0.1)
        raise RuntimeError("the emulator did not start within a minute")

    def setUp(self):
        request = urllib.request.Request(f"{self.endpoint}/_ministack/reset", method="POST")
        urllib.request.urlopen(request, timeout=60).read()

    def client(self, service, region=REGION, **credentials):
        given = {"aws_access_key_id": "test", "aws_secret_access_key": "test"} | credentials
        return boto3.client(service, region_name=region, endpoint_url=self.endpoint, **given)

    def launch(self, name, stack="my-stack", region=REGION, **parameters):
        """The outputs of a new stack of a template."""
        formation = self.client("cloudformation", region)
        formation.create_stack(
            StackName=stack,
            TemplateBody=(PROJECT / f"setup/{name}.yaml").read_text(),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
        formation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        [described] = formation.describe_stacks(StackName=stack)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}

    def visit(self, url, method="GET", scheme="https"):
        """What a visitor gets: status, headers, text."""
        host, _, path = url.removeprefix("https://").partition("/")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        self.addCleanup(connection.close)
        connection.request(method, f"/{path}", headers={"Host": host, "X-Forwarded-Proto": scheme})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()

    def assume(self, role, subject, audience="sts.amazonaws.com"):
        """Credentials of the role for a job with that subject."""
        given = self.client("sts").assume_role_with_web_identity(
            RoleArn=role, RoleSessionName="test", WebIdentityToken=token(subject, audience)
        )["Credentials"]
        return {
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"],
        }

    def refused(self, call, **arguments):
        with self.assertRaises(ClientError) as caught:
            call(**arguments)
        self.assertIn(caught.exception.response["Error"]["Code"], ("AccessDenied", "AccessDeniedException", "403"))
