//! What is never published: release records, wherever they are, and what Git keeps.

use crate::support::{Action, Cloud};

const BUCKET: &str = "my-bucket";

fn cloud() -> Cloud {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.set_versioning(BUCKET, "Enabled");
    cloud
}

fn site(cloud: &Cloud, run: u32) -> Action {
    Action::new(cloud)
        .github("run_id", &format!("700{run}"))
        .github("run_number", &run.to_string())
        .with("bucket", BUCKET)
        .with("source", "site")
        .with("delete", "true")
        .with("max-delete", "100%")
}

fn docs(cloud: &Cloud, run: u32, text: &str) -> Action {
    site(cloud, run)
        .with("prefix", "docs")
        .with("history", "s3://my-bucket/records")
        .file("site/index.html", text)
}

#[test]
fn records_of_another_history_are_neither_deleted_nor_overwritten() {
    let cloud = cloud();
    docs(&cloud, 1, "one").run().expect_exit(0);
    docs(&cloud, 2, "two").run().expect_exit(0);
    let records: Vec<String> = cloud
        .all_keys(BUCKET)
        .into_iter()
        .filter(|key| key.starts_with("records/"))
        .collect();
    assert!(records.len() >= 6, "{records:?}");
    let bodies = |cloud: &Cloud| -> Vec<Vec<u8>> {
        let bodies = records
            .iter()
            .map(|key| cloud.object(BUCKET, key).expect("a record").body);
        bodies.collect()
    };
    let before = bodies(&cloud);
    for (run, history) in [
        (3, None),
        (4, Some("s3://my-bucket/elsewhere")),
        (5, Some("s3://my-bucket")),
    ] {
        let mut other = site(&cloud, run)
            .with("exclude", "docs/*")
            .with("delete-after", "*.none 1d")
            .file("site/index.html", format!("other {run}"))
            .file("site/releases/1604188800000-notes.json", "{}");
        if let Some(history) = history {
            other = other.with("history", history);
        }
        for key in &records {
            other = other.file(&format!("site/{key}"), "overwritten");
        }
        let run = other.run().expect_exit(0);
        assert!(run.log.contains("release records of another `history`"), "{}", run.log);
        let warnings = run.report["site"]["warnings"].to_string();
        assert!(
            warnings.contains("belongs where release records are") && warnings.contains("records/site/"),
            "{warnings}"
        );
        assert!(cloud.object(BUCKET, "releases/1604188800000-notes.json").is_some());
        assert_eq!(bodies(&cloud), before);
    }
    let back = docs(&cloud, 6, "").with("command", "rollback").run().expect_exit(0);
    assert_eq!(
        cloud.object(BUCKET, "docs/index.html").expect("a page").text(),
        "one",
        "{}",
        back.log
    );
}

#[test]
fn a_site_inside_of_the_folder_of_records_is_refused() {
    let cloud = cloud();
    for (prefix, history) in [
        ("records/site", "s3://my-bucket/records"),
        ("records/site/my-bucket/docs", "s3://my-bucket/records/"),
        ("records/backend/x", "s3://my-bucket/records"),
        ("cdn", "s3://my-bucket//"),
        (".aws-web-deploy/site", "s3://my-bucket"),
    ] {
        let step = site(&cloud, 1).file("site/index.html", "x");
        let run = step.with("prefix", prefix).with("history", history).run();
        if history.ends_with("//") {
            // Its folders begin with a slash: the prefix is none of them.
            run.expect_exit(0);
            continue;
        }
        let run = run.expect_exit(2);
        assert!(run.log.contains("`prefix` is `"), "{}", run.log);
    }
    cloud.forget_requests();
    let run = site(&cloud, 2)
        .with("prefix", "p")
        .with("history", "s3://my-bucket/p")
        .file("site/site/index.html", "x")
        .run()
        .expect_exit(1);
    assert!(
        run.error().contains("where release records are: `site/index.html`"),
        "{}",
        run.error()
    );
    assert_eq!(cloud.count("PutObject"), 0);
}

#[test]
fn what_is_in_git_is_no_source_and_no_package() {
    let cloud = cloud();
    let step = |input: &str, path: &str| {
        let step = Action::new(&cloud)
            .file("repo/.git/config", "[credential]")
            .file("repo/.git/hooks/index.html", "x")
            .file("repo/.git/old.zip", "PK")
            .file("repo/src/index.html", "x");
        let workspace = step.workspace();
        std::os::unix::fs::symlink(".git", workspace.join("repo/site")).expect("a link");
        std::os::unix::fs::symlink("repo/site/hooks", workspace.join("hooks")).expect("a link");
        match input {
            "source" => step.with("bucket", BUCKET).with("source", path),
            _ => step
                .with("application-name", "web")
                .with("package", path)
                .with("aws-region", "us-east-1"),
        }
    };
    for path in [
        "repo/.git",
        "repo/.git/hooks",
        "repo/src/../.git",
        "repo/site",
        "hooks",
        "repo/./.git/",
    ] {
        for input in ["source", "package"] {
            let run = step(input, path).run().expect_exit(2);
            let said = format!("`{input}` is `{path}`, which is `");
            assert!(
                run.log.contains(&said) && run.log.contains("repo/.git"),
                "{path}: {}",
                run.log
            );
        }
    }
    let archive = step("package", "repo/.git/old.zip").run().expect_exit(2);
    assert!(archive.log.contains("never uploaded"), "{}", archive.log);
    let other = step("source", "other/.GIT").file("other/.GIT/index.html", "x");
    other.run().expect_exit(0);
    assert!(cloud.object(BUCKET, "index.html").is_some());
}
