//! Distribution tenants (CloudFront SaaS Manager), which are refused by name.
//!
//! A tenant is invalidated by calls of its own, and its origins' domains and paths may be parameters that only the tenant
//! knows, so that nobody can tell from the distribution which paths show a key
//! (<https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/tenant-customization.html>).

/// What a distribution with tenants is.
pub(crate) const MULTI_TENANT: &str = "it is a multi-tenant distribution, and those are not supported";

/// Whether `id` is that of a distribution tenant, as in
/// <https://github.com/aws/aws-cli/blob/develop/awscli/examples/cloudfront/create-invalidation-for-distribution-tenant.rst>.
#[must_use]
pub(crate) fn is_tenant(id: &str) -> bool {
    id.strip_prefix("dt_")
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Why `id`, a tenant's, is refused, and what to do.
#[must_use]
pub(crate) fn refusal(id: &str) -> String {
    format!(
        "`distribution` is `{id}`: a distribution tenant, and multi-tenant distributions are not supported. {}",
        what_to_do(id)
    )
}

/// What to do for the tenant `id` instead.
#[must_use]
pub(crate) fn what_to_do(id: &str) -> String {
    format!(
        "Leave it out, and invalidate the tenant in a step behind this one: aws cloudfront \
         create-invalidation-for-distribution-tenant --id {id} --invalidation-batch \
         \"Paths={{Quantity=1,Items=['/*']}},CallerReference=$GITHUB_RUN_ID-$GITHUB_RUN_ATTEMPT\""
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_is_known_by_its_id() {
        assert!(is_tenant("dt_2wjDZi3hD1ivOXf6rpZJO1AB"));
        for other in ["E1A2B3C4D5E6F7", "dt_", "dt_a;b", "DT_A", "xdt_1"] {
            assert!(!is_tenant(other), "{other}");
        }
        assert!(refusal("dt_1").contains("--id dt_1 "));
    }
}
