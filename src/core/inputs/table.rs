//! The one table of all inputs: what they are called, where they belong, and what is said about them.
//!
//! `action.yml`, `docs/inputs.md` and the README's tables are generated from it (`UPDATE_DOCS=1 cargo test --test
//! integration contract`).

/// Which part of the run an input belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Every run.
    All,
    /// The site part, enabled by `bucket`.
    Site,
    /// The cdn part, enabled by `distribution`.
    Cdn,
    /// The backend part, enabled by `application-name`.
    Backend,
    /// Site or backend.
    SiteOrBackend,
}

impl Part {
    /// The inputs of which one must be set for this part to be on.
    #[must_use]
    pub(crate) const fn enabled_by(self) -> &'static [&'static str] {
        match self {
            Self::All => &[],
            Self::Site => &["bucket"],
            Self::Cdn => &["distribution"],
            Self::Backend => &["application-name"],
            Self::SiteOrBackend => &["bucket", "application-name"],
        }
    }
}

/// Where the documentation lists an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// The six that most people need.
    Parts,
    /// What to do.
    Run,
    /// Credentials and region.
    Aws,
    /// The site.
    Site,
    /// CloudFront.
    Cdn,
    /// Elastic Beanstalk.
    Backend,
    /// Rollback, records, GitHub.
    Release,
}

/// An input of the action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputSpec {
    /// Its name in `with:`.
    pub name: &'static str,
    /// Its flag on a command line, such as `--bucket`.
    pub(crate) flag: &'static str,
    /// Where it belongs.
    pub part: Part,
    /// Where it is listed.
    pub section: Section,
    /// What stands for its value, such as `NAME`.
    pub placeholder: &'static str,
    /// Its default as Markdown; empty when there is none, or the description says it.
    pub default: &'static str,
    /// What it means, as Markdown: whole sentences.
    pub description: &'static str,
}

/// An older name of an input, accepted so that a step can be swapped without renaming.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alias {
    /// The older name.
    pub name: &'static str,
    /// What it is called here; `None` for an input of its own that has no other name.
    pub replaced_by: Option<&'static str>,
    /// What it means; empty for one that is replaced.
    pub description: &'static str,
    /// What to do instead; empty for one that is replaced.
    pub instead: &'static str,
}

macro_rules! specs {
    ($($section:ident { $($name:literal $part:ident $placeholder:literal = $default:literal: $description:literal;)* })*) => {
        /// All inputs, in the order of the documentation.
        pub const INPUTS: &[InputSpec] = &[$($(InputSpec {
            name: $name,
            flag: concat!("--", $name),
            part: Part::$part,
            section: Section::$section,
            placeholder: $placeholder,
            default: $default,
            description: $description,
        }),*),*];
    };
}

