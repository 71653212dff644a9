//! The scripts that teach shells to ask.

/// The script of a shell; without descriptions if the shell shall not show any.
pub(crate) fn script(shell: &str, described: bool) -> Option<String> {
    let template = match shell {
        "bash" => include_str!("scripts/oras.bash"),
        "fish" => include_str!("scripts/oras.fish"),
        "powershell" => include_str!("scripts/oras.ps1"),
        "zsh" => include_str!("scripts/oras.zsh"),
        _ => return None,
    };
    let call = match described {
        true => "__complete",
        false => "__completeNoDesc",
    };
    Some(template.replace("@CALL@", call))
}
