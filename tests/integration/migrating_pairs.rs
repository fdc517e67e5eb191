//! The pairs of `docs/migrating.md`: each "after" is run as it stands.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use aws_web_deploy::door::{ALIASES, INPUTS};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Cloud, project, python};
use crate::workflows::{ROLE, assert_succeeded, cloud, execute, running};

/// What is there after a block was run.
struct Expected {
    name: &'static str,
    keys: &'static [&'static str],
    invalidated: &'static [&'static [&'static str]],
    /// What the label of the version begins with that the environment runs.
    label: &'static str,
}

const BUILD: &[&str] = &["app.js", "assets/app.css", "index.html"];

const EXPECTED: &[Expected] = &[
    Expected {
        name: "chain-site",
        keys: &["index.html"],
        invalidated: &[&["/index.html"]],
        label: "v0",
    },
    Expected {
        name: "chain-backend",
        keys: &[],
        invalidated: &[],
        label: "python-20",
    },
    Expected {
        name: "s3-sync-action",
        keys: &["app/app.js", "app/app.js.map", "app/assets/app.css", "app/index.html"],
        invalidated: &[],
        label: "v0",
    },
    Expected {
        name: "invalidate-cloudfront-action",
        keys: &[],
        invalidated: &[&["/index.html", "/assets/*"]],
        label: "v0",
    },
    Expected {
        name: "beanstalk-deploy",
        keys: &[],
        invalidated: &[],
        label: "build-7",
    },
    Expected {
        name: "aws-elasticbeanstalk-deploy",
        keys: &[],
        invalidated: &[],
        label: "cccccccccc",
    },
    Expected {
        name: "s3-deploy",
        keys: &["app.js", "app.js.map", "assets/app.css", "index.html"],
        invalidated: &[&["/", "/app.js", "/app.js.map", "/assets/app.css", "/index.html"]],
        label: "v0",
    },
    Expected {
        name: "aws-s3-sync",
        keys: BUILD,
        invalidated: &[&["/", "/app.js", "/assets/app.css", "/index.html"]],
        label: "v0",
    },
    Expected {
        name: "two-passes",
        keys: &["app.js", "app.js.map", "assets/app.css", "index.html"],
        invalidated: &[],
        label: "v0",
    },
    Expected {
        name: "several-syncs",
        keys: &[
            "app.js",
            "app.js.map",
            "assets/app.css",
            "docs/index.html",
            "index.html",
        ],
        invalidated: &[
            &["/", "/app.js", "/app.js.map", "/assets/app.css", "/index.html"],
            &["/docs/", "/docs/index.html"],
        ],
        label: "v0",
    },
];

/// The workflows that the script makes of the page, by name.
fn workflows(directory: &Path) -> BTreeSet<String> {
    let made = Command::new(python())
        .arg(project().join("scripts/page_workflows.py"))
        .arg(directory)
        .arg(project().join("docs/migrating.md"))
        .status()
        .expect("the script starts");
    assert!(made.success());
    let entries = std::fs::read_dir(directory).expect("a directory");
    entries
        .map(|entry| {
            let name = entry.expect("an entry").file_name();
            name.to_string_lossy().trim_end_matches(".yml").to_owned()
        })
        .collect()
}

/// A checkout with what the steps before would have left: a build, a backend and a bundle.
fn checkout() -> TempDir {
    let directory = TempDir::new().expect("a temporary directory");
    for (path, text) in [
        ("index.html", "<h1>page</h1>"),
        ("build/index.html", "<h1>built</h1>"),
        ("build/app.js", "let a;"),
        ("build/app.js.map", "{}"),
        ("build/assets/app.css", "a {}"),
        ("docs/html/index.html", "<h1>docs</h1>"),
        ("backend/application.py", "application = None\n"),
        ("backend/tests/test_application.py", "\n"),
    ] {
        let file = directory.path().join(path);
        std::fs::create_dir_all(file.parent().expect("a directory above")).expect("a directory");
        std::fs::write(file, text).expect("a file");
    }
    let zipped = Command::new(python())
        .args(["-m", "zipfile", "-c", "../deploy.zip", "application.py"])
        .current_dir(directory.path().join("backend"))
        .status()
        .expect("Python starts");
    assert!(zipped.success());
    directory
}

