//! What a batch file may look like, and what each mistake in a row is called.

mod file;

use super::*;
use crate::change::Membership;
use crate::model::{AttributeValue, EntitlementId, ResourceId};
use crate::trust::description::ValueType;

fn field(name: &str, value_type: ValueType, required: bool) -> Field {
    Field {
        name: name.to_owned(),
        display_name: name.to_owned(),
        help: name.to_owned(),
        value_type,
        required,
        secret: false,
        id_of: None,
    }
}

fn schema() -> Vec<Field> {
    vec![
        field("email", ValueType::Text, true),
        field("given_name", ValueType::Text, false),
        field("send_invite_email", ValueType::Boolean, false),
        field("level", ValueType::Integer, false),
    ]
}

fn action() -> ActionSchema {
    ActionSchema {
        name: "disable_user".to_owned(),
        display_name: "Disable".to_owned(),
        help: "Disables".to_owned(),
        purposes: Vec::new(),
        arguments: vec![
            field("user_id", ValueType::Text, true),
            field("days", ValueType::Integer, false),
        ],
        results: Vec::new(),
    }
}

fn rows(text: &str, wanted: Wanted<'_>) -> Vec<Row> {
    read(text.as_bytes(), &wanted).unwrap()
}

fn created(text: &str) -> Vec<Row> {
    let schema = schema();
    rows(
        text,
        Wanted::CreateAccount {
            kind: "user",
            schema: &schema,
        },
    )
}

fn refused(text: impl AsRef<[u8]>, wanted: Wanted<'_>) -> String {
    read(text.as_ref(), &wanted).unwrap_err().to_string()
}

fn grant(entitlement: &str, principal: &str) -> Change {
    Change::Grant(Membership {
        entitlement: entitlement.parse().unwrap(),
        principal: principal.parse().unwrap(),
    })
}

fn errors(rows: &[Row]) -> Vec<String> {
    rows.iter()
        .map(|row| match &row.change {
            Ok(_) => "fine".to_owned(),
            Err(error) => error.to_string(),
        })
        .collect()
}

fn fields(row: &Row) -> Vec<(&str, AttributeValue)> {
    match row.change.as_ref().unwrap() {
        Change::CreateAccount { fields, .. }
        | Change::Invoke {
            arguments: fields, ..
        } => fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()))
            .collect(),
        other => panic!("{other:?}"),
    }
}

fn text_value(text: &str) -> AttributeValue {
    AttributeValue::Text(text.to_owned())
}

#[test]
fn what_list_grants_prints_can_be_fed_back() {
    let csv = "id,entitlement,principal,attributes.since\n\
               group:a:b:member:user:alice,group:a:b:member,user:alice,\"1, 2\"\n";
    let json = "{\"id\":\"x\",\"entitlement\":\"group:a:b:member\",\"principal\":\"user:alice\",\
                \"expands\":{\"slugs\":[\"member\"]},\"attributes\":{\"n\":1}}\n";
    for text in [csv, json] {
        let rows = rows(text, Wanted::Grant);
        let wanted = Row {
            number: 1,
            change: Ok(grant("group:a:b:member", "user:alice")),
        };
        assert_eq!(rows, [wanted]);
    }
}

#[test]
fn a_revocation_takes_what_a_grant_takes() {
    let rows = rows(
        "principal,entitlement\nuser:alice,group:a:member\n",
        Wanted::Revoke,
    );
    assert_eq!(
        rows[0].change,
        Ok(Change::Revoke(Membership {
            entitlement: "group:a:member".parse().unwrap(),
            principal: "user:alice".parse().unwrap(),
        }))
    );
}

#[test]
fn marks_line_ends_blank_lines_and_quotes_make_no_difference() {
    let text = "\u{feff}\r\n\r\nentitlement,principal\r\n\r\n\
                \"group:a\r\nb:member\",\"user:say \"\"hi\"\", bob\"\r\n  \r\n\
                group:c:member,user:eve\r\n\r\n";
    let rows = rows(text, Wanted::Grant);
    let wanted = [
        (1, grant("group:a\r\nb:member", "user:say \"hi\", bob")),
        (2, grant("group:c:member", "user:eve")),
    ];
    let wanted = wanted.map(|(number, change)| Row {
        number,
        change: Ok(change),
    });
    assert_eq!(rows, wanted);
}

#[test]
fn json_lines_may_begin_with_a_mark_and_have_blank_lines() {
    let text = "\u{feff}\r\n  {\"account\":\"user:a\"}\r\n\r\n{\"account\":\"user:b\"}";
    let rows = rows(text, Wanted::DeleteAccount);
    assert_eq!(
        rows.iter().map(|row| row.number).collect::<Vec<_>>(),
        [1, 2]
    );
    assert_eq!(errors(&rows), ["fine", "fine"]);
}

