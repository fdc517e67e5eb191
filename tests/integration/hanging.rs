//! Asked to stop while a request hangs, whichever it is: exit code 130 within six seconds, and nothing that is not so.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::support::{Action, Cloud, Run};

const BUCKET: &str = "site-bucket";
const ROLE: &str = "arn:aws:iam::123456789012:role/deploy";
/// What a cancelled job waits for before it kills is 10 s: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-cancellation>.
const LIMIT: Duration = Duration::from_secs(6);

/// A request that hangs, and what the run needs to come to it.
struct Stage {
    name: &'static str,
    fault: Value,
    inputs: &'static [(&'static str, &'static str)],
    setup: Setup,
}

#[derive(Clone, Copy, PartialEq)]
enum Setup {
    Usual,
    Role,
    FailingUpdate,
    LargeFile,
    SiteThatFailsAfterARelease,
    /// From then on every request hangs.
    NetworkGone,
}

fn stage(name: &'static str, fault: Value) -> Stage {
    Stage {
        name,
        fault,
        inputs: &[],
        setup: Setup::Usual,
    }
}

fn with(name: &'static str, fault: Value, inputs: &'static [(&'static str, &'static str)]) -> Stage {
    Stage {
        inputs,
        ..stage(name, fault)
    }
}

fn after(setup: Setup, name: &'static str, fault: Value) -> Stage {
    Stage {
        setup,
        ..stage(name, fault)
    }
}

fn s3(operation: &str, part: &str) -> Value {
    json!({"service": "s3", "operation": operation, "match": part})
}

fn operation(name: &str) -> Value {
    json!({"operation": name})
}

fn with_effect(mut fault: Value) -> Value {
    fault["when"] = json!("after");
    fault
}

fn reads() -> Vec<Stage> {
    vec![
        after(Setup::Role, "GitHub's OIDC token", json!({"service": "oidc"})),
        after(Setup::Role, "the role", operation("AssumeRoleWithWebIdentity")),
        stage("the caller", operation("GetCallerIdentity")),
        stage("the bucket", operation("HeadBucket")),
        stage("versioning", operation("GetBucketVersioning")),
        stage("the listing", operation("ListObjectsV2")),
        stage("records", s3("ListObjectsV2", "delimiter")),
        stage("headers", s3("HeadObject", "same.txt")),
        stage("the distribution", operation("GetDistributionConfig")),
        stage("environments", operation("DescribeEnvironments")),
        stage("versions", operation("DescribeApplicationVersions")),
        stage("the environment's settings", operation("DescribeConfigurationSettings")),
        stage("events", operation("DescribeEvents")),
        stage(
            "a poll",
            json!({"operation": "DescribeEnvironments", "skip": 2, "times": -1}),
        ),
        after(
            Setup::FailingUpdate,
            "the request for logs",
            operation("RequestEnvironmentInfo"),
        ),
        after(
            Setup::FailingUpdate,
            "the list of logs",
            operation("RetrieveEnvironmentInfo"),
        ),
        after(Setup::FailingUpdate, "a log", json!({"service": "logs"})),
        with("verify-url", json!({"service": "app"}), &[("verify-url", "APP")]),
        with("verify-site", json!({"service": "viewer"}), &[("verify-site", "SITE")]),
        with(
            "the invalidation's end",
            operation("GetInvalidation"),
            &[("wait-for-invalidation", "true")],
        ),
        after(
            Setup::SiteThatFailsAfterARelease,
            "the way back",
            operation("ListObjectVersions"),
        ),
    ]
}

