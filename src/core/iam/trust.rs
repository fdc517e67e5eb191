//! Why STS did not let this job assume a role, and what to change: the trust policy for this very job.
//!
//! Pure: from STS's words and the claims of GitHub's token. The texts of STS are those of the
//! [API reference] and of issues of aws-actions/configure-aws-credentials.
//!
//! [API reference]: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html

use serde::Deserialize;
use serde_json::{Value, json};

use crate::core::error::ServiceError;
use crate::core::iam::arn::{oidc_provider, partition_and_account};
use crate::core::report::policy::policy_text;

/// The issuer of GitHub's hosted service.
const ISSUER: &str = "https://token.actions.githubusercontent.com";

/// The claims that trust policies are about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Claims {
    /// Who issued it: `https://token.actions.githubusercontent.com`, or an Enterprise server.
    #[serde(default)]
    pub(crate) iss: String,
    /// Who asks: such as `repo:octo-org/octo-repo:ref:refs/heads/main`.
    #[serde(default)]
    pub(crate) sub: String,
}

/// The trust policy that lets a job with `claims` assume the role `arn`, asking for `audience`.
///
/// <https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws>
#[must_use]
pub(crate) fn policy(arn: &str, claims: &Claims, audience: &str) -> Value {
    let host = issuer(claims).trim_start_matches("https://");
    let (partition, account) = partition_and_account(arn);
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"Federated": oidc_provider(partition, account, host)},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {
                (format!("{host}:aud")): audience,
                (format!("{host}:sub")): claims.sub,
            }}
        }]
    })
}

/// What to change when `AssumeRoleWithWebIdentity` failed.
#[must_use]
pub(crate) fn web_identity_hint(error: &ServiceError, arn: &str, claims: &Claims, audience: &str) -> Option<String> {
    let message = error.message.to_ascii_lowercase();
    let issuer = issuer(claims);
    let (partition, account) = partition_and_account(arn);
    let provider = oidc_provider(partition, account, issuer.trim_start_matches("https://"));
    match error.code.as_deref()? {
        "AccessDenied" | "AccessDeniedException" => Some(match open_subject(&claims.sub) {
            None => format!(
                "check that the role `{arn}` exists and that its trust policy lets this job in; GitHub's token says `{}`. A trust policy for it:\n{}",
                claims.sub,
                policy_text(&policy(arn, claims, audience)),
            ),
            Some(why) => format!(
                "check that the role `{arn}` exists, and deploy from a job whose subject only you can have: a branch, a tag or a protected `environment:`. GitHub's token says `{}`, {why}: no trust policy is proposed for it",
                claims.sub,
            ),
        }),
        "InvalidIdentityToken" if is_provider_unknown(error) => Some(format!(
            "create GitHub's identity provider in the account {account}: aws iam create-open-id-connect-provider --url {issuer} --client-id-list {audience}"
        )),
        "InvalidIdentityToken" if message.contains("audience") => Some(format!(
            "set `role-audience` to an audience of the identity provider, or add `{audience}` to it: aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn {provider} --client-id {audience}"
        )),
        "InvalidIdentityToken" | "IDPCommunicationError" if is_key_retrieval(error) => Some(
            "run the job again: AWS could not fetch GitHub's keys. With a GitHub Enterprise server, AWS must be able to reach it".to_owned(),
        ),
        "InvalidIdentityToken" => Some(format!(
            "check the identity provider `{provider}` in IAM: its URL must be `{issuer}`"
        )),
        "ExpiredToken" | "ExpiredTokenException" => Some(
            "check the clocks: the token was made a moment ago, so the clock of the GitHub server and that of AWS differ; run the job again where GitHub is hosted, set the server's clock where it is yours".to_owned(),
        ),
        "ValidationError" => duration_hint(error),
        "RegionDisabledException" => Some("turn STS on for this region in the IAM account settings, or set another `aws-region`".to_owned()),
        _ => None,
    }
}

