//! Which bytes of an upload a request brings, and receiving them (distribution-spec, end-5 and end-6).

use std::pin::pin;
use std::time::Duration;

use http::header::CONTENT_RANGE;
use tokio::time::Instant;

use crate::call::Call;
use crate::clock::Clock;
use crate::driver::UploadWriter;
use crate::failure::Failure;
use crate::limits::Limits;
use crate::session::Turn;

/// After so much silence what a client has sent is in its session, for whoever asks how far it is.
const SILENCE: Duration = Duration::from_secs(1);

/// The bytes that `Content-Range` announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    /// Where they belong.
    pub(super) start: u64,
    /// How many they are, at least one.
    pub(super) length: u64,
}

/// What a request says about its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Announced {
    /// Nothing: they come after what is there.
    Next,
    /// Where they belong.
    At(Chunk),
    /// Nothing that can be understood.
    Nonsense,
}

/// Reads `Content-Range`: `first-last`, and as an alias the spelling of RFC 9110, `bytes first-last/size`.
///
/// # Errors
/// 400 if `Content-Length` says something else.
pub(super) fn announced(call: &Call) -> Result<Announced, Failure> {
    if !call.headers.contains_key(CONTENT_RANGE) {
        return Ok(Announced::Next);
    }
    let Some(chunk) = call.header(CONTENT_RANGE).and_then(parse) else {
        return Ok(Announced::Nonsense);
    };
    if call
        .content_length()
        .is_some_and(|length| length != chunk.length)
    {
        return Err(Failure::bad_size("Content-Range and Content-Length differ"));
    }
    Ok(Announced::At(chunk))
}

fn parse(header: &str) -> Option<Chunk> {
    let range = match header.strip_prefix("bytes ") {
        Some(range) => range.split_once('/')?.0,
        None => header,
    };
    let (first, last) = range.split_once('-')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(first) || !digits(last) {
        return None;
    }
    let (start, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    let length = last.checked_sub(start)?.checked_add(1)?;
    Some(Chunk { start, length })
}

/// Writes the body of a request to a session, until it ends, breaks or another request takes over.
///
/// # Errors
/// 413 for a blob beyond its limit, 400 if the body has not the announced length: then nothing of it is kept.
/// A body that breaks is a failure as well, but what arrived is kept.
pub(super) async fn receive(
    call: &mut Call,
    writer: &mut Box<dyn UploadWriter>,
    turn: &mut Turn,
    announced: Announced,
    limits: &Limits,
) -> Result<(), Failure> {
    let limit = limits.blob_bytes;
    let declared = match announced {
        Announced::At(chunk) => Some(chunk.length),
        _ => None,
    };
    let room = limit.saturating_sub(writer.offset());
    if call
        .content_length()
        .or(declared)
        .is_some_and(|length| length > room)
    {
        return Err(Failure::too_large(limit));
    }
    let mut received = 0;
    let mut clock = Clock::default();
    loop {
        let (mut next, since) = (pin!(call.next()), Instant::now());
        let mut all_there = false;
        let data = loop {
            tokio::select! {
                biased;
                () = turn.taken_over() => {
                    return Err(Failure::interrupted("another request took over"));
                }
                data = &mut next => break data?,
                () = clock.wait(since + SILENCE), if !all_there => {
                    writer.flush().await?;
                    all_there = true;
                }
            }
        };
        let Some(data) = data else { break };
        received += data.len() as u64;
        if declared.is_some_and(|length| received > length) {
            writer.roll_back().await?;
            return Err(Failure::bad_size("the body is longer than Content-Range"));
        }
        if received > room {
            writer.roll_back().await?;
            return Err(Failure::too_large(limit));
        }
        writer.write(data).await?;
    }
    if declared.is_some_and(|length| received < length) {
        writer.roll_back().await?;
        return Err(Failure::bad_size("the body is shorter than Content-Range"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str, expected: Option<(u64, u64)>) {
        let got = parse(header).map(|chunk| (chunk.start, chunk.length));
        assert_eq!(got, expected, "{header}");
    }

    #[test]
    fn a_chunk_is_first_and_last_byte() {
        check("0-511", Some((0, 512)));
        check("512-512", Some((512, 1)));
        check("bytes 0-2/3", Some((0, 3)));
        check("bytes 0-2/*", Some((0, 3)));
    }

    #[test]
    fn anything_else_is_nonsense() {
        for header in [
            "",
            "-",
            "1",
            "5-3",
            "-5",
            "5-",
            "+1-2",
            "0x1-2",
            "bytes 0-2",
            "0-18446744073709551615",
        ] {
            check(header, None);
        }
    }

    proptest::proptest! {
        /// Both spellings of a range mean the same, and nothing overflows.
        #[test]
        fn what_is_written_is_read_back(start: u64, length in 1_u64.., size: u64) {
            let last = start.saturating_add(length - 1);
            let expected = (last - start).checked_add(1).map(|length| Chunk { start, length });
            proptest::prop_assert_eq!(parse(&format!("{start}-{last}")), expected);
            proptest::prop_assert_eq!(parse(&format!("bytes {start}-{last}/{size}")), expected);
        }

        /// Nothing a client can send does more than being refused.
        #[test]
        fn what_is_read_is_never_empty(header in "(bytes )?[-+0-9a-f ]{0,30}(/[0-9*]{0,3})?") {
            proptest::prop_assert!(parse(&header).is_none_or(|chunk| chunk.length > 0));
        }
    }
}
