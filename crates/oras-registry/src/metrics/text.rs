//! Metrics as text: OpenMetrics 1.0, or the older text format of Prometheus.

use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::label::{AuthMethod, AuthResult, CODES, Endpoint, METHODS};
use super::{BOUNDS, Durations, Metrics, position};

/// How the text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    OpenMetrics,
    Prometheus,
}

impl Format {
    /// The one a client asks for.
    pub(crate) fn accepted(accept: Option<&str>) -> Self {
        match accept.is_some_and(|accept| accept.contains("application/openmetrics-text")) {
            true => Self::OpenMetrics,
            false => Self::Prometheus,
        }
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// Numbers that are looked up when somebody asks.
pub(crate) struct Gauges {
    pub(crate) uploads: usize,
    pub(crate) connections: usize,
}

/// Text in one of the formats.
struct Page {
    format: Format,
    text: String,
}

impl Metrics {
    /// All of them.
    pub(crate) fn text(&self, format: Format, gauges: &Gauges) -> String {
        let text = String::with_capacity(16 * 1024);
        let mut page = Page { format, text };
        // Writing to a string can't fail.
        let _ = self.write(&mut page, gauges);
        page.text
    }

    fn write(&self, page: &mut Page, gauges: &Gauges) -> fmt::Result {
        page.family("build_info", "gauge", "The version of this server.")?;
        page.sample(
            "build_info",
            format_args!("version=\"{}\"", env!("CARGO_PKG_VERSION")),
            1,
        )?;

        page.family("http_requests", "counter", "Requests that are over.")?;
        self.write_requests(page)?;

        page.family(
            "http_in_flight",
            "gauge",
            "Requests that are being answered.",
        )?;
        page.single("http_in_flight", self.in_flight.load(Relaxed).max(0))?;

        let name = "http_first_byte_seconds";
        page.family(name, "histogram", "Time to the head of the answer.")?;
        for (endpoint, label) in Endpoint::ALL {
            let of = &self.endpoints[endpoint as usize];
            page.histogram(name, label, &of.first_byte)?;
        }
        let name = "http_request_duration_seconds";
        page.family(name, "histogram", "Time to the end of the answer.")?;
        for (endpoint, label) in Endpoint::ALL {
            let of = &self.endpoints[endpoint as usize];
            page.histogram(name, label, &of.whole)?;
        }

        page.family("http_bytes", "counter", "Bytes of bodies.")?;
        for (endpoint, label) in Endpoint::ALL {
            let of = &self.endpoints[endpoint as usize];
            for (direction, bytes) in [("in", &of.received), ("out", &of.sent)] {
                let labels = format_args!("direction=\"{direction}\",route=\"{label}\"");
                page.counter("http_bytes", labels, bytes)?;
            }
        }

        page.family("auth", "counter", "Checks of who somebody is.")?;
        for (method, name) in AuthMethod::ALL {
            for (result, outcome) in AuthResult::ALL {
                let at = method as usize * AuthResult::ALL.len() + result as usize;
                let labels = format_args!("method=\"{name}\",result=\"{outcome}\"");
                page.counter("auth", labels, &self.auth[at])?;
            }
        }

        for (name, help, counter) in [
            (
                "manifest_commits",
                "Manifests that were stored.",
                &self.manifests,
            ),
            (
                "connections_refused",
                "Connections beyond the limits.",
                &self.refused_connections,
            ),
            (
                "tls_handshakes_failed",
                "TLS handshakes that failed or took too long.",
                &self.failed_handshakes,
            ),
            (
                "tls_reloads_failed",
                "Changed certificates that could not be loaded.",
                &self.failed_reloads,
            ),
        ] {
            page.family(name, "counter", help)?;
            writeln!(page.text, "oras_serve_{name}_total {}", counter.get())?;
        }

        page.family("uploads_open", "gauge", "Upload sessions that are open.")?;
        page.single("uploads_open", gauges.uploads)?;
        page.family("connections_open", "gauge", "Connections that are open.")?;
        page.single("connections_open", gauges.connections)?;
        if let Some(bytes) = resident_bytes() {
            writeln!(page.text, "# TYPE process_resident_memory_bytes gauge")?;
            writeln!(page.text, "process_resident_memory_bytes {bytes}")?;
        }
        if page.format == Format::OpenMetrics {
            page.text.push_str("# EOF\n");
        }
        Ok(())
    }

    fn write_requests(&self, page: &mut Page) -> fmt::Result {
        for (method, verb) in METHODS.iter().enumerate() {
            for (endpoint, route) in Endpoint::ALL {
                for code in 0..=CODES.len() {
                    let requests = &self.requests[position(method, endpoint, code)];
                    // Most never happen; a table of thousands of zeros helps nobody.
                    if requests.load(Relaxed) == 0 {
                        continue;
                    }
                    let code = CODES.get(code).copied().unwrap_or_default();
                    let labels =
                        format_args!("method=\"{verb}\",route=\"{route}\",code=\"{code}\"");
                    page.counter("http_requests", labels, requests)?;
                }
            }
        }
        Ok(())
    }
}

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) -> fmt::Result {
        // The older format names counters by their samples.
        let total = match (self.format, kind) {
            (Format::Prometheus, "counter") => "_total",
            _ => "",
        };
        writeln!(self.text, "# HELP oras_serve_{name}{total} {help}")?;
        writeln!(self.text, "# TYPE oras_serve_{name}{total} {kind}")
    }

    fn sample(
        &mut self,
        name: &str,
        labels: fmt::Arguments<'_>,
        value: impl fmt::Display,
    ) -> fmt::Result {
        writeln!(self.text, "oras_serve_{name}{{{labels}}} {value}")
    }

    fn single(&mut self, name: &str, value: impl fmt::Display) -> fmt::Result {
        writeln!(self.text, "oras_serve_{name} {value}")
    }

    fn counter(
        &mut self,
        name: &str,
        labels: fmt::Arguments<'_>,
        value: &AtomicU64,
    ) -> fmt::Result {
        let value = value.load(Relaxed);
        writeln!(self.text, "oras_serve_{name}_total{{{labels}}} {value}")
    }

    fn histogram(&mut self, name: &str, route: &str, durations: &Durations) -> fmt::Result {
        let classes = durations
            .classes
            .each_ref()
            .map(|class| class.load(Relaxed));
        let count: u64 = classes.iter().sum();
        if count == 0 {
            return Ok(());
        }
        let mut below = 0;
        for (class, bound) in classes.iter().zip(BOUNDS) {
            below += class;
            let bound = Seconds(bound);
            writeln!(
                self.text,
                "oras_serve_{name}_bucket{{route=\"{route}\",le=\"{bound}\"}} {below}"
            )?;
        }
        writeln!(
            self.text,
            "oras_serve_{name}_bucket{{route=\"{route}\",le=\"+Inf\"}} {count}"
        )?;
        let sum = Seconds(durations.micros.load(Relaxed));
        writeln!(
            self.text,
            "oras_serve_{name}_sum{{route=\"{route}\"}} {sum}"
        )?;
        writeln!(
            self.text,
            "oras_serve_{name}_count{{route=\"{route}\"}} {count}"
        )
    }
}

/// Microseconds, written as seconds.
struct Seconds(u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// What this process holds in memory; `None` where the system does not tell.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
