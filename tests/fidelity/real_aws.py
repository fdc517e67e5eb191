""".github/workflows/real-aws.yml as it stands, in the runner harness and on the local cloud: that it can pass, and can fail.

    python -m fidelity.real_aws        (in tests/; `make fidelity-real-aws` runs it)

Only what launches and removes stacks is stood in for; setup/real_aws.py tests that on an emulator of CloudFormation.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request
from pathlib import Path

from fidelity import runs
from fidelity.proxy import Proxy

ROLE = "arn:aws:iam::123456789012:role/deploy"
ERRORS = [{"code": 403, "page": "/404.html", "response_code": 404}]
# Stands in for scripts/real-aws.sh in the checkout: what the stacks would be is here already.
STAND_IN = """\
#!/bin/sh
set -eu
case $1 in
  launch) cat outputs >>"$GITHUB_OUTPUT" ;;
  clean) touch cleaned ;;
  broken) {project}/scripts/real-aws.sh "$@"; curl --fail --silent --json '{failure}' {control}/beanstalk/scenario ;;
  *) {project}/scripts/real-aws.sh "$@" ;;
esac
"""


class RealAws(unittest.TestCase):
    """The workflow, each of its steps."""

    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.proxy = self.enterContext(Proxy(self.folder).running())
        self.endpoint = self.proxy.server.endpoint
        self.checkout = self.folder / "checkout"
        (self.checkout / "scripts").mkdir(parents=True)
        for name in ("setup", "examples"):
            shutil.copytree(runs.PROJECT / name, self.checkout / name)
        script = self.checkout / "scripts/real-aws.sh"
        failure = json.dumps({"environment": "awd-1", "scenario": "fails", "times": 1})
        script.write_text(STAND_IN.format(project=runs.PROJECT, failure=failure, control=f"{self.endpoint}/_cloud"))
        script.chmod(0o755)
        values = {"bucket": "awd-site", "distribution": "E1", "role": ROLE, "site-url": f"{self.endpoint}/_viewer/E1/"}
        (self.checkout / "outputs").write_text("".join(f"{name}={value}\n" for name, value in values.items()))
        self.control("s3/bucket", bucket="awd-site", region="eu-central-1", versioning="Enabled", block_public_access=False, policy={
            "Version": "2012-10-17", "Statement": [
                {"Sid": "Read", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::awd-site/*"},
                {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::awd-site/.aws-web-deploy/*",
                 "Condition": {"StringNotEquals": {"aws:PrincipalAccount": "123456789012"}}},
            ],
        })  # fmt: skip
        self.control("cloudfront", id="E1", default_root_object="index.html", error_pages=ERRORS, origins=[{"domain": "awd-site.s3.eu-central-1.amazonaws.com"}])
        self.control("cloudfront/settings", caching=True)
        self.control("oidc", trust=[{"role": ROLE}])
        self.control("beanstalk/environments", application="awd-1", environment="awd-1", version_label="sample", region="eu-central-1")

    def control(self, path, **body):
        request = urllib.request.Request(f"{self.endpoint}/_cloud/{path}", json.dumps(body).encode(), {"content-type": "application/json"})
        try:
            return json.load(urllib.request.urlopen(request))
        except urllib.error.HTTPError as error:
            self.fail(error.read().decode())

    def run_workflow(self):
        job = self.folder / "job.json"
        job.write_text(json.dumps({
            "action": str(runs.action(self.folder)), "checkout": str(self.checkout), "workspace": str(self.folder / "workspace"),
            "temp": str(self.folder / "temp"), "runner": {"arch": runs.ARCHITECTURE}, "timeout": 300,
            "env": {"HTTPS_PROXY": self.proxy.url, "AWS_CA_BUNDLE": str(self.proxy.ca)},
            "contexts": {"inputs": {"role": ROLE, "region": "eu-central-1", "backend": True}},
            "github": {"run_id": "1", "run_number": "1", "api_url": f"{self.endpoint}/_github"},
            "id_token": {"url": f"{self.endpoint}/_oidc/token?v=1", "token": "request-token"},
        }))  # fmt: skip
        path = runs.PROJECT / ".github/workflows/real-aws.yml"
        done = subprocess.run(
            [sys.executable, "-m", "runner", job, "--workflow", path], cwd=runs.PROJECT / "tests", stdout=subprocess.PIPE, check=True
        )
        return json.loads(done.stdout)

    def test_it_passes(self):
        result = self.run_workflow()
        self.assertEqual(result["result"], "success", result["log"])
        self.assertGreater(len(result["ran"]), 15)
        self.assertEqual((self.proxy.seen.refused, self.proxy.seen.unknown), ([], []))
        self.assertIn("the environment is back on `good`" if False else "good", result["log"])
        self.assertTrue((self.folder / "workspace/cleaned").exists())

    def test_it_fails_where_visitors_see_something_else_and_cleans_up(self):
        # Whatever is uploaded, visitors go on seeing an older page.
        self.control("s3/bucket", bucket="awd-other", region="eu-central-1")
        origins = [{"domain": "awd-other.s3.eu-central-1.amazonaws.com"}]
        self.control("cloudfront", id="E1", default_root_object="index.html", origins=origins)
        result = self.run_workflow()
        self.assertEqual(result["result"], "failure", result["log"])
        self.assertTrue((self.folder / "workspace/cleaned").exists())


if __name__ == "__main__":
    unittest.main()
