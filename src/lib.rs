//! Ships a web project to AWS and takes it back: the binary behind a GitHub Action.
//!
//! One sentence to learn: **`core/x` decides, `aws/x` sends, `run` tells both when.**
//!
//! ```text
//! main.rs          flags, env -> run -> exit code
//!   run/           one deploy, top to bottom: read the state, plan, apply in the one safe order, finish; check/
//!   core/          decides: pure code over values
//!     inputs/      flags and raw strings -> types that cannot be wrong; every error collected; the help
//!     site/        filters, headers, scan, comparison, plan
//!     cdn/         which URLs show a changed key; few invalidation paths
//!     backend/     plan of environments, the verdict on an update
//!     bundle/      ignore rules, deterministic ZIP, version label
//!     release/     release records, rollback target, what to restore
//!     report/      report -> JSON, Markdown, outputs
//!     iam/         calls, policies, hints
//!   aws/           sends: auth/ s3/ site/ cdn/ backend/ releases/
//!   github/        sends: deployments, OIDC, output and summary files
//!   http/          one client for everything; proxies, trust roots
//!   console.rs     the one type that prints
//!   cancel.rs      the wish to stop
//! ```
//!
//! Arrows run down only: `run` uses `aws` and `github`, they use `http` and `console`, and all of them use `core`, which
//! uses nothing else of the house. A test scans the imports and keeps it so.

pub(crate) mod aws;
pub(crate) mod cancel;
pub(crate) mod console;
pub(crate) mod core;
#[doc(hidden)]
pub mod door;
#[cfg(test)]
mod fuzz_targets;
pub(crate) mod github;
pub(crate) mod http;
pub(crate) mod run;

pub use tokio_util::sync::CancellationToken;

pub use crate::cancel::{cancel_on_broken_output, cancel_on_signals};
pub use crate::console::{Console, TerminalStyle};
pub use crate::core::context::Env;
pub use crate::core::inputs::flags::{FlagValues, Invocation};
pub use crate::core::inputs::help::help;
pub use crate::core::version::version;

use std::path::PathBuf;
use std::time::Instant;

use chrono::{SecondsFormat, Utc};

use crate::aws::auth::cached::mask_id;
use crate::cancel::StopClock;
use crate::console::MAX_SILENCE;
use crate::core::context::RunContext;
use crate::core::iam::allowance::Allowance;
use crate::core::inputs::files::{FileKind, Files as _};
use crate::core::inputs::parse;
use crate::core::inputs::raw::RawInputs;
use crate::core::inputs::table::{INPUTS, is_secret};
use crate::core::report::build::Frame;
use crate::run::deployment::{Deployment, Ended};
use crate::run::disk::Disk;
use crate::run::phases::Phases;

/// How many bytes are read of the event that started the run; GitHub's are smaller.
const MAX_EVENT: u64 = 32 * 1024 * 1024;

/// Runs once with the inputs in `flags` and `env` and returns the exit code: 0 done or nothing to do, 1 failed, 2 wrong inputs,
/// 130 cancelled. `directory` and `temp` stand in where there is no runner.
pub async fn run(
    flags: &FlagValues,
    env: &Env,
    directory: PathBuf,
    temp: PathBuf,
    console: &Console,
    stop: &CancellationToken,
) -> u8 {
    let (clock, now) = (Instant::now(), Utc::now());
    let mut context = RunContext::new(env, directory, temp);
    if let Some(file) = context
        .event_file
        .clone()
        .filter(|file| Disk.kind(file) == FileKind::File)
    {
        context.take_event(&Disk.read(&file, MAX_EVENT).unwrap_or_default());
    }
    let raw = RawInputs::read(flags, env);
    mask(&raw, env, console);
    let _signs_of_life = console.signs_of_life(MAX_SILENCE);

    let mut phases = Phases::new(console.clone());
    let mut frame = Frame {
        command: None,
        dry_run: false,
        started_at: now.to_rfc3339_opts(SecondsFormat::Millis, true),
        seconds: 0.0,
        timeline: Vec::new(),
        site_url: None,
        places: Vec::new(),
        allowance: None,
    };
    let (ended, result) = match parse::parse(&raw, &Disk, env, &context, now) {
        Err(errors) => {
            console.line(version());
            (Ended::default(), Err(errors.into()))
        }
        Ok(inputs) => {
            // What, where and from which commit is the first that a person reads.
            console.line(&inputs.headline);
            console.line(version());
            inputs.notices.iter().for_each(|line| console.line(line));
            if !inputs.warnings.is_empty() {
                console.warning("Inputs", &inputs.warnings.join("\n"));
            }
            frame.command = Some(inputs.command);
            frame.dry_run = inputs.dry_run;
            frame.site_url.clone_from(&inputs.release.site_url);
            frame.places.clone_from(&inputs.places);
            let allowance = Allowance::of(&inputs);
            frame.allowance = Some(allowance.clone());
            let deployment = Deployment {
                inputs: &inputs,
                allowance,
                context: &context,
                env,
                console,
                stop,
                clock: StopClock::watch(stop),
                now,
                random: now.timestamp_subsec_nanos() ^ std::process::id(),
            };
            deployment.run(&mut phases).await
        }
    };
    frame.timeline = phases.finish();
    frame.seconds = run::phases::round(clock.elapsed().as_secs_f64());
    run::finish::finish(frame, &ended, &result, &context, console)
}

/// Secrets are masked before anything is printed, wherever they come from.
fn mask(raw: &RawInputs, env: &Env, console: &Console) {
    for name in INPUTS.iter().map(|spec| spec.name).filter(|name| is_secret(name)) {
        raw.value(name).into_iter().for_each(|secret| match name {
            "aws-access-key-id" => mask_id(console, secret),
            _ => console.mask(secret),
        });
    }
    for name in [
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    ] {
        env.get(name).into_iter().for_each(|secret| console.mask(secret));
    }
}
