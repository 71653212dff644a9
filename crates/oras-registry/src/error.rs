//! Why there is no registry, or nobody reaches it.

use std::io;

use crate::auth::AuthError;
use crate::driver::DriverError;
use crate::server::TlsError;

/// Why a registry can't serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// Nothing can listen at the address.
    #[error("cannot listen on {addr}")]
    Listen {
        /// The address that was asked for.
        addr: String,
        /// What the system said.
        source: io::Error,
    },
    /// The storage can't be opened.
    #[error("cannot open the storage")]
    Storage(#[from] DriverError),
    /// Who may do what is not clear.
    #[error("cannot set up authentication")]
    Auth(#[from] AuthError),
    /// Certificates can't be loaded.
    #[error("cannot set up TLS")]
    Tls(#[from] TlsError),
}
