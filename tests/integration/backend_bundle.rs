//! The bundle: ready archives, what is left out, the usual mistakes, where bundles lie.

use crate::backend::{cloud, deploy};
use crate::backend_versions::ZIP;
use crate::support::python as python_program;

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
    let run = deploy(&cloud)
        .with("package", "app.zip")
        .file("app.zip", ZIP)
        .run()
        .expect_exit(0);
    assert!(run.messages("warning").is_empty(), "{}", run.log);
    assert_eq!(cloud.count("CreateApplicationVersion"), 1);
}

#[test]
fn a_package_without_any_file_is_an_error_before_anything_is_sent() {
    let empty_zip = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    for (input, value, reason) in [
        ("package-exclude", "*", "everything in it is left out (2)"),
        ("package", "void", "there is no file in it"),
        ("package", "empty.zip", "there is no file in it"),
    ] {
        for command in ["deploy", "check"] {
            let cloud = cloud();
            let action = deploy(&cloud).file("empty.zip", empty_zip);
            std::fs::create_dir(action.workspace().join("void")).expect("a directory");
            let run = action.with("command", command).with(input, value).run().expect_exit(1);
            assert!(run.error().contains(reason), "{command}: {}", run.error());
            assert_eq!(cloud.count("CreateApplicationVersion") + cloud.count("PutObject"), 0);
        }
    }
}

#[test]
fn a_ready_archive_with_entries_that_lead_out_or_are_there_twice_is_refused() {
    let cloud = cloud();
    for (python, reason) in [
        ("z.writestr('a', '1'); z.writestr('a', '2')", "it holds `a` twice"),
        ("z.writestr('/etc/a', '')", "its entry `/etc/a` leads out of it"),
        (
            "link(z, 'a/up', '../../etc')",
            "its link `a/up` points to `../../etc`, out of the archive",
        ),
        (
            "link(z, 'win', 'C:\\\\x')",
            r"its link `win` points to `C:\x`, out of the archive",
        ),
        ("link(z, 'back', 'a\\\\..\\\\..\\\\x')", "its link `back` points to"),
        (
            "z.writestr('x', 'x'); z.filelist[-1].filename = ''",
            "its entry 2 of 2 has no name",
        ),
        ("z.writestr('C:\\\\a', '')", r"its entry `C:\a` leads out of it"),
        (
            "link(z, 'here', '.'); link(z, 'out', 'here/here/../x')",
            "its link `out` points to",
        ),
        (
            "kind(z, 'run/pipe', 0o010644)",
            "its entry `run/pipe` is a pipe, a socket or a device",
        ),
        (
            "kind(z, 'null', 0o020666)",
            "its entry `null` is a pipe, a socket or a device",
        ),
        (
            "z.writestr('../../inner', '1'); z.filelist[-1].filename = 'safe'",
            "its entry `safe` is called `../../inner` where its content is",
        ),
    ] {
        let action = deploy(&cloud).with("package", "app.zip");
        let script = format!(
            "import zipfile\n\
             def link(z, name, target):\n    \
                 info = zipfile.ZipInfo(name)\n    \
                 info.create_system, info.external_attr = 3, 0o120777 << 16\n    \
                 z.writestr(info, target)\n\
             def kind(z, name, mode):\n    \
                 info = zipfile.ZipInfo(name)\n    \
                 info.create_system, info.external_attr = 3, mode << 16\n    \
                 z.writestr(info, '')\n\
             with zipfile.ZipFile('app.zip', 'w') as z:\n    \
                 z.writestr('Procfile', 'web: run')\n    {python}\n"
        );
        let made = std::process::Command::new(python_program())
            .args(["-W", "ignore", "-c", &script])
            .current_dir(action.workspace())
            .status()
            .expect("Python runs");
        assert!(made.success());
        let run = action.run().expect_exit(1);
        assert!(run.error().contains(reason), "{}", run.error());
    }
    assert_eq!(cloud.count("CreateApplicationVersion"), 0);
}

#[test]
fn a_lone_dockerrun_or_compose_file_becomes_the_archive_that_beanstalk_takes() {
    for name in ["Dockerrun.aws.json", "docker-compose.yml"] {
        let cloud = cloud();
        deploy(&cloud)
            .with("package", &format!("deploy/{name}"))
            .file(&format!("deploy/{name}"), "{}")
            .run()
            .expect_exit(0);
        let bundle = cloud
            .object("elasticbeanstalk-us-east-1-123456789012", "my-app/v1.zip")
            .expect("the bundle");
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bundle.body)).expect("an archive");
        assert_eq!(archive.len(), 1);
        assert_eq!(archive.by_index(0).expect("an entry").name().expect("a name"), name);
    }
}

#[test]
fn ebignore_takes_back_what_is_below_a_directory_that_it_leaves_out() {
    let cloud = cloud();
    let run = deploy(&cloud)
        .file("app/.ebignore", "*\n!.ebextensions/\n!application.py\n")
        .file("app/notes.txt", "")
        .file("app/.elasticbeanstalk/config.yml", "")
        .file("app/sub/.ebignore", "")
        .run()
        .expect_exit(0);
    assert_eq!(run.report["backend"]["bundle"]["files"], 2, "{}", run.log);
    assert!(
        run.log
            .contains("`.ebignore`, `.elasticbeanstalk/`, `notes.txt`, `sub/`"),
        "{}",
        run.log
    );
}

#[test]
fn the_ignore_file_may_be_a_path_in_the_package_or_the_workspace() {
    for (place, file) in [("app/ci/rules", "ci/rules"), ("ci/bundle-ignore", "ci/bundle-ignore")] {
        let cloud = cloud();
        let run = deploy(&cloud)
            .file(place, "*.log\n")
            .file("app/a.log", "")
            .with("package-ignore-file", file)
            .run()
            .expect_exit(0);
        assert!(run.log.contains("left out (1): `a.log`"), "{}", run.log);
    }
    let run = deploy(&cloud())
        .with("package-ignore-file", "ci/none")
        .run()
        .expect_exit(2);
    assert!(run.error().contains("package-ignore-file"), "{}", run.error());
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
            .any(|warning| warning.contains("Windows line ends")),
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
