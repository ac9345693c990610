//! Against servers on this machine, written on bare sockets so that they can misbehave.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::*;
use crate::egress::address::{Class, Refused};
use crate::limits::clock::{ManualClock, SystemClock};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const NAMED: AddressPolicy = AddressPolicy {
    named_endpoint: true,
    plain_http: false,
};

/// What the server does with a connection after a request.
#[derive(Clone)]
enum After {
    Keep,
    Close,
    Stall,
}

/// The answers that a server gives, in turn.
type Script = VecDeque<(Vec<u8>, After)>;

struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: mpsc::UnboundedReceiver<String>,
}

impl Server {
    /// Answers every request in turn with the given bytes; the last answer repeats.
    async fn answering(answers: impl Into<Script>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let (seen, requests) = mpsc::unbounded_channel();
        let answers = Arc::new(Mutex::new(answers.into()));
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(socket, Arc::clone(&answers), seen.clone()));
            }
        });
        Self {
            address,
            connections,
            requests,
        }
    }

    async fn always(answer: &str) -> Self {
        Self::answering(vec![(answer.as_bytes().to_vec(), After::Keep)]).await
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    fn request(&self) -> http::Request<Full<Bytes>> {
        http::Request::post(format!("http://{}/", self.address))
            .header("host", self.address.to_string())
            .body(Full::new(Bytes::from_static(b"{}")))
            .unwrap()
    }
}

async fn serve(
    mut socket: TcpStream,
    answers: Arc<Mutex<Script>>,
    seen: mpsc::UnboundedSender<String>,
) {
    loop {
        let mut request = Vec::new();
        while !request.ends_with(b"{}") {
            let mut buffer = [0; 4096];
            match socket.read(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(n) => request.extend_from_slice(&buffer[..n]),
            }
        }
        let (answer, after) = {
            let mut answers = answers.lock().unwrap();
            if answers.len() > 1 {
                answers.pop_front().unwrap()
            } else {
                answers.front().unwrap().clone()
            }
        };
        // The peer may hang up in the middle of a hostile answer.
        let _ = socket.write_all(&answer).await;
        let _ = seen.send(String::from_utf8(request).unwrap());
        match after {
            After::Keep => {}
            After::Close => return,
            After::Stall => std::future::pending().await,
        }
    }
}

fn transport(clock: impl Clock + 'static) -> Transport {
    Transport::new(NAMED, Parts::system(Arc::new(clock)))
}

fn limits(clock: &impl Clock) -> Limits {
    Limits::until(clock.now() + deadline::REQUEST)
}

async fn fetch(
    transport: &Transport,
    request: http::Request<Full<Bytes>>,
    limits: Limits,
) -> Result<(u16, Bytes), TransportError> {
    let response = transport.send(request, limits).await?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await?;
    Ok((status, body.to_bytes()))
}

async fn one(answer: &[u8], after: After) -> Result<(u16, Bytes), TransportError> {
    let server = Server::answering(vec![(answer.to_vec(), after)]).await;
    fetch(
        &transport(SystemClock),
        server.request(),
        limits(&SystemClock),
    )
    .await
}

