"""One environment: what it runs, how it is, and the timeline of what will happen to it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

HEALTH_STATUS = {"Green": "Ok", "Yellow": "Warning", "Red": "Severe", "Grey": "Unknown"}
"""The enhanced health status that stands for each colour when nothing is going on.
https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/health-enhanced-status.html"""


@dataclass(frozen=True)
class Event:
    """One event of the stream; `date` is a Unix time in seconds."""

    sequence: int
    date: float
    message: str
    application: str
    environment: str
    severity: str
    request_id: str | None
    version_label: str | None


@dataclass
class Instance:
    """One EC2 instance of an environment."""

    id: str
    version_label: str | None
    """None of an instance that has just been launched."""
    deployment_id: int
    deployment_status: str = "Deployed"
    deployed_at: float = 0.0
    health_status: str = "Ok"
    colour: str = "Green"
    causes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Step:
    """Something that happens to an environment at a Unix time: changed attributes, then an event."""

    at: float
    changes: dict[str, Any] = field(default_factory=dict)
    message: str = ""
    severity: str = "INFO"
    request_id: str | None = None
    act: Callable[["Environment"], None] | None = None
    """A change that attributes cannot say, such as one of an instance."""
    lasting: bool = False
    """Whether it happens although another update begins before."""


@dataclass
class Environment:
    """An environment as DescribeEnvironments shows it, with what it does next."""

    id: str
    name: str
    application: str
    region: str
    version_label: str
    health_reporting: str
    """`enhanced` or `basic`."""
    tier: str
    """`WebServer`, `Worker` or `Cluster` (containers on EKS)."""
    instances: list[Instance]
    endpoint: str
    """Where the application answers."""
    colour: str = "Green"
    health_status: str = "Ok"
    status: str = "Ready"
    causes: list[str] = field(default_factory=list)
    abortable: bool = False
    settings: dict[tuple[str, str], str] = field(default_factory=dict)
    """Option values by namespace and option name."""
    defaults: dict[tuple[str, str], str] = field(default_factory=dict)
    """What options say that nobody has set."""
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    deployment_id: int = 1
    timeline: list[Step] = field(default_factory=list)
    platform: str = "python"
    """`python`, `docker`, `docker-older` or `ecs`: where the application's own log is."""
    engine: list[str] = field(default_factory=list)
    """The lines of `eb-engine.log`."""
    own_commands: bool = False
    """Whether the engine writes about the commands that collect logs too, as AWS's does."""
    deployment_logs: bool = False
    """Whether the platform is of March 2026 or later and uploads a log of each deployment."""
    sections: dict[str, str | Literal[True]] = field(default_factory=dict)
    """Further logs in the tail, or other ones than usual, by path; True is what `logtexts` has for it."""
    log: str | None = None
    """The tail of the logs to give instead of the usual one."""
    last_failed: bool = False
    previous_label: str = ""
    """What ran before the update that goes on."""
    target_label: str | None = None
    """What the update that goes on deploys."""
    when_ready: Callable[[float], None] | None = None
    """What happens at the Unix time at which the environment becomes Ready."""

    def paint(self, colour: str, causes: list[str] | None = None, status: str | None = None) -> None:
        """Give the environment and its instances a health; `status` is the colour's usual one unless given."""
        self.colour = colour
        self.health_status = status or HEALTH_STATUS[colour]
        self.causes = causes or []
        for instance in self.instances:
            instance.colour, instance.health_status, instance.causes = colour, self.health_status, list(self.causes)

    def set(self, option: tuple[str, str], value: str | None) -> None:
        """Set an option; None removes it, and it says again what nobody has set."""
        value = self.defaults.get(option) if value is None else value
        if value is None:
            self.settings.pop(option, None)
        else:
            self.settings[option] = value

    def run(self, label: str) -> None:
        """Let all instances run a version, as a new deployment."""
        self.version_label = label
        self.deployment_id += 1
        for instance in self.instances:
            instance.version_label = label
            instance.deployment_id = self.deployment_id
            instance.deployment_status = "Deployed"
            instance.deployed_at = time.time()
