//! Headers, content types and ACLs: what objects are sent with, and the repair of those that are there already.

use serde_json::json;

use crate::support::{Action, Cloud};

const BUCKET: &str = "site-bucket";

fn action(cloud: &Cloud) -> Action {
    Action::new(cloud)
        .with("bucket", BUCKET)
        .with("source", "site")
        .file("site/index.html", "<p>\u{c548}\u{b155}")
        .file("site/app.js", "1")
        .file("site/fonts/a b.woff2", "2")
}

fn header(cloud: &Cloud, key: &str, name: &str) -> Option<String> {
    let object = cloud.object(BUCKET, key).unwrap_or_else(|| panic!("no object `{key}`"));
    object.header(name).map(str::to_owned)
}

#[test]
fn content_types_come_by_name_and_charsets_by_content() {
    let cloud = Cloud::with_bucket(BUCKET);
    let action = action(&cloud)
        .file("site/euc-kr.html", b"<p>\xb0\xa1")
        .file("site/style.css", "p{}")
        .file("site/x.tar.gz", "3")
        .file("site/page.html.gz", b"\x1f\x8b")
        .file("site/app.js.map", "{}")
        .file("site/LICENSE", "4")
        .file("site/main.ts", "export const a: string = '\u{c548}';")
        .file("site/latin1.ts", b"// caf\xe9")
        .file("site/live.ts", b"\x47\x40\x00\x10\x00\x00\xb0\x0d")
        .file("site/wide.ts", b"\xff\xfel\0e\0t\0 \0a\0\n\0")
        .file("site/wide-unmarked.ts", b"l\0e\0t\0 \0a\0\n\0")
        .file("site/go.mod", "module example.org/site\n")
        .file("site/types.d.mts", "export {};")
        .file("site/movie.mp4", b"\x00\x00\x00\x18ftypmp42")
        .file("site/worker.mjs", "2");
    action.run().expect_exit(0);
    for (key, expected) in [
        ("index.html", "text/html; charset=utf-8"),
        ("euc-kr.html", "text/html"),
        ("style.css", "text/css; charset=utf-8"),
        ("app.js", "text/javascript; charset=utf-8"),
        ("x.tar.gz", "application/x-tar"),
        ("page.html.gz", "text/html"),
        ("app.js.map", "application/json"),
        ("fonts/a b.woff2", "font/woff2"),
        ("LICENSE", "binary/octet-stream"),
        ("worker.mjs", "text/javascript; charset=utf-8"),
        // What has the name of a video and the bytes of a text is a text.
        ("main.ts", "text/plain; charset=utf-8"),
        ("latin1.ts", "text/plain"),
        ("wide.ts", "text/plain"),
        ("wide-unmarked.ts", "text/plain"),
        ("live.ts", "video/mp2t"),
        ("go.mod", "text/plain; charset=utf-8"),
        ("types.d.mts", "text/plain; charset=utf-8"),
        ("movie.mp4", "video/mp4"),
    ] {
        assert_eq!(header(&cloud, key, "content-type").as_deref(), Some(expected), "{key}");
        assert_eq!(header(&cloud, key, "content-encoding"), None, "{key}");
    }
}

#[test]
fn rules_win_over_inputs_and_later_ones_over_earlier() {
    let cloud = Cloud::with_bucket(BUCKET);
    let action = action(&cloud).with("cache-control", "max-age=60").with(
        "headers",
        "* x-amz-meta-team: web\n*.js Cache-Control: max-age=31536000, immutable\n'fonts/a b*' Cache-Control:\n\
             *.html Content-Type: text/html; charset=euc-kr\nindex.html Content-Language: ko\n",
    );
    action.run().expect_exit(0);
    assert_eq!(
        header(&cloud, "index.html", "cache-control").as_deref(),
        Some("max-age=60")
    );
    assert_eq!(
        header(&cloud, "index.html", "content-type").as_deref(),
        Some("text/html; charset=euc-kr")
    );
    assert_eq!(header(&cloud, "index.html", "content-language").as_deref(), Some("ko"));
    assert_eq!(
        header(&cloud, "app.js", "cache-control").as_deref(),
        Some("max-age=31536000, immutable")
    );
    assert_eq!(header(&cloud, "fonts/a b.woff2", "cache-control"), None);
    assert_eq!(header(&cloud, "app.js", "x-amz-meta-team").as_deref(), Some("web"));
}

#[test]
fn wrong_rules_are_all_named_with_their_lines() {
    let cloud = Cloud::with_bucket(BUCKET);
    let run = action(&cloud)
        .with(
            "headers",
            "*.html\n* Cache-Control: no-cache\n* X-Frame-Options: DENY\n* x-amz-storage-class: COLD",
        )
        .run()
        .expect_exit(2);
    for expected in ["line 1", "line 3", "`X-Frame-Options`", "line 4", "`COLD`"] {
        assert!(
            run.error().contains(expected),
            "{expected} is missing in {}",
            run.error()
        );
    }
    assert_eq!(cloud.all_keys(BUCKET), Vec::<String>::new());
}

