//! From a permitted host to a connection, with nothing in between that could change
//! where it leads.
//!
//! The name is resolved once, every address is judged, and exactly the judged ones are
//! dialled; a second resolution could answer differently. TLS checks the certificate
//! against the name of the request. All of it, and waiting for a connection permit, is
//! under one deadline. The permit lives in the stream, so closing gives it back.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{Parts, TransportError};
use crate::egress::address::AddressPolicy;
use crate::egress::origin::{Host, Origin, Scheme};
use crate::limits::clock::timeout_at;
use crate::limits::deadline;

tokio::task_local! {
    /// How long the request that asks for a connection allows for it. The pool calls the
    /// connector from within the request, and has no argument for it.
    pub(super) static CONNECT_TIMEOUT: Duration;
}

/// An answer that is being looked up.
pub type Lookup<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

/// Turns names into addresses.
pub trait Resolve: Send + Sync + fmt::Debug {
    /// All addresses of a name, with the port.
    fn resolve(&self, name: &str, port: u16) -> Lookup<Vec<SocketAddr>>;
}

/// Opens TCP connections.
pub trait Dial: Send + Sync + fmt::Debug {
    /// Connects to the first of the addresses that answers.
    fn dial(&self, addresses: Vec<SocketAddr>) -> Lookup<TcpStream>;
}

/// The resolver of the operating system.
#[derive(Clone, Copy, Debug)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: &str, port: u16) -> Lookup<Vec<SocketAddr>> {
        let name = name.to_owned();
        Box::pin(async move {
            tokio::net::lookup_host((name, port))
                .await
                .map(Iterator::collect)
        })
    }
}

/// The network of the operating system.
#[derive(Clone, Copy, Debug)]
pub struct SystemDialler;

impl Dial for SystemDialler {
    fn dial(&self, addresses: Vec<SocketAddr>) -> Lookup<TcpStream> {
        Box::pin(async move { TcpStream::connect(addresses.as_slice()).await })
    }
}

/// Which certificates are trusted.
#[derive(Clone, Debug)]
pub enum Roots {
    /// Those of the operating system, or of `SSL_CERT_FILE` and `SSL_CERT_DIR`.
    System,
    /// These.
    Given(Arc<RootCertStore>),
}

#[derive(Clone, Debug)]
pub(super) struct Connector(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    addresses: AddressPolicy,
    parts: Parts,
    permits: Arc<Semaphore>,
    /// Made at the first TLS connection: reading the system's certificates takes some
    /// milliseconds that an endpoint on this machine does not need.
    tls: OnceLock<Result<Arc<ClientConfig>, String>>,
}

impl Connector {
    pub(super) fn new(addresses: AddressPolicy, parts: Parts) -> Self {
        Self(Arc::new(Shared {
            addresses,
            permits: Arc::new(Semaphore::new(parts.connections)),
            parts,
            tls: OnceLock::new(),
        }))
    }
}

impl tower_service::Service<http::Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = TransportError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: http::Uri) -> Self::Future {
        let shared = Arc::clone(&self.0);
        let limit = CONNECT_TIMEOUT
            .try_with(|limit| *limit)
            .unwrap_or(deadline::CONNECT);
        Box::pin(async move { shared.connect(&uri, limit).await.map(TokioIo::new) })
    }
}

impl Shared {
    async fn connect(&self, uri: &http::Uri, limit: Duration) -> Result<Stream, TransportError> {
        let origin =
            Origin::of_request(uri).map_err(|error| TransportError::Protocol(error.to_string()))?;
        let host = origin.host().to_string();
        let clock = &*self.parts.clock;
        let started = clock.now();
        let end = started.checked_add(limit).unwrap_or(started);

        let addresses = self.permitted_addresses(&origin, end, limit).await?;
        let too_late = |phase| TransportError::ConnectTimeout {
            host: host.clone(),
            limit,
            phase,
        };
        let permit = timeout_at(clock, end, Arc::clone(&self.permits).acquire_owned())
            .await
            .ok()
            .and_then(Result::ok)
            .ok_or_else(|| TransportError::ConnectionLimit {
                host: host.clone(),
                limit,
            })?;
        let tcp = timeout_at(clock, end, self.parts.dialler.dial(addresses))
            .await
            .map_err(|_| too_late("TCP"))?
            .map_err(|error| TransportError::Connect {
                host: host.clone(),
                reason: error.to_string(),
            })?;
        // Requests are small and complete: waiting for more to send only adds delay.
        let _ = tcp.set_nodelay(true);
        let inner = match origin.scheme() {
            Scheme::Http => Inner::Plain(tcp),
            Scheme::Https => {
                let handshake = self.handshake(&origin, tcp);
                let stream = timeout_at(clock, end, handshake)
                    .await
                    .map_err(|_| too_late("TLS"))??;
                Inner::Tls(Box::new(stream))
            }
        };
        Ok(Stream {
            inner,
            _permit: permit,
        })
    }

