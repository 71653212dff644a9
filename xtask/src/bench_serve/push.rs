//! Pushing, and making sure that it has arrived.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use oras_spec::Digest;

use super::content::{Blob, MANIFEST};
use super::http::{self, Connection};

const OCTETS: &str = "application/octet-stream";

/// Pushes blobs and then the manifest that needs them, over several connections; returns when all is acknowledged.
pub(crate) fn image(
    addr: SocketAddr,
    name: &str,
    blobs: &[Blob],
    manifest: &Blob,
    tag: &str,
    connections: usize,
) -> io::Result<Duration> {
    let next = AtomicUsize::new(0);
    let mut opened = Vec::new();
    for _ in 0..connections {
        opened.push(Connection::open(addr)?);
    }
    let start = Instant::now();
    std::thread::scope(|scope| {
        let workers: Vec<_> = opened
            .iter_mut()
            .map(|connection| {
                scope.spawn(|| -> io::Result<()> {
                    while let Some(blob) = blobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                        push_blob(connection, name, blob)?;
                    }
                    Ok(())
                })
            })
            .collect();
        workers.into_iter().try_for_each(|worker| {
            let ended = worker.join();
            ended.unwrap_or_else(|_| Err(io::Error::other("a connection of the push failed")))
        })
    })?;
    let connection = opened.first_mut().ok_or(io::ErrorKind::NotConnected)?;
    let path = format!("/v2/{name}/manifests/{tag}");
    let answer = connection.send("PUT", &path, MANIFEST, &manifest.bytes)?;
    answer.expect(201)?;
    Ok(start.elapsed())
}

fn push_blob(connection: &mut Connection, name: &str, blob: &Blob) -> io::Result<()> {
    let path = end_of(&open(connection, name)?, &blob.digest);
    let answer = connection.send("PUT", &path, OCTETS, &blob.bytes)?;
    answer.expect(201).map(drop)
}

/// Opens an upload session; its path.
fn open(connection: &mut Connection, name: &str) -> io::Result<String> {
    let path = format!("/v2/{name}/blobs/uploads/");
    let answer = connection.send("POST", &path, OCTETS, b"")?.expect(202)?;
    let location = answer.location.unwrap_or_default();
    // One server answers with a path, the other with an address.
    let from = location.find("/v2/").ok_or(io::ErrorKind::InvalidData)?;
    Ok(location[from..].to_owned())
}

/// The path that ends a session as the blob `digest`.
fn end_of(session: &str, digest: &Digest) -> String {
    let separator = if session.contains('?') { '&' } else { '?' };
    format!("{session}{separator}digest={digest}")
}

/// Whether a large file goes in one request whose length is known, or is streamed.
#[derive(Clone, Copy)]
pub(crate) enum Upload {
    Put,
    StreamedPatch,
}

/// Pushes a file as one blob; returns when it is acknowledged.
pub(crate) fn file(
    addr: SocketAddr,
    name: &str,
    file: &mut File,
    digest: &Digest,
    upload: Upload,
) -> io::Result<Duration> {
    let mut connection = Connection::open(addr)?;
    let start = Instant::now();
    let session = open(&mut connection, name)?;
    let answer = match upload {
        Upload::Put => connection.send_file(&end_of(&session, digest), file)?,
        Upload::StreamedPatch => {
            let answer = connection.stream_file(&session, file)?.expect(202)?;
            // The server may have moved the session.
            let location = answer.location.unwrap_or_default();
            let from = location.find("/v2/").ok_or(io::ErrorKind::InvalidData)?;
            connection.send("PUT", &end_of(&location[from..], digest), OCTETS, b"")?
        }
    };
    answer.expect(201)?;
    Ok(start.elapsed())
}

/// Reads everything back and compares it byte by byte.
pub(crate) fn verify(
    addr: SocketAddr,
    name: &str,
    blobs: &[Blob],
    manifest: &Blob,
    tag: &str,
) -> io::Result<()> {
    let mut connection = Connection::open(addr)?;
    let accept = [("Accept", MANIFEST)];
    let digest = &manifest.digest;
    let manifests = [
        (format!("/v2/{name}/manifests/{tag}"), manifest),
        (format!("/v2/{name}/manifests/{digest}"), manifest),
    ];
    let blobs = blobs
        .iter()
        .map(|blob| (format!("/v2/{name}/blobs/{}", blob.digest), blob));
    for (path, expected) in manifests.into_iter().chain(blobs) {
        let answer = connection.exchange(&http::request("GET", &path, &accept))?;
        if answer.expect(200)?.body != expected.bytes {
            return Err(io::Error::other(format!("{path} has other bytes")));
        }
    }
    Ok(())
}
