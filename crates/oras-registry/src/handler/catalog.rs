//! `/v2/_catalog`: the repositories (Docker Registry HTTP API V2).

use http::header::LINK;
use oras_spec::Catalog;

use super::reply::With as _;
use super::{Answer, paging, reply};
use crate::auth::Caller;
use crate::call::Call;
use crate::driver::Result;
use crate::registry::Shared;

const USUAL_PAGE: usize = 1_000;
const LARGEST_PAGE: usize = 10_000;
/// How many names are looked at once, at least: most may be of repositories that are not shown.
const BATCH: usize = 100;

pub(super) async fn list(shared: &Shared, call: &mut Call) -> Answer {
    let size = paging::size(call, USUAL_PAGE, LARGEST_PAGE)?;
    let last = call.parameter("last").map(str::to_owned);
    let mut repositories = shown(shared, &call.caller, last, size + 1).await?;
    let link = paging::cut(&mut repositories, size, "/v2/_catalog");
    let response = reply::json("application/json", &Catalog { repositories })?;
    Ok(match link {
        Some(link) => response.with(LINK, link),
        None => response,
    })
}

/// At most `limit` names greater than `after` of repositories that the caller may read.
async fn shown(
    shared: &Shared,
    caller: &Caller,
    mut after: Option<String>,
    limit: usize,
) -> Result<Vec<String>> {
    let mut shown = Vec::new();
    loop {
        let batch = limit.saturating_sub(shown.len()).max(BATCH);
        let names = shared.driver.repositories(after.as_deref(), batch).await?;
        let is_last = names.len() < batch;
        after = names.last().cloned();
        shown.extend(names.into_iter().filter(|name| caller.may_list(name)));
        if is_last || shown.len() >= limit {
            shown.truncate(limit);
            return Ok(shown);
        }
    }
}
