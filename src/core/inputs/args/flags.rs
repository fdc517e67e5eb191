//! The table of flags: every flag that `aws s3 sync` takes, and what becomes of it here.

use crate::core::inputs::args::sync_flags::SyncFlags;
use crate::core::inputs::args::values::Values;
use crate::core::site::filter::Rule;
use crate::core::site::headers::HeaderName;

/// One flag.
pub(crate) struct Flag {
    /// Its name without dashes.
    pub(crate) name: &'static str,
    /// How many values follow it.
    pub(crate) arity: Arity,
    /// What it does.
    pub(crate) support: Support,
}

/// How many values a flag takes.
#[derive(Clone, Copy)]
pub(crate) enum Arity {
    /// None.
    Nothing,
    /// One.
    One,
    /// None or one.
    Optional,
    /// One or more.
    Many,
}

/// What becomes of a flag.
#[derive(Clone, Copy)]
pub(crate) enum Support {
    /// It does what it does in aws-cli.
    Applied(fn(&mut SyncFlags, &Values<'_>) -> Result<(), String>),
    /// It is accepted, and a notice says this of it.
    Ignored(&'static str),
    /// It is an error that says this.
    Rejected(&'static str),
}

use Arity::{Many, Nothing, One, Optional};
use HeaderName::{
    CacheControl, ContentDisposition, ContentEncoding, ContentLanguage, ContentType, Expires, StorageClass,
    WebsiteRedirect,
};
use Support::{Applied, Ignored, Rejected};

const fn flag(name: &'static str, arity: Arity, support: Support) -> Flag {
    Flag { name, arity, support }
}

const FOR_COPIES: &str = "has no effect: it is for copies from S3 to S3";
const FOR_DOWNLOADS: &str = "has no effect: it is for downloads";
const FOR_TERMINALS: &str = "has no effect: the log of a workflow always looks the same";
const ROLE: &str = "is not supported: credentials come from the job's environment, `role-to-assume`, or `aws-access-key-id` \
                    and `aws-secret-access-key`";

/// All flags of [`aws s3 sync`], its global options included.
///
/// [`aws s3 sync`]: https://docs.aws.amazon.com/cli/latest/reference/s3/sync.html
pub(crate) const FLAGS: &[Flag] = &[
    flag(
        "acl",
        One,
        Applied(|flags, values| put(&mut flags.acl, Some(values.acl()?))),
    ),
    flag(
        "cache-control",
        One,
        Applied(|flags, values| flags.header(&CacheControl, values)),
    ),
    flag(
        "checksum-algorithm",
        One,
        Applied(|flags, values| put(&mut flags.checksum_algorithm, Some(values.checksum_algorithm()?))),
    ),
    flag(
        "content-disposition",
        One,
        Applied(|flags, values| flags.header(&ContentDisposition, values)),
    ),
    flag(
        "content-encoding",
        One,
        Applied(|flags, values| flags.header(&ContentEncoding, values)),
    ),
    flag(
        "content-language",
        One,
        Applied(|flags, values| flags.header(&ContentLanguage, values)),
    ),
    flag(
        "content-type",
        One,
        Applied(|flags, values| flags.header(&ContentType, values)),
    ),
    flag("delete", Nothing, Applied(|flags, _| put(&mut flags.delete, true))),
    flag("dryrun", Nothing, Applied(|flags, _| put(&mut flags.dryrun, true))),
    flag(
        "endpoint-url",
        One,
        Applied(|flags, values| put(&mut flags.endpoint_url, Some(values.present()?))),
    ),
    flag(
        "exact-timestamps",
        Nothing,
        Applied(|flags, _| put(&mut flags.exact_timestamps, true)),
    ),
    flag(
        "exclude",
        One,
        Applied(|flags, values| flags.filter(Rule::Exclude, values)),
    ),
    flag("expires", One, Applied(|flags, values| flags.header(&Expires, values))),
    flag(
        "follow-symlinks",
        Nothing,
        Applied(|flags, _| put(&mut flags.no_follow_symlinks, false)),
    ),
    flag(
        "grants",
        Many,
        Applied(|flags, values| put(&mut flags.grants, values.grants()?)),
    ),
    flag(
        "include",
        One,
        Applied(|flags, values| flags.filter(Rule::Include, values)),
    ),
    flag(
        "metadata",
        One,
        Applied(|flags, values| put(&mut flags.headers.metadata, values.metadata()?)),
    ),
    flag(
        "no-follow-symlinks",
        Nothing,
        Applied(|flags, _| put(&mut flags.no_follow_symlinks, true)),
    ),
    flag(
        "no-guess-mime-type",
        Nothing,
        Applied(|flags, _| put(&mut flags.no_guess_mime_type, true)),
    ),
    flag(
        "no-overwrite",
        Nothing,
        Applied(|flags, _| put(&mut flags.no_overwrite, true)),
    ),
    flag(
        "no-progress",
        Nothing,
        Applied(|flags, _| put(&mut flags.no_progress, true)),
    ),
    flag(
        "only-show-errors",
        Nothing,
        Applied(|flags, _| put(&mut flags.only_show_errors, true)),
    ),
    flag(
        "page-size",
        One,
        Applied(|flags, values| put(&mut flags.page_size, Some(values.page_size()?))),
    ),
    flag("quiet", Nothing, Applied(|flags, _| put(&mut flags.quiet, true))),
    flag(
        "region",
        One,
        Applied(|flags, values| put(&mut flags.region, Some(values.present()?))),
    ),
    flag(
        "request-payer",
        Optional,
        Applied(|flags, values| put(&mut flags.request_payer, values.one_of(&["requester"]).map(|_| true)?)),
    ),
    flag(
        "size-only",
        Nothing,
        Applied(|flags, _| put(&mut flags.size_only, true)),
    ),
    flag(
        "sse",
        Optional,
        Applied(|flags, values| put(&mut flags.sse, Some(values.sse()?))),
    ),
    flag(
        "sse-c",
        Optional,
        Applied(|flags, values| put(&mut flags.sse_c, values.one_of(&["AES256"]).map(|_| true)?)),
    ),
    flag(
        "sse-c-key",
        One,
        Applied(|flags, values| put(&mut flags.sse_c_key, Some(values.customer_key()?))),
    ),
    flag(
        "sse-kms-key-id",
        One,
        Applied(|flags, values| put(&mut flags.sse_kms_key_id, Some(values.present()?))),
    ),
    flag(
        "storage-class",
        One,
        Applied(|flags, values| flags.header(&StorageClass, values)),
    ),
    flag(
        "website-redirect",
        One,
        Applied(|flags, values| flags.header(&WebsiteRedirect, values)),
    ),
    // Accepted without an effect.
    flag("case-conflict", One, Ignored(FOR_DOWNLOADS)),
    flag(
        "cli-connect-timeout",
        One,
        Ignored("has no effect: the action has its own timeouts"),
    ),
    flag(
        "cli-read-timeout",
        One,
        Ignored("has no effect: the action has its own timeouts"),
    ),
    flag("color", One, Ignored(FOR_TERMINALS)),
    flag("copy-props", One, Ignored(FOR_COPIES)),
    flag(
        "debug",
        Nothing,
        Ignored("has no effect: the secret `ACTIONS_STEP_DEBUG` turns debug logging on"),
    ),
    flag("force-glacier-transfer", Nothing, Ignored(FOR_DOWNLOADS)),
    flag("ignore-glacier-warnings", Nothing, Ignored(FOR_DOWNLOADS)),
    flag("metadata-directive", One, Ignored(FOR_COPIES)),
    flag("no-cli-auto-prompt", Nothing, Ignored(FOR_TERMINALS)),
    flag("no-cli-pager", Nothing, Ignored(FOR_TERMINALS)),
    flag("output", One, Ignored(FOR_TERMINALS)),
    flag("progress-frequency", One, Ignored(FOR_TERMINALS)),
    flag("progress-multiline", Nothing, Ignored(FOR_TERMINALS)),
    flag("source-region", One, Ignored(FOR_COPIES)),
    // What would change the outcome, and cannot be done here.
    flag(
        "ca-bundle",
        One,
        Rejected("is not supported: the machine's certificates are trusted, and those of `AWS_CA_BUNDLE`"),
    ),
    flag("checksum-mode", One, Rejected("is for downloads")),
    flag(
        "cli-auto-prompt",
        Nothing,
        Rejected("is interactive and cannot be used in a workflow"),
    ),
    flag(
        "no-paginate",
        Nothing,
        Rejected("is not supported: a sync needs the whole listing"),
    ),
    flag("no-sign-request", Nothing, Rejected(ROLE)),
    flag(
        "no-verify-ssl",
        Nothing,
        Rejected("is not supported: TLS certificates are always verified"),
    ),
    flag("profile", One, Rejected(ROLE)),
    flag(
        "query",
        One,
        Rejected("is not supported: the outputs and the report file hold what there is to query"),
    ),
    flag(
        "recursive",
        Nothing,
        Rejected("is not a flag of `aws s3 sync`, which always includes all directories: omit it"),
    ),
    flag("sse-c-copy-source", Optional, Rejected("is for copies from S3 to S3")),
    flag("sse-c-copy-source-key", One, Rejected("is for copies from S3 to S3")),
    flag(
        "version",
        Nothing,
        Rejected("is not supported: the log of the run names the version"),
    ),
];

#[expect(clippy::unnecessary_wraps, reason = "what the table's functions answer")]
fn put<T>(field: &mut T, value: T) -> Result<(), String> {
    *field = value;
    Ok(())
}

impl SyncFlags {
    #[expect(clippy::unnecessary_wraps, reason = "what the table's functions answer")]
    fn filter(&mut self, rule: Rule, values: &Values<'_>) -> Result<(), String> {
        self.filters.push((rule, values.first().to_owned()));
        Ok(())
    }

    /// Sets a header for every object; an empty value sends none, as in aws-cli.
    fn header(&mut self, name: &HeaderName, values: &Values<'_>) -> Result<(), String> {
        let value = match name {
            // An address may well begin with `file://`: aws-cli opens no file here.
            WebsiteRedirect => values.first().to_owned(),
            _ => values.text()?,
        };
        let value = if value.is_empty() {
            None
        } else {
            Some(name.check(&value).map_err(|error| format!("is wrong: {error}"))?)
        };
        self.headers.set(name, value);
        Ok(())
    }
}
