//! What is pushed and pulled: blobs that can't be compressed, and manifests of the usual size.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use oras_spec::{Algorithm, Digest, Hasher};
use serde_json::json;

const BUFFER: usize = 1024 * 1024;
const CONFIG: &[u8] = b"{}";
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Bytes with their digest.
pub(crate) struct Blob {
    pub(crate) digest: Digest,
    pub(crate) bytes: Vec<u8>,
}

impl Blob {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        let digest = Digest::sha256(&bytes);
        Self { digest, bytes }
    }

    /// Noise that depends on `seed` alone.
    pub(crate) fn noise(seed: u64, size: usize) -> Self {
        let mut bytes = vec![0; size];
        fill(seed, &mut bytes);
        Self::new(bytes)
    }

    /// The config that every manifest here has.
    pub(crate) fn config() -> Self {
        Self::new(CONFIG.to_vec())
    }

    fn descriptor(&self, media_type: &str) -> serde_json::Value {
        json!({
            "mediaType": media_type,
            "digest": self.digest.as_str(),
            "size": self.bytes.len(),
        })
    }
}

/// A manifest of `layers`.
pub(crate) fn manifest<'a>(layers: impl Iterator<Item = &'a Blob>, note: &str) -> Blob {
    let layers: Vec<_> = layers
        .map(|layer| layer.descriptor("application/vnd.oci.image.layer.v1.tar"))
        .collect();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": Blob::config().descriptor("application/vnd.oci.image.config.v1+json"),
        "layers": layers,
        "annotations": { "org.opencontainers.image.title": note },
    });
    Blob::new(manifest.to_string().into_bytes())
}

/// xorshift64*: quick, and noise enough for any compressor.
fn fill(seed: u64, bytes: &mut [u8]) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for piece in bytes.chunks_mut(8) {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        let word = state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes();
        piece.copy_from_slice(&word[..piece.len()]);
    }
}

/// A file of noise that is in the cache of the system.
pub(crate) fn noise_file(path: &Path, size: u64) -> io::Result<File> {
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)?;
    let mut buffer = vec![0; BUFFER];
    let mut left = size;
    while left > 0 {
        fill(left, &mut buffer);
        // Not more than the buffer has.
        let part = left.min(BUFFER as u64) as usize;
        file.write_all(&buffer[..part])?;
        left -= part as u64;
    }
    file.sync_all()?;
    Ok(file)
}

/// Fills the memory that a file of this size is going to take, and frees it. On a virtual machine whoever is the first to
/// use free memory waits until the host has given it back, which is nothing that a server can do something about.
pub(crate) fn warm_up(folder: &Path, size: u64) -> io::Result<()> {
    let path = folder.join("scratch");
    let mut file = File::create(&path)?;
    let zeros = vec![0; BUFFER / 2];
    for _ in 0..size.div_ceil(zeros.len() as u64) {
        file.write_all(&zeros)?;
    }
    fs::remove_file(path)
}

/// Changes the first bytes, so that the file is content that no server has seen.
pub(crate) fn renew(file: &mut File, mark: u64) -> io::Result<()> {
    file.rewind()?;
    file.write_all(&mark.to_le_bytes())
}

/// The digest of a file, and how long it took to compute.
pub(crate) fn hash(file: &mut File) -> io::Result<(Digest, Duration)> {
    let start = Instant::now();
    file.rewind()?;
    let mut hasher = Hasher::new(Algorithm::Sha256);
    let mut buffer = vec![0; BUFFER];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((hasher.finish(), start.elapsed())),
            read => hasher.update(&buffer[..read]),
        }
    }
}

/// Writes `count` repositories with a tagged manifest each, as OCI image layouts, without asking any server.
pub(crate) fn layouts(root: &Path, count: usize) -> io::Result<()> {
    let manifest = manifest(std::iter::empty(), "one of many");
    let mut entry = manifest.descriptor(MANIFEST);
    entry["annotations"] = json!({ "org.opencontainers.image.ref.name": "v1" });
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [entry],
    });
    for number in 0..count {
        // Two levels, as in real registries.
        let folder = root.join(format!("team{}/app{number}", number % 100));
        let blobs = folder.join("blobs/sha256");
        fs::create_dir_all(&blobs)?;
        fs::write(
            folder.join("oci-layout"),
            r#"{"imageLayoutVersion":"1.0.0"}"#,
        )?;
        fs::write(folder.join("index.json"), index.to_string())?;
        for blob in [&manifest, &Blob::config()] {
            fs::write(blobs.join(blob.digest.encoded()), &blob.bytes)?;
        }
    }
    Ok(())
}
