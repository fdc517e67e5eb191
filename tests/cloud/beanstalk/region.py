"""The applications, versions, environments and events of one region."""

import re
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Literal

from cloud.aws import backend
from cloud.beanstalk import texts
from cloud.beanstalk.environment import Environment, Event, Instance, Step


@dataclass
class Scenario:
    """How updates of an environment go, until it is changed or `times` of them went so."""

    name: str = "success"
    seconds: float = 1.0
    """How long an update takes."""
    times: int = -1
    """-1: all updates."""
    recovery_seconds: float = 1.0
    """`yellow-then-green`: how long after the update the environment stays Yellow."""
    colour: str | None = None
    """`success` and `partial`: the health to end with."""
    events: int = 0
    """Further events, all within one second, to be sure that pages are read to the end."""
    severity: str = "WARN"
    """`command-timeouts` and `with-errors`: of the event that ends the update, which is not documented."""
    refuses_combination: bool = False
    """UpdateEnvironment refuses a version label together with option settings."""
    log: str | None = None
    """The whole tail of the logs to give."""
    sections: dict[str, str | Literal[True]] = field(default_factory=dict)
    """Single logs of the tail by path, further ones or in place of the usual ones; True stands for a usual text of
    `/var/log/cfn-init-cmd.log` or `/var/log/eb-hooks.log`."""
    cause: str = "container-commands"
    """Why a deployment fails, in the words of the engine's log: `container-commands`, `dependencies` or `hook`."""
    noise: int = 1
    """`dependencies`: how many lines the failing step writes before its error."""


@dataclass
class Version:
    """An application version."""

    application: str
    label: str
    description: str
    bucket: str
    key: str
    created: float
    processed_at: float | None
    """Unix time at which processing ends; None when it was not asked for."""
    fails: bool = False

    @property
    def status(self) -> str:
        """The state in the capitals that the service sends, though its API model has other ones.

        https://github.com/aws/aws-sdk-ruby/issues/1081 (UNPROCESSED),
        https://github.com/aws/elastic-beanstalk-roadmap/issues/136 (FAILED), ebcli/operations/commonops.py
        """
        if self.processed_at is None:
            return "UNPROCESSED"
        if time.time() < self.processed_at:
            return "PROCESSING"
        return "FAILED" if self.fails else "PROCESSED"


@dataclass
class VersionRules:
    """How new application versions fare."""

    fails: bool = False
    seconds: float = 0.2
    """How long processing takes."""
    limit: int = 1000
    """The quota of versions in a region."""


@dataclass
class InfoRequest:
    """A request for logs of one kind; the logs are there from `ready_at` on."""

    kind: str
    at: float
    ready_at: float
    keys: dict[str, str] = field(default_factory=dict)
    """Where the logs are, by instance id."""


