//! Functions that may rewrite addresses: pages are invalidated under their usual ones, and a notice names the function.

use serde_json::{Value, json};

use crate::cdn::{invalidated, paths};
use crate::support::{Action, Cloud};

/// A cloud whose distribution has these settings in its one behavior.
fn cloud(behavior: &Value) -> Cloud {
    let cloud = Cloud::with_bucket("site");
    cloud.add_distribution("E1", "site", &json!({"behaviours": [behavior]}));
    cloud
}

fn deploy(cloud: &Cloud) -> Action {
    Action::new(cloud)
        .with("bucket", "site")
        .with("source", "www")
        .with("distribution", "E1")
        .file("www/about/index.html", "a")
        .file("www/app.js", "1")
}

#[test]
fn a_function_on_the_request_of_a_viewer_is_named_and_pages_have_all_their_usual_addresses() {
    for behavior in [
        json!({"functions": {"viewer-request": "pretty-urls"}}),
        json!({"lambdas": {"viewer-request": "pretty-urls"}}),
    ] {
        let cloud = cloud(&behavior);
        let (sent, run) = invalidated(&cloud, &deploy(&cloud), 0);
        let all = ["/about", "/about/", "/about/index.html", "/app.js"];
        assert_eq!(sent, paths(&[&all]), "{behavior}");
        let notices = run.messages("notice").concat();
        assert!(
            notices.contains("pretty-urls") && notices.contains("`paths`"),
            "{notices}"
        );
    }
}

#[test]
fn a_function_on_the_answer_rewrites_nothing() {
    let cloud = cloud(&json!({"functions": {"viewer-response": "headers"}}));
    let (sent, run) = invalidated(&cloud, &deploy(&cloud), 0);
    assert_eq!(sent, paths(&[&["/about/", "/about/index.html", "/app.js"]]));
    assert!(!run.messages("notice").concat().contains("headers"), "{}", run.log);
}
