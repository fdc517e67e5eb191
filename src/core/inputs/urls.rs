//! Addresses that inputs name.

use crate::core::inputs::reader::Reader;

/// Checks `url`, the value of what is called `name` in an error: an `http://` or `https://` address of visible ASCII
/// characters, without a user name or password, which is not repeated.
pub(crate) fn check_url(reader: &mut Reader<'_>, name: &str, url: &str) {
    let rest = ["https://", "http://"]
        .iter()
        .find_map(|scheme| url.strip_prefix(scheme));
    if authority(rest.unwrap_or(url)).contains('@') {
        reader.errors.push(format!(
            "{name} holds a user name or a password, which would show in the log: remove what stands before `@`"
        ));
    } else if !rest.is_some_and(|rest| !authority(rest).is_empty() && url.bytes().all(|byte| byte.is_ascii_graphic())) {
        reader.errors.push(format!(
            "{name} is `{url}`; it must be an `http://` or `https://` address"
        ));
    }
}

/// The host that an unencrypted request to `url` goes to; `None` where it is encrypted or stays on this machine.
pub(crate) fn unencrypted_host(url: &str) -> Option<&str> {
    let authority = authority(url.strip_prefix("http://")?);
    let host = match authority.strip_prefix('[') {
        Some(inner) => inner.split(']').next()?,
        None => authority.split(':').next()?,
    };
    let loopback = host == "::1"
        || host.eq_ignore_ascii_case("localhost")
        || host.starts_with("127.") && host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    (!loopback).then_some(host)
}

fn authority(rest: &str) -> &str {
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_requests_that_leave_the_machine_are_unencrypted() {
        for (url, expected) in [
            ("https://example.org", None),
            ("http://127.0.0.1:9000", None),
            ("http://LOCALHOST", None),
            ("http://[::1]:80/x", None),
            ("http://minio:9000/x", Some("minio")),
            ("http://127.0.0.1.example.org", Some("127.0.0.1.example.org")),
            ("http://[2001:db8::1]", Some("2001:db8::1")),
        ] {
            assert_eq!(unencrypted_host(url), expected, "{url}");
        }
    }
}
