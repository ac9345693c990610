//! A server that answers every request with the same page at once, so that what is measured
//! is the client.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

/// Starts it and returns its address, `http://127.0.0.1:PORT`. Nobody ends it: it ends with
/// the program.
pub(crate) fn start(page: &str) -> String {
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\n\
         x-amzn-requestid: 00000000-0000-4000-8000-000000000001\r\n\
         content-length: {}\r\n\r\n{page}",
        page.len()
    );
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, answer) = (stream.unwrap(), answer.clone());
            std::thread::spawn(move || serve(&stream, answer.as_bytes()));
        }
    });
    endpoint
}

fn serve(stream: &TcpStream, answer: &[u8]) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut requests = BufReader::new(stream);
    loop {
        let mut body = 0;
        loop {
            let mut line = String::new();
            if requests.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim().to_ascii_lowercase();
            if let Some(length) = line.strip_prefix("content-length:") {
                body = length.trim().parse().ok()?;
            }
            if line.is_empty() {
                break;
            }
        }
        std::io::Read::read_exact(&mut requests, &mut vec![0; body]).ok()?;
        let mut stream = stream;
        stream.write_all(answer).ok()?;
    }
}
