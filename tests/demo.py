"""The main job, end to end, on this machine: the example site and backend, deployed to the local cloud.

The same `action.yml` and the same binary as on GitHub, run by the runner harness; real HTTP to a real server process on
127.0.0.1. Three steps: a first deployment, one changed page, and the way back.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

TESTS = pathlib.Path(__file__).resolve().parent
PROJECT = TESTS.parent
APPLICATION, ENVIRONMENT, BUCKET, DISTRIBUTION = "tides", "tides-prod", "tides-site", "E2TIDESEXAMPLE"


def main() -> int:
    """Run the demonstration; the exit code is 0 when all three steps did what they should."""
    action = action_with_binary()
    with tempfile.TemporaryDirectory(prefix="aws-web-deploy-demo-") as directory:
        work = pathlib.Path(directory)
        workspace = work / "workspace"
        shutil.copytree(PROJECT / "examples" / "site", workspace / "site")
        shutil.copytree(PROJECT / "examples" / "backend", workspace / "backend")
        cloud = subprocess.Popen(
            [sys.executable, "-m", "cloud", "--port", "0"],
            cwd=TESTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        try:
            endpoints = json.loads(cloud.stdout.readline())
            print(f"A local cloud listens on {endpoints['endpoint']}: S3, CloudFront, Elastic Beanstalk, STS, GitHub.")
            set_up(endpoints["endpoint"])
            step = Step(action, workspace, work, endpoints)
            return run_steps(step, workspace)
        finally:
            cloud.stdin.close()
            cloud.wait(timeout=10)


def run_steps(step: "Step", workspace: pathlib.Path) -> int:
    """Deploy, deploy one changed page, and roll back."""
    ok = step.run("1. The first deployment", 1)
    page = workspace / "site" / "about" / "index.html"
    page.write_text(page.read_text().replace("They are an\n      example", "They are only an\n      example"))
    ok = step.run("2. One page changed, backend as before", 2) and ok
    ok = step.run("3. Rollback to the first deployment", 3, command="rollback") and ok
    print("\nAll three steps did what they should." if ok else "\nA step failed, see above.")
    return 0 if ok else 1


class Step:
    """One `uses:` step with everything it needs, run again and again."""

    def __init__(self, action: pathlib.Path, workspace: pathlib.Path, work: pathlib.Path, endpoints: dict) -> None:
        self.action, self.workspace, self.work, self.endpoints = action, workspace, work, endpoints

    def run(self, title: str, number: int, **extra: str) -> bool:
        """Run the step, print what a person would want to see; whether it went well."""
        print(f"\n{'=' * 100}\n{title}\n{'=' * 100}")
        inputs = {
            "aws-region": "eu-central-1",
            "bucket": BUCKET, "source": "site", "delete": "true", "distribution": DISTRIBUTION,
            "application-name": APPLICATION, "environment-name": ENVIRONMENT, "package": "backend",
            "version-label": "tides-{timestamp}", "poll-interval": "1", **extra,
        }
        job = {
            "action": str(self.action),
            "with": inputs,
            "env": {
                "AWS_ENDPOINT_URL": self.endpoints["endpoint"],
                "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
                "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            },
            "github": {
                "repository": "octo/tides", "ref": "refs/heads/main", "run_id": str(1000 + number),
                "run_number": str(number), "sha": f"{number:x}" * 40, "actor": "octocat",
                "api_url": self.endpoints["github"],
            },
            "workspace": str(self.workspace), "temp": str(self.work / "temp"),
            "runner": {"os": "Linux", "arch": architecture()}, "timeout": 120, "stream": True,
        }
        (self.work / "temp").mkdir(exist_ok=True)
        job_file = self.work / "job.json"
        job_file.write_text(json.dumps(job))
        began = time.monotonic()
        result = json.loads(subprocess.run(
            [sys.executable, "-m", "runner", str(job_file)], cwd=TESTS, stdout=subprocess.PIPE, check=True,
        ).stdout)
        print(f"\n--- step summary ---\n{result['summary']}")
        print("--- outputs ---")
        for name, value in result["outputs"].items():
            print(f"{name}: {value}" if "\n" not in value else f"{name}:\n  " + value.replace("\n", "\n  "))
        print(f"exit code {result['exit_code']} after {time.monotonic() - began:.1f} s")
        return result["exit_code"] == 0


def set_up(endpoint: str) -> None:
    """What a user has before the first deployment: a bucket, a distribution before it, an environment."""
    control(endpoint, "s3/bucket", {"bucket": BUCKET, "region": "eu-central-1", "versioning": "Enabled"})
    control(endpoint, "cloudfront", {
        "id": DISTRIBUTION, "default_root_object": "index.html",
        "origins": [{"domain": f"{BUCKET}.s3.eu-central-1.amazonaws.com", "path": ""}],
    })
    control(endpoint, "beanstalk/environments", {
        "application": APPLICATION, "environment": ENVIRONMENT, "version_label": "sample", "region": "eu-central-1",
    })


def control(endpoint: str, path: str, body: dict) -> None:
    """Send one request to the local cloud's control endpoint."""
    request = urllib.request.Request(
        f"{endpoint}/_cloud/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request).read()


def architecture() -> str:
    """The machine's architecture as RUNNER_ARCH names it."""
    return "ARM64" if os.uname().machine in ("aarch64", "arm64") else "X64"


def action_with_binary() -> pathlib.Path:
    """The action: this checkout, which holds the prebuilt binary."""
    binary = PROJECT / "dist" / f"aws-web-deploy-linux-{architecture().lower()}"
    if not binary.exists():
        sys.exit(f"{binary.relative_to(PROJECT)} is missing: `make dist` builds it")
    return PROJECT


if __name__ == "__main__":
    sys.exit(main())
