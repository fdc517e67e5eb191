use proptest::prelude::{any, prop, prop_assert_eq, proptest};

use super::*;
use crate::core::inputs::args::sync_flags::Verbosity;
use crate::core::site::filter::Rule;
use crate::core::site::object::{Encryption, Grant, GrantPermission, ObjectOptions};
use crate::core::site::plan::Compare;

const NO_FILES: &dyn Fn(&str) -> Result<Vec<u8>, String> = &|_| Err("it is not there".to_owned());

fn flags(args: &str) -> SyncFlags {
    parse(args, NO_FILES).expect("legal flags")
}

fn options(args: &str) -> ObjectOptions {
    flags(args).object_options(None, None).expect("legal flags")
}

fn error(args: &str) -> String {
    let errors = parse(args, NO_FILES).expect_err("wrong flags");
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors.into_iter().next().expect("one error")
}

#[test]
fn reads_flags_as_a_shell_and_argparse_do() {
    let read = flags(
        "--acl public-read --exclude '*'\n--include \"my file.html\" --include=*.css --exclude a\\ b \
         --dele --no-prog --exclude=-x",
    );
    let filters: Vec<_> = read
        .filters
        .iter()
        .map(|(rule, pattern)| (*rule, pattern.as_str()))
        .collect();
    assert_eq!(
        filters,
        [
            (Rule::Exclude, "*"),
            (Rule::Include, "my file.html"),
            (Rule::Include, "*.css"),
            (Rule::Exclude, "a b"),
            (Rule::Exclude, "-x"),
        ]
    );
    assert!(read.delete && read.no_progress && !read.dryrun);
    assert_eq!(read.acl.as_deref(), Some("public-read"));
    assert!(read.notices.is_empty());
    assert!(flags("").filters.is_empty());
}

#[test]
fn headers_of_flags_reach_every_object() {
    let headers = options(
        "--cache-control 'max-age=60, public' --content-type text/plain --content-disposition attachment \
         --content-encoding gzip --content-language ko --expires 2030-01-01T00:00:00Z --storage-class STANDARD_IA \
         --website-redirect /new --metadata Team=web,note=\"'a, b'\",c=d\\\\,e",
    )
    .headers;
    assert_eq!(headers.cache_control.as_deref(), Some("max-age=60, public"));
    assert_eq!(headers.content_type.as_deref(), Some("text/plain"));
    assert_eq!(headers.content_disposition.as_deref(), Some("attachment"));
    assert_eq!(headers.content_encoding.as_deref(), Some("gzip"));
    assert_eq!(headers.content_language.as_deref(), Some("ko"));
    assert_eq!(headers.expires.as_deref(), Some("Tue, 01 Jan 2030 00:00:00 GMT"));
    assert_eq!(headers.storage_class.as_deref(), Some("STANDARD_IA"));
    assert_eq!(headers.website_redirect.as_deref(), Some("/new"));
    let metadata: Vec<_> = headers.metadata.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(metadata, [("c", "d,e"), ("note", "a, b"), ("team", "web")]);
    let json = options("--metadata '{\"note\": \"a, b\"}'").headers.metadata;
    assert_eq!(json.get("note").map(String::as_str), Some("a, b"));
    assert_eq!(options("--cache-control ''").headers.cache_control, None);
}

#[test]
fn the_last_of_a_flag_wins() {
    assert_eq!(
        options("--acl private --acl public-read").acl.as_deref(),
        Some("public-read")
    );
    assert!(!flags("--no-follow-symlinks --follow-symlinks").no_follow_symlinks);
    assert!(flags("--follow-symlinks --no-follow-symlinks").no_follow_symlinks);
}

#[test]
fn compare_flags_choose_the_rule() {
    assert_eq!(flags("").compare(), None);
    assert_eq!(flags("--size-only").compare(), Some(Compare::Size));
    assert_eq!(flags("--exact-timestamps").compare(), Some(Compare::Modified));
    assert_eq!(
        flags("--exact-timestamps --size-only").compare(),
        Some(Compare::Modified)
    );
}

#[test]
fn the_quietest_flag_wins() {
    assert_eq!(flags("").verbosity(), Verbosity::Changes);
    assert_eq!(flags("--no-progress").verbosity(), Verbosity::WithoutProgress);
    assert_eq!(
        flags("--only-show-errors --no-progress").verbosity(),
        Verbosity::ErrorsOnly
    );
    assert_eq!(flags("--only-show-errors --quiet").verbosity(), Verbosity::Quiet);
}

