//! How much memory large manifests may take, however many come at once.
//!
//! A manifest is read as a whole, and what it says takes many times its bytes. Common ones are small; for the others
//! there is one room.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http::header::RETRY_AFTER;
use oras_spec::ErrorCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use crate::call::Call;
use crate::failure::Failure;

/// Manifests up to this size need no room, in bytes.
pub(super) const SMALL: usize = 64 * 1024;
/// How many bytes of large manifests may be arriving at once, unless a single one may be larger.
const ARRIVING: u64 = 16 * 1024 * 1024;
/// What room is given out in, in bytes.
const UNIT: u64 = 1024;
/// How long a large manifest waits for others to arrive.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many pages are made at once.
const PAGES: usize = 2;
/// How many large listings are made and sent at once.
const LISTINGS: usize = 4;

/// Room for what is large.
pub(crate) struct Room {
    arriving: Semaphore,
    working: Semaphore,
    pages: Semaphore,
    listings: Arc<Semaphore>,
    most: u32,
}

/// The bytes of a manifest, and the room they take.
pub(super) struct Received<'a> {
    pub(super) bytes: Bytes,
    _room: Option<SemaphorePermit<'a>>,
}

impl Room {
    /// For manifests of at most `limit` bytes.
    pub(crate) fn new(limit: u64) -> Self {
        let most = units(limit.max(ARRIVING));
        Self {
            arriving: Semaphore::new(usize::try_from(most).unwrap_or(Semaphore::MAX_PERMITS)),
            working: Semaphore::new(1),
            pages: Semaphore::new(PAGES),
            listings: Arc::new(Semaphore::new(LISTINGS)),
            most,
        }
    }

    /// Reads the body of a manifest.
    ///
    /// # Errors
    /// 413 beyond `limit` bytes, 503 if others take the room for too long, and what reading it says.
    pub(super) async fn receive(
        &self,
        call: &mut Call,
        limit: u64,
    ) -> Result<Received<'_>, Failure> {
        let declared = call.content_length();
        if declared.is_some_and(|length| length > limit) {
            return Err(Failure::too_large(limit));
        }
        let mut bytes = BytesMut::new();
        let mut room = None;
        while let Some(data) = call.next().await? {
            let arrived = bytes.len() + data.len();
            if arrived as u64 > limit {
                return Err(Failure::too_large(limit));
            }
            if room.is_none() && arrived > SMALL {
                room = Some(self.arrive(declared.unwrap_or(limit)).await?);
                // In one piece, instead of moving again and again.
                let rest = usize::try_from(declared.unwrap_or_default()).unwrap_or_default();
                bytes.reserve(rest.saturating_sub(bytes.len()));
            }
            bytes.extend_from_slice(&data);
        }
        Ok(Received {
            bytes: bytes.freeze(),
            _room: room,
        })
    }

    async fn arrive(&self, size: u64) -> Result<SemaphorePermit<'_>, Failure> {
        let waiting = self.arriving.acquire_many(units(size).min(self.most));
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(Ok(room)) => Ok(room),
            _ => {
                let text = "too many large manifests at once";
                let code = ErrorCode::TOOMANYREQUESTS;
                let failure = Failure::new(StatusCode::SERVICE_UNAVAILABLE, code, text);
                Err(failure.with_header(RETRY_AFTER, "10"))
            }
        }
    }

    /// Waits until no other large manifest is being looked at. A small one need not wait.
    pub(super) async fn work(&self, size: usize) -> Option<SemaphorePermit<'_>> {
        match size > SMALL {
            true => self.working.acquire().await.ok(),
            false => None,
        }
    }

    /// The right to make a large listing, unless too many others have it.
    pub(super) fn listing(&self) -> Option<ListingPermit> {
        let permit = Arc::clone(&self.listings).try_acquire_owned();
        permit.ok().map(ListingPermit)
    }

    /// Waits until few pages are being made.
    pub(crate) async fn page(&self) -> Option<SemaphorePermit<'_>> {
        self.pages.acquire().await.ok()
    }
}

/// The right to make a large listing, and to keep it until it is sent.
pub(super) struct ListingPermit(OwnedSemaphorePermit);

impl ListingPermit {
    /// Bytes that keep the right for as long as they are in memory.
    pub(super) fn kept_by(self, bytes: Vec<u8>) -> Bytes {
        Bytes::from_owner(Kept {
            bytes,
            _permit: self.0,
        })
    }
}

struct Kept {
    bytes: Vec<u8>,
    _permit: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

fn units(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX)
}
