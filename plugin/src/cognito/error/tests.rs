use super::*;

mod no_answer;
mod quotations;

const POOL: &str = "us-east-1_AbCd12345";
const SERVER: &str = "127.0.0.1:9";
/// A request that is about no user or group.
const POOL_ITSELF: Subject<'static> = Subject {
    pool: POOL,
    server: SERVER,
    group: None,
    user: None,
    with_cursor: false,
};

fn refusal(status: u16, header: Option<&'static str>, body: &str) -> Refusal {
    let mut headers = Headers::default();
    if let Some(header) = header {
        headers.add("x-amzn-errortype", header.as_bytes()).unwrap();
    }
    Refusal::read(status, &headers, body.as_bytes())
}

fn error_of(operation: Operation, refusal: Refusal, with_cursor: bool) -> Error {
    let subject = Subject {
        pool: POOL,
        server: SERVER,
        group: (operation == Operation::ListUsersInGroup).then_some("admins"),
        user: matches!(
            operation,
            Operation::AdminGetUser | Operation::AdminListGroupsForUser
        )
        .then_some("alice"),
        with_cursor,
    };
    Failure::new(Cause::Refused(refusal)).into_error(operation, &subject)
}

#[test]
fn the_code_and_the_message_are_found_wherever_they_stand() {
    for (header, body, code, message) in [
        (
            None,
            r#"{"__type":"UserNotFoundException","message":"User does not exist."}"#,
            Some("UserNotFoundException"),
            Some("User does not exist."),
        ),
        (
            None,
            r#"{"__type":"com.amazon.coral.service#ExpiredTokenException","Message":"expired"}"#,
            Some("ExpiredTokenException"),
            Some("expired"),
        ),
        (
            None,
            r#"{"__type":"a#b#AccessDeniedException:http://internal.amazon.com/coral/"}"#,
            Some("AccessDeniedException"),
            None,
        ),
        (
            Some("TooManyRequestsException:http://internal.amazon.com/coral/"),
            "",
            Some("TooManyRequestsException"),
            None,
        ),
        (
            Some("FromHeader"),
            r#"{"__type":"FromBody","message":"m"}"#,
            Some("FromBody"),
            Some("m"),
        ),
        (
            Some("FromHeader"),
            r#"{"message":null}"#,
            Some("FromHeader"),
            None,
        ),
        (
            None,
            r#"{"code":"ResourceNotFoundException"}"#,
            Some("ResourceNotFoundException"),
            None,
        ),
        (
            None,
            "<?xml version=\"1.0\"?>\n<Response><Errors><Error><Code>SignatureDoesNotMatch</Code><Message>no match</Message></Error></Errors></Response>",
            Some("SignatureDoesNotMatch"),
            Some("no match"),
        ),
        (
            None,
            "<html><body><h1>Bad Gateway</h1></body></html>",
            None,
            None,
        ),
        (None, "", None, None),
        (None, r#"{"__type":"#, None, None),
        (None, r#"{"__type":17,"message":[]}"#, None, None),
        (None, r#"{"__type":"ns#","message":""}"#, None, Some("")),
        (None, r#"["UserNotFoundException"]"#, None, None),
        (
            None,
            "<AccessDeniedException>\n  <Message>Unable to determine service</Message>\n</AccessDeniedException>",
            Some("AccessDeniedException"),
            Some("Unable to determine service"),
        ),
        (
            None,
            "<?xml version=\"1.0\"?>\n<UnknownOperationException/>\n",
            Some("UnknownOperationException"),
            None,
        ),
    ] {
        let found = refusal(400, header, body);
        assert_eq!(found.code.as_deref(), code, "{body}");
        assert_eq!(found.message.as_deref(), message, "{body}");
    }
    let invalid = Refusal::read(400, &Headers::default(), b"{\"__type\":\"\xff\"}");
    assert_eq!((invalid.code, invalid.message), (None, None));
}

#[test]
fn every_code_becomes_the_contracts_code() {
    for (status, service_code, code, retryable) in [
        (400, "TooManyRequestsException", "throttled", true),
        (429, "TooManyRequestsException", "throttled", true),
        (403, "TooManyRequestsException", "throttled", true),
        (400, "ThrottlingException", "throttled", true),
        (400, "Throttling", "throttled", true),
        (400, "ThrottledException", "throttled", true),
        (400, "RequestThrottledException", "throttled", true),
        (400, "RequestLimitExceeded", "throttled", true),
        (503, "SlowDown", "throttled", true),
        (
            400,
            "ProvisionedThroughputExceededException",
            "throttled",
            true,
        ),
        (400, "LimitExceededException", "quota-exceeded", false),
        (429, "LimitExceededException", "quota-exceeded", false),
        (
            400,
            "ServiceQuotaExceededException",
            "quota-exceeded",
            false,
        ),
        (500, "InternalErrorException", "unavailable", true),
        (500, "InternalServerException", "unavailable", true),
        (400, "InternalFailure", "unavailable", true),
        (400, "InvalidSignatureException", "unauthenticated", false),
        (403, "SignatureDoesNotMatch", "unauthenticated", false),
        (400, "UnrecognizedClientException", "unauthenticated", false),
        (403, "InvalidClientTokenId", "unauthenticated", false),
        (400, "ExpiredTokenException", "unauthenticated", false),
        (403, "ExpiredToken", "unauthenticated", false),
        (403, "MissingAuthenticationToken", "unauthenticated", false),
        (
            400,
            "MissingAuthenticationTokenException",
            "unauthenticated",
            false,
        ),
        (400, "IncompleteSignature", "unauthenticated", false),
        (403, "RequestTimeTooSkewed", "unauthenticated", false),
        (400, "RequestExpired", "unauthenticated", false),
        (400, "AccessDeniedException", "permission-denied", false),
        (403, "AccessDenied", "permission-denied", false),
        (400, "NotAuthorizedException", "permission-denied", false),
        (403, "ForbiddenException", "failed-precondition", false),
        (400, "ForbiddenException", "failed-precondition", false),
        (400, "UserNotFoundException", "not-found", false),
        (400, "ResourceNotFoundException", "not-found", false),
        (400, "InvalidParameterException", "invalid-argument", false),
        (400, "ValidationException", "invalid-argument", false),
        (400, "UsernameExistsException", "already-exists", false),
        (400, "AliasExistsException", "failed-precondition", false),
        (
            400,
            "UserLambdaValidationException",
            "failed-precondition",
            false,
        ),
        (
            400,
            "UnexpectedLambdaException",
            "failed-precondition",
            false,
        ),
        (
            400,
            "CodeDeliveryFailureException",
            "failed-precondition",
            false,
        ),
        (
            400,
            "UnsupportedUserStateException",
            "failed-precondition",
            false,
        ),
        (
            400,
            "OperationNotEnabledException",
            "failed-precondition",
            false,
        ),
        (
            400,
            "UserPoolAddOnNotEnabledException",
            "failed-precondition",
            false,
        ),
        (
            400,
            "FeatureUnavailableInTierException",
            "failed-precondition",
            false,
        ),
        (400, "UnknownOperationException", "bad-response", false),
        (400, "SerializationException", "bad-response", false),
        (400, "InventedYesterdayException", "bad-response", false),
        (500, "InventedYesterdayException", "unavailable", true),
    ] {
        let body = format!(r#"{{"__type":"{service_code}","message":"m"}}"#);
        let error = error_of(Operation::ListUsers, refusal(status, None, &body), false);
        assert_eq!(error.code, code, "{status} {service_code}");
        assert_eq!(error.retryable, retryable, "{status} {service_code}");
        assert_eq!(error.operation.as_deref(), Some("ListUsers"));
        assert!(error.message.contains(service_code), "{}", error.message);
    }
}

#[test]
fn without_a_code_the_status_decides() {
    let html = "<html><title>502 Bad Gateway</title></html>";
    for (status, code, retryable) in [
        (301, "bad-response", false),
        (307, "bad-response", false),
        (400, "bad-response", false),
        (401, "bad-response", false),
        (403, "bad-response", false),
        (404, "bad-response", false),
        (408, "deadline-exceeded", true),
        (429, "throttled", true),
        (500, "unavailable", true),
        (502, "unavailable", true),
        (503, "unavailable", true),
        (504, "unavailable", true),
        (509, "unavailable", true),
    ] {
        for body in [html, "", "{}"] {
            let error = error_of(Operation::ListUsers, refusal(status, None, body), false);
            assert_eq!(error.code, code, "{status} {body}");
            assert_eq!(error.retryable, retryable, "{status} {body}");
            assert!(
                error.message.contains(&status.to_string()),
                "{}",
                error.message
            );
        }
    }
}

#[test]
fn a_refusal_of_access_that_is_not_of_aws_is_blamed_on_what_stands_between() {
    for body in [
        "",
        "<html><title>403 Forbidden</title></html>",
        "<!DOCTYPE html><h1>Blocked by policy</h1>",
        "Access denied",
        r#"{"message":"Forbidden"}"#,
        r#"{"code":"Forbidden","message":"blocked"}"#,
        r#"{"code":403}"#,
        "<Error><Code>BlockedByPolicy</Code><Message>no</Message></Error>",
        "<PolicyException>no</PolicyException>",
    ] {
        for status in [401, 403] {
            let refusal = refusal(status, None, body);
            assert_eq!(refusal.meaning(), Meaning::Intercepted, "{status} {body}");
            let error = error_of(Operation::ListUsers, refusal, false);
            assert_eq!(error.code, "bad-response", "{status} {body}");
            assert!(!error.retryable, "{status} {body}");
            assert!(
                error.message.contains("between here and the service"),
                "{}",
                error.message
            );
            assert!(!error.message.contains("credentials"), "{}", error.message);
        }
    }
}

#[test]
fn a_refusal_of_access_by_aws_stays_one_in_every_form() {
    let xml = |code: &str| {
        format!(
            "<Response><Errors><Error><Code>{code}</Code><Message>m</Message></Error></Errors></Response>"
        )
    };
    for (header, body, meaning) in [
        (None, xml("SignatureDoesNotMatch"), Meaning::WrongSignature),
        (None, xml("AccessDenied"), Meaning::Denied),
        (
            None,
            "<AccessDeniedException><Message>m</Message></AccessDeniedException>".to_owned(),
            Meaning::Denied,
        ),
        (
            None,
            r#"{"code":"AccessDeniedException"}"#.to_owned(),
            Meaning::Denied,
        ),
        (
            None,
            r#"{"__type":"InventedYesterdayException"}"#.to_owned(),
            Meaning::Denied,
        ),
        (
            Some("InventedYesterdayException"),
            String::new(),
            Meaning::Denied,
        ),
    ] {
        assert_eq!(refusal(403, header, &body).meaning(), meaning, "{body}");
    }
}

#[test]
fn the_firewall_of_the_pool_is_not_a_missing_right() {
    let waf = refusal(
        403,
        None,
        r#"{"__type":"ForbiddenException","message":"Request not allowed due to WAF block."}"#,
    );
    let error = error_of(Operation::ListUsers, waf, false);
    assert!(
        error.message.contains("web ACL (AWS WAF)"),
        "{}",
        error.message
    );
    assert!(
        error.message.contains("not the credentials"),
        "{}",
        error.message
    );
}

#[test]
fn a_missing_thing_is_named() {
    let gone = |code: &str, message: &str| {
        refusal(
            400,
            None,
            &format!(r#"{{"__type":"{code}","message":"{message}"}}"#),
        )
    };
    let no_pool = format!("User pool {POOL} does not exist.");
    for (operation, refusal, named) in [
        (
            Operation::AdminGetUser,
            gone("UserNotFoundException", "User does not exist."),
            "user 'alice'",
        ),
        (
            Operation::AdminListGroupsForUser,
            gone("UserNotFoundException", ""),
            "user 'alice'",
        ),
        (
            Operation::AdminGetUser,
            gone("ResourceNotFoundException", &no_pool),
            "user pool 'us-east-1_AbCd12345'",
        ),
        (
            Operation::ListUsers,
            gone("ResourceNotFoundException", ""),
            "user pool 'us-east-1_AbCd12345'",
        ),
        (
            Operation::ListUsersInGroup,
            gone("ResourceNotFoundException", "Group not found."),
            "group 'admins'",
        ),
        (
            Operation::ListUsersInGroup,
            gone("ResourceNotFoundException", &no_pool),
            "user pool 'us-east-1_AbCd12345' does",
        ),
        (
            Operation::ListUsersInGroup,
            gone("ResourceNotFoundException", POOL),
            "user pool 'us-east-1_AbCd12345' does",
        ),
    ] {
        let error = error_of(operation, refusal, false);
        assert_eq!(error.code, "not-found");
        assert!(error.message.starts_with(named), "{}", error.message);
    }
}

#[test]
fn a_denial_names_the_missing_right() {
    let denial = refusal(
        403,
        None,
        r#"{"__type":"AccessDeniedException","Message":"User: arn:aws:iam::1:user/u is not authorized"}"#,
    );
    let error = error_of(Operation::ListUsersInGroup, denial, false);
    assert_eq!(error.code, "permission-denied");
    assert!(
        error.message.contains("cognito-idp:ListUsersInGroup"),
        "{}",
        error.message
    );
    assert_eq!(error.operation.as_deref(), Some("ListUsersInGroup"));
}

#[test]
fn a_cursor_that_the_service_rejects_has_expired() {
    for code in ["InvalidParameterException", "InvalidToken"] {
        let body = format!(r#"{{"__type":"{code}","message":"Paging marker is invalid"}}"#);
        let with = error_of(Operation::ListUsers, refusal(400, None, &body), true);
        assert_eq!(with.code, "cursor-expired", "{code}");
        assert!(!with.retryable);
        let without = error_of(Operation::ListUsers, refusal(400, None, &body), false);
        assert_eq!(without.code, "invalid-argument", "{code}");
    }
    let other = refusal(400, None, r#"{"__type":"AccessDeniedException"}"#);
    assert_eq!(
        error_of(Operation::ListUsers, other, true).code,
        "permission-denied"
    );
}

#[test]
fn one_code_of_the_signature_blames_key_clock_or_region_by_its_text() {
    for (message, meaning) in [
        (
            "The request signature we calculated does not match the signature you provided.",
            Meaning::WrongSignature,
        ),
        (
            "Signature expired: 20250214T120000Z is now earlier than …",
            Meaning::WrongClock,
        ),
        (
            "Signature not yet current: 20250214T120000Z is still later than …",
            Meaning::WrongClock,
        ),
        (
            "Credential should be scoped to a valid region, not 'us-east-1'.",
            Meaning::WrongScope,
        ),
    ] {
        let body = serde_json::json!({"__type": "InvalidSignatureException", "message": message});
        let refusal = Refusal::read(400, &Headers::default(), body.to_string().as_bytes());
        assert_eq!(refusal.meaning(), meaning, "{message}");
    }
}