#[test]
fn changed_headers_are_repaired_in_place_and_nothing_else_is_lost() {
    let cloud = Cloud::with_acl_bucket(BUCKET);
    let first = action(&cloud)
        .with("cache-control", "max-age=60")
        .with("acl", "public-read");
    first.run().expect_exit(0);
    // What somebody else did to an object since.
    cloud.put(
        BUCKET,
        "app.js",
        &[
            ("x-amz-acl", "public-read"),
            ("x-amz-meta-owner", "somebody"),
            ("x-amz-website-redirect-location", "/elsewhere"),
            ("x-amz-storage-class", "STANDARD_IA"),
            ("x-amz-tagging", "cost=web"),
            ("content-type", "application/javascript"),
            ("cache-control", "max-age=60"),
        ],
        b"1",
    );
    let unchanged = first.run().expect_exit(0);
    assert_eq!(unchanged.output("outcome"), "unchanged", "{}", unchanged.log);

    cloud.forget_requests();
    let changed = first.with("cache-control", "no-store").run().expect_exit(0);
    assert_eq!(changed.uploaded().len(), 3, "{}", changed.log);
    for upload in changed.report["site"]["uploads"].as_array().expect("uploads") {
        assert_eq!(upload["reason"], "headers-changed");
    }
    assert_eq!(cloud.count("CopyObject"), 3, "copied in place, not sent again");
    assert_eq!(
        header(&cloud, "index.html", "cache-control").as_deref(),
        Some("no-store")
    );
    assert_eq!(
        header(&cloud, "index.html", "content-type").as_deref(),
        Some("text/html; charset=utf-8")
    );
    for (name, expected) in [
        ("cache-control", "no-store"),
        ("x-amz-meta-owner", "somebody"),
        ("x-amz-website-redirect-location", "/elsewhere"),
        ("x-amz-storage-class", "STANDARD_IA"),
        ("x-amz-tagging-count", "1"),
        ("content-type", "application/javascript"),
    ] {
        assert_eq!(header(&cloud, "app.js", name).as_deref(), Some(expected), "{name}");
    }
    assert!(cloud.acl(BUCKET, "app.js").contains("AllUsers"), "the ACL was lost");

    let again = changed_again(&cloud);
    assert_eq!(again, "unchanged");
}

/// The outcome of one more run with the settings of the last one.
fn changed_again(cloud: &Cloud) -> String {
    let run = action(cloud)
        .with("cache-control", "no-store")
        .with("acl", "public-read")
        .run()
        .expect_exit(0);
    run.output("outcome").to_owned()
}

#[test]
fn a_header_that_is_no_longer_named_is_taken_away() {
    let cloud = Cloud::with_bucket(BUCKET);
    action(&cloud)
        .with("headers", "*.js Cache-Control: immutable")
        .run()
        .expect_exit(0);
    let run = action(&cloud).run().expect_exit(0);
    assert_eq!(run.uploaded(), ["app.js"], "{}", run.log);
    assert_eq!(header(&cloud, "app.js", "cache-control"), None);
}

#[test]
fn a_changed_acl_alone_is_noticed() {
    let cloud = Cloud::with_acl_bucket(BUCKET);
    action(&cloud).run().expect_exit(0);
    assert!(!cloud.acl(BUCKET, "index.html").contains("AllUsers"));
    let run = action(&cloud).with("acl", "public-read").run().expect_exit(0);
    assert_eq!(run.output("uploaded"), "3", "{}", run.log);
    assert!(cloud.acl(BUCKET, "index.html").contains("AllUsers"));
    let again = action(&cloud).with("acl", "public-read").run().expect_exit(0);
    assert_eq!(again.output("outcome"), "unchanged", "{}", again.log);
    assert!(!again.log.contains("`acl: private`"), "{}", again.log);
    // None sends none: what is there stays, and is said.
    let none = action(&cloud).run().expect_exit(0);
    assert_eq!(none.output("outcome"), "unchanged", "{}", none.log);
    assert!(none.log.contains("`acl: private`"), "{}", none.log);
    let private = action(&cloud).with("acl", "private").run().expect_exit(0);
    assert_eq!(private.output("uploaded"), "3", "{}", private.log);
    assert!(!cloud.acl(BUCKET, "index.html").contains("AllUsers"));
}

#[test]
fn without_a_record_only_named_headers_are_repaired() {
    let cloud = Cloud::with_bucket(BUCKET);
    // As `aws s3 sync` left them: no charset, a header that nobody here names.
    for (key, content_type, body) in [
        ("index.html", "text/html", "<p>\u{c548}\u{b155}"),
        ("app.js", "application/javascript", "1"),
        ("fonts/a b.woff2", "font/woff2", "2"),
    ] {
        cloud.put(
            BUCKET,
            key,
            &[("content-type", content_type), ("content-language", "ko")],
            body.as_bytes(),
        );
    }
    let plain = action(&cloud).run().expect_exit(0);
    assert_eq!(plain.output("outcome"), "unchanged", "{}", plain.log);
    let run = action(&cloud).with("cache-control", "no-cache").run().expect_exit(0);
    assert_eq!(run.output("uploaded"), "3", "{}", run.log);
    assert_eq!(
        header(&cloud, "index.html", "cache-control").as_deref(),
        Some("no-cache")
    );
    assert_eq!(
        header(&cloud, "index.html", "content-type").as_deref(),
        Some("text/html")
    );
    assert_eq!(header(&cloud, "index.html", "content-language").as_deref(), Some("ko"));
}

#[test]
fn the_acl_that_a_bucket_refuses_is_explained() {
    let cloud = Cloud::with_bucket(BUCKET);
    let run = action(&cloud).with("acl", "everyone").run().expect_exit(2);
    assert!(
        run.error().contains("`everyone`") && run.error().contains("public-read"),
        "{}",
        run.error()
    );

    // A bucket as they are since 2023.
    let run = action(&cloud).with("acl", "public-read").run().expect_exit(1);
    assert_eq!(
        run.report["error"]["code"],
        json!("AccessControlListNotSupported"),
        "{}",
        run.log
    );
    assert!(
        run.report["error"]["hint"]
            .as_str()
            .is_some_and(|hint| hint.contains("acl")),
        "{}",
        run.log
    );
    action(&cloud)
        .with("acl", "bucket-owner-full-control")
        .run()
        .expect_exit(0);
}