fn run(cloud: &Cloud, workflow: &Path, checkout: &Path) -> Value {
    let secrets = json!({
        "BUCKET_NAME": "my-bucket",
        "DISTRIBUTION_ID": "E1EXAMPLE",
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    });
    let vars = json!({"SITE_BUCKET": "my-bucket", "DISTRIBUTION": "E1EXAMPLE", "DEPLOY_ROLE": ROLE});
    let job = json!({
        "env": {"AWS_ENDPOINT_URL": cloud.endpoint},
        "github": {
            "api_url": cloud.github, "repository": "octo/site", "sha": "c".repeat(40), "ref": "refs/heads/main",
            "run_id": "7001", "run_number": "7", "token": "ghs_example",
        },
        "contexts": {"secrets": secrets, "vars": vars},
        "id_token": {"url": cloud.oidc, "token": "request-token"},
    });
    execute(workflow, &[], checkout, job)
}

fn check(expected: &Expected, workflow: &Path, checkout: &Path) {
    let cloud = cloud();
    if expected.name == "chain-site" {
        let open = json!({"bucket": "my-bucket", "ownership": "ObjectWriter", "block_public_access": false});
        cloud.post("/s3/bucket", &open);
    }
    assert_succeeded(&run(&cloud, workflow, checkout));
    let name = expected.name;
    assert_eq!(cloud.keys("my-bucket"), expected.keys, "{name}");
    let invalidated: BTreeSet<BTreeSet<String>> = cloud
        .invalidations()
        .into_iter()
        .map(|paths| paths.into_iter().collect())
        .collect();
    let wanted: BTreeSet<BTreeSet<String>> = expected
        .invalidated
        .iter()
        .map(|paths| paths.iter().map(|path| (*path).to_owned()).collect())
        .collect();
    assert_eq!(invalidated, wanted, "{name}");
    let label = running(&cloud, "my-app-prod");
    assert!(label.starts_with(expected.label), "{name}: {label}");
    if name == "two-passes" {
        let header = |key: &str| {
            let object = cloud.object("my-bucket", key).expect("an object");
            object.header("cache-control").map(ToOwned::to_owned)
        };
        assert_eq!(header("index.html").as_deref(), Some("no-cache"));
        assert_eq!(header("app.js").as_deref(), Some("public, max-age=31536000, immutable"));
    }
}

#[test]
fn every_after_does_what_its_before_did() {
    let directory = TempDir::new().expect("a temporary directory");
    let names = workflows(directory.path());
    let expected: BTreeMap<String, &Expected> = EXPECTED.iter().map(|one| (one.name.to_owned(), one)).collect();
    assert_eq!(names, expected.keys().cloned().collect());
    let checkout = checkout();
    std::thread::scope(|scope| {
        // Two at a time: each has a cloud of its own.
        for half in EXPECTED.chunks(EXPECTED.len().div_ceil(2)) {
            let (directory, checkout) = (directory.path(), checkout.path());
            scope.spawn(move || {
                for expected in half {
                    check(expected, &directory.join(format!("{}.yml", expected.name)), checkout);
                }
            });
        }
    });
}

/// GitHub passes over an input that is not there with a warning: in a page or an example it would be a mistake.
#[test]
fn pages_and_examples_name_only_inputs_that_are_there() {
    let directory = TempDir::new().expect("a temporary directory");
    workflows(directory.path());
    let known: BTreeSet<&str> = INPUTS
        .iter()
        .map(|input| input.name)
        .chain(ALIASES.iter().map(|alias| alias.name))
        .collect();
    let mut steps = 0;
    for folder in [directory.path().to_owned(), project().join("examples/workflows")] {
        for entry in std::fs::read_dir(folder).expect("a directory") {
            let path = entry.expect("an entry").path();
            let text = std::fs::read_to_string(&path).expect("a workflow");
            let workflow: Value = yaml_serde::from_str(&text).expect("YAML");
            let jobs = workflow["jobs"].as_object().expect("jobs");
            for step in jobs
                .values()
                .flat_map(|job| job["steps"].as_array().into_iter().flatten())
            {
                let ours = step["uses"]
                    .as_str()
                    .is_some_and(|uses| uses.contains("/aws-web-deploy@"));
                for name in step["with"].as_object().into_iter().flatten().map(|(name, _)| name) {
                    assert!(!ours || known.contains(name.as_str()), "{}: {name}", path.display());
                }
                steps += usize::from(ours);
            }
        }
    }
    assert!(steps > 20, "only {steps} steps");
}
