//! A rollback past records that are there and cannot be read, or are refused, in words.

use anyhow::anyhow;

use crate::core::error::HintExt as _;
use crate::core::release::live::live;
use crate::core::release::record::{Record, RecordStatus, ReleaseKind};
use crate::core::release::unread::{Unread, UnreadRecord};
use crate::core::text::names;

/// How many releases a hint names.
const NAMED: usize = 3;

/// Which parts the rollback has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RollbackParts {
    pub(crate) site: bool,
    pub(crate) backend: bool,
}

/// The error of a rollback to `target` that the records `unread` stand in the way of, newest first; without a target, of one that does not even know what is live. `later` are the records that are newer than all of these.
pub(crate) fn unreadable_error(
    unread: &[UnreadRecord],
    target: Option<&Record>,
    later: &[Record],
    records: &[Record],
    parts: RollbackParts,
) -> anyhow::Error {
    let which = names(unread.iter().map(|unread| unread.id.as_str()));
    let (records_of, it, they, are) = match unread.len() {
        1 => ("the record of release", "it", "it", "is"),
        _ => ("the records of releases", "them", "they", "are"),
    };
    let refused = unread.iter().filter(|unread| unread.why == Unread::Refused).count();
    let (why, known) = match refused {
        0 => ("cannot be read".to_owned(), "cannot be read"),
        all if all == unread.len() => (format!("{are} refused"), "is not known"),
        _ => ("cannot be read or are refused".to_owned(), "is not known"),
    };
    let text = match target {
        Some(target) => format!(
            "cannot roll back to release `{}`: {records_of} {which} {why}, and what {they} changed since {known} without {it}",
            target.id
        ),
        None => format!("cannot roll back: {records_of} {which} {why}, so nobody knows what is live"),
    };
    anyhow!(text).hint(hint(later, records, parts, it, refused > 0))
}

/// The error of a rollback to `to` that finds no release, as `message` says, among the records that are used: it may be one
/// of `unread`, newest first.
pub(crate) fn not_found_error(
    message: &str,
    to: &str,
    unread: &[UnreadRecord],
    (later, records): (&[Record], &[Record]),
    parts: RollbackParts,
) -> anyhow::Error {
    let is_refused = unread.iter().any(|unread| unread.why == Unread::Refused);
    if let Some(named) = unread.iter().find(|unread| unread.id == to) {
        let why = match named.why {
            Unread::Refused => "is refused",
            _ => "cannot be read",
        };
        let text = anyhow!("cannot roll back to `{to}`: its record {why}");
        return text.hint(hint(later, records, parts, "it", is_refused));
    }
    let which = names(unread.iter().map(|unread| unread.id.as_str()));
    let (records_of, it) = match unread.len() {
        1 => ("the record of release", "it"),
        _ => ("the records of releases", "them"),
    };
    let text = anyhow!("{message}, among those that can be used: {records_of} {which} cannot be");
    text.hint(hint(later, records, parts, it, is_refused))
}

