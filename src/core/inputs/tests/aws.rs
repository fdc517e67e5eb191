//! Inputs about AWS itself.

use super::{assert_one_error, errors, inputs};

const ROLE: &str = "arn:aws:iam::123456789012:role/deploy";

#[test]
fn a_role_has_an_external_id_a_policy_and_tags() {
    let with = [
        ("bucket", "my-bucket"),
        ("source", "src"),
        ("role-to-assume", ROLE),
        ("role-external-id", "octo:42"),
        (
            "inline-session-policy",
            "{\"Version\": \"2012-10-17\", \"Statement\": []}",
        ),
    ];
    let role = inputs(&with, &[("GITHUB_ACTOR", "octo")])
        .expect("valid inputs")
        .aws
        .role
        .expect("a role");
    assert_eq!(role.external_id.as_deref(), Some("octo:42"));
    assert!(role.session_policy.is_some_and(|policy| policy.contains("Statement")));
    assert!(
        role.session_tags.contains(&("Actor", "octo".to_owned())),
        "{:?}",
        role.session_tags
    );
    let untagged = [with[0], with[1], with[2], ("role-skip-session-tagging", "True")];
    let role = inputs(&untagged, &[]).expect("valid inputs").aws.role.expect("a role");
    assert_eq!(role.session_tags, []);
}

#[test]
fn what_belongs_to_a_role_needs_one() {
    for name in ["role-external-id", "role-skip-session-tagging", "inline-session-policy"] {
        assert_one_error(
            &[("bucket", "my-bucket"), ("source", "src"), (name, "true")],
            &[],
            &[name, "`role-to-assume` is empty"],
        );
    }
}

#[test]
fn wrong_values_of_a_role_are_reported_together() {
    let long = format!("{{\"Statement\": \"{}\"}}", "x".repeat(2048));
    for (policy, part) in [("[]", "not a JSON object"), (long.as_str(), "at most 2048")] {
        let errors = errors(
            &[
                ("bucket", "my-bucket"),
                ("source", "src"),
                ("role-to-assume", ROLE),
                ("role-external-id", "a b"),
                ("inline-session-policy", policy),
                ("role-skip-session-tagging", "perhaps"),
            ],
            &[],
        );
        assert_eq!(errors.len(), 3, "{errors:?}");
        assert!(errors.iter().any(|error| error.contains(part)), "{errors:?}");
    }
}
