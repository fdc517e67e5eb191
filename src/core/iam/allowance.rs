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
    /// The account, where the inputs tell it.
    account: Option<String>,
}

impl Allowance {
    /// Of a run with `inputs`.
    #[must_use]
    pub(crate) fn of(inputs: &Inputs) -> Self {
        Self {
            scope: PolicyScope::from(inputs),
            command: inputs.command,
            region: inputs.aws.region.clone().unwrap_or_default(),
            account: account(inputs),
        }
    }

    /// `advice` with the statement of one refusal, if it holds one and is about something that the run needs, made the
    /// statements of all that it needs.
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
            .filter(|statement| self.is_for_command(statement, action))
            .collect();
        let mut about = wanted.iter().filter(|one| is_about(one, action, resource));
        if !about.any(|one| strings(&one["Action"]).any(|known| known == action)) {
            return None;
        }
        let mut groups: Vec<(Option<&str>, Vec<&Value>)> = Vec::new();
        for one in wanted {
            let group = group(one);
            match groups.iter_mut().find(|(known, _)| group.is_some() && *known == group) {
                Some((_, together)) => together.push(one),
                None => groups.push((group, vec![one])),
            }
        }
        let all: Vec<String> = groups.iter().map(|(_, together)| merged(together)).collect();
        Some(all.join(",\n"))
    }

    /// Whether `command` needs what a statement of the policy, which is for all commands, allows; the role was assumed long
    /// ago unless `action` is about that.
    fn is_for_command(&self, statement: &Value, action: &str) -> bool {
        match statement["Sid"].as_str().unwrap_or_default() {
            "SiteCheck" => self.command == Command::Check,
            "AssumeRole" => action.starts_with("sts:"),
            _ => true,
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
                .or(self.account.as_deref())
                .unwrap_or("*")
                .to_owned(),
        }
    }
}

