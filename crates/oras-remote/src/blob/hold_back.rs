//! A stream that gives nothing away which the next step might still take back.

use futures_util::{StreamExt, stream};
use oras_content::ByteStream;

/// Delays every chunk until the one after it, or the end, has arrived without an error.
///
/// A verifying stream finds a wrong digest only at its end. By then the registry must not have the last byte: a request
/// that was never completed can't be taken for a success.
pub(super) fn hold_back(stream: ByteStream) -> ByteStream {
    stream::try_unfold((stream, None), |(mut stream, mut held)| async move {
        loop {
            match stream.next().await.transpose()? {
                Some(chunk) if chunk.is_empty() => {}
                Some(chunk) => {
                    if let Some(earlier) = held.replace(chunk) {
                        return Ok(Some((earlier, (stream, held))));
                    }
                }
                None => return Ok(held.map(|last| (last, (stream::empty().boxed(), None)))),
            }
        }
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    async fn run(items: Vec<Result<&'static str, ()>>) -> (String, bool) {
        let items = items.into_iter().map(|item| match item {
            Ok(text) => Ok(Bytes::from_static(text.as_bytes())),
            Err(()) => Err(std::io::Error::other("wrong")),
        });
        let mut held = hold_back(stream::iter(items.collect::<Vec<_>>()).boxed());
        let mut text = String::new();
        while let Some(item) = held.next().await {
            match item {
                Ok(chunk) => text.push_str(std::str::from_utf8(&chunk).unwrap()),
                Err(_) => return (text, true),
            }
        }
        (text, false)
    }

    #[tokio::test]
    async fn the_last_chunk_is_kept_until_the_end_is_good() {
        assert_eq!(
            run(vec![Ok("ab"), Ok(""), Ok("cd")]).await,
            ("abcd".into(), false)
        );
        assert_eq!(run(vec![]).await, (String::new(), false));
        assert_eq!(
            run(vec![Ok("ab"), Ok("cd"), Err(())]).await,
            ("ab".into(), true)
        );
        assert_eq!(run(vec![Ok("ab"), Err(())]).await, (String::new(), true));
    }
}
