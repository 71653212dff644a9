//! Taking connections.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::connection::{self, Context};
use super::slots::Full;
use super::{Listener, Stage};

/// How long to wait when no connection can be accepted, such as for lack of descriptors.
const PAUSE: Duration = Duration::from_millis(50);
/// How many connections are told at once that there are too many; others are just closed.
const TOLD: usize = 64;
/// How long telling may take.
const TELLING: Duration = Duration::from_secs(1);

/// Takes connections until the server closes, then waits for those that are open. Gives the number of those it had to
/// cut.
pub(super) async fn accept(context: Context, listener: Listener) -> usize {
    let mut stage = context.stage.clone();
    let mut connections = JoinSet::new();
    let told = Arc::new(Semaphore::new(TOLD));
    loop {
        let accepted = tokio::select! {
            accepted = next(&listener) => accepted,
            () = reached(&mut stage, Stage::Closing) => None,
        };
        match accepted {
            None => break,
            Some(Ok((stream, addr))) => match context.slots().take(addr.ip()) {
                Ok(slot) => {
                    connections.spawn(connection::serve(context.clone(), stream, addr, slot));
                }
                Err(full) => {
                    context.metrics().refused_connections.count();
                    // In the clear nobody would understand it who expects TLS.
                    if context.tls.is_none()
                        && let Ok(permit) = Arc::clone(&told).try_acquire_owned()
                    {
                        connections.spawn(async move {
                            let _permit = permit;
                            let _ = tokio::time::timeout(TELLING, refuse(stream, full)).await;
                        });
                    }
                }
            },
            Some(Err(_)) => tokio::time::sleep(PAUSE).await,
        }
        while connections.try_join_next().is_some() {}
    }
    let mut cut = 0;
    loop {
        tokio::select! {
            ended = connections.join_next() => if ended.is_none() { return cut },
            () = reached(&mut stage, Stage::Cutting), if cut == 0 => {
                cut = connections.len();
                connections.abort_all();
            }
        }
    }
}

/// The next connection; `None` when the listener was taken away.
async fn next(listener: &Listener) -> Option<io::Result<(TcpStream, SocketAddr)>> {
    std::future::poll_fn(|context| {
        let listener = listener.lock().unwrap_or_else(PoisonError::into_inner);
        match listener.as_ref() {
            None => Poll::Ready(None),
            Some(listener) => listener.poll_accept(context).map(Some),
        }
    })
    .await
}

/// Waits until the server has come that far.
pub(super) async fn reached(stage: &mut watch::Receiver<Stage>, wanted: Stage) {
    // A server that is gone without a word has come to its end as well.
    let _ = stage.wait_for(|stage| *stage >= wanted).await;
}

/// Says that there are too many connections, whatever the request.
async fn refuse(mut stream: TcpStream, full: Full) -> io::Result<()> {
    let (status, text) = match full {
        Full::Total => ("503 Service Unavailable", "too many connections"),
        Full::Address => (
            "429 Too Many Requests",
            "too many connections from this address",
        ),
    };
    let body = format!(r#"{{"errors":[{{"code":"TOOMANYREQUESTS","message":"{text}"}}]}}"#);
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nRetry-After: 5\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    // So that it is read before the connection is reset.
    let mut dropped = [0; 1024];
    while stream.read(&mut dropped).await? > 0 {}
    Ok(())
}
