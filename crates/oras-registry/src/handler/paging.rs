//! Lists in pages (distribution-spec, "Listing Tags").

use http::StatusCode;
use oras_spec::ErrorCode;

use crate::call::Call;
use crate::failure::Failure;

/// How many entries a page has that was asked for: the parameter `n`, or `usual`, but never more than `most`.
pub(super) fn size(call: &Call, usual: usize, most: usize) -> Result<usize, Failure> {
    let Some(text) = call.parameter("n") else {
        return Ok(usual);
    };
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits {
        let text = "the parameter n is not a number";
        return Err(Failure::new(
            StatusCode::BAD_REQUEST,
            ErrorCode::UNSUPPORTED,
            text,
        ));
    }
    // Numbers beyond all bounds mean as many as possible.
    Ok(text.parse().unwrap_or(most).min(most))
}

/// Cuts a list that was asked for with one entry too many. The value of `Link` if there was one.
pub(super) fn cut(list: &mut Vec<String>, size: usize, path: &str) -> Option<String> {
    if list.len() <= size {
        return None;
    }
    list.truncate(size);
    let last = list.last()?;
    Some(format!("<{path}?n={size}&last={last}>; rel=\"next\""))
}
