//! Which file of the house uses which: every path in the code, followed to the file that defines what it names.

use std::collections::{BTreeMap, BTreeSet};

use super::source::Source;

/// A path as the code writes it: `["crate", "core", "site", "Plan"]`.
pub(crate) type Names = Vec<String>;

/// One `use`, for one name.
struct Use {
    names: Names,
    alias: String,
    public: bool,
}

/// A use of one file by another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Edge {
    pub(crate) from: String,
    pub(crate) to: String,
    /// It only gives another place to a name.
    pub(crate) reexport: bool,
}

/// All files by their modules.
pub(crate) struct House<'a> {
    files: BTreeMap<Names, &'a Source>,
    uses: BTreeMap<&'a str, Vec<Use>>,
}

impl<'a> House<'a> {
    pub(crate) fn new(sources: &'a [Source]) -> Self {
        let inside = || sources.iter().filter(|source| source.path != "main.rs");
        Self {
            files: inside().map(|source| (source.module(), source)).collect(),
            uses: sources
                .iter()
                .map(|source| (source.path.as_str(), uses(source)))
                .collect(),
        }
    }

    /// Every use of one file by another, each once.
    pub(crate) fn edges(&self, sources: &[Source]) -> BTreeSet<Edge> {
        let mut edges = BTreeSet::new();
        for source in sources {
            for (names, reexport) in self.all(source) {
                if let Some(to) = self.resolve(source, &names, 0).filter(|to| *to != source.path) {
                    edges.insert(Edge {
                        from: source.path.clone(),
                        to,
                        reexport,
                    });
                }
            }
        }
        edges
    }

    /// The files out of which the public `use`s of `path` take something.
    pub(crate) fn exported_from(&self, path: &str) -> BTreeSet<String> {
        let Some(source) = self.files.values().find(|source| source.path == path) else {
            return BTreeSet::new();
        };
        let public = self.uses[path].iter().filter(|one| one.public);
        public.filter_map(|one| self.resolve(source, &one.names, 0)).collect()
    }

    fn all(&self, source: &Source) -> Vec<(Names, bool)> {
        let uses = self.uses[source.path.as_str()].iter();
        let mut all: Vec<_> = uses.map(|one| (one.names.clone(), one.public)).collect();
        all.extend(inline(source).into_iter().map(|names| (names, false)));
        all
    }

    /// The file that defines what `names` in `source` leads to, and the name there; none for other crates, and for a
    /// module as such: it is what is taken out of it that counts.
    fn resolve(&self, source: &Source, names: &[String], depth: usize) -> Option<String> {
        let own = source.module();
        let (mut module, mut rest) = match names.first()?.as_str() {
            "crate" | "aws_web_deploy" => (Names::new(), &names[1..]),
            "self" => (own, &names[1..]),
            "super" => (own[..own.len().checked_sub(1)?].to_vec(), &names[1..]),
            first => {
                let child = [own.as_slice(), &[first.to_owned()]].concat();
                if self.files.contains_key(&child) {
                    (child, &names[1..])
                } else {
                    // A name that was imported: what stands behind it.
                    let one = self
                        .imported(source, first)
                        .filter(|one| one.names.as_slice() != names)?;
                    let behind = [one.names.as_slice(), &names[1..]].concat();
                    return if depth < 8 {
                        self.resolve(source, &behind, depth + 1)
                    } else {
                        None
                    };
                }
            }
        };
        while rest.first().is_some_and(|name| name == "super") {
            module.pop()?;
            rest = &rest[1..];
        }
        while let Some(name) = rest.first() {
            let child = [module.as_slice(), std::slice::from_ref(name)].concat();
            if !self.files.contains_key(&child) {
                break;
            }
            (module, rest) = (child, &rest[1..]);
        }
        let file = self.files.get(&module)?;
        let name = rest.first().filter(|name| *name != "self")?;
        match self.imported(file, name).filter(|_| depth < 8) {
            Some(one) => {
                let behind = [one.names.as_slice(), &rest[1..]].concat();
                self.resolve(file, &behind, depth + 1)
            }
            None => Some(file.path.clone()),
        }
    }

    fn imported(&self, source: &Source, name: &str) -> Option<&Use> {
        self.uses[source.path.as_str()].iter().find(|one| one.alias == name)
    }
}

/// Every path that `source` writes, in `use`s and elsewhere, other crates' too.
pub(crate) fn paths(source: &Source) -> Vec<Names> {
    let mut all: Vec<Names> = uses(source).into_iter().map(|one| one.names).collect();
    all.extend(inline(source));
    all
}

fn uses(source: &Source) -> Vec<Use> {
    let tokens = &source.tokens;
    let mut found = Vec::new();
    for start in (0..tokens.len()).filter(|&index| tokens[index] == "use") {
        let public = tokens[..start]
            .last()
            .is_some_and(|token| token == "pub" || token == ")");
        let mut position = start + 1;
        tree(tokens, &mut position, &Names::new(), public, &mut found);
    }
    found
}

/// Reads `a::b::{c, d as e}` from `position` on, below `prefix`.
fn tree(tokens: &[String], position: &mut usize, prefix: &Names, public: bool, found: &mut Vec<Use>) {
    let mut names = prefix.clone();
    while let Some(token) = tokens.get(*position) {
        *position += 1;
        match token.as_str() {
            "::" => {}
            "{" => {
                while tokens.get(*position).is_some_and(|token| token != "}") {
                    tree(tokens, position, &names, public, found);
                    if tokens.get(*position).is_some_and(|token| token == ",") {
                        *position += 1;
                    }
                }
                *position += 1;
                return;
            }
            "as" => {
                let alias = tokens.get(*position).cloned().unwrap_or_default();
                *position += 1;
                found.push(Use { names, alias, public });
                return;
            }
            "," | "}" | ";" => {
                *position -= 1;
                break;
            }
            name => names.push(name.to_owned()),
        }
    }
    let own = names.last().is_some_and(|name| name == "self");
    let alias = names.iter().rev().nth(usize::from(own)).cloned().unwrap_or_default();
    if own && names.len() > 1 {
        names.pop();
    }
    found.push(Use { names, alias, public });
}

/// Paths of two names or more outside `use`s.
fn inline(source: &Source) -> Vec<Names> {
    let tokens = &source.tokens;
    let is_name = |index: usize| {
        tokens
            .get(index)
            .is_some_and(|token| token.starts_with(|sign: char| sign.is_alphabetic() || sign == '_'))
    };
    let mut found = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        if tokens[index] == "use" {
            index = (index..tokens.len())
                .find(|&end| tokens[end] == ";")
                .unwrap_or(tokens.len());
        } else if is_name(index) && (index == 0 || tokens[index - 1] != "::" && tokens[index - 1] != ".") {
            let mut names = vec![tokens[index].clone()];
            while tokens.get(index + 1).is_some_and(|token| token == "::") && is_name(index + 2) {
                names.push(tokens[index + 2].clone());
                index += 2;
            }
            if names.len() > 1 {
                found.push(names);
            }
            index += 1;
        } else {
            index += 1;
        }
    }
    found
}
