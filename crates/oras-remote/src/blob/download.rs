//! Reading blobs: streamed, and resumed where a connection broke.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::Method;
use http::header::{CONTENT_RANGE, RANGE};
use oras_content::{ByteStream, Content, Error, ErrorKind, Result, io_text};
use oras_http::Response;
use oras_spec::{Descriptor, Digest, Reference};
use url::Url;

use super::describe;
use crate::failure;
use crate::manifest::digest_header;
use crate::repository::Repository;
use crate::send::Call;

/// So many connections may break in a row without a byte in between.
const MOST_BREAKS: u32 = 5;
/// So often a blob is read again from its start, where there are no ranges. More might never end.
const MOST_RESTARTS: u32 = 3;
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(3);

impl Repository {
    /// The blob, from its first byte.
    pub(crate) async fn download(&self, descriptor: &Descriptor) -> Result<Content> {
        let part = Part::whole(self, &descriptor.digest, descriptor.size);
        let response = part.get().await?;
        digest_header(&Method::GET, &response, Some(&descriptor.digest))?;
        part.check_length(&response)?;
        Ok(Content::new(
            descriptor.clone(),
            part.stream(response.into_stream()),
        ))
    }

    /// The blob, when only its digest is known.
    pub(crate) async fn download_reference(
        &self,
        reference: &Reference,
        digest: &Digest,
    ) -> Result<Content> {
        let part = Part::whole(self, digest, 0);
        let response = part.get().await?;
        let descriptor = match response.content_length() {
            Some(_) => describe(&Method::GET, &response, digest)?,
            None => self.stat_blob(reference, digest).await?,
        };
        let part = Part {
            size: descriptor.size,
            ..part
        };
        Ok(Content::new(
            descriptor,
            part.stream(response.into_stream()),
        ))
    }

    /// The blob from `offset` on.
    pub(crate) async fn download_from(
        &self,
        descriptor: &Descriptor,
        offset: u64,
    ) -> Result<ByteStream> {
        if offset == 0 {
            return Ok(self.download(descriptor).await?.into_unverified());
        }
        if offset >= descriptor.size {
            return Ok(stream::empty().boxed());
        }
        let mut part = Part::whole(self, &descriptor.digest, descriptor.size);
        part.position = offset;
        let (response, skip) = part.get_rest(Whole::Skip).await?;
        let rest = skip_first(response.into_stream(), skip);
        Ok(part.stream(rest))
    }
}

/// What to do with a registry that answers a request for a range with everything.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whole {
    /// Read over what is there already.
    Skip,
    /// Give up.
    Refuse,
}

/// The rest of a blob that is still to come.
struct Part {
    repository: Repository,
    reference: Reference,
    digest: Digest,
    url: Url,
    size: u64,
    /// Bytes of the blob that have arrived.
    position: u64,
    /// Breaks since the last byte.
    breaks: u32,
    /// Answers that began at the start again.
    restarts: u32,
}

impl Part {
    fn whole(repository: &Repository, digest: &Digest, size: u64) -> Self {
        Self {
            repository: repository.clone(),
            reference: repository.reference().clone().with_digest(digest.clone()),
            digest: digest.clone(),
            url: repository.urls().blob(digest),
            size,
            position: 0,
            breaks: 0,
            restarts: 0,
        }
    }

    fn call(&self) -> Call {
        Call::new(Method::GET, self.url.clone()).scopes(self.repository.scopes(&["pull"]))
    }

    async fn get(&self) -> Result<Response> {
        self.repository.send_for(&self.reference, self.call()).await
    }

