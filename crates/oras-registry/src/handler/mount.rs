//! Mounting a blob of another repository (distribution-spec, end-11).

use oras_spec::Digest;

use crate::driver::Result;
use crate::registry::Shared;

/// Makes `digest` a blob of `name` if it is one already, or `from` has it, or without `from` any repository has it.
///
/// False is no failure: the client then uploads it.
pub(super) async fn mount(
    shared: &Shared,
    name: &str,
    digest: &Digest,
    from: Option<&str>,
) -> Result<bool> {
    let driver = &shared.driver;
    if driver.blob_size(name, digest).await?.is_some() {
        return Ok(true);
    }
    let sources = match from {
        Some(from) if oras_spec::validate_repository(from).is_err() => Vec::new(),
        Some(from) => vec![from.to_owned()],
        None => driver.holders(digest).await?,
    };
    for source in sources {
        if driver.link_blob(digest, &source, name).await? {
            return Ok(true);
        }
    }
    Ok(false)
}
