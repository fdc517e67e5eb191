//! What the flags of `args` say together.

use crate::core::inputs::args::values::{CustomerKey, Sse};
use crate::core::site::filter::Rule;
use crate::core::site::headers::HeaderName;
use crate::core::site::headers::ObjectHeaders;
use crate::core::site::object::{ChecksumAlgorithm, Encryption, Grant, ObjectOptions, check_acl};
use crate::core::site::plan::Compare;

/// What `args` says.
#[derive(Debug, Clone, Default)]
pub(crate) struct SyncFlags {
    /// `--exclude` and `--include`, in order.
    pub(crate) filters: Vec<(Rule, String)>,
    /// `--delete`.
    pub(crate) delete: bool,
    /// `--dryrun`.
    pub(crate) dryrun: bool,
    /// `--no-overwrite`.
    pub(crate) no_overwrite: bool,
    /// `--no-follow-symlinks`, unless `--follow-symlinks` comes after it.
    pub(crate) no_follow_symlinks: bool,
    /// `--page-size`: keys a listing request, 1 to 1000.
    pub(crate) page_size: Option<i32>,
    /// `--endpoint-url`.
    pub(crate) endpoint_url: Option<String>,
    /// `--region`.
    pub(crate) region: Option<String>,
    /// Flags that are legal and have no effect here, and what else is worth saying.
    pub(crate) notices: Vec<String>,
    /// `--no-progress`.
    pub(crate) no_progress: bool,
    /// `--quiet`.
    pub(crate) quiet: bool,
    /// `--only-show-errors`.
    pub(crate) only_show_errors: bool,
    /// `--size-only`.
    pub(crate) size_only: bool,
    /// `--exact-timestamps`.
    pub(crate) exact_timestamps: bool,
    /// `--acl`.
    pub(crate) acl: Option<String>,
    /// `--grants`.
    pub(crate) grants: Vec<Grant>,
    /// `--sse`.
    pub(crate) sse: Option<Sse>,
    /// `--sse-kms-key-id`.
    pub(crate) sse_kms_key_id: Option<String>,
    /// `--sse-c`.
    pub(crate) sse_c: bool,
    /// `--sse-c-key`.
    pub(crate) sse_c_key: Option<CustomerKey>,
    /// `--cache-control`, `--content-type` and the like, and `--metadata`.
    pub(crate) headers: ObjectHeaders,
    /// `--no-guess-mime-type`.
    pub(crate) no_guess_mime_type: bool,
    /// `--request-payer`.
    pub(crate) request_payer: bool,
    /// `--checksum-algorithm`.
    pub(crate) checksum_algorithm: Option<ChecksumAlgorithm>,
}

/// What of the site's log is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Verbosity {
    /// A line for each changed object, and one every few seconds of long work.
    #[default]
    Changes,
    /// `--no-progress`: a line for each changed object.
    WithoutProgress,
    /// `--only-show-errors`: warnings and errors.
    ErrorsOnly,
    /// `--quiet`: nothing but the final error.
    Quiet,
}

impl SyncFlags {
    /// The rule that `--size-only` and `--exact-timestamps` choose; with both, aws-cli follows the latter.
    #[must_use]
    pub(crate) const fn compare(&self) -> Option<Compare> {
        match (self.exact_timestamps, self.size_only) {
            (true, _) => Some(Compare::Modified),
            (false, true) => Some(Compare::Size),
            (false, false) => None,
        }
    }

    /// What of the log `--quiet`, `--only-show-errors` and `--no-progress` leave; the quietest wins.
    #[must_use]
    pub(crate) const fn verbosity(&self) -> Verbosity {
        if self.quiet {
            Verbosity::Quiet
        } else if self.only_show_errors {
            Verbosity::ErrorsOnly
        } else if self.no_progress {
            Verbosity::WithoutProgress
        } else {
            Verbosity::Changes
        }
    }

    /// What every object is sent with: these flags together with the inputs `acl` and `cache-control`.
    ///
    /// # Errors
    ///
    /// One text for each contradiction and each illegal input.
    pub(crate) fn object_options(
        &self,
        acl: Option<&str>,
        cache_control: Option<&str>,
    ) -> Result<ObjectOptions, Vec<String>> {
        let mut errors = Vec::new();
        if let Some(Err(error)) = acl.map(check_acl) {
            errors.push(format!("`acl`: {error}"));
        }
        let mut one_of = |input: &str, value: Option<String>, flag: &Option<String>| {
            if let (Some(value), Some(flag)) = (&value, flag)
                && value != flag
            {
                errors.push(format!(
                    "`{input}` is `{value}`, and `--{input}` in `args` is `{flag}`; give one of them"
                ));
            }
            value.or_else(|| flag.clone())
        };
        let chosen_acl = one_of("acl", acl.map(str::to_owned), &self.acl);
        let mut headers = self.headers.clone();
        headers.cache_control = one_of(
            "cache-control",
            cache_control.map(str::to_owned),
            &headers.cache_control,
        );
        if let Some(value) = cache_control
            && let Err(error) = HeaderName::CacheControl.check(value)
        {
            errors.push(format!("`cache-control`: {error}"));
        }
        if chosen_acl.is_some() && !self.grants.is_empty() {
            errors.push("a canned ACL and `--grants` exclude each other; S3 takes one of them".to_owned());
        }
        let encryption = self.encryption().unwrap_or_else(|error| {
            errors.push(error);
            Encryption::default()
        });
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(ObjectOptions {
            acl: chosen_acl,
            grants: self.grants.clone(),
            encryption,
            request_payer: self.request_payer,
            checksum_algorithm: self.checksum_algorithm,
            guess_content_type: !self.no_guess_mime_type,
            headers,
        })
    }

    /// `--sse`, `--sse-kms-key-id`, `--sse-c` and `--sse-c-key` together.
    ///
    /// # Errors
    ///
    /// They contradict each other, or one lacks another.
    pub(crate) fn encryption(&self) -> Result<Encryption, String> {
        let kms = self.sse == Some(Sse::Kms);
        match (&self.sse, self.sse_c, &self.sse_c_key) {
            (Some(_), true, _) | (Some(_), _, Some(_)) => {
                Err("`args`: `--sse` and `--sse-c` exclude each other".to_owned())
            }
            _ if self.sse_kms_key_id.is_some() && !kms => {
                Err("`args`: `--sse-kms-key-id` needs `--sse aws:kms`".to_owned())
            }
            (None, true, None) => Err("`args`: `--sse-c` needs `--sse-c-key`".to_owned()),
            (None, false, Some(_)) => Err("`args`: `--sse-c-key` needs `--sse-c`".to_owned()),
            (None, true, Some(CustomerKey { key, md5 })) => Ok(Encryption::CustomerKey {
                key: key.clone(),
                key_md5: md5.clone(),
            }),
            (Some(Sse::Aes256), false, None) => Ok(Encryption::Aes256),
            (Some(Sse::Kms), false, None) => Ok(Encryption::Kms {
                key_id: self.sse_kms_key_id.clone(),
            }),
            (None, false, None) => Ok(Encryption::BucketDefault),
        }
    }
}
