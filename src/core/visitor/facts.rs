//! What a visitor's answer depends on, as it was read.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::core::cdn::distribution::{Distribution, Origin, OriginAccess};
use crate::core::cdn::origins::key_prefix;
use crate::core::iam::arn::literal;
use crate::core::visitor::access::{PublicBlock, access, may_list};
use crate::core::visitor::reader::{Access, ObjectReader};

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
    /// Whether S3 calls the policy public; `None`: not told, or there is no policy.
    pub(crate) is_public: Option<bool>,
    /// Its public access block.
    pub(crate) block: Option<PublicBlock>,
    /// That of its account.
    pub(crate) account_block: Option<PublicBlock>,
    /// Its website configuration.
    pub(crate) website: Option<Option<Website>>,
    /// This run uploads with a public ACL.
    pub(crate) public_acl: bool,
    /// How what is uploaded is encrypted.
    pub(crate) at_rest: AtRest,
    /// The account whose Block Public Access counts as well; empty: not known.
    pub(crate) account: String,
}

/// How S3 keeps what is uploaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum AtRest {
    /// By its own keys, which everybody reads by who may read the object.
    #[default]
    Readable,
    /// By a KMS key.
    Kms(KmsKey),
    /// By a key that only the uploader has (`--sse-c`).
    CustomerKey,
    /// The default encryption may not be read.
    Unknown,
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

impl KmsKey {
    /// The key of that id, ARN or alias; none is AWS's own.
    #[must_use]
    pub(crate) fn of(id: Option<&str>) -> Self {
        match id {
            None => Self::Managed,
            Some(key) if key.ends_with("alias/aws/s3") => Self::Managed,
            Some(key) => Self::Own(key.to_owned()),
        }
    }
}

/// Whether anybody may read the site's objects, as far as bucket, account, policy and ACL tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Publicity {
    /// Everybody, unless the account's Block Public Access is not known, and on.
    Open,
    /// The policy or the ACL lets everybody in, and Block Public Access keeps them out.
    Blocked(Blocker),
    /// Whoever meets the policy's condition on this key.
    Conditional(String),
    /// Nobody: the policy's statement at this place denies it.
    Denied(usize),
    /// Nobody.
    Closed,
}

/// Whose Block Public Access is on: one of the two at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Blocker {
    /// The bucket's.
    pub(crate) bucket: bool,
    /// The account's.
    pub(crate) account: bool,
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
    /// The domain names that it answers to besides its own.
    pub(crate) aliases: Vec<String>,
    /// The pages of custom error responses, by the code that they stand for.
    pub(crate) error_pages: BTreeMap<i32, ShownPage>,
    /// The function or Lambda that may change requests of the default behavior.
    pub(crate) function: Option<String>,
    /// The origin of the default behavior, where it is the bucket.
    pub(crate) origin: Option<OriginFacts>,
    /// Why there is no such origin, where some of the bucket is shown all the same.
    pub(crate) elsewhere: Option<String>,
    /// The origin that is asked where the bucket fails.
    pub(crate) second_origin: Option<SecondOrigin>,
}

/// A page that is shown for an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShownPage {
    /// Its path.
    pub(crate) path: String,
    /// The status that visitors get with it; none: that of the error.
    pub(crate) status: Option<i32>,
}

/// The second member of an origin group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SecondOrigin {
    /// Its domain.
    pub(crate) domain: String,
    /// The statuses of the first for which it is asked.
    pub(crate) codes: Vec<i32>,
}

/// Whether an origin access control signs requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Signing {
    /// Every one.
    Always,
    /// Those that have no `Authorization` of a visitor's own.
    NoOverride,
    /// None: the bucket takes the distribution for anybody.
    Never,
    /// It may not be read.
    #[default]
    Unknown,
}

