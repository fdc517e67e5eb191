"""The job that a step runs in: the `github` and `runner` contexts, and the environment made of them."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# https://github.com/actions/runner/blob/main/src/Runner.Worker/GitHubContext.cs
_IN_ENVIRONMENT = {
    "action", "action_path", "action_ref", "action_repository", "actor", "actor_id", "api_url", "base_ref", "env",
    "event_name", "event_path", "graphql_url", "head_ref", "job", "output", "path", "ref", "ref_name",
    "ref_protected", "ref_type", "repository", "repository_id", "repository_owner", "repository_owner_id",
    "retention_days", "run_attempt", "run_id", "run_number", "server_url", "sha", "state", "step_summary",
    "triggering_actor", "workflow", "workflow_ref", "workflow_sha", "workspace",
}  # fmt: skip

_DEFAULTS: dict[str, Any] = {
    "action": "__self",
    "actor": "octocat",
    "actor_id": "583231",
    "api_url": "https://api.github.com",
    "base_ref": "",
    "event_name": "push",
    "graphql_url": "https://api.github.com/graphql",
    "head_ref": "",
    "job": "deploy",
    "ref": "refs/heads/main",
    "ref_protected": "false",
    "repository": "octo-org/octo-repo",
    "repository_id": "1296269",
    "repository_owner_id": "6811672",
    "retention_days": "90",
    "run_attempt": "1",
    "run_id": "1658821493",
    "run_number": "7",
    "server_url": "https://github.com",
    "sha": "1234567890abcdef1234567890abcdef12345678",
    "token": "ghs_16C7e42F292c6912E7710c838347Ae178B4a",
    "triggering_actor": "octocat",
    "workflow": "Deploy",
}


@dataclass
class Job:
    """A job and what its steps have changed in it so far."""

    workspace: Path
    temp: Path
    github: dict[str, Any]
    runner: dict[str, str]
    env: dict[str, str]
    """The job's own environment, then what steps wrote to GITHUB_ENV."""
    secrets: list[str] = field(default_factory=list)
    """Values that the runner masks from the start."""
    id_token: dict[str, str] = field(default_factory=dict)
    """`url` and `token` of the OIDC endpoint, given when the job may have an id token."""
    paths: list[str] = field(default_factory=list)
    timeout: float = 120.0
    status: str = "success"

    @classmethod
    def from_json(cls, described: dict[str, Any]) -> "Job":
        """A job as the command line describes it."""
        temp = Path(described["temp"]).resolve()
        workspace = Path(described["workspace"]).resolve()
        for directory in (temp, workspace, temp / "home"):
            directory.mkdir(parents=True, exist_ok=True)
        github = _DEFAULTS | described.get("github", {})
        runner = {"os": "Linux", "arch": "X64", "name": "runner", "environment": "github-hosted"}
        job = cls(
            workspace=workspace,
            temp=temp,
            github=github,
            runner=runner | described.get("runner", {}),
            env={name: str(value) for name, value in described.get("env", {}).items()},
            secrets=[github["token"], *described.get("secrets", [])],
            id_token=described.get("id_token", {}),
            timeout=float(described.get("timeout", 120)),
        )
        job.complete(github.pop("event", {}))
        return job

    def complete(self, event: Any) -> None:
        """Fill in what follows from other values, and write the event's file."""
        event_path = self.temp / "_github_workflow" / "event.json"
        event_path.parent.mkdir(parents=True, exist_ok=True)
        event_path.write_text(json.dumps(event))
        ref, repository = self.github["ref"], self.github["repository"]
        derived = {
            "event_path": str(event_path),
            "event": event,
            "ref_name": ref.split("/", 2)[-1],
            "ref_type": "tag" if ref.startswith("refs/tags/") else "branch",
            "repository_owner": repository.partition("/")[0],
            "workflow_ref": f"{repository}/.github/workflows/deploy.yml@{ref}",
            "workflow_sha": self.github["sha"],
        }
        self.github = {**derived, **self.github, "workspace": str(self.workspace)}
        self.runner |= {"temp": str(self.temp), "tool_cache": str(self.temp / "tools")}

    def contexts(self, **more: Any) -> dict[str, Any]:
        """The contexts of an expression."""
        return {"github": self.github, "runner": self.runner, "env": self.env, "job": {"status": self.status}} | more

    def environment(self, step_env: dict[str, str], step_github: dict[str, str]) -> dict[str, str]:
        """The environment of a step's process, complete: nothing else leaks in."""
        home = self.temp / "home"
        base = {"HOME": str(home), "LANG": "C.UTF-8", "PATH": os.environ["PATH"]}
        shown = {**self.github, **step_github}
        variables = {
            f"GITHUB_{name.upper()}": str(value)
            for name, value in shown.items()
            if name in _IN_ENVIRONMENT and isinstance(value, (str, bool, int))
        }
        variables |= {f"RUNNER_{name.upper()}": value for name, value in self.runner.items()}
        variables["RUNNER_WORKSPACE"] = str(self.workspace.parent)
        if self.id_token:
            variables["ACTIONS_ID_TOKEN_REQUEST_URL"] = self.id_token["url"]
            variables["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = self.id_token["token"]
        environment = base | self.env | step_env | variables | {"GITHUB_ACTIONS": "true"}
        environment.setdefault("CI", "true")
        if self.paths:
            environment["PATH"] = ":".join([*reversed(self.paths), environment["PATH"]])
        return environment
