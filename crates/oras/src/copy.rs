//! Copying one graph.

use std::sync::Arc;

use oras_content::{Result, Side, Source, Target};
use oras_spec::Descriptor;

use crate::engine::Engine;
use crate::options::CopyOptions;
use crate::resolve::{Root, fetch_root, resolve};
use crate::sync::{At, unless_cancelled};

/// Copies what `reference` stands for, and everything below it, and names it `destination`.
///
/// Children are at the destination before their parents, and the name is given last. With an empty `destination` nothing
/// is named. Returns the descriptor of what was copied, which is that of one manifest of an index if a platform is asked
/// for.
///
/// # Errors
/// Each names the [`Side`] and the operation that failed. After an error or a cancellation nothing partial is visible and
/// no name was given; what was copied completely stays, so that the next run need not copy it again.
///
/// # Cancellation
/// [`CopyOptions::cancel`] ends it in order. Dropping the future ends it, too, but its tasks may take a moment longer.
pub async fn copy(
    source: &Arc<dyn Source>,
    reference: &str,
    target: &Arc<dyn Target>,
    destination: &str,
    options: &CopyOptions,
) -> Result<Descriptor> {
    let platform = options.platform.as_ref();
    let root = async {
        if destination.is_empty() {
            let descriptor = resolve(source, reference, platform).await?;
            return Ok(Root {
                descriptor,
                bytes: None,
            });
        }
        fetch_root(source, reference, platform, options.max_manifest_bytes).await
    };
    let root = unless_cancelled(&options.cancel, root).await?;
    let engine = Engine::new(source, target, options)
        .naming(&root.descriptor, destination)
        .seeded(&root.descriptor, root.bytes);
    run(engine, target, vec![root.descriptor.clone()]).await?;
    Ok(root.descriptor)
}

/// Copies `root`, which is known already, and everything below it, and names it `destination` unless that is empty.
///
/// Like [`copy`] without looking anything up in the source; [`CopyOptions::platform`] has no meaning here.
///
/// # Errors
/// As [`copy`].
pub async fn copy_node(
    source: &Arc<dyn Source>,
    root: &Descriptor,
    target: &Arc<dyn Target>,
    destination: &str,
    options: &CopyOptions,
) -> Result<()> {
    let engine = Engine::new(source, target, options).naming(root, destination);
    run(engine, target, vec![root.clone()]).await
}

/// Copies `root` and everything below it, without any name.
///
/// # Errors
/// As [`copy`].
pub async fn copy_graph(
    source: &Arc<dyn Source>,
    target: &Arc<dyn Target>,
    root: &Descriptor,
    options: &CopyOptions,
) -> Result<()> {
    copy_node(source, root, target, "", options).await
}

/// Runs an engine and has the destination write out what it put off.
pub(crate) async fn run(
    engine: Engine,
    target: &Arc<dyn Target>,
    roots: Vec<Descriptor>,
) -> Result<()> {
    let copied = engine.run(roots).await;
    flushed(target, copied).await
}

/// Flushes whatever the outcome: what was copied completely is worth keeping. The first error counts.
pub(crate) async fn flushed<T>(target: &Arc<dyn Target>, outcome: Result<T>) -> Result<T> {
    let flushed = target.flush().await.at(Side::Destination, "push");
    let value = outcome?;
    flushed.map(|()| value)
}
