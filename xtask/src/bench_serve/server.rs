//! The servers as processes, and what the system says about them.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::http::{self, Connection};

/// A server that needs longer than this to start has failed.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often a server is asked that can't say when it is ready.
const PAUSE: Duration = Duration::from_micros(200);
/// The unit of the times in `/proc/<pid>/stat`, which Linux never changes.
const TICKS_PER_SECOND: u64 = 100;

/// A registry to measure.
#[derive(Clone)]
pub(crate) enum Server {
    /// Ours.
    Oras(PathBuf),
    /// Debian's `docker-registry`.
    DockerRegistry(PathBuf),
}

impl Server {
    /// What ours is called in the report.
    pub(crate) const OURS: &str = "oras serve";

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Oras(_) => Self::OURS,
            Self::DockerRegistry(_) => "docker-registry",
        }
    }

    /// Starts it on `folder` and waits until it answers.
    pub(crate) fn start(&self, folder: &Path) -> io::Result<Process> {
        fs::create_dir_all(folder)?;
        let mut command = match self {
            Self::Oras(program) => {
                let mut command = Command::new(program);
                command.arg("serve").arg(folder);
                command
                    .args(["--addr", "127.0.0.1:0"])
                    .stdout(Stdio::piped());
                command
            }
            Self::DockerRegistry(program) => {
                let addr = free_addr()?;
                let config = folder.with_extension("yml");
                fs::write(&config, configuration(&folder.join("storage"), addr))?;
                let mut command = Command::new(program);
                command.arg("serve").arg(config).stdout(Stdio::null());
                command.env("OTEL_TRACES_EXPORTER", "none");
                return Process::spawn(&mut command, Some(addr));
            }
        };
        Process::spawn(&mut command, None)
    }
}

/// A server that runs; ended on drop.
pub(crate) struct Process {
    child: Child,
    pub(crate) addr: SocketAddr,
    /// How long it took from the start of the process to the first answer.
    pub(crate) ready: Duration,
}

impl Process {
    /// Starts a program that listens at `addr`, or else prints where.
    fn spawn(command: &mut Command, addr: Option<SocketAddr>) -> io::Result<Self> {
        let start = Instant::now();
        let child = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let mut process = Self {
            child,
            addr: addr.unwrap_or_else(|| (Ipv4Addr::UNSPECIFIED, 0).into()),
            ready: Duration::ZERO,
        };
        if addr.is_none() {
            process.addr = process.printed_addr()?;
        }
        while let Err(error) = ping(process.addr) {
            if start.elapsed() > PATIENCE || process.child.try_wait()?.is_some() {
                return Err(error);
            }
            std::thread::sleep(PAUSE);
        }
        process.ready = start.elapsed();
        Ok(process)
    }

    fn printed_addr(&mut self) -> io::Result<SocketAddr> {
        let stdout = self.child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut lines = BufReader::new(stdout).lines();
        let addr = loop {
            let line = lines.next().ok_or(io::ErrorKind::UnexpectedEof)??;
            let found = line.split("127.0.0.1:").nth(1).and_then(|rest| {
                let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
                digits.parse::<u16>().ok()
            });
            if let Some(port) = found {
                break SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            }
        };
        // Whatever else it prints must find a reader.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Ok(addr)
    }

    /// Memory it has now, in bytes.
    pub(crate) fn resident(&self) -> io::Result<u64> {
        self.status("VmRSS:")
    }

    /// The most memory it has had, in bytes.
    pub(crate) fn peak(&self) -> io::Result<u64> {
        self.status("VmHWM:")
    }

    fn status(&self, field: &str) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let value = status.lines().find_map(|line| line.strip_prefix(field));
        let kib = value.and_then(|value| value.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kib.map(|kib| kib * 1024)
            .ok_or_else(|| io::Error::other(format!("{field} is missing")))
    }

    /// Processor time it has used so far.
    pub(crate) fn cpu(&self) -> io::Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name of the program, in parentheses, may contain anything.
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        Ok(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn ping(addr: SocketAddr) -> io::Result<()> {
    let mut connection = Connection::open(addr)?;
    let answer = connection.exchange(&http::request("GET", "/v2/", &[]))?;
    answer.expect(200).map(drop)
}

fn free_addr() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// Without access log or cache: as quick as it gets on a folder.
fn configuration(storage: &Path, addr: SocketAddr) -> String {
    format!(
        "version: 0.1\nlog:\n  level: error\n  accesslog:\n    disabled: true\nstorage:\n  \
         filesystem:\n    rootdirectory: {}\n  delete:\n    enabled: true\n  maintenance:\n    \
         uploadpurging:\n      enabled: false\nhttp:\n  addr: {addr}\n  secret: bench\n",
        storage.display()
    )
}
