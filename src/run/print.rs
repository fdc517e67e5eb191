//! The plan in the log: numbers always, every line in a dry run.

use crate::console::Console;
use crate::core::backend::plan::BackendPlan;
use crate::core::backend::rollback::left_out;
use crate::core::inputs::{Command, Inputs, Verbosity};
use crate::core::release::earlier_steps::left_alone_line;
use crate::core::release::plan::Plan;
use crate::core::release::workflow_run::deploy_line;
use crate::core::report::human_bytes;
use crate::core::report::old_assets::{kept_until, retired};
use crate::core::site::plan::SitePlan;
use crate::core::text::{IN_REPORT, LINES_AT_EACH_END, count, counts, left_out_lines, shows_line};
use crate::run::deployment::Deployment;
use crate::run::state::CurrentState;

/// The title of what is noted of environments without requests.
const IDLE: &str = "Idle environment";

/// How the lines of a dry run begin.
const DRY_RUN: &str = "(dry run) ";

/// Of the assets that a run begins to keep, so many have a line.
const KEPT_LINES: usize = 100;

impl Deployment<'_> {
    /// Prints the plan.
    pub(crate) fn print_plan(&self, state: &CurrentState, plan: &Plan, undo_line: Option<&str>) {
        let (console, dry_run) = (self.console, self.inputs.dry_run);
        let verbosity = self
            .inputs
            .site
            .as_ref()
            .map_or(Verbosity::Changes, |site| site.verbosity);
        if let Some(site) = &plan.site {
            print_site(site, console, self.inputs, verbosity);
        }
        for planned in plan.cdn.iter().flat_map(|cdn| cdn.planned()) {
            let paths = count(planned.paths.len(), "path");
            console.line(&format!("cdn: {}: {paths} to invalidate", planned.distribution));
            if dry_run {
                let paths = planned.paths.iter();
                let lines = paths.map(|path| format!("(dry run) invalidate  {path}")).collect();
                print_ends(DRY_RUN, lines, console);
            }
        }
        for line in plan.backend.iter().flat_map(BackendPlan::lines) {
            console.line(&format!("backend: {line}"));
        }
        let notes = plan.backend.iter().flat_map(BackendPlan::idle_notes);
        notes.for_each(|note| console.notice(IDLE, &note));
        undo_line.iter().for_each(|line| console.line(line));
        if self.inputs.command == Command::Deploy && !plan.changes_nothing() {
            let run = self.context.run_id.as_deref();
            let line = deploy_line(&state.records, run);
            line.iter().for_each(|line| console.line(line));
            let line = run.map(|run| left_alone_line(run, &self.earlier_steps(run)));
            line.iter().for_each(|line| console.line(line));
        }
        if let (Some(inputs), Some(_), Command::Rollback) = (&self.inputs.backend, &plan.backend, self.inputs.command) {
            for line in left_out(inputs) {
                console.line(&format!("backend: {line}"));
            }
        }
    }
}

/// Prints the first and the last of many lines, and, behind `head`, how many are between; all of them where somebody debugs.
fn print_ends(head: &str, lines: Vec<String>, console: &Console) {
    let (total, all) = (lines.len(), console.is_debug());
    for (position, line) in lines.iter().enumerate() {
        if all || shows_line(position, total) {
            console.line(line);
        } else if position == LINES_AT_EACH_END {
            let more = left_out_lines(total);
            console.line(&format!("{head}{more} more are not listed here: {IN_REPORT}"));
        }
    }
}

fn print_site(site: &SitePlan, console: &Console, inputs: &Inputs, verbosity: Verbosity) {
    let dry_run = inputs.dry_run;
    let to_write = match inputs.command {
        Command::Rollback => "to restore",
        Command::Deploy | Command::Check => "to upload",
    };
    if verbosity != Verbosity::Quiet
        && let [first, others @ ..] = site.warnings.as_slice()
    {
        let more = match others.len() {
            0 => String::new(),
            more => format!(" (and {more} more, see the log)"),
        };
        console.warning("Site", &format!("{}: {}{more}", first.path, first.message));
        let others = others.iter();
        let lines = others.map(|warning| format!("warning: {}: {}", warning.path, warning.message));
        print_ends("warning: ", lines.collect(), console);
    }
    console.line(&format!(
        "site: s3://{}/{}: {}",
        site.bucket,
        site.prefix,
        counts(&[
            (site.writes.len() as u64, to_write),
            (site.deletes.len() as u64, "to delete"),
            (site.unchanged, "unchanged"),
        ])
    ));
    let kept = site.retirement.as_ref().map_or(&[][..], |retirement| &retirement.kept);
    let old = retired(kept.iter());
    kept_until(&old)
        .iter()
        .for_each(|text| console.line(&format!("site: {text}")));
    if dry_run && verbosity != Verbosity::Quiet {
        let written = site.writes.iter().map(|write| {
            let (verb, size, reason) = (write.source.verb(), human_bytes(write.size), write.reason.text());
            format!("(dry run) {verb}  {}  {size}  ({reason})", write.key)
        });
        let deleted = site.deletes.iter().map(|key| format!("(dry run) delete  {key}"));
        print_ends(DRY_RUN, written.chain(deleted).collect(), console);
        let kept = old.iter();
        let kept = kept.map(|asset| format!("(dry run) keep  {}  (until {})", asset.key, asset.until));
        print_ends(DRY_RUN, kept.collect(), console);
    } else if !dry_run && verbosity < Verbosity::ErrorsOnly {
        let new = retired(kept.iter().filter(|kept| kept.is_new));
        new.iter()
            .take(KEPT_LINES)
            .for_each(|asset| console.line(&format!("keep    {}  (until {})", asset.key, asset.until)));
        if new.len() > KEPT_LINES {
            console.line(&format!(
                "keep    {} more; the report lists them",
                new.len() - KEPT_LINES
            ));
        }
    }
}
