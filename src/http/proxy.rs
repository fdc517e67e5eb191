//! Proxies: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` of the environment, in both cases.
//!
//! An address of a proxy may hold a password: it is never printed.

use anyhow::Context as _;
use http::Uri;

use crate::core::context::Env;
use crate::core::error::HintExt as _;

/// The proxies of the environment.
#[derive(Default)]
pub(crate) struct Proxies {
    pub(crate) http: Option<Uri>,
    pub(crate) https: Option<Uri>,
    pub(crate) except: String,
}

impl Proxies {
    pub(crate) fn from_env(env: &Env) -> anyhow::Result<Self> {
        let first = |names: [&'static str; 4]| {
            names
                .into_iter()
                .find_map(|name| env.get(name).map(|value| (name, value)))
        };
        let proxy = |names| first(names).map(|(name, value)| proxy_uri(name, value)).transpose();
        Ok(Self {
            http: proxy(["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])?,
            https: proxy(["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])?,
            except: env
                .get("no_proxy")
                .or(env.get("NO_PROXY"))
                .unwrap_or_default()
                .to_owned(),
        })
    }
}

/// A proxy's address; without a scheme it is `http`, as for curl. It may hold a password: never printed.
fn proxy_uri(name: &str, value: &str) -> anyhow::Result<Uri> {
    let value = value.trim();
    let full = if value.contains("://") {
        value.to_owned()
    } else {
        format!("http://{value}")
    };
    full.parse()
        .ok()
        .filter(|uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some())
        .with_context(|| {
            format!(
                "cannot use the proxy in the environment variable `{name}`: it is not an `http://` or `https://` URL"
            )
        })
        .hint(format!("set `{name}` to `http://host:port`, or unset it"))
}

/// Whether `host` is this machine or its link: never behind a proxy.
pub(crate) fn is_local(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse() {
        Ok(std::net::IpAddr::V4(address)) => address.is_loopback() || address.is_link_local(),
        // `fd00:ec2::` is where EC2 and EKS serve credentials by IPv6.
        Ok(std::net::IpAddr::V6(address)) => {
            let segments = address.segments();
            address.is_loopback() || address.is_unicast_link_local() || segments.starts_with(&[0xfd00, 0x0ec2])
        }
        Err(_) => bare.eq_ignore_ascii_case("localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_addresses_are_never_behind_a_proxy() {
        for host in [
            "127.0.0.1",
            "127.9.9.9",
            "localhost",
            "[::1]",
            "169.254.169.254",
            "169.254.170.2",
            "[fd00:ec2::23]",
        ] {
            assert!(is_local(host), "{host}");
        }
        for host in [
            "s3.amazonaws.com",
            "10.0.0.1",
            "localhost.example.com",
            "[2600::1]",
            "128.0.0.1",
        ] {
            assert!(!is_local(host), "{host}");
        }
    }

    #[test]
    fn proxies_come_from_both_cases_and_without_a_scheme() -> anyhow::Result<()> {
        let proxies = Proxies::from_env(&Env::of(&[
            ("HTTPS_PROXY", "proxy:3128"),
            ("http_proxy", "http://other:1/"),
        ]))?;
        assert_eq!(
            proxies.https.map(|uri| uri.to_string()).as_deref(),
            Some("http://proxy:3128/")
        );
        assert_eq!(
            proxies.http.map(|uri| uri.to_string()).as_deref(),
            Some("http://other:1/")
        );
        let proxies = Proxies::from_env(&Env::of(&[("ALL_PROXY", "http://all:1"), ("HTTP_PROXY", "")]))?;
        assert_eq!(proxies.https, proxies.http);
        Ok(())
    }

    #[test]
    fn a_proxy_that_is_none_is_an_error_without_its_password() {
        let Err(error) = Proxies::from_env(&Env::of(&[("HTTPS_PROXY", "socks5://user:hunter2@host:1")])) else {
            panic!("accepted");
        };
        let text = format!("{error:#}");
        assert!(text.contains("`HTTPS_PROXY`"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}
