//! Bundles of real directories, read back.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use crate::core::bundle::Bundle;
use crate::core::bundle::ready;
use crate::core::inputs::PackageInputs;
use crate::run::package::make;

fn bundle_of(root: &Path) -> anyhow::Result<Bundle> {
    let package = PackageInputs {
        path: root.to_owned(),
        ignore_file: None,
        exclude: vec!["*.tmp".into()],
    };
    make(&package, &root.join("../temp"))
}

fn put(root: &Path, name: &str, content: impl AsRef<[u8]>) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
    fs::write(path, content).expect("a file");
}

fn tree(root: &Path) {
    put(root, "app.py", "print('hello')\n".repeat(100));
    put(root, ".ebextensions/a.config", "files: {}\n");
    put(root, "bin/run", "#!/bin/sh\n");
    fs::set_permissions(root.join("bin/run"), fs::Permissions::from_mode(0o711)).expect("a mode");
    put(root, "static/grüße.txt", "ü");
    put(root, "big", vec![b'x'; 2_500_000]);
    put(root, "empty", "");
    put(root, "scratch.tmp", "no");
    put(root, ".git/config", "secret");
    put(root, "vendor/lib/.git", "gitdir: ../..");
    put(root, "log/keep/.gitkeep", "");
    symlink("../app.py", root.join("bin/app")).expect("a link");
    put(root, ".ebignore", "node_modules/\n*.log\n!keep.log\n");
    put(root, ".elasticbeanstalk/config.yml", "global: {}\n");
    put(root, "node_modules/x/index.js", "");
    put(root, "node_modules/keep.log", "");
    put(root, "a.log", "");
    put(root, "keep.log", "");
    put(root, "sub/.ebignore", "ignored: only the one at the top counts");
    put(root, "sub/only-here", "");
    put(root, "sub/deep/only-here", "");
    put(root, "sub/b.log", "");
}

#[test]
fn holds_what_zip_would_take_less_git_and_the_ignored() {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path().join("app");
    tree(&root);
    let bundle = bundle_of(&root).expect("a bundle");
    let mut archive = zip::ZipArchive::new(File::open(&bundle.path).expect("a file")).expect("an archive");
    let mut seen = Vec::new();
    for position in 0..archive.len() {
        let mut entry = archive.by_index(position).expect("an entry");
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("its content");
        let mode = entry.unix_mode().expect("a mode");
        let name = entry.name().expect("a name").into_owned();
        if entry.is_file() {
            assert_eq!(content, fs::read(root.join(&name)).expect("a file"), "{name}");
        }
        seen.push((name, mode));
    }
    let seen: Vec<(&str, u32)> = seen.iter().map(|(name, mode)| (name.as_str(), *mode)).collect();
    assert_eq!(
        seen,
        [
            (".ebextensions/", 0o040_755),
            (".ebextensions/a.config", 0o100_644),
            ("app.py", 0o100_644),
            ("big", 0o100_644),
            ("bin/", 0o040_755),
            ("bin/app", 0o120_777),
            ("bin/run", 0o100_755),
            ("empty", 0o100_644),
            ("keep.log", 0o100_644),
            ("log/", 0o040_755),
            ("log/keep/", 0o040_755),
            ("log/keep/.gitkeep", 0o100_644),
            ("node_modules/", 0o040_755),
            ("node_modules/keep.log", 0o100_644),
            ("static/", 0o040_755),
            ("static/grüße.txt", 0o100_644),
            ("sub/", 0o040_755),
            ("sub/.ebignore", 0o100_644),
            ("sub/deep/", 0o040_755),
            ("sub/deep/only-here", 0o100_644),
            ("sub/only-here", 0o100_644),
        ]
    );
    assert_eq!(bundle.files, 12);
    // `vendor/` too: its one child is a `.git`.
    assert_eq!(bundle.left_out.count, 8);
    assert_eq!(
        bundle.left_out.first,
        [".ebignore", ".elasticbeanstalk/", ".git/", "a.log", "node_modules/x/"]
    );
    assert_eq!(bundle.bytes, fs::metadata(&bundle.path).expect("a file").len());
}

