//! Parsers of text from outside never panic, hang or let a key or path lead out, whatever they are given.

use std::collections::BTreeMap;
use std::path::Path;

use crate::core::bundle::ignore::IgnoreRules;
use crate::core::bundle::label::{self, LabelValues};
use crate::core::cdn::encode::{check_path, encode};
use crate::core::context::{Env, RunContext};
use crate::core::inputs::files::FileTree;
use crate::core::inputs::flags::FlagValues;
use crate::core::inputs::raw::RawInputs;
use crate::core::inputs::table::{INPUTS, variable};
use crate::core::inputs::{args, parse};
use crate::core::release::kept::KeptRecords;
use crate::core::release::record::Record;
use crate::core::release::{id, keys};
use crate::core::site::filter::{Filter, Rule};
use crate::core::site::header_rules::HeaderRules;
use chrono::Utc;
use proptest::prelude::*;

/// Text of characters that mean something somewhere, mixed with any others.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[-a-z0-9*?\\[\\]{}!#%&'\"\\\\/.:;,=~<>|@$ \t\r\n\u{0}\u{1b}\u{202e}é字]{0,60}",
        "\\PC{0,80}",
        any::<Vec<u8>>().prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
    ]
}

/// Words of the command line of `aws s3 sync`, right and wrong.
fn flags() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("--acl".to_owned()),
        Just("--exclude".to_owned()),
        Just("--include=*".to_owned()),
        Just("--delete".to_owned()),
        Just("--grants".to_owned()),
        Just("--sse-c-key".to_owned()),
        Just("--metadata".to_owned()),
        Just("--page-size".to_owned()),
        text(),
    ];
    proptest::collection::vec(word, 0..6).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn args_are_taken_or_refused(args in flags()) {
        let _ = args::parse(&args, &|_| Err("no file".to_owned()));
    }

    #[test]
    fn header_rules_are_taken_or_refused_and_never_split_a_header(rules in text(), path in text()) {
        if let Ok(rules) = HeaderRules::parse(&rules) {
            for (_, value) in rules.of(&path) {
                prop_assert!(!value.unwrap_or_default().contains(['\r', '\n', '\0']));
            }
        }
    }

    #[test]
    fn patterns_match_or_do_not(pattern in text(), path in text()) {
        let rules = [(Rule::Exclude, pattern.clone()), (Rule::Include, pattern)];
        let filter = Filter::new(rules, Path::new("/source"), "bucket", "prefix/");
        let _ = filter.includes_local(&path);
        let _ = filter.includes_key(&path);
        let _ = filter.may_include_below(&path);
    }

    #[test]
    fn labels_are_short_and_on_one_line(template in text(), reference in text(), repository in text()) {
        let values = LabelValues {
            timestamp: Utc::now(),
            sha: None,
            ref_name: Some(reference),
            repo: Some(repository),
            run_id: None,
            run_number: None,
            run_attempt: None,
        };
        if let Ok(label) = label::fill(&template, &values) {
            prop_assert!(label.chars().count() <= 100, "{label}");
            prop_assert!(!label.contains(['/', '\r', '\n']), "{label:?}");
        }
    }

    #[test]
    fn ignore_patterns_are_taken_or_refused(pattern in text(), path in "[a-z./*é]{1,20}") {
        if let Ok(rules) = IgnoreRules::new(Path::new("/source"), None, std::slice::from_ref(&pattern), |_| Ok(None)) {
            let _ = rules.leave_out(path.trim_start_matches('/'), false);
        }
    }

    #[test]
    fn records_are_read_or_refused(bytes in any::<Vec<u8>>(), text in text()) {
        let _ = Record::from_json(&bytes);
        let _ = Record::from_json(text.as_bytes());
        let _ = Record::from_json(format!("{{\"version\":1,\"id\":\"{text}\"}}").as_bytes());
        let _ = keys::unpack::<serde_json::Value>(&bytes, &KeptRecords::default());
        let _ = id::parse_object_name(&text);
    }

    #[test]
    fn invalidation_paths_are_sendable_when_they_are_taken(path in text()) {
        let encoded = encode(&path);
        prop_assert!(encoded.is_ascii());
        prop_assert!(!encoded.contains([' ', '"', '<', '>', '\r', '\n', '\0']), "{encoded:?}");
        let _ = check_path(&path);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// All inputs at once: each parser behind them, and the collection of errors.
    #[test]
    fn inputs_are_taken_or_refused_together(values in proptest::collection::vec(text(), INPUTS.len()), given in any::<u64>()) {
        let mut variables = BTreeMap::new();
        for (position, (spec, value)) in INPUTS.iter().zip(values).enumerate() {
            // Some of the inputs, so that each part is on and off; no NUL: the environment cannot hold one.
            if given >> (position % 64) & 1 == 1 {
                variables.insert(variable(spec.name), value.replace('\0', ""));
            }
        }
        let env = Env::new(variables);
        let context = RunContext::new(&env, "/workspace".into(), "/tmp".into());
        if let Err(errors) = parse::parse(&RawInputs::read(&FlagValues::default(), &env), &FileTree::default().directory("/workspace"), &env, &context, Utc::now()) {
            prop_assert!(!errors.0.is_empty());
        }
    }
}
