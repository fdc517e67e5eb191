"""A project with a site and a backend, its workspace, and a cloud of its own."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

from runner import action
from runner.commands import Log, Masker
from runner.context import Job
from runner.process import Signal

PROJECT = Path(__file__).parents[2]
BUCKET, DISTRIBUTION, APPLICATION, ENVIRONMENT = "tides-site", "E2TIDESEXAMPLE", "tides", "tides-prod"
REGION = "eu-central-1"
KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
}
_READABLE = {
    "Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject", "s3:ListBucket"],
    "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
}
Tree = dict[str, str]


def action_copy(binary: Path, directory: Path) -> Path:
    """A copy of the action that holds `binary` for both processors."""
    (directory / "dist").mkdir(parents=True)
    for name in ("action.yml", "dist/run"):
        shutil.copy(PROJECT / name, directory / name)
    for target in ("linux-x64", "linux-arm64"):
        shutil.copy(binary, directory / "dist" / f"aws-web-deploy-{target}")
    return directory


class Pool:
    """Empty clouds, each a process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cloud", "--pool"],
            cwd=PROJECT / "tests", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )

    def new(self) -> dict[str, Any]:
        """The addresses of a new cloud, and its `pid`."""
        endpoints: dict[str, Any] = json.loads(self._say("new", answers=True))
        return endpoints

    def end(self, endpoints: dict[str, Any]) -> None:
        """End that cloud."""
        self._say(f"end {endpoints['pid']}", answers=False)

    def close(self) -> None:
        """End them all."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(timeout=30)

    def _say(self, line: str, answers: bool) -> str:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline() if answers else ""


@dataclass
class Run:
    """How one step ended."""

    exit_code: int
    outputs: dict[str, str]
    report: dict[str, Any]
    log: str
    errors: list[str]
    summary: str

    @property
    def ended_well(self) -> bool:
        """Exit code 0."""
        return self.exit_code == 0


@dataclass
class World:
    """One project, and everything that its runs change."""

    pool: Pool
    action: Path
    number: int = 0
    timeout: float = 170
    """Seconds for a run."""
    directory: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="campaign-")))

    def __post_init__(self) -> None:
        self.endpoints = self.pool.new()
        self.control("s3/bucket", {
            "bucket": BUCKET, "region": REGION, "versioning": "Enabled", "block_public_access": False,
            "policy": {"Version": "2012-10-17", "Statement": [_READABLE]},
        })
        self.control("cloudfront", {
            "id": DISTRIBUTION, "default_root_object": "index.html",
            "origins": [{"domain": f"{BUCKET}.s3.{REGION}.amazonaws.com", "path": ""}],
        })
        self.control("cloudfront/settings", {"caching": True, "invalidation_seconds": 0})
        self.control("beanstalk/environments", {
            "application": APPLICATION, "environment": ENVIRONMENT, "version_label": "sample", "region": REGION,
        })
        self.control("beanstalk/scenario", {"environment": ENVIRONMENT, "scenario": "success", "seconds": 0.2})
        self.s3 = boto3.client(
            "s3", endpoint_url=self.endpoints["endpoint"], region_name=REGION,
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"], aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        )

    def close(self) -> None:
        """End the cloud, remove the workspace."""
        self.pool.end(self.endpoints)
        shutil.rmtree(self.directory, ignore_errors=True)

    def control(self, path: str, body: dict[str, Any] | None = None, method: str = "POST") -> Any:
        """One request to the control endpoint; without a body a GET."""
        if body is None and method == "POST":
            method = "GET"
        request = urllib.request.Request(
            f"{self.endpoints['control']}/{path}",
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def write(self, site: Tree, backend: str) -> None:
        """Make the workspace hold this site, and this backend."""
        workspace = self.directory / "workspace"
        shutil.rmtree(workspace, ignore_errors=True)
        for name, content in {**{f"site/{key}": text for key, text in site.items()}, "backend/app.py": backend}.items():
            path = workspace / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)

    def run(
        self,
        command: str,
        label: str = "",
        inputs: dict[str, str] | None = None,
        env: dict[str, str] | None = None,
        signals: list[Signal] | None = None,
    ) -> Run:
        """Run the step once, as the next run of one workflow."""
        self.number += 1
        given = {
            "command": command, "aws-region": REGION,
            "bucket": BUCKET, "source": "site", "delete": "true", "max-delete": "100%", "distribution": DISTRIBUTION,
            "application-name": APPLICATION, "environment-name": ENVIRONMENT, "package": "backend",
            "poll-interval": "1", "deployment-timeout": "40", "recovery-seconds": "5", "log-tail": "false",
            "github-environment": "production", **({"version-label": label} if label else {}), **(inputs or {}),
        }
        temp = self.directory / f"temp-{self.number}"
        job = Job.from_json({
            "action": str(self.action),
            "env": {"AWS_ENDPOINT_URL": self.endpoints["endpoint"], **KEYS, **(env or {})},
            "github": {
                "repository": "octo/tides", "ref": "refs/heads/main", "run_id": str(1000 + self.number),
                "run_number": str(self.number), "sha": f"{self.number:040x}", "api_url": self.endpoints["github"],
            },
            "workspace": str(self.directory / "workspace"), "temp": str(temp), "timeout": self.timeout,
        })
        log = Log(Masker(job.secrets))
        result = action.run(self.action, {name: value for name, value in given.items() if value}, {}, job, log, signals or [])
        path = Path(result.outputs.get("report") or "/nonexistent")
        return Run(
            exit_code=result.exit_code,
            outputs=result.outputs,
            report=json.loads(path.read_text()) if path.is_file() else {},
            log="\n".join(log.lines),
            errors=[each.data for each in log.commands if each.name == "error"],
            summary=result.summary,
        )

    def fault(self, **fault: Any) -> None:
        """Order a fault."""
        self.control("faults", fault)

    def clear(self) -> None:
        """No more faults, and an empty log of requests."""
        self.control("faults", method="DELETE")
        self.control("requests", method="DELETE")

    def requests(self) -> list[dict[str, Any]]:
        """The requests since then, those of the harness left out."""
        return [each for each in self.control("requests") if "Boto3" not in each["headers"].get("user-agent", "")]

    def site(self) -> Tree:
        """What lies in the bucket, the release records left out."""
        found = {}
        for entry in self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
            if not entry["Key"].startswith(".aws-web-deploy/"):
                found[entry["Key"]] = self.s3.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read().decode()
        return found

    def unfinished_uploads(self) -> list[str]:
        """Multipart uploads that nobody ended."""
        return [each["Key"] for each in self.s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])]

    def label(self) -> str:
        """What runs in the environment."""
        environments = self.control("beanstalk")[REGION]["environments"]
        return str(next(each for each in environments if each["EnvironmentName"] == ENVIRONMENT)["VersionLabel"])

    def status(self) -> str:
        """The environment's status."""
        environments = self.control("beanstalk")[REGION]["environments"]
        return str(next(each for each in environments if each["EnvironmentName"] == ENVIRONMENT)["Status"])

    def visit(self, key: str) -> str | None:
        """What a visitor gets at the address of `key` from the distribution, which caches; `None` for an error."""
        try:
            with urllib.request.urlopen(f"{self.endpoints['endpoint']}/_viewer/{DISTRIBUTION}/{urllib.parse.quote(key)}") as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError:
            return None

    def deployments(self) -> list[dict[str, Any]]:
        """GitHub's deployments with their statuses."""
        return list(self.control("github").get("deployments", []))


def live_backend(run: Run) -> str | None:
    """The label that the error names as live, when it names one."""
    found = re.search(r"[Ll]ive now: backend `([^`]+)`", "\n".join(run.errors))
    return found.group(1) if found else None
