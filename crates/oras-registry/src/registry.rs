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
use crate::error::ServerError;
use crate::handler::{self, Probe, Readiness, Room};
use crate::id::RequestIds;
use crate::layout::{self, LayoutDriver, LayoutOptions};
use crate::limits::Limits;
use crate::memory::MemoryDriver;
use crate::metrics::Metrics;
use crate::observe::Observer;
use crate::page::Page;
use crate::server::{Server, Slots, Tls};
use crate::session::Sessions;
use crate::upkeep;

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
    pub(crate) read_only: bool,
    pub(crate) metrics: Metrics,
    /// Whether anybody may see them.
    pub(crate) metrics_hidden: bool,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    pub(crate) probe: Probe,
    pub(crate) room: Room,
    pub(crate) slots: Arc<Slots>,
    pub(crate) request_ids: RequestIds,
    /// How long to wait before maintenance; zero is for ever.
    pub(crate) maintenance: Duration,
}

/// Settings of a registry to be. Without any it keeps everything in memory.
#[derive(Default)]
#[must_use]
pub struct Builder {
    storage: Storage,
    limits: Limits,
    auth: Auth,
    without_page: bool,
    read_only: bool,
    metrics_hidden: bool,
    observer: Option<Arc<dyn Observer>>,
    maintenance: Option<Duration>,
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

    /// Whether everything that would change something is refused: no unless told.
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// Whether `/metrics` is answered: yes unless told. It says how much is going on, but names neither repositories nor
    /// users, and asks nobody to sign in.
    pub fn metrics(mut self, shown: bool) -> Self {
        self.metrics_hidden = !shown;
        self
    }

    /// Shows `observer` every request when it is over.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// How long a server waits before it has the storage put in order, and again after that: an hour unless told; zero
    /// is never. Only storage that needs it is.
    pub fn maintenance(mut self, every: Duration) -> Self {
        self.maintenance = Some(every);
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
                // What may only be read may be on a medium that can't be written.
                key = (!self.read_only).then(|| path.join(layout::OWN).join("token.key"));
                Arc::new(LayoutDriver::open(path, options)?)
            }
            Storage::Driver(driver) => driver,
        };
        let slots = Slots::new(self.limits.connections, self.limits.connections_per_address);
        Ok(Registry {
            shared: Arc::new(Shared {
                driver,
                room: Room::new(self.limits.manifest_bytes),
                limits: self.limits,
                sessions: Sessions::default(),
                gate: Gate::new(self.auth, key, self.observer.clone())?,
                maintenance: self.maintenance.unwrap_or(upkeep::EVERY),
                page: (!self.without_page).then(Page::new),
                read_only: self.read_only,
                metrics: Metrics::default(),
                metrics_hidden: self.metrics_hidden,
                observer: self.observer,
                probe: Probe::default(),
                slots: Arc::new(slots),
                request_ids: RequestIds::default(),
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
        Server::bind(self.clone(), addr, None).await
    }

    /// Serves this registry on `addr` with TLS 1.2 and 1.3.
    ///
    /// # Errors
    /// [`ServerError`] if nothing can listen there, or certificates can't be loaded.
    pub async fn bind_tls(&self, addr: &str, tls: Tls) -> Result<Server, ServerError> {
        Server::bind(self.clone(), addr, Some(tls)).await
    }

    /// Whether everybody who reaches it may do everything: nobody is known, and there are no rules.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.shared.gate.is_none()
    }

    /// Answers one request, without a socket: the service to mount in any HTTP server.
    pub async fn respond<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        self.answer(request, Readiness::Serving).await
    }

    /// Answers a request that came through a server in this state.
    pub(crate) async fn answer<B>(
        &self,
        request: Request<B>,
        readiness: Readiness,
    ) -> Response<Body>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        handler::respond(&self.shared, request.map(body::boxed), readiness).await
    }
}
