"""Lives of a project: random edits, inputs, faults, kills, other people's changes and rollbacks, then a clean run.

Command line: `python -m campaign.lives BINARY [--lives N] [--steps N] [--seed S] [--workers N]`. A life that fell is run
again by its seed alone.
"""

import argparse
import multiprocessing
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from campaign.cases import FAULTS
from campaign.judge import outcome
from campaign.world import BUCKET, ENVIRONMENT, REGION, Pool, Tree, World, action_copy
from runner.process import Signal

_OPERATIONS = {
    "s3": ("PutObject", "DeleteObjects", "ListObjectsV2", "CopyObject", "HeadObject", "GetObject", "GetBucketVersioning"),
    "cloudfront": ("CreateInvalidation", "GetDistributionConfig"),
    "elasticbeanstalk": ("UpdateEnvironment", "DescribeEnvironments", "DescribeEvents", "CreateApplicationVersion"),
    "github": ("CreateDeployment", "CreateDeploymentStatus"),
    "": ("",),
}
_MOMENTS = ("", "Plan", "upload", "Elastic Beanstalk", "delete", "invalidat", "record")
_MAY_SAY_NO = (
    "no earlier release", "no release", "cannot roll back", "nothing to go back", "was not Enabled", "no longer there",
    "can be reached", "cannot go back",
)


@dataclass
class Life:
    """One project and what its source holds now."""

    world: World
    chance: random.Random
    site: Tree = field(default_factory=lambda: {"index.html": "0", "app.js": "0"})
    backend: int = 0
    cache_control: str = ""
    edits: int = 0
    told: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def step(self) -> None:
        """Something happens."""
        deeds: list[tuple[int, Callable[[], None]]] = [
            (6, self.edit), (4, self.deploy), (4, self.deploy_with_fault), (3, self.deploy_and_kill), (2, self.roll_back),
            (2, self.roll_back_with_fault), (1, self.roll_back_and_kill), (1, self.change_header), (1, self.somebody_else),
        ]
        self.chance.choices([deed for _, deed in deeds], [weight for weight, _ in deeds])[0]()
        for key in sorted(self.site):
            self.world.visit(key)

    def edit(self) -> None:
        """A few edits of the source."""
        for _ in range(self.chance.randint(1, 3)):
            self.edits += 1
            name = self.chance.choice(["index.html", "about/index.html", "app.js", "b.css", "img/c.svg", "ü +.txt"])
            if name in self.site and len(self.site) > 1 and self.chance.random() < 0.3:
                del self.site[name]
            else:
                self.site[name] = f"{self.edits}"
            if self.chance.random() < 0.3:
                self.backend = self.edits
        self.told.append(f"edit -> {self.site} backend {self.backend}")

    def change_header(self) -> None:
        """Another `cache-control`."""
        self.cache_control = self.chance.choice(["max-age=60", "max-age=600", "no-cache"])
        self.told.append(f"cache-control {self.cache_control}")

    def somebody_else(self) -> None:
        """Somebody deploys another version by hand, or writes and removes objects."""
        if self.chance.random() < 0.5:
            self.world.control("beanstalk/update", {
                "environment": ENVIRONMENT, "version_label": "sample", "seconds": 0.3, "region": REGION,
            })
            self.told.append("somebody deploys `sample`")
        else:
            key = self.chance.choice(sorted(self.site))
            self.world.s3.put_object(Bucket=BUCKET, Key=key, Body=b"foreign")
            self.told.append(f"somebody writes {key}")

    def deploy(self) -> None:
        """A run without faults."""
        self._run("deploy")

    def deploy_with_fault(self) -> None:
        """A run with one fault, sometimes for good."""
        self._fault()
        self._run("deploy")

    def deploy_and_kill(self) -> None:
        """A run that gets a signal at some moment."""
        self._run("deploy", self._signal())

    def roll_back(self) -> None:
        """A rollback without faults."""
        self._run("rollback")

    def roll_back_with_fault(self) -> None:
        """A rollback with one fault."""
        self._fault()
        self._run("rollback")

    def roll_back_and_kill(self) -> None:
        """A rollback that gets a signal."""
        self._run("rollback", self._signal())

    def end(self) -> None:
        """A clean run; then everything must be as the source says."""
        self._run("deploy", clean=True)
        world = self.world
        if (found := world.site()) != self.site:
            self.wrong.append(f"the bucket holds {found}, the source {self.site}")
        for key in found:
            header = world.s3.head_object(Bucket=BUCKET, Key=key).get("CacheControl", "")
            if header != self.cache_control:
                self.wrong.append(f"`{key}` has cache-control {header!r}, not {self.cache_control!r}")
        if world.label() != self._label():
            self.wrong.append(f"`{world.label()}` runs, not `{self._label()}`")
        for key in {*self.site, "index.html", "about/index.html", "app.js", "b.css", "img/c.svg"}:
            if (seen := world.visit(key)) != self.site.get(key):
                self.wrong.append(f"visitors of `{key}` get {seen!r}, not {self.site.get(key)!r}")
        if unfinished := world.unfinished_uploads():
            self.wrong.append(f"unfinished uploads: {unfinished}")

    def _label(self) -> str:
        return f"backend-{self.backend}"

    def _fault(self) -> None:
        service = self.chance.choice(sorted(_OPERATIONS))
        operation = self.chance.choice(_OPERATIONS[service])
        name = self.chance.choice(sorted(FAULTS))
        times = self.chance.choice([1, 1, 1, 3, -1])
        skip = self.chance.randint(0, 6 if not operation else 3)
        self.told.append(f"fault {service} {operation} [{skip}] {name} x{times}")
        self.world.fault(service=service, operation=operation, skip=skip, times=times, **FAULTS[name])

    def _signal(self) -> Signal:
        return Signal(
            self.chance.choice(["INT", "TERM", "KILL", "CANCEL"]),
            self.chance.choice([0.0, 0.05, 0.3, 0.8]),
            self.chance.choice(_MOMENTS),
        )

    def _run(self, command: str, signal: Signal | None = None, clean: bool = False) -> None:
        self.world.write(self.site, f"backend {self.backend}")
        inputs = {"on-failure": self.chance.choice(["keep", "keep", "rollback"])}
        if self.cache_control:
            inputs["cache-control"] = self.cache_control
        run = self.world.run(
            command, self._label(), inputs, {} if clean else {"AWS_MAX_ATTEMPTS": "3"}, [signal] if signal else None
        )
        self.world.clear()
        self.told.append(f"{command} {self._label()} {inputs} {signal or ''} -> {run.exit_code} {run.outputs.get('outcome')} {run.errors}")
        killed = run.exit_code < 0 or run.exit_code in (137, 143)
        if not killed:
            self.wrong += outcome(run)
        if clean and run.exit_code:
            self.wrong.append(f"the clean run failed: {run.errors}")
        plain = command == "rollback" and not signal and len(self.told) > 1 and not self.told[-2].startswith("fault")
        if plain and run.exit_code and not any(word in " ".join(run.errors) for word in _MAY_SAY_NO):
            self.wrong.append(f"a rollback without faults failed: {run.errors}")


