//! The table of direct referrers, deprecated in favour of the tree.

use std::fmt::Write as _;

use oras::spec::{Descriptor, json};

/// Whether the descriptor follows each row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rows {
    WithDescriptor,
    Short,
}

const TITLE: &str = "Artifact Type";

/// The lines of the table, each with a line end. `raw` is the subject as typed.
pub(crate) fn render(
    raw: &str,
    subject: &Descriptor,
    referrers: &[&Descriptor],
    rows: Rows,
) -> String {
    let plural = if referrers.len() == 1 { "" } else { "s" };
    let mut text = format!(
        "Discovered {} artifact{plural} referencing {raw}\nDigest: {}\n",
        referrers.len(),
        subject.digest
    );
    if referrers.is_empty() {
        return text;
    }
    let kind = |referrer: &Descriptor| referrer.artifact_type.clone().unwrap_or_default();
    let width = referrers
        .iter()
        .map(|referrer| kind(referrer).chars().count())
        .max()
        .unwrap_or(0);
    let width = width.max(TITLE.len());
    let _ = writeln!(text, "\n{TITLE:width$}   Digest");
    for referrer in referrers {
        let _ = writeln!(text, "{:width$}   {}", kind(referrer), referrer.digest);
        if rows == Rows::WithDescriptor {
            let pretty = json::to_vec_pretty(referrer).unwrap_or_default();
            let _ = writeln!(text, "{}", String::from_utf8_lossy(&pretty));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_the_longest_type() {
        let subject = Descriptor::of_bytes("m/t", b"subject");
        let untyped = Descriptor::of_bytes("m/t", b"a");
        let mut typed = Descriptor::of_bytes("m/t", b"b");
        typed.artifact_type = Some("a/very-long-artifact-type".into());
        let text = render("r:v1", &subject, &[&untyped, &typed], Rows::Short);
        let expected = format!(
            "Discovered 2 artifacts referencing r:v1\nDigest: {}\n\nArtifact Type               Digest\n                            {}\na/very-long-artifact-type   {}\n",
            subject.digest, untyped.digest, typed.digest
        );
        assert_eq!(text, expected);
        assert!(
            render("r:v1", &subject, &[&typed], Rows::WithDescriptor)
                .contains("\n{\n  \"mediaType\": \"m/t\",")
        );
        assert_eq!(
            render("r:v1", &subject, &[], Rows::Short),
            format!(
                "Discovered 0 artifacts referencing r:v1\nDigest: {}\n",
                subject.digest
            )
        );
    }
}
