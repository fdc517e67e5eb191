//! The `args` input: flags of `aws s3 sync`, as one would type them.
//!
//! Words are split as a POSIX shell does, quotes included; newlines are white space, nothing is expanded. Flags follow
//! argparse: `--flag value`, `--flag=value`, unambiguous prefixes, the last one wins. Must not open files: those that
//! flags name (`fileb://key`) come through a function.

pub(crate) mod flags;
pub(crate) mod values;

use crate::core::inputs::Verbosity;
use crate::core::inputs::args::flags::{Arity, FLAGS, Flag, Support};
use crate::core::inputs::args::values::Values;
use crate::core::secret::Secret;
use crate::core::site::filter::Rule;
use crate::core::site::object::{ChecksumAlgorithm, Encryption, Grant, ObjectHeaders, ObjectOptions, check_acl};
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
    no_progress: bool,
    quiet: bool,
    only_show_errors: bool,
    size_only: bool,
    exact_timestamps: bool,
    acl: Option<String>,
    grants: Vec<Grant>,
    sse: Option<Sse>,
    sse_kms_key_id: Option<String>,
    sse_c: bool,
    sse_c_key: Option<CustomerKey>,
    headers: ObjectHeaders,
    no_guess_mime_type: bool,
    request_payer: bool,
    checksum_algorithm: Option<ChecksumAlgorithm>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sse {
    Aes256,
    Kms,
}

#[derive(Debug, Clone)]
pub(crate) struct CustomerKey {
    key: Secret,
    md5: String,
}

/// Reads `args`; `read` gives the bytes of a file that a flag names, or says why it cannot.
///
/// # Errors
///
/// One text for each word that cannot be used; it names the flag. Nothing of a value that may be secret is in it.
pub(crate) fn parse(args: &str, read: &dyn Fn(&str) -> Result<Vec<u8>, String>) -> Result<SyncFlags, Vec<String>> {
    let words = shell_words::split(args).map_err(|_| vec!["`args`: a quote is not closed".to_owned()])?;
    if words.iter().any(|word| holds_aws_key(word)) {
        return Err(vec![
            "`args` holds AWS credentials: take them out, since inputs are printed in the log, and give the key up as \
             known; credentials belong into `role-to-assume`, or `aws-access-key-id` and `aws-secret-access-key`"
                .to_owned(),
        ]);
    }
    let mut flags = SyncFlags::default();
    let mut errors = Vec::new();
    let mut rest = words.iter().map(String::as_str).peekable();
    // The words after a flag that nobody knows may be its values.
    let mut after_unknown = false;
    while let Some(word) = rest.next() {
        if is_value(word) {
            if !after_unknown {
                errors.push(stray(word));
            }
            continue;
        }
        let (name, attached) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word, None),
        };
        let flag = match find(name) {
            Ok(flag) => flag,
            Err(error) => {
                after_unknown = true;
                errors.push(error);
                continue;
            }
        };
        after_unknown = false;
        let mut values: Vec<&str> = attached.into_iter().collect();
        let most = match flag.takes {
            Arity::Nothing => 0,
            Arity::One | Arity::Optional => 1,
            Arity::Many => usize::MAX,
        };
        while attached.is_none() && values.len() < most {
            match rest.next_if(|word| is_value(word)) {
                Some(value) => values.push(value),
                None => break,
            }
        }
        if let Err(error) = apply(flag, &values, read, &mut flags) {
            errors.push(format!("`args`: `--{}` {error}", flag.name));
        }
    }
    // A flag that could not be read would be missing here.
    if !errors.iter().any(|error| error.contains("`--sse")) {
        errors.extend(flags.encryption().err());
    }
    if let Some(name) = words.iter().find_map(|word| variable(word)) {
        flags.notices.push(format!(
            "`args`: `${name}` is taken as it stands, no shell expands it; an expression such as \
             `${{{{ env.NAME }}}}` does"
        ));
    }
    if errors.is_empty() { Ok(flags) } else { Err(errors) }
}

