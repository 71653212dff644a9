//! An artifact: its manifest, what it holds and what refers to it.

use maud::{Markup, html};
use oras_spec::{Descriptor, RawManifest};

use super::address::Reference;
use super::frame::{self, View};
use super::{Seen, Visit, command, fact, file, kind, referrer, text};
use crate::failure::Failure;

/// How much of a manifest is shown as it is, in bytes.
const SHOWN: usize = 64 * 1024;
/// Lines of a manifest are indented no deeper than this, in levels.
const DEEPEST: usize = 16;

pub(super) async fn view(visit: &Visit<'_>, name: &str, reference: &Reference) -> Seen {
    let driver = &visit.shared.driver;
    let digest = match reference {
        Reference::Digest(digest) => Some(digest.clone()),
        Reference::Tag(tag) => driver.resolve_tag(name, tag).await?,
    };
    let digest = digest.ok_or_else(Failure::name_unknown)?;
    let found = driver.manifest(name, &digest).await?;
    let found = found.ok_or_else(Failure::name_unknown)?;
    let tree = referrer::tree(visit, name, &digest).await?;

    let size = found.bytes.len() as u64;
    let media_type = found.media_type;
    let descriptor = Descriptor::new(media_type.as_str(), digest.clone(), size);
    let raw = RawManifest::new(descriptor, found.bytes.clone()).ok();
    let manifest = raw.as_ref().map(RawManifest::manifest);
    let (mark, own) = match reference {
        Reference::Tag(tag) => (":", tag.as_str()),
        Reference::Digest(digest) => ("@", digest.short()),
    };
    Ok(View {
        title: format!("{name}{mark}{own}"),
        trail: frame::trail(name),
        body: html! {
            p.eyebrow { (manifest.map_or("Manifest", kind::label)) }
            h1 { (frame::name(name)) span.reference { span.mark { (mark) } (own) } }
            (command::of_artifact(&visit.host, name, reference, manifest))
            (fact::of_manifest(name, &media_type, &digest, size, raw.as_ref()))
            @match &raw {
                None => p.note { "This manifest can't be read. Its bytes are below." },
                Some(raw) => {
                    (file::contents(name, raw.manifest()))
                    (fact::annotations(raw.annotations()))
                }
            }
            (tree)
            (source(&found.bytes))
        },
    })
}

/// The bytes of a manifest as text.
fn source(bytes: &[u8]) -> Markup {
    let shown = &bytes[..bytes.len().min(SHOWN)];
    let shown = indent(&String::from_utf8_lossy(shown));
    html! {
        section {
            details {
                summary { h2 { "Raw manifest" } }
                pre id="raw" tabindex="0" { code { (text::lines(&shown, usize::MAX)) } }
                @if bytes.len() > SHOWN {
                    p.note { "Cut after " (text::size(SHOWN as u64)) " of " (text::size(bytes.len() as u64)) "." }
                }
            }
        }
    }
}

/// JSON with line breaks where they help. Nothing is parsed, so that nothing is lost, whatever it is.
fn indent(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let (mut quoted, mut escaped) = (false, false);
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth.min(DEEPEST)));
    };
    let mut rest = json.chars().filter(|c| !matches!(c, '\r')).peekable();
    while let Some(c) = rest.next() {
        if quoted {
            out.push(c);
            quoted = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        match c {
            ' ' | '\t' | '\n' => {}
            '{' | '[' => {
                out.push(c);
                while rest.next_if(|c| c.is_ascii_whitespace()).is_some() {}
                if let Some(end) = rest.next_if(|c| matches!(c, '}' | ']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            '"' => {
                quoted = true;
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::indent;

    #[test]
    fn json_gets_lines_and_keeps_everything_else() {
        let json = r#"{"a":{}, "b":[1,{"c":"x,{\"\\"}],"d":[ ] }"#;
        let expected = r#"{
  "a": {},
  "b": [
    1,
    {
      "c": "x,{\"\\"
    }
  ],
  "d": []
}"#;
        assert_eq!(indent(json), expected);
        assert_eq!(indent(expected), expected);
        assert_eq!(indent("]]\"\\"), "\n]\n]\"\\");
    }
}