#[test]
fn optional_values_may_be_left_out() {
    assert!(matches!(options("--sse --delete").encryption, Encryption::Aes256));
    assert!(matches!(options("--sse AES256").encryption, Encryption::Aes256));
    let kms = options("--sse=aws:kms --sse-kms-key-id k").encryption;
    assert!(matches!(kms, Encryption::Kms { key_id: Some(id) } if id == "k"));
    assert!(options("--request-payer").request_payer);
    assert!(options("--request-payer requester").request_payer);
}

#[test]
fn grants_take_all_words_up_to_the_next_flag() {
    let grants = options("--grants read=uri=http://x full=id=a,id=b --delete").grants;
    assert_eq!(
        grants,
        [
            Grant {
                permission: GrantPermission::Read,
                grantee: "uri=http://x".into()
            },
            Grant {
                permission: GrantPermission::Full,
                grantee: "id=a,id=b".into()
            },
        ]
    );
}

#[test]
fn customer_keys_come_raw_from_files_or_as_base64() {
    let raw = [7_u8; 32];
    let read = move |path: &str| {
        if path == "k" {
            Ok(raw.to_vec())
        } else {
            Err("no".into())
        }
    };
    let of = |args: &str| parse(args, &read).map(|flags| flags.encryption().expect("a key"));
    let base64 = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
    for args in [
        "--sse-c --sse-c-key fileb://k",
        &format!("--sse-c AES256 --sse-c-key {base64}"),
    ] {
        match of(args) {
            Ok(Encryption::CustomerKey { key, key_md5 }) => {
                assert_eq!(key.expose(), base64);
                assert_eq!(key_md5, "y4HAEFCYWuvAXWFTtA1Qpg==");
            }
            other => panic!("{other:?}"),
        }
    }
    let wrong = error("--sse-c --sse-c-key hunter2");
    assert!(wrong.contains("`--sse-c-key`") && !wrong.contains("hunter2"), "{wrong}");
}

#[test]
fn every_wrong_flag_is_named_with_what_to_do() {
    for (args, flag, advice) in [
        ("--recursive", "`--recursive`", "omit it"),
        ("--profile prod", "`--profile`", "role-to-assume"),
        ("--no-sign-request", "`--no-sign-request`", "credentials"),
        ("--sse-c-copy-source AES256", "`--sse-c-copy-source`", "from S3 to S3"),
        ("--checksum-mode ENABLED", "`--checksum-mode`", "downloads"),
        ("--frobnicate a b", "`--frobnicate`", "valid flags: `--acl`"),
        ("--exclud '*' --incldue x", "`--incldue`", "did you mean `--include`?"),
        ("--content x", "`--content`", "`--content-type`"),
        ("-r", "`-r`", "not a flag"),
        ("--acl", "`--acl`", "needs a value"),
        ("--acl --delete", "`--acl`", "needs a value"),
        ("--exclude -x", "`-x`", "not a flag"),
        ("--delete=true", "`--delete`", "takes no value"),
        ("--acl everyone", "`--acl`", "public-read"),
        ("--acl log-delivery-write", "`--acl`", "for buckets"),
        ("--storage-class COLD", "`--storage-class`", "STANDARD_IA"),
        ("--checksum-algorithm MD5", "`--checksum-algorithm`", "SHA256"),
        ("--sse aes", "`--sse`", "AES256"),
        ("--sse-kms-key-id k", "`--sse-kms-key-id`", "`--sse aws:kms`"),
        ("--sse-c", "`--sse-c`", "`--sse-c-key`"),
        ("--expires soon", "`--expires`", "2030-01-31T00:00:00Z"),
        ("--metadata a", "`--metadata`", "key=value"),
        ("--metadata a=1,a=2", "`--metadata`", "twice"),
        ("--metadata '{\"a\": 1}'", "`--metadata`", "strings"),
        ("--grants public", "`--grants`", "AllUsers"),
        ("--grants write=id=x", "`--grants`", "readacl"),
        ("--page-size 0", "`--page-size`", "1 to 1000"),
        ("--cache-control file://nowhere", "`--cache-control`", "not there"),
        ("--content-disposition '\u{d55c}'", "`--content-disposition`", "ASCII"),
        ("./dist", "`./dist`", "`source`"),
        ("s3://bucket/x", "`s3://bucket/x`", "`prefix`"),
        ("--delete && rm", "`&&`", "not run by a shell"),
        ("'--exclude x'", "`--exclude x`", "quotes"),
        ("--exclude 'a", "`args`", "quote is not closed"),
    ] {
        let errors = parse(args, NO_FILES).expect_err(args);
        assert!(errors[0].starts_with("`args`"), "{args}: {errors:?}");
        assert!(
            errors
                .iter()
                .any(|error| error.contains(flag) && error.contains(advice)),
            "{args}: {errors:?}"
        );
    }
}

