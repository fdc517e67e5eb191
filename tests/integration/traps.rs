//! What real workflows stumbled over, through `action.yml`: each trap works, or says why it does not.

use crate::support::{Action, Cloud, Run};

const BUCKET: &str = "my-bucket";

type Pairs<'p> = &'p [(&'static str, &'static str)];

/// A step of a swapped workflow, and what it comes to.
struct Trap<'p> {
    with: Pairs<'p>,
    env: Pairs<'p>,
    exit: i64,
    /// What the error says, or else a warning or a line of the log.
    says: &'static str,
}

fn refused<'p>(with: Pairs<'p>, env: Pairs<'p>, says: &'static str) -> Trap<'p> {
    Trap {
        with,
        env,
        exit: 2,
        says,
    }
}

fn works<'p>(with: Pairs<'p>, env: Pairs<'p>, says: &'static str) -> Trap<'p> {
    Trap {
        with,
        env,
        exit: 0,
        says,
    }
}

const SYNC: Pairs<'static> = &[("AWS_S3_BUCKET", BUCKET), ("SOURCE_DIR", "public")];

fn run(cloud: &Cloud, trap: &Trap<'_>) -> Run {
    let action = Action::new(cloud)
        .file("public/index.html", "<h1>hello</h1>")
        .file("app/main.py", "print()")
        .file("paths.txt", "/a /b\n")
        .file("commas.txt", "/a,/b\n");
    let action = trap
        .with
        .iter()
        .fold(action, |action, (name, value)| action.with(name, value));
    let action = trap
        .env
        .iter()
        .fold(action, |action, (name, value)| action.env(name, value));
    action.run()
}

