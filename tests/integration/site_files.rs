//! What a source directory can hold: odd names, links, special files, files that change under the run.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::time::Duration;

use serde_json::json;

use crate::support::{Action, Cloud, Run};

const BUCKET: &str = "site-bucket";

fn action(cloud: &Cloud) -> Action {
    let action = Action::new(cloud).with("bucket", BUCKET).with("source", "site");
    action.write("site/index.html", "<p>hello");
    action
}

fn warnings(run: &Run) -> Vec<&str> {
    let all = run.report["site"]["warnings"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    all.iter().filter_map(|one| one["path"].as_str()).collect()
}

/// Names that some tool somewhere gets wrong.
pub(crate) const ODD: &[&str] = &[
    "a b",
    " lead",
    "trail ",
    "a+b",
    "a%b",
    "a%20b",
    "a&b=c",
    "a?b",
    "a#b",
    "a*b",
    "a\\b",
    "a\"b",
    "a'b",
    "a`b",
    "a$b",
    "a;b",
    "a|b",
    "a<b>",
    "a~b",
    "a^b",
    "[a]",
    "{a}",
    "(a)",
    "-a",
    "--delete",
    "new\nline",
    "tab\there",
    "cr\rhere",
    "\u{1}ctl",
    "\u{e9}",
    "e\u{301}",
    "\u{ffee}",
    "\u{1f600}",
    "\u{d55c}\u{ad6d}\u{c5b4}",
    "d.e/f g/h+i",
    "a/x",
    "a-b",
    "a.b",
    "a0",
    "..a",
    "...",
    "::error::x",
    "##[error]x",
    "$(x)",
    "%0A::warning::x",
];

#[test]
fn odd_names_are_keys_as_they_stand_and_stay_unchanged() {
    let cloud = Cloud::with_bucket(BUCKET);
    let action = action(&cloud).with("delete", "true");
    for name in ODD {
        action.write(&format!("site/{name}"), format!("content of {name}"));
    }
    let first = action.run().expect_exit(0);
    assert_eq!(first.uploaded().len(), ODD.len() + 1);
    let mut expected: Vec<&str> = ODD.iter().copied().chain(["index.html"]).collect();
    expected.sort_unstable();
    let mut keys = cloud.keys(BUCKET);
    keys.sort_unstable();
    assert_eq!(keys, expected);
    for name in ODD {
        let object = cloud
            .object(BUCKET, name)
            .unwrap_or_else(|| panic!("no object {name:?}"));
        assert_eq!(object.text(), format!("content of {name}"));
    }
    assert_eq!(first.messages("error"), Vec::<&str>::new());
    assert!(
        !first.messages("warning").iter().any(|message| message.contains('x')),
        "{:?}",
        first.commands
    );

    // A key that no directory can hold goes; all others stay, byte order or not.
    cloud.put(BUCKET, "a//b", &[], b"x");
    let second = action.run().expect_exit(0);
    assert_eq!(second.uploaded(), Vec::<&str>::new(), "{}", second.log);
    assert_eq!(second.report["site"]["deletes"], json!(["a//b"]));
    assert_eq!(second.output("unchanged"), (ODD.len() + 1).to_string());
}

#[test]
fn a_name_that_is_not_utf8_is_an_error_that_shows_it() {
    let cloud = Cloud::with_bucket(BUCKET);
    let action = action(&cloud);
    let name = OsStr::from_bytes(b"bad-\xff.txt");
    std::fs::write(action.workspace().join("site").join(name), "x").expect("a file");
    let run = action.run();
    assert_ne!(run.exit_code, 0);
    assert!(
        run.error().contains("bad-") && run.error().contains(".txt"),
        "{}",
        run.log
    );
    assert!(run.error().contains("not UTF-8: `bad-?.txt`"), "{}", run.error());
    assert_eq!(cloud.all_keys(BUCKET), Vec::<String>::new());
    action.with("exclude", "bad-?.txt").run().expect_exit(0);
}

#[test]
fn directory_markers_and_empty_directories_are_left_alone() {
    let cloud = Cloud::with_bucket(BUCKET);
    for key in ["dir/", "gone/"] {
        cloud.put(BUCKET, key, &[], b"");
    }
    let action = action(&cloud).with("delete", "true");
    action.write("site/dir/a.txt", "a");
    std::fs::create_dir(action.workspace().join("site/empty")).expect("a directory");
    action.run().expect_exit(0);
    assert_eq!(cloud.keys(BUCKET), ["dir/", "dir/a.txt", "gone/", "index.html"]);
}

#[test]
fn loops_fifos_and_broken_links_are_skipped_with_a_warning_and_keep_their_objects() {
    let cloud = Cloud::with_bucket(BUCKET);
    for key in ["broken", "pipe", "loop", "up/index.html", "stale"] {
        cloud.put(BUCKET, key, &[], b"kept");
    }
    let action = action(&cloud).with("delete", "true");
    let site = action.workspace().join("site");
    symlink("nowhere", site.join("broken")).expect("a link");
    symlink("loop", site.join("loop")).expect("a link");
    symlink(".", site.join("up")).expect("a link");
    let made = std::process::Command::new("mkfifo")
        .arg(site.join("pipe"))
        .status()
        .expect("mkfifo");
    assert!(made.success());
    let run = action.run().expect_exit(0);
    let mut warned = warnings(&run);
    warned.sort_unstable();
    assert_eq!(warned, ["broken", "loop", "pipe", "up"], "{}", run.log);
    assert_eq!(
        cloud.keys(BUCKET),
        ["broken", "index.html", "loop", "pipe", "up/index.html"]
    );
}

#[test]
fn links_are_followed_under_their_own_name_and_said_so_when_they_lead_out() {
    let cloud = Cloud::with_bucket(BUCKET);
    let action = action(&cloud);
    action.write("outside/secret.txt", "from outside");
    let site = action.workspace().join("site");
    symlink("index.html", site.join("home.html")).expect("a link");
    symlink("../outside", site.join("linked")).expect("a link");
    let run = action.run().expect_exit(0);
    assert_eq!(cloud.keys(BUCKET), ["home.html", "index.html", "linked/secret.txt"]);
    assert!(run.log.contains("linked"), "{}", run.log);

    let inside = Cloud::with_bucket(BUCKET);
    let action = Action::new(&inside)
        .with("bucket", BUCKET)
        .with("source", "site")
        .with("args", "--no-follow-symlinks")
        .file("site/index.html", "x");
    symlink("index.html", action.workspace().join("site/home.html")).expect("a link");
    action.run().expect_exit(0);
    assert_eq!(inside.keys(BUCKET), ["index.html"]);
}

#[test]
fn git_directories_are_never_uploaded() {
    let cloud = Cloud::with_bucket(BUCKET);
    let action = action(&cloud).with("args", "--include '*'");
    for path in [
        ".git/config",
        "sub/.git/HEAD",
        "module/.git",
        ".gitignore",
        ".github/x",
        "a.git/x",
    ] {
        action.write(&format!("site/{path}"), "x");
    }
    action.run().expect_exit(0);
    assert_eq!(cloud.keys(BUCKET), [".github/x", ".gitignore", "a.git/x", "index.html"]);
}

/// Runs `action` and does something after the plan is made and before anything is uploaded.
fn run_and_meanwhile(cloud: &Cloud, action: &Action, meanwhile: impl FnOnce()) -> Run {
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "PutObject", "match": ".aws-web-deploy", "times": 1,
                "kind": "delay", "seconds": 1.5}),
    );
    std::thread::scope(|threads| {
        let run = threads.spawn(|| action.run());
        while cloud.get("/faults")[0]["times"] != 0 {
            assert!(!run.is_finished(), "no release record was written");
            std::thread::sleep(Duration::from_millis(20));
        }
        meanwhile();
        run.join().expect("a run")
    })
}