/// What is possible instead.
fn hint(later: &[Record], records: &[Record], parts: RollbackParts, it: &str, is_refused: bool) -> String {
    if !parts.site {
        return "write the label of the version that is to run in `to`".to_owned();
    }
    let live = live(records).map(|live| live.release.id.as_str());
    let is_possible = |record: &&Record| {
        record.status == RecordStatus::Succeeded
            && record.command == ReleaseKind::Deploy
            && Some(record.id.as_str()) != live
    };
    let later: Vec<&str> = later
        .iter()
        .filter(is_possible)
        .take(NAMED)
        .map(|record| record.id.as_str())
        .collect();
    let first = match later.is_empty() {
        false => format!("give in `to` a release that came after {it}, such as {}", names(later)),
        true if is_refused => {
            format!("remove {it} if nothing of yours wrote {it} (a warning of this run says where and why)")
        }
        true => format!("let {it} be read again (a warning of this run says what is wrong)"),
    };
    let backend = if parts.backend {
        "; the environments alone go back by a step without the inputs of the site, with the label of a version in `to`"
    } else {
        ""
    };
    format!("{first}, or deploy the commit that you want{backend}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::error::RenderedError;
    use crate::core::release::fixtures::release;

    const BOTH: RollbackParts = RollbackParts {
        site: true,
        backend: true,
    };

    fn said(unreadable: &[&str], target: Option<&str>, later: usize, parts: RollbackParts) -> (String, String) {
        said_of(Unread::Unusable, unreadable, target, later, parts)
    }

    fn said_of(
        why: Unread,
        unread: &[&str],
        target: Option<&str>,
        later: usize,
        parts: RollbackParts,
    ) -> (String, String) {
        let records: Vec<Record> = ["r9", "r8", "r1"].map(|id| release(id, RecordStatus::Succeeded)).into();
        let as_record = |id: &&str| UnreadRecord {
            id: (*id).to_owned(),
            stored_at: None,
            why,
        };
        let ids: Vec<UnreadRecord> = unread.iter().map(as_record).collect();
        let target = target.and_then(|id| records.iter().find(|record| record.id == id));
        let error = unreadable_error(&ids, target, &records[..later], &records, parts);
        let rendered = RenderedError::from(&error);
        (rendered.message, rendered.hint.unwrap_or_default())
    }

    #[test]
    fn behind_the_newest_records_there_is_no_later_release_to_choose() {
        let (message, hint) = said(&["r11", "r10"], Some("r9"), 0, BOTH);
        assert_eq!(
            message,
            "cannot roll back to release `r9`: the records of releases `r11`, `r10` cannot be read, and what they changed since \
             cannot be read without them"
        );
        assert_eq!(
            hint,
            "let them be read again (a warning of this run says what is wrong), or deploy the commit that you want; the \
             environments alone go back by a step without the inputs of the site, with the label of a version in `to`"
        );
        let (message, _) = said(&["r11"], None, 0, BOTH);
        assert!(message.ends_with("the record of release `r11` cannot be read, so nobody knows what is live"));
    }

    #[test]
    fn records_that_are_refused_are_called_so() {
        let (message, hint) = said_of(Unread::Refused, &["r11"], Some("r9"), 0, BOTH);
        assert_eq!(
            message,
            "cannot roll back to release `r9`: the record of release `r11` is refused, and what it changed since is not known \
             without it"
        );
        assert!(hint.starts_with("remove it if nothing of yours wrote it"), "{hint}");
    }

    #[test]
    fn what_is_not_found_may_be_what_cannot_be_read() {
        let records: Vec<Record> = ["r9", "r1"].map(|id| release(id, RecordStatus::Succeeded)).into();
        let ids = ["r11", "r10"].map(|id| UnreadRecord {
            id: id.to_owned(),
            stored_at: None,
            why: Unread::Unusable,
        });
        let said = |to: &str| {
            let message = format!("cannot roll back to `{to}`: no succeeded release has this id");
            let error = not_found_error(&message, to, &ids, (&[], &records), BOTH);
            let rendered = RenderedError::from(&error);
            assert!(rendered.hint.is_some_and(|hint| hint.contains("be read again")));
            rendered.message
        };
        assert_eq!(said("r10"), "cannot roll back to `r10`: its record cannot be read");
        assert_eq!(
            said("v7"),
            "cannot roll back to `v7`: no succeeded release has this id, among those that can be used: the records of releases `r11`, \
             `r10` cannot be"
        );
    }

    #[test]
    fn a_release_that_came_after_is_named_unless_it_is_what_is_live() {
        let site = RollbackParts { backend: false, ..BOTH };
        let (_, hint) = said(&["r7"], Some("r1"), 2, site);
        assert_eq!(
            hint,
            "give in `to` a release that came after it, such as `r8`, or deploy the commit that you want"
        );
        let (_, hint) = said(&["r7"], Some("r1"), 1, site);
        assert!(hint.starts_with("let it be read again"), "{hint}");
        let (_, hint) = said(&["r7"], Some("r1"), 2, RollbackParts { site: false, ..BOTH });
        assert_eq!(hint, "write the label of the version that is to run in `to`");
    }
}
