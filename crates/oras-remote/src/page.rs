//! Listings in pages.

use std::collections::HashSet;

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use http::header::LINK;
use http::{HeaderMap, Method};
use oras_content::{Error, MAX_MANIFEST_BYTES, Result};
use oras_http::Response;
use oras_spec::{Catalog, TagList};
use serde::de::DeserializeOwned;
use url::Url;

use crate::auth::Scopes;
use crate::client::Inner;
use crate::endpoint::Endpoint;
use crate::failure;
use crate::send::Call;
use crate::url::{next_page, page_after};

/// The most bytes of one page.
pub(crate) const PAGE_LIMIT: usize = MAX_MANIFEST_BYTES as usize;
/// The most pages of one listing. At the usual hundred names per page that is a million names; a server that goes on
/// longer would go on forever.
const MOST_PAGES: usize = 10_000;

/// What to list.
pub(crate) struct Listing<'a> {
    pub(crate) client: &'a Inner,
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) scopes: Scopes,
    pub(crate) page_size: Option<u32>,
    pub(crate) first: Url,
    pub(crate) operation: &'static str,
}

/// A page of names.
pub(crate) trait Names: DeserializeOwned + Send {
    fn into_names(self) -> Vec<String>;
}

impl Names for TagList {
    fn into_names(self) -> Vec<String> {
        self.tags
    }
}

impl Names for Catalog {
    fn into_names(self) -> Vec<String> {
        self.repositories
    }
}

/// The pages of a listing of names. Nothing is sent before the stream is polled.
pub(crate) fn names<P: Names>(listing: Listing<'_>) -> BoxStream<'_, Result<Vec<String>>> {
    let trail = Trail::new(listing.first.clone());
    let start = (listing, trail, Ok(()));
    stream::try_unfold(start, |(listing, mut trail, followed)| async move {
        let operation = listing.operation;
        followed.map_err(|error: Error| error.with_operation(operation))?;
        let Some(url) = trail.next.take() else {
            return Ok(None);
        };
        match listing.page::<P>(&url, &mut trail).await {
            Ok((names, followed)) => Ok(Some((names, (listing, trail, followed)))),
            Err(error) => Err(error.with_operation(operation)),
        }
    })
    .boxed()
}

impl Listing<'_> {
    /// The names of one page, which are good even if there is no way to the next.
    async fn page<P: Names>(
        &self,
        url: &Url,
        trail: &mut Trail,
    ) -> Result<(Vec<String>, Result<()>)> {
        let call = Call::new(Method::GET, url.clone()).scopes(self.scopes.clone());
        let response = self.client.send(self.endpoint, call).await?;
        let followed = trail.follow(&response, self.page_size);
        let names = read::<P>(response).await?.into_names();
        if followed.is_ok() {
            self.without_link(url, &names, trail);
        }
        Ok((names, followed))
    }

    /// Old registries fill the page and don't say that there are more: ask for what comes after it.
    fn without_link(&self, url: &Url, names: &[String], trail: &mut Trail) {
        let (Some(page_size), Some(last)) = (self.page_size, names.last()) else {
            return;
        };
        if trail.next.is_none() && names.len() == page_size as usize {
            let next = page_after(url, last, page_size);
            if trail.visited.insert(next.to_string()) && trail.visited.len() <= MOST_PAGES {
                trail.next = Some(next);
            }
        }
    }
}

/// Where a listing goes on, and where it has been.
pub(crate) struct Trail {
    pub(crate) next: Option<Url>,
    visited: HashSet<String>,
}

impl Trail {
    pub(crate) fn new(first: Url) -> Self {
        Self {
            visited: HashSet::from([first.to_string()]),
            next: Some(first),
        }
    }

    /// Finds the next page in the headers of a response.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`](oras_content::ErrorKind::Protocol) for a page on another origin, for one that was
    /// visited already, and for pages without end.
    pub(crate) fn follow(&mut self, response: &Response, page_size: Option<u32>) -> Result<()> {
        let Some(link) = next_link(&response.headers) else {
            return Ok(());
        };
        let next = next_page(&response.url, &link, page_size)?;
        if !self.visited.insert(next.to_string()) {
            let problem = "the registry's list of pages leads in a circle";
            return Err(failure::protocol(&Method::GET, &response.url, problem));
        }
        if self.visited.len() > MOST_PAGES {
            let problem = format!("the registry's list has more than {MOST_PAGES} pages");
            return Err(failure::protocol(&Method::GET, &response.url, &problem));
        }
        self.next = Some(next);
        Ok(())
    }
}

/// Reads the JSON body of a page, of at most [`PAGE_LIMIT`] bytes.
pub(crate) async fn read<T: DeserializeOwned>(response: Response) -> Result<T> {
    let url = response.url.clone();
    let body = response
        .bytes(PAGE_LIMIT)
        .await
        .map_err(|error| failure::transport(&error))?;
    serde_json::from_slice(&body).map_err(|error| {
        let problem = format!("the registry's answer can't be read: {error}");
        failure::protocol(&Method::GET, &url, &problem)
    })
}

/// The target of the first link that is `rel="next"`, or says nothing of its relation.
fn next_link(headers: &HeaderMap) -> Option<String> {
    for value in headers.get_all(LINK) {
        let mut rest = value.to_str().ok()?;
        while let Some((_, after)) = rest.split_once('<') {
            let (target, after) = after.split_once('>')?;
            // Parameters end at the next link. A comma in a quoted parameter is no link, and is not followed by `<`.
            let (params, next) = match after.find('<') {
                Some(at) => after.split_at(at),
                None => (after, ""),
            };
            if is_next(params) {
                return Some(target.to_owned());
            }
            rest = next;
        }
    }
    None
}

fn is_next(params: &str) -> bool {
    let mut relations = params.split(';').filter_map(|param| {
        let (name, value) = param.trim().trim_end_matches(',').split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("rel")
            .then(|| value.trim().trim_matches('"').to_owned())
    });
    match relations.next() {
        None => true,
        Some(relation) => relation
            .split_ascii_whitespace()
            .any(|word| word.eq_ignore_ascii_case("next")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_link_is_found() {
        #[track_caller]
        fn check(value: &str, expected: Option<&str>) {
            let mut headers = HeaderMap::new();
            headers.insert(LINK, value.parse().unwrap());
            assert_eq!(next_link(&headers).as_deref(), expected);
        }
        check(
            r#"</v2/a/tags/list?last=b&n=1>; rel="next""#,
            Some("/v2/a/tags/list?last=b&n=1"),
        );
        check("</x>", Some("/x"));
        check("</x>; rel=next", Some("/x"));
        check(r#"</x>; rel="prev""#, None);
        check(r#"</x>; rel="prev", </y>; rel="next""#, Some("/y"));
        check(r#"</y>; title="a, b"; REL="last next""#, Some("/y"));
        check("nonsense", None);
        check("<half", None);
    }
}