#[test]
fn a_file_that_vanishes_fails_by_name_and_nothing_is_deleted() {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.put(BUCKET, "stale.txt", &[], b"x");
    let action = action(&cloud).with("delete", "true");
    action.write("site/gone.css", "p{}");
    let file = action.workspace().join("site/gone.css");
    let run = run_and_meanwhile(&cloud, &action, || std::fs::remove_file(&file).expect("a file"));
    assert_eq!(run.exit_code, 1, "{}", run.log);
    assert!(run.error().contains("gone.css"), "{}", run.error());
    // Neither the page that may refer to it, nor the deletes that come after all uploads.
    assert_eq!(cloud.keys(BUCKET), ["stale.txt"]);
}

#[test]
fn a_file_that_changes_under_the_run_is_never_torn() {
    let cloud = Cloud::with_bucket(BUCKET);
    let action = action(&cloud);
    let (old, new) = (vec![b'o'; 200_000], vec![b'n'; 300_000]);
    action.write("site/data.bin", &old);
    let file = action.workspace().join("site/data.bin");
    let run = run_and_meanwhile(&cloud, &action, || std::fs::write(&file, &new).expect("a file"));
    match cloud.object(BUCKET, "data.bin") {
        Some(object) => assert!(object.body == old || object.body == new, "{} bytes", object.body.len()),
        None => {
            assert_eq!(run.exit_code, 1, "{}", run.log);
            assert!(run.error().contains("data.bin"), "{}", run.error());
        }
    }
    let again = action.run().expect_exit(0);
    assert_eq!(
        cloud.object(BUCKET, "data.bin").expect("uploaded").body,
        new,
        "{}",
        again.log
    );
}

