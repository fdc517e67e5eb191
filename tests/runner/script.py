"""A `run:` step: writes the script file and runs it with its shell.

https://github.com/actions/runner/blob/main/src/Runner.Worker/Handlers/ScriptHandler.cs
"""

import shutil
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from runner.commands import Log
from runner.context import Job
from runner.files import FileCommands
from runner.process import Invocation, Signal

_ARGUMENTS = {"bash": "--noprofile --norc -e -o pipefail {0}", "sh": "-e {0}"}


class UnknownShell(Exception):
    """The shell is none that is known here."""


@dataclass
class Script:
    """One script to run, and what it left behind."""

    contents: str
    shell: str
    env: dict[str, str]
    directory: str = ""
    github: dict[str, str] = field(default_factory=dict)
    """What the `github` context holds for this step besides the job's."""
    signals: list[Signal] = field(default_factory=list)
    exit_code: int = 0
    outcome: str = "success"

    def run(self, job: Job, log: Log) -> FileCommands:
        """Run the script; outputs and the like are in the returned command files."""
        files = FileCommands(job.temp)
        log.begin_step()
        path = job.temp / f"{uuid.uuid4()}.sh"
        path.write_text(self.contents)
        command, arguments = self._shell(path)
        self._print_details(log, command, arguments)
        paths = {name: str(file) for name, file in files.paths.items()}
        invocation = Invocation(
            [command, *(part.replace("{0}", str(path)) for part in arguments)],
            job.workspace / self.directory,
            job.environment(self.env, paths | self.github),
            job.timeout,
            self.signals,
        )
        self.exit_code = invocation.run(log)
        if invocation.timed_out:
            log.error("The action has timed out.")
        elif invocation.cancelled:
            log.error("The operation was canceled.")
        elif self.exit_code:
            log.error(f"Process completed with exit code {self.exit_code}.")
        files.process(log)
        files.outputs = log.outputs | files.outputs
        self._conclude(invocation, failed=bool(self.exit_code) or files.failed or log.failed)
        self._apply(job, files)
        return files

    def _conclude(self, invocation: Invocation, failed: bool) -> None:
        if invocation.cancelled and not invocation.timed_out:
            self.outcome = "cancelled"
        elif failed or invocation.timed_out:
            self.outcome = "failure"

    def _apply(self, job: Job, files: FileCommands) -> None:
        job.env |= {name: value for name, value in files.env.items() if name.upper() != "NODE_OPTIONS"}
        job.paths += files.added_paths

    def _shell(self, path: Path) -> tuple[str, list[str]]:
        """Without `shell:` the runner takes bash with the arguments of sh."""
        name, _, given = (self.shell or "sh").partition(" ")
        program = shutil.which("bash" if not self.shell else name)
        arguments = given or _ARGUMENTS.get(name, "")
        if program is None or "{0}" not in arguments:
            raise UnknownShell(f"shell `{self.shell}` is not known here")
        return program, arguments.split()

    def _print_details(self, log: Log, command: str, arguments: list[str]) -> None:
        lines = self.contents.strip("\n").split("\n")
        log.note(f"##[group]Run {lines[0].strip()}")
        for line in lines:
            log.note(f"\x1b[36;1m{line}\x1b[0m")
        log.note(f"shell: {command} {' '.join(arguments)}")
        if self.env:
            log.note("env:")
            for name, value in self.env.items():
                log.note(f"  {name}: {value}")
        log.note("##[endgroup]")
