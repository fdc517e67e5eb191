"""Updates as they begin: by UpdateEnvironment, or by somebody else whom a test has planned."""

import time
import uuid
from dataclasses import dataclass

from cloud.beanstalk import scenarios
from cloud.beanstalk.environment import Environment
from cloud.beanstalk.region import Region, Scenario


@dataclass
class Planned:
    """Somebody else's update of an environment.

    It is due after so many answers of DescribeEnvironments, and begins as soon as the environment is Ready: before
    anybody sees the end of the update that was going on. With `abort` that update is aborted first.
    """

    environment: str
    label: str
    scenario: Scenario
    polls: int = 0
    abort: bool = False


def begin(
    region: Region,
    environment: Environment,
    scenario: Scenario,
    request_id: str,
    label: str | None,
    settings: scenarios.Settings,
    start: float | None = None,
) -> None:
    """Let an update of a Ready environment begin; `start` is a Unix time, now unless given."""
    update = scenarios.Update(environment, scenario, request_id, start or time.time(), label, settings)
    left = [step for step in environment.timeline if step.lasting]
    environment.timeline = sorted([*left, *scenarios.steps(update)], key=lambda step: step.at)
    environment.log, environment.sections = scenario.log, scenario.sections
    environment.previous_label = environment.version_label
    environment.target_label = label
    environment.status, environment.abortable = "Updating", True
    region.advance()


def abort(region: Region, environment: Environment, request_id: str) -> None:
    """Abort the update that goes on."""
    seconds = region.scenarios[environment.name].seconds / 2 if environment.name in region.scenarios else 0.5
    environment.timeline = scenarios.abort(environment, request_id, time.time(), seconds)
    region.advance()


def plan(region: Region, planned: Planned) -> None:
    """Let somebody else update an environment."""
    if planned.polls:
        region.planned.append(planned)
    else:
        _due(region, planned)


def count_poll(region: Region, shown: list[Environment]) -> None:
    """Note that DescribeEnvironments is about to show these environments."""
    names = {environment.name for environment in shown}
    for planned in [planned for planned in region.planned if planned.environment in names]:
        planned.polls -= 1
        if planned.polls <= 0:
            region.planned.remove(planned)
            _due(region, planned)


def _due(region: Region, planned: Planned) -> None:
    environment = region.find(planned.environment)

    def start(at: float) -> None:
        begin(region, environment, planned.scenario, str(uuid.uuid4()), planned.label, {}, at)

    if environment.status == "Ready":
        start(time.time())
        return
    environment.when_ready = start
    if planned.abort and environment.abortable:
        abort(region, environment, str(uuid.uuid4()))
