//! Paths as text: what they mean when no symbolic link is looked at.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// `path` without `.`, doubled slashes and those `..` that have something to take back. Empty for the current folder.
pub(crate) fn clean(path: &Path) -> PathBuf {
    let mut cleaned = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => match cleaned.components().next_back() {
                Some(Component::Normal(_)) => {
                    cleaned.pop();
                }
                // There is nothing above the root.
                Some(Component::RootDir | Component::Prefix(_)) => {}
                _ => cleaned.push(".."),
            },
            other => cleaned.push(other),
        }
    }
    cleaned
}

/// What is below `base` on the way to `path`, both cleaned; `None` if `path` is not inside.
pub(crate) fn inside(base: &Path, path: &Path) -> Option<PathBuf> {
    let rest = path.strip_prefix(base).ok()?;
    let plain = rest.components().all(|c| matches!(c, Component::Normal(_)));
    plain.then(|| rest.to_path_buf())
}

/// The bytes of a path, with slashes between its components.
pub(crate) fn slashed(path: &Path) -> Vec<u8> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        path.as_os_str().as_bytes().to_vec()
    }
    #[cfg(not(unix))]
    {
        path.to_string_lossy().replace('\\', "/").into_bytes()
    }
}

/// Bytes of an archive as part of a path; `None` if this system can't name a file so.
pub(crate) fn os_str(bytes: &[u8]) -> Option<&OsStr> {
    if bytes.contains(&0) {
        return None;
    }
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        Some(OsStr::from_bytes(bytes))
    }
    #[cfg(not(unix))]
    {
        std::str::from_utf8(bytes).ok().map(OsStr::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleaning_is_lexical() {
        let check = |path: &str, expected: &str| {
            assert_eq!(clean(Path::new(path)), Path::new(expected), "{path}");
        };
        check("a", "a");
        check("./a//b/.", "a/b");
        check("a/../b", "b");
        check("a/..", "");
        check(".", "");
        check("../x", "../x");
        check("a/../../x", "../x");
        check("../../x", "../../x");
        check("/../a", "/a");
        check("/", "/");
    }

    #[test]
    fn inside_means_below_by_components() {
        let check = |base: &str, path: &str| inside(Path::new(base), Path::new(path));
        assert_eq!(check("d", "d/x"), Some("x".into()));
        assert_eq!(check("d", "d"), Some("".into()));
        assert_eq!(check("d", "dx"), None);
        assert_eq!(check("", "../x"), None);
        assert_eq!(check("../d", "../d/x"), Some("x".into()));
        assert_eq!(check("", "/x"), None);
    }
}
