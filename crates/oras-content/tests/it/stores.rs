//! Every store passes the same suite. (The layout's run is among its own tests.)

use std::sync::Arc;

use oras_content::Target;
use oras_content::file::{FileOptions, FileStore};
use oras_content::memory::MemoryStore;
use oras_testkit::store_suite;

#[tokio::test]
async fn the_memory_store_conforms() {
    store_suite::all(async || Arc::new(MemoryStore::new()) as Arc<dyn Target>).await;
}

#[tokio::test]
async fn the_file_store_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let make = async || {
        let root = tempfile::tempdir_in(folder.path()).unwrap().keep();
        Arc::new(FileStore::new(root, FileOptions::default()).unwrap()) as Arc<dyn Target>
    };
    store_suite::all(make).await;
}
