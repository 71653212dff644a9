//! The access log: a line on standard error for each request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use oras_registry::config::{AccessLog, Config};
use oras_registry::observe::{Access, Observer};
use tokio::task::JoinHandle;

use crate::output;

/// Lines that wait to be written. Whoever reads standard error too slowly loses lines, and nobody waits for it.
const QUEUE: usize = 4096;
/// How long the last lines may take.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Puts a line for each request into a queue.
pub(super) struct Lines {
    form: AccessLog,
    queue: SyncSender<String>,
    lost: Arc<AtomicU64>,
}

/// Writes them.
pub(super) struct Log(JoinHandle<()>);

/// A log, if something is to be written.
pub(super) fn start(config: &Config) -> Option<(Lines, Log)> {
    // Besides requests there is only something to tell about files that change.
    let may_change = config.tls().is_some() || config.htpasswd.is_some();
    if config.access_log == AccessLog::Off && !may_change {
        return None;
    }
    let (queue, waiting) = sync_channel(QUEUE);
    let lost = Arc::new(AtomicU64::new(0));
    let lines = Lines {
        form: config.access_log,
        queue,
        lost: Arc::clone(&lost),
    };
    let writing = tokio::task::spawn_blocking(move || write(&waiting, &lost));
    Some((lines, Log(writing)))
}

fn write(waiting: &Receiver<String>, lost: &AtomicU64) {
    for line in waiting {
        output::tell(&line);
        match lost.swap(0, Relaxed) {
            0 => {}
            lost => output::tell(&format!(
                "Warning: {lost} lines are missing here, because the log is read too slowly"
            )),
        }
    }
}

impl Lines {
    fn put(&self, line: String) {
        if let Err(TrySendError::Full(_)) = self.queue.try_send(line) {
            self.lost.fetch_add(1, Relaxed);
        }
    }
}

impl Observer for Lines {
    fn access(&self, access: &Access) {
        match self.form {
            AccessLog::Off => {}
            AccessLog::Text => self.put(access.to_text()),
            AccessLog::Json => self.put(access.to_json()),
        }
    }

    fn trouble(&self, text: &str) {
        self.put(format!("Warning: {text}"));
    }
}

impl Log {
    /// Waits until the last lines are written. They are when the registry is gone.
    pub(super) async fn end(self) {
        // A reader that does not read is not waited for.
        let _ = tokio::time::timeout(LAST_LINES, self.0).await;
    }
}
