//! `/v2/<name>/tags/list` (distribution-spec, end-8).

use http::header::LINK;
use oras_spec::TagList;

use super::reply::With as _;
use super::{Answer, paging, reply};
use crate::call::Call;
use crate::failure::Failure;
use crate::registry::Shared;

/// Most clients don't follow links of an ordinary list.
const LARGEST_PAGE: usize = 10_000;

pub(super) async fn list(shared: &Shared, call: &mut Call, name: &str) -> Answer {
    let size = paging::size(call, LARGEST_PAGE, LARGEST_PAGE)?;
    let last = call.parameter("last");
    let found = shared.driver.tags(name, last, size + 1).await?;
    let mut tags = found.ok_or_else(Failure::name_unknown)?;
    let link = paging::cut(&mut tags, size, &format!("/v2/{name}/tags/list"));
    let list = TagList {
        name: name.to_owned(),
        tags,
    };
    let response = reply::json("application/json", &list)?;
    Ok(match link {
        Some(link) => response.with(LINK, link),
        None => response,
    })
}
