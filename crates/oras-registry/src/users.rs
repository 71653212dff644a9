//! The text of a file of users: lines `name:hash`, as `htpasswd -B` writes them.
//!
//! ```
//! let text = oras_registry::users::set("# team\n", "ann", "open sesame")?;
//! assert!(text.starts_with("# team\nann:$2y$10$"));
//! # Ok::<(), oras_registry::users::UserError>(())
//! ```

/// Doublings of the work that one check of a password takes: about a twentieth of a second.
const COST: u32 = 10;
/// What bcrypt looks at, in bytes; more of a password would mean nothing.
const PASSWORD_BYTES: usize = 72;

/// Why a user can't get a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UserError {
    /// A name that a line can't hold.
    #[error(
        "{0:?} is not a user name: it must not be empty nor contain colons or control characters"
    )]
    Name(String),
    /// No password.
    #[error("the password is empty")]
    Empty,
    /// A password of which only the beginning would count.
    #[error("the password has more than {PASSWORD_BYTES} bytes")]
    Long,
    /// The password could not be hashed.
    #[error("cannot hash the password")]
    Hash(#[from] bcrypt::BcryptError),
}

/// `text` with this password for `user`, who is added if there is no such line. All other lines stay as they are.
///
/// # Errors
/// [`UserError`] if the name or the password can't be used.
pub fn set(text: &str, user: &str, password: &str) -> Result<String, UserError> {
    if user.is_empty()
        || user.starts_with('#')
        || user.contains([':', '\u{feff}'])
        || user.contains(char::is_control)
    {
        return Err(UserError::Name(user.to_owned()));
    }
    if password.is_empty() {
        return Err(UserError::Empty);
    }
    if password.len() > PASSWORD_BYTES {
        return Err(UserError::Long);
    }
    let hash = bcrypt::hash_with_result(password, COST)?.format_for_version(bcrypt::Version::TwoY);
    let is_user = |line: &str| line.split_once(':').is_some_and(|(name, _)| name == user);
    let mut lines: Vec<&str> = text.lines().collect();
    let entry = format!("{user}:{hash}");
    match lines.iter().position(|line| is_user(line)) {
        Some(at) => lines[at] = &entry,
        None => lines.push(&entry),
    }
    Ok(lines.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_added_or_replaced_and_the_rest_stays() {
        let text = set("", "ann", "first").unwrap();
        let both = set(&format!("# ours\n\n{text}"), "bob", "second").unwrap();
        assert!(
            both.starts_with(&format!("# ours\n\n{text}bob:$2y$10$")),
            "{both}"
        );
        let changed = set(&both, "ann", "third").unwrap();
        let lines: Vec<&str> = changed.lines().collect();
        assert_eq!(lines[3], both.lines().nth(3).unwrap());
        let hash = lines[2].strip_prefix("ann:").unwrap();
        assert!(bcrypt::verify("third", hash).unwrap());
        assert!(!bcrypt::verify("first", hash).unwrap());
    }

    #[test]
    fn what_a_line_cannot_hold_is_refused() {
        for name in ["", "a:b", "a\nb", "#a"] {
            assert!(
                matches!(set("", name, "x"), Err(UserError::Name(_))),
                "{name}"
            );
        }
        assert!(matches!(set("", "a", ""), Err(UserError::Empty)));
        assert!(set("", "a", &"x".repeat(72)).is_ok());
        assert!(matches!(
            set("", "a", &"x".repeat(73)),
            Err(UserError::Long)
        ));
    }
}