    async fn permitted_addresses(
        &self,
        origin: &Origin,
        end: Instant,
        limit: Duration,
    ) -> Result<Vec<SocketAddr>, TransportError> {
        let host = || origin.host().to_string();
        let resolved = match origin.host() {
            Host::Address(address) => vec![SocketAddr::new(*address, origin.port())],
            Host::Name(name) => {
                let lookup = self.parts.resolver.resolve(name, origin.port());
                timeout_at(&*self.parts.clock, end, lookup)
                    .await
                    .map_err(|_| TransportError::ResolveTimeout {
                        host: host(),
                        limit,
                    })?
                    .map_err(|error| TransportError::Resolve {
                        host: host(),
                        reason: error.to_string(),
                    })?
            }
        };
        if resolved.is_empty() {
            return Err(TransportError::Resolve {
                host: host(),
                reason: "it has no address".to_owned(),
            });
        }
        let (permitted, refused) = self.addresses.filter(resolved);
        for reason in &refused {
            tracing::debug!(host = %origin.host(), "address refused: {reason}");
        }
        if permitted.is_empty() {
            return Err(TransportError::Prohibited {
                host: host(),
                refused,
            });
        }
        Ok(permitted)
    }

    async fn handshake(
        &self,
        origin: &Origin,
        tcp: TcpStream,
    ) -> Result<TlsStream<TcpStream>, TransportError> {
        let fail = |reason| TransportError::Tls {
            host: origin.host().to_string(),
            reason,
        };
        let config = self
            .tls
            .get_or_init(|| tls_config(&self.parts.roots))
            .clone()
            .map_err(fail)?;
        let name = match origin.host() {
            Host::Name(name) => ServerName::try_from(name.clone())
                .map_err(|_| fail("the host name cannot stand in a certificate".to_owned()))?,
            Host::Address(address) => ServerName::IpAddress((*address).into()),
        };
        TlsConnector::from(config)
            .connect(name, tcp)
            .await
            .map_err(|error| {
                let reason = error.to_string();
                let tls = error
                    .get_ref()
                    .and_then(|inner| inner.downcast_ref::<rustls::Error>());
                match tls {
                    Some(rustls::Error::InvalidCertificate(_)) => TransportError::Certificate {
                        host: origin.host().to_string(),
                        reason,
                    },
                    _ => fail(reason),
                }
            })
    }
}

fn tls_config(roots: &Roots) -> Result<Arc<ClientConfig>, String> {
    let roots = match roots {
        Roots::Given(roots) => Arc::clone(roots),
        Roots::System => {
            let found = rustls_native_certs::load_native_certs();
            for error in &found.errors {
                tracing::debug!("a trusted certificate cannot be read: {error}");
            }
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(found.certs);
            if roots.is_empty() {
                return Err(
                    "this system has no trusted certificates (hint: install ca-certificates, or \
                     name a file with SSL_CERT_FILE)"
                        .to_owned(),
                );
            }
            Arc::new(roots)
        }
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// A connection, and the permit to have it.
#[derive(Debug)]
pub(super) struct Stream {
    inner: Inner,
    _permit: OwnedSemaphorePermit,
}

#[derive(Debug)]
enum Inner {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.get_mut().inner {
            Inner::Plain(tcp) => Pin::new(tcp).poll_read(context, buffer),
            Inner::Tls(tls) => Pin::new(tls).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().inner {
            Inner::Plain(tcp) => Pin::new(tcp).poll_write(context, bytes),
            Inner::Tls(tls) => Pin::new(tls).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().inner {
            Inner::Plain(tcp) => Pin::new(tcp).poll_flush(context),
            Inner::Tls(tls) => Pin::new(tls).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().inner {
            Inner::Plain(tcp) => Pin::new(tcp).poll_shutdown(context),
            Inner::Tls(tls) => Pin::new(tls).poll_shutdown(context),
        }
    }
}
