//! The directory that the guest `bearer-directory` reads: a few lines of HTTP server
//! on loopback, with content that a test can compare with.
//!
//! It is strict where a connector can be wrong (token, cursor, encoding of ids) and
//! knows nothing else of HTTP: GET, one request a connection.

mod content;

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};

pub use content::{APPS, App, Holder, PEOPLE, Person, Role, TEAMS, Team};

/// The only token that the directory accepts.
const TOKEN: &str = "directory-token-5f2e";

/// Items on a page if the request does not say: small, so that every list has several.
const PAGE_SIZE: usize = 2;

/// A connection that sends nothing is closed after this, so that the end of a test
/// does not wait for it.
const SILENCE: Duration = Duration::from_secs(2);

/// A running directory. It ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

/// An answer that is not the directory's content.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

#[derive(Debug, Default)]
struct State {
    ends: AtomicBool,
    requests: Mutex<Vec<String>>,
    planned: Mutex<Vec<(String, Answer)>>,
}

impl Server {
    /// Starts a directory on a free port of the loopback interface.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let thread = thread::Builder::new()
            .name("bearer-directory".to_owned())
            .spawn(move || serve(&listener, &shared))?;
        Ok(Self {
            address,
            state,
            thread: Some(thread),
        })
    }

    /// The value for the setting `endpoint-url`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The value for the setting `token`.
    pub fn token(&self) -> &'static str {
        TOKEN
    }

    /// The requests so far, in the order of their arrival: method, path and query.
    pub fn requests(&self) -> Vec<String> {
        lock(&self.state.requests).clone()
    }

    /// Answers the next request whose path begins like this with something else. More
    /// than one answer for the same beginning are given in the order of the calls.
    pub fn answer_once(&self, path: &str, answer: Answer) {
        lock(&self.state.planned).push((path.to_owned(), answer));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.ends.store(true, Ordering::Release);
        // Wakes the thread, which waits for a connection.
        let woken = TcpStream::connect(self.address).is_ok();
        if let Some(thread) = self.thread.take().filter(|_| woken) {
            // It has nothing to tell, and a panic of it has been printed.
            let _ = thread.join();
        }
    }
}

fn serve(listener: &TcpListener, state: &State) {
    thread::scope(|scope| {
        for connection in listener.incoming() {
            if state.ends.load(Ordering::Acquire) {
                break;
            }
            if let Ok(connection) = connection {
                // A connection that fails is the client's affair: it sees it, too.
                scope.spawn(move || converse(&connection, state));
            }
        }
    });
}

fn converse(connection: &TcpStream, state: &State) -> io::Result<()> {
    connection.set_read_timeout(Some(SILENCE))?;
    let mut lines = BufReader::new(connection).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let mut authorization = None;
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("authorization")
        {
            authorization = Some(value.trim().to_owned());
        }
    }
    let request = first.strip_suffix(" HTTP/1.1").unwrap_or_default();
    lock(&state.requests).push(request.to_owned());
    let answer = answer(request, authorization.as_deref(), state);

    let mut response = format!(
        "HTTP/1.1 {} -\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n",
        answer.status,
        answer.body.len()
    );
    for (name, value) in &answer.headers {
        response.push_str(&format!("{name}: {value}\r\n"));
    }
    response.push_str("\r\n");
    response.push_str(&answer.body);
    let mut connection = connection;
    connection.write_all(response.as_bytes())
}

fn answer(request: &str, authorization: Option<&str>, state: &State) -> Answer {
    let plain = |status, body: Value| Answer {
        status,
        headers: Vec::new(),
        body: body.to_string(),
    };
    let Some(target) = request.strip_prefix("GET ") else {
        return plain(405, json!({"error": "only GET"}));
    };
    if authorization.and_then(|value| value.strip_prefix("Bearer ")) != Some(TOKEN) {
        return plain(401, json!({"error": "wrong token"}));
    }
    let mut planned = lock(&state.planned);
    if let Some(index) = planned
        .iter()
        .position(|(path, _)| target.starts_with(path))
    {
        return planned.remove(index).1;
    }
    drop(planned);

    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let segments: Option<Vec<String>> = path.split('/').skip(1).map(decoded).collect();
    let Some(segments) = segments else {
        return plain(400, json!({"error": "bad encoding"}));
    };
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match content::at(&segments) {
        Some(Value::Array(items)) => match page(path, &items, query) {
            Some(page) => plain(200, page),
            None => plain(410, json!({"error": "unknown cursor"})),
        },
        Some(one) => plain(200, one),
        None => plain(404, json!({"error": "no such thing"})),
    }
}

/// One page of a list; `None` for a cursor that is not one of this list.
fn page(path: &str, items: &[Value], query: &str) -> Option<Value> {
    let (mut start, mut size) = (0_usize, PAGE_SIZE);
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        match name {
            "size" => size = value.parse().ok().filter(|size| *size > 0)?,
            // Holds characters that must be encoded, and belongs to one list.
            "cursor" => {
                start = decoded(value)?
                    .strip_prefix(&format!("{path}&"))?
                    .parse()
                    .ok()?
            }
            _ => return None,
        }
    }
    let end = items.len().min(start.saturating_add(size));
    let page = items.get(start..end)?;
    let next = (end < items.len()).then(|| format!("{path}&{end}"));
    Some(json!({"items": page, "next": next}))
}

/// Undoes percent-encoding.
fn decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(code, 16).ok()?);
        bytes.extend(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
