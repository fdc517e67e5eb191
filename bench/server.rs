//! An S3 server that keeps keys, sizes and digests in memory, for measurements where no real server is at hand.
//!
//! It knows what sync tools need and no more: no signatures, no bodies to read back, no versions. Every connection has
//! a thread, so that what is measured is the client. Prints the port it listens on.

#![expect(
    clippy::print_stdout,
    reason = "a program of its own, which tells its port to who starts it"
)]
#![expect(
    clippy::unwrap_used,
    reason = "a lock is poisoned only by a thread that has ended this measurement already"
)]

mod date;
mod md5;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::Bound;
use std::sync::{Arc, Mutex, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use date::http_date;
use md5::{hex, md5};

struct Object {
    size: usize,
    etag: String,
    modified: u64,
    /// Kept for small objects only: release records are read back.
    body: Option<Vec<u8>>,
}

/// Bodies up to this size are kept, below [`KEPT_BELOW`].
const KEPT_SIZE: usize = 4 << 20;
const KEPT_BELOW: &str = ".aws-web-deploy/";

/// Size and digest of each part of an upload, by its number.
type Parts = BTreeMap<u32, (usize, [u8; 16])>;

#[derive(Default)]
struct Server {
    buckets: RwLock<HashMap<String, BTreeMap<String, Object>>>,
    uploads: Mutex<HashMap<String, Parts>>,
}

struct Request {
    method: String,
    bucket: String,
    key: String,
    query: HashMap<String, String>,
    body: Vec<u8>,
}

fn main() -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    println!("{}", listener.local_addr()?.port());
    let server = Arc::new(Server::default());
    for stream in listener.incoming() {
        let (stream, server) = (stream?, Arc::clone(&server));
        std::thread::Builder::new()
            .stack_size(256 * 1024)
            .spawn(move || server.serve(stream))?;
    }
    Ok(())
}

impl Server {
    fn serve(&self, stream: TcpStream) -> Result<()> {
        stream.set_nodelay(true)?;
        let mut writer = stream.try_clone()?;
        let mut reader = BufReader::with_capacity(64 * 1024, stream);
        while let Some(request) = read(&mut reader, &mut writer)? {
            let (status, headers, body) = self.answer(&request);
            let length = if request.method == "HEAD" {
                headers.1
            } else {
                body.len()
            };
            let date = http_date(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs());
            let answer = format!(
                "HTTP/1.1 {status}\r\nServer: bench\r\nDate: {date}\r\nx-amz-request-id: bench\r\nContent-Length: {length}\r\n{}\r\n",
                headers.0
            );
            let mut answer = answer.into_bytes();
            if request.method != "HEAD" {
                answer.extend_from_slice(&body);
            }
            writer.write_all(&answer)?;
        }
        Ok(())
    }

