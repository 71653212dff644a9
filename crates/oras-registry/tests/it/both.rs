//! Every test of the protocol runs on every driver.

use oras_registry::layout::{Durability, LayoutOptions};
use oras_registry::{Builder, Limits, Registry};
use tempfile::TempDir;

use crate::client::Client;

/// Where a registry under test keeps its content.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Storage {
    Memory,
    Folder,
}

impl Storage {
    /// A client of a new registry.
    pub(crate) fn client(self) -> Client {
        self.limited(Limits::default())
    }

    /// A client of a new registry with these limits.
    pub(crate) fn limited(self, limits: Limits) -> Client {
        let (builder, folder) = self.builder();
        let registry = builder.limits(limits).build().unwrap();
        Client::on(registry, folder)
    }

    /// The settings of a new registry, and the folder that has to live as long as it does.
    pub(crate) fn builder(self) -> (Builder, Option<TempDir>) {
        match self {
            Self::Memory => (Registry::builder().memory(), None),
            Self::Folder => {
                let folder = tempfile::tempdir().unwrap();
                (on(&folder), Some(folder))
            }
        }
    }
}

/// The settings of a registry on a folder. That it survives power cuts is the business of other tests.
pub(crate) fn on(folder: &TempDir) -> Builder {
    let mut options = LayoutOptions::default();
    options.durability = Durability::None;
    Registry::builder().layouts(folder.path(), options)
}

/// Makes two tests of each function that takes a [`Storage`].
macro_rules! on_both {
    ($($test:ident),* $(,)?) => {
        mod memory {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    super::$test(crate::both::Storage::Memory).await;
                }
            )*
        }
        mod folder {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    super::$test(crate::both::Storage::Folder).await;
                }
            )*
        }
    };
}

pub(crate) use on_both;
