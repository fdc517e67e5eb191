//! Invalidation paths from changed keys.
