//! Errors of the network and of TLS, in words.

use std::error::Error;
use std::io;

/// What an error of the network, of TLS or of the SDK means, in words; the SDK's outer links ("dispatch failure",
/// "io error") say nothing to a person.
#[must_use]
pub(crate) fn plain_text(error: &(dyn Error + 'static)) -> String {
    if let Some(tls) = find::<rustls::Error>(error) {
        return tls_text(tls);
    }
    let texts: Vec<String> = chain(error).map(ToString::to_string).collect();
    if texts
        .iter()
        .any(|text| text == "dns error" || text.contains("failed to lookup address"))
    {
        return "its host name cannot be resolved (DNS)".to_owned();
    }
    if let Some(text) = texts.iter().find(|text| text.contains("timeout occurred")) {
        return text.clone();
    }
    if let Some(io) = chain(error).filter_map(<dyn Error>::downcast_ref::<io::Error>).last() {
        return match io.kind() {
            io::ErrorKind::ConnectionRefused => "the connection was refused".to_owned(),
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                "the connection was closed by the other side".to_owned()
            }
            io::ErrorKind::TimedOut => "the connection timed out".to_owned(),
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "the host is unreachable".to_owned(),
            _ => io.to_string(),
        };
    }
    if texts
        .iter()
        .any(|text| text.contains("connection closed before message completed"))
    {
        return "the connection was closed before the answer was complete".to_owned();
    }
    texts.into_iter().next_back().unwrap_or_default()
}

/// The first link of type `E`.
#[must_use]
pub(crate) fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    chain(error).find_map(<dyn Error>::downcast_ref)
}

/// Whether TLS refused the other side: that passes by nothing but a change of configuration.
#[must_use]
pub(crate) fn is_tls(error: &(dyn Error + 'static)) -> bool {
    find::<rustls::Error>(error).is_some()
}

fn tls_text(error: &rustls::Error) -> String {
    use rustls::CertificateError::{Expired, NotValidForName, UnknownIssuer};
    match error {
        rustls::Error::InvalidCertificate(UnknownIssuer) => {
            "its TLS certificate is signed by an authority that is not trusted here".to_owned()
        }
        rustls::Error::InvalidCertificate(NotValidForName) => "its TLS certificate is for another host name".to_owned(),
        rustls::Error::InvalidCertificate(Expired) => "its TLS certificate has expired".to_owned(),
        other => format!("TLS: {other}"),
    }
}

/// The links of a chain of errors; what an [`io::Error`] wraps is a link too, which its `source()` leaves out.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
        None => error.source(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Outer(&'static str, #[source] Box<dyn Error + Send + Sync>);

    #[test]
    fn errors_of_the_network_are_told_in_words() {
        for (inner, text) in [
            (
                io::Error::from(io::ErrorKind::ConnectionRefused),
                "the connection was refused",
            ),
            (
                io::Error::from(io::ErrorKind::ConnectionReset),
                "the connection was closed by the other side",
            ),
            (
                io::Error::other(rustls::Error::InvalidCertificate(
                    rustls::CertificateError::UnknownIssuer,
                )),
                "its TLS certificate is signed by an authority that is not trusted here",
            ),
            (
                io::Error::other("failed to lookup address information: Name or service not known"),
                "its host name cannot be resolved (DNS)",
            ),
            (
                io::Error::other("HTTP connect timeout occurred after 10s"),
                "HTTP connect timeout occurred after 10s",
            ),
        ] {
            let error = Outer("dispatch failure", Box::new(Outer("io error", Box::new(inner))));
            assert_eq!(plain_text(&error), text);
        }
    }
}
