//! Servers as processes of their own: this very program, told by the environment what to do.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use oras_registry::Registry;
use oras_registry::layout::{CollectOptions, Durability, LayoutDriver, LayoutOptions};
use oras_spec::{Descriptor, Digest, ImageManifest, json, media_type};

const SERVE: &str = "ORAS_REGISTRY_TEST_SERVE";
/// Tells it how long what nobody refers to is kept, in milliseconds, while collections run all the time.
const GRACE: &str = "ORAS_REGISTRY_TEST_GRACE";

/// Not a test but the server: serves a folder and cleans it all the time, until it is killed or its parent is gone.
#[tokio::test(flavor = "multi_thread")]
async fn server() {
    let Ok(folder) = std::env::var(SERVE) else {
        return;
    };
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    let mut options = LayoutOptions::default();
    options.durability = Durability::None;
    let grace = std::env::var(GRACE).unwrap().parse().unwrap();
    options.grace = Duration::from_millis(grace);
    let driver = LayoutDriver::open(folder, options).unwrap();
    let server = Registry::builder()
        .store(driver.clone())
        .start()
        .await
        .unwrap();
    println!("\nlistening {}", server.addr());
    loop {
        // Another server may be at it.
        let _ = driver.collect(CollectOptions::default()).await;
        tokio::task::yield_now().await;
    }
}

/// A server that can be killed.
pub(crate) struct Served {
    child: Child,
    addr: String,
    _parent: ChildStdin,
}

impl Served {
    pub(crate) fn start(folder: &Path, grace: Duration) -> Self {
        Self::start_under(&[], folder, grace)
    }

    /// Starts it by another program, which has to become it.
    pub(crate) fn start_under(wrapper: &[&OsStr], folder: &Path, grace: Duration) -> Self {
        let program = std::env::current_exe().unwrap();
        let mut words = wrapper.iter().copied().chain([program.as_os_str()]);
        let mut child = Command::new(words.next().unwrap())
            .args(words)
            .args([
                "processes::server",
                "--exact",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(GRACE, grace.as_millis().to_string())
            .env(SERVE, folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut addrs =
            lines.filter_map(|line| line.unwrap().strip_prefix("listening ").map(str::to_owned));
        let addr = addrs.next().expect("the server starts");
        let _parent = child.stdin.take().unwrap();
        Self {
            child,
            addr,
            _parent,
        }
    }

    /// As `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn client(&self) -> Client {
        Client(self.addr.clone())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends requests, each through a connection of its own.
#[derive(Clone)]
pub(crate) struct Client(String);

/// Status and body of an answer.
pub(crate) struct Reply(pub(crate) u16, pub(crate) Vec<u8>);

impl Client {
    /// The answer, if all of it arrives.
    pub(crate) fn send(&self, line: &str, media_type: &str, body: &[u8]) -> std::io::Result<Reply> {
        let mut stream = TcpStream::connect(&self.0)?;
        let length = body.len();
        let head = format!(
            "{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {media_type}\r\n\
             Content-Length: {length}\r\n\r\n"
        );
        stream.write_all(&[head.as_bytes(), body].concat())?;
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply)?;
        let cut = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
        let end = reply
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .ok_or_else(cut)?;
        let head = String::from_utf8_lossy(&reply[..end]).to_ascii_lowercase();
        let announced = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let body = reply.split_off(end + 4);
        match announced.and_then(|length| length.trim().parse().ok()) {
            Some(length) if body.len() < length => return Err(cut()),
            _ => {}
        }
        Ok(Reply(head[9..12].parse().map_err(|_| cut())?, body))
    }

    pub(crate) fn get(&self, path: &str) -> std::io::Result<Reply> {
        self.send(&format!("GET {path}"), "", b"")
    }

    /// Pushes an image with these layers under a tag, again if a collection has taken something away that was too slow.
    /// Its manifest, once that is acknowledged.
    pub(crate) fn push(
        &self,
        name: &str,
        reference: Option<&str>,
        layers: &[Vec<u8>],
        subject: Option<&Descriptor>,
    ) -> std::io::Result<(Descriptor, Vec<u8>)> {
        let blob = |content: &Vec<u8>| Descriptor::of_bytes(media_type::OCTET_STREAM, content);
        let config = Descriptor::of_bytes(media_type::EMPTY_JSON, b"{}");
        let mut manifest = ImageManifest::new(config, layers.iter().map(blob).collect());
        manifest.artifact_type = Some("a/t".to_owned());
        manifest.subject = subject.cloned();
        let bytes = json::to_vec(&manifest).unwrap();
        let descriptor = Descriptor::of_bytes(media_type::IMAGE_MANIFEST, &bytes);
        loop {
            for content in layers.iter().map(Vec::as_slice).chain([&b"{}"[..]]) {
                let digest = Digest::sha256(content);
                let line = format!("POST /v2/{name}/blobs/uploads/?digest={digest}");
                let reply = self.send(&line, media_type::OCTET_STREAM, content)?;
                assert_eq!(reply.0, 201, "{}", String::from_utf8_lossy(&reply.1));
            }
            let reference = reference.unwrap_or(descriptor.digest.as_str());
            let line = format!("PUT /v2/{name}/manifests/{reference}");
            let reply = self.send(&line, media_type::IMAGE_MANIFEST, &bytes)?;
            let text = String::from_utf8_lossy(&reply.1);
            match reply.0 {
                201 => return Ok((descriptor, bytes)),
                400 | 404 if text.contains("MANIFEST_BLOB_UNKNOWN") => {}
                status => panic!("{status}: {text}"),
            }
        }
    }
}
