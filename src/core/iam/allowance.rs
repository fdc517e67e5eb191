//! What a whole run has to be allowed: advice about one refusal names all of it, so that the next run meets no other.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Deserializer, Value, json};

use crate::core::error::RenderedError;
use crate::core::iam::policy::{self, PolicyScope};
use crate::core::iam::statements::PolicyTarget;
use crate::core::inputs::{Command, Inputs};

/// How the statement of one refusal begins, in the advice of [`crate::core::iam::hint`].
const STATEMENT: &str = "{\"Action\":";

/// Where the statement is of which only the action is named here.
const AT_THE_END: &str = "by the statement at the end of this log";

/// What a run has to be allowed.
#[derive(Debug, Clone)]
pub(crate) struct Allowance {
    scope: PolicyScope,
    command: Command,
    region: String,
    /// The account, where the inputs tell it.
    account: Option<String>,
    /// The statements of what was refused, shared by all that this run does.
    refused: Arc<Mutex<Vec<Value>>>,
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
            refused: Arc::default(),
        }
    }

    /// Of a run that needs nothing.
    #[cfg(test)]
    pub(crate) fn of_nothing() -> Self {
        Self {
            scope: PolicyScope::default(),
            command: Command::Deploy,
            region: String::new(),
            account: None,
            refused: Arc::default(),
        }
    }

    /// Notes the statement of one refusal that `advice` holds; the advice without it, for a run has one statement for all
    /// that it was refused, and that stands at its end.
    pub(crate) fn note(&self, advice: &str) -> String {
        let Some((before, narrow, after)) = split(advice) else {
            return advice.to_owned();
        };
        let action = narrow["Action"].as_str().unwrap_or_default().to_owned();
        self.keep(narrow);
        match before.trim_end().trim_end_matches(':') {
            "allow it" => format!("allow `{action}`, {AT_THE_END}{after}"),
            before => format!("{before}, {AT_THE_END}{after}"),
        }
    }

    /// Notes the statement of the refusal in `error`, which is a warning that says nothing of it.
    pub(crate) fn note_error(&self, error: &anyhow::Error) {
        if let Some(hint) = RenderedError::from(error).hint {
            self.note(&hint);
        }
    }

    /// `advice` with the statement of one refusal, if it holds one, made one for all that the run needs, and for all else
    /// that it was refused.
    #[must_use]
    pub(crate) fn widen(&self, advice: &str) -> String {
        let Some((before, narrow, after)) = split(advice) else {
            return advice.to_owned();
        };
        self.keep(narrow);
        let statements = self.statements();
        let alone: Vec<String> = self.refused().iter().map(Value::to_string).collect();
        if alone == [statements.as_str()] {
            return advice.to_owned();
        }
        format!("{}\n{statements}{after}", before.trim_end())
    }

    /// The advice about all that was refused, for a run whose error does not hold it; `None` where nothing was.
    #[must_use]
    pub(crate) fn advice(&self) -> Option<String> {
        let is_empty = self.refused().is_empty();
        (!is_empty).then(|| format!("allow what was refused:\n{}", self.statements()))
    }

    fn refused(&self) -> MutexGuard<'_, Vec<Value>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, narrow: Value) {
        let mut refused = self.refused();
        if !refused.contains(&narrow) {
            refused.push(narrow);
        }
    }

    /// The statements of all that the run needs, if something of that was refused, and of what else was.
    fn statements(&self) -> String {
        let refused = self.refused();
        let pair = |narrow: &Value| {
            let text = |name: &str| narrow[name].as_str().unwrap_or_default().to_owned();
            (text("Action"), text("Resource"))
        };
        let pairs: Vec<(String, String)> = refused.iter().map(pair).collect();
        let place = self.place(pairs.iter().map(|(_, resource)| resource.as_str()));
        let asks_for_role = pairs.iter().any(|(action, _)| action.starts_with("sts:"));
        let scope = PolicyScope {
            rollback: self.scope.rollback || self.command == Command::Rollback,
            ..self.scope.clone()
        };
        let policy = policy::for_scope(&scope, &place);
        let wanted: Vec<&Value> = policy["Statement"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|statement| self.is_for_command(statement, asks_for_role))
            .collect();
        let is_known = |(action, resource): &(String, String)| {
            let mut about = wanted.iter().filter(|one| is_about(one, action, resource));
            about.any(|one| strings(&one["Action"]).any(|known| known == action))
        };
        let (known, others): (Vec<_>, Vec<_>) = refused.iter().zip(&pairs).partition(|(_, pair)| is_known(pair));
        let mut groups: Vec<(Option<&str>, Vec<&Value>)> = Vec::new();
        for one in wanted.iter().filter(|_| !known.is_empty()) {
            let group = group(one);
            match groups.iter_mut().find(|(known, _)| group.is_some() && *known == group) {
                Some((_, together)) => together.push(one),
                None => groups.push((group, vec![one])),
            }
        }
        let mut all: Vec<String> = groups.iter().map(|(_, together)| merged(together)).collect();
        all.extend(others.iter().map(|(narrow, _)| narrow.to_string()));
        all.join(",\n")
    }

    /// Whether `command` needs what a statement of the policy, which is for all commands, allows; the role was assumed long
    /// ago unless that was refused.
    fn is_for_command(&self, statement: &Value, asks_for_role: bool) -> bool {
        match statement["Sid"].as_str().unwrap_or_default() {
            "SiteCheck" | "SiteCheckAccount" | "DistributionCheck" => self.command == Command::Check,
            "AssumeRole" => asks_for_role,
            _ => true,
        }
    }

    /// Where the refused `resources` are, as far as any of them tells: the account is known to AWS's names only.
    fn place<'r>(&self, resources: impl Iterator<Item = &'r str>) -> PolicyTarget {
        let (mut partition, mut region, mut account) = (None, None, None);
        for resource in resources {
            let parts: Vec<&str> = resource.splitn(6, ':').collect();
            let part = |position: usize| parts.get(position).copied().filter(|part| !part.is_empty());
            // The name of Elastic Beanstalk's own bucket ends in both.
            let of_bucket = bucket(resource)
                .and_then(|name| name.strip_prefix("elasticbeanstalk-"))
                .and_then(|rest| rest.rsplit_once('-'));
            partition = partition.or(part(1));
            region = region.or(of_bucket.map(|(region, _)| region)).or(part(3));
            account = account.or(of_bucket.map(|(_, account)| account)).or(part(4));
        }
        PolicyTarget {
            partition: partition.unwrap_or("aws").to_owned(),
            region: region.unwrap_or(&self.region).to_owned(),
            account: account.or(self.account.as_deref()).unwrap_or("*").to_owned(),
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
mod tests;
