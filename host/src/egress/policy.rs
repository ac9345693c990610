//! The one judge of what leaves the sandbox.
//!
//! A request passes if it goes to the connection's origin, is exactly one operation of
//! the trust record, is assigned to the contract function in progress, changes nothing
//! unless that function is for changes and provisioning is switched on, carries the values
//! that the settings and the call fix, and nothing that the record does not name
//! ([`intent`]). Nothing is granted by default: without a contract function in progress
//! (`describe`, a component's start) everything is refused.
//!
//! What was judged is what is sent: the result carries headers that are rebuilt from an
//! allow-list, and a `Host` that is derived from the granted origin and not from the
//! request. The judge knows names only; addresses are judged by [`super::address`].

mod denied;
mod intent;

use std::borrow::Cow;
use std::collections::BTreeMap;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;

pub use denied::Denied;

use super::address::AddressPolicy;
use super::operation::{self, Recognised, Unrecognised};
use super::origin::{Origin, OriginError, Scheme, shown};
use crate::limits::sizes::REQUEST_BODY;
use crate::trust::description::{Access, BindingSource, Operation, Protocol, Wire};

/// Headers that a request may carry. Everything else is left out, so that no header can
/// steer a proxy, override the method, or smuggle data to another reader.
const ALLOWED_HEADERS: [HeaderName; 9] = [
    header::ACCEPT,
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    header::USER_AGENT,
    HeaderName::from_static("x-amz-content-sha256"),
    HeaderName::from_static("x-amz-date"),
    HeaderName::from_static("x-amz-security-token"),
    HeaderName::from_static("x-amz-target"),
    HeaderName::from_static("x-amz-user-agent"),
];
/// Headers with this prefix tell AWS about the attempt and are allowed too.
const ALLOWED_PREFIX: &str = "amz-sdk-";

/// The contract functions that are for changes. No record can make another one change
/// something: a list stays a list, whatever somebody has approved by mistake.
const CHANGING: [&str; 4] = [
    "provisioning.grant",
    "provisioning.revoke",
    "provisioning.create-account",
    "provisioning.delete-account",
];
/// Every action is for changes.
const ACTION: &str = "actions.invoke/";

/// The contract call in progress, as far as it decides what may be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    function: Cow<'static, str>,
    values: Vec<(BindingSource, String)>,
}

impl Call {
    /// A call of a contract function, as trust records write it: `interface.function`, and
    /// for one action `actions.invoke/` and its name.
    pub fn new(function: impl Into<Cow<'static, str>>) -> Self {
        Self {
            function: function.into(),
            values: Vec::new(),
        }
    }

    /// States a value that the call is about, so that bindings to it can be judged. An
    /// operation with a binding to a value that the call does not have is refused.
    #[must_use]
    pub fn about(mut self, source: BindingSource, value: impl Into<String>) -> Self {
        self.values.push((source, value.into()));
        self
    }

    /// The contract function, as trust records write it.
    pub fn function(&self) -> &str {
        &self.function
    }

    /// Whether the function is for changes.
    pub fn may_change(&self) -> bool {
        CHANGING.contains(&&*self.function) || self.function.starts_with(ACTION)
    }

    fn value(&self, source: &BindingSource) -> Option<&str> {
        self.values
            .iter()
            .find(|(known, _)| known == source)
            .map(|(_, value)| value.as_str())
    }

    fn arguments(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values
            .iter()
            .filter_map(|(source, value)| match source {
                BindingSource::Argument(name) => Some((name.as_str(), value.as_str())),
                _ => None,
            })
    }
}

/// A request that may be sent.
#[derive(Clone, Debug)]
pub struct Permitted {
    /// The operation that it is.
    pub operation: String,
    /// Whether the operation changes anything.
    pub access: Access,
    /// The rate class of the operation.
    pub rate_class: String,
    /// The members that the settings and the call fix to a text, with that text.
    pub fixed: Vec<(String, String)>,
    /// Where it goes, in the canonical spelling of the granted origin.
    pub uri: http::Uri,
    /// The headers to send instead of the given ones.
    pub headers: HeaderMap,
}

/// What one connection may send: a trust record, put into effect for its settings.
#[derive(Clone, Debug)]
pub struct Policy {
    origin: Origin,
    host_header: HeaderValue,
    named: bool,
    protocol: Protocol,
    operations: Vec<Operation>,
    settings: BTreeMap<String, String>,
    provisioning: bool,
    largest_body: usize,
}

impl Policy {
    /// Puts a trust record into effect. A named endpoint replaces the record's origins:
    /// nothing else can be reached then.
    pub fn new(
        wire: &Wire,
        settings: &BTreeMap<String, String>,
        named_endpoint: Option<Origin>,
        provisioning: bool,
    ) -> Result<Self, OriginError> {
        let named = named_endpoint.is_some();
        let origin = match named_endpoint {
            Some(origin) => origin,
            None => Origin::of_record(&wire.origins, settings)?,
        };
        let host_header =
            HeaderValue::try_from(origin.authority()).map_err(|_| OriginError::Authority {
                text: shown(&origin.authority()),
                reason: "it cannot stand in a header",
            })?;
        Ok(Self {
            origin,
            host_header,
            named,
            protocol: wire.protocol.clone(),
            operations: wire.operations.clone(),
            settings: settings.clone(),
            provisioning,
            largest_body: REQUEST_BODY,
        })
    }

