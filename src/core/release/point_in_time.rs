//! A time in `to`, and what was meant as one.

use chrono::{DateTime, NaiveDateTime, Utc};

/// What to write, for whoever wrote a time in another way.
pub(crate) const HOW_TIMES_ARE_WRITTEN: &str = "write a time as `2026-11-20T10:00` (UTC), or with its offset as \
                                                `2026-11-20T10:00+01:00`; `dry-run: true` lists the releases";

/// The time that `to` is: UTC unless an offset stands there.
#[must_use]
pub(crate) fn time(to: &str) -> Option<DateTime<Utc>> {
    let with_offset = DateTime::parse_from_rfc3339(to).or_else(|_| DateTime::parse_from_str(to, "%Y-%m-%dT%H:%M%:z"));
    if let Ok(time) = with_offset {
        return Some(time.to_utc());
    }
    let to = to.trim_end_matches('Z');
    let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
    let parsed = formats
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(to, format).ok());
    parsed.map(|time| time.and_utc())
}

/// Whether `to`, which is no [`time`], was probably meant as one: it begins with a date, is a time of day, or is a word
/// for a day.
#[must_use]
pub(crate) fn is_meant_as_time(to: &str) -> bool {
    const WORDS: [&str; 6] = ["ago", "now", "today", "tomorrow", "tonight", "yesterday"];
    let is_word = |word: &str| WORDS.iter().any(|known| known.eq_ignore_ascii_case(word));
    let has_words = to.split(|one: char| !one.is_ascii_alphanumeric()).any(is_word);
    // A label may begin with a date too: one that goes on with letters is none.
    let rest = to.trim_start_matches(|one: char| one.is_ascii_digit());
    let leading = to.len() - rest.len();
    let is_numeric = to.chars().all(|one| one.is_ascii_digit() || " -/.:+TtZz".contains(one));
    let is_date = (1..=4).contains(&leading) && rest.starts_with(['-', '/', '.']) && is_numeric && digits(to) >= 6;
    let is_clock = (1..=2).contains(&leading) && rest.starts_with(':') && digits(to) >= 3;
    has_words || is_date || is_clock
}

fn digits(text: &str) -> usize {
    text.bytes().filter(u8::is_ascii_digit).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_is_written_in_another_way_is_told_from_a_label() {
        for wrong in [
            "2026-13-40",
            "2026-11-20",
            "2026-11-20 10:00",
            "2026-11-20T25:00",
            "20/11/2026",
            "20.11.2026 10:00",
            "10:00",
            "9:30:00",
            "10:00 am",
            "yesterday",
            "2 hours ago",
        ] {
            assert!(time(wrong).is_none() && is_meant_as_time(wrong), "{wrong}");
        }
        for label in [
            "v1.2.3",
            "1.2.3",
            "site-2026-11-20T10-00-00-000Z",
            "20261121-231756970-1001-1-d9d043",
            "deadbeef",
            "1234567",
            "nowhere",
            "run:1001",
        ] {
            assert!(!is_meant_as_time(label), "{label}");
        }
        for right in [
            "2026-11-20T10:00",
            "2026-11-20T10:00Z",
            "2026-11-20T10:00:30Z",
            "2026-11-20T10:00+01:00",
        ] {
            assert!(time(right).is_some(), "{right}");
        }
    }
}
