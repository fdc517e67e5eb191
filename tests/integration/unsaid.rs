//! What no message says: secrets, whatever they look like, and values of inputs that may hold some.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::backend::{cloud, deploy, scenario};
use super::support::{Action, Cloud, Run};

#[track_caller]
fn assert_unsaid(run: &Run, secret: &str) {
    // The command that has the runner mask it is not a part of the log that anybody sees.
    let log: String = run
        .log
        .lines()
        .filter(|line| !line.starts_with("::add-mask::"))
        .collect();
    for text in [
        log,
        run.summary.clone(),
        run.report.to_string(),
        format!("{:?}", run.outputs),
    ] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn addresses_and_settings_that_are_wrong_are_not_repeated() {
    let cloud = Cloud::with_bucket("my-bucket");
    for address in [
        "HTTPS://me:hunter2@example.org",
        "ftp://me:hunter2@example.org/x",
        "//me:hunter2@example.org",
        "https:/me:hunter2@example.org",
        "me:hunter2@example.org",
        "https://me:hun ter2@example.org?hunter2",
        "ws://example.org/?token=hunter2",
        "example.org/#access_token=hunter2",
        "s3x://example.org/?X-Amz-Signature=hunter2",
    ] {
        let run = Action::new(&cloud)
            .with("bucket", "my-bucket")
            .with("source", "site")
            .with("application-name", "web")
            .with("environment-name", "web-prod")
            .with("package", "site")
            .with(
                "verify-site",
                &format!("{address}\nhttps://example.org/?token=hunter2 hello"),
            )
            .with("verify-url", address)
            .with("site-url", address)
            .with("history", address)
            .with("args", &format!("'--endpoint-url={address}' '{address}'"))
            .with("option-settings", "settings.json")
            .file("settings.json", r#"[{"Namespace": "n", "hunter2": "hunter2"}]"#)
            .file("site/index.html", "x")
            .run()
            .expect_exit(2);
        assert_unsaid(&run, "hunter2");
        for name in [
            "`verify-site`",
            "`verify-url`",
            "`site-url`",
            "`history`",
            "`args`",
            "`option-settings`",
        ] {
            assert!(run.log.contains(name), "{name} is not named:\n{}", run.log);
        }
    }
}

#[test]
fn secrets_are_found_escaped_and_encoded() {
    const SECRET: &str = "p\"q/s s+w%ä&x";
    let json = |text: &str| {
        let text = Value::from(text).to_string();
        text[1..text.len() - 1].to_owned()
    };
    let forms = [
        json(SECRET),
        json(&json(SECRET)),
        "p%22q%2Fs%20s%2Bw%25%C3%A4%26x".to_owned(),
        "p%22q%2fs+s%2bw%25%c3%a4%26x".to_owned(),
        STANDARD.encode(SECRET),
        STANDARD.encode(format!("app:{SECRET}")),
        URL_SAFE_NO_PAD.encode(format!("me:{SECRET}")),
        format!("{SECRET:?}"),
        "'p\"q/s s+w%\\xe4&x'".to_owned(),
    ];
    let cloud = cloud();
    let lines: String = forms
        .iter()
        .map(|form| format!("[ERROR] cannot connect with {form}\n"))
        .collect();
    let ruler = "-".repeat(40);
    let log = format!("{ruler}\n/var/log/eb-engine.log\n{ruler}\n{lines}");
    scenario(&cloud, "my-app-prod", "fails", &json!({"log": log, "seconds": 3.0}));
    let settings = json!([{
        "Namespace": "aws:elasticbeanstalk:application:environment", "OptionName": "DB_PASSWORD", "Value": SECRET,
    }]);
    let action = deploy(&cloud)
        .with("option-settings", &settings.to_string())
        .with("github-environment", "production")
        .with("github-token", "ghs_example");
    let run = std::thread::scope(|scope| {
        let run = scope.spawn(|| action.run());
        while cloud.count("UpdateEnvironment") == 0 {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        for form in &forms {
            let message = format!("Failed with {form}");
            let event = json!({"environment": "my-app-prod", "message": message, "severity": "WARN"});
            cloud.post("/beanstalk/event", &event);
        }
        run.join().expect("the run")
    })
    .expect_exit(1);
    assert!(
        run.log.contains("Failed with ***") && run.log.contains("connect with ***"),
        "{}",
        run.log
    );
    let statuses = cloud.get("/github")["statuses"].to_string();
    for form in &forms {
        // The last characters of base64 are no secret's alone.
        let form = form.trim_end_matches('=');
        assert_unsaid(&run, form);
        assert!(!statuses.contains(form), "{statuses}");
    }
}