    /// Judges bodies of up to so many bytes.
    #[must_use]
    pub fn with_largest_body(self, largest_body: usize) -> Self {
        Self {
            largest_body,
            ..self
        }
    }

    /// The only place that can be reached.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// How operations are recognised.
    pub fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// Which addresses the origin may resolve to.
    pub fn addresses(&self) -> AddressPolicy {
        AddressPolicy {
            named_endpoint: self.named,
            plain_http: self.origin.scheme() == Scheme::Http,
        }
    }

    /// Judges everything but the body, so that a refused request's body is not even
    /// read.
    pub fn judge_head(&self, call: Option<&Call>, request: &Parts) -> Result<(), Denied> {
        self.head(call, request).map(drop)
    }

    /// Judges a whole request.
    pub fn judge(
        &self,
        call: Option<&Call>,
        request: &Parts,
        body: &[u8],
    ) -> Result<Permitted, Denied> {
        let (call, recognised) = self.head(call, request)?;
        let operation = recognised.operation;
        if body.len() > self.largest_body {
            return Err(Denied::BodySize {
                limit: self.largest_body,
            });
        }
        let fixed = intent::judge(self, call, &recognised, request, body)?;
        Ok(Permitted {
            operation: operation.name.clone(),
            access: operation.access,
            rate_class: operation.rate_class.clone(),
            fixed,
            uri: self.canonical_uri(request)?,
            headers: self.rebuild_headers(operation, request, body.len())?,
        })
    }

    fn head<'p, 'c>(
        &'p self,
        call: Option<&'c Call>,
        request: &Parts,
    ) -> Result<(&'c Call, Recognised<'p>), Denied> {
        let asked = Origin::of_request(&request.uri).map_err(Denied::Url)?;
        let call = call.ok_or_else(|| Denied::NoCall {
            host: asked.to_string(),
        })?;
        if asked != self.origin {
            return Err(Denied::Origin {
                asked: asked.to_string(),
                allowed: self.origin.clone(),
            });
        }
        let recognised = operation::recognise(&self.protocol, &self.operations, request).map_err(
            |unrecognised| match unrecognised {
                Unrecognised::Malformed(reason) => Denied::Protocol {
                    host: self.origin.to_string(),
                    reason,
                },
                Unrecognised::Unknown(operation) => Denied::UnknownOperation { operation },
            },
        )?;
        let operation = recognised.operation;
        if !operation.functions.iter().any(|f| *f == call.function) {
            return Err(Denied::Function {
                operation: operation.name.clone(),
                function: call.function.to_string(),
                assigned: if operation.functions.is_empty() {
                    "no call at all".to_owned()
                } else {
                    operation.functions.join(", ")
                },
            });
        }
        if operation.access == Access::Change && !call.may_change() {
            return Err(Denied::ReadingCall {
                operation: operation.name.clone(),
                function: call.function.to_string(),
            });
        }
        if operation.access == Access::Change && !self.provisioning {
            return Err(Denied::ProvisioningOff {
                operation: operation.name.clone(),
            });
        }
        Ok((call, recognised))
    }

    fn canonical_uri(&self, request: &Parts) -> Result<http::Uri, Denied> {
        let path = request.uri.path_and_query().map_or("/", |p| p.as_str());
        http::Uri::builder()
            .scheme(self.origin.scheme().as_str())
            .authority(self.origin.authority())
            .path_and_query(path)
            .build()
            .map_err(|_| Denied::Protocol {
                host: self.origin.to_string(),
                reason: "the path cannot be sent".to_owned(),
            })
    }

    fn rebuild_headers(
        &self,
        operation: &Operation,
        request: &Parts,
        body_length: usize,
    ) -> Result<HeaderMap, Denied> {
        let refuse = |reason| Denied::Header {
            operation: operation.name.clone(),
            reason,
        };
        if request.headers.contains_key(header::CONTENT_ENCODING) {
            return Err(refuse(
                "it has a content-encoding, and an encoded body cannot be judged".to_owned(),
            ));
        }
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, self.host_header.clone());
        for (name, value) in &request.headers {
            if !ALLOWED_HEADERS.contains(name) && !name.as_str().starts_with(ALLOWED_PREFIX) {
                continue;
            }
            if headers.insert(name.clone(), value.clone()).is_some() {
                return Err(refuse(format!("the header {name} stands there twice")));
            }
        }
        if body_length > 0 || request.method == http::Method::POST {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body_length));
        }
        Ok(headers)
    }
}

#[cfg(test)]
mod tests;
