"""One job of a workflow file, so that the example workflows can be executed as they stand.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax. `actions/checkout` copies a
directory, steps that use the action run the local one, `run:` steps run; any other `uses:` is an error unless it is
named to be skipped.
"""

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner import action
from runner.action import UnknownSyntax
from runner.commands import Log
from runner.context import Job
from runner.expressions import condition, interpolate
from runner.process import Signal
from runner.script import Script

_STEP_KEYS = {
    "id", "name", "run", "uses", "with", "shell", "env", "if", "working-directory", "continue-on-error",
    "timeout-minutes",
}  # fmt: skip

_RESULTS = ["cancelled", "failure", "skipped", "success"]
"""How a job may end, the one first that counts most."""


@dataclass
class Setting:
    """What a workflow is run with."""

    action: Path
    """The directory of the action that stands in for `OWNER/aws-web-deploy@…` and for `./`."""
    checkout: Path
    """What `actions/checkout` puts into the workspace."""
    contexts: dict[str, Any] = field(default_factory=dict)
    """The `secrets`, `vars`, `inputs`, `needs` and `matrix` contexts."""
    skip: list[str] = field(default_factory=list)
    """Actions to pass over, as `owner/name`."""
    signals: list[Signal] = field(default_factory=list)


@dataclass
class JobResult:
    """How a job ended."""

    status: str = "success"
    exit_code: int = 0
    steps: dict[str, Any] = field(default_factory=dict)
    """The `steps` context after the last step."""
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    ran: list[str] = field(default_factory=list)
    """What each step that ran was."""


def run(path: Path, name: str | None, setting: Setting, job: Job, log: Log) -> JobResult:
    """Run the job of that name, or the only one."""
    workflow = action.load_yaml(path)
    jobs = workflow["jobs"]
    if name is None and len(jobs) != 1:
        raise UnknownSyntax(f"the workflow has several jobs, choose one of {', '.join(jobs)}")
    definition = jobs[name or next(iter(jobs))]
    _grant(definition, workflow, job)
    result = JobResult()
    for source in (workflow, definition):
        contexts = job.contexts(**_known(setting))
        job.env |= {key: interpolate(value, contexts) for key, value in (source.get("env") or {}).items()}
    contexts = job.contexts(**_known(setting)) | {"job": {"status": _needed(definition, setting)}}
    if not condition(definition.get("if"), contexts):
        result.status = "skipped"
        return result
    for number, step in enumerate(definition["steps"]):
        _run_step(step, number, setting, job, log, result)
    contexts = job.contexts(**_known(setting), steps=result.steps)
    result.status = job.status
    result.outputs = {key: interpolate(value, contexts) for key, value in (definition.get("outputs") or {}).items()}
    return result


def _grant(definition: dict[str, Any], workflow: dict[str, Any], job: Job) -> None:
    """Only a job with `id-token: write` gets the variables of the OIDC endpoint."""
    permissions = definition.get("permissions", workflow.get("permissions"))
    granted = permissions == "write-all" or (
        isinstance(permissions, dict) and permissions.get("id-token") == "write"
    )
    if not granted:
        job.id_token = {}


def _needed(definition: dict[str, Any], setting: Setting) -> str:
    """What `success()` and its like in the job's `if:` go by: how the jobs that it needs have ended.

    https://docs.github.com/en/actions/reference/workflows-and-actions/expressions#status-check-functions
    """
    needs = definition.get("needs", [])
    names = [needs] if isinstance(needs, str) else needs
    given = setting.contexts.get("needs", {})
    if set(names) != set(given):
        told, wanted = ", ".join(given) or "none", ", ".join(names) or "none"
        raise UnknownSyntax(f"the job needs {wanted}, and `contexts.needs` has {told}")
    results = [given[name].get("result") for name in names]
    if unknown := [result for result in results if result not in _RESULTS]:
        raise UnknownSyntax(f"a needed job's result is one of {', '.join(_RESULTS)}, not {unknown[0]}")
    return next((result for result in _RESULTS if result in results), "success")


def _known(setting: Setting) -> dict[str, Any]:
    return {"secrets": {}, "vars": {}, "inputs": {}, "needs": {}, "matrix": {}} | setting.contexts


def _run_step(step: dict[str, Any], number: int, setting: Setting, job: Job, log: Log, result: JobResult) -> None:
    if unknown := set(step) - _STEP_KEYS:
        raise UnknownSyntax(f"a step's {', '.join(sorted(unknown))} is not known here")
    contexts = job.contexts(**_known(setting), steps=result.steps)
    if not condition(step.get("if"), contexts):
        return
    env = {name: interpolate(value, contexts) for name, value in (step.get("env") or {}).items()}
    contexts["env"] = job.env | env
    result.ran.append(step.get("name") or step.get("uses") or "run")
    outcome, exit_code, outputs, summary = _execute(step, contexts, env, setting, job, log)
    result.summary += summary
    tolerated = interpolate(step.get("continue-on-error", ""), contexts) == "true"
    conclusion = "success" if tolerated and outcome == "failure" else outcome
    result.steps[step.get("id", f"__{number}")] = {"outputs": outputs, "outcome": outcome, "conclusion": conclusion}
    if conclusion != "success":
        job.status, result.exit_code = conclusion, exit_code


def _execute(
    step: dict[str, Any], contexts: dict[str, Any], env: dict[str, str], setting: Setting, job: Job, log: Log
) -> tuple[str, int, dict[str, str], str]:
    if "run" in step:
        script = Script(
            contents=interpolate(step["run"], contexts),
            shell=step.get("shell", ""),
            env=env,
            directory=interpolate(step.get("working-directory", ""), contexts),
            signals=setting.signals,
        )
        files = script.run(job, log)
        return script.outcome, script.exit_code, files.outputs, files.summary
    name = step["uses"].partition("@")[0]
    given = {key: interpolate(value, contexts) for key, value in (step.get("with") or {}).items()}
    if name == "actions/checkout":
        target = job.workspace / given.get("path", "")
        shutil.copytree(setting.checkout, target, symlinks=True, dirs_exist_ok=True)
        return "success", 0, {}, ""
    if name in setting.skip:
        return "success", 0, {}, ""
    if name != "./" and name.rpartition("/")[2] != "aws-web-deploy":
        raise UnknownSyntax(f"`uses: {step['uses']}` is not known here")
    ended = action.run(setting.action, given, env, job, log, setting.signals)
    return ended.outcome, ended.exit_code, ended.outputs, ended.summary
