//! Sends requests that were permitted, and nothing else.
//!
//! One HTTP/1.1 client per connection of the host, so that tenants share neither sockets
//! nor TLS sessions. Every address is judged before it is dialled ([`connect`]), answers
//! are bounded in size and time ([`response`]), redirects are answers like any other, and
//! no proxy is ever asked.
//!
//! Retrying is not its business, with one exception that loses nothing: a pooled
//! connection that turns out dead before a request was written to it is replaced.

mod connect;
mod error;
mod peeked;
mod response;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::capture_connection;
use hyper_util::rt::{TokioExecutor, TokioTimer};

pub use connect::{Dial, Lookup, Resolve, Roots, SystemDialler, SystemResolver};
pub use error::TransportError;
pub use peeked::Peeked;
pub use response::ResponseBody;

use super::address::AddressPolicy;
use crate::limits::clock::{Clock, timeout_at};
use crate::limits::{Limit, deadline, sandbox, sizes};
use connect::{CONNECT_TIMEOUT, Connector};

/// How long the parts of one exchange may take, and how large its answer may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Resolving, waiting for a connection permit, TCP and TLS together.
    pub connect: Duration,
    /// From a connection to the head of the answer.
    pub first_byte: Duration,
    /// Between two pieces of the answer's body.
    pub between_bytes: Duration,
    /// When everything must be over.
    pub deadline: Instant,
    /// Bytes of the answer's body.
    pub body: u64,
}

impl Limits {
    /// The host's maxima, until a deadline.
    pub fn until(deadline: Instant) -> Self {
        Self {
            connect: deadline::CONNECT,
            first_byte: deadline::FIRST_BYTE,
            between_bytes: deadline::BETWEEN_BYTES,
            deadline,
            body: sizes::RESPONSE_BODY,
        }
    }
}

/// What a transport is made of; the defaults are those of production.
#[derive(Debug)]
pub struct Parts {
    /// Turns names into addresses.
    pub resolver: Arc<dyn Resolve>,
    /// Opens TCP connections.
    pub dialler: Arc<dyn Dial>,
    /// Which certificates are trusted.
    pub roots: Roots,
    /// Connections at a time.
    pub connections: usize,
    /// How large answers may be.
    pub limits: sandbox::Limits,
    /// The source of time.
    pub clock: Arc<dyn Clock>,
}

impl Parts {
    /// The system's resolver, network and certificates.
    pub fn system(clock: Arc<dyn Clock>) -> Self {
        Self {
            resolver: Arc::new(SystemResolver),
            dialler: Arc::new(SystemDialler),
            roots: Roots::System,
            connections: sizes::CONNECTIONS,
            limits: sandbox::Limits::default(),
            clock,
        }
    }
}

/// A pooled client for one policy. Pooled connections were judged under that policy, so
/// another policy needs another transport.
#[derive(Debug)]
pub struct Transport {
    client: Client<Connector, Full<Bytes>>,
    clock: Arc<dyn Clock>,
}

impl Transport {
    /// A transport that dials only what `addresses` permits.
    pub fn new(addresses: AddressPolicy, parts: Parts) -> Self {
        let clock = Arc::clone(&parts.clock);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(deadline::IDLE_CONNECTION)
            .pool_max_idle_per_host(sizes::IDLE_CONNECTIONS)
            .http1_max_buf_size(parts.limits.count(Limit::ResponseHeaders))
            .http1_max_headers(parts.limits.count(Limit::ResponseHeaderFields))
            .retry_canceled_requests(true)
            .set_host(false)
            .build(Connector::new(addresses, parts));
        Self { client, clock }
    }

    /// Sends a request and returns the answer once its head is there.
    pub async fn send(
        &self,
        request: http::Request<Full<Bytes>>,
        limits: Limits,
    ) -> Result<http::Response<ResponseBody>, TransportError> {
        let exchange = CONNECT_TIMEOUT.scope(limits.connect, self.exchange(request, limits));
        let response = timeout_at(&*self.clock, limits.deadline, exchange)
            .await
            .map_err(|_| TransportError::Deadline)??;
        let (head, body) = response.into_parts();
        let body = ResponseBody::new(body, &limits, Arc::clone(&self.clock))?;
        Ok(http::Response::from_parts(head, body))
    }

    async fn exchange(
        &self,
        mut request: http::Request<Full<Bytes>>,
        limits: Limits,
    ) -> Result<http::Response<hyper::body::Incoming>, TransportError> {
        let mut connection = capture_connection(&mut request);
        let mut response = std::pin::pin!(self.client.request(request));
        // The connector bounds its own part; what comes after is bounded here.
        let connected = async {
            connection.wait_for_connection_metadata().await;
        };
        let early = tokio::select! {
            biased;
            answer = &mut response => Some(answer),
            () = connected => None,
        };
        let answer = match early {
            Some(answer) => answer,
            None => {
                let end = deadline::within(limits.deadline, self.clock.now(), limits.first_byte);
                timeout_at(&*self.clock, end, response)
                    .await
                    .map_err(|_| TransportError::FirstByteTimeout(limits.first_byte))?
            }
        };
        answer.map_err(|error| TransportError::from_client(&error))
    }
}

#[cfg(test)]
mod tests;