specs! {
    Parts {
        "bucket" Site "NAME" = "":
            "Enables the site part: the S3 bucket to sync `source` to. A general purpose bucket; directory buckets are not supported.";
        "source" Site "DIRECTORY" = "`.`":
            "The directory to sync, relative to the workspace. Secrets in its root (`.env`, `*.pem`, `id_rsa`, `.npmrc` with a token, `.aws/`, `terraform.tfstate`) stop the run unless a pattern excludes or includes them.";
        "distribution" Cdn "IDS" = "":
            "Enables the cdn part: one or several CloudFront distribution IDs, separated by white space.";
        "application-name" Backend "NAME" = "":
            "Enables the backend part: the Elastic Beanstalk application.";
        "environment-name" Backend "NAMES" = "":
            "One or several Elastic Beanstalk environments to deploy to, separated by white space. None: only create the version.";
        "package" Backend "PATH" = "":
            "What to deploy: a directory to bundle, a ready `.zip`, `.war` or `.jar`, or a lone `Dockerrun.aws.json` or `docker-compose.yml`. None: the version named by `version-label` must exist already.";
    }
    Run {
        "command" All "COMMAND" = "`deploy`":
            "`deploy`, `rollback` (take site and backend back to an earlier release, see `to`) or `check` (read-only: what would fail, what is missing, and an IAM policy for these inputs).";
        "dry-run" All "BOOLEAN" = "`false`":
            "`true`: make the whole plan, print and report it, and change nothing.";
    }
    Aws {
        "aws-region" All "REGION" = "`AWS_REGION`, then `AWS_DEFAULT_REGION`":
            "The AWS Region. Required for the backend; the bucket's region is detected automatically.";
        "role-to-assume" All "ARN" = "":
            "ARN of an IAM role. It is assumed with the job's OIDC token when the job has one (`permissions: id-token: write`) and no keys are given as inputs, else with the keys (role chaining, one hour at most).";
        "role-session-name" All "NAME" = "`GitHubActions`":
            "Session name of the assumed role.";
        "role-duration-seconds" All "SECONDS" = "`3600`":
            "Lifetime of the role's credentials, 900 to 43200 seconds; 3600 at most when chained. They are renewed when a run takes longer.";
        "role-audience" All "NAME" = "`sts.amazonaws.com`":
            "Audience of the OIDC token.";
        "role-external-id" All "ID" = "":
            "External ID that the role's trust policy asks for. It is sent when keys assume the role; with the OIDC token it has no effect.";
        "inline-session-policy" All "JSON" = "":
            "An IAM policy as JSON, at most 2,048 characters: the session may do only what both it and the role's policies allow.";
        "role-skip-session-tagging" All "BOOLEAN" = "`false`":
            "`true`: do not tag the session. Keys that assume a role tag it with repository, workflow, actor, commit and branch, as aws-actions/configure-aws-credentials does, which takes `sts:TagSession`.";
        "allowed-account-ids" All "IDS" = "any account":
            "AWS account IDs, separated by white space or commas: the run stops when the credentials belong to another account. Where it is one account, every bucket must belong to it too.";
        "aws-access-key-id" All "ID" = "the AWS SDK's credential chain (environment, profile, container, …)":
            "The access key ID.";
        "aws-secret-access-key" All "KEY" = "":
            "The secret access key that belongs to `aws-access-key-id`.";
        "aws-session-token" All "TOKEN" = "":
            "The session token that belongs to `aws-access-key-id`, for temporary keys. One in the environment is never mixed with keys given here.";
        "endpoint-url" Site "URL" = "AWS":
            "URL of an S3-compatible store, for S3 only.";
    }
    Site {
        "prefix" Site "PREFIX" = "none, the bucket's root":
            "Key prefix inside the bucket.";
        "exclude" Site "PATTERNS" = "":
            "Patterns of files and keys to leave alone, one per line, as for `aws s3 sync --exclude`. All excludes come before all includes; the last pattern that matches decides.";
        "include" Site "PATTERNS" = "":
            "Patterns of files and keys to re-include, one per line, as for `aws s3 sync --include`.";
        "args" Site "FLAGS" = "":
            "Flags of `aws s3 sync` as you would type them, quotes included, such as `--acl public-read --exclude '*' --include 'index.html'`. They come after `exclude` and `include`.";
        "acl" Site "ACL" = "none is sent":
            "Canned ACL of every object: `private`, `public-read`, `public-read-write`, `authenticated-read`, `aws-exec-read`, `bucket-owner-read` or `bucket-owner-full-control`.";
        "cache-control" Site "VALUE" = "":
            "The `Cache-Control` header of every object.";
        "headers" Site "LINES" = "":
            "Headers by pattern, one `PATTERN Header-Name: value` per line. Later lines win, a pattern with spaces stands in quotes, an empty value removes the header. `Content-Type`, `Cache-Control`, `Content-Encoding`, `Content-Disposition`, `Content-Language`, `Expires`, `x-amz-meta-*`, `x-amz-website-redirect-location`, `x-amz-storage-class`.";
        "delete" Site "BOOLEAN" = "`false`":
            "`true`: delete keys under `prefix` that are not in `source`. Excluded keys are never deleted.";
        "delete-after" Site "LINES" = "delete at once":
            "How long keys stay that are gone from `source`, one `PATTERN DURATION` per line, such as `assets/* 14d` (`h`, `d` or `w`): pages that are still open ask for them. Later lines win, a pattern with spaces stands in quotes; keys that no line matches are deleted at once. Needs `delete: true`.";
        "max-delete" Site "LIMIT" = "`50%`":
            "The most objects one run may delete: a number, or a percentage of the objects that the step manages under `prefix`, new ones included (not excluded keys, release records, bundles and old assets that stay). Up to 20 deletions are always allowed; deleting everything never is.";
        "compare" Site "RULE" = "`content`":
            "How files are compared with objects: `content` (size, then MD5 against the ETag), `modified` (the size-and-time rule of `aws s3 sync`) or `size` (it reads no file, so one that cannot be read shows when it is uploaded).";
        "verify-site" Site "LINES" = "":
            "What the site must answer once it is live, one `URL [STATUS] [contains TEXT]` per line (any 2xx without a status; redirects are followed unless a 3xx is asked for). Asked after the invalidation, until all have answered so once or `verify-timeout` ends; a failure counts as a failed deployment.";
        "force" SiteOrBackend "BOOLEAN" = "`false`":
            "`true`: upload every file, and deploy the bundle even when it is what runs already.";
        "force-headers" Site "BOOLEAN" = "`false`":
            "`true`: look at every object, and where its headers or its ACL are not what an upload would send, repair them in place.";
    }
    Cdn {
        "paths" Cdn "PATHS" = "what this run changed":
            "Paths to invalidate instead of what this run changed, separated by white space; they are invalidated even when nothing changed. Needed when no bucket is set.";
        "paths-from" Cdn "FILE" = "":
            "A file with paths to invalidate, as in `paths`, also instead of what this run changed; separated by white space or newlines. A missing file is an error; an empty one means nothing to do.";
        "wait-for-invalidation" Cdn "BOOLEAN" = "`false`":
            "`true`: wait until the invalidation is `Completed`.";
        "invalidation-timeout" Cdn "SECONDS" = "`600`":
            "How long to wait for the invalidation at most, in seconds.";
        "invalidation-failure" Cdn "ACTION" = "`fail`":
            "`fail`, or `warn`: a failed invalidation is only a warning, and the next run retries it.";
    }
    Backend {
        "package-ignore-file" Backend "FILE" = "`.ebignore` where there is one; without one, everything except `.git/` is included":
            "A file in gitignore syntax that says what stays out of the bundle: a name, read in every directory, or the path of one file. An `.ebignore` at the top means what `eb deploy` makes of it.";
        "package-exclude" Backend "PATTERNS" = "":
            "Further gitignore patterns of what stays out of the bundle, one per line.";
        "version-label" Backend "LABEL" = "`{repo}-{timestamp}`":
            "Label of the application version, at most 100 characters. Placeholders: `{timestamp}` (as `2021-01-03T12-34-56-789Z`, UTC), `{sha}`, `{short-sha}`, `{ref}`, `{repo}`, `{run-id}`, `{run-number}`, `{run-attempt}`.";
        "version-description" Backend "TEXT" = "the commit's subject, or its ID":
            "Description of the application version, with the same placeholders; cut at 200 characters.";
        "package-bucket" Backend "NAME" = "Elastic Beanstalk's own (`CreateStorageLocation`)":
            "The bucket for the bundle.";
        "option-settings" Backend "JSON" = "":
            "Option settings to send with the update: a JSON array of `{\"Namespace\": …, \"OptionName\": …, \"Value\": …}`, or the path of a file that holds one.";
        "wait-for-deployment" Backend "BOOLEAN" = "`true`":
            "`false`: do not wait for the environments.";
        "deployment-timeout" Backend "SECONDS" = "`1800`":
            "How long a deployment may take, in seconds: from waiting until an environment is Ready to its being healthy on the new version.";
        "when-busy" Backend "ACTION" = "`wait`":
            "What to do with an environment that is not Ready: `wait`, `abort` its running update, or `fail`.";
        "accepted-health" Backend "COLORS" = "`Green`":
            "Health colors that count as healthy, separated by white space: `Green`, `Yellow`, `Red`, `Grey`.";
        "recovery-seconds" Backend "SECONDS" = "`60`":
            "How long a finished update may take to become healthy, in seconds.";
        "poll-interval" Backend "SECONDS" = "adaptive, from 1 to 15":
            "Seconds between polls of an environment, 1 to 600.";
        "on-failure" SiteOrBackend "ACTION" = "`keep`":
            "`keep` everything as a failed deployment left it, or `rollback`: whatever failed after something changed, site and environments go back to what was live when the run began.";
        "log-tail" Backend "BOOLEAN" = "`true`":
            "`false`: no log lines of instances are fetched or shown when a deployment fails.";
        "verify-url" Backend "URL" = "":
            "An address to GET once the backend is healthy and before the site changes; anything but a 2xx answer within `verify-timeout` is a failed deployment.";
        "verify-contains" Backend "TEXT" = "":
            "Text that the response of `verify-url` must contain.";
        "verify-timeout" SiteOrBackend "SECONDS" = "`120`":
            "How long to wait for the expected response, in seconds.";
        "keep-versions" Backend "NUMBER" = "keep all":
            "Delete the oldest application versions and their bundles beyond this many; never one that runs anywhere, that the last ten releases of any environment deployed or replaced, or that this run replaced; nothing when the release records cannot be read.";
    }
    Release {
        "to" SiteOrBackend "RELEASE" = "`previous`":
            "For `command: rollback`: a release ID, a version label, a commit (7 characters or more), a time (`2026-11-20T10:00`, UTC unless an offset is given: the newest succeeded release that is not younger), `run:ID` (what stood before the releases of that workflow run: all of them are taken back), or `previous`.";
        "history" All "S3URL" = "`.aws-web-deploy/` in the site's bucket and in the bundle's":
            "Where release records live, `s3://bucket/prefix`.";
        "site-url" SiteOrBackend "URL" = "":
            "The address of what is deployed, may hold `{short-sha}`: an output, a link in the summary, and the URL of the GitHub Deployment; `check` asks it.";
        "github-environment" All "NAME" = "":
            "Write a GitHub Deployment with statuses and URL for this environment (`permissions: deployments: write`).";
        "github-token" All "TOKEN" = "`${{ github.token }}`":
            "Token for GitHub's API.";
    }
}

