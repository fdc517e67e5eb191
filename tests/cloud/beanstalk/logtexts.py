"""The lines of an instance's logs, each with the place where it was seen. As in `texts`, nothing is made up.

Accounts, stacks and instances are those of this cloud; the wording is AWS's. Five tails that people have published
(2020-08-23, 2023-12-14, 2026-01-24, 2026-01-26, 2026-03-03: search for `Engine command: (tail-log)`) end with the
block of the command that collects them, and so does https://github.com/aws/aws-elastic-beanstalk-cli/pull/465.
"""

import time

_START = """\
[INFO] Starting...
[INFO] Starting EBPlatform-PlatformEngine
[INFO] reading event message file
[INFO] Engine received EB command cfn-hup-exec

[INFO] Running command: /opt/aws/bin/cfn-get-metadata -s {stack} -r AWSEBAutoScalingGroup --region {region}
[INFO] Running command: /opt/aws/bin/cfn-get-metadata -s {stack} -r AWSEBBeanstalkMetadata --region {region}
[INFO] checking whether command {command} is applicable to this instance...
[INFO] this command is applicable to the instance, thus instance should execute command
[INFO] Engine command: ({command})

"""

# The tail of 2026-03-03.
_DOWNLOAD = """\
[INFO] Downloading EB Application...
[INFO] Region: {region}
[INFO] envID: {environment}
[INFO] envBucket: {bucket}
[INFO] Using manifest file name from command request
[INFO] Download app version manifest
[INFO] Trying to read and parse version manifest...
[INFO] Executing instruction: ElectLeader
[INFO] Running leader election for instance {instance}...
[INFO] Calling the cfn-elect-cmd-leader to elect the command leader.
[INFO] Instance is Leader.
[INFO] Executing instruction: stopSqsd
[INFO] This is a web server environment instance, skip stop sqsd daemon ...
[INFO] Executing instruction: PreBuildEbExtension
[INFO] Starting executing the config set Infra-EmbeddedPreBuild.
[INFO] Running command: /opt/aws/bin/cfn-init -s {stack} -r AWSEBAutoScalingGroup --region {region} --configsets Infra-EmbeddedPreBuild
[INFO] Finished executing the config set Infra-EmbeddedPreBuild.

[INFO] Executing instruction: StageApplication
[INFO] Recreating /var/app/staging/
[INFO] extracting /opt/elasticbeanstalk/deployment/app_source_bundle to /var/app/staging/
[INFO] Running command: /usr/bin/unzip -q -o /opt/elasticbeanstalk/deployment/app_source_bundle -d /var/app/staging/
[INFO] finished extracting /opt/elasticbeanstalk/deployment/app_source_bundle to /var/app/staging/ successfully
[INFO] Executing instruction: RunAppDeployPreBuildHooks
[INFO] Executing platform hooks in .platform/hooks/prebuild/
"""
_INSTALL = """\
[INFO] The dir .platform/hooks/prebuild/ does not exist
[INFO] Finished running scripts in /var/app/staging/.platform/hooks/prebuild
[INFO] Executing instruction: InstallDependency
[INFO] checking dependencies file
[INFO] Installing dependencies with requirements.txt by using Pip
[INFO] Running command: /var/app/venv/staging-LQM1lest/bin/pip install -r requirements.txt
"""
_INSTALLED = "Requirement already satisfied: asgiref==3.11.1 in /var/app/venv/staging-LQM1lest/lib/python3.9/site-packages"
_FAILED = """\
[INFO] Executing cleanup logic
[INFO] CommandService Response: {{"status":"FAILURE","api_version":"1.0","results":[{{"status":"FAILURE","msg":"Engine execution has encountered an error.","returncode":1,"events":[{{"msg":"Instance deployment failed. For details, see 'eb-engine.log'.","timestamp":{milliseconds},"severity":"ERROR"}}]}}]}}

[INFO] Platform Engine finished execution on command: app-deploy

"""
# The tail of 2026-01-24.
_SUCCEEDED = """\
[INFO] Executing instruction: RunAppDeployPostDeployHooks
[INFO] Executing platform hooks in .platform/hooks/postdeploy/
[INFO] The dir .platform/hooks/postdeploy/ does not exist
[INFO] Finished running scripts in /var/app/current/.platform/hooks/postdeploy
[INFO] Executing cleanup logic
[INFO] CommandService Response: {{"status":"SUCCESS","api_version":"1.0","results":[{{"status":"SUCCESS","msg":"Engine execution has succeeded.","returncode":0,"events":[{{"msg":"Instance deployment successfully generated a 'Procfile'.","timestamp":{milliseconds},"severity":"INFO"}},{{"msg":"Instance deployment completed successfully.","timestamp":{milliseconds},"severity":"INFO"}}]}}]}}

[INFO] Platform Engine finished execution on command: app-deploy

"""
# The tail of 2023-12-14.
LAUNCHED = """\
[INFO] Executing instruction: Save CFN Stack Info
[INFO] Starting SwitchCFNStack
[INFO] Executing cleanup logic
[INFO] Platform Engine finished execution on command: env-launch

"""