fn apply(
    flag: &Flag,
    values: &[&str],
    read: &dyn Fn(&str) -> Result<Vec<u8>, String>,
    flags: &mut SyncFlags,
) -> Result<(), String> {
    match flag.effect {
        Support::Refused(why) => return Err(why.to_owned()),
        Support::Noted(_) | Support::Set(_) => {}
    }
    match (flag.takes, values) {
        (Arity::Nothing, [_, ..]) => return Err("takes no value".to_owned()),
        (Arity::One | Arity::Many, []) => {
            return Err(format!(
                "needs a value; write `--{}=VALUE` when it begins with `-`",
                flag.name
            ));
        }
        _ => {}
    }
    match flag.effect {
        Support::Set(set) => set(flags, &Values { words: values, read }),
        Support::Noted(why) => {
            flags.notices.push(format!("`args`: `--{}` {why}", flag.name));
            Ok(())
        }
        Support::Refused(_) => Ok(()),
    }
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
            && let Err(error) = crate::core::site::headers::HeaderName::CacheControl.check(value)
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

    fn encryption(&self) -> Result<Encryption, String> {
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

/// The flag that `name`, dashes included, stands for: itself, or the only one that begins so.
fn find(name: &str) -> Result<&'static Flag, String> {
    let bare = name.strip_prefix("--").unwrap_or_default();
    if let Some(flag) = FLAGS.iter().find(|flag| flag.name == bare) {
        return Ok(flag);
    }
    let candidates: Vec<_> = FLAGS
        .iter()
        .filter(|flag| !bare.is_empty() && flag.name.starts_with(bare))
        .collect();
    match candidates.as_slice() {
        [one] => Ok(one),
        [] => Err(format!(
            "`args`: `{name}` is not a flag of `aws s3 sync` that this action knows; {}",
            closest(bare)
        )),
        many => {
            let names: Vec<_> = many.iter().map(|flag| format!("`--{}`", flag.name)).collect();
            Err(format!("`args`: `{name}` can stand for {}", names.join(", ")))
        }
    }
}

/// Advice for an unknown flag: the one it may be a misspelling of, or all.
fn closest(bare: &str) -> String {
    let usable = FLAGS.iter().filter(|flag| !matches!(flag.effect, Support::Refused(_)));
    let near = usable
        .clone()
        .map(|flag| (distance(bare, flag.name), flag.name))
        .min()
        .filter(|&(distance, _)| distance <= 2);
    match near {
        Some((_, name)) => format!("did you mean `--{name}`?"),
        None => {
            let names = usable
                .filter(|flag| matches!(flag.effect, Support::Set(_)))
                .map(|flag| format!("`--{}`", flag.name));
            format!("legal are {}", names.collect::<Vec<_>>().join(", "))
        }
    }
}

/// How many letters are to be added, dropped or changed.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, cb) in b.iter().enumerate() {
            let change = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// Whether argparse takes `word` for a value and not for a flag.
fn is_value(word: &str) -> bool {
    let name = word.split_once('=').map_or(word, |(name, _)| name);
    let flag = word.starts_with('-') && word.len() > 1 && word.parse::<f64>().is_err();
    !flag || (word.contains(' ') && find(name).is_err())
}

/// What to say of a word that belongs to no flag.
fn stray(word: &str) -> String {
    let advice = if word.starts_with("s3://") {
        "the destination is what `bucket` and `prefix` say"
    } else if word.starts_with('-') {
        "quotes belong around the value of a flag, not around the flag too"
    } else if word.chars().all(|c| c.is_ascii_punctuation()) {
        "`args` is not run by a shell"
    } else {
        "`args` takes flags only; the directory is what `source` says, and a value with spaces needs quotes"
    };
    format!("`args`: `{word}` belongs to no flag; {advice}")
}

/// Whether `word` names or is a part of AWS credentials.
fn holds_aws_key(word: &str) -> bool {
    let lower = word.to_ascii_lowercase().replace('-', "_");
    let named = ["aws_access_key", "aws_secret", "aws_session_token", "secret_access_key"];
    let id = |start: usize| {
        let id = word.as_bytes()[start..]
            .iter()
            .take_while(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        id.count() >= 16
    };
    named.iter().any(|name| lower.contains(name))
        || ["AKIA", "ASIA"]
            .iter()
            .any(|start| word.match_indices(start).any(|(at, _)| id(at)))
}

/// The shell variable that `word` refers to.
fn variable(word: &str) -> Option<&str> {
    let name = word.split('$').nth(1)?;
    let name = name.strip_prefix('{').unwrap_or(name);
    let end = name
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(name.len());
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        .then_some(&name[..end])
}

#[cfg(test)]
mod tests;
