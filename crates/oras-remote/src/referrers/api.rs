//! The referrers API (distribution-spec, "Listing Referrers").

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};
use oras_content::{Error, ErrorKind, Result};
use oras_http::Response;
use oras_spec::{Annotations, Descriptor, Digest, ImageIndex, annotation, media_type};
use url::Url;

use super::{Capability, keep_type};
use crate::failure;
use crate::page::{self, Trail};
use crate::repository::Repository;
use crate::send::Call;

/// No content has this digest.
const NO_CONTENT: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// The most referrers of one manifest that are kept in memory together.
const MOST_REFERRERS: usize = 100_000;

/// What came of asking the API.
pub(super) enum Listed {
    Referrers(Vec<Descriptor>),
    /// There is no such API here; and how that was noticed.
    Unsupported(Error),
}

impl Repository {
    pub(super) async fn list_by_api(
        &self,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Listed> {
        let mut trail = Trail::new(self.urls().referrers(subject.as_str(), artifact_type));
        let mut all = Vec::new();
        while let Some(url) = trail.next.take() {
            let response = match self.ask(url).await? {
                Ok(response) => response,
                Err(error) => return Ok(Listed::Unsupported(error)),
            };
            trail.follow(&response, self.page_size)?;
            let filtered = says_filtered(header(&response.headers, "oci-filters-applied"));
            let index: ImageIndex = page::read(response).await?;
            let mut page = index.manifests;
            if !filtered && !says_filtered(filters_annotation(&index.annotations)) {
                keep_type(&mut page, artifact_type);
            }
            all.append(&mut page);
            if all.len() > MOST_REFERRERS {
                let problem = format!("{subject} has more than {MOST_REFERRERS} referrers");
                return Err(Error::new(ErrorKind::SizeLimit, problem));
            }
        }
        Ok(Listed::Referrers(all))
    }

    pub(super) async fn probe_api(&self) -> Result<Capability> {
        match self.ask(self.urls().referrers(NO_CONTENT, None)).await? {
            Ok(response) => {
                response.drain().await;
                Ok(Capability::Supported)
            }
            Err(_) => Ok(Capability::Unsupported),
        }
    }

    /// The inner error means that there is no referrers API.
    async fn ask(&self, url: Url) -> Result<Result<Response>> {
        let call = Call::new(Method::GET, url).scopes(self.scopes(&["pull"]));
        let response = match self.send(call).await {
            Ok(response) => response,
            Err(error)
                if error.status() == Some(404) && !failure::is_repository_unknown(&error) =>
            {
                return Ok(Err(error));
            }
            Err(error) => return Err(error),
        };
        let given = header(&response.headers, CONTENT_TYPE.as_str()).unwrap_or_default();
        if media_type::essence(given) == media_type::IMAGE_INDEX {
            return Ok(Ok(response));
        }
        let text = failure::request_text(&Method::GET, &response.url);
        let problem = format!("{text}: the answer is no list of referrers");
        Ok(Err(Error::new(ErrorKind::Unsupported, problem)))
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn filters_annotation(annotations: &Annotations) -> Option<&str> {
    annotations
        .get(annotation::REFERRERS_FILTERS_APPLIED)
        .map(String::as_str)
}

/// Whether a list of filters includes the one by artifact type.
fn says_filtered(filters: Option<&str>) -> bool {
    filters.is_some_and(|filters| {
        filters
            .split(',')
            .any(|filter| filter.trim().eq_ignore_ascii_case("artifactType"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_read_with_or_without_blanks() {
        assert!(says_filtered(Some("artifactType")));
        assert!(says_filtered(Some("other, artifactType ")));
        assert!(!says_filtered(Some("other")));
        assert!(!says_filtered(None));
    }
}
