//! Variables that steer the SDK, and files of the kernel: no secret in them is repeated.

use serde_json::json;

use crate::access::{KEY, ROLE, SECRET, site, trusting};
use crate::support::{Action, Cloud, Run};

const PASSWORD: &str = "Zs3cr3tPw";

/// Fails when the password is seen anywhere.
#[track_caller]
fn assert_silent(run: &Run, cloud: &Cloud) {
    let report = run.report.to_string();
    for text in [&run.log, &run.summary, &report, &cloud.get("/github").to_string()] {
        assert!(!text.contains(PASSWORD), "{text}");
    }
}

fn with_keys(cloud: &Cloud) -> Action {
    site(cloud)
        .with("aws-access-key-id", KEY)
        .with("aws-secret-access-key", SECRET)
}

#[test]
fn addresses_in_variables_are_checked_and_not_repeated() {
    let cloud = trusting();
    let wrong = [
        format!("user:{PASSWORD}@127.0.0.1:1/"),
        format!("http://user:{PASSWORD}@127.0.0.1:1/"),
        format!("http://user:{PASSWORD}@127.0 .0.1:1/"),
        format!("ht!tp://{PASSWORD}"),
    ];
    for name in [
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_S3",
        "AWS_ENDPOINT_URL_STS",
        "AWS_ENDPOINT_URL_CLOUDFRONT",
        "AWS_ENDPOINT_URL_ELASTIC_BEANSTALK",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    ] {
        for value in &wrong {
            let run = site(&cloud).env(name, value).run().expect_exit(2);
            assert!(run.error().contains(&format!("`{name}`")), "{}", run.error());
            assert_silent(&run, &cloud);
        }
    }
    assert_eq!(cloud.operations(), Vec::<String>::new());
}

#[test]
fn addresses_of_a_profile_are_checked_and_not_repeated() {
    let cloud = trusting();
    for url in [
        format!("http://user:{PASSWORD}@127.0.0.1:1/"),
        format!("user:{PASSWORD}@h"),
    ] {
        let action = with_keys(&cloud)
            .env("AWS_ENDPOINT_URL", "")
            .file("config", format!("[default]\nendpoint_url = {url}\n"));
        let config = action.workspace().join("config");
        let run = action
            .env("AWS_CONFIG_FILE", &config.to_string_lossy())
            .run()
            .expect_exit(1);
        assert!(
            run.error().contains("profile `default`: its `endpoint_url`"),
            "{}",
            run.error()
        );
        assert_silent(&run, &cloud);
    }
}

#[test]
fn an_address_of_github_is_not_repeated() {
    let cloud = trusting();
    for url in [
        format!("user:{PASSWORD}@127.0.0.1:1/"),
        format!("http://user:{PASSWORD}@127.0 .0.1:1/"),
    ] {
        let run = with_keys(&cloud)
            .with("github-environment", "production")
            .with("github-token", "ghs_example")
            .env("GITHUB_API_URL", &url)
            .run()
            .expect_exit(0);
        assert_silent(&run, &cloud);
    }
}

#[test]
fn empty_variables_count_as_not_set() {
    let cloud = trusting();
    let mut action = with_keys(&cloud);
    for name in [
        "AWS_ENDPOINT_URL_S3",
        "AWS_ENDPOINT_URL_STS",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    ] {
        action = action.env(name, "");
    }
    action.with("allowed-account-ids", "123456789012").run().expect_exit(0);
    // Nothing else says where the store is.
    let store = with_keys(&cloud)
        .env("AWS_ENDPOINT_URL", "")
        .with("endpoint-url", &cloud.endpoint)
        .run();
    store.expect_exit(0);
    let run = site(&cloud)
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", "")
        .with("role-to-assume", ROLE)
        .run()
        .expect_exit(1);
    assert!(
        run.error().contains("may not ask GitHub for an OIDC token"),
        "{}",
        run.error()
    );
}

#[test]
fn files_that_the_kernel_makes_up_are_not_read() {
    let cloud = trusting();
    cloud.add_environment("web", "web-prod", &json!({}));
    let environ = "/proc/self/environ";
    let backend = || {
        Action::new(&cloud)
            .with("application-name", "web")
            .with("environment-name", "web-prod")
            .with("package", "app")
            .file("app/main.py", "print(1)")
    };
    for (action, text) in [
        (
            Action::new(&cloud)
                .with("distribution", "E1")
                .with("paths-from", environ),
            "`paths-from` is `/proc/self/environ`, which cannot be read: it is not a regular file",
        ),
        (
            backend().with("option-settings", environ),
            "`option-settings` is neither",
        ),
        (backend().with("package-ignore-file", environ), "`package-ignore-file`"),
        (
            backend().with("package", environ),
            "neither a directory nor a regular file",
        ),
        (site(&cloud).with("source", "/proc/self"), "`source` is `/proc/self`"),
    ] {
        let run = action.env("APP_PASSWORD", PASSWORD).run().expect_exit(2);
        assert!(run.error().contains(text), "{}", run.error());
        assert_silent(&run, &cloud);
    }
    let link = |action: &Action, path: &str, target: &str| {
        std::os::unix::fs::symlink(target, action.workspace().join(path)).expect("a link");
    };
    let action = with_keys(&cloud).env("APP_PASSWORD", PASSWORD);
    link(&action, "public/environ.txt", environ);
    link(&action, "public/self", "/proc/self");
    let run = action.run().expect_exit(0);
    assert_eq!(run.uploaded(), ["index.html"]);
    let warnings = run.report["site"]["warnings"].to_string();
    assert_eq!(warnings.matches("what the kernel makes up").count(), 2, "{warnings}");

    let action = backend();
    link(&action, "app/.ebignore", environ);
    let run = action.env("APP_PASSWORD", PASSWORD).run().expect_exit(1);
    assert_silent(&run, &cloud);
    for variable in ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"] {
        let run = with_keys(&cloud).env(variable, environ).run().expect_exit(1);
        assert!(run.error().contains("it is not a regular file"), "{}", run.error());
    }
}

#[test]
fn a_short_secret_is_in_no_file_either() {
    let cloud = trusting();
    cloud.post("/identity", &json!({"access_key": "minio", "secret_key": "h0rse"}));
    let run = site(&cloud)
        .with("aws-access-key-id", "minio")
        .with("aws-secret-access-key", "h0rse")
        .with("github-environment", "production")
        .with("github-token", "tok1")
        .with("verify-site", "http://127.0.0.1:9/h0rse contains h0rse")
        .with("verify-timeout", "1")
        .github("ref", "refs/heads/h0rse-tok1")
        .file("public/h0rse/tok1.txt", "1")
        .run()
        .expect_exit(1);
    let report = run.report.to_string();
    let log: Vec<&str> = run.log.lines().filter(|line| !line.contains("add-mask")).collect();
    for text in [
        &log.join("\n"),
        &run.summary,
        &report,
        &cloud.get("/github").to_string(),
    ] {
        assert!(!text.contains("h0rse") && !text.contains("tok1"), "{text}");
    }
    assert!(report.contains("***/***.txt"), "{report}");
}