/// The inputs of [beanstalk-deploy] that are accepted under their own names.
///
/// [beanstalk-deploy]: https://github.com/einaregilsson/beanstalk-deploy
pub const ALIASES: &[Alias] = &[
    alias("aws_access_key", "aws-access-key-id"),
    alias("aws_secret_key", "aws-secret-access-key"),
    alias("aws_session_token", "aws-session-token"),
    alias("region", "aws-region"),
    alias("application_name", "application-name"),
    alias("environment_name", "environment-name"),
    alias("version_label", "version-label"),
    alias("version_description", "version-description"),
    alias("deployment_package", "package"),
    alias("existing_bucket_name", "package-bucket"),
    Alias {
        name: "use_existing_version_if_available",
        replaced_by: None,
        description: "`true`: when the version exists already, deploy it instead of the package, whatever is in it. \
                      Default: `false`.",
        instead: "A version with the same bundle is reused anyway; leave `package` empty to deploy an existing version.",
    },
    alias("wait_for_deployment", "wait-for-deployment"),
    alias("wait_for_environment_recovery", "recovery-seconds"),
    Alias {
        name: "max_backoff_retries",
        replaced_by: None,
        description: "Accepted and not needed: throttled calls are retried until `deployment-timeout`.",
        instead: "Remove it: throttled calls are retried until `deployment-timeout`.",
    },
];

