//! Listings that come in pages: one that does not go on is an error, instead of a loop.

use std::collections::HashSet;

/// How many pages are read at most: far more than any listing has.
const MAX_PAGES: usize = 10_000;

/// What the pages of one listing began with.
#[derive(Debug, Default)]
pub(crate) struct Pages(HashSet<String>);

impl Pages {
    /// The token of the next page; `None` at the end.
    ///
    /// # Errors
    /// That page was read already, or there were too many; `what` is listed.
    pub(crate) fn next(&mut self, token: Option<String>, what: &str) -> anyhow::Result<Option<String>> {
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            return Ok(None);
        };
        anyhow::ensure!(
            self.0.insert(token.clone()),
            "cannot list {what}: the listing does not advance, its next page is one that was read already"
        );
        anyhow::ensure!(
            self.0.len() <= MAX_PAGES,
            "cannot list {what}: it has more than {MAX_PAGES} pages"
        );
        Ok(Some(token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_comes_again_ends_the_listing() {
        let mut pages = Pages::default();
        let mut next = |token: &str| pages.next(Some(token.to_owned()), "x");
        assert_eq!(next("a").expect("new").as_deref(), Some("a"));
        assert_eq!(next("b").expect("new").as_deref(), Some("b"));
        assert!(next("a").is_err_and(|error| error.to_string().contains("does not advance")));
        assert_eq!(next("").expect("the end"), None);
        assert_eq!(pages.next(None, "x").expect("the end"), None);
    }

    #[test]
    fn pages_without_an_end_have_one() {
        let mut pages = Pages::default();
        let read = (0..).take_while(|page: &usize| pages.next(Some(page.to_string()), "x").is_ok());
        assert_eq!(read.count(), MAX_PAGES);
    }
}
