//! What this binary is: version, target and the digest of its sources. Must not do anything at run time.

/// The answer to `--version`: `aws-web-deploy 0.1.0 (x86_64-unknown-linux-musl, sources <SHA-256>)`.
///
/// It is one literal, so that `scripts/dist.py check` finds it in the bytes of a binary of another architecture.
pub fn version() -> &'static str {
    concat!(
        env!("CARGO_PKG_NAME"),
        " ",
        env!("CARGO_PKG_VERSION"),
        " (",
        env!("AWD_TARGET"),
        ", sources ",
        env!("AWD_SOURCES"),
        ")"
    )
}
