"""The cases: each request of a run without faults, struck by each fault, once and for good."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from campaign.world import Pool, Tree, World

BEFORE: Tree = {
    "index.html": "<a href=about/>before</a>", "about/index.html": "about", "app.js": "before()", "old.css": "old",
    "same.txt": "same",
}
AFTER: Tree = {
    "index.html": "<a href=about/>after</a>", "about/index.html": "about", "app.js": "after()", "new.js": "new()",
    "same.txt": "same",
}

KINDS = ("deploy", "put-back", "rollback", "check")
"""`put-back` is a deploy with `on-failure: rollback` that ends well without faults."""

FAULTS: dict[str, dict[str, Any]] = {
    "500": {"kind": "error", "code": "InternalError", "status": 500},
    "500, done": {"kind": "error", "code": "InternalError", "status": 500, "when": "after"},
    "503": {"kind": "error", "code": "ServiceUnavailable"},
    "throttled": {"kind": "error", "code": "Throttling"},
    "refused": {"kind": "error", "code": "AccessDenied"},
    "dropped": {"kind": "drop"},
    "dropped, done": {"kind": "drop", "when": "after"},
    "cut off": {"kind": "truncate"},
    "foreign page": {"kind": "foreign"},
    "foreign page, done": {"kind": "foreign", "when": "after"},
    "malformed": {"kind": "malformed"},
    "late": {"kind": "delay", "seconds": 4},
}
_CONTROL = {"app", "viewer", "logs"}


@dataclass(frozen=True)
class Case:
    """One fault at one request of one kind of run."""

    kind: str
    service: str
    operation: str
    skip: int
    fault: str
    for_good: bool

    def __str__(self) -> str:
        times = "for good" if self.for_good else "once"
        return f"{self.kind}: {self.service} {self.operation} [{self.skip}] {self.fault}, {times}"

    def order(self, world: World) -> None:
        """Order the fault of a cloud."""
        world.fault(
            service=self.service, operation=self.operation, skip=self.skip, times=-1 if self.for_good else 1,
            **FAULTS[self.fault],
        )

    def env(self) -> dict[str, str]:
        """What shortens the patience with what stays: without it each case would take two minutes."""
        return {"AWS_MAX_ATTEMPTS": "2"} if self.for_good else {}


def inputs_of(kind: str) -> dict[str, str]:
    """The inputs of the run that is struck, besides the usual ones."""
    return {"on-failure": "rollback"} if kind == "put-back" else {}


def prepare(world: World, kind: str) -> None:
    """What has happened before the run that is struck; visitors have seen everything."""
    _deploy(world, BEFORE, "v1")
    if kind == "rollback":
        _deploy(world, AFTER, "v2")
    else:
        world.write(AFTER, "v2")
    for key in {**BEFORE, **AFTER}:
        world.visit(key)
    world.clear()


def _deploy(world: World, site: Tree, label: str) -> None:
    world.write(site, label)
    run = world.run("deploy", label)
    if run.exit_code:
        raise AssertionError(f"a deploy without faults failed: {run.errors}")


def cases(pool: Pool, action: Any) -> list[Case]:
    """All cases, told from the requests of one run of each kind without faults."""
    found = []
    for kind in KINDS:
        world = World(pool, action)
        try:
            prepare(world, kind)
            world.run("deploy" if kind == "put-back" else kind, "v2", inputs_of(kind))
            counts = Counter((each["service"], each["operation"]) for each in world.requests())
        finally:
            world.close()
        for (service, operation), count in sorted(counts.items()):
            if service in _CONTROL:
                continue
            for fault in FAULTS:
                found += [Case(kind, service, operation, skip, fault, False) for skip in range(count)]
                found.append(Case(kind, service, operation, 0, fault, True))
    return found
