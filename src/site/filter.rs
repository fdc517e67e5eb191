//! Include and exclude patterns with the exact meaning of `aws s3 sync`.

/// An ordered list of patterns; the last one that matches decides.
#[derive(Debug, Clone, Default)]
pub struct Filter {}
