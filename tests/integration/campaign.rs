//! A few of the cases of `make campaign` and of `make lives`, and `make large` with small numbers, the same ones each time, for at most some seconds.

use std::process::Command;

use super::support::{project, python};

fn passes(module: &str, arguments: &[&str]) {
    let output = Command::new(python())
        .args(["-m", module, env!("CARGO_BIN_EXE_aws-web-deploy")])
        .args(arguments)
        .current_dir(project().join("tests"))
        .output()
        .expect("it starts");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn faults_at_some_requests_end_in_success_or_one_true_error() {
    passes("campaign", &["--sample", "24", "--seed", "3", "--workers", "4"]);
}

#[test]
fn some_lives_end_as_their_sources_say() {
    passes(
        "campaign.lives",
        &["--lives", "8", "--steps", "10", "--seed", "11", "--workers", "4"],
    );
}

#[test]
fn what_is_large_takes_little_memory_and_few_lines() {
    passes("campaign.large", &["--scale", "0.002"]);
}

#[test]
fn a_sync_leaves_what_the_real_aws_s3_sync_leaves() {
    passes("differential.sync", &["--cases", "8", "--seed", "1", "--seconds", "30"]);
}

#[test]
fn visitors_never_get_what_the_origin_would_not_give() {
    passes(
        "differential.viewers",
        &["--cases", "5", "--seed", "1", "--seconds", "30"],
    );
}
