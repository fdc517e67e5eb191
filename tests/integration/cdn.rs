//! CloudFront: what changed is invalidated where each distribution serves it, once, and never forgotten.

use serde_json::{Value, json};

use super::support::{Action, Cloud, Run};

/// A cloud with the bucket `site` and the distribution `E1`, whose one origin is that bucket with `origin_path`.
pub(crate) fn cloud(origin_path: &str) -> Cloud {
    let cloud = Cloud::with_bucket("site");
    cloud.add_distribution("E1", &format!("site{origin_path}"), &json!({}));
    cloud
}

/// A step that deploys `www/` to the bucket and invalidates in E1.
pub(crate) fn step(cloud: &Cloud) -> Action {
    Action::new(cloud)
        .with("bucket", "site")
        .with("source", "www")
        .with("distribution", "E1")
}

/// Runs `action`, and says what it made CloudFront invalidate.
#[track_caller]
pub(crate) fn invalidated(cloud: &Cloud, action: &Action, exit_code: i64) -> (Vec<Vec<String>>, Run) {
    cloud.forget_requests();
    let run = action.run().expect_exit(exit_code);
    (cloud.invalidations(), run)
}

/// The requests to CloudFront.
pub(crate) fn to_cloudfront(cloud: &Cloud) -> Vec<Value> {
    let mut requests = cloud.requests();
    requests.retain(|request| request["service"] == "cloudfront");
    requests
}

pub(crate) fn deny(cloud: &Cloud, action: &str) {
    cloud.control("POST", "/deny", &json!({"action": action}));
}

pub(crate) fn allow_all(cloud: &Cloud) {
    cloud.control("DELETE", "/deny", &Value::Null);
}

pub(crate) fn paths(all: &[&[&str]]) -> Vec<Vec<String>> {
    all.iter()
        .map(|paths| paths.iter().map(|&path| path.to_owned()).collect())
        .collect()
}

#[test]
fn one_page_of_three_hundred_is_one_path_and_an_unchanged_site_is_no_request() {
    let cloud = cloud("/v1/site");
    let action = step(&cloud).with("prefix", "v1/site").with("delete", "true");
    for page in 0..300 {
        action.write(
            &format!("www/{}/page-{page}/index.html", page % 10),
            format!("page {page}"),
        );
    }
    invalidated(&cloud, &action, 0);

    action.write("www/7/page-117/index.html", "changed");
    let (sent, run) = invalidated(&cloud, &action, 0);
    assert_eq!(sent, paths(&[&["/7/page-117/", "/7/page-117/index.html"]]));
    assert_eq!(run.output("invalidated-paths"), "/7/page-117/\n/7/page-117/index.html");
    assert_eq!(run.report["invalidations"][0]["id"], run.output("invalidation-id"));
    assert_eq!(run.report["invalidations"][0]["distribution"], "E1");
    assert_eq!(run.report["invalidations"][0]["status"], "InProgress");
    assert!(
        run.summary.contains("2 of the 1000 that are free each month"),
        "{}",
        run.summary
    );

    let (_, run) = invalidated(&cloud, &action, 0);
    assert!(to_cloudfront(&cloud).is_empty(), "{:?}", to_cloudfront(&cloud));
    assert_eq!(run.output("outcome"), "unchanged");
    assert_eq!(run.output("invalidated-paths"), "");

    std::fs::remove_dir_all(action.workspace().join("www/3/page-13")).expect("a page");
    let (sent, _) = invalidated(&cloud, &action, 0);
    assert_eq!(sent, paths(&[&["/3/page-13/", "/3/page-13/index.html"]]));
}

#[test]
fn five_thousand_changed_files_are_a_handful_of_wildcards() {
    let cloud = cloud("");
    let action = step(&cloud);
    for file in 0..5000 {
        action.write(&format!("www/assets/{}/{file}.js", file % 5), format!("{file}"));
    }
    action.write("www/index.html", "hello");
    let (sent, run) = invalidated(&cloud, &action, 0);
    let expected = [
        "/",
        "/assets/0/*",
        "/assets/1/*",
        "/assets/2/*",
        "/assets/3/*",
        "/assets/4/*",
        "/index.html",
    ];
    assert_eq!(sent, paths(&[&expected]));
    assert_eq!(run.output("uploaded"), "5001");
}

