//! What the rules left out of a bundle.

/// How many of the paths left out are named.
const NAMED: usize = 5;

/// The paths left out; a directory counts once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LeftOut {
    /// How many.
    pub(crate) count: u64,
    /// The first of them, directories with a `/` at the end.
    pub(crate) first: Vec<String>,
}

impl LeftOut {
    /// Counts `path`, and keeps it when it is one of the first.
    pub(crate) fn add(&mut self, path: &str, is_directory: bool) {
        self.count += 1;
        if self.first.len() < NAMED {
            let slash = if is_directory { "/" } else { "" };
            self.first.push(format!("{path}{slash}"));
        }
    }

    /// The first paths for a person: `a`, `b/`, ….
    pub(crate) fn named(&self) -> String {
        let named: Vec<String> = self.first.iter().map(|path| format!("`{path}`")).collect();
        let more = if self.first.len() as u64 == self.count {
            ""
        } else {
            ", …"
        };
        format!("{}{more}", named.join(", "))
    }
}
