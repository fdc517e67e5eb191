"""A composite action: its inputs with their defaults, its steps, its outputs.

https://github.com/actions/runner/blob/main/src/Runner.Worker/ActionRunner.cs and
src/Runner.Worker/Handlers/CompositeActionHandler.cs
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from runner.commands import Log
from runner.context import Job
from runner.expressions import condition, interpolate
from runner.process import Signal
from runner.script import Script

_STEP_KEYS = {"id", "name", "run", "shell", "env", "if", "working-directory"}


class UnknownSyntax(Exception):
    """The file uses something that is not known here."""


@dataclass
class Result:
    """How an action ended."""

    outcome: str = "success"
    exit_code: int = 0
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    state: dict[str, str] = field(default_factory=dict)


def run(directory: Path, given: dict[str, Any], env: dict[str, str], job: Job, log: Log, signals: list[Signal]) -> Result:
    """Run the composite action in `directory`; `given` is the step's `with:` and `env` its environment."""
    directory = directory.resolve()
    manifest = _manifest(directory)
    inputs = _inputs(manifest, given, job, log)
    _print_details(log, directory, inputs, {**job.env, **env})
    steps: dict[str, Any] = {}
    result = Result()
    for step in manifest["runs"]["steps"]:
        _run_step(step, directory, inputs, env, steps, job, log, signals, result)
    contexts = job.contexts(inputs=inputs, steps=steps)
    result.outputs = {
        name: interpolate(output["value"], contexts) for name, output in (manifest.get("outputs") or {}).items()
    }
    return result


def load_yaml(path: Path) -> Any:
    """The file's value. By libyaml where there is one: in Python alone, `action.yml` takes longer than all else here."""
    return yaml.load(path.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def _manifest(directory: Path) -> dict[str, Any]:
    for name in ("action.yml", "action.yaml"):
        path = directory / name
        if path.exists():
            manifest: dict[str, Any] = load_yaml(path)
            if manifest["runs"]["using"] != "composite":
                raise UnknownSyntax(f"`using: {manifest['runs']['using']}` is not known here")
            return manifest
    raise FileNotFoundError(f"Can't find 'action.yml' under '{directory}'")


def _inputs(manifest: dict[str, Any], given: dict[str, Any], job: Job, log: Log) -> dict[str, str]:
    """Names count without case. A default applies only when the input is absent: an empty value stays empty."""
    declared = manifest.get("inputs") or {}
    names = {name.lower(): name for name in declared}
    inputs: dict[str, str] = {}
    unexpected = []
    for name, value in given.items():
        known = names.get(name.lower())
        inputs[known or name] = interpolate(value, job.contexts())
        if known is None:
            unexpected.append(name)
        elif message := (declared[known] or {}).get("deprecationMessage"):
            log.warning(f"Input '{known}' has been deprecated with message: {message}")
    for name, definition in declared.items():
        if name not in inputs:
            inputs[name] = interpolate((definition or {}).get("default", ""), job.contexts())
    if unexpected:
        log.warning(f"Unexpected input(s) '{_joined(unexpected)}', valid inputs are ['{_joined(list(declared))}']")
    return inputs


def _joined(names: list[str]) -> str:
    return "', '".join(names)


def _run_step(
    step: dict[str, Any],
    directory: Path,
    inputs: dict[str, str],
    env: dict[str, str],
    steps: dict[str, Any],
    job: Job,
    log: Log,
    signals: list[Signal],
    result: Result,
) -> None:
    if unknown := set(step) - _STEP_KEYS:
        raise UnknownSyntax(f"a step's {', '.join(sorted(unknown))} is not known here")
    contexts = job.contexts(
        inputs=inputs,
        steps=steps,
        env={**job.env, **env},
        github={**job.github, "action_path": str(directory)},
        job={"status": result.outcome},
    )
    if not condition(step.get("if"), contexts):
        return
    step_env = {name: interpolate(value, contexts) for name, value in (step.get("env") or {}).items()}
    script = Script(
        contents=interpolate(step["run"], contexts),
        shell=interpolate(step.get("shell", ""), contexts),
        env={**env, **step_env},
        directory=interpolate(step.get("working-directory", ""), contexts),
        github={"action_path": str(directory)},
        signals=signals,
    )
    files = script.run(job, log)
    if "id" in step:
        steps[step["id"]] = {"outputs": files.outputs, "outcome": script.outcome, "conclusion": script.outcome}
    result.summary += files.summary
    result.state |= files.state
    if script.outcome != "success":
        result.outcome, result.exit_code = script.outcome, script.exit_code


def _print_details(log: Log, directory: Path, inputs: dict[str, str], env: dict[str, str]) -> None:
    log.note(f"##[group]Run {directory.name}")
    for title, values in (("with", {name: value for name, value in inputs.items() if value}), ("env", env)):
        if values:
            log.note(f"{title}:")
            for name, value in values.items():
                log.note(f"  {name}: {value}")
    log.note("##[endgroup]")