/// The environment variables of [s3-sync-action] and [invalidate-cloudfront-action].
///
/// [s3-sync-action]: https://github.com/jakejarvis/s3-sync-action
/// [invalidate-cloudfront-action]: https://github.com/chetan/invalidate-cloudfront-action
pub const OLD_ENVIRONMENT: &[Alias] = &[
    alias("AWS_S3_BUCKET", "bucket"),
    alias("SOURCE_DIR", "source"),
    alias("DEST_DIR", "prefix"),
    alias("AWS_S3_ENDPOINT", "endpoint-url"),
    alias("DISTRIBUTION", "distribution"),
    alias("PATHS", "paths"),
    alias("PATHS_FROM", "paths-from"),
];

/// Names that other actions and guides use, and that people write here: each is an error that names the input.
pub const MISTAKEN: &[Alias] = &[
    alias("aws_s3_bucket", "bucket"),
    alias("source_dir", "source"),
    alias("dest_dir", "prefix"),
    alias("aws_s3_endpoint", "endpoint-url"),
    alias("distribution_id", "distribution"),
    alias("paths_from", "paths-from"),
    alias("zip_file", "package"),
];

const fn alias(name: &'static str, replaced_by: &'static str) -> Alias {
    Alias {
        name,
        replaced_by: Some(replaced_by),
        description: "",
        instead: "",
    }
}

/// Whether the value of the input `name` must never be shown.
#[must_use]
pub(crate) fn is_secret(name: &str) -> bool {
    matches!(
        name,
        "aws-access-key-id" | "aws-secret-access-key" | "aws-session-token" | "github-token"
    )
}

/// The environment variable in which `action.yml` hands over the input `name`.
///
/// Names with `_` are the accepted older ones; some differ from a newer name by that alone.
#[must_use]
pub fn variable(name: &str) -> String {
    let prefix = if name.contains('_') { "AWD_OLD_" } else { "AWD_" };
    format!("{prefix}{}", name.replace('-', "_").to_uppercase())
}
