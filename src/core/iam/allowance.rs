//! What a whole run has to be allowed: advice about one refusal names all of it, so that the next run meets no other.

use std::collections::BTreeSet;

use serde_json::{Deserializer, Value, json};

use crate::core::iam::policy::{self, PolicyScope};
use crate::core::iam::statements::PolicyTarget;
use crate::core::inputs::{Command, Inputs};

/// How the statement of one refusal begins, in the advice of [`crate::core::iam::hint`].
const STATEMENT: &str = "{\"Action\":";

/// What a run has to be allowed.
#[derive(Debug, Clone)]
pub(crate) struct Allowance {
    scope: PolicyScope,
    command: Command,
    region: String,
}

impl Allowance {
    /// Of a run with `inputs`.
    #[must_use]
    pub(crate) fn of(inputs: &Inputs) -> Self {
        Self {
            scope: PolicyScope::from(inputs),
            command: inputs.command,
            region: inputs.aws.region.clone().unwrap_or_default(),
        }
    }

    /// `advice` with the statement of one refusal, if it holds one, made the statement of all that the run needs of the
    /// same bucket, distribution or application.
    #[must_use]
    pub(crate) fn widen(&self, advice: &str) -> String {
        let Some((before, narrow, after)) = split(advice) else {
            return advice.to_owned();
        };
        match self.statement(&narrow) {
            Some(wide) => format!("{}\n{wide}{after}", before.trim_end()),
            None => advice.to_owned(),
        }
    }

    fn statement(&self, narrow: &Value) -> Option<String> {
        let (action, resource) = (narrow["Action"].as_str()?, narrow["Resource"].as_str()?);
        let scope = PolicyScope {
            rollback: self.scope.rollback || self.command == Command::Rollback,
            ..self.scope.clone()
        };
        let policy = policy::for_scope(&scope, &self.place(resource));
        let wanted: Vec<&Value> = policy["Statement"]
            .as_array()?
            .iter()
            .filter(|statement| self.is_for_command(statement) && is_about(statement, action, resource))
            .collect();
        if !wanted
            .iter()
            .any(|one| strings(&one["Action"]).any(|known| known == action))
        {
            return None;
        }
        // A condition holds for its own statement alone, and records are never deleted.
        let stands_alone = |one: &&Value| {
            let sid = one["Sid"].as_str().unwrap_or_default();
            !one["Condition"].is_null() || sid.ends_with("Records")
        };
        let (alone, together): (Vec<&Value>, Vec<&Value>) = wanted.into_iter().partition(stands_alone);
        let first = (!together.is_empty()).then(|| self.merged(&together));
        let all: Vec<String> = first
            .into_iter()
            .chain(alone.into_iter().map(|one| self.merged(&[one])))
            .collect();
        Some(all.join(",\n"))
    }

    /// One statement for all that `wanted` allow.
    fn merged(&self, wanted: &[&Value]) -> String {
        let actions: BTreeSet<&str> = wanted.iter().flat_map(|one| strings(&one["Action"])).collect();
        let mut resources: Vec<&str> = Vec::new();
        for one in wanted.iter().flat_map(|one| strings(&one["Resource"])) {
            if !resources.contains(&one) {
                resources.push(one);
            }
        }
        let list = |values: &[&str]| {
            let quoted: Vec<String> = values.iter().map(|value| json!(value).to_string()).collect();
            quoted.join(", ")
        };
        let actions: Vec<&str> = actions.into_iter().collect();
        let conditions = wanted.iter().map(|one| &one["Condition"]).find(|one| !one.is_null());
        let condition = conditions.map(|condition| format!(",\n \"Condition\": {condition}"));
        format!(
            "{{\"Effect\": \"Allow\",\n \"Action\": [{}],\n \"Resource\": [{}]{}}}",
            list(&actions),
            list(&resources),
            condition.unwrap_or_default()
        )
    }

    /// Whether `command` needs what a statement of the policy, which is for all commands, allows.
    fn is_for_command(&self, statement: &Value) -> bool {
        let sid = statement["Sid"].as_str().unwrap_or_default();
        match self.command {
            Command::Deploy => !sid.starts_with("SiteRollback") && sid != "SiteCheck",
            Command::Rollback => sid != "SiteCheck",
            Command::Check => true,
        }
    }

    /// Where the refused `resource` is: the account is known to AWS's names only.
    fn place(&self, resource: &str) -> PolicyTarget {
        let parts: Vec<&str> = resource.splitn(6, ':').collect();
        let part = |position: usize| parts.get(position).copied().filter(|part| !part.is_empty());
        let region = part(3).unwrap_or(&self.region);
        // The name of Elastic Beanstalk's own bucket ends in both.
        let of_bucket = bucket(resource)
            .and_then(|name| name.strip_prefix("elasticbeanstalk-"))
            .and_then(|rest| rest.rsplit_once('-'));
        PolicyTarget {
            partition: part(1).unwrap_or("aws").to_owned(),
            region: of_bucket.map_or(region, |(region, _)| region).to_owned(),
            account: of_bucket
                .map(|(_, account)| account)
                .or(part(4))
                .unwrap_or("*")
                .to_owned(),
        }
    }
}

/// `advice` for a list that ends in the whole policy: it names the action alone.
#[must_use]
pub(crate) fn see_policy(advice: &str) -> String {
    match split(advice) {
        Some(("allow it: ", narrow, "")) => format!(
            "allow `{}`: the policy below does",
            narrow["Action"].as_str().unwrap_or_default()
        ),
        _ => advice.to_owned(),
    }
}

