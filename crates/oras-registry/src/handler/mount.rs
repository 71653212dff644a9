//! Mounting a blob of another repository (distribution-spec, end-11).

use oras_spec::Digest;

use crate::auth::{Action, Caller};
use crate::driver::Result;
use crate::registry::Shared;

/// Makes `digest` a blob of `name` if it is one already, or `from` has it, or without `from` any repository has it.
///
/// False is no failure: the client then uploads it.
pub(super) async fn mount(
    shared: &Shared,
    caller: &Caller,
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
    // Whoever may not read a repository must not get at its content this way, nor learn what it holds. Who they are
    // counts, not what their token is for: no token can name a source that its client does not know, and clients that know
    // it seldom ask for another token in the middle of a push.
    let readable = |source: &String| caller.has_right(Action::Pull, source);
    for source in sources.into_iter().filter(readable) {
        if driver.link_blob(digest, &source, name).await? {
            return Ok(true);
        }
    }
    Ok(false)
}
