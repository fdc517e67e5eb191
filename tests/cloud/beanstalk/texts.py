"""The texts that Elastic Beanstalk sends, each with the place where it was seen.

Nothing here may be invented: tests that compare the action's reading of a text with a text made up for it prove
nothing.
"""

from cloud.aws.errors import AwsError

# Events of a successful deployment on Amazon Linux 2 and 2023:
# https://github.com/einaregilsson/beanstalk-deploy/issues/86,
# https://github.com/aws/aws-elastic-beanstalk-cli/issues/50
UPDATE_STARTING = "Environment update is starting."
DEPLOYING = "Deploying new version to instance(s)."
PROCFILE_GENERATED = "Instance deployment successfully generated a 'Procfile'."
INSTANCE_DEPLOYED = "Instance deployment completed successfully."
VERSION_DEPLOYED = "New application version was deployed to running EC2 instances."
UPDATE_COMPLETED = "Environment update completed successfully."

# Events of a change of option settings: `eb setenv` in
# https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environment-configuration-methods-after.html
UPDATING_SETTINGS = "Updating environment {environment}'s configuration settings."
SETTINGS_DEPLOYED = "Successfully deployed new configuration to environment."

# Events of a failed deployment: https://github.com/einaregilsson/beanstalk-deploy/issues/86,
# https://github.com/rennokki/laravel-aws-eb/issues/71
INSTANCE_FAILED = "Instance deployment failed. For details, see 'eb-engine.log'."
COMMAND_FAILED = (
    "[Instance: {instance}] Command failed on instance. Return code: 1 Output: "
    "Engine execution has encountered an error.."
)
COMMANDS_COMPLETED = "Command execution completed on all instances. Summary: [Successful: {successful}, Failed: {failed}]."
COMMANDS_UNSUCCESSFUL = "Unsuccessful command execution on instance id(s) '{instances}'. Aborting the operation."
DEPLOY_FAILED = "Failed to deploy application."
DEPLOY_ABORTED = (
    "During an aborted deployment, some instances may have deployed the new application version. To ensure all "
    "instances are running the same version, re-deploy the appropriate application version."
)

# Events of a change of settings that Elastic Beanstalk took back: `event.failedupdate` and `event.updatefailed` in
# https://github.com/aws/aws-elastic-beanstalk-cli/blob/master/ebcli/resources/strings.py
SETTINGS_FAILED = "Failed to deploy configuration."
REVERTED = "The environment was reverted to the previous configuration setting."

# An update that ends with problems: https://github.com/ThoughtWorksStudios/eb_deployer/issues/69
COMPLETED_WITH_ERRORS = (
    "Update environment operation is complete, but with errors. For more information, see troubleshooting "
    "documentation."
)

# Instances that do not answer in time: published events of 2025-12-22 (search for "they might still finish eventually
# on their own"). An update that ends with them all the same, without a word on the severity of its last event:
# https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/troubleshooting.html
NOT_RESPONDED = (
    "The following instances have not responded in the allowed command timeout time (they might still finish "
    "eventually on their own): [{instances}]."
)
COMMANDS_TIMED_OUT = (
    "Command execution completed on all instances. Summary: [Successful: {successful}, TimedOut: {timed_out}]."
)
COMPLETED_WITH_TIMEOUTS = (
    "Update environment operation is complete, but with command timeouts. Try increasing the timeout period."
)