/// What stands before the statement of a refusal, the statement, and what follows.
fn split(advice: &str) -> Option<(&str, Value, &str)> {
    let start = advice.find(STATEMENT)?;
    let (before, rest) = advice.split_at(start);
    let mut values = Deserializer::from_str(rest).into_iter::<Value>();
    let narrow = values.next()?.ok()?;
    let is_ours = narrow.as_object()?.len() == 3 && narrow["Resource"].is_string();
    is_ours.then(|| (before, narrow, &rest[values.byte_offset()..]))
}

/// Whether a statement is about what was refused: the same bucket, or else the same action.
fn is_about(statement: &Value, action: &str, resource: &str) -> bool {
    match bucket(resource) {
        Some(refused) => strings(&statement["Resource"]).any(|one| bucket(one) == Some(refused)),
        None => strings(&statement["Action"]).any(|one| one == action),
    }
}

/// The bucket of an ARN of S3.
fn bucket(resource: &str) -> Option<&str> {
    let (_, rest) = resource.split_once(":s3:::")?;
    rest.split('/').next()
}

fn strings(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::iam::policy::{BackendScope, PolicySite};

    fn allowance(command: Command) -> Allowance {
        Allowance {
            scope: PolicyScope {
                site: Some(PolicySite {
                    bucket: "b".to_owned(),
                    prefix: "p/".to_owned(),
                    acl: false,
                    delete: true,
                }),
                backend: Some(BackendScope {
                    application: "web".to_owned(),
                    environments: vec!["prod".to_owned()],
                    package: true,
                    ..BackendScope::default()
                }),
                ..PolicyScope::default()
            },
            command,
            region: "eu-west-1".to_owned(),
        }
    }

    fn advice(action: &str, resource: &str) -> String {
        let statement = json!({"Effect": "Allow", "Action": action, "Resource": resource});
        format!("allow it: {statement}")
    }

    #[test]
    fn one_statement_covers_all_that_the_run_needs_of_a_bucket() {
        let refused = advice("s3:PutObject", "arn:aws:s3:::b/p/index.html");
        let hint = allowance(Command::Deploy).widen(&refused);
        let (first, statement) = hint.split_once('\n').expect("a statement below");
        assert_eq!(first, "allow it:");
        let statements: Vec<Value> = serde_json::from_str(&format!("[{statement}]")).expect("JSON to paste");
        let resources: Vec<&Value> = statements.iter().map(|one| &one["Resource"]).collect();
        assert_eq!(
            resources,
            [
                &json!(["arn:aws:s3:::b", "arn:aws:s3:::b/p/*"]),
                &json!(["arn:aws:s3:::b"]),
                &json!(["arn:aws:s3:::b/.aws-web-deploy/site/p/*"])
            ]
        );
        assert_eq!(
            statements[1]["Condition"],
            json!({"StringLike": {"s3:prefix": ["p/*", ".aws-web-deploy/site/p/*"]}})
        );
        assert!(!statements[2].to_string().contains("Delete"), "{statement}");
        let actions: Vec<&str> = statements.iter().flat_map(|one| strings(&one["Action"])).collect();
        for needed in ["s3:PutObject", "s3:GetObject", "s3:ListBucket", "s3:DeleteObject"] {
            assert!(actions.contains(&needed), "{needed} in {actions:?}");
        }
        for other in [
            "s3:ListBucketVersions",
            "s3:GetBucketPolicy",
            "s3:GetBucketOwnershipControls",
        ] {
            assert!(!actions.contains(&other), "{other} in {actions:?}");
        }
        // Another refusal of the same bucket asks for the same.
        let listing = advice("s3:ListBucket", "arn:aws:s3:::b");
        assert_eq!(allowance(Command::Deploy).widen(&listing), hint);
        let back = allowance(Command::Rollback).widen(&refused);
        assert!(back.contains("s3:ListBucketVersions"), "{back}");
    }

    #[test]
    fn the_account_comes_from_what_was_refused() {
        let bundles = advice(
            "s3:PutObject",
            "arn:aws:s3:::elasticbeanstalk-eu-west-1-123456789012/web/v1.zip",
        );
        let hint = allowance(Command::Deploy).widen(&bundles);
        assert!(
            hint.contains("\"arn:aws:s3:::elasticbeanstalk-eu-west-1-123456789012/web/*\""),
            "{hint}"
        );
        assert!(!hint.contains("s3:::b"), "{hint}");
        let update = advice(
            "elasticbeanstalk:UpdateEnvironment",
            "arn:aws:elasticbeanstalk:eu-west-1:123456789012:environment/web/prod",
        );
        let hint = allowance(Command::Deploy).widen(&update);
        assert!(hint.contains("elasticbeanstalk:DescribeEvents"), "{hint}");
        assert!(
            hint.contains("\"arn:aws:elasticbeanstalk:eu-west-1:123456789012:applicationversion/web/*\""),
            "{hint}"
        );
    }

    #[test]
    fn what_is_not_ours_to_know_stays_as_it_is() {
        for other in [
            advice("kms:Decrypt", "arn:aws:kms:eu-west-1:1:key/x"),
            advice("s3:PutObject", "arn:aws:s3:::another/k"),
            "set `acl`".to_owned(),
            "put this: {\"Action\":\"s3:GetObject\",\"Principal\":\"*\"}".to_owned(),
        ] {
            assert_eq!(allowance(Command::Deploy).widen(&other), other);
        }
        assert_eq!(
            see_policy(&advice("s3:ListBucket", "arn:aws:s3:::b")),
            "allow `s3:ListBucket`: the policy below does"
        );
    }
}
