//! What is shown of the service's own words.

use super::*;

#[test]
fn a_quotation_is_one_short_line_without_control_characters() {
    let long = "x".repeat(1000);
    let message = format!("\u{1b}[31mred\u{7f}{long}");
    let refusal = Refusal {
        status: 400,
        code: Some("InvalidSignatureException".to_owned()),
        message: Some(format!(
            "{message}\nThe canonical string was\nx-amz-security-token:hunter2"
        )),
    };
    let error = error_of(Operation::ListUsers, refusal, false);
    assert!(
        !error.message.chars().any(char::is_control),
        "{:?}",
        error.message
    );
    assert!(!error.message.contains("hunter2"));
    assert!(error.message.contains(" [31mred "));
    assert!(error.message.ends_with("x…)"), "{}", error.message);
    assert!(error.message.chars().count() < 500);
}

#[test]
fn values_that_the_service_quotes_are_taken_out() {
    let quoting = refusal(
        400,
        None,
        r#"{"__type":"InvalidParameterException","message":"value 'hunter2' and hunter2-more and \"ab\" in about"}"#,
    );
    let error = Failure::new(Cause::Refused(quoting))
        .without(&["ab", "hunter2", "hunter2-more"])
        .into_error(Operation::AdminCreateUser, &POOL_ITSELF);
    assert!(
        error
            .message
            .ends_with("value '[value]' and [value] and [value] in about)"),
        "{}",
        error.message
    );
}

#[test]
fn a_value_in_the_place_of_a_code_is_taken_out_and_a_code_is_never_torn_apart() {
    let told = |body: &str, value: &str| {
        Failure::new(Cause::Refused(refusal(400, None, body)))
            .without(&[value])
            .into_error(Operation::AdminCreateUser, &POOL_ITSELF)
    };
    let odd = told(r#"{"__type":"about A. Smithee"}"#, "A. Smithee");
    assert!(odd.message.contains("about [value]"), "{}", odd.message);
    assert!(!odd.message.contains("Smithee"), "{}", odd.message);
    let known = told(r#"{"__type":"TooManyRequestsException"}"#, "Requests");
    assert_eq!(known.code, "throttled");
    assert!(known.message.contains("TooManyRequestsException"));
}
