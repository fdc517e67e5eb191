//! Ships a web project to AWS and takes it back: the binary behind a GitHub Action.
//!
//! ```text
//! main.rs            env -> run -> exit code
//!   lib.rs           run: inputs, the story, the end
//!   story.rs         the whole story of one deploy or rollback, in the one safe order
//!   plan.rs          what is going to happen, site, cdn and backend together; dry run stops after it
//!   phases.rs, finish.rs   groups of the log with their times; report, outputs, summary, exit code
//!     inputs/        raw strings -> types that cannot be wrong; every error collected
//!     site/          pure: filter, object, plan, paths; edge: scan
//!     bundle/        ignore rules, deterministic zip, version label
//!     release/       release record, rollback target, what to restore (pure)
//!     report/        pure: report -> JSON, Markdown, outputs
//!     aws/           edges: credentials, s3, cloudfront, beanstalk, history, check
//!     github/        edges: console, output and summary files, deployments, OIDC
//!   context, failure, secret, stop, version: small types that all of them use
//! ```
//!
//! `site`, `bundle`, `inputs`, `release` and `report` import neither `aws` nor `github`, no runtime and no
//! environment; a test scans the imports and keeps it so.

pub mod aws;
pub mod bundle;
pub mod context;
pub mod failure;
mod finish;
pub mod github;
pub mod inputs;
mod phases;
mod plan;
pub mod release;
pub mod report;
pub mod secret;
pub mod site;
pub mod stop;
mod story;
pub mod version;

use std::path::PathBuf;
use std::time::Instant;

use chrono::{SecondsFormat, Utc};

use crate::context::{Env, RunContext};
use crate::github::console::Console;
use crate::inputs::Command;
use crate::inputs::raw::{INPUTS, RawInputs, is_secret};
use crate::phases::Phases;
use crate::report::Report;
use crate::stop::Stop;
use crate::story::Story;

/// Runs once with the inputs in `env` and returns the exit code: 0 done or nothing to do, 1 failed, 2 wrong inputs,
/// 130 cancelled. `directory` and `temp` stand in where there is no runner.
pub async fn run(env: &Env, directory: PathBuf, temp: PathBuf, console: &Console, stop: &Stop) -> u8 {
    let (clock, now) = (Instant::now(), Utc::now());
    let mut context = RunContext::new(env, directory, temp);
    context.read_event();
    let raw = RawInputs::read(env);
    mask(&raw, env, console);
    console.line(version::version());

    let mut report = Report::new(now.to_rfc3339_opts(SecondsFormat::Millis, true));
    let mut phases = Phases::new(console.clone());
    let mut extra = String::new();
    let result = match inputs::parse::parse(&raw, env, &context, now) {
        Err(errors) => Err(errors.into()),
        Ok(inputs) => {
            inputs
                .parts
                .iter()
                .chain(&inputs.notices)
                .for_each(|line| console.line(line));
            report.command = inputs.command.name().to_owned();
            report.dry_run = inputs.dry_run;
            let story = Story {
                inputs: &inputs,
                context: &context,
                env,
                console,
                stop,
                now,
                random: now.timestamp_subsec_nanos() ^ std::process::id(),
            };
            match inputs.command {
                Command::Check => story.check(&mut phases, &mut extra).await,
                Command::Deploy | Command::Rollback => story.tell(&mut report, &mut phases, &mut extra).await,
            }
        }
    };
    report.timeline = phases.finish();
    report.seconds = phases::round(clock.elapsed().as_secs_f64());
    finish::finish(report, result, &extra, &context, console)
}

/// Secrets are masked before anything is printed, wherever they come from.
fn mask(raw: &RawInputs, env: &Env, console: &Console) {
    for name in INPUTS.iter().map(|spec| spec.name).filter(|name| is_secret(name)) {
        raw.value(name).into_iter().for_each(|secret| console.mask(secret));
    }
    for name in [
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    ] {
        env.get(name).into_iter().for_each(|secret| console.mask(secret));
    }
}
