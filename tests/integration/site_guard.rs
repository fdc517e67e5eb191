//! `max-delete`: what it counts is what the step manages.

use crate::support::{Action, Cloud};

const BUCKET: &str = "my-site";

fn site(cloud: &Cloud) -> Action {
    let action = Action::new(cloud)
        .with("bucket", BUCKET)
        .with("source", "public")
        .with("delete", "true")
        .with("exclude", "uploads/*");
    action.write("public/uploads/local.txt", "never sent");
    action
}

/// A bucket with so many pages, and so many uploads of visitors.
fn bucket(pages: usize, uploads: usize) -> Cloud {
    let cloud = Cloud::with_bucket(BUCKET);
    for n in 0..pages {
        cloud.put(BUCKET, &format!("{n}.html"), &[], b"page");
    }
    for n in 0..uploads {
        cloud.put(BUCKET, &format!("uploads/{n}.jpg"), &[], b"photo");
    }
    cloud
}

#[test]
fn an_empty_build_never_wipes_a_site_whatever_lies_beside_it() {
    for (pages, uploads) in [(30, 40), (3, 40)] {
        let cloud = bucket(pages, uploads);
        let run = site(&cloud).run().expect_exit(1);
        assert!(run.error().contains("leaves nothing"), "{}", run.error());
        assert_eq!(cloud.keys(BUCKET).len(), pages + uploads);
    }
}

#[test]
fn the_share_is_of_what_is_not_excluded() {
    let cloud = bucket(30, 60);
    let action = site(&cloud);
    for n in 0..5 {
        action.write(&format!("public/{n}.html"), "page");
    }
    let run = action.run().expect_exit(1);
    assert!(run.error().contains("deletes 25 of 30 objects"), "{}", run.error());
    assert!(run.error().contains("allows 15"), "{}", run.error());
}
