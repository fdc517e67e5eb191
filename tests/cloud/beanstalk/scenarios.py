"""How updates go: each scenario is the list of steps that an update puts on an environment's timeline."""

import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from cloud.beanstalk import logs, texts
from cloud.beanstalk.environment import Environment, Instance, Step
from cloud.beanstalk.region import Scenario

Settings = dict[tuple[str, str], str | None]
"""Option values by namespace and option name; None: the option is removed."""


@dataclass(frozen=True)
class Update:
    """One accepted UpdateEnvironment call."""

    environment: Environment
    scenario: Scenario
    request_id: str
    start: float
    label: str | None
    """The version to deploy, None when only settings change."""
    settings: Settings

    def step(self, part: float, message: str = "", severity: str = "INFO", **rest: object) -> Step:
        """A step at a part (0 to 1) of the update's time, with an event of this update."""
        at = self.start + part * self.scenario.seconds
        return Step(at, message=message, severity=severity, request_id=self.request_id, **rest)  # type: ignore[arg-type]


def steps(update: Update) -> list[Step]:
    """What will happen after an accepted update."""
    return _SCENARIOS[update.scenario.name](update)


def names() -> list[str]:
    """The scenarios that a test may ask for."""
    return sorted([*_SCENARIOS, "busy"])


def names_for(tier: str) -> list[str]:
    """The scenarios of one tier: what fails in a Cluster environment, and how, was shown nowhere."""
    return ["busy", "hangs", "red", "success", "terminated", "yellow-then-green"] if tier == "Cluster" else names()


def busy(environment: Environment, scenario: Scenario, start: float) -> list[Step]:
    """Somebody else's update that goes on now and ends well after the scenario's seconds; label and health stay."""
    request_id = str(uuid.uuid4())
    return [
        Step(start, {"status": "Updating", "abortable": True}, texts.UPDATE_STARTING, request_id=request_id),
        Step(
            start + scenario.seconds,
            {"status": "Ready", "abortable": False},
            texts.UPDATE_COMPLETED,
            request_id=request_id,
        ),
    ]


def abort(environment: Environment, request_id: str, start: float, seconds: float) -> list[Step]:
    """What happens after an accepted AbortEnvironmentUpdate: back to the version and health of before."""
    label = environment.previous_label or environment.version_label
    # Which events an abort sends is shown nowhere; this is what the EB CLI knows as "taken back".

    def restore(restored: Environment) -> None:
        if restored.version_label != label or any(instance.version_label != label for instance in restored.instances):
            restored.run(label)
        restored.paint("Green")

    return [
        Step(start, {"status": "Aborting", "abortable": False}),
        Step(start + seconds, {"status": "Ready"}, texts.REVERTED, request_id=request_id, act=restore),
    ]


def _begin(update: Update) -> list[Step]:
    found = [update.step(0, texts.UPDATE_STARTING)]
    if update.settings:
        found.append(
            update.step(0.05, texts.UPDATING_SETTINGS.format(environment=update.environment.name), act=_set(update))
        )
    if update.label and update.environment.tier != "Cluster":
        found.append(update.step(0.15, texts.DEPLOYING, act=_upload_log(update, "started")))
        cause = texts.APPLICATION_UPDATE_RUNNING.format(seconds=max(1, round(update.scenario.seconds * 0.3)))
        found.append(update.step(0.3, changes={"health_status": "Info", "causes": [cause]}))
    return found + [
        update.step(0.4, texts.BATCH_COMMANDS_COMPLETED.format(batch=number + 1))
        for number in range(update.scenario.events)
    ]


def _upload_log(update: Update, state: str) -> Callable[[Environment], None]:
    cause, noise = update.scenario.cause, update.scenario.noise
    return lambda environment: logs.upload_deployment_log(environment, update.request_id, state, cause, noise)


def _set(update: Update) -> Callable[[Environment], None]:
    def act(environment: Environment) -> None:
        for option, value in update.settings.items():
            environment.set(option, value)

    return act


