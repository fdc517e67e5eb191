//! What many tests need a local cloud to have before they begin.

use serde_json::{Value, json};

use super::Cloud;

impl Cloud {
    /// Adds the environment `name` of `application`. It runs `v0`, Ready and Green, unless `options` (of the control
    /// endpoint, an object) say otherwise.
    pub(crate) fn add_environment(&self, application: &str, name: &str, options: &Value) {
        let standard = json!({"application": application, "environment": name, "version_label": "v0"});
        self.post("/beanstalk/environments", &merged(standard, options));
    }

    /// Lets the updates of `environment` go as `scenario` says, with `options` of the control endpoint.
    pub(crate) fn set_scenario(&self, environment: &str, scenario: &str, options: &Value) {
        let standard = json!({"environment": environment, "scenario": scenario});
        self.post("/beanstalk/scenario", &merged(standard, options));
    }

    /// Adds the distribution `id`. Its one origin is a bucket, `bucket` or `bucket/origin-path`, unless `options` (of the
    /// control endpoint, an object) say otherwise.
    pub(crate) fn add_distribution(&self, id: &str, origin: &str, options: &Value) {
        let (bucket, path) = match origin.split_once('/') {
            Some((bucket, path)) => (bucket, format!("/{path}")),
            None => (origin, String::new()),
        };
        let domain = format!("{bucket}.s3.us-east-1.amazonaws.com");
        let standard = json!({"id": id, "origins": [{"domain": domain, "path": path}]});
        self.post("/cloudfront", &merged(standard, options));
    }
}

/// `standard` with what `options` has besides or instead.
fn merged(mut standard: Value, options: &Value) -> Value {
    for (name, value) in options.as_object().into_iter().flatten() {
        standard[name] = value.clone();
    }
    standard
}