_CAUSES = {
    # https://github.com/rennokki/laravel-aws-eb/issues/57
    "container-commands": _INSTALL
    + """\
[INFO] Executing instruction: PostBuildEbExtension
[INFO] Starting executing the config set Infra-EmbeddedPostBuild.
[INFO] Running command: /opt/aws/bin/cfn-init -s {stack} -r AWSEBAutoScalingGroup --region {region} --configsets Infra-EmbeddedPostBuild
[ERROR] An error occurred during execution of command [app-deploy] - [PostBuildEbExtension]. Stop running the command. Error: Container commands build failed. Please refer to /var/log/cfn-init.log for more details.

""",
    # The tail of 2026-03-03, output of several lines included.
    "dependencies": _INSTALL
    + """\
[INFO] {noise}
[INFO] ERROR: Could not find a version that satisfies the requirement aws-cfn-bootstrap==2.0 (from versions: 1.4.post31)
ERROR: No matching distribution found for aws-cfn-bootstrap==2.0

[ERROR] An error occurred during execution of command [app-deploy] - [InstallDependency]. Stop running the command. Error: fail to install dependencies with requirements.txt file with error Command /var/app/venv/staging-LQM1lest/bin/pip install -r requirements.txt failed with error exit status 1. Stderr:ERROR: Could not find a version that satisfies the requirement aws-cfn-bootstrap==2.0 (from versions: 1.4.post31)
ERROR: No matching distribution found for aws-cfn-bootstrap==2.0
 

""",
    # https://github.com/rennokki/laravel-aws-eb/issues/44
    "hook": """\
[INFO] Following platform hooks will be executed in order: [configure_php_ini.sh]
[INFO] Running platform hook: .platform/hooks/prebuild/configure_php_ini.sh
[ERROR] An error occurred during execution of command [app-deploy] - [RunAppDeployPreBuildHooks]. Stop running the command. Error: Command .platform/hooks/prebuild/configure_php_ini.sh failed with error fork/exec .platform/hooks/prebuild/configure_php_ini.sh: permission denied

""",
}
_COLLECT = {
    "tail": """\
[INFO] Executing instruction: GetTailLogs
[INFO] Tail Logs...
[INFO] Running command: tail -n 100 {application}
[INFO] Running command: tail -n 100 /var/log/eb-engine.log
""",
    "bundle": "",
}

# https://github.com/BishopFox/dufflebag/issues/4
APPLICATION_FAILED = "Sep  7 07:55:57 ip-172-31-44-139 web: /bin/sh: application: command not found\n"

# In a tail only where the bundle has a file in taillogs.d: https://github.com/zagaran/sample-django-app/pull/34. The
# lines' form: https://ubuntuforums.org, "Found a dos partition table in /dev/nvme1n1", 2019-02-21.
_CFN_INIT_CMD = """\
2026-11-20 08:00:00,234 P8657 [INFO]    python: can't open file 'manage.py': [Errno 2] No such file or directory
2026-11-20 08:00:00,235 P8657 [INFO] ------------------------------------------------------------
2026-11-20 08:00:00,235 P8657 [ERROR] Exited with error code 1
"""

# The hook of https://github.com/rennokki/laravel-aws-eb/issues/44 never ran; one that does leaves what it writes.
_HOOKS = "cp: cannot stat 'php.ini': No such file or directory\n"

# https://github.com/einaregilsson/beanstalk-deploy/issues/3. What the other logs of Windows Server say of it was seen
# nowhere; that they are in a tail, and their paths:
# https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.cloudwatchlogs.html
_WINDOWS_FAILED = """\
2026-11-20 08:00:00,941 [ERROR] Command hooks (HooksExecutor.exe appdeploy\\enact) failed
2026-11-20 08:00:00,941 [ERROR] Error encountered during build of Hook-EnactAppDeploy: Command hooks failed
Traceback (most recent call last):
  File "cfnbootstrap\\construction.pyc", line 544, in run_config
  File "cfnbootstrap\\construction.pyc", line 138, in run_commands
  File "cfnbootstrap\\command_tool.pyc", line 117, in apply
ToolError: Command hooks failed
2026-11-20 08:00:00,941 [ERROR] -----------------------BUILD FAILED!------------------------
"""
_WINDOWS_LOGS = "C:\\Program Files\\Amazon\\ElasticBeanstalk\\logs\\"

