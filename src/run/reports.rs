//! The report files of a job's steps, which lie side by side.

use std::path::PathBuf;

use crate::core::context::RunContext;
use crate::core::inputs::files::{FileKind, Files as _};
use crate::core::release::earlier_steps::EarlierStep;
use crate::run::deployment::Deployment;
use crate::run::disk::Disk;

/// How many reports a job has at the most.
const MAX_REPORTS: usize = 999;
/// How many are read.
const MAX_READ: usize = 50;
/// How many bytes of a report are read.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// The paths of the reports of this job's steps, in their order.
pub(crate) fn report_paths(context: &RunContext) -> impl Iterator<Item = PathBuf> + '_ {
    (1..=MAX_REPORTS).map(|number| match number {
        1 => context.temp.join("aws-web-deploy-report.json"),
        number => context.temp.join(format!("aws-web-deploy-report-{number}.json")),
    })
}

impl Deployment<'_> {
    /// What earlier steps of this job have released in workflow run `run`, as their reports tell.
    pub(crate) fn earlier_steps(&self, run: &str) -> Vec<EarlierStep> {
        report_paths(self.context)
            .take(MAX_READ)
            .take_while(|path| Disk.kind(path) == FileKind::File)
            .filter_map(|path| EarlierStep::read(&Disk.read(&path, MAX_BYTES).ok()?, run))
            .collect()
    }
}
