//! CloudFront: what a distribution serves, and invalidations.
