use super::*;
use crate::testing::read;
use serde_json::{Value, json};

fn mapped(group: Value) -> Resource {
    resource(read(&group))
}

#[test]
fn a_full_group_is_mapped_completely() {
    let group = json!({
        "GroupName": "Ops/Team:é😀+1",
        "UserPoolId": "us-east-1_AbCd12345",
        "Description": "",
        "RoleArn": "arn:aws:iam::123456789012:role/ops",
        "Precedence": 0,
        "CreationDate": 1739529618.102,
        "LastModifiedDate": 1739529619.5,
    });
    let role = AttributeValue::Text("arn:aws:iam::123456789012:role/ops".to_owned());
    assert_eq!(
        mapped(group),
        Resource {
            id: Kind::Group.resource("Ops/Team:é😀+1"),
            parent: None,
            display_name: "Ops/Team:é😀+1".to_owned(),
            description: Some(String::new()),
            created_at: Some("2025-02-14T10:40:18.102Z".to_owned()),
            updated_at: Some("2025-02-14T10:40:19.500Z".to_owned()),
            account: None,
            attributes: vec![
                attribute("precedence", AttributeValue::Integer(0)),
                attribute("role_arn", role),
            ],
        }
    );
}

#[test]
fn a_precedence_of_zero_an_absent_one_and_the_largest_are_distinct() {
    for (precedence, expected) in [
        (
            json!(0),
            vec![attribute("precedence", AttributeValue::Integer(0))],
        ),
        (
            json!(2_147_483_647),
            vec![attribute(
                "precedence",
                AttributeValue::Integer(2_147_483_647),
            )],
        ),
        (Value::Null, Vec::new()),
    ] {
        let group = json!({"GroupName": "g", "Precedence": precedence});
        assert_eq!(mapped(group).attributes, expected);
    }
    assert_eq!(mapped(json!({"GroupName": "g"})).attributes, []);
}

#[test]
fn membership_is_named_after_its_group() {
    let membership = membership("admins");
    assert_eq!(membership.display_name, "admins Group Member");
    assert_eq!(membership.id.slug, "member");
    assert_eq!(membership.id.resource, Kind::Group.resource("admins"));
    assert_eq!(membership.grantable_to, ["user"]);
}
