//! A client for the local cloud: HTTP/1.0 over a socket, one request a connection.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// An answer.
#[derive(Debug)]
pub(crate) struct Response {
    /// The status code.
    pub(crate) status: u16,
    /// Lower-case names with their values.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// The value of the header `name` (lower-case).
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Sends one request to `base` (`http://127.0.0.1:PORT`).
pub(crate) fn request(base: &str, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
    let address = base.strip_prefix("http://").expect("an http address");
    let mut stream = TcpStream::connect(address).expect("the local cloud listens");
    let mut head = format!(
        "{method} {target} HTTP/1.0\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).expect("a request that is taken");
    stream.write_all(body).expect("a body that is taken");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    parse(&answer)
}

fn parse(answer: &[u8]) -> Response {
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("an end of the head");
    let head = String::from_utf8_lossy(&answer[..end]);
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .and_then(|code| code.parse().ok())
        .expect("a status");
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    Response {
        status,
        headers,
        body: answer[end + 4..].to_vec(),
    }
}