#[test]
fn same_files_give_the_same_bytes_and_others_do_not() {
    let directory = tempfile::tempdir().expect("a directory");
    let (one, two) = (directory.path().join("one/app"), directory.path().join("two/other"));
    tree(&one);
    std::thread::sleep(std::time::Duration::from_millis(20));
    tree(&two);
    fs::set_permissions(two.join("app.py"), fs::Permissions::from_mode(0o600)).expect("a mode");
    let first = bundle_of(&one).expect("a bundle").sha256;
    assert_eq!(first, bundle_of(&two).expect("a bundle").sha256);
    fs::set_permissions(two.join("app.py"), fs::Permissions::from_mode(0o755)).expect("a mode");
    assert_ne!(first, bundle_of(&two).expect("a bundle").sha256);
}

#[test]
fn more_entries_than_sixteen_bits_count_are_readable() {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path().join("app");
    fs::create_dir_all(&root).expect("a directory");
    for number in 0..66_000 {
        fs::write(root.join(number.to_string()), "").expect("a file");
    }
    let bundle = bundle_of(&root).expect("a bundle");
    assert_eq!(
        ready::check(File::open(&bundle.path).expect("a file"), &bundle.path)
            .expect("contents")
            .files,
        66_000
    );
    assert!(bundle.warnings[0].contains("66000 files"), "{:?}", bundle.warnings);
}

fn package(path: &Path) -> PackageInputs {
    PackageInputs {
        path: path.to_owned(),
        ignore_file: None,
        exclude: Vec::new(),
    }
}

fn temp() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory")
}

#[test]
fn refuses_what_would_not_work_on_an_instance() {
    let directory = temp();
    let root = directory.path().join("app");
    fs::create_dir(&root).expect("a directory");
    let fails = |reason: &str| {
        let error = make(&package(&root), directory.path()).expect_err(reason);
        assert!(format!("{error:#}").contains(reason), "{error:#}");
    };
    fs::write(root.join("a"), "a").expect("a file");
    symlink("../outside", root.join("link")).expect("a link");
    fails("points to `../outside`, out of the package");
    fs::remove_file(root.join("link")).expect("removed");
    let name: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"\xff");
    fs::write(root.join(name), "a").expect("a file");
    fails("not UTF-8");
}

#[test]
fn a_directory_without_any_file_is_no_bundle() {
    let directory = temp();
    let root = directory.path().join("app");
    fs::create_dir_all(root.join("only/folders")).expect("a directory");
    let error = || {
        let error = make(&package(&root), directory.path()).expect_err("nothing to bundle");
        error.to_string()
    };
    assert!(error().contains("there is no file in it"), "{}", error());
    fs::write(root.join("a"), "a").expect("a file");
    fs::write(root.join(".ebignore"), "*").expect("a file");
    assert!(
        error().contains("everything in it is left out (3): `.ebignore`, `a`, `only/`"),
        "{}",
        error()
    );
}

#[test]
fn names_that_are_not_utf8_can_be_left_out() {
    let directory = temp();
    let root = directory.path().join("app");
    put(&root, "a", "a");
    let name: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"caf\xe9.txt");
    fs::create_dir_all(root.join("old")).expect("a directory");
    fs::write(root.join("old").join(name), "a").expect("a file");
    let error = make(&package(&root), directory.path()).expect_err("not UTF-8");
    assert!(error.to_string().contains("not UTF-8"), "{error}");
    for pattern in ["caf*.txt", "old/", "*.txt"] {
        let package = PackageInputs {
            exclude: vec![pattern.to_owned()],
            ..package(&root)
        };
        assert_eq!(make(&package, directory.path()).expect(pattern).files, 1, "{pattern}");
        put(&root, ".ebignore", pattern);
        assert_eq!(
            make(&self::package(&root), directory.path()).expect(pattern).files,
            1,
            "{pattern}"
        );
        fs::remove_file(root.join(".ebignore")).expect("removed");
    }
}

#[test]
fn deep_directories_are_an_error_and_need_no_stack() {
    let directory = temp();
    let root = directory.path().join("app");
    let deep = root.join("d/".repeat(1_500));
    fs::create_dir_all(&deep).expect("a directory");
    fs::write(deep.join("a"), "a").expect("a file");
    let error = make(&package(&root), directory.path()).expect_err("too deep");
    assert!(error.to_string().contains("more than 500 deep"), "{error}");
}

#[test]
fn a_file_that_is_an_application_by_itself_is_packed() {
    let directory = temp();
    let root = directory.path().join("app");
    for name in ["Dockerrun.aws.json", "docker-compose.yml"] {
        put(&root, name, "{}");
        let bundle = make(&package(&root.join(name)), directory.path()).expect("a bundle");
        assert_eq!((bundle.files, bundle.extension.as_str()), (1, "zip"));
        assert_eq!(
            ready::check(File::open(&bundle.path).expect("a file"), &bundle.path)
                .expect("readable")
                .names,
            [name]
        );
        assert!(bundle.warnings.is_empty(), "{:?}", bundle.warnings);
    }
}