#[test]
fn each_distribution_gets_the_paths_under_which_it_serves_the_keys() {
    let cloud = cloud("");
    cloud.add_distribution("E2", "site/docs", &json!({}));
    cloud.post(
        "/cloudfront",
        &json!({
            "id": "E3",
            "default_root_object": "home.html",
            "origins": [
                {"id": "api", "domain": "api.example.com"},
                {"id": "pages", "domain": "site.s3-website-us-east-1.amazonaws.com", "path": "/docs", "website": true},
            ],
            "behaviours": [
                {"origin": "pages"},
                {"path": "api/*", "origin": "api"},
                {"path": "img/*", "origin": "pages", "query_string": true},
            ],
        }),
    );
    let action = step(&cloud)
        .with("distribution", "E1 E2 E3")
        .file("www/a.css", "a")
        .file("www/docs/home.html", "b")
        .file("www/docs/api/c.html", "c")
        .file("www/docs/img/d.png", "d");
    let (_, run) = invalidated(&cloud, &action, 0);
    let by_distribution = |index: usize| run.report["invalidations"][index].clone();
    assert_eq!(
        by_distribution(0)["paths"],
        json!(["/a.css", "/docs/api/c.html", "/docs/home.html", "/docs/img/d.png"])
    );
    assert_eq!(
        by_distribution(1)["paths"],
        json!(["/api/c.html", "/home.html", "/img/d.png"])
    );
    assert_eq!(by_distribution(2)["paths"], json!(["/", "/home.html", "/img/d.png*"]));
    assert_eq!(cloud.invalidations().len(), 3);
    assert_eq!(run.output("invalidation-id").split(' ').count(), 3);
}

#[test]
fn query_strings_error_pages_and_unsafe_names() {
    let cloud = Cloud::with_bucket("site");
    cloud.control(
        "POST",
        "/cloudfront/settings",
        &json!({"cache_policies": {"P1": "whitelist"}}),
    );
    cloud.post(
        "/cloudfront",
        &json!({
            "id": "E1",
            "origins": [{"domain": "site.s3.amazonaws.com"}],
            "behaviours": [{"path": "search/*", "cache_policy": "P1"}],
            "error_pages": [{"code": 404, "page": "/errors/404.html"}],
        }),
    );
    let action = step(&cloud)
        .file("www/search/index.html", "a")
        .file("www/Café menu.html", "b")
        .file("www/js/runtime~main.js", "c");
    let (sent, _) = invalidated(&cloud, &action, 0);
    let expected = [
        "/Caf%C3%A9%20menu.html",
        "/js/runtime*",
        "/search/",
        "/search/?*",
        "/search/index.html*",
    ];
    assert_eq!(sent, paths(&[&expected]));

    let action = action.file("www/errors/404.html", "not here").file("www/x.html", "x");
    let (sent, _) = invalidated(&cloud, &action, 0);
    assert_eq!(sent, paths(&[&["/*"]]));
}

#[test]
fn explicit_paths_are_sent_as_they_are_also_when_nothing_changed() {
    let cloud = cloud("");
    let action = step(&cloud)
        .file("www/index.html", "a")
        .file("paths.txt", "/from/file\n\n/b*\n")
        .with("paths", "/one  /two/*\n/one\n#release")
        .with("paths-from", "paths.txt");
    let expected = paths(&[&["/one", "/two/*", "#release", "/from/file", "/b*"]]);
    assert_eq!(invalidated(&cloud, &action, 0).0, expected);
    let (sent, run) = invalidated(&cloud, &action, 0);
    assert_eq!(sent, expected);
    assert_eq!(run.output("uploaded"), "0");
    assert_eq!(run.output("outcome"), "succeeded");
    assert!(
        run.messages("notice")
            .iter()
            .all(|notice| !notice.contains("GetDistributionConfig"))
    );
}