# An immutable update: published events of 2025-10-20 and 2026-02-10 (search for "Immutable deployment policy enabled.
# Launching one instance")
IMMUTABLE_LAUNCHING = (
    "Immutable deployment policy enabled. Launching one instance with the new settings to verify health."
)
IMMUTABLE_GROUP = "Created temporary auto scaling group {group}."
IMMUTABLE_ADDING = "Adding new instance(s) ({instances}) to the load balancer."
IMMUTABLE_WAITING = "Waiting for instance(s) ({instances}) to pass health checks. "
IMMUTABLE_REMAINING = "Test instance passed health checks. Launching remaining new instances."
IMMUTABLE_LAUNCHED = "Successfully launched all instances."
IMMUTABLE_DETACHED = "Detached new instance(s) from temporary auto scaling group {group}."
IMMUTABLE_ATTACHED = "Attached new instance(s) to the permanent auto scaling group {group}."
IMMUTABLE_CONFIGURING = "Starting post-deployment configuration on new instances."
IMMUTABLE_SUCCEEDED = "Deployment succeeded. Terminating old instances and temporary Auto Scaling group."
INSTANCE_ADDED = "Added instance [{instance}] to your environment."
INSTANCE_REMOVED = "Removed instance [{instance}] from your environment."

# One batch after the other: https://github.com/aws/elastic-beanstalk-roadmap/issues/162
BATCH_STARTING = "Batch {batch}: Starting application deployment on instance(s) [{instance}]."
BATCH_COMMANDS_COMPLETED = "Batch {batch}: Completed application deployment command execution."
COMMANDS_COMPLETED_ON = "Command execution completed on {count} of {count} instances in environment."
BATCH_REGISTERING = (
    "Batch {batch}: Registering instance(s) with the load balancer and waiting for them to be healthy. "
)
BATCH_COMPLETED = "Batch {batch}: Completed application deployment."

# Health transitions, which carry no request id: https://github.com/einaregilsson/beanstalk-deploy/issues/86,
# https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/health-enhanced-status.html
HEALTH_CHANGED = "Environment health has transitioned from {before} to {after}. {causes}"
APPLICATION_UPDATE_RUNNING = "Application update in progress (running for {seconds} seconds)."
# Basic health uses colours: `event.redtoyellowmessage` in ebcli/resources/strings.py
COLOUR_CHANGED = "Environment health has transitioned from {before} to {after}"

# Causes of enhanced health: https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environments-health-enhanced-notifications.html
WRONG_VERSION_ON_ALL = (
    'Incorrect application version on environment instances. Expected version "{label}" (deployment {deployment}).'
)
WRONG_VERSION_ON_INSTANCE = (
    'Incorrect application version "{label}" (deployment {deployment}). Expected version "{expected}" '
    "(deployment {expected_deployment})."
)
# https://github.com/meteor-up/mup-aws-beanstalk/issues/9
SEVERE_CAUSES = [
    "100.0 % of the requests are failing with HTTP 5xx.",
    "ELB processes are not healthy on all instances.",
    "ELB health is failing or not available for all instances.",
]
# https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/health-enhanced-status.html, "Warning (yellow)"
WARNING_CAUSES = ["Impaired services on 1 out of 5 instances."]

# A Cluster environment without traffic: "reports that the request rate is insufficient to determine health",
# https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/monitoring-cluster-environments.html; the words are those of an
# `eb deploy` of 2016 (search for "Insufficient request rate (6.0 requests/min)").
INSUFFICIENT_RATE = "Insufficient request rate (0.0 requests/min) to determine application health."

# https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/eb3-terminate.html
TERMINATION_STARTING = "terminateEnvironment is starting."
TERMINATION_COMPLETED = "terminateEnvironment completed successfully."


def invalid_parameter(message: str) -> AwsError:
    """InvalidParameterValue, Elastic Beanstalk's answer to most mistakes."""
    return AwsError(400, "InvalidParameterValue", message)


def no_environment(name: str) -> AwsError:
    """https://github.com/boto/boto/pull/3765"""
    return invalid_parameter(f"No Environment found for EnvironmentName = '{name}'.")


def no_environment_id(identifier: str) -> AwsError:
    """https://github.com/Securing-DevOps/invoicer-chapter2/issues/186"""
    return invalid_parameter(f"No Environment found for EnvironmentId = '{identifier}'.")


def no_application(name: str) -> AwsError:
    """https://github.com/einaregilsson/beanstalk-deploy/issues/63"""
    return invalid_parameter(f"No Application named '{name}' found.")


