//! Which requests of a distribution's visitors reach the site's bucket.

/// A behavior of a distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RoutedBehavior {
    /// Its path pattern; `None` for the default behavior.
    pub(crate) pattern: Option<String>,
    pub(crate) responder: Responder,
}

/// What answers the requests of a behavior.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Responder {
    Bucket,
    /// The bucket, when the first member of an [origin group] has failed: that member's domain.
    ///
    /// [origin group]: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/high_availability_origin_failover.html
    BucketAfter(String),
    /// Another origin: its domain.
    Other(String),
}

/// How much of a distribution comes from the bucket.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    Everything,
    /// Some of it: the end of a sentence that says "serves the bucket".
    Part(String),
    /// What the other origin, with this domain, fails to answer.
    Fallback(String),
    Nothing,
}

/// How much of a distribution with these behaviors comes from the bucket.
#[must_use]
pub(crate) fn reach(routes: &[RoutedBehavior]) -> Reach {
    let by_bucket = |route: &&RoutedBehavior| route.responder == Responder::Bucket;
    let (own, others): (Vec<_>, Vec<_>) = routes.iter().partition(by_bucket);
    if own.is_empty() {
        return routes
            .iter()
            .find_map(|route| match &route.responder {
                Responder::BucketAfter(domain) => Some(Reach::Fallback(domain.clone())),
                _ => None,
            })
            .unwrap_or(Reach::Nothing);
    }
    if others.is_empty() {
        return Reach::Everything;
    }
    let patterns = |routes: &[&RoutedBehavior]| {
        let named: Vec<_> = routes.iter().filter_map(|route| route.pattern.as_deref()).collect();
        format!("`{}`", named.join("`, `"))
    };
    Reach::Part(match others.iter().find(|route| route.pattern.is_none()) {
        Some(rest) => format!(
            "for {} only; `{}` answers everything else",
            patterns(&own),
            rest.domain()
        ),
        None => format!("for everything but {}", patterns(&others)),
    })
}

impl RoutedBehavior {
    fn domain(&self) -> &str {
        match &self.responder {
            Responder::Bucket => "the bucket",
            Responder::BucketAfter(domain) | Responder::Other(domain) => domain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(pattern: &str, responder: Responder) -> RoutedBehavior {
        RoutedBehavior {
            pattern: (!pattern.is_empty()).then(|| pattern.to_owned()),
            responder,
        }
    }

    #[test]
    fn the_reach_of_a_bucket_among_other_origins() {
        use Responder::{Bucket, BucketAfter, Other};
        let api = || Other("api.example.com".to_owned());
        let after = || BucketAfter("main.example.com".to_owned());
        for (routes, expected) in [
            (vec![route("", Bucket)], Reach::Everything),
            (vec![route("", Bucket), route("/a/*", Bucket)], Reach::Everything),
            (
                vec![route("", Bucket), route("/api/*", api()), route("/x", api())],
                Reach::Part("for everything but `/api/*`, `/x`".to_owned()),
            ),
            (
                vec![route("", api()), route("/static/*", Bucket)],
                Reach::Part("for `/static/*` only; `api.example.com` answers everything else".to_owned()),
            ),
            (
                vec![route("", after()), route("/static/*", Bucket)],
                Reach::Part("for `/static/*` only; `main.example.com` answers everything else".to_owned()),
            ),
            (vec![route("", after())], Reach::Fallback("main.example.com".to_owned())),
            (vec![route("", api())], Reach::Nothing),
        ] {
            assert_eq!(reach(&routes), expected, "{routes:?}");
        }
    }
}
