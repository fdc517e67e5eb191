//! The recipes of `examples/workflows`, run as they stand; what would build a project is played by a stub.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Cloud, project, python};
use crate::workflows::{ROLE, assert_succeeded, cloud, execute, running};

/// Every program of a build: it leaves what the build leaves.
const STUB: &str = "#!/bin/sh\ncp -R \"$BUILT/.\" .\n";
const PROGRAMS: &[&str] = &["hugo", "npm", "pip", "python", "sudo", "wget"];

/// A workflow, what its build leaves, and the keys with their `Cache-Control`.
type Site<'a> = (&'a str, &'a [&'a str], &'a [(&'a str, &'a str)]);

const SITES: &[Site<'_>] = &[
    (
        "vite",
        &["dist/index.html", "dist/assets/index-B1x.js"],
        &[("assets/index-B1x.js", LONG), ("index.html", "no-cache")],
    ),
    (
        "nextjs",
        &["out/index.html", "out/_next/static/chunks/main-1a.js"],
        &[("_next/static/chunks/main-1a.js", LONG), ("index.html", "no-cache")],
    ),
    (
        "hugo",
        &["public/index.html", "public/posts/index.html"],
        &[("index.html", "no-cache"), ("posts/index.html", "no-cache")],
    ),
    (
        "astro",
        &["dist/index.html", "dist/_astro/page.C3.css"],
        &[("_astro/page.C3.css", LONG), ("index.html", "no-cache")],
    ),
    (
        "sveltekit",
        &[
            "build/index.html",
            "build/_app/immutable/entry/start.D4.js",
            "build/_app/version.json",
        ],
        &[
            ("_app/immutable/entry/start.D4.js", LONG),
            ("_app/version.json", "no-cache"),
            ("index.html", "no-cache"),
        ],
    ),
    ("html", &[], &[("index.html", "no-cache"), ("style.css", "no-cache")]),
];

const LONG: &str = "public, max-age=31536000, immutable";

/// The backends: the workflow, what its build leaves, and its environments.
const BACKENDS: &[(&str, &[&str], &[&str])] = &[
    ("flask", &[], &["my-app-prod"]),
    ("django", &["static/style.css"], &["my-app-prod"]),
    ("spring-boot", &["target/app.jar"], &["my-app-prod"]),
    ("node", &["node_modules/left.js"], &["my-app-prod"]),
    ("docker", &[], &["my-app-prod"]),
    ("several-environments", &[], &["my-app-web", "my-app-worker"]),
];

/// A repository and the programs that build it.
struct Repository {
    checkout: TempDir,
    built: TempDir,
    programs: TempDir,
}

impl Repository {
    fn new(built: &[&str]) -> Self {
        let directory = || TempDir::new().expect("a temporary directory");
        let repository = Self {
            checkout: directory(),
            built: directory(),
            programs: directory(),
        };
        for path in ["index.html", "style.css", "README.md", ".github/workflows/deploy.yml"] {
            write(&repository.checkout.path().join(path), path);
        }
        for path in built {
            let file = repository.built.path().join(path);
            write(&file, path);
            if file.extension().is_some_and(|extension| extension == "jar") {
                archive(&file);
            }
        }
        program(&repository.checkout.path().join("mvnw"));
        for name in PROGRAMS {
            program(&repository.programs.path().join(name));
        }
        repository
    }

    /// Runs a job of the recipe `name`.
    fn run(&self, cloud: &Cloud, name: &str, arguments: &[&str], needs: &Value) -> Value {
        let path = std::env::var("PATH").expect("a PATH");
        let job = json!({
            "env": {
                "AWS_ENDPOINT_URL": cloud.endpoint,
                "BUILT": self.built.path(),
                "PATH": format!("{}:{path}", self.programs.path().display()),
            },
            "github": {
                "api_url": cloud.github, "repository": "octo/site", "sha": "d".repeat(40), "ref": "refs/heads/main",
                "run_id": "7001", "run_number": "7", "token": "ghs_example",
            },
            "contexts": {
                "vars": {"AWS_REGION": "us-east-1", "DEPLOY_ROLE": ROLE, "SITE_BUCKET": "my-bucket", "DISTRIBUTION": "E1EXAMPLE"},
                "needs": needs,
            },
            "id_token": {"url": cloud.oidc, "token": "request-token"},
        });
        let workflow = project().join("examples/workflows").join(format!("{name}.yml"));
        execute(&workflow, arguments, self.checkout.path(), job)
    }
}

