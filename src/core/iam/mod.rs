//! Permissions: the calls that this program sends, the policies that allow them, and what to do when one is refused.

pub(crate) mod allowance;
pub(crate) mod arn;
pub(crate) mod calls;
pub(crate) mod hint;
pub(crate) mod id_token;
pub(crate) mod owner;
pub(crate) mod policy;
pub(crate) mod profile;
pub(crate) mod session_tags;
pub(crate) mod statements;
pub(crate) mod trust;
