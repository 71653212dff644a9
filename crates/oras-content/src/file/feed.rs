//! From an asynchronous source to a blocking writer: network on one side, hash and disk on the other, in step.

use std::io::{self, BufRead, Read};

use bytes::{Buf, Bytes};
use futures_util::StreamExt;
use oras_spec::Descriptor;
use tokio::sync::mpsc;

use crate::error::{Error, ErrorKind, Result};
use crate::payload::Payload;
use crate::verify::Verifier;

/// Chunks that wait for the writer. A chunk is at most a few hundred KiB.
const QUEUE: usize = 8;

enum Message {
    Chunk(Bytes),
    Failed(Error),
    End,
}

/// The verified bytes of a content, for a writer on a blocking thread.
///
/// The end is only ever told after size and digest were found right: without it, nothing may become visible.
pub(super) struct Feed {
    messages: mpsc::Receiver<Message>,
    check: Check,
    current: Bytes,
    ended: bool,
}

enum Check {
    Hash(Box<Verifier>),
    /// The bytes were hashed before: only the number of bytes is looked at.
    Size {
        left: u64,
    },
    Done,
}

/// Reads `payload` while `write` takes its bytes from the feed on a blocking thread.
///
/// Dropping the future ends the feed with [`ErrorKind::Cancelled`], so that `write` stops and cleans up.
pub(super) async fn feed<T: Send + 'static>(
    payload: &Payload,
    descriptor: &Descriptor,
    write: impl FnOnce(Feed) -> Result<T> + Send + 'static,
) -> Result<T> {
    let check = match payload.trusted() {
        true => Check::Size {
            left: descriptor.size,
        },
        false => Check::Hash(Box::new(Verifier::new(descriptor)?)),
    };
    let mut stream = payload.open(0).await?;
    let (sender, messages) = mpsc::channel(QUEUE);
    let feed = Feed {
        messages,
        check,
        current: Bytes::new(),
        ended: false,
    };
    let writer = tokio::task::spawn_blocking(move || write(feed));
    let pump = async move {
        loop {
            let message = match stream.next().await {
                Some(Ok(chunk)) => Message::Chunk(chunk),
                Some(Err(error)) => Message::Failed(Error::from(error)),
                None => Message::End,
            };
            let last = !matches!(message, Message::Chunk(_));
            // A writer that has gone away has an error to tell.
            if sender.send(message).await.is_err() || last {
                return;
            }
        }
    };
    pump.await;
    match writer.await {
        Ok(result) => result,
        Err(_) => Err(Error::new(ErrorKind::Other, "writing stopped unexpectedly")),
    }
}

impl Feed {
    /// The next bytes, never none; `None` once all are there and right.
    pub(super) fn chunk(&mut self) -> Result<Option<Bytes>> {
        while self.current.is_empty() {
            if self.ended {
                return Ok(None);
            }
            match self.messages.blocking_recv() {
                Some(Message::Chunk(chunk)) => {
                    self.check.update(&chunk)?;
                    self.current = chunk;
                }
                Some(Message::End) => {
                    self.check.finish()?;
                    self.ended = true;
                }
                Some(Message::Failed(error)) => return Err(error),
                None => return Err(Error::new(ErrorKind::Cancelled, "writing was cancelled")),
            }
        }
        Ok(Some(std::mem::take(&mut self.current)))
    }

    /// Takes all that is left, to know whether it is right.
    pub(super) fn drain(&mut self) -> Result<()> {
        while self.chunk()?.is_some() {}
        Ok(())
    }
}

impl Check {
    fn update(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Hash(verifier) => verifier.update(bytes),
            Self::Size { left } => match left.checked_sub(bytes.len() as u64) {
                Some(rest) => {
                    *left = rest;
                    Ok(())
                }
                None => Err(Error::new(ErrorKind::SizeMismatch, "trailing data")),
            },
            Self::Done => Ok(()),
        }
    }

    fn finish(&mut self) -> Result<()> {
        match std::mem::replace(self, Self::Done) {
            Self::Hash(verifier) => verifier.finish(),
            Self::Size { left: 1.. } => Err(Error::new(ErrorKind::SizeMismatch, "unexpected EOF")),
            Self::Size { left: 0 } | Self::Done => Ok(()),
        }
    }
}

impl BufRead for Feed {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if let Some(chunk) = self.chunk()? {
            self.current = chunk;
        }
        Ok(&self.current)
    }

    fn consume(&mut self, amount: usize) {
        self.current.advance(amount.min(self.current.len()));
    }
}

impl Read for Feed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let read = available.len().min(buffer.len());
        buffer[..read].copy_from_slice(&available[..read]);
        self.consume(read);
        Ok(read)
    }
}
