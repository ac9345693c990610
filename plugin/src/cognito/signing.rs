//! AWS Signature Version 4 over any request, by the crate that the AWS SDK for Rust
//! signs with.
//!
//! Everything that is on the request when it is signed is covered by the signature;
//! what is added later (lengths, the user agent) may be changed by a proxy without
//! harm. Proven against AWS's public test vectors.

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign as sigv4};
use aws_sigv4::sign::v4::SigningParams;
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use std::time::SystemTime;

/// Who signs, and for what.
#[derive(Clone, Debug)]
pub struct Signer {
    /// The keys.
    pub credentials: Credentials,
    /// The region of the credential scope.
    pub region: String,
    /// The service of the credential scope.
    pub service: &'static str,
}

/// The request can't be expressed as a canonical request: a header that is not UTF-8,
/// an address without a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotSignable;

impl Signer {
    /// The headers that prove, at this time, who sends the request.
    pub fn sign(
        &self,
        method: &str,
        uri: &str,
        headers: &HeaderMap,
        body: &[u8],
        time: SystemTime,
        settings: SigningSettings,
    ) -> Result<Vec<(HeaderName, HeaderValue)>, NotSignable> {
        let mut signed = Vec::with_capacity(headers.len());
        for (name, value) in headers {
            let value = std::str::from_utf8(value.as_bytes()).map_err(|_| NotSignable)?;
            signed.push((name.as_str(), value));
        }
        let identity = self.credentials.clone().into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.service)
            .time(time)
            .settings(settings)
            .build()
            .map_err(|_| NotSignable)?
            .into();
        let request =
            SignableRequest::new(method, uri, signed.into_iter(), SignableBody::Bytes(body))
                .map_err(|_| NotSignable)?;
        let (instructions, _) = sigv4(request, &parameters)
            .map_err(|_| NotSignable)?
            .into_parts();
        let (headers, _) = instructions.into_parts();
        headers
            .into_iter()
            .map(|header| {
                let mut value = HeaderValue::from_str(header.value()).map_err(|_| NotSignable)?;
                value.set_sensitive(header.sensitive());
                Ok((HeaderName::from_static(header.name()), value))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
