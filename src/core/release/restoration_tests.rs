//! Tests of [`super`]: what comes back, and what is left alone.

use super::*;
use crate::core::release::fixtures::{release, with_site};

#[test]
fn only_plain_objects_are_copied_without_a_look() {
    let plain = ObjectSettings {
        acl: Some("public-read".into()),
        rules: vec!["* Cache-Control: max-age=60".into()],
        ..ObjectSettings::default()
    };
    assert!(is_plain(&plain));
    for special in [
        ObjectSettings {
            grants: vec!["read=id=x".into()],
            ..ObjectSettings::default()
        },
        ObjectSettings {
            encryption: Some("aws:kms".into()),
            ..ObjectSettings::default()
        },
        ObjectSettings {
            rules: vec!["old/* X-Amz-Website-Redirect-Location: /new".into()],
            ..ObjectSettings::default()
        },
    ] {
        assert!(!is_plain(&special), "{special:?}");
    }
}

#[test]
fn many_keys_are_counted() {
    let keys: Vec<String> = (0..12).map(|n| format!("k{n}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    assert_eq!(name(&keys[..2]), "`k0`, `k1`");
    assert!(name(&keys).ends_with("`k9` and 2 more keys"));
    let by_hand: Vec<(&str, &str)> = keys.iter().map(|&key| (key, "r1")).collect();
    let warnings = warnings(&by_hand, "p/");
    assert_eq!((warnings.len(), warnings[10].path.as_str()), (11, "p/"));
}

/// Versions newest first: id and ETag.
fn versions(list: &[(&str, &str)]) -> Vec<Version> {
    let version = |(position, &(id, etag)): (usize, &(&str, &str))| Version {
        id: id.into(),
        latest: position == 0,
        size: 5,
        etag: etag.into(),
        last_modified: 1_795_000_000,
        ..Version::default()
    };
    list.iter().enumerate().map(version).collect()
}

const SITE: RestoredSite<'static> = RestoredSite {
    bucket: "b",
    prefix: "",
    acl: Some("private"),
};

#[test]
fn versions_of_the_same_bytes_and_settings_come_back_only_when_their_headers_differ() {
    let settings = |mut record: Record, acl: &str| {
        if let Some(site) = &mut record.site {
            site.applied = Some(ObjectSettings {
                acl: Some(acl.to_owned()),
                ..ObjectSettings::default()
            });
        }
        record
    };
    let record =
        |id: &str, keys: &[(&str, &str)], acl| settings(with_site(release(id, RecordStatus::Succeeded), keys), acl);
    let all = [("same", "s1"), ("acl", "a1"), ("changed.html", "c1"), ("asset", "d1")];
    let older = record("r10", &all, "private");
    let newer = [
        record("r30", &[("acl", "a2")], "public-read"),
        record(
            "r20",
            &[("same", "s2"), ("changed.html", "c2"), ("asset", "d2")],
            "private",
        ),
    ];
    let found = HashMap::from([
        ("same".to_owned(), versions(&[("s2", "x"), ("s1", "x")])),
        ("acl".to_owned(), versions(&[("a2", "x"), ("a1", "x")])),
        ("changed.html".to_owned(), versions(&[("c2", "y"), ("c1", "x")])),
        (
            "asset".to_owned(),
            versions(&[("other", "z"), ("d2", "y"), ("d1", "x")]),
        ),
    ]);
    assert_eq!(keys_to_restore(&newer), ["acl", "asset", "changed.html", "same"]);
    let mut restoration = Restoration::new(found, Some(&older));
    restoration
        .check(&newer, "release `r10`")
        .expect("all versions are there");
    let mut wanted = restoration.wanted_writers(&newer);
    restoration.note_writers(&newer, &mut wanted);
    restoration.note_writers(&[older], &mut wanted);
    assert!(wanted.is_empty(), "{wanted:?}");
    let pairs = restoration.same_bytes(&newer);
    assert_eq!(pairs.iter().map(|pair| pair.key.as_str()).collect::<Vec<_>>(), ["same"]);
    let keys = |plan: &SitePlan| plan.writes.iter().map(|write| write.key.clone()).collect::<Vec<_>>();
    let plan = restoration.plan(&newer, &HashSet::from(["same".to_owned()]), SITE);
    assert_eq!(keys(&plan), ["acl", "asset", "changed.html"]);
    assert_eq!((plan.unchanged, plan.warnings.len()), (1, 1));
    assert_eq!(plan.warnings[0].path, "asset");
    let plan = restoration.plan(&newer, &HashSet::new(), SITE);
    assert_eq!(keys(&plan), ["acl", "asset", "same", "changed.html"]);
}

#[test]
fn an_order_that_nothing_tells_is_an_error_and_an_older_release_may_tell_it() {
    let record = |id: &str, keys: &[(&str, &str)]| with_site(release(id, RecordStatus::Succeeded), keys);
    let (oldest, target) = (record("r10", &[("k", "v1")]), record("r20", &[("k", "m2")]));
    let after = [record("r30", &[("k", "v3")])];
    let mut listed = versions(&[("v3", "c"), ("v1", "a"), ("m2", "")]);
    listed[2].delete_marker = true;
    listed.iter_mut().for_each(|version| version.apart = true);
    let mut restoration = Restoration::new(HashMap::from([("k".to_owned(), listed)]), Some(&target));
    assert!(restoration.is_unclear(&after));
    let error = restoration
        .check(&after, "release `r20`")
        .expect_err("no order")
        .to_string();
    assert!(error.contains("of `k` nothing tells which version it needs"), "{error}");
    assert!(restoration.plan(&after, &HashSet::new(), SITE).deletes.is_empty());

    restoration.note_older(&[oldest]);
    restoration.check(&after, "release `r20`").expect("the order is known");
    assert_eq!(restoration.plan(&after, &HashSet::new(), SITE).deletes, ["k"]);
}
