//! CloudFront's configuration of a distribution in types of our own: the one place that knows the SDK's.

use aws_sdk_cloudfront::types::{
    self, ConnectionMode, DistributionConfig, EventType, ForwardedValues, FunctionAssociations,
    LambdaFunctionAssociations, OriginProtocolPolicy,
};

use crate::core::cdn::distribution::{CacheBehavior, Distribution, ErrorPage, Origin, OriginAccess};

/// What begins the id of an origin access identity in an origin's configuration.
const IDENTITY: &str = "origin-access-identity/cloudfront/";

/// The configuration, as far as this program cares.
pub(crate) fn distribution(config: &DistributionConfig) -> Distribution {
    let responses = config.custom_error_responses().map(|responses| responses.items());
    let origins = config.origins().map(|origins| origins.items());
    Distribution {
        is_enabled: config.enabled(),
        is_multi_tenant: config.connection_mode() == Some(&ConnectionMode::TenantOnly),
        default_root_object: config.default_root_object().unwrap_or_default().to_owned(),
        aliases: config
            .aliases()
            .map(|aliases| aliases.items().to_vec())
            .unwrap_or_default(),
        error_pages: responses
            .unwrap_or_default()
            .iter()
            .filter_map(|response| {
                let path = response.response_page_path().filter(|path| !path.is_empty())?;
                Some(ErrorPage {
                    code: response.error_code(),
                    path: path.to_owned(),
                    response_code: response.response_code().and_then(|code| code.parse().ok()),
                })
            })
            .collect(),
        origins: origins.unwrap_or_default().iter().map(origin).collect(),
        behaviors: behaviors(config),
    }
}

fn origin(origin: &types::Origin) -> Origin {
    let identity = origin
        .s3_origin_config()
        .and_then(|config| config.origin_access_identity().strip_prefix(IDENTITY))
        .filter(|identity| !identity.is_empty());
    let access = if origin.domain_name().contains(".s3-website") {
        OriginAccess::Website
    } else if let Some(control) = origin.origin_access_control_id().filter(|id| !id.is_empty()) {
        OriginAccess::Control(control.to_owned())
    } else if let Some(identity) = identity {
        OriginAccess::Identity(identity.to_owned())
    } else {
        OriginAccess::None
    };
    Origin {
        id: origin.id().to_owned(),
        domain: origin.domain_name().to_owned(),
        path: origin.origin_path().unwrap_or_default().to_owned(),
        access,
        by_https: origin.custom_origin_config().is_some_and(|config| {
            matches!(
                config.origin_protocol_policy(),
                OriginProtocolPolicy::HttpsOnly | OriginProtocolPolicy::MatchViewer
            )
        }),
    }
}

/// The default behavior and the others: the SDK has two types with the same fields.
#[expect(deprecated, reason = "distributions older than cache policies have forwarded values")]
fn behaviors(config: &DistributionConfig) -> Vec<CacheBehavior> {
    let others = config.cache_behaviors().map(|behaviors| behaviors.items());
    let mut all: Vec<CacheBehavior> = others
        .unwrap_or_default()
        .iter()
        .map(|behavior| {
            let more = (
                behavior.cache_policy_id(),
                behavior.forwarded_values(),
                behavior.lambda_function_associations(),
                behavior.function_associations(),
            );
            cache_behavior(config, behavior.path_pattern(), behavior.target_origin_id(), more)
        })
        .collect();
    all.extend(config.default_cache_behavior().map(|behavior| {
        let more = (
            behavior.cache_policy_id(),
            behavior.forwarded_values(),
            behavior.lambda_function_associations(),
            behavior.function_associations(),
        );
        cache_behavior(config, "*", behavior.target_origin_id(), more)
    }));
    all
}

/// Cache policy, forwarded values, Lambdas and functions of a behavior.
type More<'a> = (
    Option<&'a str>,
    Option<&'a ForwardedValues>,
    Option<&'a LambdaFunctionAssociations>,
    Option<&'a FunctionAssociations>,
);

fn cache_behavior(config: &DistributionConfig, pattern: &str, target: &str, more: More<'_>) -> CacheBehavior {
    let (cache_policy, forwarded, lambdas, functions) = more;
    let groups = config.origin_groups().map(|groups| groups.items()).unwrap_or_default();
    let group = groups.iter().find(|group| group.id() == target);
    let failover = group
        .and_then(|group| group.failover_criteria())
        .and_then(|criteria| criteria.status_codes());
    let members = group.map(|group| {
        let members = group.members().map(|members| members.items()).unwrap_or_default();
        members.iter().map(|member| member.origin_id().to_owned()).collect()
    });
    let is_request = |event: &EventType| matches!(event, EventType::ViewerRequest | EventType::OriginRequest);
    let lambdas = lambdas.map(|lambdas| lambdas.items()).unwrap_or_default();
    let functions = functions.map(|functions| functions.items()).unwrap_or_default();
    CacheBehavior {
        pattern: pattern.to_owned(),
        origins: members.unwrap_or_else(|| vec![target.to_owned()]),
        failover_codes: failover.map(|codes| codes.items().to_vec()).unwrap_or_default(),
        cache_policy: cache_policy.filter(|id| !id.is_empty()).map(ToOwned::to_owned),
        forwards_query_strings: forwarded.is_some_and(|values| values.query_string()),
        rewriters: lambdas
            .iter()
            .map(|lambda| (lambda.event_type(), lambda.lambda_function_arn()))
            .chain(
                functions
                    .iter()
                    .map(|function| (function.event_type(), function.function_arn())),
            )
            .filter(|(event, _)| is_request(event))
            .map(|(_, arn)| arn.to_owned())
            .collect(),
    }
}