    fn answer(&self, request: &Request) -> (&'static str, (String, usize), Vec<u8>) {
        let has = |name: &str| request.query.contains_key(name);
        let none = (String::new(), 0);
        match (request.method.as_str(), request.key.is_empty()) {
            ("PUT", true) => {
                self.buckets.write().unwrap().entry(request.bucket.clone()).or_default();
                ("200 OK", none, Vec::new())
            }
            ("HEAD", true) => match self.buckets.read().unwrap().contains_key(&request.bucket) {
                true => ("200 OK", none, Vec::new()),
                false => ("404 Not Found", none, Vec::new()),
            },
            ("GET", true) if has("location") => (
                "200 OK",
                xml(),
                b"<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"/>".to_vec(),
            ),
            ("GET", true) if has("versioning") => ("200 OK", xml(), b"<VersioningConfiguration/>".to_vec()),
            ("GET", true) => match self.list(request) {
                Some(body) => ("200 OK", xml(), body.into_bytes()),
                None => ("404 Not Found", xml(), error("NoSuchBucket").into_bytes()),
            },
            ("POST", true) => ("200 OK", xml(), self.delete(request).into_bytes()),
            ("POST", false) if has("uploads") => {
                let id = format!("{:x}", SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos());
                self.uploads.lock().unwrap().insert(id.clone(), BTreeMap::new());
                let body = format!(
                    "<InitiateMultipartUploadResult><Bucket>{}</Bucket><Key>{}</Key><UploadId>{id}</UploadId></InitiateMultipartUploadResult>",
                    request.bucket,
                    escape(&request.key)
                );
                ("200 OK", xml(), body.into_bytes())
            }
            ("PUT", false) if has("partNumber") => {
                let digest = md5(&request.body);
                let part = request.query["partNumber"].parse().unwrap_or(0);
                let mut uploads = self.uploads.lock().unwrap();
                if let Some(upload) = uploads.get_mut(&request.query["uploadId"]) {
                    upload.insert(part, (request.body.len(), digest));
                }
                ("200 OK", (format!("ETag: \"{}\"\r\n", hex(&digest)), 0), Vec::new())
            }
            ("POST", false) => {
                let parts = self
                    .uploads
                    .lock()
                    .unwrap()
                    .remove(&request.query["uploadId"])
                    .unwrap_or_default();
                let all: Vec<u8> = parts.values().flat_map(|part| part.1).collect();
                let etag = format!("{}-{}", hex(&md5(&all)), parts.len());
                self.put(request, parts.values().map(|part| part.0).sum(), etag.clone());
                let body = format!(
                    "<CompleteMultipartUploadResult><Bucket>{}</Bucket><Key>{}</Key><ETag>\"{etag}\"</ETag></CompleteMultipartUploadResult>",
                    request.bucket,
                    escape(&request.key)
                );
                ("200 OK", xml(), body.into_bytes())
            }
            ("PUT", false) => {
                let etag = hex(&md5(&request.body));
                self.put(request, request.body.len(), etag.clone());
                ("200 OK", (format!("ETag: \"{etag}\"\r\n"), 0), Vec::new())
            }
            ("GET", false) => match self
                .buckets
                .read()
                .unwrap()
                .get(&request.bucket)
                .and_then(|all| all.get(&request.key))
            {
                Some(Object {
                    body: Some(body), etag, ..
                }) => ("200 OK", (format!("ETag: \"{etag}\"\r\n"), 0), body.clone()),
                _ => ("404 Not Found", xml(), error("NoSuchKey").into_bytes()),
            },
            ("HEAD", false) => match self
                .buckets
                .read()
                .unwrap()
                .get(&request.bucket)
                .and_then(|all| all.get(&request.key))
            {
                Some(object) => {
                    let headers = format!(
                        "ETag: \"{}\"\r\nLast-Modified: Fri, 20 Nov 2026 00:00:00 GMT\r\n",
                        object.etag
                    );
                    ("200 OK", (headers, object.size), Vec::new())
                }
                None => ("404 Not Found", none, Vec::new()),
            },
            ("DELETE", false) => {
                if let Some(all) = self.buckets.write().unwrap().get_mut(&request.bucket) {
                    all.remove(&request.key);
                }
                ("204 No Content", none, Vec::new())
            }
            _ => ("404 Not Found", xml(), error("NoSuchKey").into_bytes()),
        }
    }

    fn put(&self, request: &Request, size: usize, etag: String) {
        let modified = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let mut buckets = self.buckets.write().unwrap();
        let all = buckets.entry(request.bucket.clone()).or_default();
        let kept = size <= KEPT_SIZE && request.key.starts_with(KEPT_BELOW);
        let body = kept.then(|| request.body.clone());
        all.insert(
            request.key.clone(),
            Object {
                size,
                etag,
                modified,
                body,
            },
        );
    }