def main() -> int:
    """Live them, print those that fell."""
    parser = argparse.ArgumentParser(prog="campaign.lives", description="random runs, then everything as the source says")
    parser.add_argument("binary", type=Path)
    parser.add_argument("--lives", type=int, default=100)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--seed", type=int, default=None, help="the first life's; without it another for each call")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    first = arguments.seed if arguments.seed is not None else time.time_ns() % 1_000_000_000
    with tempfile.TemporaryDirectory(prefix="lives-action-") as directory:
        action = action_copy(arguments.binary.absolute(), Path(directory, "action"))
        jobs = [(first + number, arguments.steps, action) for number in range(arguments.lives)]
        fallen = 0
        with multiprocessing.get_context("fork").Pool(arguments.workers) as processes:
            for done, (seed, told, wrong) in enumerate(processes.imap_unordered(_live, jobs), 1):
                if done % 50 == 0:
                    print(f"{done} of {arguments.lives}", flush=True)
                if wrong:
                    fallen += 1
                    print(f"FELL --seed {seed} --lives 1", *told, "--", *wrong, sep="\n    ", flush=True)
    print(f"{arguments.lives} lives from seed {first}, {fallen} fell")
    return 1 if fallen else 0


_pools: list[Pool] = []


def _live(job: tuple[int, int, Path]) -> tuple[int, list[str], list[str]]:
    seed, steps, action = job
    if not _pools:
        _pools.append(Pool())
    life = Life(World(_pools[0], action), random.Random(seed))
    try:
        for _ in range(steps):
            life.step()
        life.end()
    except Exception:  # whatever breaks here belongs to its life
        life.wrong.append(traceback.format_exc())
    finally:
        life.world.close()
    return seed, life.told, life.wrong


if __name__ == "__main__":
    sys.exit(main())
