//! GitHub's OIDC token for this job: proof to AWS of which repository, branch and environment run.
//!
//! The token is a secret for the minutes that it lives: it stays in memory, and only its claims are ever printed.
//!
//! <https://docs.github.com/en/actions/reference/security/oidc>

use std::time::Duration;

use anyhow::Context as _;
use serde::Deserialize;

use crate::core::context::OidcEndpoint;
use crate::core::error::HintExt as _;
use crate::core::iam::id_token::{IdToken, PERMISSIONS};
use crate::core::iam::trust::Claims;
use crate::core::secret::Secret;
use crate::http::{self, Client};

const ATTEMPTS: u32 = 5;
const TIMEOUT: Duration = Duration::from_secs(20);
const MAX_BYTES: usize = 64 * 1024;

/// Asks GitHub for a token for `audience`.
///
/// # Errors
/// GitHub cannot be reached, refuses, or answers with no token.
pub(crate) async fn token(client: &Client, endpoint: &OidcEndpoint, audience: &str) -> anyhow::Result<IdToken> {
    // `ACTIONS_ID_TOKEN_REQUEST_URL` has a query already.
    let separator = if endpoint.url.contains('?') { '&' } else { '?' };
    let audience = percent_encoding::utf8_percent_encode(audience, percent_encoding::NON_ALPHANUMERIC);
    let url = format!("{}{separator}audience={audience}", endpoint.url);
    let bearer = format!("Bearer {}", endpoint.token.expose());
    let headers = [("authorization", bearer.as_str()), ("accept", "application/json")];
    let mut attempt = 1;
    let (status, body) = loop {
        let answer = http::get(client, &url, &headers, TIMEOUT, MAX_BYTES).await;
        let again = match &answer {
            Ok((status, _)) => *status == 429 || *status >= 500,
            Err(_) => true,
        };
        if !again || attempt == ATTEMPTS {
            break answer.context("cannot get GitHub's OIDC token for this job")?;
        }
        tokio::time::sleep(Duration::from_millis(250 << attempt)).await;
        attempt += 1;
    };
    if !(200..300).contains(&status) {
        return Err(anyhow::anyhow!(
            "cannot get GitHub's OIDC token for this job: GitHub answered HTTP {status}"
        ))
        .hint(match status {
            401 | 403 => format!("check that the workflow and its caller grant the permission, and that the job did not run into its time limit:\n{PERMISSIONS}"),
            _ => "run the job again; https://www.githubstatus.com tells whether GitHub has a problem".to_owned(),
        });
    }
    parse(&body).context("cannot get GitHub's OIDC token for this job: GitHub's answer holds none")
}

/// The token in GitHub's answer, `{"value": "…"}`.
fn parse(body: &[u8]) -> Option<IdToken> {
    #[derive(Deserialize)]
    struct TokenResponse {
        value: String,
    }
    let answer: TokenResponse = serde_json::from_slice(body).ok()?;
    if answer.value.is_empty() {
        return None;
    }
    Some(IdToken {
        claims: claims(&answer.value).unwrap_or_default(),
        value: Secret::new(answer.value),
    })
}

/// The claims of a token: not verified, for that is AWS's part; they only explain what AWS says.
fn claims(token: &str) -> Option<Claims> {
    let payload = token.split('.').nth(1)?;
    let mut base64 = payload.trim_end_matches('=').replace('-', "+").replace('_', "/");
    while base64.len() % 4 != 0 {
        base64.push('=');
    }
    serde_json::from_slice(&aws_smithy_types::base64::decode(base64).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(payload: &str) -> String {
        let body = aws_smithy_types::base64::encode(payload);
        format!(
            "e30.{}.c2ln",
            body.trim_end_matches('=').replace('+', "-").replace('/', "_")
        )
    }

    #[test]
    fn the_claims_of_a_token_are_read() {
        let token = jwt(r#"{"iss":"https://token.actions.githubusercontent.com","sub":"repo:o/r:environment:ü~?"}"#);
        let answer = format!(r#"{{"count":1,"value":"{token}"}}"#);
        let token = parse(answer.as_bytes()).expect("a token");
        assert_eq!(token.claims.sub, "repo:o/r:environment:ü~?");
        assert_eq!(token.claims.iss, "https://token.actions.githubusercontent.com");
        assert!(!format!("{token:?}").contains("e30"));
    }

    #[test]
    fn an_answer_without_a_token_is_none() {
        for body in ["", "{}", "[]", r#"{"value":""}"#, r#"{"value":3}"#, "<html>"] {
            assert!(parse(body.as_bytes()).is_none(), "{body}");
        }
    }

    #[test]
    fn a_token_that_is_no_jwt_is_passed_on_without_claims() {
        let token = parse(br#"{"value":"opaque"}"#).expect("a token");
        assert_eq!(token.claims, Claims::default());
        assert_eq!(token.value.expose(), "opaque");
    }
}
