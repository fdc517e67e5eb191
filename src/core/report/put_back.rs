//! What was put back of a site, for the summary.

use crate::core::report::SiteReport;

/// `what` was done to the site, and what of that was put back.
pub(crate) fn rolled_back_text(what: String, site: &SiteReport) -> String {
    let others = match site.changed_by_others.len() {
        0 => String::new(),
        number => format!(", **{number} changed by somebody else meanwhile**"),
    };
    match (site.restored.len(), site.not_restored.len()) {
        (0, 0) if others.is_empty() => what,
        (_, 0) if others.is_empty() => format!("{what} — rolled back: as before"),
        (back, 0) => format!("{what} — {back} rolled back{others}"),
        (back, new) => format!("{what} — {back} rolled back, **{new} not**{others}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_as_before_stands_out() {
        let text = |restored: usize, not_restored: usize, others: usize| {
            let keys = |number| vec!["k".to_owned(); number];
            let site = SiteReport {
                restored: keys(restored),
                not_restored: keys(not_restored),
                changed_by_others: keys(others),
                ..SiteReport::default()
            };
            rolled_back_text("3 uploaded".to_owned(), &site)
        };
        assert_eq!(text(0, 0, 0), "3 uploaded");
        assert_eq!(text(3, 0, 0), "3 uploaded — rolled back: as before");
        assert_eq!(text(2, 1, 0), "3 uploaded — 2 rolled back, **1 not**");
        assert_eq!(
            text(2, 0, 1),
            "3 uploaded — 2 rolled back, **1 changed by somebody else meanwhile**"
        );
    }
}
