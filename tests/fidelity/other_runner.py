"""The example workflows in somebody else's runner: wrkflw, without containers, on the local cloud.

    python -m fidelity.other_runner        (in tests/; `make fidelity-runner` builds wrkflw and runs it)

What wrkflw 0.8.0 lacks is worked around here, in copies of the workflow and of action.yml: it sets no
GITHUB_ACTION_PATH, and looks for an input with a hyphen under the name with an underscore, where nothing is. It knows no
`vars` either. FIDELITY_BINARY names another binary than that of dist/.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
import urllib.request
from pathlib import Path

import yaml

from fidelity import runs
from fidelity.proxy import KEY_ID, SECRET, Proxy

WRKFLW = runs.PROJECT / "target/wrkflw/bin/wrkflw"
VARIABLES = {"AWS_REGION": "eu-central-1", "DEPLOY_ROLE": "", "SITE_BUCKET": "my-site", "DISTRIBUTION": "E1EXAMPLE"}
INPUTS = {"to": "previous", "dry-run": "false"}


class OtherRunner(unittest.TestCase):
    """A deployment, a change, and the way back."""

    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.proxy = self.enterContext(Proxy(self.folder).running())
        self.control("s3/bucket", bucket="my-site", region="eu-central-1", versioning="Enabled")
        self.control("cloudfront", id="E1EXAMPLE", origins=[{"domain": "my-site.s3.eu-central-1.amazonaws.com"}])
        self.control("beanstalk/environments", application="my-app", environment="my-app-prod", version_label="v0", region="eu-central-1")
        self.repository = self.folder / "repository"
        shutil.copytree(runs.PROJECT / "examples", self.repository / "examples")
        subprocess.run(["git", "init", "--quiet", self.repository], check=True)
        self.action = runs.action(self.folder)
        (self.repository / "action").mkdir()
        (self.repository / "action/action.yml").write_text(self.manifest())

    def control(self, path, **body):
        url = f"{self.proxy.server.endpoint}/_cloud/{path}"
        if not body:
            return json.load(urllib.request.urlopen(url))
        request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
        return json.load(urllib.request.urlopen(request))

    def manifest(self):
        """action.yml without the old inputs: their underscores hide those with hyphens."""
        manifest = yaml.safe_load((self.action / "action.yml").read_text())
        old = {name for name in manifest["inputs"] if "_" in name}
        self.assertTrue(old)
        manifest["inputs"] = {name: given for name, given in manifest["inputs"].items() if name not in old}
        [step] = manifest["runs"]["steps"]
        step["env"] = {name: value for name, value in step["env"].items() if not re.search(r"inputs\.\w*_", value)}
        return yaml.safe_dump(manifest)

    def run_workflow(self, name):
        text = (runs.PROJECT / f"examples/workflows/{name}.yml").read_text()
        text = re.sub(r"\$\{\{ vars\.(\w+) \}\}", lambda found: VARIABLES[found[1]], text)
        text = re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: INPUTS[found[1]], text)
        workflow = yaml.safe_load(re.sub(r"uses: OWNER/aws-web-deploy@\S+", "uses: ./action", text))
        # YAML 1.1 takes the key `on` for true.
        workflow["on"] = workflow.pop(True)
        [job] = workflow["jobs"].values()
        steps = [step for step in job["steps"] if step.get("uses") == "./action"]
        self.assertEqual(len(steps), 1)
        texts = {True: "true", False: "false", None: ""}
        given = steps[0]["with"] = {key: texts.get(value, value) for key, value in steps[0]["with"].items()}
        # It would ask GitHub itself.
        given.pop("github-environment")
        job["env"] = {f"INPUT_{key.upper().replace('-', '_')}": value for key, value in given.items() if "-" in key}
        job["env"] |= {"GITHUB_ACTION_PATH": str(self.action), "INPUT_POLL_INTERVAL": "1"}
        job["steps"].append({"run": f"echo \"outcome=${{{{ steps.{steps[0]['id']}.outputs.outcome }}}}\""})
        path = self.repository / f".github/workflows/{name}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(workflow))
        env = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GITHUB_", "ACTIONS_"))}
        env |= {
            "AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET, "HTTPS_PROXY": self.proxy.url,
            "AWS_CA_BUNDLE": str(self.proxy.ca), "HOME": str(self.folder),
        }  # fmt: skip
        done = subprocess.run(
            [WRKFLW, "run", "--runtime", "emulation", "--verbose", str(path)], cwd=self.repository, env=env,
            capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, f"{done.stdout[-6000:]}{done.stderr[-2000:]}")
        return done.stdout

    def objects(self):
        listed = self.control("s3/objects?bucket=my-site")
        return {one["key"]: one["etag"] for one in listed if not one["key"].startswith(".aws-web-deploy/")}

    def test_a_deployment_and_the_way_back(self):
        self.assertRegex(self.run_workflow("deploy"), "outcome=succeeded")
        first = self.objects()
        self.assertIn("index.html", first)
        (self.repository / "examples/site/index.html").write_text("<p>second")
        (self.repository / "examples/backend/more.txt").write_text("second")
        self.run_workflow("deploy")
        self.assertNotEqual(self.objects(), first)
        self.run_workflow("rollback")
        self.assertEqual(self.objects(), first)
        self.assertEqual((self.proxy.seen.refused, self.proxy.seen.unknown), ([], []))


if __name__ == "__main__":
    unittest.main()