#[test]
fn a_link_into_git_is_refused_by_what_it_is() {
    for (link, target) in [("history", "../.git"), ("config.txt", "../.git/config")] {
        let cloud = Cloud::with_bucket(BUCKET);
        let action = Action::new(&cloud)
            .with("bucket", BUCKET)
            .with("source", "site")
            .file("site/index.html", "page")
            .file(".git/config", "[remote]");
        symlink(target, action.workspace().join("site").join(link)).expect("a link");
        let run = action.run().expect_exit(1);
        assert!(
            run.error().contains("`.git`") && run.error().contains(link),
            "{}",
            run.error()
        );
        assert!(cloud.keys(BUCKET).is_empty());
        action.with("exclude", &format!("{link}*")).run().expect_exit(0);
    }
}

#[test]
fn a_name_that_is_not_utf8_can_be_excluded() {
    let cloud = Cloud::with_bucket(BUCKET);
    let action = Action::new(&cloud)
        .with("bucket", BUCKET)
        .with("source", "site")
        .with("exclude", "caf*")
        .file("site/index.html", "page");
    let name = OsStr::from_bytes(b"caf\xe9.txt");
    std::fs::write(action.workspace().join("site").join(name), "x").expect("written");
    action.run().expect_exit(0);
    assert_eq!(cloud.keys(BUCKET), ["index.html"]);
}

#[test]
fn a_directory_whose_name_is_not_utf8_can_be_excluded_as_its_files_can() {
    let cloud = Cloud::with_bucket(BUCKET);
    let step = |pattern: &str| {
        let action = Action::new(&cloud)
            .with("bucket", BUCKET)
            .with("source", "site")
            .with("exclude", pattern)
            .file("site/index.html", "page");
        let directory = action.workspace().join("site").join(OsStr::from_bytes(b"d\xff"));
        std::fs::create_dir_all(directory.join("deeper")).expect("a directory");
        std::fs::write(directory.join("a.txt"), "x").expect("written");
        std::fs::write(directory.join("deeper/b.txt"), "x").expect("written");
        action
    };
    for pattern in ["d?/*", "d*", "*.txt", "d?/a.txt\nd?/deeper/*"] {
        step(pattern).run().expect_exit(0);
        assert_eq!(
            cloud
                .all_keys(BUCKET)
                .iter()
                .filter(|key| !key.starts_with('.'))
                .count(),
            1,
            "{pattern}"
        );
    }
    let run = step("d?/a.txt").run().expect_exit(1);
    assert!(run.error().contains(r"`d\xff/deeper/b.txt`"), "{}", run.error());
}

#[test]
fn texts_in_other_encodings_are_not_called_utf8() {
    let cloud = Cloud::with_bucket(BUCKET);
    let utf16: Vec<u8> = "<p>text".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let chinese: Vec<u8> = "\u{6f22}\u{5b57}".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let texts: [(&str, &[u8], &str); 15] = [
        ("hz.html", b"<p>~{<:Ky2;S{#,~}", "text/html"),
        ("utf-7.html", b"<p>+ZeVnLIqe-", "text/html"),
        ("utf-7-open.html", b"<p>+ZeVnLIqe</p>", "text/html"),
        ("utf-7-ascii.html", b"+ADw-script+AD4-", "text/html"),
        ("phone.html", b"<p>+41 44 668 18 00", "text/html; charset=utf-8"),
        ("iso-2022-jp.html", b"<p>\x1b$B$\"\x1b(B", "text/html"),
        ("utf-16.html", &utf16, "text/html"),
        ("plain.html", b"<p>1 + 1 - a+b-c ~ {}", "text/html; charset=utf-8"),
        (
            "both.html",
            "<p>+ZeVnLIqe- \u{e9}".as_bytes(),
            "text/html; charset=utf-8",
        ),
        ("utf-7.js", b"x='+ZeVnLIqe-'", "text/javascript"),
        ("utf-7.css", b"a{content:'+ZeVnLA'}", "text/css"),
        ("hz.css", b"a{content:'~{<:Ky~}'}", "text/css"),
        ("sum.js", b"x=a+foo-1", "text/javascript; charset=utf-8"),
        ("sibling.css", b"label+textarea{color:red}", "text/css; charset=utf-8"),
        // Nothing but ASCII, which no NUL tells.
        ("chinese.txt", &chinese, "text/plain"),
    ];
    let mut action = Action::new(&cloud).with("bucket", BUCKET).with("source", "public");
    for (name, bytes, _) in texts {
        action = action.file(&format!("public/{name}"), bytes);
    }
    action.run().expect_exit(0);
    for (name, _, expected) in texts {
        let object = cloud.object(BUCKET, name).expect("an object");
        assert_eq!(object.header("content-type"), Some(expected), "{name}");
    }
}
