"""Slow and large: how much memory and time runs take, and how long their logs are, by the binary against the local cloud.

`python -m campaign.large BINARY [--scale SHARE] [--only PART]`; `make large` does so with the freshly built binary. At scale 1:
100,000 files, a record and a rollback of as many keys, a bucket of a million keys beside the prefix, 10,000 events, a log
tail of 20 MB. Exit code 1 when a limit does not hold.
"""

import argparse
import contextlib
import multiprocessing
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from campaign.world import APPLICATION, BUCKET, ENVIRONMENT, REGION, Pool, Run, World, action_copy


@dataclass(frozen=True)
class Limit:
    """What a run may take."""

    mebibytes: float
    lines: int


@dataclass(frozen=True)
class Measured:
    """What a run took."""

    exit_code: int
    mebibytes: float
    seconds: float
    lines: int
    errors: list[str]


class Large:
    """The runs, one after another, each measured in a process of its own."""

    def __init__(self, action: Path, scale: float) -> None:
        self._action = action
        self._scale = scale
        self._pool = Pool()
        self.wrong = 0

    def count(self, full: int) -> int:
        """That number, scaled."""
        return max(1, int(full * self._scale))

    def files(self) -> None:
        """Many files: the first deploy, one without a change, one with changes everywhere, and the way back."""
        count = self.count(100_000)
        world = self._world()
        # Per object: its name, its plan, its record. At first there is the program itself.
        limit = Limit(60 + count * 4 / 1024, 320 + count // 900)
        for name, command, text in (
            ("first deploy", "deploy", "one"), ("deploy without a change", "deploy", "one"),
            ("deploy that changes all", "deploy", "two"), ("rollback of all", "rollback", "two"),
        ):
            if command == "deploy":
                world.write({f"{n % 100}/{n}.txt": f"{text} {n}" for n in range(count)}, "one")
            self._measure(f"{count:,} files, {name}", world, limit, lambda c=command: world.run(c, **_SITE))
        kept = len(world.control(f"s3/objects?bucket={BUCKET}", method="GET"))
        self._hold(kept >= count, f"{kept} objects are there")
        world.close()

    def beside(self) -> None:
        """Many keys beside the prefix."""
        count = self.count(1_000_000)
        world = self._world()
        world.control("s3/objects", {"bucket": BUCKET, "prefix": "beside/", "count": count})
        world.write({"index.html": "one"}, "one")
        inputs = {**_SITE["inputs"], "prefix": "site"}
        self._measure(
            f"{count:,} keys beside the prefix", world, Limit(60, 60), lambda: world.run("deploy", inputs=inputs, env=_SITE["env"])
        )
        world.close()

    def events(self) -> None:
        """Many events of one update."""
        count = self.count(10_000)
        world = self._world()
        world.control("beanstalk/scenario", {
            "environment": ENVIRONMENT, "scenario": "success", "seconds": 1, "events": count, "region": REGION,
        })
        world.write({"index.html": "one"}, "one")
        # Every event of the update has its line: it may be the one that somebody looks for.
        self._measure(f"{count:,} events", world, Limit(60 + count * 6 / 1024, 120 + count), lambda: world.run("deploy", "v1", _PATIENT))
        world.close()

    def log(self) -> None:
        """A long tail of a log."""
        size = self.count(20 * 1024 * 1024)
        world = self._world()
        line = "2026/11/21 20:00:00.000000 [INFO] Running command /bin/sh -c true, which says no more than this line does\n"
        body = f"----------------------------------------\n/var/log/eb-engine.log\n----------------------------------------\n{line * (size // len(line))}"
        world.control("beanstalk/scenario", {
            "environment": ENVIRONMENT, "scenario": "fails", "seconds": 1, "log": body, "region": REGION,
        })
        world.write({"index.html": "one"}, "one")
        self._measure(
            f"a log tail of {size:,} bytes", world, Limit(90, 200),
            lambda: world.run("deploy", "v1", {**_PATIENT, "log-tail": "true"}), expected=1,
        )
        world.close()

    def _world(self) -> World:
        return World(self._pool, self._action, timeout=7200)

    def _measure(self, name: str, world: World, limit: Limit, run: Callable[[], Run], expected: int = 0) -> None:
        queue: multiprocessing.SimpleQueue[Measured] = multiprocessing.get_context("fork").SimpleQueue()
        process = multiprocessing.get_context("fork").Process(target=_measured, args=(run, queue))
        process.start()
        measured = queue.get()
        process.join()
        # The run's number is the child's.
        world.number += 1
        print(
            f"{name}: exit code {measured.exit_code}, {measured.seconds:.1f} s, {measured.mebibytes:.0f} MiB of at most "
            f"{limit.mebibytes:.0f}, {measured.lines} lines of at most {limit.lines}",
            flush=True,
        )
        self._hold(measured.exit_code == expected, f"{name}: {measured.errors}")
        self._hold(measured.mebibytes <= limit.mebibytes, f"{name}: too much memory")
        self._hold(measured.lines <= limit.lines, f"{name}: too many lines")

    def _hold(self, holds: bool, what: str) -> None:
        if not holds:
            self.wrong += 1
            print(f"FELL {what}", flush=True)


_SITE = {
    "inputs": {"application-name": "", "environment-name": "", "package": "", "github-environment": "", "poll-interval": "",
               "deployment-timeout": "", "recovery-seconds": "", "log-tail": ""},
    "env": {},
}
"""No backend."""


_PATIENT = {"deployment-timeout": "1800"}


def _measured(run: Callable[[], Run], queue: "multiprocessing.SimpleQueue[Measured]") -> None:
    began = time.monotonic()
    ended = threading.Event()
    peaks: list[int] = []
    watcher = threading.Thread(target=_watch, args=(os.getpid(), ended, peaks))
    watcher.start()
    done = run()
    ended.set()
    watcher.join()
    lines = len(done.log.splitlines())
    queue.put(Measured(done.exit_code, max(peaks, default=0) / 1024, time.monotonic() - began, lines, done.errors))


def _watch(pid: int, ended: threading.Event, peaks: list[int]) -> None:
    """Read the binary's peak, VmHWM in KiB, again and again: it only grows, so the last one is the peak of all."""
    while not ended.wait(0.02):
        for process in _below(pid):
            with contextlib.suppress(OSError):
                status = Path(f"/proc/{process}/status").read_text()
                if status.startswith("Name:\taws-web-deploy"):
                    peaks.extend(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


def _below(pid: int) -> list[int]:
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in children.read_text().split():
                found += [int(child), *_below(int(child))]
    return found


def main() -> int:
    """Measure, print, compare with the limits."""
    parser = argparse.ArgumentParser(prog="campaign.large", description="memory, time and log of large runs")
    parser.add_argument("binary", type=Path)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--only", default="", help="files, beside, events or log")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="large-action-") as directory:
        large = Large(action_copy(arguments.binary.absolute(), Path(directory, "action")), arguments.scale)
        for part in (large.files, large.beside, large.events, large.log):
            if arguments.only in ("", part.__name__):
                part()
    return 1 if large.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
