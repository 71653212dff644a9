//! What clients call this registry: what is a host, and what is not.

use std::net::Ipv6Addr;

/// The longest name of the DNS (RFC 1035, section 2.3.4), and a port.
const LONGEST: usize = 253 + 6;

/// Whether it is a name or address, with a port or without. Stricter than URLs are, since people paste it into shells and
/// it stands between quotes in headers.
pub(crate) fn is_host(text: &str) -> bool {
    if text.len() > LONGEST {
        return false;
    }
    if let Some(rest) = text.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else {
            return false;
        };
        let port_is_good = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return address.parse::<Ipv6Addr>().is_ok() && port_is_good;
    }
    match text.split_once(':') {
        Some((name, port)) => is_name(name) && is_port(port),
        None => is_name(text),
    }
}

fn is_name(text: &str) -> bool {
    // A name may end with the root, which is empty.
    let text = text.strip_suffix('.').unwrap_or(text);
    text.split('.').all(|label| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        label.bytes().all(inner) && !label.is_empty() && !label.starts_with('-')
    })
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_are_hosts() {
        for good in [
            "localhost",
            "localhost:5000",
            "a.b-c.example:443",
            "a.example.",
            "a.example.:443",
            "127.0.0.1:1",
            "[::1]",
            "[::1]:80",
        ] {
            assert!(is_host(good), "{good}");
        }
        for bad in [
            "", ":80", "a:", "a:b", "a:99999", "a b", "$(id)", "a;id", "a/b", "u@a", "[::1", "[x]",
            "-rf", "a..b", ".", "a..", "a\"b", "<b>", "é",
        ] {
            assert!(!is_host(bad), "{bad}");
        }
        assert!(!is_host(&"a".repeat(300)));
    }
}
