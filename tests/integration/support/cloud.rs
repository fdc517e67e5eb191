//! A local cloud for one test: S3, CloudFront, Elastic Beanstalk, STS, GitHub, all on one port of 127.0.0.1.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use serde_json::{Value, json};

use super::http::{Response, request};
use super::times::Span;

/// Starts clouds: one process that has everything imported and forks a child for each test.
struct Pool {
    _process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

fn pool() -> &'static Mutex<Pool> {
    static POOL: OnceLock<Mutex<Pool>> = OnceLock::new();
    POOL.get_or_init(|| {
        let mut process = Command::new(super::python())
            .args(["-m", "cloud", "--pool"])
            .current_dir(super::project().join("tests"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the local clouds' Python starts");
        let input = process.stdin.take().expect("a pipe to the pool");
        let output = BufReader::new(process.stdout.take().expect("a pipe from the pool"));
        Mutex::new(Pool {
            _process: process,
            input,
            output,
        })
    })
}

/// A running local cloud, empty at first; ended when dropped.
pub(crate) struct Cloud {
    /// `http://127.0.0.1:PORT`.
    pub(crate) endpoint: String,
    /// GitHub's API.
    pub(crate) github: String,
    /// GitHub's OIDC token endpoint.
    pub(crate) oidc: String,
    pid: u64,
    _span: Span,
}

/// An object with its headers.
#[derive(Debug)]
pub(crate) struct Object {
    /// Its bytes.
    pub(crate) body: Vec<u8>,
    response: Response,
}

impl Object {
    /// The value of the header `name` (lower-case).
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response.header(name)
    }

    /// All headers, their names in lower case.
    pub(crate) fn headers(&self) -> &[(String, String)] {
        &self.response.headers
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// What makes moto take a request for a signed one.
const SIGNED: (&str, &str) = (
    "Authorization",
    "AWS4-HMAC-SHA256 Credential=AKIATESTS/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0",
);

impl Cloud {
    /// Starts one.
    pub(crate) fn start() -> Self {
        let span = Span::begin();
        let mut pool = pool().lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(pool.input, "new").expect("the pool listens");
        let mut line = String::new();
        pool.output.read_line(&mut line).expect("the pool answers");
        let ready: Value = serde_json::from_str(&line).expect("the pool answers JSON");
        let text = |name: &str| ready[name].as_str().expect("an endpoint").to_owned();
        Self {
            endpoint: text("endpoint"),
            github: text("github"),
            oidc: text("oidc"),
            pid: ready["pid"].as_u64().expect("a process id"),
            _span: span,
        }
    }

    /// A cloud with the bucket `name`.
    pub(crate) fn with_bucket(name: &str) -> Self {
        let cloud = Self::start();
        cloud.create_bucket(name);
        cloud
    }

    /// A cloud with the bucket `name` that takes ACLs, as buckets did before 2023.
    pub(crate) fn with_acl_bucket(name: &str) -> Self {
        let cloud = Self::with_bucket(name);
        cloud.post(
            "/s3/bucket",
            &json!({"bucket": name, "ownership": "ObjectWriter", "block_public_access": false}),
        );
        cloud
    }

    /// A cloud for all three parts: that bucket with versions, `E1EXAMPLE` before it, and `my-app-prod` of `my-app`.
    pub(crate) fn with_all_parts(bucket: &str) -> Self {
        let cloud = Self::with_acl_bucket(bucket);
        cloud.set_versioning(bucket, "Enabled");
        cloud.add_distribution("E1EXAMPLE", bucket, &json!({"default_root_object": "index.html"}));
        cloud.add_environment("my-app", "my-app-prod", &json!({}));
        cloud
    }

    /// Sends `body` to the control endpoint `path` (without `/_cloud`).
    pub(crate) fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let answer = request(
            &self.endpoint,
            method,
            &format!("/_cloud{path}"),
            &[("Content-Type", "application/json")],
            body.as_bytes(),
        );
        assert!(
            answer.status < 300,
            "{method} {path}: {} {}",
            answer.status,
            answer.text()
        );
        serde_json::from_slice(&answer.body).unwrap_or(Value::Null)
    }

    /// POSTs to the control endpoint.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Value {
        self.control("POST", path, body)
    }

    /// GETs from the control endpoint.
    pub(crate) fn get(&self, path: &str) -> Value {
        self.control("GET", path, &Value::Null)
    }

    /// The requests seen since the last [`Cloud::forget_requests`].
    pub(crate) fn requests(&self) -> Vec<Value> {
        self.get("/requests").as_array().cloned().unwrap_or_default()
    }

    /// The API names of the requests seen, in order.
    pub(crate) fn operations(&self) -> Vec<String> {
        self.requests()
            .iter()
            .map(|one| one["operation"].as_str().unwrap_or("?").to_owned())
            .collect()
    }

    /// How many requests of the operation `name` were seen.
    pub(crate) fn count(&self, name: &str) -> usize {
        self.operations().iter().filter(|operation| *operation == name).count()
    }

    /// Empties the log of requests.
    pub(crate) fn forget_requests(&self) {
        self.control("DELETE", "/requests", &Value::Null);
    }

    /// Makes `operation` answer `status` and `code` for `times` requests (-1: always).
    pub(crate) fn fail(&self, service: &str, operation: &str, times: i64, status: u16, code: &str) {
        self.post(
            "/faults",
            &json!({"service": service, "operation": operation, "times": times, "kind": "error",
                    "status": status, "code": code, "message": code}),
        );
    }

    /// Keeps the first request that `fault` fits waiting until [`Cloud::release`], or all of them with `times` -1.
    pub(crate) fn hold(&self, fault: &Value) {
        let mut fault = fault.clone();
        fault["kind"] = json!("hold");
        self.post("/faults", &fault);
    }

    /// How many requests are kept waiting.
    pub(crate) fn held(&self) -> u64 {
        let faults = self.get("/faults").as_array().cloned().unwrap_or_default();
        faults.iter().filter_map(|fault| fault["held"].as_u64()).sum()
    }

    /// Lets all requests go, and forgets the faults.
    pub(crate) fn release(&self) {
        self.control("DELETE", "/faults", &Value::Null);
    }

    /// Sends one S3 request as if signed.
    pub(crate) fn s3(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let mut all = vec![SIGNED];
        all.extend_from_slice(headers);
        request(&self.endpoint, method, target, &all, body)
    }

    /// Creates the bucket `name` in us-east-1.
    pub(crate) fn create_bucket(&self, name: &str) {
        let answer = self.s3("PUT", &format!("/{name}"), &[], b"");
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// Turns versioning of `bucket` on (`Enabled`) or off (`Suspended`).
    pub(crate) fn set_versioning(&self, bucket: &str, status: &str) {
        let body = format!("<VersioningConfiguration><Status>{status}</Status></VersioningConfiguration>");
        let answer = self.s3("PUT", &format!("/{bucket}?versioning"), &[], body.as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// Puts an object there, as somebody else would.
    pub(crate) fn put(&self, bucket: &str, key: &str, headers: &[(&str, &str)], body: &[u8]) {
        let answer = self.s3("PUT", &format!("/{bucket}/{}", encode(key)), headers, body);
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// The object at `key`, when there is one.
    pub(crate) fn object(&self, bucket: &str, key: &str) -> Option<Object> {
        let response = self.s3("GET", &format!("/{bucket}/{}", encode(key)), &[], b"");
        (response.status == 200).then(|| Object {
            body: response.body.clone(),
            response,
        })
    }

    /// When the object at `key` was last modified, as a listing says it, when there is one.
    pub(crate) fn last_modified(&self, bucket: &str, key: &str) -> Option<SystemTime> {
        let target = format!("/{bucket}?list-type=2&max-keys=1&prefix={}", encode(key));
        let page = self.s3("GET", &target, &[], b"").text();
        let time = between(&page, "<LastModified>", "</LastModified>").into_iter().next()?;
        let time = chrono::DateTime::parse_from_rfc3339(&time).expect("an ISO time");
        Some(time.into())
    }

    /// The ACL of the object at `key`, as XML.
    pub(crate) fn acl(&self, bucket: &str, key: &str) -> String {
        self.s3("GET", &format!("/{bucket}/{}?acl", encode(key)), &[], b"")
            .text()
    }

    /// All keys of `bucket` but those of release records, sorted.
    pub(crate) fn keys(&self, bucket: &str) -> Vec<String> {
        self.all_keys(bucket)
            .into_iter()
            .filter(|key| !key.starts_with(".aws-web-deploy/"))
            .collect()
    }

    /// All keys of `bucket`, those of release records too.
    pub(crate) fn all_keys(&self, bucket: &str) -> Vec<String> {
        let mut keys = Vec::new();
        let mut token = String::new();
        loop {
            let page = self
                .s3(
                    "GET",
                    &format!("/{bucket}?list-type=2&encoding-type=url{token}"),
                    &[],
                    b"",
                )
                .text();
            keys.extend(between(&page, "<Key>", "</Key>").iter().map(|key| decode(key)));
            match between(&page, "<NextContinuationToken>", "</NextContinuationToken>").first() {
                Some(next) => token = format!("&continuation-token={}", encode(next)),
                None => return keys,
            }
        }
    }

    /// The invalidations of `distribution`: their paths, in the order in which they were created.
    pub(crate) fn invalidations(&self) -> Vec<Vec<String>> {
        self.requests()
            .iter()
            .filter(|one| one["operation"] == "CreateInvalidation" && one["status"].as_u64().is_some_and(|s| s < 300))
            .map(|one| {
                let paths = one["params"]["Paths"].as_array().cloned().unwrap_or_default();
                paths
                    .iter()
                    .map(|path| path.as_str().unwrap_or("?").to_owned())
                    .collect()
            })
            .collect()
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        let mut pool = pool().lock().unwrap_or_else(PoisonError::into_inner);
        // At the end of the test process the pool may be gone, and its children with it.
        let _ = writeln!(pool.input, "end {}", self.pid);
    }
}

/// Percent-encodes everything but unreserved characters and `/`.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(byte as char);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn decode(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let hex: Vec<u8> = bytes.by_ref().take(2).collect();
                let hex = String::from_utf8_lossy(&hex).into_owned();
                out.push(u8::from_str_radix(&hex, 16).expect("hexadecimal digits"));
            }
            b'+' => out.push(b' '),
            other => out.push(other),
        }
    }
    String::from_utf8(out).expect("keys are UTF-8")
}

fn between(text: &str, start: &str, end: &str) -> Vec<String> {
    text.split(start)
        .skip(1)
        .filter_map(|rest| rest.split(end).next())
        .map(ToOwned::to_owned)
        .collect()
}
