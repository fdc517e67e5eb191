"""Workflow commands in a step's output, and the masking of secrets in its log.

https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs and
src/Runner.Worker/ActionCommandManager.cs
"""

import re
from dataclasses import dataclass, field
from typing import Any, TextIO

_REGISTERED = {
    "add-mask", "add-matcher", "add-path", "debug", "echo", "endgroup", "error", "group", "notice", "remove-matcher",
    "save-state", "set-env", "set-output", "stop-commands", "warning",
}  # fmt: skip
_DISABLED = {"set-env", "add-path"}
_ANNOTATIONS = {"error", "warning", "notice", "debug"}


@dataclass(frozen=True)
class Command:
    """One workflow command."""

    name: str
    properties: dict[str, str]
    data: str


def parse(line: str, registered: set[str]) -> Command | None:
    """The command in a line: `::name properties::data` at its start, or the older `##[name properties]data` anywhere."""
    return _parse_current(line, registered) or _parse_legacy(line, registered)


def _parse_current(line: str, registered: set[str]) -> Command | None:
    line = line.lstrip()
    if not line.startswith("::"):
        return None
    info, separator, data = line[2:].partition("::")
    if not separator:
        return None
    name, _, properties = info.partition(" ")
    if name.lower() not in registered:
        return None
    return Command(name.lower(), _properties(properties.strip(), ",", _unescape_property), _unescape_data(data))


def _parse_legacy(line: str, registered: set[str]) -> Command | None:
    _, found, rest = line.partition("##[")
    info, closed, data = rest.partition("]")
    if not found or not closed:
        return None
    name, _, properties = info.partition(" ")
    if name.lower() not in registered:
        return None
    return Command(name.lower(), _properties(properties, ";", _unescape_legacy), _unescape_legacy(data))


def _properties(text: str, separator: str, unescape: Any) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(separator) if part)
    return {name: unescape(value) for name, _, value in pairs if name and value}


def _unescape_data(text: str) -> str:
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


def _unescape_property(text: str) -> str:
    text = text.replace("%0D", "\r").replace("%0A", "\n").replace("%3A", ":").replace("%2C", ",")
    return text.replace("%25", "%")


def _unescape_legacy(text: str) -> str:
    text = text.replace("%3B", ";").replace("%0D", "\r").replace("%0A", "\n").replace("%5D", "]")
    return text.replace("%25", "%")


class Masker:
    """Replaces secrets by `***`, from when they are known on."""

    def __init__(self, secrets: list[str]) -> None:
        self.secrets: list[str] = []
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Mask a value, and each line of it."""
        for value in [secret, *re.split(r"[\r\n]+", secret)]:
            if value.strip() and value not in self.secrets:
                self.secrets.append(value)

    def mask(self, text: str) -> str:
        """The text without the secrets."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text


@dataclass
class Log:
    """What a job logs, line by line, with the commands in it carried out."""

    masker: Masker
    lines: list[str] = field(default_factory=list)
    """The step's own lines, as GitHub shows them."""
    runner_lines: list[str] = field(default_factory=list)
    """All lines, those of the runner itself included."""
    commands: list[Command] = field(default_factory=list)
    """The step's commands."""
    issues: list[Command] = field(default_factory=list)
    """Errors and warnings of the runner's own."""
    outputs: dict[str, str] = field(default_factory=dict)
    """Outputs set by the old `set-output` command."""
    failed: bool = False
    """Whether a command could not be carried out, which fails the step."""
    echo: TextIO | None = None
    """Where lines are shown as they come, for a person who watches."""
    _stop_token: str | None = None

    def begin_step(self) -> None:
        """Forget what the commands of the step before have set."""
        self.outputs = {}
        self.failed = False

    def write(self, line: str) -> None:
        """Take one line of a step's output."""
        registered = _REGISTERED | ({self._stop_token.lower()} if self._stop_token else set())
        command = parse(line, registered)
        if command is None or (self._stop_token and command.name != self._stop_token.lower()):
            self._show(line)
        elif self._stop_token:
            self._stop_token = None
            self._show(line)
        else:
            self.commands.append(command)
            self._carry_out(command, line)

    def note(self, line: str) -> None:
        """Write a line of the runner's own."""
        self.runner_lines.append(self.masker.mask(line))

    def error(self, message: str) -> None:
        """Write an error of the runner's own."""
        self._raise("error", message)

    def warning(self, message: str) -> None:
        """Write a warning of the runner's own."""
        self._raise("warning", message)

    def _raise(self, kind: str, message: str) -> None:
        self.issues.append(Command(kind, {}, message))
        self.note(f"##[{kind}]{message}")

    def _show(self, line: str) -> None:
        masked = self.masker.mask(line)
        self.lines.append(masked)
        self.runner_lines.append(masked)
        if self.echo:
            print(masked, file=self.echo, flush=True)

    def _carry_out(self, command: Command, line: str) -> None:
        match command.name:
            case "stop-commands":
                self._stop_token = command.data
                self._show(line)
            case "add-mask":
                self.masker.add(command.data)
            case "set-output":
                self.outputs[command.properties.get("name", "")] = command.data
            case "group" | "endgroup":
                self._show(f"##[{command.name}]{command.data}")
            case name if name in _ANNOTATIONS:
                self._show(f"##[{name}]{command.data}")
            case name if name in _DISABLED:
                self.failed = True
                self.error(f"Unable to process command '{line}' successfully.")
                self.error(f"The `{name}` command is disabled.")
