//! Digests from headers, manifests and file names.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oras_spec::{Digest, layout, validate_tag};

fuzz_target!(|text: &str| {
    let Ok(digest) = Digest::parse(text) else {
        return;
    };
    assert_eq!(digest.as_str(), text);
    assert_eq!(format!("{}:{}", digest.algorithm(), digest.encoded()), text);
    assert!(validate_tag(&digest.referrers_tag()).is_ok());
    assert!(text.ends_with(digest.short()) || text.contains(digest.short()));
    let path = layout::blob_path(&digest);
    assert_eq!(path.split('/').count(), 3);
    assert!(
        path.split('/')
            .all(|part| !part.is_empty() && !part.starts_with('.'))
    );
    let json = serde_json::to_string(&digest).expect("a digest is a string");
    assert_eq!(
        serde_json::from_str::<Digest>(&json).expect("it was a digest"),
        digest
    );
    if let Ok(algorithm) = digest.verifier() {
        assert_eq!(digest.encoded().len(), algorithm.hex_len());
    }
});
