//! Keys of white space alone, which S3 takes and the SDK takes for missing ("A required field was not set").
//!
//! The SDK is given another name for such a key, and the request gets the key itself right before it is signed.

use std::borrow::Cow;
use std::fmt::Write as _;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// What a name for the SDK begins with; the bytes of the key follow, in hexadecimal digits.
const NAMED: &str = ".aws-web-deploy-key-";

/// `key` as the SDK takes it.
#[must_use]
pub(crate) fn for_sdk(key: &str) -> Cow<'_, str> {
    if !key.trim().is_empty() && !key.starts_with(NAMED) {
        return Cow::Borrowed(key);
    }
    let mut name = NAMED.to_owned();
    for byte in key.bytes() {
        let _ = write!(name, "{byte:02X}");
    }
    Cow::Owned(name)
}

/// Puts the key itself into requests that have its name for the SDK.
#[derive(Debug)]
pub(crate) struct BlankKeyInterceptor;

#[dyn_dispatch_hint]
impl Intercept for BlankKeyInterceptor {
    fn name(&self) -> &'static str {
        "NameBlankKey"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        if let Some(address) = with_key(request.uri()) {
            request.set_uri(address)?;
        }
        Ok(())
    }
}

/// The address with the key in it whose name for the SDK it has.
fn with_key(address: &str) -> Option<String> {
    let (before, name) = address.split_once(&format!("/{NAMED}"))?;
    let end = name.find('?').unwrap_or(name.len());
    let (digits, rest) = name.split_at(end);
    if digits.is_empty() || digits.len() % 2 != 0 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut key = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place % 2 == 0 {
            key.push('%');
        }
        key.push(digit);
    }
    Some(format!("{before}/{key}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_white_space_has_a_name_for_the_sdk_and_is_asked_for_itself() {
        for key in ["a", " a", "dir/ ", ".aws-web-deploy/x"] {
            assert_eq!(for_sdk(key), key);
        }
        for (key, encoded) in [(" ", "%20"), ("\t\u{3000}", "%09%E3%80%80")] {
            let name = for_sdk(key);
            assert!(!name.trim().is_empty());
            for (address, rest) in [
                ("http://127.0.0.1:1/bucket", "?x-id=PutObject"),
                ("https://bucket.s3.amazonaws.com", ""),
            ] {
                assert_eq!(
                    with_key(&format!("{address}/{name}{rest}")),
                    Some(format!("{address}/{encoded}{rest}"))
                );
            }
        }
        // A file that is called so is not another one.
        let name = for_sdk(".aws-web-deploy-key-20");
        assert_eq!(
            with_key(&format!("/{name}")).as_deref(),
            Some("/%2E%61%77%73%2D%77%65%62%2D%64%65%70%6C%6F%79%2D%6B%65%79%2D%32%30")
        );
        assert_eq!(with_key("http://127.0.0.1:1/bucket/a"), None);
    }
}
