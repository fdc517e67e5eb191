//! What `verify-site` says of an address that does not answer as wanted: its last answer, and why it is none.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use super::{BUCKET, cloud, site};
use crate::support::{Action, Cloud};

/// A site that answers each request, counted from 0, with what `answer` says, and then closes the connection or, of an
/// answer that is to be left `open`, says nothing more until the end.
struct Server {
    address: String,
    _end: mpsc::Sender<()>,
}

impl Server {
    fn new(answer: impl Fn(usize) -> (String, bool) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let (end, ended) = mpsc::channel();
        let (answer, number) = (Arc::new(answer), AtomicUsize::new(0));
        std::thread::spawn(move || {
            let mut left_open: Vec<TcpStream> = Vec::new();
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                if ended.try_recv() == Err(mpsc::TryRecvError::Disconnected) {
                    return;
                }
                let mut request = [0; 4096];
                let _ = stream.read(&mut request);
                let (text, open) = answer(number.fetch_add(1, Ordering::Relaxed));
                let _ = stream.write_all(text.as_bytes());
                if open {
                    left_open.push(stream);
                }
            }
        });
        Self { address, _end: end }
    }
}

/// An answer without a body's length, which ends with the connection.
fn answer(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n{body}")
}

/// Release `b`, verified by `line`.
fn verified(cloud: &Cloud, line: &str) -> Action {
    site(cloud, "b").with("verify-site", line).with("verify-timeout", "1")
}

fn cloud_with_release() -> Cloud {
    let cloud = cloud();
    site(&cloud, "a").run().expect_exit(0);
    cloud
}

#[test]
fn the_last_answer_is_shown_although_the_next_try_is_cut_off() {
    let cloud = cloud_with_release();
    let server = Server::new(|number| match number {
        0 => (answer("503 Service Unavailable", "bad today"), false),
        _ => (String::new(), true),
    });
    // The first try has all the time, so that a busy machine does not cut it off.
    let run = verified(&cloud, &format!("{}/x", server.address))
        .with("verify-timeout", "3")
        .run()
        .expect_exit(1);
    let expected = format!(
        "cannot verify the site within 3 s: `{0}/x` answers HTTP 503: bad today (the last try was cut off: `{0}` did not \
         answer within ",
        server.address
    );
    assert!(run.error().contains(&expected), "{}", run.error());
    let behind = run.error().split(&expected).nth(1).unwrap_or_default().to_owned();
    let seconds = behind.split(" s)").next().unwrap_or_default();
    assert!(
        seconds.parse::<f64>().is_ok() && seconds.len() <= 3,
        "rounded: {behind}"
    );
    assert_eq!(run.output("rolled-back"), "true");
}

#[test]
fn an_answer_whose_body_is_slow_is_shown_as_far_as_it_came() {
    let cloud = cloud_with_release();
    let server = Server::new(|_| {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n";
        (format!("{head}half a page"), true)
    });
    let run = verified(&cloud, &format!("{}/x contains end", server.address))
        .with("verify-timeout", "3")
        .run()
        .expect_exit(1);
    let expected = format!(
        "`{}/x` answers HTTP 200, whose body was not complete after 3 s: half a page",
        server.address
    );
    assert!(run.error().contains(&expected), "{}", run.error());
}

#[test]
fn an_address_that_gives_no_answer_says_so() {
    let cloud = cloud_with_release();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let run = verified(&cloud, &format!("{address}/x")).run().expect_exit(1);
    let expected = format!("`{address}/x` gives no answer: cannot reach `{address}`: the connection was refused");
    assert!(run.error().contains(&expected), "{}", run.error());
}

#[test]
fn a_redirect_that_is_not_followed_says_why_and_with_which_status() {
    for (location, reason) in [
        (
            "ftp://127.0.0.1/x",
            "it leads to the scheme `ftp`, not to `http` or `https`",
        ),
        (
            "file:///etc/passwd",
            "it leads to the scheme `file`, not to `http` or `https`",
        ),
        (
            "https://me:hunter2@example.org/",
            "its address holds a user name or a password",
        ),
        ("http://[::1/", "its `Location` is not a valid address"),
        ("/again", "5 were followed before it"),
    ] {
        let cloud = cloud_with_release();
        let head = format!("302 Found\r\nLocation: {location}");
        let server = Server::new(move |_| (answer(&head, "moved"), false));
        let run = verified(&cloud, &format!("{}/x", server.address)).run().expect_exit(1);
        let expected = format!(
            "`{}/x` answers HTTP 302, a redirect that is not followed because {reason}: moved",
            server.address
        );
        assert!(run.error().contains(&expected), "{location}: {}", run.error());
        assert!(!run.log.contains("hunter2"), "{}", run.log);
    }
}

#[test]
fn an_address_that_no_request_can_be_sent_to_is_a_wrong_input() {
    let cloud = cloud_with_release();
    let records = cloud.all_keys(BUCKET).len();
    for (line, problem) in [
        (
            "http://[::1",
            "the address of line 1 of `verify-site` has no host, or one that is not valid",
        ),
        (
            "http://127.0.0.1:70000/ 200",
            "the address of line 1 of `verify-site` has a port that is not a number",
        ),
        ("http://h\\x:1 200", "the address of line 1 of `verify-site` has"),
        (
            "example.org/x",
            "the address of line 1 of `verify-site` does not begin with `http://` or `https://`",
        ),
    ] {
        cloud.forget_requests();
        let run = verified(&cloud, line).run().expect_exit(2);
        assert!(run.error().contains(problem), "{line}: {}", run.error());
        assert_eq!(cloud.requests().len(), 0, "{line}");
    }
    assert_eq!(cloud.all_keys(BUCKET).len(), records);
}
