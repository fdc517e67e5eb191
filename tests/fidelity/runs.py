"""Runs the action as a step, with the binary of dist/ or that of FIDELITY_BINARY."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
ARCHITECTURE = "ARM64" if os.uname().machine in ("aarch64", "arm64") else "X64"


def action(folder: Path) -> Path:
    """The action: this checkout, or a copy in `folder` with the binary of FIDELITY_BINARY."""
    binary = os.environ.get("FIDELITY_BINARY")
    if binary is None:
        return PROJECT
    copy = folder / "action"
    if not copy.exists():
        shutil.copytree(PROJECT / "dist", copy / "dist", ignore=shutil.ignore_patterns("aws-web-deploy-*"))
        shutil.copy(PROJECT / "action.yml", copy)
        shutil.copy(PROJECT / binary, copy / f"dist/aws-web-deploy-linux-{ARCHITECTURE.lower()}")
    return copy


def step(folder: Path, workspace: Path, inputs: dict[str, str], env: dict[str, str], number: int, **job: Any) -> dict[str, Any]:
    """What became of one step; `job` has further fields of the job, such as `github` and `id_token`."""
    job["github"] = {"run_id": str(1000 + number), "run_number": str(number)} | job.get("github", {})
    described = job | {
        "action": str(action(folder)), "with": inputs, "env": env, "workspace": str(workspace),
        "temp": str(folder / f"temp-{number}"), "runner": {"arch": ARCHITECTURE}, "timeout": 120,
    }  # fmt: skip
    path = folder / f"job-{number}.json"
    path.write_text(json.dumps(described))
    done = subprocess.run(
        [sys.executable, "-m", "runner", str(path)], cwd=PROJECT / "tests", stdout=subprocess.PIPE, check=True
    )
    return json.loads(done.stdout)