fn write(file: &Path, text: &str) {
    std::fs::create_dir_all(file.parent().expect("a directory above")).expect("a directory");
    std::fs::write(file, text).expect("a file");
}

fn program(file: &Path) {
    write(file, STUB);
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).expect("its mode");
}

/// Puts an archive in the place of `file`.
fn archive(file: &Path) {
    let made = Command::new(python())
        .args(["-m", "zipfile", "-c"])
        .arg(file)
        .arg(project().join("README.md"))
        .status()
        .expect("Python starts");
    assert!(made.success());
}

#[test]
fn the_recipes_of_sites_deploy_what_was_built() {
    for (name, built, expected) in SITES {
        let cloud = cloud();
        assert_succeeded(&Repository::new(built).run(&cloud, name, &[], &json!({})));
        let header = |key: &String| {
            let object = cloud.object("my-bucket", key).expect("an object");
            object.header("cache-control").unwrap_or_default().to_owned()
        };
        let keys = cloud.keys("my-bucket").into_iter().filter(|key| key != "mvnw");
        let found: Vec<(String, String)> = keys.map(|key| (key.clone(), header(&key))).collect();
        let wanted: Vec<(String, String)> = expected
            .iter()
            .map(|(key, header)| ((*key).to_owned(), (*header).to_owned()))
            .collect();
        assert_eq!(found, wanted, "{name}");
        assert_eq!(cloud.invalidations().len(), 1, "{name}");
    }
}

#[test]
fn the_recipes_of_backends_deploy_what_was_built() {
    for (name, built, environments) in BACKENDS {
        let cloud = cloud();
        cloud.add_environment("my-app", "my-app-web", &json!({}));
        cloud.add_environment("my-app", "my-app-worker", &json!({}));
        assert_succeeded(&Repository::new(built).run(&cloud, name, &[], &json!({})));
        for environment in ["my-app-prod", "my-app-web", "my-app-worker"] {
            let runs = running(&cloud, environment);
            let deployed = environments.contains(&environment);
            assert_eq!(runs != "v0", deployed, "{name}: {environment} runs {runs}");
        }
    }
}

#[test]
fn production_gets_the_version_that_staging_proved() {
    let cloud = cloud();
    cloud.add_environment("my-app", "my-app-staging", &json!({}));
    let repository = Repository::new(&[]);
    let staged = repository.run(&cloud, "staging-production", &["--job-name", "staging"], &json!({}));
    assert_succeeded(&staged);
    assert_eq!(running(&cloud, "my-app-prod"), "v0");
    let version = staged["outputs"]["version"].as_str().unwrap_or_default().to_owned();
    assert_eq!(running(&cloud, "my-app-staging"), version);
    cloud.forget_requests();

    let needs = json!({"staging": {"result": "success", "outputs": staged["outputs"]}});
    let arguments = ["--job-name", "production"];
    assert_succeeded(&repository.run(&cloud, "staging-production", &arguments, &needs));
    assert_eq!(running(&cloud, "my-app-prod"), version);
    assert_eq!(cloud.count("CreateApplicationVersion"), 0);

    let failed = json!({"staging": {"result": "failure", "outputs": {}}});
    let skipped = repository.run(&cloud, "staging-production", &arguments, &failed);
    assert_eq!(skipped["result"], "skipped");
}

#[test]
fn every_example_is_run() {
    let elsewhere = ["deploy", "rollback", "staging-production"];
    let run: BTreeSet<String> = SITES
        .iter()
        .map(|(name, ..)| *name)
        .chain(BACKENDS.iter().map(|(name, ..)| *name))
        .chain(elsewhere)
        .map(ToOwned::to_owned)
        .collect();
    let entries = std::fs::read_dir(project().join("examples/workflows")).expect("a directory");
    let mut there = BTreeSet::new();
    let mut checkouts = BTreeSet::new();
    for entry in entries {
        let path = entry.expect("an entry").path();
        there.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
        let text = std::fs::read_to_string(&path).expect("a workflow");
        let uses = text.lines().filter(|line| line.contains("uses: actions/checkout@"));
        checkouts.extend(uses.map(|line| line.trim().to_owned()));
    }
    assert_eq!(there, run);
    assert_eq!(checkouts.len(), 1, "one version of actions/checkout: {checkouts:?}");
}
