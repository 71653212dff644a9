//! `/v2/_catalog`: the repositories (Docker Registry HTTP API V2).

use http::header::LINK;
use oras_spec::Catalog;

use super::reply::With as _;
use super::{Answer, page, reply};
use crate::call::Call;
use crate::registry::Shared;

const USUAL_PAGE: usize = 1_000;
const LARGEST_PAGE: usize = 10_000;

pub(super) async fn list(shared: &Shared, call: &mut Call) -> Answer {
    let size = page::size(call, USUAL_PAGE, LARGEST_PAGE)?;
    let last = call.parameter("last");
    let mut repositories = shared.driver.repositories(last, size + 1).await?;
    let link = page::cut(&mut repositories, size, "/v2/_catalog");
    let response = reply::json("application/json", &Catalog { repositories })?;
    Ok(match link {
        Some(link) => response.with(LINK, link),
        None => response,
    })
}
