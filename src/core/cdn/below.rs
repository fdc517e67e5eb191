//! The invalidation paths of everything below a prefix, where nobody knows its keys.

use std::collections::BTreeSet;

use crate::core::cdn::EVERYTHING;
use crate::core::cdn::behaviors::View;
use crate::core::cdn::encode::encode;

/// The invalidation paths of everything in `view` that shows any key below `prefix` (empty, or ending in `/`).
#[must_use]
pub(crate) fn paths_below(view: &View, prefix: &str) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    let everything = || BTreeSet::from([EVERYTHING.to_owned()]);
    for behavior in &view.behaviors {
        for ours in &behavior.key_prefixes {
            let Some(directory) = prefix.strip_prefix(ours.as_str()) else {
                if ours.starts_with(prefix) {
                    return everything();
                }
                continue;
            };
            let url = format!("/{directory}");
            let is_below = |page: &str| format!("/{}", page.trim_start_matches('/')).starts_with(&url);
            if behavior.rewrites || view.error_pages.iter().any(|page| is_below(page)) {
                return everything();
            }
            if !view.default_root_object.is_empty() && is_below(&view.default_root_object) {
                paths.insert("/".to_owned());
                paths.extend(behavior.query_strings.then(|| "/?*".to_owned()));
            }
            paths.insert(format!("{}*", encode(&url)));
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::cdn::behaviors::Behavior;

    fn served(prefixes: &[&str]) -> View {
        View {
            behaviors: vec![Behavior {
                pattern: "*".into(),
                key_prefixes: prefixes.iter().map(|&prefix| prefix.into()).collect(),
                ..Behavior::default()
            }],
            ..View::default()
        }
    }

    #[test]
    fn all_below_a_prefix_is_a_wildcard_where_it_is_served() {
        let below = |view: &View| paths_below(view, "docs/").into_iter().collect::<Vec<_>>();
        assert_eq!(below(&served(&[""])), ["/docs/*"]);
        assert_eq!(below(&served(&["docs/"])), ["/*"]);
        assert_eq!(below(&served(&["docs/v1/"])), ["/*"]);
        assert_eq!(below(&served(&["other/"])), [""; 0]);
        let with_root = View {
            default_root_object: "docs/index.html".into(),
            ..served(&[""])
        };
        assert_eq!(below(&with_root), ["/", "/docs/*"]);
        let with_error_page = View {
            error_pages: vec!["/docs/404.html".into()],
            ..served(&[""])
        };
        assert_eq!(below(&with_error_page), ["/*"]);
        let spaced = paths_below(&served(&[""]), "\u{e4} b/").into_iter().collect::<Vec<_>>();
        assert_eq!(spaced, ["/%C3%A4%20b/*"]);
    }
}
