//! The tests' one door: what the integration tests ask of the library besides running its binary.

use std::path::PathBuf;

use serde_json::Value;

use crate::aws;
use crate::aws::auth::role::AskIdToken;
use crate::aws::s3::bucket::Bucket;
use crate::aws::s3::copy;
use crate::aws::s3::effect::Effect;
use crate::console::Console;
use crate::core::context::{Env, RunContext};
use crate::core::iam::trust::{self, Claims};
use crate::core::inputs::{AwsInputs, StaticKeys};
use crate::core::release::kept::KeptRecords;
use crate::core::release::keys;
use crate::core::report::Report;
use crate::core::report::outputs::OUTPUTS;
use crate::core::secret::Secret;
use crate::core::site::headers::ObjectHeaders;
use crate::core::site::object::ObjectOptions;
use crate::core::site::plan::{Reason, Write, WriteSource};
use crate::github::oidc;

pub use crate::core::iam::calls::{ALL as CALLS, Call, Need, actions};
pub use crate::core::iam::policy::{BackendScope, PolicyScope, PolicySite, beanstalk_note, for_scope as policy_for};
pub use crate::core::iam::statements::PolicyTarget;
pub use crate::core::inputs::table::{ALIASES, Alias, INPUTS, InputSpec, MISTAKEN, OLD_ENVIRONMENT, Section, variable};
pub use crate::core::report::policy::policy_text;

/// All outputs with what they mean.
#[must_use]
pub fn outputs() -> &'static [(&'static str, &'static str)] {
    OUTPUTS
}

/// The names of the outputs that a run writes.
#[must_use]
pub fn written_outputs() -> Vec<&'static str> {
    let report = Report::new(String::new());
    crate::core::report::outputs::outputs(&report, "")
        .into_iter()
        .map(|(name, _)| name)
        .collect()
}

/// The trust policy of `role` for jobs whose tokens have the subject `subject`.
#[must_use]
pub fn trust_policy(role: &str, subject: &str, audience: &str) -> Value {
    let claims = Claims {
        iss: String::new(),
        sub: subject.to_owned(),
    };
    trust::policy(role, &claims, audience)
}

/// The lines of a release record's list of keys.
///
/// # Errors
/// The bytes are no such list.
pub fn unpack_keys(bytes: &[u8]) -> anyhow::Result<Vec<Value>> {
    keys::unpack(bytes, &KeptRecords::default())
}

/// A bucket to copy in, reached with AWS's example keys.
pub struct CopyBucket(Bucket);

impl CopyBucket {
    /// The bucket `name` at `endpoint`.
    ///
    /// # Errors
    /// It cannot be reached.
    pub async fn open(endpoint: &str, name: &str) -> anyhow::Result<Self> {
        let inputs = AwsInputs {
            region: Some("us-east-1".to_owned()),
            keys: Some(StaticKeys {
                access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
                secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
                session_token: None,
            }),
            endpoint_url: Some(endpoint.to_owned()),
            ..AwsInputs::default()
        };
        let env = Env::default();
        let context = RunContext::new(&env, PathBuf::from("/"), PathBuf::from("/"));
        let console = Console::new(std::io::sink(), false);
        let ask: AskIdToken = |http, endpoint, audience, pause| Box::pin(oidc::token(http, endpoint, audience, pause));
        let aws = aws::connect(&inputs, &context, &env, ask, &console).await?;
        Ok(Self(Bucket::open(&aws, name, "").await?))
    }

    /// Sends the object `key`, of `size` bytes, onto itself with `headers` (a record's JSON); returns the new version.
    ///
    /// # Errors
    /// As the copy's.
    pub async fn copy_in_place(&self, key: &str, size: u64, headers: Value) -> anyhow::Result<Option<String>> {
        let write = write(key, size, WriteSource::InPlace, headers)?;
        copy::copy(&self.0, &write, &ObjectOptions::default(), None, &Effect::default()).await
    }

    /// Brings a version back, in parts above `largest` bytes (S3's own limit without); returns the new version.
    ///
    /// # Errors
    /// As the copy's.
    pub async fn restore(
        &self,
        key: &str,
        size: u64,
        version: VersionToRestore,
        headers: Value,
        largest: Option<u64>,
    ) -> anyhow::Result<Option<String>> {
        let source = WriteSource::Version {
            version_id: version.version_id,
            acl: version.acl,
            grants: None,
            plain: version.plain,
        };
        let (write, options) = (write(key, size, source, headers)?, ObjectOptions::default());
        match largest {
            Some(largest) => copy::copy_limited(&self.0, &write, &options, (largest, None), &Effect::default()).await,
            None => copy::copy(&self.0, &write, &options, None, &Effect::default()).await,
        }
    }
}

/// An earlier version of an object.
pub struct VersionToRestore {
    /// S3's version id.
    pub version_id: String,
    /// The canned ACL that it had, where that is known.
    pub acl: Option<String>,
    /// It has no redirect, grants or encryption of its own.
    pub plain: bool,
}

fn write(key: &str, size: u64, source: WriteSource, headers: Value) -> anyhow::Result<Write> {
    Ok(Write {
        key: key.to_owned(),
        size,
        reason: Reason::HeadersChanged,
        source,
        headers: serde_json::from_value::<ObjectHeaders>(headers)?,
    })
}
