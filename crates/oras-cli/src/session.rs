//! What one run of a command shares: how it was called, the log, and the connections to registries.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use oras::http::Origin;
use oras::remote::{
    Client, CredentialProvider, DockerConfig, ReferrersMode, Scheme, StaticCredential, Warning,
};

use tokio_util::sync::CancellationToken;

use crate::display::progress::{Progress, Style};
use crate::display::status::{Detail, StatusLines, Verbs};
use crate::env;
use crate::error::Error;
use crate::option::referrers::DistributionSpec;
use crate::option::remote::{Access, Flags};
use crate::output;
use crate::pflag::Given;
use crate::trace::{self, HttpTrace};
use crate::usage::Used;

/// The version of the reference tool that this one stands in for.
pub(crate) const VERSION: &str = "1.3.3";

/// One run.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) used: Used,
    pub(crate) given: Given,
    /// Told to stop when the user interrupts.
    pub(crate) cancel: CancellationToken,
    /// Where exchanges are logged, with `--debug`.
    trace: Option<Arc<HttpTrace>>,
    warned: Arc<Mutex<HashSet<Warning>>>,
    /// What is shown of long work.
    style: Style,
    screen: Arc<Screen>,
}

/// What may be live on the terminal now.
#[derive(Debug, Default)]
pub(crate) struct Screen(Mutex<Option<Arc<Progress>>>);

impl Screen {
    fn show(&self, progress: &Arc<Progress>) {
        self.end();
        if let Ok(mut live) = self.0.lock() {
            *live = Some(Arc::clone(progress));
        }
    }

    fn live(&self) -> Option<Arc<Progress>> {
        self.0.lock().ok()?.clone()
    }

    /// Leaves the terminal as it was.
    pub(crate) fn end(&self) {
        if let Some(progress) = self.live() {
            progress.end();
        }
    }

    /// Tells something on standard error, with the live lines out of the way.
    fn tell(&self, text: &str) {
        match self.live() {
            Some(progress) => progress.aside(|| output::tell(text)),
            None => output::tell(text),
        }
    }
}

impl Session {
    pub(crate) fn new(used: Used, given: Given, debug: bool) -> Self {
        Self {
            used,
            given,
            cancel: CancellationToken::new(),
            trace: debug.then(Arc::default),
            warned: Arc::default(),
            style: Style::Heartbeat,
            screen: Arc::default(),
        }
    }

    /// Draws in the terminal, if there is one.
    pub(crate) fn drawing(mut self) -> Self {
        if self.trace.is_none() && output::stderr_is_terminal() {
            self.style = Style::Live(env::paint());
        }
        self
    }

    /// Shows the events of long work, until [`StatusLines::check`] or the end of the run. One at a time.
    pub(crate) fn status(&self, verbs: Verbs, detail: Detail) -> Arc<StatusLines> {
        self.styled(verbs, detail, self.style)
    }

    /// [`Self::status`] without live lines.
    pub(crate) fn plain_status(&self, verbs: Verbs, detail: Detail) -> Arc<StatusLines> {
        self.styled(verbs, detail, Style::Heartbeat)
    }

    fn styled(&self, verbs: Verbs, detail: Detail, style: Style) -> Arc<StatusLines> {
        let progress = Progress::begin(verbs, style);
        self.screen.show(&progress);
        Arc::new(StatusLines::new(verbs, detail, &self.cancel).with_progress(progress))
    }

    /// What is printed beside live lines: nothing.
    pub(crate) fn detail(&self, detail: Detail) -> Detail {
        match self.style {
            Style::Live(_) => Detail::Nothing,
            Style::Heartbeat => detail,
        }
    }

    /// What is live in the terminal.
    pub(crate) fn screen(&self) -> &Arc<Screen> {
        &self.screen
    }

    /// The flags of a command with one target.
    pub(crate) fn flags(&self) -> Flags<'_> {
        self.side("")
    }

    /// The flags of one side of a command with two.
    pub(crate) fn side(&self, prefix: &'static str) -> Flags<'_> {
        Flags {
            given: &self.given,
            prefix,
        }
    }

    /// The credential file that errors name: only if there is exactly one.
    pub(crate) fn config_path(&self, access: &Access) -> Option<String> {
        match access.registry_config.as_slice() {
            [] => env::docker_config()
                .ok()
                .map(|path| path.display().to_string()),
            [path] => Some(path.clone()),
            _ => None,
        }
    }

    /// The client for one registry, as the flags want it.
    ///
    /// # Errors
    /// If certificates, DNS rules or credential files are unusable.
    pub(crate) fn client(
        &self,
        access: &Access,
        registry: &str,
        spec: Option<DistributionSpec>,
    ) -> Result<Client, Error> {
        let plain = access.is_plain_http(registry);
        let mut http = oras::http::Client::builder()
            .user_agent(format!("oras/{VERSION}"))
            .proxy(env::proxies());
        if let Some(origin) = origin(plain, registry) {
            http = http.origin(origin);
        }
        if let Some(trace) = &self.trace {
            http = http.trace(Arc::clone(trace) as _);
        }
        let http = access
            .configure(http)?
            .build()
            .map_err(|error| Error::told(error.to_string()))?;
        let (warned, screen) = (Arc::clone(&self.warned), Arc::clone(&self.screen));
        let client = Client::builder()
            .http(http)
            .client_id("oras-go")
            .credentials(credentials(access, registry)?)
            .scheme(if plain { Scheme::Http } else { Scheme::Https })
            .referrers(match spec {
                None => ReferrersMode::Auto,
                Some(DistributionSpec::ReferrersApi) => ReferrersMode::Api,
                Some(DistributionSpec::ReferrersTag) => ReferrersMode::TagSchema,
            })
            .on_warning(Arc::new(move |warning| {
                warn_once(&warned, &screen, warning);
            }))
            .build()?;
        Ok(client)
    }
}

fn origin(plain: bool, registry: &str) -> Option<Origin> {
    let scheme = if plain { "http" } else { "https" };
    let url = format!("{scheme}://{}/", oras::spec::reference::host(registry))
        .parse()
        .ok()?;
    Origin::of(&url)
}

/// The credentials in these files, or in the docker configuration if there are none.
///
/// # Errors
/// If a file is unusable.
pub(crate) fn store(registry_config: &[String]) -> Result<DockerConfig, Error> {
    let paths = match registry_config {
        [] => vec![env::docker_config()?],
        given => given.iter().map(PathBuf::from).collect(),
    };
    Ok(DockerConfig::load(paths)?)
}

fn credentials(access: &Access, registry: &str) -> Result<Arc<dyn CredentialProvider>, Error> {
    match access.has_credential() {
        true => Ok(Arc::new(StaticCredential::new(
            registry,
            access.credential(),
        ))),
        false => Ok(Arc::new(store(&access.registry_config)?)),
    }
}

/// Two clients of one run may hear the same warning.
fn warn_once(warned: &Mutex<HashSet<Warning>>, screen: &Screen, warning: &Warning) {
    let new = warned
        .lock()
        .is_ok_and(|mut warned| warned.insert(warning.clone()));
    if new {
        screen.tell(&trace::entry(
            "WARNING",
            &warning.text,
            &[("registry", &warning.registry)],
        ));
    }
}