SEEN = {"/var/log/cfn-init-cmd.log": _CFN_INIT_CMD, "/var/log/eb-hooks.log": _HOOKS}
"""What a test gets that asks for one of these logs without saying what is in it."""

_PLATFORMS = {
    "python": "/var/log/web.stdout.log",
    # Seen in tails of the Docker platform, the second on the older one; only the CloudWatch log group is called
    # `stdouterr.log`: https://github.com/aws/aws-sdk-rails, https://github.com/somleng/somleng-switch/issues/3
    "docker": "/var/log/eb-docker/containers/eb-current-app/eb-{id}-stdouterr.log",
    "docker-older": "/var/log/eb-docker/containers/eb-current-app/{id}-stdouterr.log",
    # Seen in a tail of the ECS platform, 2020-08-21; https://github.com/caktus/aws-web-stacks/issues/1
    "ecs": "/var/log/containers/nginx-proxy-{id}-stdouterr.log",
    # The table of log files in
    # https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.cloudwatchlogs.html
    "windows": "C:\\inetpub\\logs\\LogFiles\\W3SVC1\\u_ex261120.log",
}

_DEPLOYMENT_STARTED = "[INFO] Starting Application deployment\n"
_DEPLOYMENT_COMPLETED = "[INFO] Completed Application deployment\n"
_MOST_OUTPUT_LINES = 50


def causes() -> list[str]:
    """Why a deployment may fail."""
    return sorted(_CAUSES)


def platforms() -> list[str]:
    """The platforms whose logs are known."""
    return sorted(_PLATFORMS)


def application_log(platform: str, instance: str) -> str:
    """The path of the application's own log."""
    return _PLATFORMS[platform].format(id=instance[-12:])


def windows_tail(failed: bool) -> dict[str, str]:
    """What a tail of Windows Server has besides the log of IIS, by path."""
    return {
        f"{_WINDOWS_LOGS}AWSDeployment.log": "",
        f"{_WINDOWS_LOGS}Hooks.log": "",
        "C:\\cfn\\log\\cfn-init.log": _WINDOWS_FAILED if failed else "",
    }


def at_time(text: str, seconds: float) -> str:
    """A text that was seen, with the times of another moment."""
    now = time.gmtime(seconds)
    syslog = f"{time.strftime('%b', now)} {now.tm_mday:2} {time.strftime('%H:%M:%S', now)}"
    return text.replace("Sep  7 07:55:57", syslog).replace("2026-11-20 08:00:00", time.strftime("%Y-%m-%d %H:%M:%S", now))


def failed(cause: str, noise: int) -> str:
    """The engine's template of a deployment that fails; the failing step writes `noise` lines before its error."""
    return _START + _DOWNLOAD + _CAUSES[cause].replace("{noise}", "\n".join([_INSTALLED] * max(1, noise))) + _FAILED


def succeeded() -> str:
    """The engine's template of a good deployment."""
    return _START + _DOWNLOAD + _INSTALL + _SUCCEEDED


def collecting(kind: str) -> str:
    """The engine's template of the command that collects logs, up to the moment at which it does."""
    return _START + _COLLECT[kind]


def collected(kind: str) -> str:
    """What the engine writes after it has collected logs, as after every command that was seen."""
    return f"[INFO] Executing cleanup logic\n[INFO] Platform Engine finished execution on command: {kind}-log\n\n"


def deployment_log(state: str, cause: str, noise: int) -> str:
    """The log of one deployment when it is `started`, `completed` or `failed`.

    What it says and that errors are marked `[ERROR]` with up to 50 lines of the failed step's output is documented, no
    example of it: https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environments-deployment-logs.html
    """
    if state != "failed":
        return _DEPLOYMENT_STARTED + (_DEPLOYMENT_COMPLETED if state == "completed" else "")
    lines = _CAUSES[cause].replace("{noise}", "\n".join([_INSTALLED] * max(1, noise))).splitlines()
    first = next(index for index, line in enumerate(lines) if line.startswith("[ERROR]"))
    output = [line.removeprefix("[INFO] ") for line in lines[max(0, first - _MOST_OUTPUT_LINES) : first]]
    return _DEPLOYMENT_STARTED + "\n".join([*lines[first:], *output]) + "\n"


def cluster_logs(environment: str) -> dict[str, str]:
    """The files of a Cluster environment's deployment log, by name. Its events and lines are the application's own.

    https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environments-deployment-logs.html
    """
    pod = f"{environment}-6d4cf56db6-2x8kq"
    return {"1-environment/_k8Events.txt": "", f"1-environment/{pod}.txt": "=====EVENTS=====\n\n=====LOGS=====\n\n"}
