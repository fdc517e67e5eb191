//! What cannot work is found before anything changes, and the error says what is possible instead.

use super::{A, B, BUCKET, C, assert_no_write, back, cloud, label, release_a, release_b, site, version};
use crate::support::Cloud;
use crate::support::http::request;

#[test]
fn what_cannot_work_is_found_before_anything_changes() {
    let cloud = cloud();
    let refused = |run: u32, to: &str, parts: &[&str]| {
        cloud.forget_requests();
        let run = back(&cloud, run).with("to", to).run().expect_exit(1);
        for part in parts {
            assert!(run.error().contains(part), "`{part}` is not in {}", run.error());
        }
        assert_no_write(&cloud);
    };
    refused(1, "previous", &["there is no record of any release"]);
    let first = release_a(&cloud).run().expect_exit(0);
    let first_page = version(&cloud, "index.html");
    refused(
        2,
        "previous",
        &["there is no succeeded release before", first.output("release")],
    );
    refused(2, A, &["is live already"]);
    release_b(&cloud).run().expect_exit(0);
    refused(3, "aaaaaa", &["a commit needs at least 7 characters"]);
    refused(
        3,
        "nonsense",
        &[
            "no succeeded release has this id",
            "valid values for `to`",
            first.output("release"),
        ],
    );

    cloud.set_versioning(BUCKET, "Suspended");
    refused(
        4,
        "previous",
        &[
            "versioning of bucket `my-bucket` is not enabled",
            "put-bucket-versioning",
        ],
    );
    cloud.set_versioning(BUCKET, "Enabled");

    let target = format!("/{BUCKET}/index.html?versionId={first_page}");
    assert_eq!(cloud.s3("DELETE", &target, &[], b"").status, 204);
    refused(
        5,
        "previous",
        &[
            "the versions that it needs of `index.html` are gone",
            "deploy the commit",
        ],
    );
}

#[test]
fn a_label_that_is_gone_is_found_before_anything_changes() {
    let cloud = cloud();
    release_a(&cloud).run().expect_exit(0);
    let label_a = label(&cloud);
    release_b(&cloud).run().expect_exit(0);
    let body =
        format!("Action=DeleteApplicationVersion&Version=2010-12-01&ApplicationName=my-app&VersionLabel={label_a}");
    let answer = request(
        &cloud.endpoint,
        "POST",
        "/",
        &[
            ("Content-Type", "application/x-www-form-urlencoded"),
            (
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=AKIATESTS/20260101/us-east-1/elasticbeanstalk/aws4_request, \
                 SignedHeaders=host, Signature=0",
            ),
        ],
        body.as_bytes(),
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
    cloud.forget_requests();
    let run = back(&cloud, 3).run().expect_exit(1);
    assert!(run.error().contains(&label_a), "{}", run.error());
    assert_no_write(&cloud);
}

#[test]
fn what_was_written_without_versioning_cannot_be_taken_back() {
    let cloud = Cloud::with_bucket(BUCKET);
    let first = site(&cloud, 1, A).file("site/index.html", "A").run().expect_exit(0);
    let notices = first.messages("notice").join("\n");
    assert!(notices.contains("could not be rolled back"), "{notices}");
    assert!(
        notices.contains("aws s3api put-bucket-versioning --bucket my-bucket"),
        "{notices}"
    );
    site(&cloud, 2, B).file("site/index.html", "B").run().expect_exit(0);
    cloud.set_versioning(BUCKET, "Enabled");
    cloud.forget_requests();
    let run = site(&cloud, 3, C).with("command", "rollback").run().expect_exit(1);
    assert!(
        run.error().contains("was not enabled during release"),
        "{}",
        run.error()
    );
    assert_no_write(&cloud);
    // From here on it works, also back to what was written without.
    site(&cloud, 4, C).file("site/index.html", "C").run().expect_exit(0);
    site(&cloud, 5, C).with("command", "rollback").run().expect_exit(0);
    assert_eq!(cloud.object(BUCKET, "index.html").expect("a page").text(), "B");
}
