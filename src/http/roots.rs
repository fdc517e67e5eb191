//! Trust roots: the system's certificates, else built-in ones, and those of `AWS_CA_BUNDLE`.
//!
//! Slim containers have no certificates at all; then Mozilla's, built in, are used. Nothing is parsed before the
//! first `https` request, except a file that the user names: a mistake in it is said at once.

use std::io::Read as _;

use anyhow::Context as _;
use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::core::context::Env;
use crate::core::error::HintExt as _;

/// How many bytes of certificates are read.
const MAX_BUNDLE: u64 = 16 * 1024 * 1024;

/// The roots to trust.
pub(crate) struct TrustRoots {
    extra: Vec<CertificateDer<'static>>,
}

/// The roots for this environment.
///
/// # Errors
/// The file that `AWS_CA_BUNDLE` names cannot be read, or a certificate in it cannot, or it holds none.
pub(crate) fn from_env(env: &Env) -> anyhow::Result<TrustRoots> {
    let extra = match env.get("AWS_CA_BUNDLE") {
        None => Vec::new(),
        Some(path) => read_bundle(path).hint(
            "set `AWS_CA_BUNDLE` to a PEM file of certificates, or unset it to trust the system's and Mozilla's",
        )?,
    };
    Ok(TrustRoots { extra })
}

fn read_bundle(path: &str) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let cannot_read = || format!("cannot read the certificates of `AWS_CA_BUNDLE`, `{path}`");
    anyhow::ensure!(
        std::fs::metadata(path).with_context(cannot_read)?.is_file(),
        "{}: it is not a regular file",
        cannot_read()
    );
    let mut text = Vec::new();
    let file = std::fs::File::open(path).with_context(cannot_read)?;
    file.take(MAX_BUNDLE + 1)
        .read_to_end(&mut text)
        .with_context(cannot_read)?;
    anyhow::ensure!(
        text.len() as u64 <= MAX_BUNDLE,
        "{}: it has more than 16 MiB",
        cannot_read()
    );
    let certificates = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<Vec<_>, _>>()
        .ok()
        .with_context(|| format!("cannot use `AWS_CA_BUNDLE`, `{path}`: it is not a valid PEM file"))?;
    anyhow::ensure!(
        !certificates.is_empty(),
        "cannot use `AWS_CA_BUNDLE`, `{path}`: there is no certificate in it"
    );
    let mut store = RootCertStore::empty();
    for (position, certificate) in certificates.iter().enumerate() {
        store.add(certificate.clone()).ok().with_context(|| {
            format!(
                "cannot use `AWS_CA_BUNDLE`, `{path}`: its certificate {} is broken",
                position + 1
            )
        })?;
    }
    Ok(certificates)
}

impl TrustRoots {
    /// Loads and parses the roots.
    pub(crate) fn tls_context(&self) -> TlsContext {
        let mut pem = String::new();
        let system = usable(&rustls_native_certs::load_native_certs().certs, &mut pem);
        if system == 0 {
            usable(webpki_root_certs::TLS_SERVER_ROOT_CERTS, &mut pem);
        }
        usable(&self.extra, &mut pem);
        // The client takes certificates as PEM, and panics on one that is broken: `usable` left those out.
        let store = TrustStore::empty().with_pem_certificate(pem);
        TlsContext::builder()
            .with_trust_store(store)
            .build()
            .expect("a context with a trust store and nothing else is always valid")
    }
}

/// Appends the certificates that TLS can use to `pem`, and counts them: system stores hold odd ones.
fn usable(certificates: &[CertificateDer<'static>], pem: &mut String) -> usize {
    let mut store = RootCertStore::empty();
    for certificate in certificates {
        if store.add(certificate.clone()).is_ok() {
            pem.push_str("-----BEGIN CERTIFICATE-----\n");
            pem.push_str(&aws_smithy_types::base64::encode(certificate));
            pem.push_str("\n-----END CERTIFICATE-----\n");
        }
    }
    store.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(content: &[u8]) -> anyhow::Result<TrustRoots> {
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), content)?;
        let path = file.path().to_string_lossy().into_owned();
        from_env(&Env::new([("AWS_CA_BUNDLE".to_owned(), path)]))
    }

    #[test]
    fn built_in_certificates_are_all_usable() {
        let mut pem = String::new();
        let count = usable(webpki_root_certs::TLS_SERVER_ROOT_CERTS, &mut pem);
        assert_eq!(count, webpki_root_certs::TLS_SERVER_ROOT_CERTS.len());
        assert!(count > 100, "{count}");
    }

    #[test]
    fn a_bundle_of_certificates_is_taken() -> anyhow::Result<()> {
        let mut pem = String::new();
        usable(&webpki_root_certs::TLS_SERVER_ROOT_CERTS[..2], &mut pem);
        let roots = bundle(pem.as_bytes())?;
        assert_eq!(roots.extra.len(), 2);
        roots.tls_context();
        Ok(())
    }

    #[test]
    fn a_bundle_that_is_none_says_what_is_wrong() {
        for (content, what) in [
            (&b"garbage"[..], "there is no certificate"),
            (
                b"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n",
                "not a valid PEM file",
            ),
            (
                b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                "certificate 1 is broken",
            ),
        ] {
            let Err(error) = bundle(content) else {
                panic!("accepted {what}")
            };
            assert!(format!("{error:#}").contains(what), "{error:#}");
        }
        let Err(error) = from_env(&Env::new([("AWS_CA_BUNDLE".to_owned(), "/does/not/exist".to_owned())])) else {
            panic!("accepted a missing file");
        };
        assert!(format!("{error:#}").contains("cannot read the certificates of `AWS_CA_BUNDLE`, `/does/not/exist`"));
    }
}
