//! Debian's `docker-registry` (distribution 2.8): no referrers API, so it shows the tag schema.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{PASSWORD, Tool, USER};

const DEADLINE: Duration = Duration::from_secs(20);
static SEQUENCE: AtomicU32 = AtomicU32::new(0);

/// A `docker-registry` process with storage of its own, ended and removed on drop.
pub struct DockerRegistry {
    child: Child,
    dir: TempDir,
    port: u16,
}

impl DockerRegistry {
    /// A registry for everyone, deletion enabled.
    ///
    /// # Panics
    /// When `docker-registry` is not installed or does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::launch(folder(), "")
    }

    /// A registry that wants basic authentication of [`USER`] with [`PASSWORD`].
    ///
    /// # Panics
    /// When `docker-registry` or `htpasswd` is not installed or does not start.
    #[must_use]
    pub fn with_auth() -> Self {
        let htpasswd = Tool::find("htpasswd")
            .unwrap_or_else(|| panic!("htpasswd is not installed: run `make test`"));
        let dir = folder();
        let file = dir.path().join("htpasswd");
        fs::write(&file, htpasswd.run(["-nbB", "-C", "4", USER, PASSWORD]))
            .expect("write htpasswd");
        let auth = format!(
            "auth:\n  htpasswd:\n    realm: oras-test\n    path: {}\n",
            file.display()
        );
        Self::launch(dir, &auth)
    }

    /// `localhost:PORT`. The name matters: only `localhost` is spoken to without TLS unless a flag says so.
    #[must_use]
    pub fn addr(&self) -> String {
        format!("localhost:{}", self.port)
    }

    /// `localhost:PORT/name`.
    #[must_use]
    pub fn reference(&self, name: &str) -> String {
        format!("{}/{name}", self.addr())
    }

    /// The TCP port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The requests answered so far, as `METHOD /path`, in the order of their ends.
    ///
    /// # Panics
    /// When the log can't be read.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        let log = fs::read_to_string(self.dir.path().join("access.log")).expect("the access log");
        // Apache's combined format: the request line is the first quoted text.
        let lines = log.lines().filter_map(|line| line.split('"').nth(1));
        lines
            .map(|line| line.trim_end_matches(" HTTP/1.1").to_owned())
            .collect()
    }

    fn launch(dir: TempDir, auth: &str) -> Self {
        let (child, port) = start_in(&dir, auth);
        Self { child, dir, port }
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn folder() -> TempDir {
    TempDir::with_prefix("oras-registry-").expect("a folder for the registry")
}

/// Starts the program on a port that was free a moment ago, and again on another one if somebody was faster.
fn start_in(dir: &TempDir, auth: &str) -> (Child, u16) {
    let program = Tool::find("docker-registry")
        .unwrap_or_else(|| panic!("docker-registry is not installed: run `make test`, or `apt-get install docker-registry`"));
    let deadline = Instant::now() + DEADLINE;
    loop {
        let port = free_port();
        let mark = format!(
            "{}-{}",
            std::process::id(),
            SEQUENCE.fetch_add(1, Ordering::Relaxed)
        );
        let config = dir.path().join("config.yml");
        fs::write(&config, configuration(dir, port, &mark, auth)).expect("write the configuration");
        let log =
            |name: &str| Stdio::from(File::create(dir.path().join(name)).expect("a log file"));
        let mut child = Command::new(program.path())
            .arg("serve")
            .arg(&config)
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdin(Stdio::null())
            .stdout(log("access.log"))
            .stderr(log("error.log"))
            .spawn()
            .unwrap_or_else(|e| panic!("docker-registry does not start: {e}"));
        if answers(&mut child, port, &mark, deadline) {
            return (child, port);
        }
        drop(child.kill());
        drop(child.wait());
        let said = fs::read_to_string(dir.path().join("error.log")).unwrap_or_default();
        assert!(
            Instant::now() < deadline,
            "docker-registry does not answer:\n{said}"
        );
    }
}

fn configuration(dir: &TempDir, port: u16, mark: &str, auth: &str) -> String {
    let storage = dir.path().join("storage").display().to_string();
    format!(
        "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {storage}\n  \
         delete:\n    enabled: true\n  maintenance:\n    uploadpurging:\n      enabled: false\n\
         http:\n  addr: 127.0.0.1:{port}\n  secret: oras-test\n  headers:\n    X-Testkit: [\"{mark}\"]\n{auth}"
    )
}

/// Polls until *this* process answers on the port: two tests may have been given the same one.
fn answers(child: &mut Child, port: u16, mark: &str, deadline: Instant) -> bool {
    while Instant::now() < deadline {
        if child.try_wait().expect("wait for the registry").is_some() {
            return false;
        }
        match ping(port) {
            Some(answer) if answer.contains(mark) => return true,
            Some(_) => return false,
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    }
    false
}

fn ping(port: u16) -> Option<String> {
    let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    socket.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    socket
        .write_all(b"GET /v2/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .ok()?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).ok()?;
    Some(answer)
}

/// A port that nobody listens on at this moment.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("the address").port()
}

#[cfg(test)]
mod tests {
    use super::{DockerRegistry, ping};

    #[test]
    fn a_registry_starts_and_logs_its_requests() {
        let registry = DockerRegistry::start();
        assert!(ping(registry.port()).unwrap().starts_with("HTTP/1.1 200"));
        assert!(registry.requests().iter().all(|line| line == "GET /v2/"));
    }

    #[test]
    fn a_registry_with_auth_refuses_strangers() {
        let registry = DockerRegistry::with_auth();
        assert!(ping(registry.port()).unwrap().starts_with("HTTP/1.1 401"));
    }
}