    fn list(&self, request: &Request) -> Option<String> {
        let get = |name: &str| request.query.get(name).map_or("", String::as_str);
        let buckets = self.buckets.read().unwrap();
        let all = buckets.get(&request.bucket)?;
        let prefix = get("prefix");
        let after = ["continuation-token", "start-after", "marker"]
            .map(get)
            .into_iter()
            .max()
            .unwrap_or("");
        let most: usize = get("max-keys").parse().unwrap_or(1000).min(1000);
        let url = get("encoding-type") == "url";
        let start = if after >= prefix && !after.is_empty() {
            Bound::Excluded(after.to_owned())
        } else {
            Bound::Included(prefix.to_owned())
        };
        let mut range = all
            .range((start, Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix))
            .peekable();
        let mut body = String::with_capacity(most * 256);
        let (mut count, mut last) = (0, "");
        while count < most {
            let Some((key, object)) = range.next() else { break };
            let shown = if url { encode(key) } else { escape(key) };
            let _ = write!(
                body,
                "<Contents><Key>{shown}</Key><LastModified>{}</LastModified><ETag>&quot;{}&quot;</ETag><Size>{}</Size><StorageClass>STANDARD</StorageClass></Contents>",
                time(object.modified),
                object.etag,
                object.size
            );
            (count, last) = (count + 1, key);
        }
        let more = range.peek().is_some();
        let next = if more {
            let shown = if url { encode(last) } else { escape(last) };
            let token = escape(last);
            format!("<NextContinuationToken>{token}</NextContinuationToken><NextMarker>{shown}</NextMarker>")
        } else {
            String::new()
        };
        let encoding = if url { "<EncodingType>url</EncodingType>" } else { "" };
        Some(format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>{}</Name>{encoding}<KeyCount>{count}</KeyCount><MaxKeys>{most}</MaxKeys><IsTruncated>{more}</IsTruncated>{next}{body}</ListBucketResult>",
            request.bucket
        ))
    }

    fn delete(&self, request: &Request) -> String {
        let text = String::from_utf8_lossy(&request.body);
        let mut body = "<DeleteResult>".to_owned();
        if let Some(all) = self.buckets.write().unwrap().get_mut(&request.bucket) {
            for part in text.split("<Key>").skip(1) {
                let key = part.split("</Key>").next().unwrap_or("");
                all.remove(key);
                let _ = write!(body, "<Deleted><Key>{key}</Key></Deleted>");
            }
        }
        body + "</DeleteResult>"
    }
}

fn read(reader: &mut BufReader<TcpStream>, writer: &mut TcpStream) -> Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split(' ');
    let (method, target) = (
        words.next().unwrap_or("").to_owned(),
        words.next().unwrap_or("").to_owned(),
    );
    let (mut length, mut chunked) = (0, false);
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let header = line.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        } else if header.starts_with("x-amz-content-sha256: streaming-") {
            chunked = true;
        } else if header.starts_with("expect:") {
            writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    if chunked {
        body = unchunk(&body);
    }
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let (bucket, key) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
    let query = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(&value.replace('+', " ")))
    });
    Ok(Some(Request {
        method,
        bucket: decode(bucket),
        key: decode(key),
        query: query.collect(),
        body,
    }))
}

/// Takes an `aws-chunked` body apart.
fn unchunk(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(rest.len());
    while let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") {
        let line = String::from_utf8_lossy(&rest[..end]).into_owned();
        let size = usize::from_str_radix(line.split(';').next().unwrap_or("0"), 16).unwrap_or(0);
        if size == 0 {
            break;
        }
        body.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 4 + size..];
    }
    body
}

fn xml() -> (String, usize) {
    ("Content-Type: application/xml\r\n".to_owned(), 0)
}

fn error(code: &str) -> String {
    format!("<Error><Code>{code}</Code><Message>{code}</Message></Error>")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(byte as char),
            other => drop(write!(out, "%{other:02X}")),
        }
    }
    out
}

fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let hex: Vec<u8> = bytes.by_ref().take(2).collect();
            out.push(u8::from_str_radix(&String::from_utf8_lossy(&hex), 16).unwrap_or(b'?'));
        } else {
            out.push(byte);
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Seconds since 1970 as an ISO time.
fn time(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Howard Hinnant's civil_from_days.
    let z = days as i64 + 719_468;
    let era = z / 146_097;
    let doe = z - era * 146_097;
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let year = yoe + era * 400 + i64::from(month <= 2);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}.000Z",
        second % 60
    )
}
