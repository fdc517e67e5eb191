//! One function for each target. Several texts in one input are separated by NUL.
//!
//! The main crate's tests mount this file too (`src/fuzz_targets.rs`), so that it always fits the parsers.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::path::{Path, PathBuf};

use chrono::DateTime;

use crate::core::backend::logs;
use crate::core::backend::secrets::Redaction;
use crate::core::bundle::ebignore::EbIgnore;
use crate::core::bundle::ignore::IgnoreRules;
use crate::core::bundle::label::{self, LabelValues};
use crate::core::bundle::ready;
use crate::core::cdn::collapse::{Limits, collapse};
use crate::core::cdn::covers;
use crate::core::cdn::encode::{check_path, encode};
use crate::core::context::{Env, RunContext};
use crate::core::inputs::files::{FileKind, Files};
use crate::core::inputs::flags::FlagValues;
use crate::core::inputs::raw::RawInputs;
use crate::core::inputs::table::{INPUTS, variable};
use crate::core::inputs::{args as sync_args, parse};
use crate::core::release::record::Record;
use crate::core::release::{id, kept, keys, live, restore};
use crate::core::report::markdown;
use crate::core::site::etag::Etag;
use crate::core::site::filter::{Filter, Rule};
use crate::core::site::fnmatch::Pattern;
use crate::core::site::header_rules::HeaderRules;
use crate::core::site::http_date::http_date;

/// The texts in `data`; the last of `N` takes the rest.
fn split<const N: usize>(data: &[u8]) -> [String; N] {
    let mut parts = data.splitn(N, |byte| *byte == 0);
    std::array::from_fn(|_| String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned())
}

/// `args`: the command line of `aws s3 sync`.
pub fn args(data: &[u8]) {
    let [text] = split(data);
    let _ = sync_args::parse(&text, &|_| Err("no file".to_owned()));
}

/// `exclude` and `include`: what matches below a directory matches all that is in it.
pub fn patterns(data: &[u8]) {
    let [pattern, directory, name] = split(data);
    let compiled = Pattern::new(&pattern);
    if compiled.matches_all_below(&directory) {
        assert!(
            compiled.matches(&format!("{directory}{name}")),
            "{pattern:?} {directory:?} {name:?}"
        );
    }
    let head = compiled.literal_head();
    if compiled.matches(&name) {
        assert!(name.starts_with(&head), "{pattern:?} {name:?} {head:?}");
    }
    let rules = [(Rule::Exclude, pattern.clone()), (Rule::Include, pattern)];
    let filter = Filter::new(rules, Path::new("/source"), "bucket", "prefix/");
    let _ = (filter.includes_key(&name), filter.may_include_below(&directory));
    assert!(filter.includes_local(&name), "included last, so nothing is left out");
}

/// `headers`: a value never holds what would begin another header.
pub fn headers(data: &[u8]) {
    let [text, path] = split(data);
    if let Ok(rules) = HeaderRules::parse(&text) {
        for (_, value) in rules.of(&path) {
            assert!(!value.unwrap_or_default().contains(['\r', '\n', '\0']));
        }
    }
}

/// Release records and their lists of keys, as an attacker with write access to the bucket would leave them.
pub fn records(data: &[u8]) {
    if let Ok(record) = Record::from_json(data) {
        let written = record.to_json().expect("what was read can be written");
        assert!(Record::from_json(&written).is_ok());
        let records = [record];
        let _ = (
            live::live(&records),
            live::last_succeeded(&records),
            restore::changed_since(&records).len(),
        );
    }
    let _ = keys::unpack::<serde_json::Value>(data, &kept::KeptRecords::default());
    let _ = id::parse_object_name(&String::from_utf8_lossy(data));
}

/// A ready `.zip`, `.war` or `.jar`.
pub fn archive(data: &[u8]) {
    let _ = ready::check(Cursor::new(data), Path::new("app.zip"));
}

