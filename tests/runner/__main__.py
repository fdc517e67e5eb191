"""Command line: `python -m runner JOB.json` runs one `uses:` step, `--workflow FILE` a job of a workflow.

JOB.json: `action` (directory), `with`, `env`, `github`, `runner`, `workspace`, `temp`, `secrets` (values masked from
the start), `id_token` (`url` and `token`), `timeout` (seconds), `signals` (`signal`, `after`, `when`, `file`); for a workflow
also `checkout` (directory), `contexts` (`secrets`, `vars`, `inputs`, …) and `skip`. Prints one JSON object; with
`stream`, the log's lines on stderr as they come.
"""

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from runner import action, workflow
from runner.commands import Command, Log, Masker
from runner.context import Job
from runner.process import Signal


def main() -> None:
    """Parse the command line, run, print."""
    parser = argparse.ArgumentParser(prog="runner", description="runs a composite action as GitHub's runner does")
    parser.add_argument("job", type=Path, help="file that describes the job")
    parser.add_argument("--workflow", type=Path, help="run a job of this workflow instead of one step")
    parser.add_argument("--job-name", help="which of the workflow's jobs")
    arguments = parser.parse_args()
    described = json.loads(arguments.job.read_text())
    run = _run_step if arguments.workflow is None else _run_workflow
    print(json.dumps(run(described, arguments)))


def _run_step(described: dict[str, Any], _: argparse.Namespace) -> dict[str, Any]:
    job, log, signals = _prepare(described)
    before = dict(job.env)
    started = time.monotonic()
    result = action.run(Path(described["action"]), described.get("with", {}), {}, job, log, signals)
    changed = {name: value for name, value in job.env.items() if before.get(name) != value}
    shown = {"result": result.outcome, "outputs": result.outputs, "summary": result.summary, "state": result.state}
    return shown | {"exit_code": result.exit_code, "env": changed} | _shown(log, started)


def _run_workflow(described: dict[str, Any], arguments: argparse.Namespace) -> dict[str, Any]:
    contexts = described.get("contexts", {})
    described["secrets"] = [*described.get("secrets", []), *contexts.get("secrets", {}).values()]
    job, log, signals = _prepare(described)
    setting = workflow.Setting(
        action=Path(described["action"]),
        checkout=Path(described["checkout"]),
        contexts=contexts,
        skip=described.get("skip", []),
        signals=signals,
    )
    started = time.monotonic()
    result = workflow.run(arguments.workflow, arguments.job_name, setting, job, log)
    shown = {"result": result.status, **asdict(result)}
    return shown | _shown(log, started)


def _prepare(described: dict[str, Any]) -> tuple[Job, Log, list[Signal]]:
    job = Job.from_json(described)
    signals = [Signal(**planned) for planned in described.get("signals", [])]
    echo = sys.stderr if described.get("stream") else None
    return job, Log(Masker(job.secrets), echo=echo), signals


def _shown(log: Log, started: float) -> dict[str, Any]:
    return {
        "log": "\n".join(log.lines),
        "runner_log": "\n".join(log.runner_lines),
        "masks": log.masker.secrets,
        "commands": _commands(log.commands),
        "runner_issues": _commands(log.issues),
        "duration": round(time.monotonic() - started, 3),
    }


def _commands(commands: list[Command]) -> list[dict[str, Any]]:
    return [{"command": each.name, "properties": each.properties, "message": each.data} for each in commands]


if __name__ == "__main__":
    main()
