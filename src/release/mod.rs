//! Releases: the record, the choice of a rollback target, what to restore. Pure.
