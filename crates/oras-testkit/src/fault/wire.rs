//! As much HTTP/1.1 as the fault server needs.

use std::io::{BufRead, Read, Write};

use bytes::Bytes;

use super::{Answer, Length, Request};

/// The next request of a connection; `None` at its end.
pub(super) fn read(reader: &mut impl BufRead, writer: &mut impl Write) -> Option<Request> {
    let first = line(reader)?;
    let mut words = first.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let text = line(reader)?;
        if text.is_empty() {
            break;
        }
        let (name, value) = text.split_once(':')?;
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let mut request = Request {
        method,
        target,
        headers,
        body: Bytes::new(),
    };
    if request.header("expect").is_some() {
        writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
    }
    request.body = if request.header("transfer-encoding").is_some() {
        chunks(reader)?
    } else {
        let length = request
            .header("content-length")
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        exactly(reader, length)?
    };
    Some(request)
}

/// Writes the answer; whether the connection can take another request.
pub(super) fn write(writer: &mut impl Write, answer: &Answer, method: &str) -> bool {
    if answer.cut_after == Some(0) {
        return false;
    }
    let mut head = format!("HTTP/1.1 {} Test\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let true_length: usize = answer.pieces.iter().map(Bytes::len).sum();
    let mut reusable = answer.length == Length::Honest && answer.cut_after.is_none();
    match answer.length {
        Length::Honest => head.push_str(&format!("Content-Length: {true_length}\r\n")),
        Length::Claimed(length) => head.push_str(&format!("Content-Length: {length}\r\n")),
        Length::Chunked => head.push_str("Transfer-Encoding: chunked\r\n"),
        Length::Untold => {}
    }
    if !reusable {
        head.push_str("Connection: close\r\n");
    }
    head.push_str("\r\n");
    if writer.write_all(head.as_bytes()).is_err() {
        return false;
    }
    if method != "HEAD" {
        reusable &= write_body(writer, answer).is_ok();
    }
    writer.flush().is_ok() && reusable
}

fn write_body(writer: &mut impl Write, answer: &Answer) -> std::io::Result<()> {
    let chunked = answer.length == Length::Chunked;
    let mut left = answer.cut_after.unwrap_or(usize::MAX);
    for piece in &answer.pieces {
        std::thread::sleep(answer.pause);
        let piece = piece.get(..left.min(piece.len())).unwrap_or_default();
        left -= piece.len();
        if chunked && !piece.is_empty() {
            write!(writer, "{:x}\r\n", piece.len())?;
        }
        writer.write_all(piece)?;
        if chunked && !piece.is_empty() {
            writer.write_all(b"\r\n")?;
        }
        writer.flush()?;
        if left == 0 {
            return Ok(());
        }
    }
    if chunked {
        writer.write_all(b"0\r\n\r\n")?;
    }
    Ok(())
}

fn line(reader: &mut impl BufRead) -> Option<String> {
    let mut text = String::new();
    if reader.read_line(&mut text).ok()? == 0 {
        return None;
    }
    Some(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn exactly(reader: &mut impl Read, length: usize) -> Option<Bytes> {
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes).ok()?;
    Some(bytes.into())
}

fn chunks(reader: &mut impl BufRead) -> Option<Bytes> {
    let mut bytes = Vec::new();
    loop {
        let size = usize::from_str_radix(line(reader)?.split(';').next()?.trim(), 16).ok()?;
        bytes.extend_from_slice(&exactly(reader, size)?);
        line(reader)?;
        if size == 0 {
            return Some(bytes.into());
        }
    }
}
