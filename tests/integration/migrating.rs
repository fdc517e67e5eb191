//! Steps of old actions with nothing but `uses:` swapped: what their variables mean, and what was never meant.

use crate::support::{Action, Cloud};

const BUCKET: &str = "my-bucket";

fn cloud() -> Cloud {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.post(
        "/cloudfront",
        &serde_json::json!({"id": "E1EXAMPLE", "origins": [{"domain": "my-bucket.s3.us-east-1.amazonaws.com"}]}),
    );
    cloud.forget_requests();
    cloud
}

/// A step of a job whose variables are those of both old actions.
fn step(cloud: &Cloud) -> Action {
    Action::new(cloud)
        .env("AWS_S3_BUCKET", BUCKET)
        .env("DISTRIBUTION", "E1EXAMPLE")
        .env("PATHS", "/index.html /a.css")
        .file("public/index.html", "<h1>hello</h1>")
        .file("public/a.map", "{}")
        .file("README.md", "# site")
}

#[test]
fn steps_of_one_job_do_what_the_old_ones_did() {
    let cloud = cloud();
    step(&cloud)
        .with("args", "--exclude 'public/*.map' --exclude README.md")
        .run()
        .expect_exit(0);
    assert_eq!(cloud.keys(BUCKET), ["public/index.html"]);
    assert_eq!(cloud.count("CreateInvalidation"), 0);

    cloud.forget_requests();
    step(&cloud).run().expect_exit(0);
    assert_eq!(
        cloud.keys(BUCKET),
        ["public/index.html"],
        "nothing is synced a second time"
    );
    assert_eq!(cloud.count("CreateInvalidation"), 1);

    cloud.forget_requests();
    let run = step(&cloud).env("SOURCE_DIR", "public").run().expect_exit(2);
    assert!(run.error().contains("syncs or invalidates"), "{}", run.error());
    assert_eq!(cloud.operations(), Vec::<String>::new());
}

#[test]
fn variables_are_expanded_as_the_old_shell_did() {
    let cloud = cloud();
    let sync = || {
        Action::new(&cloud)
            .env("AWS_S3_BUCKET", BUCKET)
            .env("SOURCE_DIR", "${SITE}")
            .env("SITE", "public")
            .with("args", "--cache-control max-age=$AGE --exclude '$AGE'")
            .file("public/index.html", "<h1>hello</h1>")
    };
    let run = sync()
        .env("DEST_DIR", "docs/$GITHUB_REF_NAME")
        .env("AGE", "60")
        .github("ref_name", "main")
        .run()
        .expect_exit(0);
    let object = cloud.object(BUCKET, "docs/main/index.html").expect("the page");
    assert_eq!(object.header("cache-control"), Some("max-age=60"));
    assert!(run.log.contains("`args`: `$AGE` is expanded to `60`"), "{}", run.log);

    sync()
        .env("DEST_DIR", "'my docs'")
        .env("AGE", "60")
        .run()
        .expect_exit(0);
    assert!(cloud.keys(BUCKET).contains(&"my docs/index.html".to_owned()));
    for (value, part) in [
        ("docs;v1", "holds `;`"),
        ("docs*", "holds `*`"),
        ("it's", "quote that is not closed"),
    ] {
        let run = sync().env("AGE", "60").env("DEST_DIR", value).run().expect_exit(2);
        assert!(run.error().contains(part), "{value}: {}", run.error());
    }
    sync()
        .env("AGE", "60")
        .env("AWS_S3_BUCKET", "my-bucket/below")
        .env("DEST_DIR", "docs")
        .run()
        .expect_exit(0);
    assert!(cloud.keys(BUCKET).contains(&"below/docs/index.html".to_owned()));

    let run = sync().run().expect_exit(2);
    assert!(run.error().contains("`$AGE`, which is not set"), "{}", run.error());
    let run = sync().env("AGE", "60").env("DEST_DIR", "$(date)").run().expect_exit(2);
    assert!(run.error().contains("`DEST_DIR` holds `$(…)`"), "{}", run.error());
}

#[test]
fn secrets_in_the_source_stop_the_run_and_a_whole_checkout_is_named() {
    let cloud = cloud();
    let site = || {
        Action::new(&cloud)
            .with("bucket", BUCKET)
            .file("index.html", "<h1>hello</h1>")
            .file(".git/config", "")
            .file(".env", "TOKEN=1")
            .file("server.pem", "key")
    };
    let run = site().run().expect_exit(2);
    assert!(run.error().contains("holds `.env`, `server.pem`"), "{}", run.error());
    assert_eq!(cloud.operations(), Vec::<String>::new());
    let check = site().with("command", "check").run().expect_exit(1);
    assert!(check.log.contains("holds `.env`, `server.pem`"), "{}", check.log);
    let check = site().with("command", "check").with("exclude", ".env\n*.pem").run();
    assert!(!check.log.contains("should not be published"), "{}", check.log);

    let run = site().with("include", ".env\nserver.pem").run().expect_exit(0);
    let warnings = run.messages("warning").concat();
    assert!(
        warnings.contains("the whole checkout is published: `.env`, `index.html`"),
        "{warnings}"
    );
    assert_eq!(cloud.keys(BUCKET), [".env", "index.html", "server.pem"]);

    let run = site().with("exclude", ".env\n*.pem").run().expect_exit(0);
    assert_eq!(run.messages("warning"), Vec::<&str>::new());
}

#[test]
fn wrong_inputs_are_a_table_in_the_summary() {
    let cloud = cloud();
    let run = Action::new(&cloud)
        .with("bucket", "arn:aws:s3:::my-bucket")
        .with("distribution", "E1, E2")
        .with("zip_file", "deploy.zip")
        .run()
        .expect_exit(2);
    assert!(run.error().starts_with("3 input errors:"), "{}", run.error());
    assert!(run.summary.starts_with("## ❌ Wrong inputs"), "{}", run.summary);
    assert_eq!(run.summary.matches("\n- <code>").count(), 3, "{}", run.summary);
    assert!(
        run.summary.contains("<code>prefix") || run.summary.contains("<code>bucket"),
        "{}",
        run.summary
    );
}

#[test]
fn a_pattern_that_matches_nothing_is_named_once() {
    let cloud = cloud();
    cloud.put(BUCKET, "uploads/1.png", &[], b"x");
    let run = Action::new(&cloud)
        .with("bucket", BUCKET)
        .with("source", "public")
        .with("delete", "true")
        .with("exclude", "uploads/*\n*.mpa\n*.map")
        .with("args", "--exclude '.git/*'")
        .file("public/index.html", "<h1>hello</h1>")
        .file("public/a.map", "{}")
        .run()
        .expect_exit(0);
    assert_eq!(
        run.log.matches("matches no file and no object").count(),
        1,
        "{}",
        run.log
    );
    assert!(run.log.contains("`*.mpa` matches no file and no object"), "{}", run.log);
    assert_eq!(cloud.keys(BUCKET), ["index.html", "uploads/1.png"]);
}