#[test]
fn a_wrong_row_leaves_the_others() {
    let text = "entitlement,principal\n\
                group:a:member,user:a\n\
                group:a:member\n\
                group:a:member,user:b,c\n\
                group:a,user:b\n\
                group:a:member,alice\n\
                group:a:member, user:b\n\
                ,user:b\n\
                ,\n\
                group:a:member,user:z\n";
    let rows = rows(text, Wanted::Grant);
    let cells = "cells and the header has 2; put a cell that contains a comma into quotes";
    assert_eq!(
        errors(&rows),
        [
            "fine",
            &format!("it has 1 {cells}"),
            &format!("it has 3 {cells}"),
            "`entitlement` does not name an entitlement; write KIND:ID:SLUG, for example \
             group:admins:member",
            "`principal` does not name a resource; write KIND:ID, for example user:alice",
            "`principal` does not name a resource; write KIND:ID, for example user:alice",
            "`entitlement` is missing",
            "it gives no value; fill it in or remove it",
            "fine",
        ]
    );
    assert_eq!(rows[8].number, 9);
}

#[test]
fn a_wrong_line_of_json_leaves_the_others() {
    let text = "{\"entitlement\":\"group:a:member\",\"principal\":\"user:a\"}\n\
                {\"entitlement\":\"group:a:member\",\n\
                \"s3cret\"\n\
                {\"entitlement\":\"group:a:member\",\"principal\":\"user:a\"} {}\n\
                {\"principal\":\"user:a\",\"entitlement\":\"group:a:member\",\"principal\":\"user:b\"}\n\
                {\"entitlement\":\"group:a:member\",\"principal\":5}\n\
                {\"entitlement\":\"group:a:member\",\"principal\":null}\n\
                {\"entitlement\":\"group:a:member\",\"principal\":\"user:a\",\"note\\u001b\":\"s3cret\"}\n\
                {}\n";
    let errors = errors(&rows(text, Wanted::Grant));
    assert_eq!(
        errors,
        [
            "fine",
            "it is not JSON: look at position 32 of the line",
            "it is not a JSON object; write one object a line",
            "it is not JSON: look at position 55 of the line",
            "`principal` stands twice; leave one of them out",
            "`principal` is a whole number; write a text",
            "`principal` is missing",
            "`note\\u{1b}` is not one of entitlement, principal; leave it out or correct its name",
            "it gives no value; fill it in or remove it",
        ]
    );
}

#[test]
fn a_new_account_has_fields_and_attributes_in_the_order_of_the_file() {
    let csv = "custom:team,email,given_name,send_invite_email,level\n\
               red,a@example.com,,TRUE,7\n";
    let json = "{\"custom:team\":\"red\",\"email\":\"a@example.com\",\"given_name\":null,\
                \"send_invite_email\":true,\"level\":7}";
    for text in [csv, json] {
        assert_eq!(
            fields(&created(text)[0]),
            [
                ("custom:team", text_value("red")),
                ("email", text_value("a@example.com")),
                ("send_invite_email", AttributeValue::Boolean(true)),
                ("level", AttributeValue::Integer(7)),
            ]
        );
    }
}

#[test]
fn attributes_of_json_lines_keep_their_type() {
    let row = &created("{\"email\":\"\",\"a\":-5,\"b\":false,\"c\":\"5\"}")[0];
    assert_eq!(
        fields(row),
        [
            ("email", text_value("")),
            ("a", AttributeValue::Integer(-5)),
            ("b", AttributeValue::Boolean(false)),
            ("c", text_value("5")),
        ]
    );
}

#[test]
fn a_value_of_the_wrong_type_is_an_error_of_its_row_and_is_not_shown() {
    let cases = [
        (
            "\"a\":[\"s3cret\"]",
            "`a` is a list; write a text, a whole number, true or false",
        ),
        (
            "\"a\":{\"b\":\"s3cret\"}",
            "`a` is an object; write a text, a whole number, true or false",
        ),
        (
            "\"a\":1.5",
            "`a` is a number that is too large or not whole; write a text, a whole number, true or \
             false",
        ),
        (
            "\"a\":9223372036854775808",
            "`a` is a number that is too large or not whole; write a text, a whole number, true or \
             false",
        ),
        (
            "\"given_name\":5",
            "`given_name` is a whole number; write a text, in quotes",
        ),
        (
            "\"send_invite_email\":\"s3cret\"",
            "`send_invite_email` is another text; write true or false",
        ),
        (
            "\"send_invite_email\":1",
            "`send_invite_email` is a whole number; write true or false",
        ),
        (
            "\"level\":\"s3cret\"",
            "`level` is no whole number; write one in decimal digits",
        ),
        (
            "\"level\":true",
            "`level` is a truth value; write a whole number",
        ),
    ];
    for (member, wanted) in cases {
        let rows = created(&format!("{{\"email\":\"a@example.com\",{member}}}"));
        assert_eq!(errors(&rows), [wanted]);
    }
}

