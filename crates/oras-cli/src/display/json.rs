//! JSON for programs: the field order and the escapes are the reference tool's.

use std::collections::BTreeMap;

use oras::spec::{Annotations, Descriptor, json};
use serde::Serialize;
use serde_json::Value;

use crate::error::Error;

/// A descriptor with the reference that leads to it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DescriptorModel {
    reference: String,
    media_type: String,
    digest: String,
    size: u64,
    #[serde(skip_serializing_if = "Annotations::is_empty")]
    annotations: Annotations,
    #[serde(skip_serializing_if = "String::is_empty")]
    artifact_type: String,
}

impl DescriptorModel {
    /// `path` is what comes before the digest.
    pub(crate) fn new(path: &str, descriptor: &Descriptor) -> Self {
        Self {
            reference: format!("{path}@{}", descriptor.digest),
            media_type: descriptor.media_type.clone(),
            digest: descriptor.digest.to_string(),
            size: descriptor.size,
            annotations: descriptor.annotations.clone(),
            artifact_type: descriptor.artifact_type.clone().unwrap_or_default(),
        }
    }
}

/// The text of `model` for `--format json`: indented, with a final line end.
///
/// # Errors
/// None that can happen; encoding is fallible in general.
pub(crate) fn pretty<T: Serialize>(model: &T) -> Result<String, Error> {
    let bytes = json::to_vec_pretty(model).map_err(|error| Error::told(error.to_string()))?;
    let mut text = String::from_utf8_lossy(&bytes).trim_end().to_owned();
    text.push('\n');
    Ok(text)
}

/// Whether JSON is indented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// As it is.
    Raw,
    /// Indented by two spaces, with a final line end.
    Pretty,
}

impl Layout {
    pub(crate) fn of(pretty: bool) -> Self {
        if pretty { Self::Pretty } else { Self::Raw }
    }
}

/// The bytes to print for JSON content that came from elsewhere.
///
/// # Errors
/// If it is to be indented and is not JSON.
pub(crate) fn content(bytes: &[u8], layout: Layout) -> Result<Vec<u8>, Error> {
    if layout == Layout::Raw {
        return Ok(bytes.to_vec());
    }
    let mut pretty =
        json::indent(bytes).map_err(|error| Error::told(format!("failed to prettify: {error}")))?;
    pretty.push(b'\n');
    Ok(pretty)
}

/// The bytes to print for a descriptor.
///
/// # Errors
/// None that can happen; encoding is fallible in general.
pub(crate) fn descriptor(descriptor: &Descriptor, layout: Layout) -> Result<Vec<u8>, Error> {
    let bytes = json::to_vec(descriptor).map_err(|error| Error::told(error.to_string()))?;
    content(&bytes, layout)
}

/// A decoded value as the reference tool shows it again: keys sorted, every number a float.
pub(crate) fn generic(value: Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().map_or(Value::Number(number), Value::from),
        Value::Array(items) => items.into_iter().map(generic).collect(),
        Value::Object(fields) => {
            let sorted: BTreeMap<String, Value> = fields
                .into_iter()
                .map(|(key, value)| (key, generic(value)))
                .collect();
            Value::Object(sorted.into_iter().collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_has_a_reference_and_no_empty_fields() {
        let mut descriptor = Descriptor::of_bytes("a/b", b"{}");
        descriptor.annotations.insert("k".into(), "<v>".into());
        let text = pretty(&DescriptorModel::new("localhost:5000/r", &descriptor)).unwrap();
        let digest = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        let expected = format!(
            "{{\n  \"reference\": \"localhost:5000/r@{digest}\",\n  \"mediaType\": \"a/b\",\n  \"digest\": \"{digest}\",\n  \"size\": 2,\n  \"annotations\": {{\n    \"k\": \"\\u003cv\\u003e\"\n  }}\n}}\n"
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn decoded_values_have_sorted_keys_and_floats() {
        let value = serde_json::from_str(r#"{"b":1234567890123456789,"a":[2,1e30]}"#).unwrap();
        let expected = "{\n  \"a\": [\n    2,\n    1e+30\n  ],\n  \"b\": 1234567890123456800\n}\n";
        assert_eq!(pretty(&generic(value)).unwrap(), expected);
    }

    #[test]
    fn raw_json_is_not_touched() {
        assert_eq!(
            content(b"{ \"b\":1,\"a\":2 }", Layout::Raw).unwrap(),
            b"{ \"b\":1,\"a\":2 }"
        );
        assert_eq!(
            content(b"{ \"b\":1 }", Layout::Pretty).unwrap(),
            b"{\n  \"b\": 1\n}\n"
        );
        let error = content(b"no", Layout::Pretty)
            .unwrap_err()
            .into_failure()
            .text();
        assert!(
            error.starts_with("Error: failed to prettify: invalid character 'o'"),
            "{error}"
        );
    }
}