fn writes() -> Vec<Stage> {
    vec![
        stage("a GitHub Deployment", operation("CreateDeployment")),
        stage("its first status", operation("CreateDeploymentStatus")),
        stage(
            "its last status",
            json!({"operation": "CreateDeploymentStatus", "skip": 1}),
        ),
        stage("the keys that will change", s3("PutObject", "planned.jsonl")),
        stage("the record's start", s3("PutObject", "started.json")),
        stage("the bundles' bucket", operation("CreateStorageLocation")),
        stage("the stored bundle", s3("HeadObject", "my-app/v1.zip")),
        stage("the bundle", s3("PutObject", "my-app/v1.zip")),
        stage("the version", operation("CreateApplicationVersion")),
        stage("the update", operation("UpdateEnvironment")),
        stage("the update's answer", with_effect(operation("UpdateEnvironment"))),
        stage("an upload", s3("PutObject", "app.js")),
        stage("a page", s3("PutObject", "index.html")),
        stage("an upload's answer", with_effect(s3("PutObject", "app.js"))),
        after(Setup::LargeFile, "a large file", operation("CreateMultipartUpload")),
        after(Setup::LargeFile, "a part", operation("UploadPart")),
        after(Setup::LargeFile, "the last part", operation("CompleteMultipartUpload")),
        stage("an ACL", operation("GetObjectAcl")),
        stage("a copy", operation("CopyObject")),
        stage("the last delete", operation("DeleteObjects")),
        stage("the last delete's answer", with_effect(operation("DeleteObjects"))),
        stage("the invalidation", operation("CreateInvalidation")),
        stage(
            "the invalidation's answer",
            with_effect(operation("CreateInvalidation")),
        ),
        stage("the keys that changed", s3("PutObject", "changed.jsonl")),
        stage(
            "the record's end",
            json!({"service": "s3", "operation": "PutObject", "match": "/releases/", "skip": 2, "times": -1}),
        ),
        with(
            "an old version",
            operation("DeleteApplicationVersion"),
            &[("keep-versions", "1")],
        ),
        after(
            Setup::NetworkGone,
            "all from the record on",
            s3("PutObject", "started.json"),
        ),
        after(
            Setup::NetworkGone,
            "all from an update on",
            operation("UpdateEnvironment"),
        ),
        after(Setup::NetworkGone, "all from an upload on", s3("PutObject", "app.js")),
        after(
            Setup::NetworkGone,
            "all from the last delete on",
            operation("DeleteObjects"),
        ),
        after(
            Setup::NetworkGone,
            "all from the invalidation on",
            operation("CreateInvalidation"),
        ),
    ]
}

fn cloud(stage: &Stage) -> Cloud {
    let cloud = Cloud::with_all_parts(BUCKET);
    cloud.post("/cloudfront/settings", &json!({"invalidation_seconds": 0}));
    let scenario = match stage.setup {
        Setup::FailingUpdate => "fails",
        _ => "success",
    };
    cloud.set_scenario("my-app-prod", scenario, &json!({"seconds": 0.1}));
    cloud.put(BUCKET, "same.txt", &[], b"same");
    cloud.put(BUCKET, "old.css", &[], b"old");
    for label in ["ancient-1", "ancient-2"] {
        cloud.post(
            "/beanstalk/versions",
            &json!({"application": "my-app", "version_label": label}),
        );
    }
    if stage.setup == Setup::Role {
        let trust = json!([{"role": ROLE, "sub": "repo:octo/site:*"}]);
        cloud.post(
            "/oidc",
            &json!({"sub": "repo:octo/site:ref:refs/heads/main", "trust": trust}),
        );
    }
    cloud
}

fn deploy(cloud: &Cloud, stage: &Stage) -> Action {
    let mut action = match stage.setup {
        Setup::Role => Action::without_credentials(cloud)
            .id_token(cloud)
            .with("role-to-assume", ROLE),
        _ => Action::new(cloud),
    };
    for (name, value) in [
        ("bucket", BUCKET),
        ("source", "site"),
        ("cache-control", "max-age=60"),
        ("delete", "true"),
        ("distribution", "E1EXAMPLE"),
        ("application-name", "my-app"),
        ("environment-name", "my-app-prod"),
        ("package", "app"),
        ("version-label", "v1"),
        ("poll-interval", "1"),
        ("github-environment", "production"),
    ]
    .iter()
    .chain(stage.inputs)
    {
        let value = match *value {
            "APP" => format!("{}/_app/my-app-prod/", cloud.endpoint),
            // Only its answer matters here.
            "SITE" => format!("{}/_viewer/{BUCKET}.s3/index.html 403", cloud.endpoint),
            value => value.to_owned(),
        };
        action = action.with(name, &value);
    }
    if stage.setup == Setup::LargeFile {
        action = action.file("site/large.bin", vec![b'x'; 17 << 20]);
    }
    action
        .file("site/index.html", "new")
        .file("site/app.js", "new")
        .file("site/same.txt", "same")
        .file("app/application.py", "print(1)")
}