#[test]
fn a_link_that_leaves_through_another_one_is_refused() {
    let directory = temp();
    let root = directory.path().join("app");
    fs::create_dir_all(root.join("a/b")).expect("a directory");
    fs::write(root.join("file"), "a").expect("a file");
    fs::write(directory.path().join("secret"), "a").expect("a file");
    symlink("../..", root.join("a/b/up")).expect("a link");
    symlink("a/b/up/../secret", root.join("link")).expect("a link");
    let error = make(&package(&root), directory.path()).expect_err("a link out");
    assert!(error.to_string().contains("out of the package"), "{error}");
}

#[test]
fn the_ignore_file_may_have_another_name_or_place() {
    let directory = temp();
    let root = directory.path().join("app");
    fs::create_dir_all(root.join("ci")).expect("a directory");
    fs::write(root.join(".gitignore"), "b\n").expect("a file");
    fs::write(root.join("ci/rules"), "/c\n").expect("a file");
    for name in ["a", "b", "c"] {
        fs::write(root.join(name), "").expect("a file");
    }
    let files = |ignore_file: Option<&str>| {
        let package = PackageInputs {
            ignore_file: ignore_file.map(Into::into),
            ..package(&root)
        };
        make(&package, directory.path()).map(|bundle| (bundle.files, bundle.left_out.first))
    };
    put(&root, "ci/.ebignore", "a");
    assert_eq!(files(None).expect("a bundle"), (6, vec![]));
    assert_eq!(files(Some(".gitignore")).expect("a bundle"), (5, vec!["b".into()]));
    assert_eq!(files(Some("ci/rules")).expect("a bundle"), (5, vec!["c".into()]));
    for missing in [".other", "ci/other"] {
        let error = files(Some(missing)).expect_err("no such file");
        assert!(error.to_string().contains(missing), "{error}");
    }
}

#[test]
fn warns_of_the_usual_mistakes() {
    let directory = temp();
    let root = directory.path().join("app");
    fs::create_dir_all(root.join("web/.platform/hooks/prebuild")).expect("a directory");
    fs::write(root.join("web/Procfile"), "web: run\r\n").expect("a file");
    fs::write(root.join("web/.platform/hooks/prebuild/a.sh"), "#!/bin/sh\r\n").expect("a file");
    symlink("gone", root.join("web/link")).expect("a link");
    let warnings = make(&package(&root), directory.path()).expect("a bundle").warnings;
    assert!(warnings[0].contains("`web/link` points to `gone`"), "{warnings:?}");
    assert!(warnings[1].contains("one folder, `web`"), "{warnings:?}");
    let warnings = make(&package(&root.join("web")), directory.path())
        .expect("a bundle")
        .warnings;
    assert!(warnings[1].contains("`Procfile` has Windows line ends"), "{warnings:?}");
    assert!(warnings[2].contains("cannot find its interpreter"), "{warnings:?}");
}

#[test]
fn a_ready_archive_is_checked_and_taken_as_it_is() {
    let directory = temp();
    let root = directory.path().join("app");
    fs::create_dir_all(root.join("top")).expect("a directory");
    fs::write(root.join("top/a"), "a").expect("a file");
    let made = make(&package(&root), directory.path()).expect("a bundle");
    let ready = directory.path().join("Ready.WAR");
    fs::copy(&made.path, &ready).expect("a copy");
    let taken = make(&package(&ready), directory.path()).expect("a bundle");
    assert_eq!(
        (taken.files, &taken.sha256, taken.extension.as_str()),
        (1, &made.sha256, "war")
    );
    assert_eq!(taken.path, ready);
    drop(taken);
    assert!(ready.exists());
    let path = made.path.clone();
    drop(made);
    assert!(!path.exists());

    let broken = directory.path().join("broken.zip");
    fs::write(&broken, "no archive").expect("a file");
    let error = make(&package(&broken), directory.path()).expect_err("no archive");
    assert!(error.to_string().contains("not a readable ZIP file"), "{error}");
    let other = directory.path().join("app.tar.gz");
    fs::write(&other, "no archive").expect("a file");
    let error = make(&package(&other), directory.path()).expect_err("no archive");
    assert!(error.to_string().contains("neither a directory"), "{error}");
}