def _deployed(update: Update) -> list[Step]:
    """The end of a good deployment up to, but without, the Ready state."""
    if not update.label:
        return [update.step(0.9, texts.SETTINGS_DEPLOYED)]
    label = update.label
    if update.environment.tier == "Cluster":
        return [update.step(0.9, act=lambda environment: environment.run(label))]
    return [
        update.step(0.4, texts.PROCFILE_GENERATED),
        update.step(0.8, texts.INSTANCE_DEPLOYED),
        update.step(0.9, texts.VERSION_DEPLOYED, act=lambda environment: environment.run(label)),
    ]


def _ready(update: Update, colour: str, causes: list[str] | None = None) -> Step:
    def act(environment: Environment) -> None:
        environment.paint(colour, causes)
        environment.last_failed = False
        if update.label:
            logs.note_success(environment)
            _upload_log(update, "completed")(environment)

    return update.step(1, texts.UPDATE_COMPLETED, changes={"status": "Ready", "abortable": False}, act=act)


def _success(update: Update) -> list[Step]:
    colour, causes = update.scenario.colour or "Green", None
    if update.environment.tier == "Cluster" and not update.scenario.colour:
        colour, causes = "Grey", [texts.INSUFFICIENT_RATE]
    return [*_begin(update), *_deployed(update), _ready(update, colour, causes)]


def _yellow_then_green(update: Update) -> list[Step]:
    recovered = Step(
        update.start + update.scenario.seconds + update.scenario.recovery_seconds,
        act=lambda environment: environment.paint("Green"),
    )
    return [*_begin(update), *_deployed(update), _ready(update, "Yellow", texts.WARNING_CAUSES), recovered]


def _red(update: Update) -> list[Step]:
    return [*_begin(update), *_deployed(update), _ready(update, "Red", texts.SEVERE_CAUSES)]


def _failure(update: Update) -> list[Step]:
    instance = update.environment.instances[0].id
    if not update.label:
        return [update.step(0.6, texts.SETTINGS_FAILED, "ERROR"), update.step(0.9, texts.REVERTED, "ERROR")]
    return [
        update.step(0.5, texts.INSTANCE_FAILED, "ERROR"),
        update.step(0.7, texts.COMMAND_FAILED.format(instance=instance), "ERROR", act=_fail_instances(update)),
        update.step(0.7, texts.COMMANDS_COMPLETED.format(successful=0, failed=len(update.environment.instances))),
        update.step(0.7, texts.COMMANDS_UNSUCCESSFUL.format(instances=instance), "ERROR"),
        update.step(0.9, texts.DEPLOY_FAILED, "ERROR"),
    ]


def _fail_instances(update: Update) -> Callable[[Environment], None]:
    def act(environment: Environment) -> None:
        environment.last_failed = True
        logs.note_failure(environment, update.scenario.cause, update.scenario.noise)
        _upload_log(update, "failed")(environment)
        for instance in environment.instances:
            instance.version_label = update.label or instance.version_label
            instance.deployment_id = environment.deployment_id + 1
            instance.deployment_status = "Failed"

    return act


def _fails(update: Update) -> list[Step]:
    """The deployment fails: Ready, Red and Degraded on the label of before, which does not run any more.

    Failed settings are taken back, and all is well again.
    """
    environment = update.environment
    expected = {"label": environment.version_label, "deployment": environment.deployment_id}
    cause = texts.WRONG_VERSION_ON_ALL.format(**expected)

    def act(failed: Environment) -> None:
        if update.label:
            failed.paint("Red", [cause], "Degraded")
        else:
            failed.paint("Green")

    message = texts.DEPLOY_ABORTED if update.label else ""
    end = update.step(1, message, "ERROR", changes={"status": "Ready", "abortable": False}, act=act)
    return [*_begin(update), *_failure(update), end]


def _reverts(update: Update) -> list[Step]:
    """The deployment fails and Elastic Beanstalk puts the version of before back (immutable updates do so)."""
    label = update.environment.version_label

    def restore(environment: Environment) -> None:
        environment.run(label)
        environment.paint("Green")

    end = update.step(1, texts.REVERTED, "ERROR", changes={"status": "Ready", "abortable": False}, act=restore)
    return [*_begin(update), *_failure(update), end]


