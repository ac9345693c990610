//! Doubles of what gives out credentials: the endpoint of a container, and the token
//! service.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::json;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Received {
    /// A field of a form.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let fields = self.body.split('&');
        let mut named = fields.filter_map(|field| field.split_once('='));
        let (_, value) = named.find(|(known, _)| *known == name)?;
        Some(decoded(value))
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes().iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digits: String = rest.by_ref().take(2).map(|b| char::from(*b)).collect();
                bytes.push(u8::from_str_radix(&digits, 16).unwrap());
            }
            b'+' => bytes.push(b' '),
            byte => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// Status, further headers and body.
pub(crate) type Given = (u16, String, String);

/// A server on loopback that answers by a function, one request a connection. It ends when
/// this is dropped.
pub(crate) struct Double {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Double {
    pub(crate) fn start(mut answer: impl FnMut(&Received) -> Given + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let ends = Arc::new(AtomicBool::new(false));
        let (noted, ended) = (received.clone(), ends.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                // Whoever goes away in the middle has a reason.
                let _ = stream.and_then(|stream| serve(stream, &noted, &mut answer));
            }
        });
        Self {
            address,
            received,
            ends,
            thread: Some(thread),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        // Wakes it up, so that it sees that this is the end.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(
    mut stream: TcpStream,
    received: &Mutex<Vec<Received>>,
    answer: &mut impl FnMut(&Received) -> Given,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    let length = head
        .to_ascii_lowercase()
        .lines()
        .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8(body).unwrap();
    let request = Received { head, body };
    received.lock().unwrap().push(request.clone());
    let (status, headers, body) = answer(&request);
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status} OK\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}"
    )
}

/// A key that is given out for a while.
#[derive(Clone, Debug)]
pub(crate) struct Temporary {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) token: String,
}

impl Temporary {
    pub(crate) fn numbered(number: usize) -> Self {
        Self {
            id: format!("ASIAGIVENOUT{number:08}"),
            secret: format!("secret-of-the-session-that-was-given-out-{number:04}"),
            token: format!("token-of-the-session-that-was-given-out-{number:04}"),
        }
    }

    /// As the service knows it.
    pub(crate) fn key(&self) -> fake_cognito::Key {
        fake_cognito::Key::new(&self.id, &self.secret).session_token(&self.token)
    }
}

/// The endpoint that a container asks for credentials; gives out one after the other.
pub(crate) fn container() -> Double {
    let mut number = 0;
    Double::start(move |_| {
        let key = Temporary::numbered(number);
        number += 1;
        let body = json!({
            "AccessKeyId": key.id,
            "SecretAccessKey": key.secret,
            "Token": key.token,
            "Expiration": "2999-01-01T00:00:00Z",
        });
        let json = "content-type: application/json\r\n".to_owned();
        (200, json, body.to_string())
    })
}

/// The token service; gives out one key after the other, or refuses.
pub(crate) fn token_service(refuses: bool) -> Double {
    let mut number = 0;
    Double::start(move |request| {
        let action = request.field("Action").unwrap();
        let xml = "content-type: text/xml\r\n".to_owned();
        if refuses {
            let body = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>\
                <Message>User is not authorized to perform: sts:AssumeRole</Message></Error>\
                <RequestId>r-1</RequestId></ErrorResponse>";
            return (403, xml, body.to_owned());
        }
        let key = Temporary::numbered(number);
        number += 1;
        let body = format!(
            "<{action}Response><{action}Result><Credentials>\
             <AccessKeyId>{}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey>\
             <SessionToken>{}</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration>\
             </Credentials><AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/a/b</Arn>\
             <AssumedRoleId>AROA:b</AssumedRoleId></AssumedRoleUser></{action}Result>\
             </{action}Response>",
            key.id, key.secret, key.token
        );
        (200, xml, body)
    })
}
