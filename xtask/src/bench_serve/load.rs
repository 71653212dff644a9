//! The load generator: one thread that keeps every connection busy with one request at a time.
//!
//! It shares the cores with the server it measures, so a request costs one write and, for a small answer, one read. What
//! is left of a large one is counted and dropped by the system without a copy: its bytes were compared before.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};

use super::http::Head;

/// How much is read of an answer before it is known how long it is, in bytes.
const FIRST_READ: usize = 16 * 1024;
/// How much is dropped at once, in bytes.
const READ_BYTES: usize = 1024 * 1024;
/// How long the server may warm up before anything is counted.
const WARM_UP: Duration = Duration::from_millis(300);
/// A server that is silent for so long has failed.
const SILENCE: Duration = Duration::from_secs(30);

/// A prepared request, and how many bytes the body of its answer has.
pub(crate) struct Request {
    pub(crate) bytes: Vec<u8>,
    pub(crate) body: u64,
}

/// What a server has done in a measured time.
pub(crate) struct Load {
    pub(crate) requests: u64,
    pub(crate) elapsed: Duration,
    /// Requests with those of the warm-up.
    pub(crate) answered: u64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

impl Load {
    pub(crate) fn per_second(&self) -> f64 {
        self.requests as f64 / self.elapsed.as_secs_f64()
    }
}

/// Sends `requests` in turn over `connections` for `time`, and checks status and length of every answer.
pub(crate) fn run(
    addr: SocketAddr,
    requests: &[Request],
    connections: usize,
    time: Duration,
) -> io::Result<Load> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(connections.max(1));
    let mut clients = Vec::new();
    for number in 0..connections {
        let stream = std::net::TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        let registry = poll.registry();
        registry.register(&mut stream, Token(number), Interest::READABLE)?;
        // Each starts somewhere else, so that they don't walk in step.
        clients.push(Client::new(stream, number * requests.len() / connections));
    }
    let mut buffer = vec![0; READ_BYTES];
    for client in &mut clients {
        client.ask(requests)?;
    }
    let mut latencies = Vec::with_capacity(1 << 20);
    let mut answered = 0;
    let start = Instant::now() + WARM_UP;
    let end = start + time;
    loop {
        poll.poll(&mut events, Some(SILENCE))?;
        if events.is_empty() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let now = Instant::now();
        if now >= end {
            let elapsed = now - start;
            return Ok(summary(latencies, elapsed, answered));
        }
        for event in &events {
            let Some(client) = clients.get_mut(event.token().0) else {
                continue;
            };
            if let Some(latency) = client.receive(requests, &mut buffer)? {
                answered += 1;
                if now >= start {
                    latencies.push(u32::try_from(latency.as_nanos()).unwrap_or(u32::MAX));
                }
                client.ask(requests)?;
            }
        }
    }
}

fn summary(mut latencies: Vec<u32>, elapsed: Duration, answered: u64) -> Load {
    latencies.sort_unstable();
    let quantile = |part: usize| {
        let at = (latencies.len() * part / 100).min(latencies.len().saturating_sub(1));
        let nanos = latencies.get(at).copied().unwrap_or_default();
        Duration::from_nanos(u64::from(nanos))
    };
    Load {
        requests: latencies.len() as u64,
        elapsed,
        answered,
        p50: quantile(50),
        p99: quantile(99),
    }
}

/// One connection, and where its answer stands.
struct Client {
    stream: TcpStream,
    next: usize,
    asked: Instant,
    /// What has arrived of a head that is not complete.
    head: Vec<u8>,
    /// Bytes of the body that are still to come, once the head was there.
    left: Option<u64>,
}

impl Client {
    fn new(stream: TcpStream, next: usize) -> Self {
        Self {
            stream,
            next,
            asked: Instant::now(),
            head: Vec::new(),
            left: None,
        }
    }

    fn ask(&mut self, requests: &[Request]) -> io::Result<()> {
        let request = &requests[self.next % requests.len()];
        self.asked = Instant::now();
        // A few hundred bytes always fit when everything before was answered.
        if self.stream.write(&request.bytes)? != request.bytes.len() {
            return Err(io::ErrorKind::WriteZero.into());
        }
        Ok(())
    }

    /// Reads what is there. How long the answer took, if this was its end.
    fn receive(&mut self, requests: &[Request], buffer: &mut [u8]) -> io::Result<Option<Duration>> {
        let expected = requests[self.next % requests.len()].body;
        loop {
            let (room, flags) = match self.left {
                None => (&mut buffer[..FIRST_READ], RecvFlags::empty()),
                Some(_) => (&mut buffer[..], RecvFlags::TRUNC),
            };
            let wanted = room.len();
            let read = match recv(&self.stream, &mut *room, flags) {
                Ok((_, 0)) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok((_, read)) => read,
                Err(Errno::AGAIN) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            match &mut self.left {
                Some(left) => {
                    *left = left
                        .checked_sub(read as u64)
                        .ok_or(io::ErrorKind::InvalidData)?;
                }
                None => self.begin(&buffer[..read], expected)?,
            }
            if self.left == Some(0) {
                self.left = None;
                self.next += 1;
                return Ok(Some(self.asked.elapsed()));
            }
            if read < wanted {
                return Ok(None);
            }
        }
    }

    /// The first bytes of an answer, which should have a body of this length.
    fn begin(&mut self, bytes: &[u8], expected: u64) -> io::Result<()> {
        // Nearly always a head arrives in one piece.
        let mut before = std::mem::take(&mut self.head);
        let bytes = match before.is_empty() {
            true => bytes,
            false => {
                before.extend_from_slice(bytes);
                before.as_slice()
            }
        };
        let Some(head) = Head::parse(bytes) else {
            self.head = bytes.to_vec();
            return Ok(());
        };
        let head = head?;
        if head.status != 200 || head.length() != expected {
            let text = format!("{} with {} bytes", head.status, head.length());
            return Err(io::Error::other(text));
        }
        let rest = (bytes.len() - head.size) as u64;
        self.left = Some(
            expected
                .checked_sub(rest)
                .ok_or(io::ErrorKind::InvalidData)?,
        );
        Ok(())
    }
}
