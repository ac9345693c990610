//! Where the engine's HTTP interface meets the gate.
//!
//! The engine offers one hook, and its default transport is compiled out, so there is no
//! way around this file. It only translates: options and errors one way, answers the
//! other. Every refusal reaches the component as the answer of its request.

use std::future::Future;
use std::sync::Arc;

use http::uri::Scheme;
use http_body_util::BodyExt;
use wasmtime_wasi_http::{Error, RequestOptions, Result, WasiBody, WasiHttpHooks};

use super::call::{CallReport, CallScope};
use super::error::EgressError;
use super::gate::{Asked, Egress};
use super::policy::Denied;
use super::transport::TransportError;

/// The hooks of one component instance. Without a call in progress everything is
/// refused.
#[derive(Debug)]
pub struct EgressHooks {
    egress: Option<Arc<Egress>>,
    scope: Option<CallScope>,
    /// Whether something was to be sent where there is no way out at all.
    knocked: bool,
}

impl EgressHooks {
    /// Hooks that send through a connection's gate.
    pub fn new(egress: Arc<Egress>) -> Self {
        Self {
            egress: Some(egress),
            scope: None,
            knocked: false,
        }
    }

    /// Hooks that refuse everything, for a component that is only asked to describe
    /// itself.
    pub fn closed() -> Self {
        Self {
            egress: None,
            scope: None,
            knocked: false,
        }
    }

    /// Whether a component wanted to send something while it was only asked to describe
    /// itself.
    pub fn has_knocked(&self) -> bool {
        self.knocked
    }

    /// Opens what a contract call may use.
    pub fn begin(&mut self, scope: CallScope) {
        self.scope = Some(scope);
    }

    /// Closes everything again and tells what happened on the wire.
    pub fn end(&mut self) -> CallReport {
        self.scope
            .take()
            .map(|scope| {
                scope.end();
                scope.report()
            })
            .unwrap_or_default()
    }
}

/// The future that the engine wants from [`WasiHttpHooks::send_request`].
type Sending = Box<dyn Future<Output = Result<(http::Response<WasiBody>, Driver)>> + Send>;
/// What drives a connection. The pool drives ours.
type Driver = Box<dyn Future<Output = Result<()>> + Send>;

impl WasiHttpHooks for EgressHooks {
    fn is_supported_scheme(&mut self, _: &Scheme) -> bool {
        // The policy judges the scheme too, with a better message and a record.
        true
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Driver,
    ) -> Sending {
        let Some(egress) = self.egress.clone() else {
            self.knocked = true;
            return Box::new(async { Err(Error::HttpRequestDenied) });
        };
        let scope = self.scope.clone();
        let options = options.unwrap_or_default();
        let asked = Asked {
            connect: options.connect_timeout,
            first_byte: options.first_byte_timeout,
            between_bytes: options.between_bytes_timeout,
        };
        Box::new(async move {
            let answer = egress.send(scope, request, asked).await.map_err(|error| {
                tracing::debug!("request failed: {error}");
                to_wasi(&error)
            })?;
            let answer = answer.map(|body| {
                body.map_err(|error| transport_to_wasi(&error))
                    .boxed_unsync()
            });
            let driver: Driver = Box::new(async { Ok(()) });
            Ok((answer, driver))
        })
    }
}

/// The code that a component sees.
pub fn to_wasi(error: &EgressError) -> Error {
    match error {
        EgressError::Denied(Denied::BodySize { limit }) => {
            Error::HttpRequestBodySize(u64::try_from(*limit).ok())
        }
        EgressError::Denied(_) => Error::HttpRequestDenied,
        // No code means "throttled by the host", nor that it has no credentials. This one says
        // that nothing was sent, which is what matters for a change.
        EgressError::Rate(_) | EgressError::Postponed { .. } | EgressError::Credentials(_) => {
            Error::ConnectionLimitReached
        }
        EgressError::Transport(error) => transport_to_wasi(error),
        EgressError::HeaderFields { .. } => Error::HttpRequestHeaderSectionSize(None),
        EgressError::RequestBody(_) => Error::HttpProtocolError,
        EgressError::CallDeadline => Error::ConnectionWriteTimeout,
    }
}

fn transport_to_wasi(error: &TransportError) -> Error {
    match error {
        TransportError::Resolve { reason, .. } => Error::DnsError {
            rcode: Some(reason.clone()),
            info_code: None,
        },
        TransportError::ResolveTimeout { .. } => Error::DnsTimeout,
        TransportError::Prohibited { .. } => Error::DestinationIpProhibited,
        TransportError::ConnectionLimit { .. } => Error::ConnectionLimitReached,
        TransportError::Connect { .. } => Error::ConnectionRefused,
        TransportError::ConnectTimeout { .. } => Error::ConnectionTimeout,
        TransportError::Certificate { .. } => Error::TlsCertificateError,
        TransportError::Tls { .. } => Error::TlsProtocolError,
        TransportError::FirstByteTimeout(_) | TransportError::BetweenBytesTimeout(_) => {
            Error::ConnectionReadTimeout
        }
        TransportError::Deadline => Error::HttpResponseTimeout,
        TransportError::HeaderSize => Error::HttpResponseHeaderSectionSize(None),
        TransportError::BodySize { limit } => Error::HttpResponseBodySize(Some(*limit)),
        TransportError::Incomplete => Error::HttpResponseIncomplete,
        TransportError::Protocol(_) => Error::HttpProtocolError,
    }
}
