"""Starts a step's process and hands its lines to the log; signals it as the runner does.

https://github.com/actions/runner/blob/main/src/Runner.Sdk/ProcessInvoker.cs
"""

import contextlib
import os
import queue
import re
import select
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from runner.commands import Log

_SIGTERM_AFTER = 7.5
_KILL_AFTER = 2.5
_LINE_END = re.compile(rb"\r\n|\n|\r")
"""The runner reads lines with .NET's ReadLine: a carriage return alone ends one too."""


@dataclass(frozen=True)
class Signal:
    """A signal to send `after` so many seconds, counted from the start or from a line that holds `when`; with `file`,
    as soon as that is there."""

    signal: str
    """`INT`, `TERM`, `KILL`, or `CANCEL`: what the runner sends when a job is cancelled, each in its time. `DETACH`: no
    signal arrives, and nobody reads the output any more (a container job: https://github.com/docker/cli/issues/5309)."""
    after: float = 0.0
    when: str = ""
    file: str = ""


@dataclass
class Invocation:
    """One process to run, and how it went."""

    arguments: list[str]
    directory: Path
    environment: dict[str, str]
    timeout: float
    signals: list[Signal] = field(default_factory=list)
    cancelled: bool = False
    timed_out: bool = False
    detached: threading.Event = field(default_factory=threading.Event)

    def run(self, log: Log) -> int:
        """Run to the end; the exit code is negative when a signal ended it."""
        process = subprocess.Popen(
            self.arguments,
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        assert process.stdout and process.stderr
        lines: queue.Queue[str | None] = queue.Queue()
        for stream in (process.stdout, process.stderr):
            threading.Thread(target=_read_lines, args=(stream, lines, self.detached), daemon=True).start()
        seen = _Seen(time.monotonic())
        threading.Thread(target=self._watch, args=(process, seen), daemon=True).start()
        streams = 2
        while streams:
            line = lines.get()
            if line is None:
                streams -= 1
                continue
            seen.add(line)
            log.write(line)
        code = process.wait()
        _kill_group(process.pid)
        return code

    def _watch(self, process: subprocess.Popen[bytes], seen: "_Seen") -> None:
        due = list(self.signals)
        while process.poll() is None:
            now = time.monotonic()
            for planned in list(due):
                since = seen.time_of(planned.when)
                is_allowed = not planned.file or Path(planned.file).exists()
                if since is not None and now >= since + planned.after and is_allowed:
                    due.remove(planned)
                    self._send(process, planned.signal)
            if now >= seen.started + self.timeout and not self.timed_out:
                self.timed_out = True
                self._send(process, "CANCEL")
            time.sleep(0.01)

    def _send(self, process: subprocess.Popen[bytes], name: str) -> None:
        """Signals go to the process alone; the runner kills the whole tree only in the end."""
        if name == "CANCEL":
            self.cancelled = True
            threading.Thread(target=_cancel, args=(process,), daemon=True).start()
            return
        self.cancelled = True
        if name == "DETACH":
            self.detached.set()
            return
        process.send_signal(getattr(signal, f"SIG{name}"))


class _Seen:
    """When which lines came."""

    def __init__(self, started: float) -> None:
        self.started = started
        self._lines: list[tuple[float, str]] = []

    def add(self, line: str) -> None:
        self._lines.append((time.monotonic(), line))

    def time_of(self, part: str) -> float | None:
        if not part:
            return self.started
        return next((at for at, line in self._lines if part in line), None)


def _cancel(process: subprocess.Popen[bytes]) -> None:
    for name, wait in ((signal.SIGINT, _SIGTERM_AFTER), (signal.SIGTERM, _KILL_AFTER)):
        process.send_signal(name)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(wait)
            return
    _kill_group(process.pid)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _read_lines(stream: BinaryIO, lines: "queue.Queue[str | None]", detached: threading.Event) -> None:
    rest = b""
    while chunk := _read(stream, detached):
        rest += chunk
        half_an_end = b"\r" if rest.endswith(b"\r") else b""
        *whole, rest = _LINE_END.split(rest.removesuffix(half_an_end))
        rest += half_an_end
        for line in whole:
            lines.put(line.decode("utf-8", "replace"))
    if rest:
        lines.put(rest.removesuffix(b"\r").decode("utf-8", "replace"))
    stream.close()
    lines.put(None)


def _read(stream: BinaryIO, detached: threading.Event) -> bytes:
    """What comes next; nothing at the end, or when nobody wants to read it any more."""
    while not detached.is_set():
        if select.select([stream], [], [], 0.05)[0]:
            return stream.read1(65536)  # type: ignore[attr-defined,no-any-return]
    return b""