#[tokio::test]
async fn requests_one_after_the_other_share_a_connection() {
    let server = Server::always(OK).await;
    let transport = transport(SystemClock);
    for _ in 0..50 {
        let answer = fetch(&transport, server.request(), limits(&SystemClock)).await;
        assert_eq!(answer.unwrap(), (200, Bytes::from_static(b"ok")));
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn two_transports_share_nothing() {
    let server = Server::always(OK).await;
    for _ in 0..2 {
        let transport = transport(SystemClock);
        fetch(&transport, server.request(), limits(&SystemClock))
            .await
            .unwrap();
    }
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn the_request_goes_out_as_it_was_judged_with_one_host_line() {
    let mut server = Server::always(OK).await;
    let transport = transport(SystemClock);
    fetch(&transport, server.request(), limits(&SystemClock))
        .await
        .unwrap();
    let seen = server.requests.recv().await.unwrap();
    let expected = format!(
        "POST / HTTP/1.1\r\nhost: {}\r\ncontent-length: 2\r\n\r\n{{}}",
        server.address
    );
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_connection_that_died_while_idle_is_replaced() {
    let server = Server::answering(vec![(OK.into(), After::Close), (OK.into(), After::Keep)]).await;
    let transport = transport(SystemClock);
    fetch(&transport, server.request(), limits(&SystemClock))
        .await
        .unwrap();
    // The pool learns of the end when it is scheduled; the next request may still be
    // written to the dead connection, which is the one failure that is not retried.
    let second = loop {
        match fetch(&transport, server.request(), limits(&SystemClock)).await {
            Err(TransportError::Incomplete) => {}
            other => break other,
        }
    };
    assert_eq!(second.unwrap().0, 200);
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_nothing_is_followed() {
    let target = Server::always(OK).await;
    let redirect = format!(
        "HTTP/1.1 302 Found\r\nlocation: http://{}/\r\ncontent-length: 0\r\n\r\n",
        target.address
    );
    let server = Server::always(&redirect).await;
    let answer = fetch(
        &transport(SystemClock),
        server.request(),
        limits(&SystemClock),
    )
    .await;
    assert_eq!(answer.unwrap().0, 302);
    assert_eq!(target.connections(), 0);
}

#[tokio::test]
async fn an_answer_that_ends_before_its_end_is_an_error() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    for answer in [
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\ncontent-len",
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}",
        &format!("{chunked}5\r\nhel"),
        &format!("{chunked}5\r\nhello\r\n"),
        &format!("{chunked}5\r\nhello\r\n0\r\n"),
        &format!("{chunked}zz\r\nhello\r\n"),
    ] {
        let result = one(answer.as_bytes(), After::Close).await;
        assert_eq!(result, Err(TransportError::Incomplete), "{answer:?}");
    }
}

#[tokio::test]
async fn what_is_not_http_is_an_error() {
    let result = one(b"220 mail.example.com ESMTP\r\n\r\n", After::Keep).await;
    assert!(
        matches!(result, Err(TransportError::Protocol(_))),
        "{result:?}"
    );
    let twice = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok!";
    let result = one(twice, After::Keep).await;
    assert!(
        matches!(result, Err(TransportError::Protocol(_))),
        "{result:?}"
    );
}

#[tokio::test]
async fn a_body_at_the_limit_passes_and_one_byte_more_is_an_error() {
    for (length, chunked) in [(8, false), (8, true), (9, false), (9, true)] {
        let body = "x".repeat(length);
        let answer = if chunked {
            format!(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n"
            )
        } else {
            format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}")
        };
        let server = Server::always(&answer).await;
        let small = Limits {
            body: 8,
            ..limits(&SystemClock)
        };
        let result = fetch(&transport(SystemClock), server.request(), small).await;
        if length == 8 {
            assert_eq!(result, Ok((200, Bytes::from(body))));
        } else {
            assert_eq!(
                result,
                Err(TransportError::BodySize { limit: 8 }),
                "chunked: {chunked}"
            );
        }
    }
}

#[tokio::test]
async fn an_announced_excess_is_refused_before_the_body() {
    let server = Server::always("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n").await;
    let small = Limits {
        body: 8,
        ..limits(&SystemClock)
    };
    let result = transport(SystemClock).send(server.request(), small).await;
    assert_eq!(result.unwrap_err(), TransportError::BodySize { limit: 8 });
}

#[tokio::test]
async fn an_answer_with_as_many_headers_as_allowed_passes() {
    let headers = "x: y\r\n".repeat(sizes::RESPONSE_HEADER_FIELDS - 1);
    let answer = format!("HTTP/1.1 200 OK\r\n{headers}content-length: 0\r\n\r\n");
    assert_eq!(one(answer.as_bytes(), After::Keep).await.unwrap().0, 200);
}

#[tokio::test]
async fn a_body_that_never_pauses_ends_with_the_deadline_too() {
    let server = Server::always(OK).await;
    let clock = ManualClock::new();
    let transport = transport(clock.clone());
    let response = transport
        .send(server.request(), limits(&clock))
        .await
        .unwrap();
    clock.advance(deadline::REQUEST);
    let result = response.into_body().collect().await;
    assert_eq!(result.unwrap_err(), TransportError::Deadline);
}

#[tokio::test]
async fn a_page_of_six_megabytes_arrives_whole() {
    let body = "x".repeat(6 << 20);
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let (status, received) = one(answer.as_bytes(), After::Keep).await.unwrap();
    assert_eq!((status, received.len()), (200, body.len()));
}

#[tokio::test]
async fn a_bomb_of_headers_is_an_error() {
    let many = "x: y\r\n".repeat(40_000);
    let few_but_many_enough = "x: y\r\n".repeat(sizes::RESPONSE_HEADER_FIELDS + 1);
    let long = format!("x: {}\r\n", "y".repeat(2 * sizes::RESPONSE_HEADERS));
    for headers in [many, few_but_many_enough, long] {
        let answer = format!("HTTP/1.1 200 OK\r\n{headers}content-length: 0\r\n\r\n");
        let result = one(answer.as_bytes(), After::Keep).await;
        assert_eq!(
            result,
            Err(TransportError::HeaderSize),
            "{} bytes",
            headers.len()
        );
    }
}

/// Moves the clock until a future is done.
async fn drive<F: Future>(clock: &ManualClock, future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    loop {
        tokio::select! {
            biased;
            output = &mut future => return output,
            () = tokio::task::yield_now() => clock.advance(Duration::from_millis(100)),
        }
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let mut server = Server::answering(vec![(Vec::new(), After::Stall)]).await;
    let clock = ManualClock::new();
    let transport = transport(clock.clone());
    let mut exchange = Box::pin(fetch(&transport, server.request(), limits(&clock)));
    tokio::select! {
        early = &mut exchange => panic!("{early:?}"),
        _ = server.requests.recv() => {}
    }
    let result = drive(&clock, exchange).await;
    assert_eq!(
        result,
        Err(TransportError::FirstByteTimeout(deadline::FIRST_BYTE))
    );
}

#[tokio::test]
async fn a_body_that_pauses_is_given_up() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_vec();
    let server = Server::answering(vec![(head, After::Stall)]).await;
    let clock = ManualClock::new();
    let transport = transport(clock.clone());
    let response = transport
        .send(server.request(), limits(&clock))
        .await
        .unwrap();
    let result = drive(&clock, response.into_body().collect()).await;
    assert_eq!(
        result.unwrap_err(),
        TransportError::BetweenBytesTimeout(deadline::BETWEEN_BYTES)
    );
}

#[tokio::test]
async fn a_body_is_given_up_at_the_deadline_however_short_its_pause() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_vec();
    let server = Server::answering(vec![(head, After::Stall)]).await;
    let clock = ManualClock::new();
    let transport = transport(clock.clone());
    let short = Limits {
        deadline: clock.now() + Duration::from_secs(3),
        ..limits(&clock)
    };
    let response = transport.send(server.request(), short).await.unwrap();
    let result = drive(&clock, response.into_body().collect()).await;
    assert_eq!(result.unwrap_err(), TransportError::Deadline);
}

/// Answers each lookup with the next list, and never connects anywhere.
#[derive(Debug)]
struct Scripted {
    lookups: Mutex<VecDeque<Vec<&'static str>>>,
    dialled: Mutex<Vec<Vec<SocketAddr>>>,
}

impl Scripted {
    fn new(lookups: &[&[&'static str]]) -> Arc<Self> {
        Arc::new(Self {
            lookups: Mutex::new(lookups.iter().map(|list| list.to_vec()).collect()),
            dialled: Mutex::default(),
        })
    }

    fn transport(self: &Arc<Self>, addresses: AddressPolicy) -> Transport {
        let system = Parts::system(Arc::new(SystemClock));
        Transport::new(
            addresses,
            Parts {
                resolver: self.clone(),
                dialler: self.clone(),
                ..system
            },
        )
    }

    fn dialled(&self) -> Vec<Vec<String>> {
        let dialled = self.dialled.lock().unwrap();
        let show = |list: &Vec<SocketAddr>| list.iter().map(ToString::to_string).collect();
        dialled.iter().map(show).collect()
    }
}

impl Resolve for Scripted {
    fn resolve(&self, _: &str, port: u16) -> Lookup<Vec<SocketAddr>> {
        let list = self.lookups.lock().unwrap().pop_front().unwrap();
        let list = list
            .iter()
            .map(|ip| SocketAddr::new(ip.parse().unwrap(), port))
            .collect();
        Box::pin(async move { Ok(list) })
    }
}

impl Dial for Scripted {
    fn dial(&self, addresses: Vec<SocketAddr>) -> Lookup<TcpStream> {
        self.dialled.lock().unwrap().push(addresses);
        Box::pin(async { Err(io::Error::other("nobody there")) })
    }
}

fn to(uri: &str) -> http::Request<Full<Bytes>> {
    http::Request::get(uri).body(Full::default()).unwrap()
}

const CLOSED: AddressPolicy = AddressPolicy {
    named_endpoint: false,
    plain_http: false,
};

#[tokio::test]
async fn a_name_that_turns_to_a_private_address_is_not_followed_there() {
    let network = Scripted::new(&[&["9.9.9.9"], &["10.0.0.1"]]);
    let transport = network.transport(CLOSED);
    let first = fetch(&transport, to("https://x.example/"), limits(&SystemClock)).await;
    assert!(
        matches!(first, Err(TransportError::Connect { .. })),
        "{first:?}"
    );
    let second = fetch(&transport, to("https://x.example/"), limits(&SystemClock)).await;
    assert_eq!(
        second,
        Err(TransportError::Prohibited {
            host: "x.example".to_owned(),
            refused: vec![Refused::Class {
                address: "10.0.0.1".parse().unwrap(),
                class: Class::Private,
            }],
        })
    );
    assert_eq!(network.dialled(), [["9.9.9.9:443"]]);
}

#[tokio::test]
async fn only_the_judged_addresses_are_dialled_and_the_name_is_resolved_once() {
    let network = Scripted::new(&[&["127.0.0.1", "9.9.9.9", "::ffff:10.0.0.1", "2620:fe::9"]]);
    let transport = network.transport(CLOSED);
    let result = fetch(
        &transport,
        to("https://x.example:8443/"),
        limits(&SystemClock),
    )
    .await;
    assert!(
        matches!(result, Err(TransportError::Connect { .. })),
        "{result:?}"
    );
    assert_eq!(network.dialled(), [["9.9.9.9:8443", "[2620:fe::9]:8443"]]);
}

#[tokio::test]
async fn an_address_literal_is_judged_like_a_resolved_one() {
    let network = Scripted::new(&[]);
    let transport = network.transport(CLOSED);
    for uri in [
        "https://127.0.0.1/",
        "https://169.254.169.254/",
        "https://[::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "https://[2002:a9fe:a9fe::1]/",
        "https://[fd00:ec2::254]/",
    ] {
        let result = fetch(&transport, to(uri), limits(&SystemClock)).await;
        assert!(
            matches!(result, Err(TransportError::Prohibited { .. })),
            "{uri}: {result:?}"
        );
    }
    assert_eq!(network.dialled(), Vec::<Vec<String>>::new());
}

#[tokio::test]
async fn plain_http_to_a_name_that_leads_away_is_not_dialled() {
    let network = Scripted::new(&[&["127.0.0.1", "9.9.9.9"]]);
    let transport = network.transport(AddressPolicy {
        plain_http: true,
        ..NAMED
    });
    let result = fetch(&transport, to("http://x.example/"), limits(&SystemClock)).await;
    assert!(
        matches!(result, Err(TransportError::Prohibited { .. })),
        "{result:?}"
    );
    assert_eq!(network.dialled(), Vec::<Vec<String>>::new());
}

#[tokio::test]
async fn a_name_without_addresses_does_not_resolve() {
    let network = Scripted::new(&[&[]]);
    let result = fetch(
        &network.transport(CLOSED),
        to("https://x.example/"),
        limits(&SystemClock),
    )
    .await;
    assert!(
        matches!(result, Err(TransportError::Resolve { .. })),
        "{result:?}"
    );
}

#[derive(Debug)]
struct Never;

impl Resolve for Never {
    fn resolve(&self, _: &str, _: u16) -> Lookup<Vec<SocketAddr>> {
        Box::pin(std::future::pending())
    }
}

impl Dial for Never {
    fn dial(&self, _: Vec<SocketAddr>) -> Lookup<TcpStream> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn resolving_and_dialling_share_the_connect_deadline() {
    let clock = ManualClock::new();
    let parts = || Parts::system(Arc::new(clock.clone()));
    let asked = Limits {
        connect: Duration::from_secs(2),
        ..limits(&clock)
    };
    let slow_dns = Transport::new(
        CLOSED,
        Parts {
            resolver: Arc::new(Never),
            ..parts()
        },
    );
    let result = drive(&clock, fetch(&slow_dns, to("https://x.example/"), asked)).await;
    let limit = asked.connect;
    let host = "x.example".to_owned();
    assert_eq!(result, Err(TransportError::ResolveTimeout { host, limit }));

    let slow_network = Transport::new(
        CLOSED,
        Parts {
            dialler: Arc::new(Never),
            ..parts()
        },
    );
    let asked = Limits {
        connect: limit,
        ..limits(&clock)
    };
    let result = drive(&clock, fetch(&slow_network, to("https://9.9.9.9/"), asked)).await;
    let host = "9.9.9.9".to_owned();
    let phase = "TCP";
    assert_eq!(
        result,
        Err(TransportError::ConnectTimeout { host, limit, phase })
    );
}

#[tokio::test]
async fn a_server_that_stalls_in_tls_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let clock = ManualClock::new();
    let roots = Roots::Given(Arc::new(rustls::RootCertStore::empty()));
    let transport = Transport::new(
        NAMED,
        Parts {
            roots,
            ..Parts::system(Arc::new(clock.clone()))
        },
    );
    let uri = format!("https://{address}/");
    let mut exchange = Box::pin(fetch(&transport, to(&uri), limits(&clock)));
    let _open = tokio::select! {
        early = &mut exchange => panic!("{early:?}"),
        accepted = async {
            let (mut socket, _) = listener.accept().await.unwrap();
            // The greeting shows that TCP is done and TLS has begun.
            socket.read_exact(&mut [0; 5]).await.unwrap();
            socket
        } => accepted,
    };
    let result = drive(&clock, exchange).await;
    let limit = deadline::CONNECT;
    let host = "127.0.0.1".to_owned();
    let phase = "TLS";
    assert_eq!(
        result,
        Err(TransportError::ConnectTimeout { host, limit, phase })
    );
}

/// A server with a certificate for `service.test`, and the authority that it is from.
async fn tls_server() -> (SocketAddr, Roots) {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};

    let certificate = |pem: &[u8]| CertificateDer::from_pem_slice(pem).unwrap();
    let chain = vec![certificate(include_bytes!("testdata/server.pem"))];
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("testdata/server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            // A client that does not trust the certificate hangs up.
            if let Ok(mut stream) = acceptor.accept(socket).await {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(OK.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        }
    });
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(certificate(include_bytes!("testdata/ca.pem")))
        .unwrap();
    (address, Roots::Given(Arc::new(roots)))
}

async fn over_tls(name: &str, address: SocketAddr, roots: Roots) -> Result<u16, TransportError> {
    let transport = Transport::new(
        NAMED,
        Parts {
            resolver: Scripted::new(&[&["127.0.0.1"]]),
            roots,
            ..Parts::system(Arc::new(SystemClock))
        },
    );
    let uri = format!("https://{name}:{}/", address.port());
    fetch(&transport, to(&uri), limits(&SystemClock))
        .await
        .map(|(status, _)| status)
}

#[tokio::test]
async fn a_certificate_is_checked_against_the_name_of_the_request() {
    let (address, roots) = tls_server().await;
    assert_eq!(
        over_tls("service.test", address, roots.clone()).await,
        Ok(200)
    );
    let result = over_tls("other.test", address, roots).await;
    assert!(
        matches!(result, Err(TransportError::Certificate { .. })),
        "{result:?}"
    );
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_not_trusted() {
    let (address, _) = tls_server().await;
    let nobody = Roots::Given(Arc::new(rustls::RootCertStore::empty()));
    let result = over_tls("service.test", address, nobody).await;
    assert!(
        matches!(result, Err(TransportError::Certificate { .. })),
        "{result:?}"
    );
}

#[tokio::test]
async fn a_permit_is_waited_for_within_the_deadline_and_returns_with_its_connection() {
    let mut server =
        Server::answering(vec![(Vec::new(), After::Stall), (OK.into(), After::Keep)]).await;
    let clock = ManualClock::new();
    let transport = Transport::new(
        NAMED,
        Parts {
            connections: 1,
            ..Parts::system(Arc::new(clock.clone()))
        },
    );
    let mut first = Box::pin(fetch(&transport, server.request(), limits(&clock)));
    tokio::select! {
        early = &mut first => panic!("{early:?}"),
        _ = server.requests.recv() => {}
    }
    let result = drive(&clock, fetch(&transport, server.request(), limits(&clock))).await;
    assert!(
        matches!(result, Err(TransportError::ConnectionLimit { .. })),
        "{result:?}"
    );
    drop(first);
    let result = fetch(&transport, server.request(), limits(&clock)).await;
    assert_eq!(result.unwrap().0, 200);
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn nobody_listening_is_said_with_the_host() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let result = fetch(
        &transport(SystemClock),
        to(&format!("http://{address}/")),
        limits(&SystemClock),
    )
    .await;
    let message = result.unwrap_err().to_string();
    assert!(
        message.starts_with("cannot connect to 127.0.0.1: "),
        "{message}"
    );
}
