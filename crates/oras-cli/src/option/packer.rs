//! Files and annotations that become a manifest.

use std::collections::BTreeMap;
use std::path::Path;

use oras::spec::Annotations;

use crate::error::{Error, Failure};
use crate::option::file::FileArg;
use crate::pflag::{Given, parse_int};

/// Flags of commands that pack files.
#[derive(Debug, clap::Args)]
pub(crate) struct PackerArgs {
    /// file with the config, and optionally its media type: path[:type]
    #[arg(long, value_name = "path", default_value = "")]
    pub(crate) config: String,
    #[command(flatten)]
    pub(crate) annotation: AnnotationArgs,
    /// JSON file with annotations for manifest, config and files
    #[arg(long, value_name = "path", default_value = "")]
    pub(crate) annotation_file: String,
    /// write the pushed manifest to this file
    #[arg(long, value_name = "path", default_value = "")]
    pub(crate) export_manifest: String,
    /// accept absolute paths of files
    #[arg(long)]
    pub(crate) disable_path_validation: bool,
    /// how many contents are handled at a time
    #[arg(long, default_value = "5", value_parser = parse_int)]
    pub(crate) concurrency: i64,
}

/// `--annotation`
#[derive(Debug, clap::Args)]
pub(crate) struct AnnotationArgs {
    /// manifest annotations: key=value
    #[arg(short, long)]
    pub(crate) annotation: Vec<String>,
}

/// Annotations by what they are for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct AnnotationSets {
    pub(crate) manifest: Annotations,
    pub(crate) config: Annotations,
    /// By the path as typed.
    pub(crate) files: BTreeMap<String, Annotations>,
}

impl PackerArgs {
    /// Checks the paths, then collects the annotations.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub(crate) fn check(&self, files: &[FileArg], given: &Given) -> Result<AnnotationSets, Error> {
        self.check_paths(files)?;
        if !self.annotation_file.is_empty() && given.has("annotation") {
            return Err(Error::told(
                "`--annotation` and `--annotation-file` cannot be both specified",
            ));
        }
        if !self.annotation_file.is_empty() {
            return from_file(&self.annotation_file);
        }
        let manifest = self.annotation.parse()?;
        Ok(AnnotationSets {
            manifest,
            ..AnnotationSets::default()
        })
    }

    /// The config, if one is given.
    ///
    /// # Errors
    /// If its path is empty.
    pub(crate) fn config(&self) -> Result<Option<FileArg>, Error> {
        match self.config.as_str() {
            "" => Ok(None),
            text => FileArg::parse(text).map(Some),
        }
    }

    fn check_paths(&self, files: &[FileArg]) -> Result<(), Error> {
        if self.disable_path_validation {
            return Ok(());
        }
        let absolute = files
            .iter()
            .map(|file| file.path.as_str())
            .filter(|path| Path::new(path).is_absolute());
        let absolute: Vec<&str> = absolute.collect();
        if absolute.is_empty() {
            return Ok(());
        }
        Err(Error::told(format!(
            "absolute file path detected. If it's intentional, use --disable-path-validation flag to skip this check: {}",
            absolute.join(", ")
        )))
    }
}

impl AnnotationArgs {
    /// # Errors
    /// If a text has no `=`, or a key comes twice.
    pub(crate) fn parse(&self) -> Result<Annotations, Error> {
        let mut annotations = Annotations::new();
        for text in &self.annotation {
            let Some((key, value)) = text.split_once('=') else {
                return Err(
                    Failure::new("annotation value doesn't match the required format")
                        .with_hint(
                            "Please use the correct format in the flag: --annotation \"key=value\"",
                        )
                        .into(),
                );
            };
            if annotations
                .insert(key.to_owned(), value.to_owned())
                .is_some()
            {
                return Err(Error::told(format!("duplicate annotation key: {key}, ")));
            }
        }
        Ok(annotations)
    }
}

/// Every level may be `null`.
type AnnotationFile = Option<BTreeMap<String, Option<BTreeMap<String, Option<String>>>>>;

fn from_file(path: &str) -> Result<AnnotationSets, Error> {
    let unreadable = || {
        Failure::new(format!("invalid annotation json file: failed to load annotations from {path}")).with_hint(
            "Annotation file doesn't match the required format. Please refer to the document at https://oras.land/docs/how_to_guides/manifest_annotations",
        )
    };
    let bytes = std::fs::read(path).map_err(|_| unreadable())?;
    // Only the first value counts, whatever follows.
    let mut values = serde_json::Deserializer::from_slice(&bytes).into_iter::<AnnotationFile>();
    let Some(Ok(file)) = values.next() else {
        return Err(unreadable().into());
    };
    let mut sets = AnnotationSets::default();
    for (key, annotations) in file.unwrap_or_default() {
        let annotations = annotations.unwrap_or_default();
        let annotations = annotations
            .into_iter()
            .map(|(key, value)| (key, value.unwrap_or_default()))
            .collect();
        match key.as_str() {
            "$manifest" => sets.manifest = annotations,
            "$config" => sets.config = annotations,
            _ => _ = sets.files.insert(key, annotations),
        }
    }
    Ok(sets)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn flags(texts: &[&str]) -> Result<Annotations, String> {
        let annotation = texts.iter().map(|text| (*text).to_owned()).collect();
        AnnotationArgs { annotation }
            .parse()
            .map_err(|error| error.into_failure().text())
    }

    #[test]
    fn annotations_split_at_the_first_equals_sign() {
        let parsed = flags(&["a=b=c", "empty=", "=nokey"]).unwrap();
        assert_eq!(
            parsed.into_iter().collect::<Vec<_>>(),
            [
                (String::new(), "nokey".into()),
                ("a".into(), "b=c".into()),
                ("empty".into(), String::new()),
            ]
        );
        assert_eq!(
            flags(&["foo=1", "foo=2"]).unwrap_err(),
            "Error: duplicate annotation key: foo, "
        );
        assert_eq!(
            flags(&["foo:bar"]).unwrap_err(),
            "Error: annotation value doesn't match the required format\nPlease use the correct format in the flag: --annotation \"key=value\"",
        );
    }

    fn file(content: &str) -> Result<AnnotationSets, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content.as_bytes()).unwrap();
        from_file(file.path().to_str().unwrap()).map_err(|error| error.into_failure().text())
    }

    #[test]
    fn the_annotation_file_has_three_kinds_of_keys() {
        let sets = file(
            r#"{"$manifest":{"m":"1"},"$config":{"c":null},"a.txt":{"f":"2"},"x":null} trailing"#,
        )
        .unwrap();
        assert_eq!(sets.manifest["m"], "1");
        assert_eq!(sets.config["c"], "");
        assert_eq!(sets.files["a.txt"]["f"], "2");
        assert_eq!(file("null").unwrap(), AnnotationSets::default());
    }

    #[test]
    fn a_bad_annotation_file_is_refused_with_a_pointer() {
        for content in ["", "[]", r#"{"$manifest":{"m":1}}"#] {
            let error = file(content).unwrap_err();
            assert!(
                error.starts_with(
                    "Error: invalid annotation json file: failed to load annotations from "
                ),
                "{error}"
            );
            assert!(
                error.contains("\nAnnotation file doesn't match the required format."),
                "{error}"
            );
        }
    }
}
