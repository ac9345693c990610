use serde_json::json;

use super::*;
use crate::contract::identity::connector::types::Resource;
use crate::wire::{Page, Person, Thing};

fn answer(status: u16, body: &str) -> Response {
    Response {
        status,
        retry_after_ms: Some(7000),
        request_id: Some("r-1".to_owned()),
        body: body.as_bytes().to_vec(),
    }
}

fn people(body: &str) -> Result<(Vec<Resource>, Option<String>), Error> {
    understand::<Page<Person>>(answer(200, body)).map(|page| page.map(Person::resource))
}

#[test]
fn an_id_stays_one_segment_whatever_it_contains() {
    assert_eq!(
        target(
            &["teams", "a/b?c=ü", "members"],
            &[("cursor", "x&y".to_owned())]
        ),
        "/teams/a%2Fb%3Fc%3D%C3%BC/members?cursor=x%26y"
    );
}

#[test]
fn a_body_without_its_list_or_cut_off_is_an_error_and_not_an_empty_page() {
    for body in ["", "{}", "[]", r#"{"next":"x"}"#, r#"{"items":[{"id":"a"}"#] {
        assert_eq!(people(body).unwrap_err().code, "bad-response", "{body}");
    }
}

#[test]
fn an_error_about_a_body_does_not_quote_it() {
    let error = people(r#"{"items":[{"id":"a","active":"hush"}]}"#).unwrap_err();
    assert!(!error.message.contains("hush"), "{}", error.message);
}

#[test]
fn absent_is_unknown_and_the_unexpected_is_kept() {
    let body = json!({"items": [{"id": "a", "level": 3, "tags": ["x"], "none": null}]});
    let (items, next) = people(&body.to_string()).unwrap();
    assert_eq!(next, None);
    let person = &items[0];
    assert_eq!(person.display_name, "a");
    assert_eq!(person.created_at, None);
    let account = person.account.as_ref().unwrap();
    assert_eq!((account.status, account.emails.len()), (None, 0));
    let named: Vec<_> = person
        .attributes
        .iter()
        .map(|attribute| format!("{} {:?}", attribute.name, attribute.value))
        .collect();
    assert_eq!(
        named,
        [
            r#"level AttributeValue::Integer(3)"#,
            r#"tags AttributeValue::TextList(["x"])"#,
        ]
    );
}

#[test]
fn a_moment_that_the_contract_can_not_write_is_refused() {
    let created = |text: &str| {
        understand::<Thing>(answer(
            200,
            &json!({"id": "a", "created": text}).to_string(),
        ))
    };
    for good in ["2025-02-14T10:40:18Z", "2025-02-14T10:40:18.102Z"] {
        assert_eq!(
            created(good)
                .unwrap()
                .resource("team")
                .created_at
                .as_deref(),
            Some(good)
        );
    }
    for bad in [
        "2025-02-14",
        "2025-02-14T10:40:18",
        "2025-02-14T10:40:18+01:00",
        "2025-02-14T10:40:18.Z",
    ] {
        assert!(created(bad).is_err(), "{bad}");
    }
}

#[test]
fn only_what_may_pass_is_retryable() {
    for (status, code, retryable, waits) in [
        (401, "unauthenticated", false, false),
        (403, "permission-denied", false, false),
        (404, "not-found", false, false),
        (410, "cursor-expired", false, false),
        (429, "throttled", true, true),
        (503, "unavailable", true, true),
        (302, "bad-response", false, false),
    ] {
        let error = understand::<Thing>(answer(status, "{}")).err().unwrap();
        assert_eq!((error.code.as_str(), error.retryable), (code, retryable));
        assert_eq!(error.retry_after_ms, waits.then_some(7000), "{status}");
        assert_eq!(error.request_id.as_deref(), Some("r-1"));
    }
}