#[test]
fn an_account_is_deleted_by_its_name_or_as_it_was_listed() {
    let text = "{\"account\":\"user:a:b\"}\n\
                {\"kind\":\"user\",\"id\":\"=x\",\"display_name\":\"X\",\"emails\":[{}],\"status\":null}\n\
                {\"account\":\"user:a\",\"kind\":\"user\",\"id\":\"a\"}\n\
                {\"account\":\"user:a\",\"kind\":\"user\",\"id\":\"b\"}\n\
                {\"kind\":\"us:er\",\"id\":\"b\"}\n\
                {\"kind\":\"user\",\"id\":\"\"}\n\
                {\"kind\":\"user\"}\n";
    let rows = rows(text, Wanted::DeleteAccount);
    let account = |row: &Row| match row.change.clone() {
        Ok(Change::DeleteAccount { account }) => account,
        other => panic!("{other:?}"),
    };
    assert_eq!(account(&rows[0]), ResourceId::new("user", "a:b"));
    assert_eq!(account(&rows[1]), ResourceId::new("user", "=x"));
    assert_eq!(account(&rows[2]), ResourceId::new("user", "a"));
    assert_eq!(
        errors(&rows[3..]),
        [
            "`account` names another account than `kind` and `id`; leave one of the two out",
            "`kind` does not name a resource; write KIND:ID, for example user:alice",
            "`id` does not name a resource; write KIND:ID, for example user:alice",
            "`account` is missing",
        ]
    );
}

#[test]
fn an_action_takes_exactly_its_arguments() {
    let action = action();
    let wanted = Wanted::Invoke { action: &action };
    let read = rows("days,user_id\n3,a=b\n,c\n3,\n", wanted);
    assert_eq!(
        fields(&read[0]),
        [
            ("days", AttributeValue::Integer(3)),
            ("user_id", text_value("a=b"))
        ]
    );
    assert_eq!(errors(&read), ["fine", "fine", "`user_id` is missing"]);
    assert_eq!(
        refused("user_id,reason\na,b\n", wanted),
        "column 2 of the header is not one of user_id, days; leave it out or correct its name"
    );
    assert_eq!(
        refused("days\n3\n", wanted),
        "the header lacks the column `user_id`; the first line names the columns: user_id, days"
    );
    let read = rows("{\"days\":3}\n{\"user_id\":\"a\",\"x\":1}\n", wanted);
    assert_eq!(
        errors(&read),
        [
            "`user_id` is missing",
            "`x` is not one of user_id, days; leave it out or correct its name"
        ]
    );
}

/// Characters that ids have, and those that formats care about.
fn any_id(random: &mut fastrand::Rng) -> String {
    let special: Vec<char> = ":/@\"',;\n\r\t {[=-\\aßЖ中ש👩\u{200d}\u{301}"
        .chars()
        .collect();
    (0..random.usize(1..12))
        .map(|_| match random.bool() {
            true => special[random.usize(..special.len())],
            false => random.char('\u{1}'..),
        })
        .collect()
}

#[test]
fn ids_of_any_script_survive_both_formats() {
    let mut random = fastrand::Rng::with_seed(3);
    let mut changes = Vec::new();
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(["entitlement", "principal"]).unwrap();
    let mut json = String::new();
    for _ in 0..2000 {
        let entitlement = EntitlementId {
            resource: ResourceId::new("group", any_id(&mut random)),
            slug: "member".to_owned(),
        };
        let principal = ResourceId::new("user", any_id(&mut random));
        csv.write_record([entitlement.to_string(), principal.to_string()])
            .unwrap();
        let row = serde_json::json!({
            "entitlement": entitlement.to_string(), "principal": principal.to_string(),
        });
        json.push_str(&format!("{row}\n"));
        changes.push(Change::Grant(Membership {
            entitlement,
            principal,
        }));
    }
    let csv = String::from_utf8(csv.into_inner().unwrap()).unwrap();
    for text in [csv, json] {
        let read: Vec<_> = rows(&text, Wanted::Grant)
            .into_iter()
            .map(|row| row.change.unwrap())
            .collect();
        assert_eq!(read, changes);
    }
}
