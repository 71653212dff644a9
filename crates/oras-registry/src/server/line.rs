//! A connection with time limits.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use crate::clock::Clock;
use crate::limits::Limits;
use crate::pace::Pace;

/// How much of what nobody wants is read before a connection is closed, in bytes.
const LINGER_BYTES: u64 = 512 * 1024 * 1024;
/// How long that may take.
const LINGER_TIME: Duration = Duration::from_secs(10);

/// What a connection is doing, and since when. Who answers requests says so, who waits for bytes looks at it.
pub(super) struct Phase {
    opened: Instant,
    /// Milliseconds from the opening to the begin of the phase, and in the lowest bits which one it is.
    state: AtomicU64,
}

/// Nothing has arrived yet.
const FRESH: u64 = 0;
/// The head of a request is arriving.
const HEAD: u64 = 1;
/// A request is being answered.
const BUSY: u64 = 2;
/// An answer is out, the next request may come.
const IDLE: u64 = 3;
/// An answer is going out, but the client may still be sending what nobody is going to read.
const DEAF: u64 = 4;
/// How many bits a phase takes.
const BITS: u32 = 3;

impl Phase {
    pub(super) fn new() -> Self {
        Self {
            opened: Instant::now(),
            state: AtomicU64::new(FRESH),
        }
    }

    fn enter(&self, kind: u64) {
        let since = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or_default();
        self.state.store(since << BITS | kind, Relaxed);
    }

    fn kind(&self) -> u64 {
        self.state.load(Relaxed) % (1 << BITS)
    }

    fn since(&self) -> Instant {
        self.opened + Duration::from_millis(self.state.load(Relaxed) >> BITS)
    }

    /// A request is being answered.
    pub(super) fn busy(&self) {
        self.enter(BUSY);
    }

    /// The answer comes before the end of the request, which nobody is going to read.
    pub(super) fn deaf(&self) {
        self.enter(DEAF);
    }

    /// The answer is complete.
    pub(super) fn idle(&self) {
        if self.kind() != DEAF {
            self.enter(IDLE);
        }
    }
}

/// A stream that fails when the other end takes too long:
/// - for the head of a request, in total;
/// - for the next request, after an answer;
/// - to take what is sent to it.
///
/// How slow the body of a request may be is not decided here but where it is read, for nobody may be reading it.
///
/// Closing a connection while the client is still sending makes its system forget the answer it has not read yet. So
/// when there may be more to come, what comes is read and dropped for a while after the writing side has been closed.
pub(super) struct Line<S> {
    stream: S,
    phase: Arc<Phase>,
    head_time: Duration,
    keep_alive: Duration,
    reading: Clock,
    writing: Clock,
    pace: Pace,
    lingering: Option<Lingering>,
}

struct Lingering {
    until: Instant,
    dropped: u64,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Line<S> {
    pub(super) fn new(stream: S, phase: Arc<Phase>, limits: &Limits) -> Self {
        Self {
            stream,
            phase,
            head_time: limits.head_time,
            keep_alive: limits.keep_alive,
            reading: Clock::default(),
            writing: Clock::default(),
            pace: limits.pace(),
            lingering: None,
        }
    }

    fn wait_to_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let deadline = match self.phase.kind() {
            FRESH | HEAD => self.phase.since() + self.head_time,
            IDLE => self.phase.since() + self.keep_alive,
            // Never missed. But nobody asks again when the answer is out, so the clock has to.
            _ => Instant::now() + self.keep_alive,
        };
        let passed = self.reading.has_passed(deadline, context);
        if !passed {
            return Poll::Pending;
        }
        // Whoever was waited for long enough is not waited for again at the end of the connection.
        self.phase.busy();
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Passes on what came of writing, unless nothing does for too long.
    fn paced<T>(
        &mut self,
        written: Poll<io::Result<T>>,
        bytes: impl FnOnce(&T) -> usize,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        let slow = match &written {
            Poll::Pending => {
                let deadline = self.pace.waiting();
                self.writing.has_passed(deadline, context)
            }
            Poll::Ready(Ok(done)) => self.pace.moved(bytes(done)).is_err(),
            Poll::Ready(Err(_)) => false,
        };
        match slow {
            true => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            false => written,
        }
    }

    /// Reads and drops until the client closes, or there is too much or it takes too long.
    fn poll_linger(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let lingering = self.lingering.get_or_insert_with(|| Lingering {
            until: Instant::now() + LINGER_TIME,
            dropped: 0,
        });
        let mut space = [MaybeUninit::uninit(); 16 * 1024];
        // Others want to be served, too.
        for _ in 0..32 {
            let mut buffer = ReadBuf::uninit(&mut space);
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    lingering.dropped += buffer.filled().len() as u64;
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => {
                    return match self.reading.has_passed(lingering.until, context) {
                        true => Poll::Ready(()),
                        false => Poll::Pending,
                    };
                }
            }
        }
        if lingering.dropped > LINGER_BYTES || Instant::now() >= lingering.until {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Line<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Pending => self.wait_to_read(context),
            Poll::Ready(Ok(())) => {
                let arrived = buffer.filled().len() > before;
                match self.phase.kind() {
                    // A head begins, and its time.
                    FRESH | IDLE if arrived => self.phase.enter(HEAD),
                    _ => {}
                }
                Poll::Ready(Ok(()))
            }
            failed => failed,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Line<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.paced(written, |written| *written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.paced(written, |written| *written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.paced(flushed, |()| 0, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            let shut = Pin::new(&mut self.stream).poll_shutdown(context);
            ready!(self.paced(shut, |()| 0, context))?;
        }
        if matches!(self.phase.kind(), HEAD | DEAF) {
            ready!(self.poll_linger(context));
        }
        Poll::Ready(Ok(()))
    }
}
