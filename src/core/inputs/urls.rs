//! Addresses that inputs name.

use url::Url;

use crate::core::inputs::reader::Reader;

/// Checks `url`, the value of what is called `name` in an error: an `http://` or `https://` address of visible ASCII
/// characters, without a user name or password. No error repeats any of it: there may be secrets anywhere in it.
pub(crate) fn check_url(reader: &mut Reader<'_>, name: &str, url: &str) {
    if let Err(problem) = check(url) {
        reader.errors.push(format!("{name} {problem}"));
    }
}

/// Checks the address of a server to which paths and queries are added.
pub(crate) fn check_endpoint(reader: &mut Reader<'_>, name: &str, url: &str) {
    match check(url) {
        Ok(()) if url.contains(['?', '#']) => reader.errors.push(format!(
            "{name} has a query or a fragment, which the address of a store cannot have: remove what begins at `?` or `#`"
        )),
        Ok(()) => {}
        Err(problem) => reader.errors.push(format!("{name} {problem}")),
    }
}

/// Whether `url` is such an address; else what is wrong with it, which repeats nothing of it.
pub(crate) fn check(url: &str) -> Result<(), &'static str> {
    if has_user(url) {
        return Err("holds a user name or a password, which would show in the log: remove what stands before `@`");
    }
    if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(
            "holds white space, a control character or one that is not ASCII; it must be an `http://` or \
                    `https://` address, and is not repeated here because it may hold a secret",
        );
    }
    let rest = ["https://", "http://"]
        .iter()
        .find_map(|scheme| url.strip_prefix(scheme));
    let Some(rest) = rest else {
        return Err(
            "does not begin with `http://` or `https://`; it is not repeated here because it may hold a secret",
        );
    };
    if port(authority(rest)).is_some_and(|port| !is_port(port)) {
        return Err(
            "has a port that is not a number from 1 to 65535; it is not repeated here because it may hold a secret",
        );
    }
    if !is_request_target(url) || authority(rest).starts_with(':') {
        return Err(
            "has no host, or one that is not valid; it must be an `http://` or `https://` address, and is not repeated \
             here because it may hold a secret",
        );
    }
    Ok(())
}

/// Whether requests can be sent to `url`: by the parser of the HTTP client, and by the one that reads redirects.
fn is_request_target(url: &str) -> bool {
    let of_client: Option<http::Uri> = url.parse().ok();
    of_client.is_some_and(|uri| uri.host().is_some_and(|host| !host.is_empty()))
        && Url::parse(url).is_ok_and(|url| url.has_host())
}

/// Whether a user name stands before the host, whatever somebody takes for an address: with one slash or none, with
/// another scheme, with backslashes, encoded.
fn has_user(url: &str) -> bool {
    let is_slash = |c: char| matches!(c, '/' | '\\');
    let url = url.trim_matches(|c: char| c.is_whitespace() || c.is_control());
    let rest = match url.split_once(':') {
        Some((_, rest)) if rest.starts_with(is_slash) => rest,
        _ => url,
    };
    let rest = rest.trim_start_matches(is_slash);
    let authority = rest.split(|c| is_slash(c) || matches!(c, '?' | '#')).next();
    let authority = authority.unwrap_or(rest);
    authority.contains('@') || authority.contains("%40")
}

/// What stands behind the host and a colon.
fn port(authority: &str) -> Option<&str> {
    let (_, port) = authority.rsplit_once(':')?;
    // The colons of an IPv6 address, whether or not its brackets are closed.
    let in_address = port.contains(']') || authority.starts_with('[') && !authority.contains(']');
    (!in_address).then_some(port)
}

/// Whether `port` is one, or left out behind its colon.
fn is_port(port: &str) -> bool {
    let is_digits = port.bytes().all(|byte| byte.is_ascii_digit());
    port.is_empty() || is_digits && port.parse().is_ok_and(|port: u16| port > 0)
}

/// The host that an unencrypted request to `url` goes to; `None` where it is encrypted or stays on this machine.
pub(crate) fn unencrypted_host(url: &str) -> Option<&str> {
    let authority = authority(url.strip_prefix("http://")?);
    // A user name is nobody's business.
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
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
            ("http://me:hunter2@minio:9000", Some("minio")),
        ] {
            assert_eq!(unencrypted_host(url), expected, "{url}");
        }
    }

    #[test]
    fn addresses_have_a_host_and_no_user() {
        for good in [
            "https://example.org",
            "http://127.0.0.1:9000/x",
            "http://[::1]:80",
            "https://[2001:db8::1]/",
            "https://h:/x",
            "https://h:65535",
            "https://cdn.example.org/npm/pkg@1.0/?a@b",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for user in [
            "https://u:p@h",
            "HTTPS://u:p@h",
            "ftp://u:p@h",
            "//u:p@h",
            "https:/u:p@h",
            "https:\\\\u:p@h",
            "u:p@h",
            "u@h/x",
            " https://u:p@h",
            "\thttps://u:p@h",
            "https://u:p @h",
            "https://u%3Ap%40h/",
        ] {
            assert!(check(user).is_err_and(|error| error.contains("user name")), "{user}");
        }
        for wrong in [
            "example.org",
            "HTTPS://h",
            "https://",
            "https:///x",
            "https://h x",
            "ftp://h",
            "https://ü",
            "http://[::1",
            "http://[::1/x",
            "http://::1]/",
            "http://[::g]/",
            "http://[]/",
            "http://1.2.3.999/",
            "http://:80/",
            "http://h<i>/",
        ] {
            let problem = check(wrong).expect_err(wrong);
            assert!(!problem.contains("port"), "{wrong}: {problem}");
        }
        for port in [
            "https://h:p/w",
            "http://h:65536",
            "http://h:0/",
            "http://[::1]:99999/",
            "http://h:-1",
            "http://h:+1",
        ] {
            let problem = check(port).expect_err(port);
            assert!(problem.contains("from 1 to 65535"), "{port}: {problem}");
        }
    }
}