class Region:
    """One region's Elastic Beanstalk. Callers hold `lock`, which is moto's: the operations run below that one."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lock = backend.lock()
        self.applications: dict[str, float] = {}
        """Unix time of creation by name."""
        self.versions: dict[tuple[str, str], Version] = {}
        self.environments: dict[str, Environment] = {}
        self.events: list[Event] = []
        self.scenarios: dict[str, Scenario] = {}
        self.version_rules = VersionRules()
        self.infos: dict[str, list[InfoRequest]] = {}
        self.planned: list[Any] = []
        """Updates of somebody else's that wait for their turn: `updates.Planned`."""

    def add_application(self, name: str) -> None:
        """Create an application; one that exists stays."""
        self.applications.setdefault(name, time.time())

    def add_environment(
        self,
        application: str,
        name: str,
        label: str,
        endpoint: str,
        health: str = "enhanced",
        tier: str = "WebServer",
        colour: str = "Green",
        instances: int = 1,
        **more: Any,
    ) -> Environment:
        """Launch an environment that is Ready at once."""
        self.add_application(application)
        if tier == "Cluster":
            instances, colour = 0, "Grey" if colour == "Green" else colour
        running = [Instance("i-0" + secrets.token_hex(8), label, 1, deployed_at=time.time()) for _ in range(instances)]
        environment = Environment(
            id="e-" + "".join(secrets.choice("abcdefghijkmnpqrstuvwxyz23456789") for _ in range(10)),
            name=name,
            application=application,
            region=self.name,
            version_label=label,
            health_reporting=health,
            tier=tier,
            instances=running,
            endpoint=endpoint,
            **more,
        )
        environment.settings = {
            ("aws:elasticbeanstalk:healthreporting:system", "SystemType"): health,
            ("aws:elasticbeanstalk:command", "DeploymentPolicy"): "AllAtOnce",
        }
        if tier == "Cluster":
            environment.settings = {("aws:elasticbeanstalk:eks:environment", "service-port"): "8080"}
        environment.defaults = dict(environment.settings)
        environment.paint(colour, [texts.INSUFFICIENT_RATE] if tier == "Cluster" and colour == "Grey" else None)
        self.environments[name] = environment
        return environment

    def find(self, name: str | None, identifier: str | None = None) -> Environment:
        """The environment of that name or id, brought up to now."""
        self.advance()
        for environment in self.environments.values():
            if environment.status == "Terminated":
                continue
            if name == environment.name or (not name and identifier == environment.id):
                return environment
        raise texts.no_environment(name) if name else texts.no_environment_id(identifier or "")

    def advance(self) -> None:
        """Let everything happen that is due."""
        now = time.time()
        for environment in self.environments.values():
            while environment.timeline and environment.timeline[0].at <= now:
                step = environment.timeline.pop(0)
                self._take(environment, step)
                if environment.status == "Ready" and (start := environment.when_ready):
                    environment.when_ready = None
                    start(step.at)

    def add_event(
        self,
        environment: Environment,
        message: str,
        severity: str = "INFO",
        request_id: str | None = None,
        date: float | None = None,
        version_label: str | None = None,
    ) -> None:
        """Put an event into the stream."""
        event = Event(
            sequence=len(self.events) + 1,
            date=date or time.time(),
            message=message,
            application=environment.application,
            environment=environment.name,
            severity=severity,
            request_id=request_id,
            version_label=version_label,
        )
        self.events.append(event)

    def sorted_events(self) -> list[Event]:
        """The events, oldest first."""
        return sorted(self.events, key=lambda event: (event.date, event.sequence))

    def scenario_of(self, name: str) -> Scenario:
        """How the next update of an environment goes, counted."""
        scenario = self.scenarios.get(name, Scenario())
        if scenario.times == 0:
            return Scenario(seconds=scenario.seconds)
        if scenario.times > 0:
            scenario.times -= 1
        return scenario

    def _take(self, environment: Environment, step: Step) -> None:
        before = environment.colour, environment.health_status
        for name, value in step.changes.items():
            setattr(environment, name, value)
        if step.act:
            step.act(environment)
        environment.updated = step.at
        if environment.status in ("Ready", "Terminated"):
            environment.target_label = None
        if step.message:
            self.add_event(environment, step.message, step.severity, step.request_id, step.at)
        if (environment.colour, environment.health_status) != before:
            self._announce_health(environment, before, step)

    def _announce_health(self, environment: Environment, before: tuple[str, str], step: Step) -> None:
        """Health transitions carry no request id: they belong to no operation."""
        worse = ["Green", "Yellow", "Red"].index(environment.colour) if environment.colour != "Grey" else 0
        severity = "WARN" if worse else "INFO"
        if environment.health_reporting == "basic":
            if before[0] != environment.colour:
                colours = {"before": before[0].upper(), "after": environment.colour.upper()}
                self.add_event(environment, texts.COLOUR_CHANGED.format(**colours), severity, date=step.at)
            return
        message = texts.HEALTH_CHANGED.format(
            before=before[1], after=environment.health_status, causes=" ".join(environment.causes)
        )
        self.add_event(environment, message.rstrip(), severity, date=step.at)


class Regions:
    """All regions, made when they are first asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._regions: dict[str, Region] = {}

    def get(self, name: str) -> Region:
        """The region of that name."""
        with self._lock:
            return self._regions.setdefault(name, Region(name))

    def all(self) -> list[Region]:
        """The regions that were asked for so far."""
        with self._lock:
            return list(self._regions.values())

    def holding(self, environment: str) -> Region | None:
        """The region that has an environment of that name."""
        return next((region for region in self.all() if environment in region.environments), None)


def sanitised(text: str) -> str:
    """A text as it may stand in a CNAME."""
    return re.sub(r"[^a-z0-9-]", "-", text.lower())
