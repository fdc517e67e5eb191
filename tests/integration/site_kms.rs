//! A bucket under a KMS key that the role may not decrypt with.

use serde_json::json;

use crate::cdn::deny;
use crate::site_transfer::{BUCKET, site};
use crate::support::Cloud;

const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";

#[test]
fn without_decrypt_it_is_said_why_everything_goes_up_again() {
    let cloud = Cloud::start();
    cloud.post("/s3/bucket", &json!({"bucket": BUCKET, "encryption": "aws:kms"}));
    let mut action = site(&cloud).with("args", &format!("--sse aws:kms --sse-kms-key-id {KEY}"));
    for number in 0..5 {
        action = action.file(&format!("public/{number}.txt"), format!("content {number}"));
    }
    let first = action.run().expect_exit(0);
    assert!(first.messages("warning").is_empty(), "{:?}", first.messages("warning"));

    deny(&cloud, "kms:Decrypt");
    cloud.forget_requests();
    let again = action.run().expect_exit(0);
    assert_eq!(again.output("uploaded"), "5");
    let mut warnings = again.messages("warning");
    // The other one says that the record of the first release cannot be read either.
    warnings.retain(|warning| warning.contains("uploaded in every run"));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].contains("`kms:Decrypt`") && warnings[0].contains(KEY),
        "{warnings:?}"
    );
    assert!(
        again.report["site"]["warnings"][0]["message"]
            .as_str()
            .is_some_and(|text| text.contains(KEY))
    );
    let asked = cloud.count("HeadObject");
    assert!(asked <= 10, "two requests for each object at most: {asked}");
}
