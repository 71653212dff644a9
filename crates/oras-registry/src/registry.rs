//! The registry as a service, and how to build one.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as HttpBody;

use crate::auth::{Auth, Gate};
use crate::body::{self, Body, BoxError};
use crate::driver::Driver;
use crate::handler;
use crate::layout::{self, LayoutDriver, LayoutOptions};
use crate::memory::MemoryDriver;
use crate::page::Page;
use crate::server::{Server, ServerError};
use crate::session::Sessions;

/// A registry: storage behind the distribution API. Cheap to clone; any number of them fit into a process.
#[derive(Clone)]
pub struct Registry {
    pub(crate) shared: Arc<Shared>,
}

/// What the clones of a registry share.
pub(crate) struct Shared {
    pub(crate) driver: Arc<dyn Driver>,
    pub(crate) limits: Limits,
    pub(crate) sessions: Sessions,
    /// `None` if everybody may do everything.
    pub(crate) gate: Option<Gate>,
    /// For people with a browser, unless switched off.
    pub(crate) page: Option<Page>,
}

/// What a registry refuses to take.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Size of a manifest, in bytes: 4 MiB unless told.
    pub manifest_bytes: u64,
    /// Size of a blob, in bytes: no limit unless told.
    pub blob_bytes: u64,
    /// Tags that one request can set: 64 unless told.
    pub tags_per_request: usize,
    /// Upload sessions that are open at once: 10,000 unless told.
    pub uploads: usize,
    /// Upload sessions of one repository that are open at once: 1,000 unless told.
    pub uploads_per_repository: usize,
    /// How long an upload session lives when nobody writes to it: a day unless told.
    pub upload_idle: Duration,
    /// How long a request may be silent before its body has ended: a minute unless told.
    pub body_idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            manifest_bytes: 4 * 1024 * 1024,
            blob_bytes: u64::MAX,
            tags_per_request: 64,
            uploads: 10_000,
            uploads_per_repository: 1_000,
            upload_idle: Duration::from_secs(24 * 60 * 60),
            body_idle: Duration::from_secs(60),
        }
    }
}

/// Settings of a registry to be. Without any it keeps everything in memory.
#[derive(Default)]
#[must_use]
pub struct Builder {
    storage: Storage,
    limits: Limits,
    auth: Auth,
    without_page: bool,
}

/// Where everything is going to be kept.
#[derive(Default)]
enum Storage {
    #[default]
    Memory,
    Folder(PathBuf, LayoutOptions),
    Driver(Arc<dyn Driver>),
}

impl Builder {
    /// Keeps everything in memory.
    pub fn memory(mut self) -> Self {
        self.storage = Storage::Memory;
        self
    }

    /// Keeps each repository as an image layout in the folder `path`, which is created if it is not there.
    pub fn folder(self, path: impl Into<PathBuf>) -> Self {
        self.layouts(path, LayoutOptions::default())
    }

    /// Keeps each repository as an image layout in the folder `path`, in the way of `options`.
    pub fn layouts(mut self, path: impl Into<PathBuf>, options: LayoutOptions) -> Self {
        self.storage = Storage::Folder(path.into(), options);
        self
    }

    /// Keeps everything where `driver` keeps it.
    pub fn store(mut self, driver: impl Driver) -> Self {
        self.storage = Storage::Driver(Arc::new(driver));
        self
    }

    /// Refuses what goes beyond `limits`.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Asks who sends a request, and lets them do what they may. Without it everybody may do everything.
    pub fn auth(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    /// Whether browsers are shown what is in the registry, at `/` and below `/r/`: yes unless told. Pages show nothing
    /// that whoever asks could not pull.
    pub fn page(mut self, shown: bool) -> Self {
        self.without_page = !shown;
        self
    }

    /// The registry, listening nowhere.
    ///
    /// # Errors
    /// [`ServerError::Storage`] if the storage can't be opened, [`ServerError::Auth`] for rules that make no sense.
    pub fn build(self) -> Result<Registry, ServerError> {
        let mut key = None;
        let driver: Arc<dyn Driver> = match self.storage {
            Storage::Memory => Arc::new(MemoryDriver::new()),
            Storage::Folder(path, options) => {
                key = Some(path.join(layout::OWN).join("token.key"));
                Arc::new(LayoutDriver::open(path, options)?)
            }
            Storage::Driver(driver) => driver,
        };
        Ok(Registry {
            shared: Arc::new(Shared {
                driver,
                limits: self.limits,
                sessions: Sessions::default(),
                gate: Gate::new(self.auth, key)?,
                page: (!self.without_page).then(Page::new),
            }),
        })
    }

    /// Builds the registry and serves it on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// [`ServerError`] if there is no such port.
    pub async fn start(self) -> Result<Server, ServerError> {
        self.build()?.bind("127.0.0.1:0").await
    }
}

impl Registry {
    /// A registry with settings.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Serves this registry on `addr`, such as `127.0.0.1:5000`; port 0 is any free one.
    ///
    /// # Errors
    /// [`ServerError`] if nothing can listen there.
    pub async fn bind(&self, addr: &str) -> Result<Server, ServerError> {
        Server::bind(self.clone(), addr).await
    }

    /// Answers one request, without a socket: the service to mount in any HTTP server.
    pub async fn respond<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        handler::respond(&self.shared, request.map(body::boxed)).await
    }
}
