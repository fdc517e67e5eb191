//! The bundle: ready archives, what is left out, the usual mistakes, where bundles lie.

use crate::backend::{cloud, deploy, environment};

#[test]
fn a_ready_archive_is_taken_as_it_is() {
    let cloud = cloud();
    let run = deploy(&cloud)
        .with("package", "no.zip")
        .file("no.zip", "text")
        .run()
        .expect_exit(1);
    assert!(run.error().contains("not a readable ZIP file"), "{}", run.error());
    assert_eq!(cloud.count("CreateApplicationVersion"), 0);
    // A stored file `a` of no bytes: made by Python's zipfile.
    let zip = b"PK\x03\x04\x14\0\0\0\0\0\0\0\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0a\
                PK\x01\x02\x14\x03\x14\0\0\0\0\0\0\0\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\x80\x01\
                \0\0\0\0a\
                PK\x05\x06\0\0\0\0\x01\0\x01\0\x2f\0\0\0\x1f\0\0\0\0\0";
    let run = deploy(&cloud)
        .with("package", "app.zip")
        .file("app.zip", zip)
        .run()
        .expect_exit(0);
    assert!(run.messages("warning").is_empty(), "{}", run.log);
    assert_eq!(cloud.count("CreateApplicationVersion"), 1);
}

#[test]
fn a_package_without_any_file_is_deployed_with_a_warning() {
    let empty_zip = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    for (input, value) in [("package", "empty.zip"), ("package-exclude", "*")] {
        let cloud = cloud();
        let run = deploy(&cloud)
            .file("empty.zip", empty_zip)
            .with(input, value)
            .run()
            .expect_exit(0);
        let warnings = run.messages("warning");
        assert!(
            warnings.iter().any(|one| one.contains("no file at all in the bundle")),
            "{}",
            run.log
        );
        assert_eq!(environment(&cloud, "my-app-prod")["VersionLabel"], "v1");
    }
}

#[test]
fn bundles_in_the_sites_bucket_outlive_its_deletes() {
    let cloud = cloud();
    cloud.create_bucket("my-site");
    let both = |label: &str| {
        deploy(&cloud)
            .with("version-label", label)
            .with("package-bucket", "my-site")
            .with("bucket", "my-site")
            .with("source", "public")
            .with("delete", "true")
            .with("max-delete", "100%")
            .file("app/application.py", label)
            .file("public/index.html", label)
    };
    both("v1").run().expect_exit(0);
    for key in ["my-app/old.html", "my-app/deeper/old.zip", "old.zip"] {
        cloud.put("my-site", key, &[], b"not a bundle");
    }
    both("v2").run().expect_exit(0);
    assert_eq!(cloud.keys("my-site"), ["index.html", "my-app/v1.zip", "my-app/v2.zip"]);
}

#[test]
fn says_what_was_left_out_and_warns_of_mistakes() {
    let cloud = cloud();
    let run = deploy(&cloud)
        .file("app/.ebignore", "*.log\nnode_modules/\n")
        .file("app/a.log", "")
        .file("app/node_modules/x.js", "")
        .file("app/.git/config", "secret")
        .file("app/Procfile", "web: run\r\n")
        .run()
        .expect_exit(0);
    assert!(
        run.log.contains("`.git/`") && run.log.contains("`node_modules/`"),
        "{}",
        run.log
    );
    assert!(
        run.messages("warning")
            .iter()
            .any(|one| one.contains("Windows line ends")),
        "{}",
        run.log
    );
}

#[test]
fn more_than_beanstalk_takes_is_refused_before_anything_is_sent() {
    let cloud = cloud();
    for (name, mebibytes, reason) in [
        ("app.zip", 501, "app.zip` has 501 MB"),
        ("app/database.dump", 5 * 1024, "database.dump` alone has 5120 MB"),
    ] {
        let package = name.split('/').next().expect("a name");
        let action = deploy(&cloud).with("package", package);
        let file = std::fs::File::create(action.workspace().join(name)).expect("a file");
        // Sparse: it takes no room.
        file.set_len(mebibytes * 1024 * 1024).expect("a size");
        let run = action.run().expect_exit(1);
        assert!(run.error().contains(reason), "{}", run.error());
        assert!(
            run.error().contains("takes at most 500 MB") && run.error().contains("package-exclude"),
            "{}",
            run.error()
        );
    }
    assert_eq!(cloud.count("PutObject"), 0);
    assert_eq!(cloud.count("CreateApplicationVersion"), 0);
}