/// Why a role should not trust `subject`: others than those who may deploy can have it.
fn open_subject(subject: &str) -> Option<&'static str> {
    if subject.trim().is_empty() {
        Some("which is empty")
    } else if subject.contains('*') {
        Some("which has a wildcard in it")
    } else if subject.ends_with(":pull_request") || subject.contains(":ref:refs/pull/") {
        Some("which every pull request has")
    } else {
        None
    }
}

/// What to change when `AssumeRole` failed.
#[must_use]
pub(crate) fn assume_role_hint(error: &ServiceError, arn: &str) -> Option<String> {
    match error.code.as_deref()? {
        // https://github.com/aws-actions/configure-aws-credentials/issues/54
        "AccessDenied" | "AccessDeniedException" if error.message.contains("sts:TagSession") => Some(format!(
            "set `role-skip-session-tagging` to `true`; or allow the keys {}, and add `sts:TagSession` to the actions of the role's trust policy",
            json!({"Effect": "Allow", "Action": "sts:TagSession", "Resource": arn}),
        )),
        "AccessDenied" | "AccessDeniedException" => Some(format!(
            "check that the role `{arn}` exists and that `role-external-id` is what its trust policy asks for, where it asks for one; allow the keys {}, and name the keys' user or role as `Principal` in the role's trust policy",
            json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn}),
        )),
        "ValidationError" => duration_hint(error),
        "RegionDisabledException" => {
            Some("turn STS on for this region in the IAM account settings, or set another `aws-region`".to_owned())
        }
        _ => None,
    }
}

/// Whether STS refuses a role, or does not know the account's identity provider: one that was made a moment ago is not
/// known everywhere at once.
#[must_use]
pub(crate) fn may_be_new(error: &ServiceError) -> bool {
    matches!(error.code.as_deref(), Some("AccessDenied" | "AccessDeniedException")) || is_provider_unknown(error)
}

fn is_provider_unknown(error: &ServiceError) -> bool {
    let message = error.message.to_ascii_lowercase();
    error.code.as_deref() == Some("InvalidIdentityToken") && message.contains("no openidconnect provider found")
}

/// Whether AWS could not fetch the issuer's keys; that passes.
#[must_use]
pub(crate) fn is_key_retrieval(error: &ServiceError) -> bool {
    error.code.as_deref() == Some("IDPCommunicationError")
        || error.message.to_ascii_lowercase().contains("retrieve verification key")
}

fn duration_hint(error: &ServiceError) -> Option<String> {
    let message = &error.message;
    if message.contains("role chaining") {
        return Some(
            "set `role-duration-seconds` to 3600 or less: a role that assumes a role gets an hour at most".to_owned(),
        );
    }
    (message.contains("MaxSessionDuration") || message.contains("durationSeconds") || message.contains("DurationSeconds"))
        .then(|| "set `role-duration-seconds` to at most the role's maximum session duration (at first an hour), or raise that in IAM".to_owned())
}

