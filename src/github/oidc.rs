//! GitHub's OIDC token for this job: proof to AWS of which repository, branch and environment run.
//!
//! The token is a secret for the minutes that it lives: it stays in memory, and only its claims are ever printed.
//!
//! <https://docs.github.com/en/actions/reference/security/oidc>

use std::time::Duration;

use anyhow::Context as _;
use serde::Deserialize;
use tokio::time::Instant;

use crate::core::context::OidcEndpoint;
use crate::core::error::HintExt as _;
use crate::core::iam::id_token::{IdToken, PERMISSIONS};
use crate::core::iam::trust::Claims;
use crate::core::retry::{ErrorClass, RetryPause, RetryState};
use crate::core::secret::Secret;
use crate::http::{self, Client};

/// How long one try may take, from its beginning to the last byte of the answer.
const ONE_TRY: Duration = Duration::from_secs(10);
const MAX_BYTES: usize = 64 * 1024;

/// Asks GitHub for a token for `audience`, as often as `pause` says.
///
/// # Errors
/// GitHub cannot be reached, refuses, or answers with no token.
pub(crate) async fn token(
    client: &Client,
    endpoint: &OidcEndpoint,
    audience: &str,
    pause: RetryPause<'_>,
) -> anyhow::Result<IdToken> {
    // `ACTIONS_ID_TOKEN_REQUEST_URL` has a query already.
    let separator = if endpoint.url.contains('?') { '&' } else { '?' };
    let audience = percent_encoding::utf8_percent_encode(audience, percent_encoding::NON_ALPHANUMERIC);
    let url = format!("{}{separator}audience={audience}", endpoint.url);
    let bearer = format!("Bearer {}", endpoint.token.expose());
    let headers = [("authorization", bearer.as_str()), ("accept", "application/json")];
    let (began, mut tries) = (Instant::now(), RetryState::default());
    let (status, body) = loop {
        let answer = http::get(client, &url, &headers, ONE_TRY, MAX_BYTES).await;
        let class = match &answer {
            Ok((429, _)) => ErrorClass::Throttled,
            Ok((200..300, body)) if parse(body).is_some() => ErrorClass::Final,
            // What holds no token is no answer of GitHub's.
            Ok((200..300 | 500.., _)) | Err(_) => ErrorClass::Transient,
            Ok(_) => ErrorClass::Final,
        };
        match pause(&mut tries, class, began.elapsed()) {
            Some(pause) => tokio::time::sleep(pause).await,
            None => break answer.context("cannot get GitHub's OIDC token for this job")?,
        }
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
    use std::sync::Mutex;

    use super::*;
    use crate::core::context::Env;

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

    #[tokio::test(start_paused = true)]
    async fn a_server_that_does_not_answer_is_given_up_after_ten_seconds_and_asked_again() {
        // It takes connections, and that is all.
        let server = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let endpoint = OidcEndpoint {
            url: format!("http://{}/token?x=1", server.local_addr().expect("an address")),
            token: Secret::new("request-token".to_owned()),
        };
        let client = http::client(&Env::of(&[])).expect("a client");
        let asked = Mutex::new(Vec::new());
        let pause = |state: &mut RetryState, class, at: Duration| {
            asked.lock().expect("a lock").push((class, at.as_secs()));
            state.pause(class, at, None, 1.0)
        };
        let began = Instant::now();
        let error = token(&client, &endpoint, "sts.amazonaws.com", &pause).await;
        let error = format!("{:#}", error.expect_err("no answer"));
        assert!(error.contains("did not answer within 10 s"), "{error}");
        let asked = asked.into_inner().expect("a lock");
        assert_eq!(asked.len(), 6, "{asked:?}");
        assert_eq!(asked[..2], [(ErrorClass::Transient, 10), (ErrorClass::Transient, 20)]);
        assert!(began.elapsed() < Duration::from_secs(70), "{:?}", began.elapsed());
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
