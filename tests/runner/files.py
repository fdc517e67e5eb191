"""The files by which a step tells the runner its outputs, environment, path, state and summary.

https://github.com/actions/runner/blob/main/src/Runner.Worker/FileCommandManager.cs
"""

import uuid
from pathlib import Path

from runner.commands import Log

SUMMARY_LIMIT = 1024 * 1024
"""Bytes; a larger summary is dropped whole (`AttachmentSizeLimit` in CreateStepSummaryCommand)."""

_PREFIXES = {
    "output": "set_output_",
    "env": "set_env_",
    "path": "add_path_",
    "state": "save_state_",
    "step_summary": "step_summary_",
}


class FileCommands:
    """The command files of one step, made empty before it runs and read after it."""

    def __init__(self, temp: Path) -> None:
        suffix = str(uuid.uuid4())
        directory = temp / "_runner_file_commands"
        directory.mkdir(parents=True, exist_ok=True)
        self.paths = {name: directory / f"{prefix}{suffix}" for name, prefix in _PREFIXES.items()}
        for path in self.paths.values():
            path.touch()
        self.outputs: dict[str, str] = {}
        self.env: dict[str, str] = {}
        self.state: dict[str, str] = {}
        self.added_paths: list[str] = []
        self.summary = ""
        self.failed = False

    def process(self, log: Log) -> None:
        """Read the files; one that is wrong is an error and fails the step."""
        for name, into in (("output", self.outputs), ("env", self.env), ("state", self.state)):
            try:
                into.update(parse_pairs(self._text(name)))
            except ValueError as error:
                log.error(f"Unable to process file command '{name}' successfully.")
                log.error(str(error))
                self.failed = True
        self.added_paths = [line for line in self._text("path").split("\n") if line]
        self._read_summary(log)

    def _text(self, name: str) -> str:
        path = self.paths[name]
        return path.read_bytes().decode("utf-8", "replace") if path.exists() else ""

    def _read_summary(self, log: Log) -> None:
        path = self.paths["step_summary"]
        size = path.stat().st_size if path.exists() else 0
        if size > SUMMARY_LIMIT:
            log.error(
                "$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of "
                f"{SUMMARY_LIMIT // 1024}k, got {size // 1024}k. For more information see: https://docs.github.com/"
                "actions/using-workflows/workflow-commands-for-github-actions#adding-a-markdown-summary"
            )
            return
        self.summary = log.masker.mask(self._text("step_summary"))


def parse_pairs(text: str) -> dict[str, str]:
    """`NAME=VALUE` lines and `NAME<<DELIMITER` blocks; raises ValueError with the runner's words."""
    pairs: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for line in lines:
        if not line:
            continue
        equals, heredoc = line.find("="), line.find("<<")
        if equals >= 0 and (heredoc < 0 or equals < heredoc):
            name, _, value = line.partition("=")
            if not name:
                raise ValueError(f"Invalid format '{line}'. Name must not be empty")
            pairs[name] = value
        elif heredoc >= 0:
            name, _, delimiter = line.partition("<<")
            if not name or not delimiter:
                raise ValueError(f"Invalid format '{line}'. Name must not be empty and delimiter must not be empty")
            pairs[name] = _until(lines, delimiter)
        else:
            raise ValueError(f"Invalid format '{line}'")
    return pairs


def _until(lines: object, delimiter: str) -> str:
    value: list[str] = []
    for line in lines:  # type: ignore[attr-defined]
        if line == delimiter:
            return "\n".join(value)
        value.append(line)
    raise ValueError(f"Invalid value. Matching delimiter not found '{delimiter}'")