/// One statement for all that `wanted` allow.
fn merged(wanted: &[&Value]) -> String {
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

/// The account that the inputs name: that of the role, or the only one that is allowed.
fn account(inputs: &Inputs) -> Option<String> {
    let role = inputs.aws.role.as_ref().and_then(|role| role.arn.split(':').nth(4));
    let allowed = match inputs.aws.allowed_account_ids.as_slice() {
        [only] => Some(only.as_str()),
        _ => None,
    };
    role.or(allowed)
        .filter(|account| !account.is_empty())
        .map(ToOwned::to_owned)
}

/// What a statement is merged with others for: its bucket or service. `None`: it stands alone, as a condition and `*` hold
/// for their own statement, and records are never deleted.
fn group(statement: &Value) -> Option<&str> {
    let sid = statement["Sid"].as_str().unwrap_or_default();
    let resource = strings(&statement["Resource"]).next()?;
    if !statement["Condition"].is_null() || resource == "*" || sid.contains("Records") {
        return None;
    }
    bucket(resource).or_else(|| strings(&statement["Action"]).next()?.split(':').next())
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
            account: None,
        }
    }

    /// The statements below the first line of `hint`.
    fn statements(hint: &str) -> Vec<Value> {
        let (first, statements) = hint.split_once('\n').expect("statements below");
        assert_eq!(first, "allow it:");
        serde_json::from_str(&format!("[{statements}]")).expect("JSON to paste")
    }

    fn actions(statements: &[Value]) -> Vec<&str> {
        statements.iter().flat_map(|one| strings(&one["Action"])).collect()
    }

    fn advice(action: &str, resource: &str) -> String {
        let statement = json!({"Effect": "Allow", "Action": action, "Resource": resource});
        format!("allow it: {statement}")
    }

    #[test]
    fn one_advice_covers_all_that_the_run_needs() {
        let refused = advice("s3:PutObject", "arn:aws:s3:::b/p/index.html");
        let hint = allowance(Command::Deploy).widen(&refused);
        let site = statements(&hint);
        let resources: Vec<&Value> = site.iter().map(|one| &one["Resource"]).collect();
        assert_eq!(
            resources[..3],
            [
                &json!(["arn:aws:s3:::b", "arn:aws:s3:::b/p/*"]),
                &json!(["arn:aws:s3:::b"]),
                &json!(["arn:aws:s3:::b/.aws-web-deploy/site/p/*"])
            ]
        );
        assert_eq!(
            site[1]["Condition"],
            json!({"StringLike": {"s3:prefix": ["p/*", ".aws-web-deploy/site/p/*"]}})
        );
        assert!(!site[2].to_string().contains("Delete"), "{hint}");
        let all = actions(&site);
        for needed in [
            "s3:PutObject",
            "s3:GetObject",
            "s3:ListBucket",
            "s3:DeleteObject",
            "elasticbeanstalk:UpdateEnvironment",
            "elasticbeanstalk:CreateStorageLocation",
        ] {
            assert!(all.contains(&needed), "{needed} in {all:?}");
        }
        for other in [
            "s3:ListBucketVersions",
            "s3:GetBucketPolicy",
            "s3:GetBucketOwnershipControls",
        ] {
            assert!(!all.contains(&other), "{other} in {all:?}");
        }
        // What acts on everything stands alone.
        for one in site
            .iter()
            .filter(|one| strings(&one["Resource"]).any(|resource| resource == "*"))
        {
            assert_eq!(one["Action"], json!(["elasticbeanstalk:CreateStorageLocation"]));
        }
        // Another refusal of the same run asks for the same.
        let listing = advice("s3:ListBucket", "arn:aws:s3:::b");
        assert_eq!(allowance(Command::Deploy).widen(&listing), hint);
        let back = allowance(Command::Rollback).widen(&refused);
        assert!(back.contains("s3:ListBucketVersions"), "{back}");
    }

    #[test]
    fn a_deploy_that_may_roll_back_is_allowed_to() {
        let mut careful = allowance(Command::Deploy);
        careful.scope.rollback = true;
        let hint = careful.widen(&advice("s3:PutObject", "arn:aws:s3:::b/p/index.html"));
        let statements = statements(&hint);
        let all = actions(&statements);
        for needed in ["s3:ListBucketVersions", "s3:GetObjectVersion", "s3:GetObjectVersionAcl"] {
            assert!(all.contains(&needed), "{needed} in {all:?}");
        }
        assert!(!all.contains(&"s3:GetBucketPolicy"), "{all:?}");
        // Refused on the way back, the advice is the same.
        let versions = advice("s3:ListBucketVersions", "arn:aws:s3:::b");
        assert_eq!(careful.widen(&versions), hint);
    }

    #[test]
    fn the_account_comes_from_what_was_refused_or_from_the_inputs() {
        let bundles = advice(
            "s3:PutObject",
            "arn:aws:s3:::elasticbeanstalk-eu-west-1-123456789012/web/v1.zip",
        );
        let hint = allowance(Command::Deploy).widen(&bundles);
        assert!(
            hint.contains("\"arn:aws:s3:::elasticbeanstalk-eu-west-1-123456789012/web/*\""),
            "{hint}"
        );
        let update = advice(
            "elasticbeanstalk:UpdateEnvironment",
            "arn:aws:elasticbeanstalk:eu-west-1:123456789012:environment/web/prod",
        );
        assert_eq!(allowance(Command::Deploy).widen(&update), hint);
        assert!(
            hint.contains("\"arn:aws:elasticbeanstalk:eu-west-1:123456789012:applicationversion/web/*\""),
            "{hint}"
        );
        let site = advice("s3:PutObject", "arn:aws:s3:::b/p/index.html");
        let unknown = allowance(Command::Deploy).widen(&site);
        assert!(unknown.contains("elasticbeanstalk-eu-west-1-*/web/*"), "{unknown}");
        let mut known = allowance(Command::Deploy);
        known.account = Some("123456789012".to_owned());
        assert_eq!(known.widen(&site), hint);
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