#[track_caller]
fn check(traps: &[Trap<'_>]) {
    let cloud = Cloud::with_all_parts(BUCKET);
    for trap in traps {
        cloud.forget_requests();
        let run = run(&cloud, trap);
        let shown = (trap.with, trap.env);
        assert_eq!(run.exit_code, trap.exit, "{shown:?}\n{}", run.log);
        let said = match trap.exit {
            2 => run.error(),
            _ => run.log.as_str(),
        };
        assert!(
            said.contains(trap.says),
            "{shown:?}: `{}` is not in\n{}",
            trap.says,
            run.log
        );
        if trap.exit == 2 {
            assert_eq!(cloud.operations(), Vec::<String>::new(), "{shown:?}");
        }
    }
}

#[test]
fn what_the_old_shell_expanded_is_expanded_or_refused() {
    check(&[
        works(
            &[("args", "--cache-control max-age=${AGE}")],
            &[SYNC[0], SYNC[1], ("AGE", "60"), ("DEST_DIR", "docs/$AGE")],
            "`DEST_DIR`: `$AGE` is expanded to `60`",
        ),
        refused(
            &[],
            &[SYNC[0], ("SOURCE_DIR", "$MISSING")],
            "`SOURCE_DIR` holds `$MISSING`, which is not set",
        ),
        refused(
            &[],
            &[("AWS_S3_BUCKET", "$NONE"), ("NONE", "")],
            "`AWS_S3_BUCKET` is `$NONE`, which expands to nothing",
        ),
        refused(&[], &[SYNC[0], ("SOURCE_DIR", "pub*")], "`SOURCE_DIR` holds `*`"),
        refused(
            &[("args", "--acl $(cat acl)")],
            SYNC,
            "`args` holds `$(…)`, and no shell runs it",
        ),
        works(
            &[("args", "--exclude '$AGE'")],
            SYNC,
            "`$AGE` matches no file and no object",
        ),
        works(
            &[("bucket", BUCKET), ("source", "public"), ("prefix", "x-$A-$B")],
            &[],
            "`prefix` holds `$A` and `$B`, and no shell expands them",
        ),
    ]);
}

#[test]
fn lists_as_people_write_them_are_read_or_named() {
    check(&[
        works(
            &[],
            &[("DISTRIBUTION", "E1EXAMPLE"), ("PATHS_FROM", "paths.txt")],
            "2 paths to invalidate",
        ),
        refused(
            &[],
            &[("DISTRIBUTION", "E1EXAMPLE"), ("PATHS", "/a,/b")],
            "holds a comma",
        ),
        refused(
            &[],
            &[("DISTRIBUTION", "E1EXAMPLE"), ("PATHS_FROM", "commas.txt")],
            "holds a comma",
        ),
        refused(
            &[],
            &[("DISTRIBUTION", "E1EXAMPLE"), ("PATHS", "\"/a\" \"/b\"")],
            "holds quotes",
        ),
        works(
            &[("bucket", BUCKET), ("source", "public"), ("exclude", "*.map,*.txt")],
            &[],
            "one pattern, comma and all",
        ),
        refused(
            &[("bucket", BUCKET), ("source", "public"), ("exclude", "--exclude *.map")],
            &[],
            "flags belong in `args`",
        ),
        works(
            &[],
            &[SYNC[0], SYNC[1], ("DEST_DIR", "/docs")],
            "`DEST_DIR` is `/docs/`, so every key will begin with `/`",
        ),
    ]);
}

#[test]
fn directories_of_the_job_beside_a_bucket_are_never_ignored_in_silence() {
    check(&[
        refused(
            &[("bucket", BUCKET)],
            &[("SOURCE_DIR", "public")],
            "`SOURCE_DIR` is set in the environment, and `source` is not set beside `bucket`",
        ),
        works(
            &[("bucket", BUCKET), ("source", "public")],
            &[("SOURCE_DIR", "public"), ("DISTRIBUTION", "E1EXAMPLE"), ("PATHS", "/*")],
            "`DISTRIBUTION` in the environment is ignored",
        ),
    ]);
}

#[test]
fn a_version_label_names_our_placeholder() {
    const APP: (&str, &str) = ("application_name", "my-app");
    const REGION: (&str, &str) = ("region", "us-east-1");
    const PACKAGE: (&str, &str) = ("deployment_package", "app");
    check(&[
        refused(
            &[APP, REGION, PACKAGE, ("version_label", "v-$(date)")],
            &[],
            "`version_label` holds `$(date)`, and no shell runs it: write `{timestamp}`",
        ),
        refused(
            &[APP, REGION, PACKAGE, ("version_label", "v-${GITHUB_SHA::7}")],
            &[],
            "write `{short-sha}`",
        ),
        refused(
            &[APP, REGION, PACKAGE, ("version_label", "v-$GITHUB_RUN_NUMBER")],
            &[],
            "write `{run-number}`",
        ),
        refused(
            &[APP, REGION, ("zip_file", "app.zip")],
            &[],
            "`zip_file` is not an input of this action: use `package`",
        ),
        refused(
            &[APP, REGION, PACKAGE, ("environment_name", "my-app-prod, my-app-test")],
            &[],
            "remove the commas",
        ),
        refused(
            &[("bucket", "arn:aws:s3:::my-bucket"), ("source", "public")],
            &[],
            "write `bucket: my-bucket`",
        ),
    ]);
}

#[test]
fn the_old_wait_for_recovery_takes_what_it_took() {
    for (number, value) in ["false", "0", ""].into_iter().enumerate() {
        let cloud = Cloud::with_all_parts(BUCKET);
        let run = Action::new(&cloud)
            .with("application_name", "my-app")
            .with("environment_name", "my-app-prod")
            .with("region", "us-east-1")
            .with("deployment_package", "app")
            .with("version_label", &format!("recovery-{number}"))
            .with("wait_for_environment_recovery", value)
            .with("poll-interval", "1")
            .file("app/main.py", "print()")
            .run();
        assert_eq!(run.exit_code, 0, "{value}\n{}", run.log);
    }
}