/// Stops a run in `stage`, once its request hangs: what it came to, and how long it took.
fn stopped(stage: &Stage, signal: &str) -> (Cloud, Run, Duration) {
    let cloud = cloud(stage);
    let mut action = deploy(&cloud, stage);
    if stage.setup == Setup::SiteThatFailsAfterARelease {
        action.run().expect_exit(0);
        action.write("site/index.html", "newer");
        let nobody = format!("{}/_viewer/{BUCKET}.s3/nobody.html 200", cloud.endpoint);
        action = action
            .with("version-label", "v2")
            .with("on-failure", "rollback")
            .with("verify-timeout", "1")
            .with("verify-site", &nobody);
    }
    let go = action.workspace().with_file_name("go");
    let action = action.signal_at(signal, &go);
    cloud.hold(&stage.fault);
    let (run, took) = std::thread::scope(|scope| {
        let running = scope.spawn(|| action.run());
        while cloud.held() == 0 {
            assert!(
                !running.is_finished(),
                "{}: nothing hung: {}",
                stage.name,
                running.join().expect("a run").log
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        if stage.setup == Setup::NetworkGone {
            cloud.hold(&json!({"times": -1}));
        }
        std::fs::write(&go, "").expect("a file");
        let asked = Instant::now();
        (running.join().expect("a run"), asked.elapsed())
    });
    (cloud, run, took)
}

fn check(stage: &Stage, signal: &str) {
    let (mut cloud, mut run, mut took) = stopped(stage, signal);
    for _ in 0..3 {
        if took > LIMIT {
            // The machine may have been busy: what is slow by itself is so again.
            (cloud, run, took) = stopped(stage, signal);
        }
    }
    let case = format!("{} {signal}: {took:?}\n{}", stage.name, run.log);
    assert!(took <= LIMIT, "{case}");
    assert_eq!(run.exit_code, 130, "{case}");
    assert_eq!(run.output("outcome"), "cancelled", "{case}");
    assert_eq!(run.report["outcome"], "cancelled", "{case}");
    assert!(run.messages("error").is_empty(), "{case}");
    // Whatever it has left half done, the next run makes whole.
    cloud.release();
    let is_usual = matches!(stage.setup, Setup::Usual | Setup::NetworkGone);
    if is_usual && signal == "INT" {
        until_ready(&cloud);
        let next = deploy(&cloud, stage).run();
        assert_eq!(next.exit_code, 0, "{case}\n{}", next.log);
        assert_eq!(cloud.keys(BUCKET), ["app.js", "index.html", "same.txt"], "{case}");
        let invalidated = cloud.invalidations().concat();
        for path in ["/app.js", "/index.html", "/old.css", "/same.txt"] {
            assert!(
                invalidated.iter().any(|each| each == path || each == "/*"),
                "{path} {case}\n{}",
                next.log
            );
        }
    }
}

fn until_ready(cloud: &Cloud) {
    for _ in 0..400 {
        let state = cloud.get("/beanstalk");
        if state["us-east-1"]["environments"][0]["Status"] == "Ready" {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("the environment does not become Ready");
}

/// All stages, some at a time.
fn all(stages: &[Stage], signal: &str) {
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(stage) = stages.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    check(stage, signal);
                }
            });
        }
    });
}

#[test]
fn a_read_that_hangs_ends_soon_after_sigint() {
    all(&reads(), "INT");
}

#[test]
fn a_read_that_hangs_ends_soon_after_sigterm() {
    all(&reads(), "TERM");
}

#[test]
fn a_write_that_hangs_ends_soon_after_sigint() {
    all(&writes(), "INT");
}

#[test]
fn a_write_that_hangs_ends_soon_after_sigterm() {
    all(&writes(), "TERM");
}