/// An origin that is the bucket.
#[derive(Debug, Clone)]
pub(crate) struct OriginFacts {
    /// How it gets in.
    pub(crate) access: OriginAccess,
    /// What its origin access control does, where it has one.
    pub(crate) signing: Signing,
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
    /// Whether `reader`, which is anybody, may read the site's objects; `None` when that cannot be told.
    #[must_use]
    pub(crate) fn publicity(&self, reader: &ObjectReader) -> Option<Publicity> {
        let block = self.block?;
        let policy = self.policy.as_ref();
        let by_policy = policy.map(|policy| access(policy, reader, &self.object_arn()));
        if let Some(Access::Denied(place)) = by_policy {
            return Some(Publicity::Denied(place));
        }
        let is_open = match &by_policy {
            Some(Access::Allowed) => true,
            // A policy with a condition may be public to S3, or not: only S3 can tell.
            Some(Access::Conditional(_)) => self.is_public == Some(true),
            _ => false,
        };
        if let Some(blocker) = self.restricting().filter(|_| is_open) {
            return Some(Publicity::Blocked(blocker));
        }
        let ignoring = Blocker {
            bucket: block.ignores_acls,
            account: self.account_block.is_some_and(|block| block.ignores_acls),
        };
        if self.public_acl && ignoring.names().is_none() {
            return Some(Publicity::Open);
        }
        Some(match by_policy? {
            Access::Allowed => Publicity::Open,
            Access::Conditional(key) => Publicity::Conditional(key),
            _ if self.public_acl => Publicity::Blocked(ignoring),
            _ => Publicity::Closed,
        })
    }

    /// Whose Block Public Access keeps everybody out whom a public policy lets in, but the account and AWS's services.
    ///
    /// A policy that S3 does not call public is not restricted.
    #[must_use]
    pub(crate) fn restricting(&self) -> Option<Blocker> {
        let restricts = |block: Option<PublicBlock>| block.is_some_and(|block| block.restricts_policies);
        let blocker = Blocker {
            bucket: restricts(self.block),
            account: restricts(self.account_block),
        };
        blocker
            .names()
            .filter(|_| self.is_public != Some(false))
            .map(|_| blocker)
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

impl Blocker {
    /// Whose it is, in words; `None` where nothing is blocked.
    #[must_use]
    pub(crate) fn names(self) -> Option<&'static str> {
        match (self.bucket, self.account) {
            (true, true) => Some("the bucket's and the account's"),
            (true, false) => Some("the bucket's"),
            (false, true) => Some("the account's"),
            (false, false) => None,
        }
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
        let second = default.and_then(|behavior| {
            let id = behavior.origins.get(1)?;
            Some(SecondOrigin {
                domain: named(id).map_or_else(|| id.clone(), |origin| origin.domain.clone()),
                codes: behavior.failover_codes.clone(),
            })
        });
        Self {
            id: id.to_owned(),
            arn: arn.to_owned(),
            account: account.to_owned(),
            default_root_object: distribution.default_root_object.clone(),
            error_pages: distribution
                .error_pages
                .iter()
                .filter(|page| !page.path.is_empty())
                .map(|page| {
                    let shown = ShownPage {
                        path: page.path.clone(),
                        status: page.response_code,
                    };
                    (page.code, shown)
                })
                .collect(),
            aliases: distribution.aliases.clone(),
            function: default.and_then(|behavior| behavior.rewriters.first()).map(|arn| {
                arn.split_once("function")
                    .map_or(arn.as_str(), |(_, name)| name.trim_start_matches([':', '/']))
                    .to_owned()
            }),
            origin: origin.map(|origin| OriginFacts {
                access: origin.access.clone(),
                signing: Signing::default(),
                by_https: origin.by_https,
            }),
            elsewhere: if origin.is_some() {
                None
            } else {
                asked.and_then(|asked| elsewhere(distribution, asked, bucket, prefix))
            },
            second_origin: second,
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
    Some(if behavior.pattern == "*" {
        format!(
            "`{}` answers `/`, and the bucket is asked only where that fails",
            asked.domain
        )
    } else {
        format!(
            "`{}` answers `/`, and the bucket is asked for `{}`",
            asked.domain, behavior.pattern
        )
    })
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
