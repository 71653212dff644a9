//! Copies store equal content once: here every name gets its file again.

use std::sync::Arc;

use oras_spec::Descriptor;

use super::stored::Stored;
use super::{Duplicates, FileStore, title};
use crate::ability::{Push, Pushed};
use crate::error::{Error, ErrorKind, Result};
use crate::sync::lock;

impl FileStore {
    /// Makes the files of those `successors` whose content is here but whose name is not.
    ///
    /// # Errors
    /// `failed to restore duplicated file`, and why.
    pub(super) async fn restore(&self, successors: &[Descriptor]) -> Result<()> {
        if self.0.options.duplicates == Duplicates::Ignore {
            return Ok(());
        }
        for successor in successors {
            let Some(name) = title(successor) else {
                continue;
            };
            if self.0.names.taken(&self.path_for_name(name)) {
                continue;
            }
            self.restore_one(successor)
                .await
                .map_err(|error| error.context("failed to restore duplicated file"))?;
        }
        Ok(())
    }

    async fn restore_one(&self, successor: &Descriptor) -> Result<()> {
        // Not here at all: the manifest came before its children.
        let Some(stored) = self.content(&successor.digest) else {
            return Ok(());
        };
        if let Stored::Unpacked { descriptor } = &stored {
            let text = format!(
                "{}: its content came as folder {}, which was unpacked and not kept",
                title(successor).unwrap_or_default(),
                title(descriptor).unwrap_or_default(),
            );
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
        match self.push(successor, stored.payload()?).await {
            Ok(Pushed::Stored) => self.tell_restored(successor),
            Ok(Pushed::AlreadyThere) => {}
            // Somebody else gave the name other content in the meantime: they will hear of it, or have.
            Err(error) if error.kind() == ErrorKind::DuplicateName => {}
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn tell_restored(&self, descriptor: &Descriptor) {
        let told = lock(&self.0.on_restored).as_ref().map(Arc::clone);
        if let Some(on_restored) = told {
            on_restored(descriptor);
        }
    }
}