/// `.ebignore` and `package-exclude`: patterns and a path.
pub fn ignore(data: &[u8]) {
    let [path, patterns] = split(data);
    if let Ok((rules, _)) = EbIgnore::parse(patterns.as_bytes()) {
        let _ = rules.leaves_out(&path);
    }
    let patterns: Vec<String> = patterns.lines().map(ToOwned::to_owned).collect();
    if let Ok(rules) = IgnoreRules::new(Path::new("/source"), None, &patterns, |_| Ok(None)) {
        let path = path.trim_matches('/');
        if !path.is_empty() {
            let _ = (rules.leave_out(path, false), rules.leave_out(path, true));
        }
    }
}

/// `version-label`: what comes out is short and on one line.
pub fn label(data: &[u8]) {
    let [template, reference, repository] = split(data);
    let values = LabelValues {
        timestamp: DateTime::UNIX_EPOCH,
        sha: None,
        ref_name: Some(reference),
        repo: Some(repository),
        run_id: None,
        run_number: None,
        run_attempt: None,
    };
    if let Ok(label) = label::fill(&template, &values) {
        assert!(
            label.chars().count() <= 100 && !label.contains(['/', '\r', '\n']),
            "{label:?}"
        );
    }
}

/// `paths` and changed keys: what is sent is sendable, covers all that was asked for, and keeps the limits.
pub fn invalidations(data: &[u8]) {
    let [text] = split(data);
    let mut paths = BTreeSet::new();
    for line in text.lines() {
        let encoded = encode(line);
        assert!(
            encoded.is_ascii() && !encoded.contains([' ', '"', '<', '>', '\r', '\n', '\0']),
            "{encoded:?}"
        );
        let _ = check_path(line);
        paths.insert(format!("/{}", encoded.trim_start_matches('/')));
    }
    let limits = Limits { paths: 5, wildcards: 2 };
    let few = collapse(&paths, limits);
    for path in &paths {
        assert!(
            few.iter().any(|wide| covers(wide, path)),
            "{path:?} is not covered by {few:?}"
        );
    }
    assert!(few.len() <= limits.paths, "{few:?}");
    assert!(
        few.iter().filter(|path| path.ends_with('*')).count() <= limits.wildcards,
        "{few:?}"
    );
}

/// All inputs at once, a line each: every parser behind them, and the collection of errors.
pub fn inputs(data: &[u8]) {
    let [text] = split(data);
    let mut variables = BTreeMap::new();
    for line in text.lines() {
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        if let Some(spec) = INPUTS.iter().find(|spec| spec.name == name) {
            variables.insert(variable(spec.name), value.replace('\u{b}', "\n"));
        }
    }
    let env = Env::new(variables);
    let context = RunContext::new(&env, "/workspace".into(), "/tmp".into());
    let raw = RawInputs::read(&FlagValues::default(), &env);
    if let Err(errors) = parse::parse(&raw, &Directories, &env, &context, DateTime::UNIX_EPOCH) {
        assert!(!errors.0.is_empty());
    }
}

/// Every path is an empty directory.
struct Directories;

impl Files for Directories {
    fn kind(&self, _: &Path) -> FileKind {
        FileKind::Directory
    }

    fn real(&self, path: &Path) -> PathBuf {
        path.to_owned()
    }

    fn read(&self, _: &Path, _: u64) -> Result<Vec<u8>, String> {
        Err("it is a directory".to_owned())
    }

    fn names(&self, _: &Path) -> Vec<String> {
        Vec::new()
    }
}

/// What AWS and instances say, on its way to log and summary: logs, secrets in them, Markdown, dates, ETags.
pub fn texts(data: &[u8]) {
    let [secret, text] = split(data);
    let _ = (
        logs::cut(&text, Some(DateTime::UNIX_EPOCH)),
        http_date(&text),
        Etag::parse(&text),
    );
    let clean = Redaction::new([secret.clone()], &[]).clean(&text);
    for line in secret
        .lines()
        .map(str::trim)
        .filter(|line| line.len() >= 6 && !line.contains('*'))
    {
        assert!(!clean.contains(line), "{line:?} is in {clean:?}");
    }
    for written in [
        markdown::text(&text),
        markdown::code(&text),
        markdown::prose(&text),
        markdown::link(&text, &secret),
    ] {
        assert!(!written.contains("<script"), "{written:?}");
    }
}
