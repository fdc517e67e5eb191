//! The times in logs of instances.

use chrono::{DateTime, Datelike as _, NaiveDateTime, Utc};

/// The forms of a time at the start of a line, and their lengths: the engine's, that of the programs of CloudFormation
/// and of Windows Server (two), and Tomcat's.
const FORMS: [(&str, usize); 4] = [
    ("%Y/%m/%d %H:%M:%S", 19),
    ("%Y-%m-%d %H:%M:%S", 19),
    ("%Y-%m-%dT%H:%M:%S", 19),
    ("%d-%b-%Y %H:%M:%S", 20),
];
/// That of syslog, which has no year.
const SYSLOG: (&str, usize) = ("%Y %b %e %H:%M:%S", 15);

/// The time at the start of `line`, taken for UTC; one without a year is of that year which brings it closest to `near`.
pub(crate) fn time(line: &str, near: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let with_year = FORMS.iter().find_map(|(form, length)| {
        let text = line.get(..*length)?;
        Some(NaiveDateTime::parse_from_str(text, form).ok()?.and_utc())
    });
    with_year.or_else(|| {
        let text = line.get(..SYSLOG.1)?;
        let in_year = |year: i32| {
            let time = NaiveDateTime::parse_from_str(&format!("{year} {text}"), SYSLOG.0).ok()?;
            Some(time.and_utc())
        };
        let year = near.year();
        let possible = [year - 1, year, year + 1].into_iter().filter_map(in_year);
        possible.min_by_key(|time| (*time - near).abs())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_all_platforms_are_known() {
        let near = "2026-01-02T00:00:00Z".parse().expect("a time");
        for (line, expected) in [
            ("2023/12/14 22:06:05.484451 [INFO] x", "2023-12-14T22:06:05Z"),
            ("2022-04-27 15:10:22,911 [ERROR] x", "2022-04-27T15:10:22Z"),
            ("2022-04-27T15:10:22.911Z x", "2022-04-27T15:10:22Z"),
            ("21-Nov-2026 23:00:01.123 SEVERE [main] x", "2026-11-21T23:00:01Z"),
            ("Sep  7 07:55:57 ip-172-31-44-139 web: x", "2025-09-07T07:55:57Z"),
            ("Dec 31 23:59:59 ip-172-31-44-139 web: x", "2025-12-31T23:59:59Z"),
            ("Jan  2 00:00:01 ip-172-31-44-139 web: x", "2026-01-02T00:00:01Z"),
            ("ERROR: No matching distribution", ""),
            ("", ""),
            ("\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}", ""),
        ] {
            let found = time(line, near).map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
            assert_eq!(found.unwrap_or_default(), expected, "{line}");
        }
    }
}
