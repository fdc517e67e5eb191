//! Multi-tenant distributions and their tenants, which are refused by name.

use serde_json::json;

use crate::cdn::{cloud, invalidated, step};

const TENANT: &str = "dt_2wjDZi3hD1ivOXf6rpZJO1AB";

#[test]
fn a_tenant_is_refused_with_the_command_that_invalidates_it() {
    let cloud = cloud("");
    let action = step(&cloud)
        .with("distribution", &format!("E1 {TENANT}"))
        .file("www/index.html", "a");
    let (sent, run) = invalidated(&cloud, &action, 2);
    assert!(sent.is_empty() && cloud.requests().is_empty());
    let error = run.error();
    assert!(
        error.contains("multi-tenant distributions are not supported")
            && error.contains(&format!("create-invalidation-for-distribution-tenant --id {TENANT} ")),
        "{error}"
    );
}

#[test]
fn a_multi_tenant_distribution_stops_the_run_before_anything_changes() {
    let cloud = cloud("");
    cloud.add_distribution("E2", "site", &json!({"connection_mode": "tenant-only"}));
    let action = step(&cloud).with("distribution", "E1 E2").file("www/index.html", "a");
    let (sent, run) = invalidated(&cloud, &action, 1);
    assert!(sent.is_empty() && cloud.all_keys("site").is_empty());
    assert!(
        run.error().contains("`E2`: it is a multi-tenant distribution"),
        "{}",
        run.error()
    );

    let check = action.with("command", "check").run().expect_exit(1);
    assert!(check.log.contains("it is a multi-tenant distribution"), "{}", check.log);
}
