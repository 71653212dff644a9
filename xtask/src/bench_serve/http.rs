//! As much HTTP/1.1 as it takes to talk to a registry: one request at a time, answers with a known length.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::net::{SocketAddr, TcpStream};

/// How much of a streamed body goes into one chunk, in bytes.
const CHUNK: u64 = 1024 * 1024;

/// The head of an answer, borrowed from where it was received.
pub(crate) struct Head<'a> {
    pub(crate) status: u16,
    /// How many bytes the head itself has, with the empty line at its end.
    pub(crate) size: usize,
    lines: &'a [u8],
}

impl<'a> Head<'a> {
    /// Reads a head; `None` while it is not complete.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<io::Result<Self>> {
        let size = end(bytes)?;
        let status = bytes.get(9..12).and_then(|digits| {
            let digits = std::str::from_utf8(digits).ok()?;
            digits.parse().ok()
        });
        let lines = &bytes[..size];
        Some(match status {
            Some(status) if bytes.starts_with(b"HTTP/1.1 ") => Ok(Self {
                status,
                size,
                lines,
            }),
            _ => Err(io::Error::other("this is no answer of HTTP/1.1")),
        })
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&'a str> {
        self.lines.split(|byte| *byte == b'\n').find_map(|line| {
            let (key, value) = line.split_at_checked(name.len())?;
            let value = value.strip_prefix(b":")?;
            let value = key.eq_ignore_ascii_case(name.as_bytes()).then_some(value)?;
            std::str::from_utf8(value).ok().map(str::trim)
        })
    }

    /// How many bytes the body has.
    pub(crate) fn length(&self) -> u64 {
        let length = self.header("content-length");
        length.and_then(|length| length.parse().ok()).unwrap_or(0)
    }
}

/// Where the head ends. Looks at every second byte only: the last two of the four are different ones.
fn end(bytes: &[u8]) -> Option<usize> {
    let mut at = 3;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\n' if bytes[..=at].ends_with(b"\r\n\r\n") => return Some(at + 1),
            b'\n' | b'\r' => at += 1,
            _ => at += 2,
        }
    }
    None
}

/// The bytes of a request without a body, or of the head of one that has `length` bytes.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.into_bytes()
}

/// An answer with its body.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The answer, if it has this status.
    pub(crate) fn expect(self, status: u16) -> io::Result<Self> {
        if self.status == status {
            return Ok(self);
        }
        let body = String::from_utf8_lossy(&self.body);
        let text = format!("{} instead of {status}: {body}", self.status);
        Err(io::Error::other(text))
    }
}

/// A connection that is kept alive.
pub(crate) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(addr: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            received: Vec::new(),
        })
    }

    /// Sends a request that is complete and waits for the answer.
    pub(crate) fn exchange(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.stream.write_all(request)?;
        self.answer()
    }

    /// Sends a request with these bytes as its body.
    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        media_type: &str,
        body: &[u8],
    ) -> io::Result<Answer> {
        let length = body.len().to_string();
        let headers = [
            ("Content-Length", length.as_str()),
            ("Content-Type", media_type),
        ];
        let mut bytes = request(method, path, &headers);
        bytes.extend_from_slice(body);
        self.exchange(&bytes)
    }

    /// Sends a file whose length is told before. The system moves it to the socket without a copy through here.
    pub(crate) fn send_file(&mut self, path: &str, file: &mut File) -> io::Result<Answer> {
        let length = file.metadata()?.len().to_string();
        let media_type = ("Content-Type", "application/octet-stream");
        let head = request("PUT", path, &[("Content-Length", &length), media_type]);
        self.stream.write_all(&head)?;
        file.rewind()?;
        io::copy(file, &mut self.stream)?;
        self.answer()
    }

    /// Sends a file in chunks, as a client does that does not know how much there is going to be.
    pub(crate) fn stream_file(&mut self, path: &str, file: &mut File) -> io::Result<Answer> {
        let media_type = ("Content-Type", "application/octet-stream");
        let head = request(
            "PATCH",
            path,
            &[("Transfer-Encoding", "chunked"), media_type],
        );
        self.stream.write_all(&head)?;
        file.rewind()?;
        let mut left = file.metadata()?.len();
        while left > 0 {
            let size = left.min(CHUNK);
            self.stream.write_all(format!("{size:x}\r\n").as_bytes())?;
            io::copy(&mut Read::by_ref(file).take(size), &mut self.stream)?;
            self.stream.write_all(b"\r\n")?;
            left -= size;
        }
        self.stream.write_all(b"0\r\n\r\n")?;
        self.answer()
    }

    fn answer(&mut self) -> io::Result<Answer> {
        self.received.clear();
        let (status, location, size, length) = loop {
            if let Some(head) = Head::parse(&self.received) {
                let head = head?;
                let location = head.header("location").map(str::to_owned);
                break (head.status, location, head.size, head.length());
            }
            self.more()?;
        };
        let length = usize::try_from(length).map_err(io::Error::other)?;
        while self.received.len() < size + length {
            self.more()?;
        }
        Ok(Answer {
            status,
            location,
            body: self.received.split_off(size),
        })
    }

    fn more(&mut self) -> io::Result<()> {
        let mut buffer = [0; 64 * 1024];
        match self.stream.read(&mut buffer)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                self.received.extend_from_slice(&buffer[..read]);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Head;

    #[test]
    fn a_head_is_found_whole_wherever_its_lines_end() {
        for padding in ["", "x", "xx", "xxx"] {
            let text =
                format!("HTTP/1.1 200 OK\r\nx-a: {padding}\r\ncontent-length: 12\r\n\r\nbody\r\n");
            let end = text.find("body").unwrap();
            for length in 0..text.len() {
                let head = Head::parse(&text.as_bytes()[..length]);
                assert_eq!(head.is_some(), length >= end, "{length} of {text:?}");
            }
            let head = Head::parse(text.as_bytes()).unwrap().unwrap();
            assert_eq!((head.status, head.size, head.length()), (200, end, 12));
            assert_eq!(head.header("X-A"), Some(padding));
            assert_eq!(head.header("x-b"), None);
        }
    }
}
