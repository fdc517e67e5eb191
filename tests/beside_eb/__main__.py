"""Deploys every scenario with `eb deploy` and with this action, and writes what both said to docs/beside-eb-cli.md.

Outside CI: it needs a Python environment with awsebcli (`make beside-eb` makes it) and takes minutes, for the EB CLI asks
every five seconds. Command line: `python -m beside_eb EB BINARY`, in `tests/`.
"""

import argparse
import json
import multiprocessing
import os
import re
import subprocess
import tempfile
import threading
import urllib.request
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moto.core.responses import ActionResult
from moto.elasticbeanstalk.responses import EBResponse

from cloud.app import Cloud
from cloud.server import Server

PAGE = Path(__file__).parents[2] / "docs" / "beside-eb-cli.md"
ENVIRONMENT = "my-app-prod"
_VOLATILE = [
    (r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +INFO +", ""),
    (r"done in [\d.]+ s", "done"),
    (r" at http://127\.0\.0\.1:\d+\S*", ""),
    (r"i-0[0-9a-f]{8,}", "i-0…"),
]

SCENARIOS: dict[str, tuple[str, dict[str, Any]]] = {
    "the update succeeds": ("success", {}),
    "the deployment fails": ("fails", {}),
    "the deployment fails and is reverted": ("reverts", {}),
    "Ready and Green on the old label, without an error": ("green-on-old-label", {}),
    "Yellow, then Green": ("yellow-then-green", {}),
    "Red on the new label, \"completed successfully\"": ("red", {}),
    "one instance stays on the old version": ("partial", {}),
    "the instances do not answer in time": ("times-out", {}),
    "complete, but with command timeouts": ("command-timeouts", {}),
    "complete, but with errors": ("with-errors", {}),
    "new instances take the place of the old ones": ("immutable", {}),
    "nothing more is heard": ("hangs", {}),
    "the environment is terminated meanwhile": ("terminated", {}),
    "another update is under way": ("busy", {"seconds": 30}),
}


@dataclass
class Outcome:
    """How a tool ended, and what the environment was then."""

    exit_code: int
    label: str
    health: str
    last: str


def main() -> None:
    """Run everything, write the page."""
    parser = argparse.ArgumentParser(prog="beside_eb", description="the real EB CLI beside this action")
    parser.add_argument("eb", type=Path, help="the EB CLI's program")
    parser.add_argument("binary", type=Path, help="this action's program")
    arguments = parser.parse_args()
    EBResponse.describe_platform_version = _describe_platform_version
    rows = []
    for name, (scenario, options) in SCENARIOS.items():
        theirs = _in_own_process(scenario, options, "eb", arguments.eb.absolute())
        ours = _in_own_process(scenario, options, "own", arguments.binary.absolute())
        rows.append((name, theirs, ours))
        print(name, theirs, ours, sep="\n  ", flush=True)
    version = subprocess.run([arguments.eb, "--version"], capture_output=True, text=True, check=True).stdout
    PAGE.write_text(_page(" ".join(version.split()[:3]), rows))


def _describe_platform_version(_: EBResponse) -> ActionResult:
    """What the EB CLI asks for after a deployment: https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribePlatformVersion.html"""
    return ActionResult({"PlatformDescription": {"PlatformStatus": "Ready"}})


def _in_own_process(scenario: str, options: dict[str, Any], tool: str, program: Path) -> Outcome:
    """In a process of its own: moto's state is one for a process."""
    with ProcessPoolExecutor(max_workers=1, mp_context=multiprocessing.get_context("fork")) as pool:
        return pool.submit(_run, scenario, options, tool, program).result()


def _run(scenario: str, options: dict[str, Any], tool: str, program: Path) -> Outcome:
    server = Server(Cloud, 0)
    endpoint = server.endpoints()["endpoint"]
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        _post(endpoint, "environments", {"application": "my-app", "environment": ENVIRONMENT, "version_label": "v0"})
        _post(endpoint, "scenario", {"environment": ENVIRONMENT, "scenario": scenario, "seconds": 2, **options})
        os.environ |= {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        }
        with tempfile.TemporaryDirectory() as directory:
            root = Path(directory, "project")
            root.mkdir()
            root.joinpath("application.py").write_text("print('hello')\n")
            root.joinpath(".ebignore").write_text("")
            exit_code, last = _eb(program, root) if tool == "eb" else _own(program, root)
        with urllib.request.urlopen(f"{endpoint}/_cloud/beanstalk") as answer:
            environments = json.load(answer)["us-east-1"]["environments"]
        state = next(each for each in environments if each["EnvironmentName"] == ENVIRONMENT)
        return Outcome(exit_code, state["VersionLabel"], state["Health"], last)
    finally:
        server.stop()
        thread.join()


def _post(endpoint: str, path: str, body: dict[str, Any]) -> None:
    request = urllib.request.Request(f"{endpoint}/_cloud/beanstalk/{path}", json.dumps(body).encode(), method="POST")
    urllib.request.urlopen(request).close()


def _eb(program: Path, directory: Path) -> tuple[int, str]:
    configuration = directory / ".elasticbeanstalk" / "config.yml"
    configuration.parent.mkdir()
    configuration.write_text(
        "global:\n  application_name: my-app\n  default_region: us-east-1\n  sc: null\n  workspace_type: Application\n"
    )
    command = [program, "deploy", ENVIRONMENT, "--label", "v1", "--timeout", "1"]
    return _result(command, directory, {"HOME": str(directory)})


def _own(program: Path, directory: Path) -> tuple[int, str]:
    inputs = {
        "APPLICATION_NAME": "my-app",
        "ENVIRONMENT_NAME": ENVIRONMENT,
        "PACKAGE": ".",
        "VERSION_LABEL": "v1",
        "DEPLOYMENT_TIMEOUT": "60",
        "RECOVERY_SECONDS": "15",
    }
    variables = {f"AWD_{name}": value for name, value in inputs.items()}
    return _result([program], directory, variables | {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(directory), "RUNNER_TEMP": str(directory.parent)})


def _result(command: list[Any], directory: Path, variables: dict[str, str]) -> tuple[int, str]:
    done = subprocess.run(
        command,
        cwd=directory,
        env=os.environ | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=180,
    )
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("ERROR", "##[error]", "::error", "Error"))]
    last = (errors or lines or [""])[-1]
    # Ours is a workflow command, `::error title=…::message%0AWhat to do: …`.
    return done.returncode, last.split("::")[-1].split("%0A")[0].replace("%25", "%").removeprefix("ERROR: ")


def _page(version: str, rows: list[tuple[str, Outcome, Outcome]]) -> str:
    text = f"""# Beside the real EB CLI

Written by `make beside-eb`: {version} (`eb deploy --timeout 1`) and this action (`deployment-timeout: 60`, `recovery-seconds: 15`)
deploy `v1` over `v0` to the same environment of the [local cloud](../tests/cloud/README.md), once for each of its scenarios. What a
real environment does may differ from the scenarios; what either tool makes of it is as it was seen.

| the environment | `eb deploy` | label, health then | this action | label, health then |
| --- | --- | --- | --- | --- |
"""
    for name, theirs, ours in rows:
        cells = [name]
        for outcome in (theirs, ours):
            cells += [f"exit {outcome.exit_code}: {_cell(outcome.last)}", f"`{outcome.label}`, {outcome.health}"]
        text += f"| {' | '.join(cells)} |\n"
    return text


def _cell(text: str) -> str:
    """One line, without what differs from run to run."""
    for pattern, replacement in _VOLATILE:
        text = re.sub(pattern, replacement, text)
    return "`" + text[:160].replace("|", "\\|").replace("`", "'") + "`"


if __name__ == "__main__":
    main()
