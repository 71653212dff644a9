//! `cargo xtask bench-serve`: our server beside Debian's `docker-registry`, on the same disk, in alternation.
//!
//! Every round starts each server on an empty folder, fills it, and measures: requests per second and latency of what
//! clients read most, the time of large and of many small pushes, memory, and how soon it answers after its start.

mod content;
mod http;
mod load;
mod push;
mod report;
mod server;

use std::error::Error;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;
use tempfile::TempDir;

use content::{Blob, MANIFEST};
use push::Upload;
use report::{Goal, HASHING, Report, Unit};
use server::{Process, Server};

const CONNECTIONS: usize = 16;
const LARGE: u64 = 1024 * 1024 * 1024;
const SMALL_BLOBS: u64 = 1_000;
const REPOSITORIES: usize = 10_000;
/// A server is at rest after this time.
const REST: Duration = Duration::from_millis(500);
const NAME: &str = "bench/app";

const IDLE: &str = "memory, idle";
const PEAK: &str = "memory, most under load";
const READY: &str = "ready after start, empty folder";
const READY_MANY: &str = "ready with 10,000 repositories";
const MANY: &str = "push 1,000 blobs of 4 KiB + manifest";
const PUT: &str = "push 1 GiB, PUT";
const PATCH: &str = "push 1 GiB, streamed PATCH";

/// What is read under load, and how many times their requests per second ours should be.
const READINGS: [(&str, f64); 4] = [
    ("manifest by tag", 20.0),
    ("manifest by digest", 20.0),
    ("blob of 4 KiB", 60.0),
    ("blob of 1 MiB", 10.0),
];

type Failed = Box<dyn Error>;

/// What to measure; the defaults are what the numbers of the project were taken with.
struct Options {
    oras: PathBuf,
    peer: PathBuf,
    rounds: u64,
    seconds: f64,
    folder: PathBuf,
}

/// Measures, prints the table and keeps the raw numbers below `benches/results`.
pub(crate) fn run(workspace: &Path, arguments: impl Iterator<Item = String>) -> Result<(), Failed> {
    let options = Options::parse(workspace, arguments)?;
    let folder = TempDir::with_prefix_in("bench-serve-", &options.folder)?;
    let ours = Server::Oras(options.oras.clone());
    let theirs = Server::DockerRegistry(options.peer.clone());
    let mut bench = Bench::new(&options, folder.path())?;
    for round in 0..options.rounds {
        eprintln!("round {} of {}", round + 1, options.rounds);
        let servers = match round % 2 {
            0 => [&theirs, &ours],
            _ => [&ours, &theirs],
        };
        for server in servers {
            bench.round(server, round)?;
        }
    }
    bench.many_repositories(&ours)?;
    println!("{}", bench.report.table(ours.name(), theirs.name()));
    let path = save(workspace, &options, &bench.report)?;
    println!("raw results: {}", path.display());
    Ok(())
}

impl Options {
    fn parse(
        workspace: &Path,
        mut arguments: impl Iterator<Item = String>,
    ) -> Result<Self, Failed> {
        let mut options = Self {
            oras: workspace.join("target/release/oras"),
            peer: PathBuf::from("docker-registry"),
            rounds: 5,
            seconds: 2.0,
            folder: workspace.join("target"),
        };
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or(format!("{name} needs a value"))?;
            match name.as_str() {
                "--oras" => options.oras = value.into(),
                "--docker-registry" => options.peer = value.into(),
                "--rounds" => options.rounds = value.parse()?,
                "--seconds" => options.seconds = value.parse()?,
                "--folder" => options.folder = value.into(),
                _ => return Err(format!("unknown option {name}").into()),
            }
        }
        Ok(options)
    }
}

struct Bench<'a> {
    options: &'a Options,
    folder: &'a Path,
    report: Report,
    images: Vec<Image>,
    large: File,
    /// Makes content that no server has seen.
    fresh: u64,
}

/// A manifest with its blobs, under a tag of its own.
struct Image {
    tag: String,
    blobs: Vec<Blob>,
    manifest: Blob,
}

impl<'a> Bench<'a> {
    fn new(options: &'a Options, folder: &'a Path) -> io::Result<Self> {
        let images = (0..8).map(|number| {
            let small = (0..8).map(|layer| Blob::noise(1 + number * 8 + layer, 4 * 1024));
            let mut blobs: Vec<_> = small.collect();
            blobs.push(Blob::noise(1_000 + number, 1024 * 1024));
            let manifest = content::manifest(blobs.iter(), "bench");
            blobs.push(Blob::config());
            Image {
                tag: format!("v{number}"),
                blobs,
                manifest,
            }
        });
        Ok(Self {
            options,
            folder,
            report: rows(),
            images: images.collect(),
            large: content::noise_file(&folder.join("large"), LARGE)?,
            fresh: 1 << 32,
        })
    }

    fn round(&mut self, server: &Server, round: u64) -> io::Result<()> {
        let name = server.name();
        eprintln!("  {name}");
        let folder = self
            .folder
            .join(format!("{}-{round}", name.replace(' ', "-")));
        settle(self.folder)?;
        let process = server.start(&folder)?;
        self.report.add(READY, name, millis(process.ready));
        std::thread::sleep(REST);
        self.report.add(IDLE, name, mebibytes(process.resident()?));
        for image in &self.images {
            let Image {
                tag,
                blobs,
                manifest,
            } = image;
            push::image(process.addr, NAME, blobs, manifest, tag, 1)?;
            push::verify(process.addr, NAME, blobs, manifest, tag)?;
        }
        self.read(name, &process)?;
        self.push_many(name, &process)?;
        self.push_large(name, &process)?;
        self.report.add(PEAK, name, mebibytes(process.peak()?));
        drop(process);
        fs::remove_dir_all(&folder)
    }