#[test]
fn all_errors_are_told_together() {
    let errors = parse("--recursive --acl x --delete=1 y", NO_FILES).expect_err("four wrong words");
    assert_eq!(errors.len(), 4, "{errors:?}");
}

#[test]
fn an_unknown_flag_hides_no_other_error() {
    for args in ["--foo --sse-c", "--ssse --sse-c", "--sse-c --foo"] {
        let errors = parse(args, NO_FILES).expect_err(args);
        assert_eq!(errors.len(), 2, "{errors:?}");
        assert!(
            errors
                .iter()
                .any(|error| error.contains("`--sse-c` needs `--sse-c-key`")),
            "{errors:?}"
        );
    }
}

#[test]
fn a_key_that_lost_its_flag_is_not_shown() {
    const KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
    for args in [
        format!("--sse-c {KEY}"),
        format!("--sse {KEY}"),
        format!("--sse-c AES256 {KEY}"),
        format!("--delete {KEY}"),
        "--sse-c AES256 hunter2hunter2".to_owned(),
    ] {
        let errors = parse(&args, NO_FILES).expect_err(&args).concat();
        assert!(errors.contains("may be a key"), "{errors}");
        assert!(!errors.contains("BwcHBwc") && !errors.contains("hunter2"), "{errors}");
    }
}

#[test]
fn flags_without_effect_are_noted() {
    let read = flags("--metadata-directive REPLACE --no-cli-pager --cache-control max-age=60");
    assert_eq!(read.notices.len(), 2, "{:?}", read.notices);
    assert!(read.notices[0].contains("`--metadata-directive`"));
}

#[test]
fn credentials_are_refused_and_not_repeated() {
    for args in [
        "--exclude AKIAIOSFODNN7EXAMPLE",
        "--aws-secret-access-key wJalrXUtnFEMI",
        "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI --delete",
        "--bogus --aws-access-key-id=AKIAIOSFODNN7EXAMPLE",
    ] {
        let text = error(args);
        assert!(text.contains("credentials"), "{text}");
        assert!(!text.contains("AKIA") && !text.contains("wJal"), "{text}");
    }
    assert_eq!(flags("--exclude ASIA/*").filters.len(), 1);
}

#[test]
fn inputs_and_flags_must_not_contradict() {
    let both = |args: &str, acl: Option<&str>, cache: Option<&str>| flags(args).object_options(acl, cache);
    assert!(both("--acl private", Some("private"), None).is_ok());
    let merged = both("--sse", Some("public-read"), Some("no-cache")).expect("nothing twice");
    assert_eq!(merged.acl.as_deref(), Some("public-read"));
    assert_eq!(merged.headers.cache_control.as_deref(), Some("no-cache"));
    for (args, acl, cache, expected) in [
        ("--acl private", Some("public-read"), None, "`acl`"),
        ("--cache-control a", None, Some("b"), "`cache-control`"),
        ("", Some("nobody"), None, "`nobody`"),
        ("", None, Some("a\nb"), "control character"),
        ("--grants read=id=x", Some("private"), None, "exclude each other"),
    ] {
        let errors = both(args, acl, cache).expect_err(args);
        assert!(errors[0].contains(expected), "{errors:?}");
    }
}

#[test]
fn the_table_is_sorted_out() {
    let mut names: Vec<_> = FLAGS.iter().map(|flag| flag.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), FLAGS.len());
}

proptest! {
    #[test]
    fn any_text_is_flags_or_errors(args in any::<String>()) {
        if let Err(errors) = parse(&args, NO_FILES) {
            prop_assert_eq!(errors.is_empty(), false);
        }
    }

    #[test]
    fn any_words_are_flags_or_errors(words in prop::collection::vec("(--?[a-z=-]{0,12})|[a-z=,'\"{}:$-]{0,8}", 0..6)) {
        let args = shell_words::join(&words);
        if let Err(errors) = parse(&args, NO_FILES) {
            prop_assert_eq!(errors.is_empty(), false);
        }
    }

    #[test]
    fn quoted_patterns_come_back_as_they_were(patterns in prop::collection::vec(any::<String>(), 0..5)) {
        let words: Vec<_> = patterns.iter().map(|pattern| format!("--exclude={pattern}")).collect();
        if let Ok(read) = parse(&shell_words::join(&words), NO_FILES) {
            let read: Vec<_> = read.filters.into_iter().map(|(_, pattern)| pattern).collect();
            prop_assert_eq!(read, patterns);
        }
    }
}
