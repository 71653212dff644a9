//! The rules that hold for the house as a whole: arrows between crates point down, files stay readable.

use std::fs;
use std::path::{Path, PathBuf};

/// Each crate and the rows below it that it may stand on. Whoever adds a crate adds its row.
///
/// ```text
///            oras-cli
///        ┌──────┴──────┐
///       oras     oras-registry
///        │             │
///   oras-remote        │
///     │      │         │
/// oras-http oras-content
///              │
///          oras-spec
/// ```
const ARROWS: &[(&str, &[&str])] = &[
    ("oras-spec", &[]),
    ("oras-http", &[]),
    ("oras-content", &["oras-spec"]),
    ("oras-remote", &["oras-spec", "oras-http", "oras-content"]),
    (
        "oras",
        &["oras-spec", "oras-http", "oras-content", "oras-remote"],
    ),
    ("oras-registry", &["oras-spec", "oras-content"]),
    ("oras-template", &[]),
    ("oras-cli", &["oras", "oras-registry", "oras-template"]),
    ("oras-testkit", &["oras-spec", "oras-content"]),
    ("xtask", &["oras-spec"]),
];

/// A file longer than this holds two thoughts. Most should have a third of it.
const LINES_AT_MOST: usize = 700;

/// Everything that breaks a rule, a line each.
pub(crate) fn problems(workspace: &Path) -> Vec<String> {
    let mut problems = Vec::new();
    let mut manifests = vec![workspace.join("xtask/Cargo.toml")];
    manifests.extend(
        below(&workspace.join("crates"))
            .into_iter()
            .map(|dir| dir.join("Cargo.toml")),
    );
    for manifest in manifests {
        match fs::read_to_string(&manifest) {
            Ok(text) => problems.extend(wrong_arrows(&text)),
            Err(e) => problems.push(format!("{}: {e}", manifest.display())),
        }
    }
    for dir in below(&workspace.join("crates")) {
        problems.extend(long_files(&dir.join("src")));
    }
    problems
}

/// The dependencies in one Cargo.toml that the picture does not have. Development dependencies may point anywhere.
fn wrong_arrows(manifest: &str) -> Vec<String> {
    let members = ARROWS.iter().map(|(name, _)| *name);
    let Some(name) = package_name(manifest) else {
        return vec!["a Cargo.toml without a package name".to_owned()];
    };
    let Some((_, allowed)) = ARROWS.iter().find(|(member, _)| *member == name) else {
        return vec![format!(
            "{name} has no row in xtask/src/tidy.rs: where does it stand?"
        )];
    };
    let wrong = members.filter(|member| depends_on(manifest, member) && !allowed.contains(member));
    wrong
        .map(|member| {
            format!("{name} must not depend on {member}: arrows point down (ARCHITECTURE.md)")
        })
        .collect()
}

fn package_name(manifest: &str) -> Option<&str> {
    let mut lines = manifest
        .lines()
        .skip_while(|line| line.trim() != "[package]");
    lines.find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
}

/// Whether `member` is a normal or build dependency, in any of the ways TOML has to write one.
fn depends_on(manifest: &str, member: &str) -> bool {
    let mut section = "";
    for line in manifest.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            section = header.trim_end_matches(']');
            if is_dependencies(section.trim_end_matches(member).trim_end_matches('.'))
                && section.ends_with(&format!(".{member}"))
            {
                return true;
            }
            continue;
        }
        let key = line
            .split(['=', '.'])
            .next()
            .unwrap_or_default()
            .trim()
            .trim_matches('"');
        let renamed = line.contains(&format!("package = \"{member}\""));
        if is_dependencies(section) && (key == member || renamed) {
            return true;
        }
    }
    false
}

/// `[dependencies]`, `[build-dependencies]` and both below `[target.…]`, but no development dependencies.
fn is_dependencies(section: &str) -> bool {
    let table = section.rsplit('.').next().unwrap_or_default();
    matches!(table, "dependencies" | "build-dependencies")
}

/// The files of Rust below `dir` with too many lines.
fn long_files(dir: &Path) -> Vec<String> {
    let mut problems = Vec::new();
    for path in below(dir) {
        if path.is_dir() {
            problems.extend(long_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let lines = fs::read_to_string(&path).map_or(0, |text| text.lines().count());
            if lines > LINES_AT_MOST {
                problems.push(format!(
                    "{} has {lines} lines: look for the second thought in it",
                    path.display()
                ));
            }
        }
    }
    problems
}

/// What a folder holds, in order; nothing if there is no such folder.
fn below(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|item| item.path())
        .collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::{problems, wrong_arrows};

    #[test]
    fn the_workspace_is_tidy() {
        let found = problems(crate::workspace());
        assert!(found.is_empty(), "{}", found.join("\n"));
    }

    #[test]
    fn an_arrow_that_points_up_is_found_however_it_is_written() {
        let head = "[package]\nname = \"oras-content\"\n";
        for arrow in [
            "[dependencies]\noras-remote.workspace = true",
            "[dependencies]\noras = { path = \"../oras\" }",
            "[dependencies]\nx = { package = \"oras-cli\", path = \"../oras-cli\" }",
            "[dependencies.oras-remote]\nworkspace = true",
            "[build-dependencies]\noras-testkit.workspace = true",
            "[target.'cfg(unix)'.dependencies]\noras-http.workspace = true",
        ] {
            assert_eq!(
                wrong_arrows(&format!("{head}{arrow}\n")).len(),
                1,
                "{arrow}"
            );
        }
    }

    #[test]
    fn arrows_down_and_development_dependencies_are_fine() {
        let manifest = "[package]\nname = \"oras-content\"\n[dependencies]\noras-spec.workspace = true\n\
                        [dev-dependencies]\noras-testkit.workspace = true\n[dev-dependencies.oras]\nworkspace = true\n";
        assert_eq!(wrong_arrows(manifest), Vec::<String>::new());
    }

    #[test]
    fn a_crate_without_a_row_is_found() {
        assert_eq!(wrong_arrows("[package]\nname = \"oras-new\"\n").len(), 1);
    }
}
