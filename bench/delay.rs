//! A proxy that makes a round trip take longer: every byte waits half the delay on its way, in both directions, and a
//! new connection waits a whole one, as a TCP handshake would.
//!
//! `delay TARGET-PORT ROUND-TRIP-MILLISECONDS`; prints the port it listens on. Counts requests and connections: `GET
//! /_requests` answers both and begins anew.

#![expect(
    clippy::print_stdout,
    reason = "a program of its own, which tells its port to who starts it"
)]

use std::io::{Error, Read, Result, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread::{Builder, sleep};
use std::time::{Duration, Instant};

const END_OF_LINE: &[u8] = b" HTTP/1.1\r\n";

#[derive(Default)]
struct Counts {
    requests: AtomicU64,
    connections: AtomicU64,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1).filter_map(|text| text.parse::<u64>().ok());
    let (Some(port), Some(millis)) = (arguments.next(), arguments.next()) else {
        return Err(Error::other("usage: delay TARGET-PORT ROUND-TRIP-MILLISECONDS"));
    };
    let round_trip = Duration::from_millis(millis);
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    println!("{}", listener.local_addr()?.port());
    let counts = Arc::new(Counts::default());
    for client in listener.incoming() {
        let (client, counts) = (client?, Arc::clone(&counts));
        Builder::new()
            .stack_size(128 * 1024)
            .spawn(move || connection(client, port as u16, round_trip, &counts))?;
    }
    Ok(())
}

fn connection(client: TcpStream, port: u16, round_trip: Duration, counts: &Arc<Counts>) -> Result<()> {
    client.set_nodelay(true)?;
    let mut first = [0; 14];
    if client.peek(&mut first)? >= 14 && &first == b"GET /_requests" {
        let text = format!(
            "{{\"requests\": {}, \"connections\": {}}}",
            counts.requests.swap(0, Ordering::Relaxed),
            counts.connections.swap(0, Ordering::Relaxed)
        );
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
            text.len()
        );
        return (&client).write_all(answer.as_bytes());
    }
    counts.connections.fetch_add(1, Ordering::Relaxed);
    sleep(round_trip);
    let server = TcpStream::connect(("127.0.0.1", port))?;
    server.set_nodelay(true)?;
    let (from, to) = (server.try_clone()?, client.try_clone()?);
    let back = Builder::new()
        .stack_size(128 * 1024)
        .spawn(move || line(from, to, round_trip / 2, None))?;
    line(client, server, round_trip / 2, Some(counts))?;
    let _ = back.join();
    Ok(())
}

/// Carries bytes from one end to the other, each piece `delay` later than it came.
fn line(mut from: TcpStream, mut to: TcpStream, delay: Duration, counts: Option<&Arc<Counts>>) -> Result<()> {
    let (sender, receiver) = sync_channel::<(Instant, Vec<u8>)>(1024);
    let writer = Builder::new().stack_size(128 * 1024).spawn(move || {
        for (due, piece) in receiver {
            let now = Instant::now();
            if due > now {
                sleep(due - now);
            }
            if to.write_all(&piece).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    })?;
    let mut buffer = vec![0; 128 * 1024];
    let mut end = Vec::new();
    loop {
        match from.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(read) => {
                if let Some(counts) = counts {
                    count(&buffer[..read], &mut end, counts);
                }
                if sender.send((Instant::now() + delay, buffer[..read].to_vec())).is_err() {
                    break;
                }
            }
        }
    }
    drop(sender);
    let _ = writer.join();
    Ok(())
}

/// Counts request lines; `end` holds the end of the piece before, for a line that was cut.
fn count(piece: &[u8], end: &mut Vec<u8>, counts: &Counts) {
    end.extend_from_slice(&piece[..piece.len().min(END_OF_LINE.len() - 1)]);
    let finds = |bytes: &[u8]| {
        bytes
            .windows(END_OF_LINE.len())
            .filter(|window| *window == END_OF_LINE)
            .count()
    };
    counts
        .requests
        .fetch_add((finds(end) + finds(piece)) as u64, Ordering::Relaxed);
    end.clear();
    end.extend_from_slice(&piece[piece.len().saturating_sub(END_OF_LINE.len() - 1)..]);
}
