//! A request body on its way out: measured, cut into pieces, and watched for stalls.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::StreamExt as _;
use http_body::{Frame, SizeHint};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::body::{Body, ByteStream};
use crate::timeouts::Timeouts;

/// Larger pieces are cut, so that every piece that leaves is a sign of life even on a slow line.
const PIECE: usize = 256 * 1024;

/// How far past the promised length a stream is followed, to name its real length in the error.
const OVERRUN_LIMIT: u64 = 16 * 1024 * 1024;

/// Who is to move next, and since when.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// The connection is being made, which has its own limit, or the source is being read, which has its own too.
    Elsewhere,
    /// The network has a piece to send.
    Sending(Instant),
    /// The request is out, the server is to answer.
    Answering(Instant),
}

/// The body that hyper polls.
pub(crate) struct Upload {
    stream: Option<ByteStream>,
    /// Rest of the piece that is being cut.
    piece: Bytes,
    /// The piece that completes the body, held until the stream has proved to end there: a server must never see a
    /// complete request whose source has more to say.
    last: Option<Bytes>,
    promised: u64,
    seen: u64,
    left: u64,
    phase: watch::Sender<Phase>,
    failure: Arc<Mutex<Option<io::Error>>>,
}

/// What the sender of an [`Upload`] keeps to watch it.
pub(crate) struct Watch {
    phase: watch::Receiver<Phase>,
    failure: Arc<Mutex<Option<io::Error>>>,
}

/// Opens a body for one attempt.
pub(crate) async fn start(body: &Body) -> io::Result<(Upload, Watch)> {
    let promised = body.len();
    let stream = if body.is_absent() {
        None
    } else {
        Some(body.open().await?)
    };
    let (stream, phase) = match stream {
        // Nothing would ask an empty body for its bytes, so its emptiness is checked here.
        Some(stream) if promised == 0 => {
            expect_empty(stream).await?;
            (None, Phase::Answering(Instant::now()))
        }
        Some(stream) => (Some(stream), Phase::Elsewhere),
        None => (None, Phase::Answering(Instant::now())),
    };
    let (sender, receiver) = watch::channel(phase);
    let failure = Arc::new(Mutex::new(None));
    let upload = Upload {
        stream,
        piece: Bytes::new(),
        last: None,
        promised,
        seen: 0,
        left: promised,
        phase: sender,
        failure: Arc::clone(&failure),
    };
    Ok((
        upload,
        Watch {
            phase: receiver,
            failure,
        },
    ))
}

async fn expect_empty(mut stream: ByteStream) -> io::Result<()> {
    let mut seen = 0;
    while let Some(piece) = stream.next().await {
        seen += piece?.len() as u64;
        if seen > OVERRUN_LIMIT {
            break;
        }
    }
    if seen == 0 {
        Ok(())
    } else {
        Err(wrong_length(0, seen))
    }
}

fn wrong_length(promised: u64, seen: u64) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("http: ContentLength={promised} with Body length {seen}"),
    )
}

impl Watch {
    /// Resolves, with the words for it, when the server or the network has been silent for too long.
    pub(crate) async fn stalled(&mut self, timeouts: &Timeouts) -> &'static str {
        loop {
            let phase = *self.phase.borrow_and_update();
            let expired = match phase {
                Phase::Elsewhere => None,
                Phase::Sending(since) => Some((since + timeouts.idle, "i/o timeout")),
                Phase::Answering(since) => Some((
                    since + timeouts.response,
                    "net/http: timeout awaiting response headers",
                )),
            };
            let moved = async {
                if self.phase.changed().await.is_err() {
                    // The body is gone: what counts is the answer, on the clock that is running.
                    std::future::pending::<()>().await;
                }
            };
            match expired {
                None => moved.await,
                Some((deadline, words)) => tokio::select! {
                    () = moved => {}
                    () = tokio::time::sleep_until(deadline) => return words,
                },
            }
        }
    }

    /// The failure of the body itself, if that is what ended the exchange.
    pub(crate) fn take_failure(&self) -> Option<io::Error> {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl Upload {
    fn next_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if !self.piece.is_empty() {
            return Poll::Ready(Some(Ok(self.cut())));
        }
        loop {
            let Some(stream) = &mut self.stream else {
                return Poll::Ready(None);
            };
            match stream.as_mut().poll_next(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(Some(Ok(piece))) if piece.is_empty() => {}
                Poll::Ready(Some(Ok(piece))) => {
                    self.seen += piece.len() as u64;
                    if self.seen > self.promised.saturating_add(OVERRUN_LIMIT) {
                        return Poll::Ready(Some(Err(wrong_length(self.promised, self.seen))));
                    }
                    if self.seen < self.promised {
                        self.piece = piece;
                        return Poll::Ready(Some(Ok(self.cut())));
                    }
                    if self.seen == self.promised {
                        self.last = Some(piece);
                    }
                }
                Poll::Ready(None) => {
                    self.stream = None;
                    if self.seen != self.promised {
                        return Poll::Ready(Some(Err(wrong_length(self.promised, self.seen))));
                    }
                    self.piece = self.last.take().unwrap_or_default();
                    if self.piece.is_empty() {
                        return Poll::Ready(None);
                    }
                    return Poll::Ready(Some(Ok(self.cut())));
                }
            }
        }
    }

    fn cut(&mut self) -> Bytes {
        self.piece.split_to(self.piece.len().min(PIECE))
    }

    /// Keeps the failure for the sender; hyper gets a stand-in that only ends the connection.
    fn fail(&mut self, error: io::Error) -> io::Error {
        self.stream = None;
        let stand_in = io::Error::new(error.kind(), error.to_string());
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        stand_in
    }
}

impl http_body::Body for Upload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        match this.next_piece(cx) {
            Poll::Pending => {
                this.phase.send_replace(Phase::Elsewhere);
                Poll::Pending
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(this.fail(error)))),
            Poll::Ready(Some(Ok(piece))) => {
                this.left -= piece.len() as u64;
                let now = Instant::now();
                this.phase.send_replace(if this.left == 0 {
                    Phase::Answering(now)
                } else {
                    Phase::Sending(now)
                });
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0 && self.stream.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