def _green_on_old_label(update: Update) -> list[Step]:
    """No error event at all, yet the version of before is what runs in the end."""
    end = update.step(
        1, changes={"status": "Ready", "abortable": False}, act=lambda environment: environment.paint("Green")
    )
    return [*_begin(update), end]


def _hangs(update: Update) -> list[Step]:
    """Nothing more is heard, until somebody aborts."""
    return _begin(update)


def _partial(update: Update) -> list[Step]:
    """Success is reported although the last instance still runs the version of before.

    https://github.com/aws/elastic-beanstalk-roadmap/issues/162
    """
    before = update.environment.version_label
    label = update.label or before
    if len(update.environment.instances) == 1:
        update.environment.instances.append(
            Instance("i-0" + secrets.token_hex(8), before, update.environment.deployment_id)
        )
    instances = update.environment.instances
    count = len(instances)

    def act(environment: Environment) -> None:
        environment.run(label)
        old = environment.instances[-1]
        old.version_label, old.deployment_id = before, environment.deployment_id - 1

    def blame(environment: Environment) -> None:
        environment.paint(update.scenario.colour or "Green")
        old = environment.instances[-1]
        old.colour, old.health_status = "Red", "Degraded"
        old.causes = [
            texts.WRONG_VERSION_ON_INSTANCE.format(
                label=before,
                deployment=old.deployment_id,
                expected=label,
                expected_deployment=environment.deployment_id,
            )
        ]

    batches = []
    for number, instance in enumerate(instances, start=1):
        part = 0.3 + 0.5 * number / count
        batches += [
            update.step(part, texts.BATCH_STARTING.format(batch=number, instance=instance.id)),
            update.step(part, texts.BATCH_COMMANDS_COMPLETED.format(batch=number)),
            update.step(part, texts.BATCH_REGISTERING.format(batch=number)),
            update.step(part, texts.BATCH_COMPLETED.format(batch=number)),
        ]
    return [
        *_begin(update),
        *batches,
        update.step(0.85, texts.COMMANDS_COMPLETED_ON.format(count=count)),
        update.step(0.9, texts.VERSION_DEPLOYED, act=act),
        update.step(1, texts.UPDATE_COMPLETED, changes={"status": "Ready", "abortable": False}, act=blame),
    ]


def _times_out(update: Update) -> list[Step]:
    """The instances do not answer in time: Ready and Red on the label of before, as after any failure."""
    instances = [instance.id for instance in update.environment.instances]
    summary = texts.COMMANDS_TIMED_OUT.format(successful=0, timed_out=len(instances))
    middle = [
        update.step(0.6, texts.NOT_RESPONDED.format(instances=", ".join(instances)), "WARN"),
        update.step(0.7, summary, act=_fail_instances(update)),
        update.step(0.7, texts.COMMANDS_UNSUCCESSFUL.format(instances=",".join(instances)), "ERROR"),
        update.step(0.9, texts.DEPLOY_FAILED, "ERROR"),
    ]
    return [*_begin(update), *middle, _fails(update)[-1]]


def _command_timeouts(update: Update) -> list[Step]:
    """An update that "is complete, but with command timeouts": no error, Ready on the new label."""
    instances = [instance.id for instance in update.environment.instances]
    summary = texts.COMMANDS_TIMED_OUT.format(successful=len(instances) - 1, timed_out=1)
    return [
        *_begin(update),
        update.step(0.6, texts.NOT_RESPONDED.format(instances=instances[-1]), "WARN"),
        update.step(0.7, summary),
        *_deployed(update)[-1:],
        _complete_but(update, texts.COMPLETED_WITH_TIMEOUTS),
    ]


def _with_errors(update: Update) -> list[Step]:
    """An update that "is complete, but with errors"."""
    return [*_begin(update), *_deployed(update), _complete_but(update, texts.COMPLETED_WITH_ERRORS)]


def _complete_but(update: Update, message: str) -> Step:
    usual = _ready(update, update.scenario.colour or "Green")
    return replace(usual, message=message, severity=update.scenario.severity)


