use super::*;
use crate::documents::cognito;

const ALL: Offers = Offers {
    provisioning: true,
    actions: true,
};
const READING: Offers = Offers {
    provisioning: false,
    actions: false,
};

/// The document that the family's own library makes for a connector like this one,
/// without permissions.
fn expected() -> Value {
    json!({
        "@type": "type.googleapis.com/c1.connector.v2.ConnectorCapabilities",
        "resourceTypeCapabilities": [
            {
                "resourceType": {
                    "id": "group",
                    "displayName": "Group",
                    "traits": ["TRAIT_GROUP"]
                },
                "capabilities": ["CAPABILITY_SYNC", "CAPABILITY_PROVISION"],
                "permissions": {}
            },
            {
                "resourceType": {
                    "id": "user",
                    "displayName": "User",
                    "traits": ["TRAIT_USER"],
                    "annotations": [
                        {"@type": "type.googleapis.com/c1.connector.v2.SkipEntitlementsAndGrants"}
                    ]
                },
                "capabilities": [
                    "CAPABILITY_SYNC",
                    "CAPABILITY_ACCOUNT_PROVISIONING",
                    "CAPABILITY_RESOURCE_DELETE"
                ],
                "permissions": {}
            }
        ],
        "connectorCapabilities": [
            "CAPABILITY_PROVISION",
            "CAPABILITY_SYNC",
            "CAPABILITY_ACCOUNT_PROVISIONING",
            "CAPABILITY_RESOURCE_DELETE",
            "CAPABILITY_ACTIONS"
        ],
        "credentialDetails": {
            "capabilityAccountProvisioning": {
                "supportedCredentialOptions": ["CAPABILITY_DETAIL_CREDENTIAL_OPTION_NO_PASSWORD"],
                "preferredCredentialOption": "CAPABILITY_DETAIL_CREDENTIAL_OPTION_NO_PASSWORD"
            }
        }
    })
}

fn insert(list: &mut Value, at: usize, item: &str) {
    list.as_array_mut().unwrap().insert(at, json!(item));
}

fn named(names: &[&str]) -> Value {
    let permissions: Vec<Value> = names.iter().map(|n| json!({"permission": n})).collect();
    json!({"permissions": permissions})
}

#[test]
fn the_document_is_the_one_that_the_family_of_connectors_prints() {
    let mut expected = expected();
    let types = &mut expected["resourceTypeCapabilities"];
    // `get-resource` of our contract is what the family calls a targeted sync: one more
    // capability for every type, behind SYNC, and in all, where its number 11 is last.
    insert(&mut types[0]["capabilities"], 1, "CAPABILITY_TARGETED_SYNC");
    insert(&mut types[1]["capabilities"], 1, "CAPABILITY_TARGETED_SYNC");
    // The rights are known, and the family wants them listed; sorted, because the order
    // in which a component describes its operations means nothing.
    types[0]["permissions"] = named(&[
        "AdminAddUserToGroup",
        "AdminListGroupsForUser",
        "AdminRemoveUserFromGroup",
        "ListGroups",
        "ListUsersInGroup",
    ]);
    types[1]["permissions"] = named(&[
        "AdminCreateUser",
        "AdminDeleteUser",
        "AdminDisableUser",
        "AdminEnableUser",
        "AdminGetUser",
        "DescribeUserPool",
        "ListUsers",
    ]);
    insert(
        &mut expected["connectorCapabilities"],
        5,
        "CAPABILITY_TARGETED_SYNC",
    );
    assert_eq!(capabilities(&cognito(), ALL), expected);
}

#[test]
fn what_is_not_exported_is_not_promised_whatever_the_description_says() {
    let document = capabilities(&cognito(), READING);
    let reading = json!(["CAPABILITY_SYNC", "CAPABILITY_TARGETED_SYNC"]);
    assert_eq!(document["connectorCapabilities"], reading);
    for of_type in document["resourceTypeCapabilities"].as_array().unwrap() {
        assert_eq!(of_type["capabilities"], reading);
    }
    assert_eq!(document.get("credentialDetails"), None);
}

#[test]
fn what_is_exported_but_not_described_is_not_promised() {
    let mut description = cognito();
    description.actions.clear();
    for kind in &mut description.kinds {
        kind.accounts = false;
    }
    let document = capabilities(&description, ALL);
    assert_eq!(
        document["connectorCapabilities"],
        json!([
            "CAPABILITY_PROVISION",
            "CAPABILITY_SYNC",
            "CAPABILITY_TARGETED_SYNC"
        ])
    );
    assert_eq!(document.get("credentialDetails"), None);
}

#[test]
fn the_order_in_which_a_component_describes_itself_changes_nothing() {
    let forwards = cognito();
    let mut backwards = forwards.clone();
    backwards.kinds.reverse();
    backwards.wire.operations.reverse();
    assert_eq!(
        capabilities(&forwards, ALL).to_string(),
        capabilities(&backwards, ALL).to_string()
    );
}

#[test]
fn a_kind_without_traits_and_rights_is_described_without_them() {
    let mut description = cognito();
    description.kinds[0].traits.clear();
    for operation in &mut description.wire.operations {
        operation.permission = None;
    }
    let document = capabilities(&description, ALL);
    let user = &document["resourceTypeCapabilities"][1];
    assert_eq!(user["resourceType"]["id"], "user");
    assert_eq!(user["resourceType"].get("traits"), None);
    assert_eq!(user["permissions"], json!({}));
}
