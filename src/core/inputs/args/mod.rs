//! The `args` input: flags of `aws s3 sync`, as one would type them.
//!
//! Words are split as a POSIX shell does, quotes included; newlines are white space; variables are expanded before. Flags follow
//! argparse: `--flag value`, `--flag=value`, unambiguous prefixes, the last one wins. Must not open files: those that
//! flags name (`fileb://key`) come through a function.

pub(crate) mod flags;
pub(crate) mod sync_flags;
pub(crate) mod values;

use crate::core::inputs::args::flags::{Arity, FLAGS, Flag, Support};
use crate::core::inputs::args::sync_flags::SyncFlags;
use crate::core::inputs::args::values::{Values, may_be_customer_key};
use crate::core::inputs::distance::distance;
use crate::core::secret::shown_text;

/// Reads `args`; `read` gives the bytes of a file that a flag names, or says why it cannot.
///
/// # Errors
///
/// One text for each wrong word; it names the flag. Nothing of a value that may be secret is in it.
pub(crate) fn parse(args: &str, read: &dyn Fn(&str) -> Result<Vec<u8>, String>) -> Result<SyncFlags, Vec<String>> {
    let words = shell_words::split(args).map_err(|_| vec!["`args`: a quote is not closed".to_owned()])?;
    if words.iter().any(|word| holds_aws_key(word)) {
        return Err(vec![
            "`args` holds AWS credentials. Remove them: inputs are printed in the log. Treat the key as leaked and \
             rotate it. Credentials belong in `role-to-assume`, or in `aws-access-key-id` and \
             `aws-secret-access-key`."
                .to_owned(),
        ]);
    }
    let mut flags = SyncFlags::default();
    let mut errors = Vec::new();
    let mut rest = words.iter().map(String::as_str).peekable();
    // The words after a flag that nobody knows may be its values.
    let mut after_unknown = false;
    let mut last_flag = None;
    let mut encryption_unread = false;
    while let Some(word) = rest.next() {
        if is_value(word) {
            if !after_unknown {
                errors.push(stray(word, last_flag));
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
        last_flag = Some(flag.name);
        let mut values: Vec<&str> = attached.into_iter().collect();
        let most = match flag.arity {
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
            encryption_unread |= flag.name.starts_with("sse");
            errors.push(format!("`args`: `--{}` {error}", flag.name));
        }
    }
    // A flag that could not be read would be missing here.
    if !encryption_unread {
        errors.extend(flags.encryption().err());
    }
    if errors.is_empty() { Ok(flags) } else { Err(errors) }
}

fn apply(
    flag: &Flag,
    values: &[&str],
    read: &dyn Fn(&str) -> Result<Vec<u8>, String>,
    flags: &mut SyncFlags,
) -> Result<(), String> {
    match flag.support {
        Support::Rejected(why) => return Err(why.to_owned()),
        Support::Ignored(_) | Support::Applied(_) => {}
    }
    match (flag.arity, values) {
        (Arity::Nothing, [_, ..]) => return Err("takes no value".to_owned()),
        (Arity::One | Arity::Many, []) => {
            return Err(format!(
                "needs a value; write `--{}=VALUE` when it begins with `-`",
                flag.name
            ));
        }
        _ => {}
    }
    match flag.support {
        Support::Applied(set) => set(flags, &Values { words: values, read }),
        Support::Ignored(why) => {
            flags.notices.push(format!("`args`: `--{}` {why}", flag.name));
            Ok(())
        }
        Support::Rejected(_) => Ok(()),
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
        [flag] => Ok(flag),
        [] => Err(format!(
            "`args`: `{}` is not a flag of `aws s3 sync` that this action knows; {}",
            shown_text(name),
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
    let usable = FLAGS
        .iter()
        .filter(|flag| !matches!(flag.support, Support::Rejected(_)));
    let near = usable
        .clone()
        .map(|flag| (distance(bare, flag.name), flag.name))
        .min()
        .filter(|&(distance, _)| distance <= 2);
    match near {
        Some((_, name)) => format!("did you mean `--{name}`?"),
        None => {
            let names = usable
                .filter(|flag| matches!(flag.support, Support::Applied(_)))
                .map(|flag| format!("`--{}`", flag.name));
            format!("valid flags: {}", names.collect::<Vec<_>>().join(", "))
        }
    }
}

/// Whether argparse takes `word` for a value and not for a flag.
fn is_value(word: &str) -> bool {
    let name = word.split_once('=').map_or(word, |(name, _)| name);
    let flag = word.starts_with('-') && word.len() > 1 && word.parse::<f64>().is_err();
    !flag || (word.contains(' ') && find(name).is_err())
}

/// The error for an argument that is neither a flag nor a value of one; it may be a key that lost its flag.
fn stray(word: &str, last_flag: Option<&str>) -> String {
    if let Some(flag) = last_flag.filter(|flag| flag.starts_with("sse")) {
        return format!("`args`: unexpected argument after `--{flag}`, not shown here: it may be a key");
    }
    if may_be_customer_key(word) {
        return "`args`: unexpected argument that may be a key, not shown here: `--sse-c-key` goes before one"
            .to_owned();
    }
    let advice = if word.starts_with("s3://") {
        "`bucket` and `prefix` name the destination"
    } else if word.starts_with('-') {
        "quotes belong around the value of a flag, not around the flag too"
    } else if word.chars().all(|c| c.is_ascii_punctuation()) {
        "`args` is not run by a shell"
    } else {
        "`args` takes flags only. `source` names the directory, and a value with spaces needs quotes"
    };
    format!("`args`: unexpected argument `{}`: {advice}", shown_text(word))
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

#[cfg(test)]
mod tests;
