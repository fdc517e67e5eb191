//! Ways to AWS: private authorities, containers without certificates, proxies, and networks that lead nowhere.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Action, Cloud, Run, project, python};

/// TLS and a proxy in front of a cloud.
struct Front {
    tls: u64,
    proxy: u64,
    directory: TempDir,
    process: Child,
}

impl Front {
    fn of(cloud: &Cloud) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let target = cloud.endpoint.trim_start_matches("http://");
        let mut process = Command::new(python())
            .args(["-m", "cloud.front"])
            .arg(directory.path())
            .arg(target)
            .current_dir(project().join("tests"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the front starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("a pipe"))
            .read_line(&mut line)
            .expect("the front answers");
        let ports: Value = serde_json::from_str(&line).expect("JSON");
        Self {
            tls: ports["tls"].as_u64().expect("a port"),
            proxy: ports["proxy"].as_u64().expect("a port"),
            directory,
            process,
        }
    }

    fn ca(&self) -> String {
        self.directory.path().join("ca.pem").to_string_lossy().into_owned()
    }

    /// What the proxy was asked.
    fn proxied(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("proxy.log")).expect("the proxy's log")
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        // It ends with its stdin; waiting leaves no zombie behind.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// A step that asks STS who it is, and stops: the account is not allowed.
fn who_am_i(cloud: &Cloud) -> Action {
    Action::new(cloud)
        .with("distribution", "E1")
        .with("paths", "/*")
        .with("allowed-account-ids", "111122223333")
        .env("AWS_MAX_ATTEMPTS", "1")
}

#[track_caller]
fn assert_reached(run: &Run) {
    assert_eq!(run.exit_code, 1, "{}", run.log);
    assert!(run.error().contains("the account 123456789012"), "{}", run.error());
}

#[track_caller]
fn assert_error(run: &Run, parts: &[&str]) {
    assert_eq!(run.exit_code, 1, "{}", run.log);
    for part in parts {
        assert!(run.error().contains(part), "`{part}` is not in:\n{}", run.error());
    }
    assert!(!run.error().contains("dispatch failure"), "{}", run.error());
}

#[test]
fn a_private_authority_is_trusted_by_aws_ca_bundle() {
    let cloud = Cloud::start();
    let front = Front::of(&cloud);
    let step = || who_am_i(&cloud).env("AWS_ENDPOINT_URL", &format!("https://localhost:{}", front.tls));
    assert_reached(&step().env("AWS_CA_BUNDLE", &front.ca()).run());
    assert_error(
        &step().run(),
        &["signed by an authority that is not trusted here", "`AWS_CA_BUNDLE`"],
    );
}

#[test]
fn a_container_without_certificates_works_all_the_same() {
    let cloud = Cloud::start();
    let front = Front::of(&cloud);
    let none = front.directory.path().join("none.pem");
    std::fs::write(&none, "").expect("a file");
    let step = || {
        who_am_i(&cloud)
            .env("AWS_ENDPOINT_URL", &format!("https://localhost:{}", front.tls))
            .env("SSL_CERT_FILE", &none.to_string_lossy())
    };
    assert_reached(&step().env("AWS_CA_BUNDLE", &front.ca()).run());
    assert_error(&step().run(), &["not trusted here"]);
}

#[test]
fn a_bundle_that_cannot_be_used_is_said_before_anything_is_sent() {
    let cloud = Cloud::start();
    let missing = who_am_i(&cloud).env("AWS_CA_BUNDLE", "/no/such/bundle.pem").run();
    assert_error(
        &missing,
        &["cannot read the certificates of `AWS_CA_BUNDLE`, `/no/such/bundle.pem`"],
    );
    let step = who_am_i(&cloud).file("bundle.pem", "garbage");
    let path = step.workspace().join("bundle.pem");
    let garbage = step.env("AWS_CA_BUNDLE", &path.to_string_lossy()).run();
    assert_error(&garbage, &["there is no certificate in it"]);
    assert_eq!(cloud.operations(), Vec::<String>::new());
}

#[test]
fn https_goes_through_the_proxy_with_its_password() {
    let cloud = Cloud::start();
    let front = Front::of(&cloud);
    let run = who_am_i(&cloud)
        .env("AWS_ENDPOINT_URL", "https://aws.example.test")
        .env("AWS_CA_BUNDLE", &front.ca())
        .env(
            "HTTPS_PROXY",
            &format!("http://somebody:hunter2@127.0.0.1:{}", front.proxy),
        )
        .run();
    assert_reached(&run);
    let asked = front.proxied();
    assert!(asked.starts_with("CONNECT aws.example.test:443 "), "{asked}");
    assert!(
        asked
            .to_lowercase()
            .contains("proxy-authorization: basic c29tzwjvzhk6ahvudgvymg=="),
        "{asked}"
    );
    assert!(run.raw["masks"].to_string().contains("hunter2"), "{}", run.raw["masks"]);
}

#[test]
fn plain_http_goes_through_the_proxy_of_either_case() {
    for name in ["http_proxy", "HTTP_PROXY", "ALL_PROXY"] {
        let cloud = Cloud::start();
        let front = Front::of(&cloud);
        let run = who_am_i(&cloud)
            .env("AWS_ENDPOINT_URL", "http://aws.example.test")
            .env(name, &format!("127.0.0.1:{}", front.proxy))
            .run();
        assert_reached(&run);
        assert!(
            front.proxied().contains("http://aws.example.test/"),
            "{name}: {}",
            front.proxied()
        );
    }
}

#[test]
fn no_proxy_and_this_machine_are_reached_directly() {
    let cloud = Cloud::start();
    let front = Front::of(&cloud);
    let proxy = format!("http://127.0.0.1:{}", front.proxy);
    assert_reached(
        &who_am_i(&cloud)
            .env("HTTP_PROXY", &proxy)
            .env("ALL_PROXY", &proxy)
            .run(),
    );
    let run = who_am_i(&cloud)
        .env("AWS_ENDPOINT_URL", "http://aws.example.test")
        .env("HTTP_PROXY", &proxy)
        .env("NO_PROXY", ".example.test")
        .run();
    assert_error(
        &run,
        &[
            "cannot find out whose credentials these are: its host name cannot be resolved (DNS)",
            "`aws-region`",
        ],
    );
    assert_eq!(front.proxied(), "");
}

#[test]
fn a_service_may_have_an_endpoint_of_its_own() {
    let cloud = Cloud::with_bucket("my-site");
    Action::new(&cloud)
        .with("bucket", "my-site")
        .with("source", "public")
        .file("public/index.html", "hello")
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        .env("AWS_ENDPOINT_URL_S3", &cloud.endpoint)
        .run()
        .expect_exit(0);
    let run = who_am_i(&cloud)
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        .env("AWS_ENDPOINT_URL_STS", &cloud.endpoint)
        .run();
    assert_reached(&run);
}

#[test]
fn a_network_that_leads_nowhere_is_told_in_words() {
    let cloud = Cloud::start();
    let run = who_am_i(&cloud).env("AWS_ENDPOINT_URL", "http://127.0.0.1:1").run();
    assert_error(&run, &["the connection was refused", "`HTTPS_PROXY`"]);
    let run = who_am_i(&cloud).env("HTTPS_PROXY", "socks5://127.0.0.1:1").run();
    assert_error(
        &run,
        &["cannot use the proxy in the environment variable `HTTPS_PROXY`"],
    );
}

#[test]
fn payloads_are_signed_on_a_way_that_is_not_encrypted() {
    let cloud = Cloud::with_bucket("site-bucket");
    let front = Front::of(&cloud);
    let step = |endpoint: &str| {
        let run = Action::new(&cloud)
            .with("bucket", "site-bucket")
            .with("source", "site")
            .with("endpoint-url", endpoint)
            .env("HTTP_PROXY", &format!("http://127.0.0.1:{}", front.proxy))
            .file("site/index.html", "one")
            .with("force", "true");
        cloud.forget_requests();
        run.run().expect_exit(0)
    };
    let unsigned = || {
        let all = cloud.requests();
        let puts = all.iter().filter(|one| one["operation"] == "PutObject");
        let kinds: Vec<bool> = puts
            .map(|one| {
                let digest = one["headers"]["x-amz-content-sha256"].as_str().unwrap_or_default();
                digest.contains("UNSIGNED")
            })
            .collect();
        assert!(kinds.len() >= 2, "{all:?}");
        kinds
    };
    let run = step("http://localstack");
    let text = "credentials and content travel unencrypted to `localstack`";
    assert!(
        run.messages("warning").iter().any(|one| one.contains(text)),
        "{}",
        run.log
    );
    assert!(unsigned().iter().all(|unsigned| !unsigned), "{:?}", unsigned());
    // On this machine nobody stands between.
    step(&cloud.endpoint);
    assert!(unsigned().iter().any(|unsigned| *unsigned), "{:?}", unsigned());
}
