//! Verification of AWS Signature Version 4, written from the specification.
//!
//! It shares no code with the signer under test, so a mistake has to be made twice to go unnoticed.
//! It is stricter than the emulators: the scope's date, Region, service and terminator must be
//! right, every `x-amz-*` header and `Host` must be signed, the hash is over the body that arrived,
//! and the time may differ by five minutes. Only `POST /` without a query exists in this protocol,
//! so there is no canonicalisation of paths to get wrong.

use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use sha2::{Digest, Sha256};

use crate::answer::Refusal;
use crate::clock::{basic_iso, parse_basic_iso};
use crate::credentials::{Credentials, Key};

const SERVICE: &str = "cognito-idp";
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// The window that AWS's refusals name: "- 5 min."
const WINDOW_MS: i64 = 5 * 60 * 1000;

fn hmac(key: &[u8], data: &[u8]) -> Vec<u8> {
    // HMAC takes keys of every length, so the branch without a key is never taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return Vec::new();
    };
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

fn incomplete(message: impl Into<String>) -> Refusal {
    Refusal::front("IncompleteSignatureException", message)
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::front("InvalidSignatureException", message)
}

fn expired() -> Refusal {
    Refusal::front(
        "ExpiredTokenException",
        "The security token included in the request is expired",
    )
}

fn unrecognized() -> Refusal {
    Refusal::front(
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
    )
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The parts of an `Authorization` header.
struct Authorization<'h> {
    key_id: &'h str,
    scope: Vec<&'h str>,
    signed_headers: &'h str,
    signature: &'h str,
}

impl<'h> Authorization<'h> {
    fn parse(text: &'h str) -> Result<Self, Refusal> {
        let malformed = || {
            incomplete(format!(
                "Authorization header requires existence of 'Credential', 'SignedHeaders' and 'Signature' parameters with {ALGORITHM}."
            ))
        };
        let rest = text.strip_prefix(ALGORITHM).ok_or_else(malformed)?;
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for part in rest.split(',') {
            let (name, value) = part.trim().split_once('=').ok_or_else(malformed)?;
            let slot = match name {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut signed_headers,
                "Signature" => &mut signature,
                _ => return Err(malformed()),
            };
            if slot.replace(value).is_some() {
                return Err(malformed());
            }
        }
        let (key_id, scope) = credential
            .and_then(|text| text.split_once('/'))
            .ok_or_else(malformed)?;
        Ok(Self {
            key_id,
            scope: scope.split('/').collect(),
            signed_headers: signed_headers.ok_or_else(malformed)?,
            signature: signature.ok_or_else(malformed)?,
        })
    }
}

/// The id of the key that a request claims to be signed with, for the log.
pub(crate) fn claimed_key(headers: &HeaderMap) -> Option<&str> {
    let text = header(headers, "authorization")?;
    let (_, rest) = text.split_once("Credential=")?;
    rest.split('/').next()
}

/// Says whose request it is, or why it is refused.
pub(crate) fn verify(
    headers: &HeaderMap,
    body: &[u8],
    region: &str,
    credentials: &Credentials,
    now_ms: i64,
) -> Result<Arc<Key>, Refusal> {
    let text = header(headers, "authorization").ok_or_else(|| {
        Refusal::front(
            "MissingAuthenticationTokenException",
            "Missing Authentication Token",
        )
    })?;
    let authorization = Authorization::parse(text)?;
    let key = credentials
        .get(authorization.key_id)
        .ok_or_else(unrecognized)?;

    let date = header(headers, "x-amz-date").ok_or_else(|| {
        incomplete(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        )
    })?;
    let signed_ms = parse_basic_iso(date)
        .ok_or_else(|| incomplete("Date must be in ISO-8601 'basic format'."))?;
    check_scope(&authorization.scope, date, region)?;
    check_time(date, signed_ms, now_ms)?;
    check_signed_headers(headers, authorization.signed_headers)?;
    check_session(headers, &key, now_ms)?;

    let payload = hex::encode(Sha256::digest(body));
    if let Some(claimed) = header(headers, "x-amz-content-sha256")
        && claimed != payload
    {
        return Err(invalid(
            "The value of 'x-amz-content-sha256' is not the hash of the body.",
        ));
    }
    let request = canonical_request(headers, authorization.signed_headers, &payload);
    let scope = authorization.scope.join("/");
    let to_sign = format!(
        "{ALGORITHM}\n{date}\n{scope}\n{}",
        hex::encode(Sha256::digest(request.as_bytes()))
    );
    let mut signing_key = hmac(
        format!("AWS4{}", key.secret).as_bytes(),
        date.get(..8).unwrap_or_default().as_bytes(),
    );
    for part in [region, SERVICE, "aws4_request"] {
        signing_key = hmac(&signing_key, part.as_bytes());
    }
    if hex::encode(hmac(&signing_key, to_sign.as_bytes())) != authorization.signature {
        return Err(invalid(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
        ));
    }
    // Only requests that are signed with it count.
    if !key.take_request() {
        return Err(expired());
    }
    Ok(key)
}