#[test]
fn cloudfront_alone_with_the_names_of_its_predecessor() {
    let cloud = cloud("");
    let action = Action::new(&cloud).env("DISTRIBUTION", "E1").env("PATHS", "/a /b");
    let (sent, _) = invalidated(&cloud, &action.env("AWS_REGION", "eu-west-1"), 0);
    assert_eq!(sent, paths(&[&["/a", "/b"]]));
    let creates: Vec<Value> = to_cloudfront(&cloud)
        .into_iter()
        .filter(|request| request["operation"] == "CreateInvalidation")
        .collect();
    assert_eq!(
        creates[0]["region"], "us-east-1",
        "CloudFront's region, not the bucket's"
    );
}

#[test]
fn an_empty_list_of_paths_is_nothing_to_do_and_a_missing_one_an_error() {
    let cloud = cloud("");
    let action = Action::new(&cloud)
        .with("distribution", "E1")
        .with("paths-from", "paths.txt");
    let (sent, run) = invalidated(&cloud, &action, 2);
    assert!(sent.is_empty());
    assert!(
        run.error().contains("`paths.txt`") || run.error().contains("paths.txt"),
        "{}",
        run.error()
    );

    action.write("paths.txt", "\n");
    let (sent, run) = invalidated(&cloud, &action, 0);
    assert!(sent.is_empty());
    assert_eq!(run.output("outcome"), "unchanged");
}

#[test]
fn malformed_paths_are_named_with_their_reasons_before_any_request() {
    let cloud = cloud("");
    let action = Action::new(&cloud)
        .with("distribution", "E1")
        .with("paths", "/fine a.html /x/*.js /runtime~main.js /café");
    let (_, run) = invalidated(&cloud, &action, 2);
    let error = run.error();
    for named in [
        "`a.html`",
        "write `/a.html`",
        "`/x/*.js`",
        "`/runtime~main.js`",
        "`/café`",
        "`%C3%A9`",
    ] {
        assert!(error.contains(named), "{named} in {error}");
    }
    assert!(!error.contains("`/fine`"), "{error}");
    assert!(cloud.requests().is_empty());
}

#[test]
fn an_unknown_distribution_stops_the_run_before_anything_changes() {
    let cloud = cloud("");
    let action = step(&cloud).with("distribution", "E1 E9").file("www/index.html", "a");
    let (sent, run) = invalidated(&cloud, &action, 1);
    assert!(sent.is_empty() && cloud.all_keys("site").is_empty());
    assert!(
        run.error().contains("`E9`") && run.error().contains("NoSuchDistribution"),
        "{}",
        run.error()
    );

    let explicit = action.with("paths", "/a");
    let (sent, _) = invalidated(&cloud, &explicit, 1);
    assert!(sent.is_empty() && cloud.all_keys("site").is_empty());
}

#[test]
fn without_permission_to_look_the_prefix_is_the_origin_path_or_there_is_none() {
    let cloud = cloud("/site");
    deny(&cloud, "cloudfront:GetDistributionConfig");
    let action = step(&cloud).with("prefix", "site").file("www/index.html", "a");
    let (sent, run) = invalidated(&cloud, &action, 0);
    assert_eq!(sent, paths(&[&["/", "/index.html", "/site/", "/site/index.html"]]));
    let notices = run.messages("notice");
    let about: Vec<_> = notices
        .iter()
        .filter(|notice| notice.contains("`cloudfront:GetDistributionConfig`"))
        .collect();
    assert_eq!(about.len(), 1, "{notices:?}");
}

