//! AWS Signature Version 4, as far as requests need it whose path and query are in their
//! canonical form already. Those of this API always are: `/`, and none.
//!
//! Written here and not taken from the crate of the AWS SDK, which with the types around
//! it would be a quarter of the component. Proven against AWS's public test vectors, and
//! against that crate.
//!
//! Everything that is on the request when it is signed is covered by the signature;
//! what is added later (lengths, the user agent) may be changed by a proxy without
//! harm.

use std::cell::RefCell;
use std::fmt;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::calendar::Moment;
use super::message::{Headers, InvalidValue};

const X_AMZ_DATE: &str = "x-amz-date";
const X_AMZ_SECURITY_TOKEN: &str = "x-amz-security-token";

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What ends the credential scope.
const SCOPE_END: &str = "aws4_request";

/// A SHA-256 digest.
type Bytes = [u8; 32];

/// What is signed with.
#[derive(Clone)]
pub struct Keys {
    /// Who signs.
    pub access_key_id: String,
    /// What is signed with.
    pub secret_access_key: String,
    /// What makes temporary credentials complete.
    pub session_token: Option<String>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Keys")
    }
}

/// Who signs, and for what.
#[derive(Debug)]
pub struct Signer {
    keys: Keys,
    region: String,
    service: &'static str,
    /// The scope of a day and the key that follows from it, which is the same all day.
    of_day: RefCell<Option<(String, Derived)>>,
}

/// A derived key, which is no less secret.
#[derive(Clone, Copy)]
struct Derived(Bytes);

impl fmt::Debug for Derived {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Derived")
    }
}

/// A request that is to be signed.
#[derive(Clone, Copy)]
pub struct Signable<'a> {
    /// Its method.
    pub method: &'a str,
    /// Host, and port where it is not the scheme's own.
    pub host: &'a str,
    /// The canonical path.
    pub path: &'a str,
    /// The canonical query, empty if there is none.
    pub query: &'a str,
    /// Its other headers.
    pub headers: &'a Headers,
    /// Its body.
    pub body: &'a [u8],
}

/// The request can't be expressed as a canonical request: a header that is not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotSignable;

impl From<InvalidValue> for NotSignable {
    fn from(_: InvalidValue) -> Self {
        Self
    }
}

impl Signer {
    /// A signer for a service in a region.
    #[must_use]
    pub fn new(keys: Keys, region: String, service: &'static str) -> Self {
        Self {
            keys,
            region,
            service,
            of_day: RefCell::default(),
        }
    }

    /// What must never be shown.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let token = self.keys.session_token.as_deref();
        token
            .into_iter()
            .chain([self.keys.secret_access_key.as_str()])
    }

    /// The headers that prove, at this time, who sends the request.
    pub fn sign(&self, request: &Signable<'_>, time: Duration) -> Result<Headers, NotSignable> {
        let seconds = i64::try_from(time.as_secs()).map_err(|_| NotSignable)?;
        let mut date = Moment::at(seconds).written("", "T", "");
        date.push('Z');
        let mut proof = Headers::default();

        let mut headers = Canonical::default();
        headers.add("host", request.host);
        headers.add(X_AMZ_DATE, &date);
        if let Some(token) = &self.keys.session_token {
            headers.add(X_AMZ_SECURITY_TOKEN, token);
            proof.add_secret(X_AMZ_SECURITY_TOKEN, token.as_bytes())?;
        }
        for header in request.headers.iter() {
            let value = std::str::from_utf8(&header.value).map_err(|_| NotSignable)?;
            headers.add(&header.name, value);
        }
        let (headers, signed) = headers.finish();
        let canonical = [
            request.method,
            request.path,
            request.query,
            &headers,
            &signed,
            &hex(&sha256(request.body)),
        ]
        .join("\n");

        let day = date.get(..8).ok_or(NotSignable)?;
        let (scope, key) = self.scope_and_key(day)?;
        let to_sign = [
            ALGORITHM,
            &date,
            &scope,
            &hex(&sha256(canonical.as_bytes())),
        ]
        .join("\n");
        let authorization = [
            ALGORITHM,
            " Credential=",
            &self.keys.access_key_id,
            "/",
            &scope,
            ", SignedHeaders=",
            &signed,
            ", Signature=",
            &hex(&hmac(&key, &to_sign)?),
        ]
        .concat();
        proof.add_secret("authorization", authorization.as_bytes())?;
        proof.add(X_AMZ_DATE, date.as_bytes())?;
        Ok(proof)
    }

    fn scope_and_key(&self, day: &str) -> Result<(String, Bytes), NotSignable> {
        let mut of_day = self.of_day.borrow_mut();
        if let Some((scope, Derived(key))) = of_day.as_ref()
            && scope.starts_with(day)
        {
            return Ok((scope.clone(), *key));
        }
        let mut key = ["AWS4", &self.keys.secret_access_key].concat().into_bytes();
        let parts = [day, &self.region, self.service, SCOPE_END];
        let mut derived = Bytes::default();
        for part in parts {
            derived = hmac(&key, part)?;
            key = derived.to_vec();
        }
        let scope = parts.join("/");
        *of_day = Some((scope.clone(), Derived(derived)));
        Ok((scope, derived))
    }
}

/// Headers in their canonical form.
#[derive(Default)]
struct Canonical(Vec<(String, String)>);

impl Canonical {
    fn add(&mut self, name: &str, value: &str) {
        let words: Vec<&str> = value.split(' ').filter(|word| !word.is_empty()).collect();
        let value = words.join(" ");
        let at = self.0.iter().position(|(other, _)| other.as_str() >= name);
        match at.and_then(|at| self.0.get_mut(at)) {
            Some((other, values)) if other == name => {
                values.push(',');
                values.push_str(&value);
            }
            _ => self
                .0
                .insert(at.unwrap_or(self.0.len()), (name.to_owned(), value)),
        }
    }

    /// The headers, one in a line, and their names.
    fn finish(self) -> (String, String) {
        let mut headers = String::new();
        let mut names = String::new();
        for (name, value) in self.0 {
            if !names.is_empty() {
                names.push(';');
            }
            names.push_str(&name);
            for part in [&name, ":", &value, "\n"] {
                headers.push_str(part);
            }
        }
        (headers, names)
    }
}

fn sha256(bytes: &[u8]) -> Bytes {
    Sha256::digest(bytes).into()
}

fn hmac(key: &[u8], text: &str) -> Result<Bytes, NotSignable> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| NotSignable)?;
    mac.update(text.as_bytes());
    Ok(mac.finalize().into_bytes().into())
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or_default();
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

#[cfg(test)]
mod tests;