def application_exists(name: str) -> AwsError:
    """As moto words it (moto/elasticbeanstalk/models.py)"""
    return invalid_parameter(f"Application {name} already exists.")


def unknown_setting(namespace: str, option: str) -> AwsError:
    """https://github.com/pulumi/pulumi-aws/issues/3461"""
    message = (
        "Configuration validation exception: Invalid option specification "
        f"(Namespace: '{namespace}', OptionName: '{option}'): Unknown configuration setting."
    )
    return AwsError(400, "ConfigurationValidationException", message)


def no_version(label: str) -> AwsError:
    """https://github.com/einaregilsson/beanstalk-deploy/issues/58"""
    return invalid_parameter(f"No Application Version named '{label}' found.")


def version_exists(label: str) -> AwsError:
    """https://github.com/EvidentSolutions/gradle-beanstalk-plugin/issues/10"""
    return invalid_parameter(f"Application Version {label} already exists.")


def not_ready(name: str) -> AwsError:
    """https://github.com/meteor-up/mup-aws-beanstalk/issues/112"""
    return invalid_parameter(f"Environment named {name} is in an invalid state for this operation. Must be Ready.")


def nothing_to_abort(name: str) -> AwsError:
    """https://github.com/aws/aws-elastic-beanstalk-cli-setup/issues/144"""
    return invalid_parameter(
        f"Environment named {name} is in an invalid state for this operation. Must be pending deployment."
    )


def bundle_missing(bucket: str, key: str) -> AwsError:
    """https://github.com/hsingh/ansible-elastic-beanstalk/issues/40, its two spaces included"""
    return _bundle_unreadable(bucket, key, "Not Found")


def bundle_elsewhere(bucket: str, key: str, region: str) -> AwsError:
    """https://github.com/AWSinAction/code/issues/8"""
    reason = f"The bucket is in this region: {region}. Please use this region to retry the request"
    return _bundle_unreadable(bucket, key, reason)


def bundle_gone(bucket: str, key: str) -> AwsError:
    """A version whose bundle somebody has deleted: https://github.com/metabase/metabase/issues/6357"""
    reason = "The specified key does not exist. (Service: Amazon S3; Status Code: 404; Error Code: NoSuchKey; "
    return _bundle_unreadable(bucket, key, reason)


def unusable_version(status: str) -> AwsError:
    """What the service says when such a version is deployed was shown nowhere: no test may compare the words.

    They are those that describe the state in
    https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_ApplicationVersionDescription.html.
    """
    return invalid_parameter(
        "Elastic Beanstalk is currently processing the application version."
        if status == "PROCESSING"
        else "This application version isn't usable."
    )


def _bundle_unreadable(bucket: str, key: str, reason: str) -> AwsError:
    message = f"Unable to download from S3 location (Bucket: {bucket}  Key: {key}). Reason: {reason}"
    return AwsError(400, "InvalidParameterCombination", message)


def too_many_versions(limit: int) -> AwsError:
    """https://github.com/boto/boto3/issues/920"""
    message = (
        f"You cannot have more than {limit} Application Versions. Either remove some Application Versions or request "
        "a limit increase."
    )
    return AwsError(400, "TooManyApplicationVersionsException", message)


def version_and_settings() -> AwsError:
    """https://github.com/ingenieux/beanstalker/issues/8"""
    message = "You cannot update the application version and make configuration updates at the same time"
    return AwsError(400, "InvalidParameterCombination", message)


def operation_in_progress(label: str) -> AwsError:
    """https://github.com/ThoughtWorksStudios/eb_deployer/issues/28"""
    message = (
        f"Unable to delete application version: {label}. An operation is already in progress, please retry again "
        "shortly."
    )
    return AwsError(400, "OperationInProgressFailure", message)


def basic_health(operation: str) -> AwsError:
    """https://github.com/Upplication/gulp-elasticbeanstalk-deploy/issues/4,
    https://github.com/log-just/t2.autoscaling-beanstalk/issues/1"""
    return AwsError(400, "InvalidRequestException", f"{operation} is not supported.")
