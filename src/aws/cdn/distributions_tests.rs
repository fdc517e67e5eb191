use crate::aws::cdn::fake::{Fake, console, error, planned, text};
use crate::core::cdn::invalidation::SiteOrigin;
use crate::core::error::RenderedError;
use crate::core::inputs::{CdnInputs, InvalidationFailure};

fn inputs(distributions: &[&str]) -> CdnInputs {
    CdnInputs {
        distributions: distributions.iter().map(|&id| id.to_owned()).collect(),
        paths: None,
        wait: None,
        on_failure: InvalidationFailure::Fail,
    }
}

fn site(prefix: &str) -> Option<SiteOrigin> {
    Some(SiteOrigin {
        bucket: "b".into(),
        prefix: prefix.into(),
    })
}

/// A default or other cache behavior; `more` goes into it.
fn behavior(tag: &str, target: &str, pattern: &str, more: &str) -> String {
    let pattern = match pattern {
        "" => String::new(),
        pattern => format!("<PathPattern>{pattern}</PathPattern>"),
    };
    format!(
        "<{tag}>{pattern}<TargetOriginId>{target}</TargetOriginId>\
         <ViewerProtocolPolicy>allow-all</ViewerProtocolPolicy>{more}</{tag}>"
    )
}

/// A configuration with the origins `(id, domain, path)`, and what else there is.
fn config(origins: &[(&str, &str, &str)], more: &str) -> Option<(u16, String)> {
    let items: String = origins
        .iter()
        .map(|(id, domain, path)| {
            format!("<Origin><Id>{id}</Id><DomainName>{domain}</DomainName><OriginPath>{path}</OriginPath></Origin>")
        })
        .collect();
    Some((
        200,
        format!(
            "<DistributionConfig xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\">\
             <CallerReference>c</CallerReference><Comment></Comment><Enabled>true</Enabled>\
             <Origins><Quantity>{}</Quantity><Items>{items}</Items></Origins>{more}</DistributionConfig>",
            origins.len(),
        ),
    ))
}

/// What is planned for `keys` in E1, and the log.
async fn plan(fake: &Fake, prefix: &str, keys: &[&str]) -> (Vec<String>, String) {
    let (console, log) = console();
    let (_, planned) = planned(&fake.aws("eu-west-1"), &inputs(&["E1"]), site(prefix), keys, &console)
        .await
        .expect("a distribution");
    (
        planned.into_iter().flat_map(|planned| planned.paths).collect(),
        text(&log),
    )
}

#[tokio::test]
async fn origins_behaviors_root_and_error_pages_come_from_the_configuration() {
    let fake = Fake::new(|seen, _| {
        assert_eq!(seen.line, "GET /distribution/E1/config", "nothing else is read");
        let behaviors = [
            behavior("CacheBehavior", "api", "api/*", ""),
            behavior(
                "CacheBehavior",
                "static",
                "assets/*",
                "<CachePolicyId>658327ea-f89d-4fab-a63d-7e88639e58f6</CachePolicyId>",
            ),
        ];
        let default = behavior(
            "DefaultCacheBehavior",
            "group",
            "",
            "<ForwardedValues><QueryString>true</QueryString><Cookies><Forward>none</Forward></Cookies></ForwardedValues>",
        );
        config(
            &[
                ("api", "api.example.com", ""),
                ("static", "b.s3.eu-west-1.amazonaws.com", "/static"),
                ("pages", "b.s3-website-eu-west-1.amazonaws.com", "/pages"),
                ("backup", "c.s3.eu-west-1.amazonaws.com", ""),
            ],
            &format!(
                "<DefaultRootObject>start.html</DefaultRootObject>\
                 <OriginGroups><Quantity>1</Quantity><Items><OriginGroup><Id>group</Id>\
                 <FailoverCriteria><StatusCodes><Quantity>1</Quantity><Items><StatusCode>500</StatusCode></Items></StatusCodes></FailoverCriteria>\
                 <Members><Quantity>2</Quantity><Items><OriginGroupMember><OriginId>pages</OriginId></OriginGroupMember>\
                 <OriginGroupMember><OriginId>backup</OriginId></OriginGroupMember></Items></Members></OriginGroup></Items></OriginGroups>\
                 {default}<CacheBehaviors><Quantity>2</Quantity><Items>{}</Items></CacheBehaviors>\
                 <CustomErrorResponses><Quantity>1</Quantity><Items><CustomErrorResponse><ErrorCode>404</ErrorCode>\
                 <ResponsePagePath>/errors/404.html</ResponsePagePath></CustomErrorResponse></Items></CustomErrorResponses>",
                behaviors.concat(),
            ),
        )
    });
    let (paths, log) = plan(
        &fake,
        "",
        &["static/assets/a.js", "static/b.js", "pages/x.html", "pages/api/y"],
    )
    .await;
    assert_eq!(paths, ["/assets/a.js", "/x.html*"]);
    assert_eq!(log, "");
    let (paths, _) = plan(&fake, "", &["pages/start.html"]).await;
    assert_eq!(paths, ["/", "/?*", "/start.html*"]);
    let (paths, _) = plan(&fake, "", &["pages/errors/404.html", "static/assets/a.js"]).await;
    assert_eq!(paths, ["/*"]);
}

