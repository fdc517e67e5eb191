//! Lists and numbers in words.

use std::time::Duration;

/// How many names a sentence has.
const MAX_NAMES: usize = 10;

/// Of many lines, a log shows so many at the beginning, and so many at the end.
pub(crate) const LINES_AT_EACH_END: usize = 100;

/// What a log says of the lines of a list that it leaves out.
pub(crate) const IN_REPORT: &str = "the report has them all, as the log has with `RUNNER_DEBUG: 1`";

/// How many of `total` lines a log leaves out between the first and the last ones.
#[must_use]
pub(crate) const fn left_out_lines(total: usize) -> usize {
    total.saturating_sub(2 * LINES_AT_EACH_END)
}

/// Whether a log shows the line at `position` of `total`.
#[must_use]
pub(crate) const fn shows_line(position: usize, total: usize) -> bool {
    position < LINES_AT_EACH_END || position >= LINES_AT_EACH_END + left_out_lines(total)
}

/// `1 path`, `2 paths`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// `2 uploaded, 1 deleted`: what there is none of is left out; `nothing` when there is none of anything.
pub(crate) fn counts(counts: &[(u64, &str)]) -> String {
    let counts = counts.iter().filter(|(number, _)| *number > 0);
    let counts: Vec<String> = counts.map(|(number, what)| format!("{number} {what}")).collect();
    match counts.as_slice() {
        [] => "nothing".to_owned(),
        counts => counts.join(", "),
    }
}

/// `a`, `b`, `c`: each in backticks.
pub(crate) fn names<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// The first ten of `names` in backticks, and how many more there are.
pub(crate) fn some_names<'n>(all: impl ExactSizeIterator<Item = &'n str>) -> String {
    let more = all.len().saturating_sub(MAX_NAMES);
    let named = names(all.take(MAX_NAMES));
    if more > 0 {
        format!("{named} and {more} more")
    } else {
        named
    }
}

/// `text` with a capital first letter, as a sentence begins.
pub(crate) fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}

/// `text`, at most `most` characters of it.
#[must_use]
pub(crate) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most).collect();
    short.push('…');
    short
}

/// `1.3 s`, `5 s`: to a tenth of a second.
#[must_use]
pub(crate) fn seconds(duration: Duration) -> String {
    let tenths = (duration.as_secs_f64() * 10.0).round() / 10.0;
    format!("{tenths} s")
}

/// `1 object`, `2 objects`.
#[must_use]
pub(crate) fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_rounded() {
        for (millis, text) in [(4999, "5 s"), (1340, "1.3 s"), (250, "0.3 s"), (20_000, "20 s")] {
            assert_eq!(seconds(Duration::from_millis(millis)), text);
        }
        assert_eq!(seconds(Duration::from_nanos(4_999_993_300)), "5 s");
    }

    #[test]
    fn of_many_lines_the_first_and_the_last_hundred_are_shown() {
        let shown = |total| (0..total).filter(|position| shows_line(*position, total)).count();
        assert_eq!((shown(3), shown(200), shown(201), shown(5000)), (3, 200, 200, 200));
        assert_eq!((left_out_lines(200), left_out_lines(1000)), (0, 800));
        assert!(shows_line(99, 1000) && !shows_line(100, 1000));
        assert!(!shows_line(899, 1000) && shows_line(900, 1000));
    }

    #[test]
    fn numbers_stand_with_their_nouns() {
        assert_eq!(count(1, "path"), "1 path");
        assert_eq!(count(0, "path"), "0 paths");
        assert_eq!(
            counts(&[(2, "uploaded"), (0, "deleted"), (1, "unchanged")]),
            "2 uploaded, 1 unchanged"
        );
        assert_eq!(counts(&[(0, "uploaded")]), "nothing");
    }
}
