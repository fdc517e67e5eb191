//! Reads single inputs as types, and collects what is wrong with them.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::core::inputs::files::Files;
use crate::core::inputs::raw::{InputValue, RawInputs};
use crate::core::inputs::shown::shown;
use crate::core::inputs::table::Part;

/// The longest time that an input of seconds may name: a day.
pub(crate) const MAX_SECONDS: u64 = 24 * 3600;

/// Reads inputs one by one; every error is kept, and reading goes on.
pub(crate) struct Reader<'a> {
    raw: &'a RawInputs,
    pub(crate) files: &'a dyn Files,
    pub(crate) errors: Vec<String>,
    pub(crate) notices: Vec<String>,
    pub(crate) warnings: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(raw: &'a RawInputs, files: &'a dyn Files) -> Self {
        Self {
            raw,
            files,
            errors: raw.errors.clone(),
            notices: raw.notices.clone(),
            warnings: raw.warnings.clone(),
        }
    }

    /// The input as it was given.
    pub(crate) fn given(&self, name: &str) -> Option<&'a InputValue> {
        self.raw.get(name)
    }

    /// The input's text.
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        self.raw.value(name)
    }

    /// The input's text, owned.
    pub(crate) fn owned(&self, name: &str) -> Option<String> {
        self.text(name).map(ToOwned::to_owned)
    }

    /// Whether any of the inputs that switch `part` on is set.
    pub(crate) fn is_on(&self, part: Part) -> bool {
        part.enabled_by().is_empty() || part.enabled_by().iter().any(|switch| self.given(switch).is_some())
    }

    /// Whether old variables leave open which part is meant, which is an error already.
    pub(crate) fn is_unclear(&self) -> bool {
        self.raw.is_unclear
    }

    /// Adds an error about the input `name`: its value is not one of `valid`.
    pub(crate) fn reject(&mut self, name: &str, valid: &str) {
        let Some(given) = self.given(name) else {
            self.errors.push(format!("`{name}` is empty; it must be {valid}"));
            return;
        };
        let value = shown(name, &given.value);
        self.errors
            .push(format!("`{}` is `{value}`; it must be {valid}", given.name));
    }

    /// `true` or `false` in any case.
    pub(crate) fn boolean(&mut self, name: &str, default: bool) -> bool {
        match self.text(name).map(str::to_ascii_lowercase).as_deref() {
            None => default,
            Some("true") => true,
            Some("false") => false,
            Some(_) => {
                self.reject(name, "`true` or `false`");
                default
            }
        }
    }

    /// One of several words.
    pub(crate) fn choice<T: Copy>(&mut self, name: &str, valid: &[(&str, T)], default: T) -> T {
        let Some(text) = self.text(name) else {
            return default;
        };
        match valid.iter().find(|(word, _)| *word == text) {
            Some((_, value)) => *value,
            None => {
                let words = quoted(&valid.iter().map(|(word, _)| *word).collect::<Vec<_>>());
                self.reject(name, &words);
                default
            }
        }
    }

    /// A whole number in `range`.
    pub(crate) fn number(&mut self, name: &str, range: RangeInclusive<u64>) -> Option<u64> {
        let text = self.text(name)?;
        match text.parse().ok().filter(|number| range.contains(number)) {
            Some(number) => Some(number),
            None => {
                self.reject(
                    name,
                    &format!("a whole number from {} to {}", range.start(), range.end()),
                );
                None
            }
        }
    }

    /// A whole number of seconds in `range`.
    pub(crate) fn seconds(&mut self, name: &str, default: u64, range: RangeInclusive<u64>) -> Duration {
        Duration::from_secs(self.number(name, range).unwrap_or(default))
    }

    /// The words of a list, without repetitions.
    pub(crate) fn words(&self, name: &str) -> Vec<String> {
        unique(self.text(name).unwrap_or_default().split_whitespace())
    }

    /// The words of a list of names, none of which can hold a comma.
    pub(crate) fn names(&mut self, name: &str) -> Vec<String> {
        let words = self.words(name);
        if words.iter().any(|word| word.contains(',')) {
            self.reject(name, "names separated by white space or newlines: remove the commas");
        }
        words
    }

    /// The lines of a list, without empty ones.
    pub(crate) fn lines(&self, name: &str) -> Vec<&'a str> {
        self.text(name)
            .unwrap_or_default()
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect()
    }
}

/// `words` in backticks, joined for a sentence.
pub(crate) fn quoted(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [word] => format!("`{word}`"),
        [rest @ .., last] => {
            let rest: Vec<String> = rest.iter().map(|word| format!("`{word}`")).collect();
            format!("{} or `{last}`", rest.join(", "))
        }
    }
}

/// `words` without repetitions, in order.
pub(crate) fn unique<'w>(words: impl Iterator<Item = &'w str>) -> Vec<String> {
    let mut unique: Vec<String> = Vec::new();
    for word in words {
        if !unique.iter().any(|known| known == word) {
            unique.push(word.to_owned());
        }
    }
    unique
}
