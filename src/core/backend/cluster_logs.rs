//! The deployment log of a Cluster environment (EKS): a ZIP file with the logs of every pod, and the namespace's events.
//!
//! <https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environments-deployment-logs.html>

use std::io::{Cursor, Read as _};

use anyhow::Context as _;
use zip::ZipArchive;

use crate::core::backend::logs::{LogTail, first_error, last, message, sounds_bad};

/// How many files are shown, and how many lines of each.
const MAX_FILES: usize = 10;
const LINES: usize = 25;
/// How much of a file is read, in bytes: an archive says of itself how large it becomes.
const MAX_SIZE: u64 = 4 * 1024 * 1024;

/// What stands above a pod's events, and above its logs.
const EVENTS: &str = "=====EVENTS=====";
const LOGS: &str = "=====LOGS=====";

/// Cuts the ZIP file `archive` to what is worth showing.
///
/// # Errors
/// It is not a readable ZIP file.
pub(crate) fn cut_cluster_log(archive: &[u8]) -> anyhow::Result<LogTail> {
    let unreadable = "the deployment log is not a readable ZIP file";
    let mut archive = ZipArchive::new(Cursor::new(archive)).context(unreadable)?;
    let mut tail = LogTail::default();
    for index in 0..archive.len() {
        let entry = archive.by_index(index).context(unreadable)?;
        let name = entry.name().context(unreadable)?.into_owned();
        let is_file = entry.is_file();
        let mut bytes = Vec::new();
        entry.take(MAX_SIZE).read_to_end(&mut bytes).context(unreadable)?;
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().filter(|line| !is_heading(line)).collect();
        let shown = last(&lines, LINES);
        if !is_file || shown.is_empty() || tail.sections.len() == MAX_FILES {
            continue;
        }
        if tail.error.is_none() {
            tail.error = error_of(&text);
        }
        tail.sections.push((name, shown));
    }
    Ok(tail)
}

fn is_heading(line: &str) -> bool {
    [EVENTS, LOGS].contains(&line.trim())
}

/// The first error that a pod has logged, else the last line that sounds like one.
fn error_of(text: &str) -> Option<String> {
    let (_, logs) = text.split_once(LOGS)?;
    let lines: Vec<&str> = logs.lines().collect();
    let bad = || lines.iter().rev().find(|line| sounds_bad(line));
    first_error(&lines).or_else(|| bad().map(|line| message(line)))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn archive(files: &[(&str, &str)]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in files {
            writer
                .start_file(*name, SimpleFileOptions::default())
                .expect("an entry");
            writer.write_all(text.as_bytes()).expect("its text");
        }
        writer.finish().expect("an archive").into_inner()
    }

    #[test]
    fn pods_that_say_something_are_shown_and_the_first_error_is_found() {
        let log = archive(&[
            ("1-environment/_k8Events.txt", "Warning BackOff failed\n"),
            ("1-environment/quiet.txt", "=====EVENTS=====\n\n=====LOGS=====\n\n"),
            (
                "1-environment/web.txt",
                "=====EVENTS=====\nPulled\n=====LOGS=====\nstarting\nModule not found: app\nbye\n",
            ),
        ]);
        let tail = cut_cluster_log(&log).expect("a ZIP file");
        let names: Vec<&str> = tail.sections.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["1-environment/_k8Events.txt", "1-environment/web.txt"]);
        assert_eq!(
            tail.sections[1].1,
            ["Pulled", "starting", "Module not found: app", "bye"]
        );
        assert_eq!(tail.error.as_deref(), Some("Module not found: app"));
    }

    #[test]
    fn no_archive_is_an_error_and_many_files_are_cut() {
        assert!(cut_cluster_log(b"<html>").is_err());
        let names: Vec<String> = (0..20).map(|number| format!("{number}.txt")).collect();
        let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x\n")).collect();
        let tail = cut_cluster_log(&archive(&files)).expect("a ZIP file");
        assert_eq!((tail.sections.len(), tail.error), (MAX_FILES, None));
    }
}
