//! What a visitor's answer depends on, as it was read.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::core::cdn::distribution::{Distribution, Origin, OriginAccess};
use crate::core::cdn::origins::key_prefix;
use crate::core::iam::arn::literal;
use crate::core::visitor::access::{Access, ObjectReader, PublicBlock, access, may_list};

/// A bucket, for whoever wants to read it. `None`: it may not be read.
#[derive(Debug, Clone, Default)]
pub(crate) struct BucketFacts {
    /// Its name.
    pub(crate) name: String,
    /// Its ARN.
    pub(crate) arn: String,
    /// `prefix`: empty, or ending in `/`.
    pub(crate) prefix: String,
    /// Its policy; null where it has none.
    pub(crate) policy: Option<Value>,
    /// Its public access block.
    pub(crate) block: Option<PublicBlock>,
    /// Its website configuration.
    pub(crate) website: Option<Option<Website>>,
    /// This run uploads with a public ACL.
    pub(crate) public_acl: bool,
    /// The KMS key that encrypts what is uploaded, where one does.
    pub(crate) kms: Option<KmsKey>,
    /// The account whose Block Public Access counts as well; empty: not known.
    pub(crate) account: String,
}

/// A KMS key that encrypts a bucket's objects by default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KmsKey {
    /// AWS's own for S3, `aws/s3`, [whose policy nobody can edit].
    ///
    /// [whose policy nobody can edit]: https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html
    Managed,
    /// One of somebody's own: its id or ARN.
    Own(String),
}

/// Whether anybody may read the site's objects, as far as bucket, policy and ACL tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Publicity {
    /// Everybody, unless the account's Block Public Access is on.
    Open,
    /// The policy or the ACL lets everybody in, and the bucket's Block Public Access keeps them out.
    Blocked,
    /// Nobody.
    Closed,
}

/// A website configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Website {
    /// The index document of every folder.
    pub(crate) index: String,
    /// The error document's key.
    pub(crate) error: Option<String>,
}

/// A distribution, as far as the site's start page is concerned.
#[derive(Debug, Clone, Default)]
pub(crate) struct DistributionFacts {
    /// Its id.
    pub(crate) id: String,
    /// Its ARN.
    pub(crate) arn: String,
    /// Its account.
    pub(crate) account: String,
    /// The default root object; empty: none.
    pub(crate) default_root_object: String,
    /// The pages of custom error responses, by the code that they stand for.
    pub(crate) error_pages: BTreeMap<i32, String>,
    /// A function or Lambda changes requests of the default behavior.
    pub(crate) has_function: bool,
    /// The origin of the default behavior, where it is the bucket.
    pub(crate) origin: Option<OriginFacts>,
    /// Why there is no such origin, where some of the bucket is shown all the same.
    pub(crate) elsewhere: Option<String>,
    /// The domain of the origin that is asked for what the bucket answers with 403 or 404.
    pub(crate) second_origin: Option<String>,
}

/// An origin that is the bucket.
#[derive(Debug, Clone)]
pub(crate) struct OriginFacts {
    /// How it gets in.
    pub(crate) access: OriginAccess,
    /// It is asked by https.
    pub(crate) by_https: bool,
}

/// The source directory, as far as addresses are concerned.
#[derive(Debug, Clone, Default)]
pub(crate) struct SourceFacts {
    /// It could be looked at: it is built by then, or not.
    pub(crate) is_known: bool,
    /// All files at the top.
    pub(crate) top: BTreeSet<String>,
    /// `index.html` of folders, with their paths.
    pub(crate) folder_pages: Vec<String>,
    /// The only page is `index.html` at the top, with scripts beside it.
    pub(crate) is_single_page: bool,
}

impl BucketFacts {
    /// Whether anybody may read the site's objects; `None` when that cannot be told.
    ///
    /// The account's own Block Public Access is not looked at.
    #[must_use]
    pub(crate) fn publicity(&self) -> Option<Publicity> {
        let block = self.block?;
        if self.public_acl && !block.ignores_acls {
            return Some(Publicity::Open);
        }
        let policy = self.policy.as_ref()?;
        let allowed = access(policy, &ObjectReader::Anonymous, &self.object_arn()) == Access::Allowed;
        Some(match (allowed, block.restricts_policies) {
            (true, false) => Publicity::Open,
            (true, true) => Publicity::Blocked,
            (false, _) if self.public_acl => Publicity::Blocked,
            (false, _) => Publicity::Closed,
        })
    }

