//! The `config.json` files of Docker as a place for credentials.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use oras_content::{Error, ErrorKind, Result};

use super::config_file::ConfigFile;
use super::entry::Entry;
use super::helper::Helper;
use super::rewrite::{Change, rewrite};
use super::{Credential, CredentialProvider, CredentialStore};
use crate::lock;

/// A keychain may ask its user for a password, so this is long.
const HELPER_TIMEOUT: Duration = Duration::from_secs(120);

/// Credentials in one or more Docker configuration files, asked in order until one knows something. Only the first is
/// ever written to. Cheap to clone; clones share what they know.
///
/// Credential helpers named in a file (`credHelpers`, `credsStore`) are called when their registry is asked for or
/// written; without one, the credential is in the file itself, encoded but not encrypted.
///
/// Writing keeps everything else that is in the file, whoever wrote it and whenever: changes are merged under a lock,
/// and a reader sees the file as it was before or as it is after.
#[derive(Clone)]
pub struct DockerConfig {
    files: Vec<Arc<File>>,
    helper_timeout: Duration,
}

struct File {
    path: PathBuf,
    content: Mutex<ConfigFile>,
}

impl DockerConfig {
    /// Reads the files at `paths`: the first is the primary one, the rest are fallbacks. A file that is not there, or
    /// empty, knows nobody. Blocks for as long as reading a small file takes.
    ///
    /// # Errors
    /// [`ErrorKind::Credential`] for a file that is no configuration.
    pub fn load(paths: Vec<PathBuf>) -> Result<Self> {
        let files = paths.into_iter().map(File::read).collect::<Result<_>>()?;
        Ok(Self {
            files,
            helper_timeout: HELPER_TIMEOUT,
        })
    }

    /// Sets how long a credential helper may take; two minutes by default, because it may have to ask its user.
    #[must_use]
    pub fn with_helper_timeout(mut self, timeout: Duration) -> Self {
        self.helper_timeout = timeout;
        self
    }

    /// The registries that the files have credentials of, as written there: hosts, and here and there a URL.
    #[must_use]
    pub fn registries(&self) -> Vec<String> {
        let names = |file: &Arc<File>| lock(&file.content).registries();
        self.files.iter().flat_map(names).collect()
    }

    /// The paths, in the order in which they are asked.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|file| file.path.as_path())
    }

    /// The file in which [`put`](CredentialStore::put) keeps a credential for this registry, readable for whoever may
    /// read the file; `None` if a credential helper keeps it.
    #[must_use]
    pub fn plain_text_file(&self, registry_host: &str) -> Option<&Path> {
        let file = self.files.first()?;
        match lock(&file.content).helper(registry_host) {
            Some(_) => None,
            None => Some(&file.path),
        }
    }

    fn primary(&self) -> Result<&Arc<File>> {
        self.files.first().ok_or_else(|| {
            let problem = "there is no config file to keep credentials in";
            Error::new(ErrorKind::Credential, problem)
        })
    }

    fn helper(&self, file: &File, key: &str) -> Option<Helper> {
        let content = lock(&file.content);
        let suffix = content.helper(key)?;
        Some(Helper::new(suffix, self.helper_timeout))
    }
}

#[async_trait]
impl CredentialProvider for DockerConfig {
    async fn credential(&self, registry_host: &str) -> Result<Credential> {
        for file in &self.files {
            let credential = match self.helper(file, registry_host) {
                Some(helper) => helper.get(registry_host).await?,
                None => lock(&file.content).credential(registry_host)?,
            };
            if !credential.is_anonymous() {
                return Ok(credential);
            }
        }
        Ok(Credential::Anonymous)
    }

    fn identity(&self) -> String {
        let paths: Vec<_> = self
            .paths()
            .map(|path| path.display().to_string())
            .collect();
        format!("config {}", paths.join(" "))
    }
}

#[async_trait]
impl CredentialStore for DockerConfig {
    async fn put(&self, registry_host: &str, credential: &Credential) -> Result<()> {
        let file = self.primary()?;
        match self.helper(file, registry_host) {
            Some(helper) => helper.store(registry_host, credential).await,
            None => {
                let entry = Entry::of(credential)?;
                file.change(registry_host, Change::Put(entry)).await
            }
        }
    }

    async fn erase(&self, registry_host: &str) -> Result<()> {
        let file = self.primary()?;
        match self.helper(file, registry_host) {
            Some(helper) => helper.erase(registry_host).await,
            None => file.change(registry_host, Change::Remove).await,
        }
    }
}

impl fmt::Debug for DockerConfig {
    /// Only the paths: what is in the files is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<_> = self.paths().collect();
        f.debug_struct("DockerConfig")
            .field("paths", &paths)
            .finish_non_exhaustive()
    }
}

impl File {
    fn read(path: PathBuf) -> Result<Arc<Self>> {
        let content = Mutex::new(ConfigFile::read(&path)?);
        Ok(Arc::new(Self { path, content }))
    }

    async fn change(self: &Arc<Self>, key: &str, change: Change) -> Result<()> {
        let (file, key) = (Arc::clone(self), key.to_owned());
        let work = move || {
            let content = rewrite(&file.path, &key, &change)?;
            *lock(&file.content) = content;
            Ok(())
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or_else(|error| Err(Error::new(ErrorKind::Other, error.to_string())))
    }
}