fn check_scope(scope: &[&str], date: &str, region: &str) -> Result<(), Refusal> {
    let &[day, scope_region, service, terminator] = scope else {
        return Err(incomplete(
            "Credential must have exactly 5 slash-delimited elements.",
        ));
    };
    if Some(day) != date.get(..8) {
        return Err(invalid(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{day}' != '{date}'."
        )));
    }
    if scope_region != region {
        return Err(invalid("Credential should be scoped to a valid region. "));
    }
    if service != SERVICE {
        return Err(invalid(format!(
            "Credential should be scoped to correct service: '{SERVICE}'. "
        )));
    }
    if terminator != "aws4_request" {
        return Err(invalid(
            "Credential should be scoped with a valid terminator: 'aws4_request'. ",
        ));
    }
    Ok(())
}

fn check_time(date: &str, signed_ms: i64, now_ms: i64) -> Result<(), Refusal> {
    let now = basic_iso(now_ms);
    if signed_ms < now_ms - WINDOW_MS {
        let earliest = basic_iso(now_ms - WINDOW_MS);
        return Err(invalid(format!(
            "Signature expired: {date} is now earlier than {earliest} ({now} - 5 min.)"
        )));
    }
    if signed_ms > now_ms + WINDOW_MS {
        let latest = basic_iso(now_ms + WINDOW_MS);
        return Err(invalid(format!(
            "Signature not yet current: {date} is still later than {latest} ({now} + 5 min.)"
        )));
    }
    Ok(())
}

fn check_signed_headers(headers: &HeaderMap, signed: &str) -> Result<(), Refusal> {
    let names: Vec<&str> = signed.split(';').collect();
    if !names.is_sorted()
        || names
            .iter()
            .any(|name| name.bytes().any(|b| b.is_ascii_uppercase()))
    {
        return Err(invalid("'SignedHeaders' must be lower case and sorted."));
    }
    let present = headers.keys().map(http::HeaderName::as_str);
    let required = present.filter(|name| *name == "host" || name.starts_with("x-amz-"));
    for name in required.chain(["host", "x-amz-date"]) {
        if !names.contains(&name) {
            return Err(invalid(format!(
                "'{name}' must be a 'SignedHeader' in the AWS Authorization."
            )));
        }
    }
    Ok(())
}

fn check_session(headers: &HeaderMap, key: &Key, now_ms: i64) -> Result<(), Refusal> {
    if header(headers, "x-amz-security-token") != key.session_token.as_deref() {
        return Err(unrecognized());
    }
    if key.expires_ms.is_some_and(|end| now_ms >= end) {
        return Err(expired());
    }
    Ok(())
}

fn canonical_request(headers: &HeaderMap, signed: &str, payload: &str) -> String {
    let mut out = String::from("POST\n/\n\n");
    for name in signed.split(';') {
        out.push_str(name);
        out.push(':');
        for (n, value) in headers.get_all(name).iter().enumerate() {
            if n > 0 {
                out.push(',');
            }
            let text = String::from_utf8_lossy(value.as_bytes());
            for (w, word) in text.split_whitespace().enumerate() {
                if w > 0 {
                    out.push(' ');
                }
                out.push_str(word);
            }
        }
        out.push('\n');
    }
    out.push('\n');
    out.push_str(signed);
    out.push('\n');
    out.push_str(payload);
    out
}