    /// Asks for the rest, and says how many bytes of the answer come before it.
    async fn get_rest(&self, whole: Whole) -> Result<(Response, u64)> {
        let range = format!("bytes={}-{}", self.position, self.size.saturating_sub(1));
        let statuses: &[u16] = match whole {
            Whole::Skip => &[206, 200],
            Whole::Refuse => &[206],
        };
        let call = self.call().header(RANGE, &range).expect(statuses);
        let response = self.repository.send_for(&self.reference, call).await?;
        digest_header(&Method::GET, &response, Some(&self.digest))?;
        if response.status == 200 {
            self.check_length(&response)?;
            return Ok((response, self.position));
        }
        let given = response
            .headers
            .get(CONTENT_RANGE)
            .and_then(|value| value.to_str().ok());
        if !given.is_some_and(|given| self.is_rest(given)) {
            let problem = format!(
                "mismatch Content-Range: asked for {range}, received {}",
                given.unwrap_or("none")
            );
            return Err(failure::protocol(&Method::GET, &response.url, &problem));
        }
        Ok((response, 0))
    }

    fn check_length(&self, response: &Response) -> Result<()> {
        match response.content_length() {
            Some(length) if length != self.size => {
                let text = failure::request_text(&Method::GET, &response.url);
                Err(Error::new(
                    ErrorKind::SizeMismatch,
                    format!("{text}: mismatch Content-Length"),
                ))
            }
            _ => Ok(()),
        }
    }

    /// Whether `bytes <first>-<last>/<size>` is the rest from our position, or a first piece of it.
    fn is_rest(&self, content_range: &str) -> bool {
        let parse = || {
            let (range, size) = content_range.strip_prefix("bytes ")?.split_once('/')?;
            let (first, last) = range.split_once('-')?;
            let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
            let size = size.trim();
            let same_size = size == "*" || size.parse::<u64>().ok()? == self.size;
            Some(same_size && first == self.position && first <= last && last < self.size)
        };
        parse().unwrap_or(false)
    }

    /// Streams `body` and whatever has to be asked for after it.
    fn stream(self, body: ByteStream) -> ByteStream {
        stream::try_unfold((self, body), |(mut part, mut body)| async move {
            loop {
                match body.next().await {
                    Some(Ok(chunk)) => {
                        part.position += chunk.len() as u64;
                        part.breaks = 0;
                        return Ok(Some((chunk, (part, body))));
                    }
                    // A body that ends early without a broken connection is what the registry has. The reader notices.
                    None => return Ok(None),
                    Some(Err(_)) if part.position >= part.size => return Ok(None),
                    Some(Err(error)) => body = part.resume(error).await?,
                }
            }
        })
        .boxed()
    }

    async fn resume(&mut self, broken: io::Error) -> io::Result<ByteStream> {
        self.breaks += 1;
        let text = failure::request_text(&Method::GET, &self.url);
        let kind = match broken.kind() {
            io::ErrorKind::TimedOut => ErrorKind::Timeout,
            _ => ErrorKind::Network,
        };
        let error = Error::new(kind, format!("{text}: {}", io_text(&broken)));
        if self.breaks > MOST_BREAKS {
            return Err(error.into());
        }
        if self.breaks > 1 {
            let wait = FIRST_WAIT * 2u32.pow(self.breaks - 2);
            tokio::time::sleep(wait.min(LONGEST_WAIT)).await;
        }
        let whole = match self.restarts < MOST_RESTARTS {
            true => Whole::Skip,
            false => Whole::Refuse,
        };
        match self.get_rest(whole).await {
            Ok((response, skip)) => {
                self.restarts += u32::from(response.status == 200);
                Ok(skip_first(response.into_stream(), skip))
            }
            // That it began at the start once more is no failure of its own.
            Err(cause) if cause.status() == Some(200) => Err(error.into()),
            Err(cause) => Err(error.with_source(cause).into()),
        }
    }
}

/// `stream` without its first `skip` bytes.
fn skip_first(stream: ByteStream, mut skip: u64) -> ByteStream {
    if skip == 0 {
        return stream;
    }
    stream
        .map_ok(move |mut chunk: Bytes| {
            let cut = usize::try_from(skip).unwrap_or(usize::MAX).min(chunk.len());
            skip -= cut as u64;
            chunk.split_off(cut)
        })
        .try_filter(|chunk| std::future::ready(!chunk.is_empty()))
        .boxed()
}
