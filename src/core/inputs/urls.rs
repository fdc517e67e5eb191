//! Addresses that inputs name.

/// Whether `url` is an `http://` or `https://` address of visible ASCII characters.
pub(crate) fn is_http_url(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && url.bytes().all(|byte| byte.is_ascii_graphic()))
}