/// A distribution whose one behavior has the cache policy P1.
fn with_policy() -> Option<(u16, String)> {
    let default = behavior("DefaultCacheBehavior", "o", "", "<CachePolicyId>P1</CachePolicyId>");
    config(&[("o", "b.s3.amazonaws.com", "")], &default)
}

#[tokio::test]
async fn a_cache_policy_tells_whether_query_strings_are_in_the_key() {
    for (mode, expected) in [("none", "/a.js"), ("whitelist", "/a.js*"), ("all", "/a.js*")] {
        let fake = Fake::new(move |seen, _| match seen.line.as_str() {
            "GET /distribution/E1/config" => with_policy(),
            "GET /cache-policy/P1" => Some((
                200,
                format!(
                    "<CachePolicy><Id>P1</Id><LastModifiedTime>2026-01-01T00:00:00Z</LastModifiedTime><CachePolicyConfig>\
                     <Name>n</Name><MinTTL>1</MinTTL><ParametersInCacheKeyAndForwardedToOrigin>\
                     <EnableAcceptEncodingGzip>true</EnableAcceptEncodingGzip>\
                     <HeadersConfig><HeaderBehavior>none</HeaderBehavior></HeadersConfig>\
                     <CookiesConfig><CookieBehavior>none</CookieBehavior></CookiesConfig>\
                     <QueryStringsConfig><QueryStringBehavior>{mode}</QueryStringBehavior></QueryStringsConfig>\
                     </ParametersInCacheKeyAndForwardedToOrigin></CachePolicyConfig></CachePolicy>"
                ),
            )),
            other => panic!("unexpected {other}"),
        });
        let (paths, log) = plan(&fake, "", &["a.js"]).await;
        assert_eq!((paths, log.as_str()), (vec![expected.to_owned()], ""), "{mode}");
    }
}

#[tokio::test]
async fn a_cache_policy_that_may_not_be_read_is_taken_to_have_query_strings() {
    let fake = Fake::new(|seen, _| match seen.line.as_str() {
        "GET /distribution/E1/config" => with_policy(),
        _ => error(403, "AccessDenied"),
    });
    let (paths, log) = plan(&fake, "", &["a.js"]).await;
    assert_eq!(paths, ["/a.js*"]);
    assert!(
        log.contains("::notice") && log.contains("`cloudfront:GetCachePolicy`"),
        "{log}"
    );
    assert!(
        log.contains("arn:aws:cloudfront::123456789012:cache-policy/P1"),
        "{log}"
    );
}

#[tokio::test]
async fn without_permission_the_prefix_is_the_origin_path_or_there_is_none() {
    let fake = Fake::new(|_, _| error(403, "AccessDenied"));
    let (console, log) = console();
    let (_, planned) = planned(
        &fake.aws("eu-west-1"),
        &inputs(&["E1", "E2"]),
        site("p/"),
        &["p/index.html"],
        &console,
    )
    .await
    .expect("no error");
    assert_eq!(planned.len(), 2);
    assert_eq!(planned[1].paths, ["/", "/index.html", "/p/", "/p/index.html"]);
    let log = text(&log);
    assert_eq!(log.matches("::notice").count(), 1, "{log}");
    assert!(
        log.contains("`cloudfront:GetDistributionConfig`") && log.contains("distribution/E2"),
        "{log}"
    );
}

#[tokio::test]
async fn a_distribution_that_serves_something_else_is_a_warning() {
    let fake = Fake::new(|_, _| {
        config(
            &[("o", "other.s3.amazonaws.com", "")],
            &behavior("DefaultCacheBehavior", "o", "", ""),
        )
    });
    let (paths, log) = plan(&fake, "p/", &["p/a"]).await;
    assert!(paths.is_empty());
    assert!(
        log.contains("::warning") && log.contains("`E1`") && log.contains("s3://b/p/"),
        "{log}"
    );
}

#[tokio::test]
async fn an_unknown_distribution_is_an_error_with_explicit_paths_too() {
    let fake = Fake::new(|_, _| error(404, "NoSuchDistribution"));
    for paths in [None, Some(vec!["/*".to_owned()])] {
        let inputs = CdnInputs {
            paths,
            ..inputs(&["E9"])
        };
        let error = planned(&fake.aws("eu-west-1"), &inputs, site(""), &[], &console().0)
            .await
            .expect_err("no such distribution");
        let failure = RenderedError::from(&error);
        assert!(failure.message.contains("distribution `E9`"), "{}", failure.message);
        assert!(failure.hint.expect("a hint").contains("check `distribution`"));
    }
}

#[tokio::test]
async fn nothing_to_derive_and_nothing_explicit_is_no_request() {
    let fake = Fake::new(|seen, _| panic!("unexpected {}", seen.line));
    let (_, planned) = planned(&fake.aws("eu-west-1"), &inputs(&["E1"]), None, &[], &console().0)
        .await
        .expect("no error");
    assert!(planned.is_empty());
    assert!(fake.seen().is_empty());
}
