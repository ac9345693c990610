//! Recognising, on the wire, that the service asks for fewer requests.
//!
//! The host paces and retries, so it must see throttling itself and not depend on how a
//! component words it. The codes are those that AWS SDKs share across services. Codes of
//! hard quotas (`LimitExceededException`, `ServiceQuotaExceededException`) are missing on
//! purpose: going slower does not help there.

use std::time::Duration;

use http::header::{HeaderMap, RETRY_AFTER};
use http::{HeaderName, StatusCode};

use crate::trust::description::Protocol;

/// Codes that mean "slower", whatever the status.
const THROTTLING: [&str; 15] = [
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceeded",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequests",
    "TooManyRequestsException",
    "TransactionInProgressException",
];
/// The longest wait that a service's hint is believed for.
const MAX_HINT: Duration = Duration::from_secs(300);
/// Longer than any known code, so that nothing longer is repeated in a record.
const MAX_CODE: usize = 128;

const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
const AMZ_RETRY_AFTER: HeaderName = HeaderName::from_static("x-amz-retry-after");

/// The error code of an AWS JSON answer: the body's `__type`, else the header; without
/// the shape's namespace and without what follows a colon.
pub fn error_code(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let from_body = serde_json::from_slice::<serde_json::Value>(body)
        .ok()
        .and_then(|body| {
            let code = body.get("__type").or_else(|| body.get("code"))?;
            code.as_str().map(str::to_owned)
        });
    let raw = match from_body {
        Some(code) => code,
        None => headers.get(ERROR_TYPE)?.to_str().ok()?.to_owned(),
    };
    let code = raw.split(':').next().unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default().trim();
    let plain = code
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    (plain && !code.is_empty() && code.len() <= MAX_CODE).then(|| code.to_owned())
}

/// Whether an answer asks for fewer requests.
pub fn is_throttled(
    protocol: &Protocol,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
) -> bool {
    if status == StatusCode::TOO_MANY_REQUESTS {
        return true;
    }
    if status.is_success() || status.is_redirection() {
        return false;
    }
    match protocol {
        Protocol::AwsJson(_) => {
            error_code(headers, body).is_some_and(|code| THROTTLING.contains(&code.as_str()))
        }
        Protocol::Http => {
            status == StatusCode::SERVICE_UNAVAILABLE && headers.contains_key(RETRY_AFTER)
        }
    }
}

/// How long the service asks to wait. Dates are not read: a server that sends one gets
/// the usual back-off.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &HeaderName| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    number(&AMZ_RETRY_AFTER)
        .map(Duration::from_millis)
        .or_else(|| number(&RETRY_AFTER).map(Duration::from_secs))
        .map(|hint| hint.min(MAX_HINT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aws() -> Protocol {
        Protocol::AwsJson("Service".to_owned())
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    http::HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn every_spelling_of_a_code_is_read() {
        let none = HeaderMap::new();
        for (body, code) in [
            (
                r#"{"__type":"TooManyRequestsException"}"#,
                "TooManyRequestsException",
            ),
            (
                r#"{"__type":"com.amazon.coral.service#ThrottlingException","Message":"x"}"#,
                "ThrottlingException",
            ),
            (r#"{"__type":"SlowDown:http://internal/"}"#, "SlowDown"),
        ] {
            assert_eq!(error_code(&none, body.as_bytes()).as_deref(), Some(code));
        }
        let header = headers(&[("x-amzn-errortype", "Throttling:suffix")]);
        assert_eq!(
            error_code(&header, b"not json").as_deref(),
            Some("Throttling")
        );
        assert_eq!(error_code(&none, br#"{"__type":"a b\u001b[2J"}"#), None);
        assert_eq!(error_code(&none, b"{}"), None);
    }

    #[test]
    fn throttling_is_seen_by_code_at_any_error_status() {
        for status in [400, 403, 429, 500, 503] {
            let status = StatusCode::from_u16(status).unwrap();
            let body = br#"{"__type":"TooManyRequestsException"}"#;
            assert!(is_throttled(&aws(), status, &HeaderMap::new(), body));
        }
        assert!(is_throttled(
            &aws(),
            StatusCode::TOO_MANY_REQUESTS,
            &HeaderMap::new(),
            b""
        ));
    }

    #[test]
    fn a_hard_quota_and_a_failing_server_are_not_throttling() {
        for code in [
            "LimitExceededException",
            "ServiceQuotaExceededException",
            "InternalErrorException",
        ] {
            let body = format!(r#"{{"__type":"{code}"}}"#);
            let none = HeaderMap::new();
            assert!(
                !is_throttled(&aws(), StatusCode::BAD_REQUEST, &none, body.as_bytes()),
                "{code}"
            );
        }
        assert!(!is_throttled(
            &aws(),
            StatusCode::SERVICE_UNAVAILABLE,
            &HeaderMap::new(),
            b""
        ));
        let body = br#"{"__type":"TooManyRequestsException"}"#;
        assert!(!is_throttled(
            &aws(),
            StatusCode::OK,
            &HeaderMap::new(),
            body
        ));
    }

    #[test]
    fn plain_http_throttles_by_status() {
        let none = HeaderMap::new();
        let busy = headers(&[("retry-after", "3")]);
        assert!(is_throttled(
            &Protocol::Http,
            StatusCode::TOO_MANY_REQUESTS,
            &none,
            b""
        ));
        assert!(is_throttled(
            &Protocol::Http,
            StatusCode::SERVICE_UNAVAILABLE,
            &busy,
            b""
        ));
        assert!(!is_throttled(
            &Protocol::Http,
            StatusCode::SERVICE_UNAVAILABLE,
            &none,
            b""
        ));
    }

    #[test]
    fn the_hint_is_read_in_its_unit_and_bounded() {
        assert_eq!(
            retry_after(&headers(&[("retry-after", "3")])),
            Some(Duration::from_secs(3))
        );
        let both = headers(&[("x-amz-retry-after", "1500"), ("retry-after", "3")]);
        assert_eq!(retry_after(&both), Some(Duration::from_millis(1500)));
        assert_eq!(
            retry_after(&headers(&[("retry-after", "999999")])),
            Some(MAX_HINT)
        );
        assert_eq!(
            retry_after(&headers(&[(
                "retry-after",
                "Wed, 21 Oct 2026 07:28:00 GMT"
            )])),
            None
        );
    }
}