#[test]
fn a_distribution_of_another_bucket_is_a_warning() {
    let cloud = Cloud::with_bucket("site");
    cloud.post(
        "/cloudfront",
        &json!({"id": "E1", "origins": [{"domain": "elsewhere.s3.amazonaws.com"}]}),
    );
    let action = step(&cloud).file("www/index.html", "a");
    let (sent, run) = invalidated(&cloud, &action, 0);
    assert!(sent.is_empty());
    assert!(
        run.messages("warning").iter().any(|warning| warning.contains("`E1`")),
        "{}",
        run.log
    );
}

#[test]
fn behind_an_origin_that_may_be_any_bucket_the_prefix_is_the_origin_path() {
    let cloud = Cloud::with_bucket("site");
    cloud.post(
        "/cloudfront",
        &json!({"id": "E1", "origins": [{"domain": "static.example.com"}]}),
    );
    let action = step(&cloud).with("prefix", "docs").file("www/c++.html", "a");
    let (sent, run) = invalidated(&cloud, &action, 0);
    assert_eq!(sent, paths(&[&["/c%2B%2B.html", "/c++.html"]]));
    let warnings = run.messages("warning");
    assert!(
        warnings
            .iter()
            .any(|warning| warning.contains("no origin of `E1` is recognized")),
        "{warnings:?}"
    );
}

#[test]
fn a_dry_run_shows_the_paths_and_sends_none() {
    let cloud = cloud("");
    let action = step(&cloud).with("dry-run", "true").file("www/index.html", "a");
    let (sent, run) = invalidated(&cloud, &action, 0);
    assert!(sent.is_empty());
    assert_eq!(run.report["invalidations"][0]["status"], "Planned");
    assert_eq!(run.report["invalidations"][0]["paths"], json!(["/", "/index.html"]));
}

#[test]
fn a_busy_cloudfront_is_asked_again_and_a_lost_answer_makes_no_second_invalidation() {
    let cloud = cloud("");
    cloud.control("POST", "/cloudfront/settings", &json!({"busy": 1}));
    cloud.control(
        "POST",
        "/faults",
        &json!({"service": "cloudfront", "operation": "CreateInvalidation", "kind": "drop", "when": "after", "skip": 1}),
    );
    let action = step(&cloud).file("www/a.html", "a");
    let (sent, run) = invalidated(&cloud, &action, 0);
    assert!(sent.iter().all(|sent| *sent == ["/a.html"]), "{sent:?}");
    let state = cloud.control("GET", "/cloudfront", &Value::Null);
    let made = state["E1"].as_array().expect("invalidations");
    assert_eq!(made.len(), 1, "{state}");
    assert_eq!(made[0]["id"], run.output("invalidation-id"));
    assert!(run.log.contains("TooManyInvalidationsInProgress"), "{}", run.log);
}

#[test]
fn waiting_ends_with_the_invalidation_or_with_its_deadline() {
    let cloud = cloud("");
    let action = step(&cloud)
        .with("wait-for-invalidation", "true")
        .file("www/a.html", "a");
    let (_, run) = invalidated(&cloud, &action, 0);
    assert_eq!(run.report["invalidations"][0]["status"], "Completed");

    cloud.control("POST", "/cloudfront/settings", &json!({"invalidation_seconds": 600}));
    let action = action.with("invalidation-timeout", "2").file("www/a.html", "b");
    let (sent, run) = invalidated(&cloud, &action, 1);
    assert_eq!(sent, paths(&[&["/a.html"]]));
    assert!(run.error().contains("still InProgress after 2 s"), "{}", run.error());
    assert!(!run.output("invalidation-id").is_empty());
    assert_eq!(run.output("uploaded"), "1");

    let (sent, _) = invalidated(&cloud, &action, 0);
    assert!(sent.is_empty(), "the invalidation was made: nothing is owed");
}

#[test]
fn an_invalidation_alone_is_called_so() {
    let cloud = cloud("");
    let run = Action::new(&cloud)
        .with("distribution", "E1")
        .with("paths", "/*")
        .run()
        .expect_exit(0);
    assert!(run.summary.contains("✅ Invalidated E1 in "), "{}", run.summary);
}
