//! Having the storage put in order for as long as a server lives.

use std::convert::Infallible;
use std::time::Duration;

use crate::registry::Registry;

/// How long to wait before maintenance, unless told.
pub(crate) const EVERY: Duration = Duration::from_secs(60 * 60);

impl Registry {
    /// Serves, and looks after the storage meanwhile.
    pub(crate) async fn tended<T>(self, serving: impl Future<Output = T>) -> T {
        tokio::select! {
            served = serving => served,
            never = self.tend() => match never {},
        }
    }

    async fn tend(&self) -> Infallible {
        let every = self.shared.maintenance;
        let maintenance = self.shared.driver.maintenance();
        let Some(maintenance) = maintenance.filter(|_| !every.is_zero()) else {
            return std::future::pending().await;
        };
        loop {
            tokio::time::sleep(every).await;
            // What fails now is tried again, and nobody has asked.
            let _ = maintenance.maintain().await;
        }
    }
}
