//! IAM policies as text, their elements in the order in which AWS's documentation writes them.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// The elements of a policy, as <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html>.
const ORDER: [&str; 8] = [
    "Version",
    "Statement",
    "Sid",
    "Effect",
    "Principal",
    "Action",
    "Resource",
    "Condition",
];

/// `policy` as indented JSON.
#[must_use]
pub fn policy_text(policy: &Value) -> String {
    let mut out = String::new();
    push(&mut out, policy, 0);
    out
}

fn push(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            out.push('{');
            for (position, (name, member)) in sorted(members).into_iter().enumerate() {
                new_line(out, position, depth + 1);
                let _ = write!(out, "{}: ", Value::from(name));
                push(out, member, depth + 1);
            }
            close(out, '}', depth);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('[');
            for (position, item) in items.iter().enumerate() {
                new_line(out, position, depth + 1);
                push(out, item, depth + 1);
            }
            close(out, ']', depth);
        }
        other => {
            let _ = write!(out, "{other}");
        }
    }
}

fn sorted(members: &Map<String, Value>) -> Vec<(&str, &Value)> {
    let mut members: Vec<_> = members.iter().map(|(name, value)| (name.as_str(), value)).collect();
    members.sort_by_key(|(name, _)| ORDER.iter().position(|known| known == name).unwrap_or(ORDER.len()));
    members
}

fn new_line(out: &mut String, position: usize, depth: usize) {
    out.push_str(if position == 0 { "\n" } else { ",\n" });
    out.push_str(&"  ".repeat(depth));
}

fn close(out: &mut String, bracket: char, depth: usize) {
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
    out.push(bracket);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_policy_reads_as_in_the_documentation_and_is_the_same_json() {
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{"Action": ["s3:GetObject", "s3:Put\"Object"], "Effect": "Allow", "Resource": [], "Sid": "Site"}],
        });
        let text = policy_text(&policy);
        assert_eq!(
            text,
            "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\n      \"Sid\": \"Site\",\n      \
             \"Effect\": \"Allow\",\n      \"Action\": [\n        \"s3:GetObject\",\n        \"s3:Put\\\"Object\"\n      \
             ],\n      \"Resource\": []\n    }\n  ]\n}"
        );
        assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), policy);
    }
}