def _immutable(update: Update) -> list[Step]:
    """New instances take the place of the old ones, which DescribeInstancesHealth shows for `recovery_seconds` more."""
    environment, label = update.environment, update.label or update.environment.version_label
    old = list(environment.instances)
    new = [Instance("i-0" + secrets.token_hex(8), None, environment.deployment_id + 1) for _ in old]
    first, ids = new[0].id, ",".join(instance.id for instance in new)
    stack = f"awseb-{environment.id}"
    temporary = {"group": f"{stack}-immutable-stack-AWSEBAutoScalingGroup-1Bo5KTHTnM64"}
    permanent = {"group": f"{stack}-stack-AWSEBAutoScalingGroup-hq8L6ykJ9A3f"}

    def launch(count: int) -> Callable[[Environment], None]:
        return lambda changed: setattr(changed, "instances", [*new[:count], *old])

    def deploy(changed: Environment) -> None:
        for instance in new:
            instance.version_label, instance.deployed_at = label, time.time()
        changed.version_label, changed.deployment_id = label, new[0].deployment_id

    def remove(gone: Instance) -> Callable[[Environment], None]:
        return lambda changed: changed.instances.remove(gone)

    after = update.start + update.scenario.seconds + update.scenario.recovery_seconds
    return [
        update.step(0, texts.UPDATE_STARTING, act=_upload_log(update, "started")),
        update.step(0.1, texts.IMMUTABLE_LAUNCHING),
        update.step(0.15, texts.IMMUTABLE_GROUP.format(**temporary)),
        update.step(0.2, texts.INSTANCE_ADDED.format(instance=first), act=launch(1)),
        update.step(0.35, texts.INSTANCE_DEPLOYED),
        update.step(0.35, texts.IMMUTABLE_ADDING.format(instances=first)),
        update.step(0.4, texts.IMMUTABLE_WAITING.format(instances=first)),
        update.step(0.45, texts.IMMUTABLE_REMAINING, act=launch(len(new))),
        update.step(0.55, texts.IMMUTABLE_LAUNCHED),
        update.step(0.6, texts.IMMUTABLE_WAITING.format(instances=ids)),
        update.step(0.7, texts.IMMUTABLE_DETACHED.format(**temporary)),
        update.step(0.7, texts.IMMUTABLE_ATTACHED.format(**permanent)),
        update.step(0.75, texts.IMMUTABLE_CONFIGURING),
        update.step(0.8, texts.INSTANCE_DEPLOYED, act=deploy),
        update.step(0.9, texts.IMMUTABLE_SUCCEEDED),
        update.step(1, texts.VERSION_DEPLOYED),
        _ready(update, update.scenario.colour or "Green"),
        *(Step(after, message=_removed(gone), act=remove(gone), lasting=True) for gone in old),
    ]


def _removed(gone: Instance) -> str:
    return texts.INSTANCE_REMOVED.format(instance=gone.id)


def _terminated(update: Update) -> list[Step]:
    """Somebody terminates the environment while the update goes on."""
    request_id = str(uuid.uuid4())
    middle = update.start + update.scenario.seconds / 2
    return [*_begin(update), *termination(request_id, middle, update.scenario.seconds / 2)]


def termination(request_id: str, start: float, seconds: float) -> list[Step]:
    """What TerminateEnvironment does."""
    return [
        Step(start, {"status": "Terminating", "abortable": False}, texts.TERMINATION_STARTING, request_id=request_id),
        Step(start + seconds, {"status": "Terminated"}, texts.TERMINATION_COMPLETED, request_id=request_id),
    ]


_SCENARIOS: dict[str, Callable[[Update], list[Step]]] = {
    "success": _success,
    "fails": _fails,
    "reverts": _reverts,
    "green-on-old-label": _green_on_old_label,
    "yellow-then-green": _yellow_then_green,
    "red": _red,
    "hangs": _hangs,
    "partial": _partial,
    "times-out": _times_out,
    "command-timeouts": _command_timeouts,
    "with-errors": _with_errors,
    "immutable": _immutable,
    "terminated": _terminated,
}
