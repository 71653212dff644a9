//! References and platforms as people type them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oras_spec::{Platform, Reference, go_quote};

fuzz_target!(|text: &str| {
    if let Ok(reference) = Reference::parse(text) {
        let printed = reference.to_string();
        let again = Reference::parse(&printed).expect("the printed form parses");
        assert_eq!(again.to_string(), printed);
        assert_eq!(again.name(), reference.name());
        assert_eq!(again.reference(), reference.reference());
        assert_eq!(Reference::parse_lenient(text).as_ref(), Ok(&reference));
        let repository = reference.clone().without_reference();
        assert_eq!(repository.relative(text).as_ref(), Ok(&reference));
    }
    if let Ok(platform) = Platform::parse(text, "amd64") {
        assert!(platform.matches(&platform));
        assert_eq!(
            Platform::parse(&platform.to_string(), "").as_ref(),
            Ok(&platform)
        );
    }
    let quoted = go_quote(text);
    assert!(quoted.len() >= text.len() + 2 && !quoted.contains(['\n', '\r', '\0', '\x1b']));
});
