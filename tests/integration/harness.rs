//! The tests' own set-up.

use std::process::Command;

#[test]
fn without_the_projects_python_one_sentence_says_what_to_run() {
    let own = std::env::current_exe().expect("this program's path");
    let output = Command::new(own)
        .arg("cdn_debts::")
        .env("AWD_TEST_PYTHON", "/nowhere/python")
        .output()
        .expect("this program runs");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(
        text.contains("error: the tests need `/nowhere/python`: run `make .venv` first"),
        "{text}"
    );
    assert!(!text.contains("panicked"), "{text}");
}