fn issuer(claims: &Claims) -> &str {
    if claims.iss.is_empty() { ISSUER } else { &claims.iss }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::123456789012:role/deploy";

    fn error(code: &str, message: &str) -> ServiceError {
        ServiceError {
            action: "sts:AssumeRoleWithWebIdentity",
            code: Some(code.to_owned()),
            message: message.to_owned(),
            request_id: None,
            status: Some(400),
        }
    }

    fn claims() -> Claims {
        Claims {
            iss: ISSUER.to_owned(),
            sub: "repo:octo/web:ref:refs/heads/main".to_owned(),
        }
    }

    #[test]
    fn the_trust_policy_is_for_this_repository_and_branch() {
        let policy = policy(ROLE, &claims(), "sts.amazonaws.com");
        let statement = &policy["Statement"][0];
        assert_eq!(
            statement["Principal"]["Federated"],
            "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
        );
        assert_eq!(
            statement["Condition"]["StringEquals"],
            json!({
                "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                "token.actions.githubusercontent.com:sub": "repo:octo/web:ref:refs/heads/main",
            })
        );
    }

    #[test]
    fn an_enterprise_server_and_another_partition_are_named_as_they_are() {
        let claims = Claims {
            iss: "https://ghe.example.com/_services/token".to_owned(),
            sub: "repo:o/r:environment:prod".to_owned(),
        };
        let policy = policy("arn:aws-cn:iam::1:role/x", &claims, "sts.amazonaws.com.cn");
        assert_eq!(
            policy["Statement"][0]["Principal"]["Federated"],
            "arn:aws-cn:iam::1:oidc-provider/ghe.example.com/_services/token"
        );
    }

    #[test]
    fn each_refusal_of_sts_has_its_own_advice() {
        for (code, message, advice) in [
            (
                "AccessDenied",
                "Not authorized to perform sts:AssumeRoleWithWebIdentity",
                "repo:octo/web:ref:refs/heads/main",
            ),
            (
                "InvalidIdentityToken",
                "No OpenIDConnect provider found in your account for https://token.actions.githubusercontent.com",
                "create-open-id-connect-provider",
            ),
            (
                "InvalidIdentityToken",
                "Incorrect token audience",
                "set `role-audience`",
            ),
            (
                "InvalidIdentityToken",
                "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements",
                "run the job again",
            ),
            (
                "InvalidIdentityToken",
                "The ID Token provided is not a valid JWT.",
                "check the identity provider",
            ),
            (
                "ExpiredTokenException",
                "Token expired: current date/time 1 must be before the expiration date/time 0",
                "check the clocks",
            ),
            (
                "ValidationError",
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
                "role-duration-seconds",
            ),
        ] {
            let hint = web_identity_hint(&error(code, message), ROLE, &claims(), "sts.amazonaws.com");
            assert!(
                hint.as_deref().is_some_and(|hint| hint.contains(advice)),
                "{message}: {hint:?}"
            );
        }
        assert_eq!(web_identity_hint(&error("Other", "x"), ROLE, &claims(), "a"), None);
    }

    #[test]
    fn chaining_says_which_side_to_change() {
        let hint = assume_role_hint(
            &error("AccessDenied", "User: … is not authorized to perform: sts:AssumeRole"),
            ROLE,
        );
        assert!(hint.is_some_and(|hint| hint.contains(r#""Action":"sts:AssumeRole""#)));
        let long = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.";
        let hint = assume_role_hint(&error("ValidationError", long), ROLE);
        assert!(hint.is_some_and(|hint| hint.contains("3600 or less")));
    }

    #[test]
    fn no_trust_policy_is_proposed_for_a_subject_that_anybody_can_have() {
        let refused = error(
            "AccessDenied",
            "Not authorized to perform sts:AssumeRoleWithWebIdentity",
        );
        for subject in [
            "repo:octo/web:pull_request",
            "repo:octo@1/web@2:pull_request",
            "repo:octo/web:ref:refs/pull/7/merge",
            "repo:octo/*",
            "",
        ] {
            let claims = Claims {
                sub: subject.to_owned(),
                ..claims()
            };
            let hint = web_identity_hint(&refused, ROLE, &claims, "sts.amazonaws.com").expect("a hint");
            assert!(
                !hint.contains("Statement") && hint.contains("protected `environment:`"),
                "{hint}"
            );
        }
        for subject in [
            "repo:octo/web:ref:refs/heads/main",
            "repo:octo-org@123456/octo-repo@456789:ref:refs/heads/main",
            "repo:octo/web:environment:production",
        ] {
            let claims = Claims {
                sub: subject.to_owned(),
                ..claims()
            };
            let hint = web_identity_hint(&refused, ROLE, &claims, "sts.amazonaws.com").expect("a hint");
            assert!(hint.contains(&format!("\"{subject}\"")), "{hint}");
        }
    }
}
