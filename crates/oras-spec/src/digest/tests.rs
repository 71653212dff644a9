use super::*;
use proptest::prelude::*;

fn check(text: &str, expected: Result<(), DigestError>) {
    assert_eq!(Digest::parse(text).map(|_| ()), expected, "{text:?}");
}

fn hex(len: usize) -> String {
    "0123456789abcdef".repeat(8)[..len].to_owned()
}

#[test]
fn grammar_table() {
    for valid in [
        format!("sha256:{}", hex(64)),
        format!("sha384:{}", hex(96)),
        format!("sha512:{}", hex(128)),
        format!("blake3:{}", hex(64)),
        "md5:abc".to_owned(),
        "multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8".to_owned(),
        "sha256+b64u:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564".to_owned(),
        "a.b_c-d+e:A=_-z".to_owned(),
    ] {
        check(&valid, Ok(()));
    }
    for malformed in [
        "",
        ":",
        "sha256",
        "sha256:",
        ":abc",
        "lid",
        "SHA256:abc",
        "a..b:c",
        "a+:c",
        "+a:c",
        "a:b:c",
        "a:b/c",
        "a:b c",
        "a:é",
        "é:a",
    ] {
        check(malformed, Err(DigestError::Format));
    }
}

#[test]
fn registered_algorithms_have_a_length_and_lower_case_digits() {
    check("sha256:00", Err(DigestError::Length));
    check(&format!("sha256:{}", hex(63)), Err(DigestError::Length));
    check(&format!("sha512:{}", hex(64)), Err(DigestError::Length));
    let upper = hex(64).to_uppercase();
    check(&format!("sha256:{upper}"), Err(DigestError::Format));
    check(&format!("sha256:g{}", hex(63)), Err(DigestError::Format));
}

#[test]
fn valid_is_not_verifiable() {
    let digest = Digest::parse("md5:abc").unwrap();
    assert_eq!(digest.verifier(), Err(DigestError::Unsupported));
    assert_eq!(
        digest.hasher().unwrap_err().to_string(),
        "unsupported digest algorithm"
    );
    assert_eq!(digest.algorithm(), "md5");
    assert_eq!(digest.encoded(), "abc");
}

#[test]
fn known_answers() {
    let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(Digest::sha256(b"").as_str(), empty);
    let abc384 = "sha384:cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7";
    assert_eq!(Digest::of(Algorithm::Sha384, b"abc").as_str(), abc384);
    let abc512 = "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
    assert_eq!(Digest::of(Algorithm::Sha512, b"abc").as_str(), abc512);
}

#[test]
fn a_cloned_hasher_is_a_checkpoint() {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.update(b"ab");
    let checkpoint = hasher.clone();
    hasher.update(b"c");
    assert_eq!(hasher.finish(), Digest::sha256(b"abc"));
    assert_eq!(checkpoint.finish(), Digest::sha256(b"ab"));
}

#[test]
fn short_form_is_for_sha256_only() {
    assert_eq!(Digest::sha256(b"").short(), "e3b0c44298fc");
    let sha512 = Digest::of(Algorithm::Sha512, b"");
    assert_eq!(sha512.short(), sha512.as_str());
}

#[test]
fn referrers_tag_is_always_a_tag() {
    let check = |digest: &str, tag: &str| {
        let digest = Digest::parse(digest).unwrap();
        assert_eq!(digest.referrers_tag(), tag);
        crate::validate_tag(tag).unwrap();
    };
    check(
        &format!("sha256:{}", hex(64)),
        &format!("sha256-{}", hex(64)),
    );
    check(
        &format!("sha512:{}", hex(128)),
        &format!("sha512-{}", hex(64)),
    );
    check("a+b:c=d", "a-b-c-d");
    let long = "a".repeat(40);
    check(
        &format!("{long}:{}", "B".repeat(200)),
        &format!("{}-{}", &long[..32], "B".repeat(64)),
    );
}

#[test]
fn sha384_is_only_verified() {
    assert!(!Algorithm::Sha384.creatable());
    assert!(Algorithm::Sha256.creatable() && Algorithm::Sha512.creatable());
}

#[test]
fn json_is_a_checked_string() {
    let digest = Digest::sha256(b"x");
    let json = serde_json::to_string(&digest).unwrap();
    assert_eq!(serde_json::from_str::<Digest>(&json).unwrap(), digest);
    let error = serde_json::from_str::<Digest>("\"sha256:00\"").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("invalid checksum digest length")
    );
}

#[test]
fn hashed_bytes_are_counted() {
    let Some(before) = hashed_bytes() else { return };
    let _ = Digest::sha256(&[0; 1000]);
    assert!(hashed_bytes() >= Some(before + 1000));
}

proptest! {
    #[test]
    fn whatever_parses_prints_as_it_was(text in "[a-z0-9.+_-]{1,12}:[A-Za-z0-9=_-]{1,12}|\\PC*") {
        if let Ok(digest) = Digest::parse(&text) {
            prop_assert_eq!(digest.to_string(), &text[..]);
            prop_assert_eq!(format!("{}:{}", digest.algorithm(), digest.encoded()), text);
            prop_assert!(crate::validate_tag(&digest.referrers_tag()).is_ok());
        }
    }

    #[test]
    fn hashing_in_pieces_changes_nothing(bytes: Vec<u8>, at: prop::sample::Index) {
        let (head, tail) = bytes.split_at(at.index(bytes.len() + 1));
        for algorithm in [Algorithm::Sha256, Algorithm::Sha384, Algorithm::Sha512] {
            let mut hasher = Hasher::new(algorithm);
            hasher.update(head);
            hasher.update(tail);
            let digest = hasher.finish();
            prop_assert_eq!(&digest, &Digest::of(algorithm, &bytes));
            prop_assert_eq!(digest.verifier(), Ok(algorithm));
        }
    }
}
