"""The logs of an environment: the engine's own, the tails and bundles collected of them, and deployment logs."""

import io
import time
import zipfile

from cloud import context
from cloud.aws import buckets, objects
from cloud.beanstalk import logtexts
from cloud.beanstalk.environment import Environment, Instance
from cloud.beanstalk.region import InfoRequest

SECONDS_TO_COLLECT = 0.3
"""How long after the request the logs are there."""

_RULE = "----------------------------------------"
_TAIL_LINES = 100
_DISABLED = ("aws:elasticbeanstalk:application:environment", "EB_DEPLOYMENT_LOG_S3_DISABLED")


def note_success(environment: Environment) -> None:
    """Let the engine write about a good deployment."""
    _write(environment, logtexts.succeeded(), "app-deploy")


def note_failure(environment: Environment, cause: str, noise: int) -> None:
    """Let the engine write about a deployment that has failed."""
    _write(environment, logtexts.failed(cause, noise), "app-deploy")


def collect(environment: Environment, request: InfoRequest) -> None:
    """Collect the logs of all instances, as RequestEnvironmentInfo lets the engine do.

    The engine writes about this command first, so that its own block is the last of `eb-engine.log` in every tail:
    https://github.com/aws/aws-elastic-beanstalk-cli/pull/465.
    """
    if environment.own_commands:
        _write(environment, logtexts.collecting(request.kind), f"{request.kind}-log")
    for instance in environment.instances:
        text = environment.log if environment.log is not None else _tail(environment, instance)
        body = _zip({"var/log/eb-engine.log": text}) if request.kind == "bundle" else text.encode()
        request.keys[instance.id] = _key(environment, instance, request)
        context.current().state.web.publish(request.keys[instance.id], body)
    if environment.own_commands:
        _write(environment, logtexts.collected(request.kind), f"{request.kind}-log")


def upload_deployment_log(environment: Environment, request_id: str, state: str, cause: str = "", noise: int = 0) -> None:
    """Upload the log of a deployment (`started`, `completed` or `failed`), where the platform does so.

    https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environments-deployment-logs.html: "platform versions
    released on or after March 11, 2026", unless EB_DEPLOYMENT_LOG_S3_DISABLED is set. A Cluster environment has a zip
    file, always and only after the operation.
    """
    folder = f"resources/environments/logs/deployments/{environment.id}"
    if environment.tier == "Cluster":
        if state != "started":
            key = f"{folder}/deployment-{environment.name}-{request_id}.zip"
            files = logtexts.cluster_logs(environment.name)
            files |= {name: text for name, text in environment.sections.items() if text is not True}
            _upload(environment, key, _zip(files))
        return
    if environment.deployment_logs and environment.settings.get(_DISABLED, "").lower() != "true":
        log = logtexts.deployment_log(state, cause, noise)
        _upload(environment, f"{folder}/eb-deployment-{request_id}.log", log.encode())


def _upload(environment: Environment, key: str, body: bytes) -> None:
    bucket = _bucket(environment)
    buckets.ensure(bucket, environment.region)
    objects.put(bucket, key, body, {}, 0)


def _write(environment: Environment, template: str, command: str) -> None:
    """Append to the engine's log; `[LEVEL]` at a line's start gets its time, other lines belong to the one before."""
    account = context.current().account
    instance = environment.instances[0].id if environment.instances else ""
    text = template.format(
        command=command,
        region=environment.region,
        environment=environment.id,
        instance=instance,
        bucket=_bucket(environment),
        stack=f"arn:aws:cloudformation:{environment.region}:{account}:stack/awseb-{environment.id}-stack/"
        "21700810-efd8-11f0-967a-0affd2545ccb",
        application=logtexts.application_log(environment.platform, instance),
        milliseconds=round(time.time() * 1000),
    )
    stamp = time.strftime("%Y/%m/%d %H:%M:%S.", time.gmtime()) + "735201"
    environment.engine += [f"{stamp} {line}" if line.startswith("[") else line for line in text.splitlines()]


def _tail(environment: Environment, instance: Instance) -> str:
    if not environment.engine:
        _write(environment, logtexts.LAUNCHED, "env-launch")
    application = logtexts.application_log(environment.platform, instance.id)
    if environment.platform == "windows":
        sections = {application: "", **logtexts.windows_tail(environment.last_failed)}
    else:
        sections = {
            application: logtexts.APPLICATION_FAILED if environment.last_failed else "",
            "/var/log/eb-engine.log": "\n".join(environment.engine[-_TAIL_LINES:]) + "\n",
            "/var/log/eb-hooks.log": "",
        }
    sections = {path: logtexts.at_time(text, time.time()) for path, text in sections.items()}
    for path, text in environment.sections.items():
        sections[path] = logtexts.at_time(logtexts.SEEN[path], time.time()) if text is True else text
    return "".join(f"{_RULE}\n{path}\n{_RULE}\n{body}\n\n" for path, body in sections.items())


def _key(environment: Environment, instance: Instance, request: InfoRequest) -> str:
    ending = "zip" if request.kind == "bundle" else "out"
    return (
        f"{_bucket(environment)}/resources/environments/logs/{request.kind}/{environment.id}/{instance.id}/"
        f"{request.kind.title()}Logs-{round(request.at * 1000)}.{ending}"
    )


def _bucket(environment: Environment) -> str:
    return f"elasticbeanstalk-{environment.region}-{context.current().account}"


def _zip(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()
