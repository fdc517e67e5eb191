//! Who this run is to AWS: static keys, roles, the default chain.

pub(crate) mod cached;
pub(crate) mod credentials;
pub(crate) mod profile;
pub(crate) mod role;
