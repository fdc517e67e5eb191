//! What a visitor's answer depends on, as it was read.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::core::cdn::distribution::{Distribution, OriginAccess};
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
}

/// An origin that is the bucket.
#[derive(Debug, Clone)]
pub(crate) struct OriginFacts {
    /// How it gets in.
    pub(crate) access: OriginAccess,
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
    pub(crate) fn is_public(&self) -> Option<bool> {
        let block = self.block?;
        if self.public_acl && !block.ignores_acls {
            return Some(true);
        }
        let policy = self.policy.as_ref()?;
        let allowed = access(policy, &ObjectReader::Anonymous, &self.object_arn()) == Access::Allowed;
        Some(allowed && !block.restricts_policies)
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
        let origin = distribution.origins.iter().find(|origin| Some(&origin.id) == target);
        // Where the origin path is not the prefix, `/` is another site's start page.
        let origin = origin
            .filter(|origin| key_prefix(&origin.domain, &origin.path, bucket).is_some_and(|served| served == prefix));
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
            }),
        }
    }
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
