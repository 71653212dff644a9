//! Pushes bytes under a media type of their own, pulls them into a folder, and prints both digests.
//!
//! `cargo run -p oras --example push_and_pull -- localhost:5000/hello:v1 folder`, or `oci:layout:v1` for a layout.

use std::error::Error;
use std::sync::Arc;

use oras::content::file::{FileOptions, FileStore};
use oras::content::memory::MemoryStore;
use oras::content::{Payload, Target};
use oras::remote::Client;
use oras::spec::{Descriptor, Digest, annotation};

const MEDIA_TYPE: &str = "application/vnd.example.thing";

#[tokio::main]
#[allow(clippy::print_stdout)]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(name), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("usage: push_and_pull <target> <folder>".into());
    };
    let (pushed, pulled) = push_and_pull(&name, &folder).await?;
    println!("pushed {pushed}\npulled {pulled}");
    Ok(())
}

/// The digests of what was pushed to the target `name` and of what was pulled from it into `folder`.
pub(crate) async fn push_and_pull(name: &str, folder: &str) -> oras::Result<(Digest, Digest)> {
    let memory: Arc<dyn Target> = Arc::new(MemoryStore::new());
    let mut thing = Descriptor::of_bytes(MEDIA_TYPE, b"my thing");
    thing
        .annotations
        .insert(annotation::TITLE.into(), "my.thing".into());
    memory.push(&thing, Payload::bytes("my thing")).await?;

    let there = oras::open(name, &Client::builder().build()?).await?;
    let mut push = oras::PushOptions::default();
    push.pack.artifact_type = Some(MEDIA_TYPE.into());
    push.pack.layers = vec![thing];
    let pushed = oras::push(&memory, &there.store, &there.reference, &push).await?;

    let files = FileStore::new(folder, FileOptions::default())?;
    let pull = oras::PullOptions {
        media_types: vec![MEDIA_TYPE.into()],
        ..Default::default()
    };
    let pulled = oras::pull(&(there.store as _), &there.reference, &files, &pull).await?;
    Ok((pushed.descriptor().digest.clone(), pulled.root.digest))
}
