//! The inputs of the cdn part.

use std::time::Duration;

use crate::core::cdn::encode::check_path;
use crate::core::cdn::tenants::{is_tenant, refusal};
use crate::core::cdn::{MAX_PATHS, MAX_WILDCARDS};
use crate::core::context::RunContext;
use crate::core::inputs::command::Command;
use crate::core::inputs::expand::{expression, variables};
use crate::core::inputs::paths::read_text;
use crate::core::inputs::reader::{Reader, unique};
use crate::core::secret::{HIDDEN, shown_text};

/// The cdn part.
#[derive(Debug, Clone)]
pub(crate) struct CdnInputs {
    /// `distribution`: at least one id.
    pub(crate) distributions: Vec<String>,
    /// `paths` and the lines of `paths-from`, as typed; `None` when neither was given.
    pub(crate) paths: Option<Vec<String>>,
    /// `wait-for-invalidation` with `invalidation-timeout`.
    pub(crate) wait: Option<Duration>,
    /// `invalidation-failure`.
    pub(crate) on_failure: InvalidationFailure,
}

/// `invalidation-failure`: what an invalidation that fails makes of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InvalidationFailure {
    /// The run fails.
    Fail,
    /// The run warns, and the next one retries the invalidation.
    Warn,
}

/// Reads the cdn part.
pub(crate) fn read(reader: &mut Reader<'_>, command: Command, context: &RunContext, site_on: bool) -> CdnInputs {
    let distributions = reader.names("distribution");
    let (tenants, others): (Vec<&String>, Vec<&String>) = distributions.iter().partition(|id| is_tenant(id));
    reader.errors.extend(tenants.into_iter().map(|id| refusal(id)));
    if others
        .iter()
        .any(|id| !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b','))
    {
        reader.reject(
            "distribution",
            "ids of distributions, such as `E1A2B3C4D5E6F7`, not domain names or ARNs",
        );
    }
    let typed = reader.text("paths").map(|_| reader.words("paths"));
    let listed = if command == Command::Deploy {
        reader
            .owned("paths-from")
            .map(|file| paths_from(reader, context, &file))
    } else {
        None
    };
    for path in typed.iter().flatten() {
        match shown_text(path) {
            HIDDEN if check_of(path).is_err() => reader.errors.push(
                "a path in `paths` cannot be invalidated, and is not repeated here because it may hold a secret: a path \
                 begins with `/`"
                    .to_owned(),
            ),
            _ => reader.errors.extend(check_of(path).err()),
        }
    }
    let paths = match (typed, listed) {
        (None, None) => None,
        (typed, listed) => Some(unique(typed.iter().chain(&listed).flatten().map(String::as_str))),
    };
    check_limits(reader, paths.as_deref().unwrap_or_default());
    if paths.is_none() && !site_on && command == Command::Deploy {
        reader.errors.push(
            "`distribution` is set without `bucket`: say what to invalidate in `paths` or `paths-from`".to_owned(),
        );
    }
    let timeout = reader.seconds("invalidation-timeout", 600, 1..=86_400);
    let wait = reader.boolean("wait-for-invalidation", false);
    if !wait && reader.given("invalidation-timeout").is_some() {
        reader
            .notices
            .push("`invalidation-timeout` has no effect without `wait-for-invalidation: true`".to_owned());
    }
    CdnInputs {
        distributions,
        paths,
        wait: wait.then_some(timeout),
        on_failure: reader.choice(
            "invalidation-failure",
            &[("fail", InvalidationFailure::Fail), ("warn", InvalidationFailure::Warn)],
            InvalidationFailure::Fail,
        ),
    }
}

/// A path that stands in quotes, as one types it in a shell, without them.
fn without_quotes(path: &str) -> Option<&str> {
    let is_quote = |character: char| matches!(character, '"' | '\'');
    let plain = path.trim_matches(is_quote);
    (plain != path && plain.starts_with('/')).then_some(plain)
}

/// What is wrong with a path.
fn check_of(path: &str) -> Result<(), String> {
    if path.starts_with('[') {
        return Err(format!(
            "the path `{path}` begins like a JSON list: paths are separated by white space, without brackets, quotes and commas"
        ));
    }
    if path.contains(",/") || path.ends_with(',') {
        return Err(format!(
            "the path `{path}` holds a comma: paths are separated by white space; write a comma that belongs to a path as `%2C`"
        ));
    }
    if let Some(plain) = without_quotes(path) {
        return Err(format!(
            "the path `{path}` holds quotes, and no shell takes them away: write `{plain}`"
        ));
    }
    check_path(path).map_err(|reason| format!("the path `{path}` cannot be invalidated: {reason}"))
}

/// The same without the path, which is not to be repeated.
fn mistake(path: &str) -> &'static str {
    if path.starts_with('[') {
        "it begins like a JSON list; paths are separated by white space, without brackets, quotes and commas"
    } else if path.contains(',') {
        "it holds a comma; paths are separated by white space, and a comma that belongs to a path is `%2C`"
    } else if without_quotes(path).is_some() {
        "it holds quotes, and no shell takes them away: remove them"
    } else {
        "a path begins with `/`, without protocol and host, is percent-encoded, and has a `*` only at its end"
    }
}

/// More paths than CloudFront takes at once can never be invalidated
/// (<https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html#limits-invalidations>).
fn check_limits(reader: &mut Reader<'_>, paths: &[String]) {
    let wildcards = paths.iter().filter(|path| path.ends_with('*')).count();
    for (count, most, what) in [
        (paths.len(), MAX_PATHS, "paths"),
        (wildcards, MAX_WILDCARDS, "paths with a wildcard"),
    ] {
        if count > most {
            reader.errors.push(format!(
                "`paths` and `paths-from` name {count} {what}; CloudFront takes {most} at once: name a directory above \
                 them, such as `/*`"
            ));
        }
    }
}

fn paths_from(reader: &mut Reader<'_>, context: &RunContext, file: &str) -> Vec<String> {
    match read_text(reader.files, context, file) {
        Ok(text) => {
            // A wrong file may hold anything: its lines are not repeated.
            let wrong = text.lines().zip(1..).find_map(|(line, number)| {
                let mut paths = paths_of(line).into_iter().filter(|path| !path.is_empty());
                let wrong = paths.find(|path| check_of(path).is_err())?;
                Some((number, mistake(wrong)))
            });
            if let Some((line, mistake)) = wrong {
                let name = reader.given("paths-from").map_or("paths-from", |given| given.name);
                reader.errors.push(format!(
                    "line {line} of the file that `{name}` names is no path that CloudFront takes: {mistake}"
                ));
            }
            unique(text.lines().flat_map(paths_of))
        }
        Err(error) => {
            let name = reader.given("paths-from").map_or("paths-from", |given| given.name);
            let unexpanded = match variables(file).first() {
                Some(variable) => format!("; no shell expands `${variable}`: use `{}`", expression(variable)),
                None => String::new(),
            };
            reader.errors.push(format!(
                "`{name}` is `{}`, which cannot be read: {error}{unexpanded}",
                shown_text(file)
            ));
            Vec::new()
        }
    }
}

/// The paths of a line: several, parted by blanks, where each begins as a path does.
fn paths_of(line: &str) -> Vec<&str> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let is_path = |word: &&str| word.trim_start_matches(['"', '\'']).starts_with(['/', '#']);
    if words.iter().all(is_path) {
        words
    } else {
        vec![line.trim()]
    }
}
