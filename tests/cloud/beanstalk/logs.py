"""The logs that RequestEnvironmentInfo collects: what an instance's tail looks like after a good and a bad deploy."""

import io
import time
import zipfile

from cloud import context
from cloud.beanstalk.environment import Environment, Instance
from cloud.beanstalk.region import InfoRequest

SECONDS_TO_COLLECT = 0.3
"""How long after the request the logs are there."""

# The lines are those of https://github.com/rennokki/laravel-aws-eb/issues/57 and /41 (eb-engine.log) and of
# https://github.com/BishopFox/dufflebag/issues/4 (web.stdout.log).
_RULE = "----------------------------------------"
_GOOD_ENGINE = """\
{stamp} [INFO] Starting...
{stamp} [INFO] Starting EBPlatform-PlatformEngine
{stamp} [INFO] reading event message file
{stamp} [INFO] Engine received EB command cfn-hup-exec
{stamp} [INFO] Executing cleanup logic
{stamp} [INFO] CommandService Response: {{"status":"SUCCESS","api_version":"1.0","results":[{{"status":"SUCCESS","msg":"Engine execution has succeeded.","returncode":0,"events":[{{"msg":"Instance deployment completed successfully.","timestamp":1607070036,"severity":"INFO"}}]}}]}}

{stamp} [INFO] Platform Engine finished execution on command: app-deploy
"""
_BAD_ENGINE = """\
{stamp} [INFO] Starting executing the config set Infra-EmbeddedPostBuild.
{stamp} [INFO] Running command /bin/sh -c /opt/aws/bin/cfn-init -s arn:aws:cloudformation:eu-west-2:0000000000000:stack/awseb-e-ah32j8un2u-stack/df62aa30-f5f5-11fb-99e9-02a866eae334 -r AWSEBAutoScalingGroup --region eu-west-2 --configsets Infra-EmbeddedPostBuild
{stamp} [ERROR] An error occurred during execution of command [app-deploy] - [PostBuildEbExtension]. Stop running the command. Error: Container commands build failed. Please refer to /var/log/cfn-init.log for more details.

{stamp} [INFO] Executing cleanup logic
{stamp} [INFO] CommandService Response: {{"status":"FAILURE","api_version":"1.0","results":[{{"status":"FAILURE","msg":"Engine execution has encountered an error.","returncode":1,"events":[{{"msg":"Instance deployment failed. For details, see 'eb-engine.log'.","timestamp":1628178855,"severity":"ERROR"}}]}}]}}
"""
_WEB = "Sep  7 07:55:57 ip-172-31-44-139 web: /bin/sh: application: command not found\n"


def publish(environment: Environment, instance: Instance, request: InfoRequest) -> str:
    """Put an instance's logs where a presigned URL finds them."""
    stamp = time.strftime("%Y/%m/%d %H:%M:%S.", time.gmtime(request.at)) + "735201"
    text = environment.log if environment.log is not None else _tail(environment, stamp)
    kind, ending, body = "tail", "out", text.encode()
    if request.kind == "bundle":
        kind, ending, body = "bundle", "zip", _zip(text)
    key = (
        f"elasticbeanstalk-{environment.region}-{context.current().account}/resources/environments/logs/{kind}/"
        f"{environment.id}/{instance.id}/{kind.title()}Logs-{round(request.at * 1000)}.{ending}"
    )
    state = context.current().state
    return state.web.publish(state.endpoint, key, body)


def _tail(environment: Environment, stamp: str) -> str:
    engine = (_BAD_ENGINE if environment.last_failed else _GOOD_ENGINE).format(stamp=stamp)
    sections = {"eb-engine.log": engine, "web.stdout.log": _WEB if environment.last_failed else ""}
    return "".join(f"{_RULE}\n/var/log/{name}\n{_RULE}\n{body}\n\n" for name, body in sections.items())


def _zip(text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("var/log/eb-engine.log", text)
    return buffer.getvalue()
