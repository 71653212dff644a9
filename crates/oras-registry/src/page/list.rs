//! Lists of names: filtered, in pages.

use maud::{Markup, html};
use url::form_urlencoded;

use super::{Visit, text};
use crate::failure::Failure;

/// How many entries a page has.
const PAGE: usize = 50;
/// How many names are asked for at once if the first ones are not enough.
const BATCH: usize = 1_000;
/// The longest filter that is looked at, in characters.
const LONGEST_FILTER: usize = 256;

/// Lists there are.
#[derive(Clone, Copy)]
pub(super) enum List<'a> {
    Repositories,
    TagsOf(&'a str),
}

/// One page of a list.
pub(super) struct Names {
    pub(super) names: Vec<String>,
    /// What the filter was.
    pub(super) filter: String,
    /// Whether this is the first page.
    pub(super) first: bool,
    /// What the next page comes after.
    next: Option<String>,
}

impl List<'_> {
    /// The page that the request asks for. `None` if what is to be listed is not there.
    pub(super) async fn read(self, visit: &Visit<'_>) -> Result<Option<Names>, Failure> {
        let filter = words(&visit.filter);
        let words: Vec<String> = filter.split(' ').map(str::to_lowercase).collect();
        let mut after = visit.after.clone();
        let mut page = Names {
            names: Vec::new(),
            filter,
            first: after.is_none(),
            next: None,
        };
        // One entry too many shows that there is another page. What is left out may be much, and nothing of it is kept.
        let mut batch = PAGE + 1;
        loop {
            let Some(names) = self.batch(visit, after.as_deref(), batch).await? else {
                return Ok(None);
            };
            let last = names.len() < batch;
            after = names.last().cloned();
            for name in names {
                let lower = name.to_lowercase();
                if !words.iter().all(|word| lower.contains(word)) || !self.may_show(visit, &name) {
                    continue;
                }
                if page.names.len() == PAGE {
                    page.next = page.names.last().cloned();
                    return Ok(Some(page));
                }
                page.names.push(name);
            }
            if last {
                return Ok(Some(page));
            }
            batch = BATCH;
        }
    }

    async fn batch(
        self,
        visit: &Visit<'_>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Option<Vec<String>>, Failure> {
        let driver = &visit.shared.driver;
        Ok(match self {
            Self::Repositories => Some(driver.repositories(after, limit).await?),
            Self::TagsOf(name) => driver.tags(name, after, limit).await?,
        })
    }

    fn may_show(self, visit: &Visit<'_>, name: &str) -> bool {
        match self {
            Self::Repositories => visit.guest.may_read(name),
            Self::TagsOf(_) => true,
        }
    }
}

/// The words of a filter with single blanks between them.
fn words(filter: &str) -> String {
    let filter: String = filter.chars().take(LONGEST_FILTER).collect();
    // Forms write blanks as plus signs, which the names of this world don't have.
    let words = filter.split([' ', '+']).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

impl Names {
    /// Where to type a filter, unless there is nothing to look for.
    pub(super) fn form(&self, path: &str, label: &str) -> Markup {
        let long = !self.first || self.next.is_some() || self.names.len() > 9;
        if self.filter.is_empty() && !long {
            return html! {};
        }
        html! {
            form.filter action=(path) method="get" role="search" {
                input type="search" name="filter" value=(text::plain(&self.filter, LONGEST_FILTER))
                    placeholder=(label) aria-label=(label) maxlength=(LONGEST_FILTER)
                    autocomplete="off" autocapitalize="none" spellcheck="false";
                button { "Filter" }
            }
        }
    }

    /// Links to the other pages.
    pub(super) fn pages(&self, path: &str) -> Markup {
        if self.first && self.next.is_none() {
            return html! {};
        }
        html! {
            nav.pages aria-label="Pages" {
                @if !self.first { a href=(self.address(path, None)) { "← First page" } }
                @if self.next.is_some() {
                    a.next rel="next" href=(self.address(path, self.next.as_deref())) { "Next page →" }
                }
            }
        }
    }

    fn address(&self, path: &str, after: Option<&str>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if !self.filter.is_empty() {
            query.append_pair("filter", &self.filter);
        }
        if let Some(after) = after {
            query.append_pair("after", after);
        }
        match query.finish() {
            query if query.is_empty() => path.to_owned(),
            query => format!("{path}?{query}"),
        }
    }
}