    /// What clients read, under load.
    fn read(&mut self, name: &'static str, process: &Process) -> io::Result<()> {
        let manifest = |reference: &str, image: &Image| {
            let path = format!("/v2/{NAME}/manifests/{reference}");
            get(&path, &image.manifest)
        };
        let blobs = |size: usize| {
            let blobs = self.images.iter().flat_map(|image| &image.blobs);
            let blobs = blobs.filter(move |blob| blob.bytes.len() == size);
            blobs.map(|blob| get(&format!("/v2/{NAME}/blobs/{}", blob.digest), blob))
        };
        let images = self.images.iter();
        let readings: [Vec<_>; 4] = [
            images
                .clone()
                .map(|image| manifest(&image.tag, image))
                .collect(),
            images
                .map(|image| manifest(image.manifest.digest.as_str(), image))
                .collect(),
            blobs(4 * 1024).collect(),
            blobs(1024 * 1024).collect(),
        ];
        let time = Duration::from_secs_f64(self.options.seconds);
        for (requests, (row, _)) in readings.iter().zip(&READINGS) {
            let before = process.cpu()?;
            let load = load::run(process.addr, requests, CONNECTIONS, time)?;
            let cost = millis(process.cpu()? - before) / load.answered as f64;
            self.report.add(*row, name, load.per_second());
            self.report
                .add(format!("{row}, p50"), name, millis(load.p50));
            self.report
                .add(format!("{row}, p99"), name, millis(load.p99));
            self.report.add(format!("{row}, processor"), name, cost);
        }
        Ok(())
    }

    /// Many small blobs and the manifest that makes them last.
    fn push_many(&mut self, name: &'static str, process: &Process) -> io::Result<()> {
        settle(self.folder)?;
        let seeds = self.fresh..self.fresh + SMALL_BLOBS;
        self.fresh = seeds.end;
        let mut blobs: Vec<_> = seeds.map(|seed| Blob::noise(seed, 4 * 1024)).collect();
        let manifest = content::manifest(blobs.iter(), "many");
        blobs.push(Blob::config());
        let addr = process.addr;
        let took = push::image(addr, "bench/many", &blobs, &manifest, "v1", CONNECTIONS)?;
        self.report.add(MANY, name, millis(took));
        push::verify(addr, "bench/many", &blobs, &manifest, "v1")
    }

    fn push_large(&mut self, name: &'static str, process: &Process) -> io::Result<()> {
        for (row, upload) in [(PUT, Upload::Put), (PATCH, Upload::StreamedPatch)] {
            self.fresh += 1;
            content::renew(&mut self.large, self.fresh)?;
            settle(self.folder)?;
            content::warm_up(self.folder, LARGE)?;
            let (digest, took) = content::hash(&mut self.large)?;
            self.report.add(HASHING, Server::OURS, millis(took));
            let addr = process.addr;
            let took = push::file(addr, "bench/large", &mut self.large, &digest, upload)?;
            self.report.add(row, name, millis(took));
        }
        Ok(())
    }

    fn many_repositories(&mut self, server: &Server) -> io::Result<()> {
        eprintln!("many repositories");
        let folder = self.folder.join("many");
        content::layouts(&folder, REPOSITORIES)?;
        for _ in 0..self.options.rounds {
            let process = server.start(&folder)?;
            self.report
                .add(READY_MANY, server.name(), millis(process.ready));
        }
        fs::remove_dir_all(&folder)
    }
}

fn rows() -> Report {
    let mut report = Report::default();
    for (row, times) in READINGS {
        report.row(row, Unit::PerSecond, Goal::TimesTheirs(times));
        report.row(format!("{row}, p50"), Unit::Millis, Goal::None);
        report.row(format!("{row}, p99"), Unit::Millis, Goal::PartOfTheirs(1.0));
        report.row(format!("{row}, processor"), Unit::Millis, Goal::None);
    }
    report.row(MANY, Unit::Millis, Goal::PartOfTheirs(1.0 / 3.0));
    report.row(HASHING, Unit::Millis, Goal::None);
    report.row(PUT, Unit::Millis, Goal::TimesHashing(1.2));
    report.row(PATCH, Unit::Millis, Goal::TimesHashing(1.2));
    report.row(IDLE, Unit::Mebibytes, Goal::AtMost(12.0));
    report.row(PEAK, Unit::Mebibytes, Goal::AtMost(64.0));
    report.row(READY, Unit::Millis, Goal::AtMost(15.0));
    report.row(READY_MANY, Unit::Millis, Goal::AtMost(1_000.0));
    report
}

fn get(path: &str, expected: &Blob) -> load::Request {
    load::Request {
        bytes: http::request("GET", path, &[("Accept", MANIFEST)]),
        body: expected.bytes.len() as u64,
    }
}

/// Waits until the disk has what was written before, so that nobody pays for others.
fn settle(folder: &Path) -> io::Result<()> {
    match Command::new("sync")
        .arg("--file-system")
        .arg(folder)
        .status()?
        .success()
    {
        true => Ok(()),
        false => Err(io::Error::other("sync failed")),
    }
}

fn save(workspace: &Path, options: &Options, report: &Report) -> Result<PathBuf, Failed> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let folder = workspace.join("benches/results");
    fs::create_dir_all(&folder)?;
    let path = folder.join(format!("serve-{now}.json"));
    let cores = std::thread::available_parallelism()?.get();
    let results = json!({
        "taken": now,
        "cores": cores,
        "connections": CONNECTIONS,
        "rounds": options.rounds,
        "seconds": options.seconds,
        "rows": report.raw(),
    });
    fs::write(&path, serde_json::to_string_pretty(&results)?)?;
    Ok(path)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}