    /// What S3 answers where there is no object.
    #[must_use]
    pub(crate) fn code_of_missing(&self, reader: &ObjectReader) -> i32 {
        let lists = self
            .policy
            .as_ref()
            .is_some_and(|policy| may_list(policy, reader, &self.arn));
        if lists { 404 } else { 403 }
    }

    /// The ARN of the site's start page, for one.
    #[must_use]
    pub(crate) fn object_arn(&self) -> String {
        format!("{}/{}index.html", self.arn, self.prefix)
    }

    /// The ARN of all objects of the site, as a policy names them.
    #[must_use]
    pub(crate) fn objects_arn(&self) -> String {
        format!("{}/{}*", self.arn, literal(&self.prefix))
    }
}

impl DistributionFacts {
    /// Of the distribution `id` of `account`, for a site below `prefix` of `bucket`.
    #[must_use]
    pub(crate) fn of(
        id: &str,
        arn: &str,
        account: &str,
        distribution: &Distribution,
        bucket: &str,
        prefix: &str,
    ) -> Self {
        let default = distribution.default_behavior();
        // Of an origin group the first member is asked first.
        let target = default.and_then(|behavior| behavior.origins.first());
        let named = |id: &String| distribution.origins.iter().find(|origin| origin.id == *id);
        let asked = target.and_then(named);
        // Where the origin path is not the prefix, `/` is another site's start page.
        let origin = asked
            .filter(|origin| key_prefix(&origin.domain, &origin.path, bucket).is_some_and(|served| served == prefix));
        let second = default
            .filter(|behavior| behavior.failover_codes.iter().any(|code| [403, 404].contains(code)))
            .and_then(|behavior| behavior.origins.get(1));
        Self {
            id: id.to_owned(),
            arn: arn.to_owned(),
            account: account.to_owned(),
            default_root_object: distribution.default_root_object.clone(),
            error_pages: distribution
                .error_pages
                .iter()
                .filter(|page| !page.path.is_empty())
                .map(|page| (page.code, page.path.clone()))
                .collect(),
            has_function: default.is_some_and(|behavior| !behavior.rewriters.is_empty()),
            origin: origin.map(|origin| OriginFacts {
                access: origin.access.clone(),
                by_https: origin.by_https,
            }),
            elsewhere: if origin.is_some() {
                None
            } else {
                asked.and_then(|asked| elsewhere(distribution, asked, bucket, prefix))
            },
            second_origin: second.map(|id| named(id).map_or_else(|| id.clone(), |origin| origin.domain.clone())),
        }
    }
}

/// Why `/` is not the start page of the site below `prefix`, where `asked` answers `/`.
fn elsewhere(distribution: &Distribution, asked: &Origin, bucket: &str, prefix: &str) -> Option<String> {
    if let Some(served) = key_prefix(&asked.domain, &asked.path, bucket) {
        return Some(format!(
            "`/` shows what lies in `{bucket}/{served}`, by the origin path, and the site is in `{bucket}/{prefix}`, by `prefix`"
        ));
    }
    let behavior = distribution.behaviors.iter().find(|behavior| {
        let mut origins = distribution
            .origins
            .iter()
            .filter(|origin| behavior.origins.contains(&origin.id));
        origins.any(|origin| key_prefix(&origin.domain, &origin.path, bucket).is_some())
    })?;
    Some(format!(
        "`{}` answers `/`, and the bucket is asked for `{}`",
        asked.domain, behavior.pattern
    ))
}

impl SourceFacts {
    /// Reads the paths of the source's files.
    #[must_use]
    pub(crate) fn of<'p>(paths: impl IntoIterator<Item = &'p str>) -> Self {
        let mut facts = Self {
            is_known: true,
            ..Self::default()
        };
        let (mut pages, mut scripts) = (0, 0);
        for path in paths {
            if !path.contains('/') {
                facts.top.insert(path.to_owned());
            } else if path.ends_with("/index.html") {
                facts.folder_pages.push(path.to_owned());
            }
            pages += usize::from(path.ends_with(".html"));
            scripts += usize::from(path.ends_with(".js") || path.ends_with(".mjs"));
        }
        facts.is_single_page = pages == 1 && scripts > 0 && facts.top.contains("index.html");
        facts
    }

    /// Whether there is a file at the top with this name; a path further down is taken to be there.
    #[must_use]
    pub(crate) fn has(&self, page: &str) -> bool {
        let page = page.trim_start_matches('/');
        page.contains('/') || self.top.contains(page)
    }
}
