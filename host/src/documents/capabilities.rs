//! What a connector can do, in the shape that Baton's platform reads
//! (`c1.connector.v2.ConnectorCapabilities`).
//!
//! A capability stands here because the component exports the interface for it and its
//! kinds say what it applies to. Exports alone would promise accounts of groups, and
//! kinds alone would promise changes that a read-only component has no function for.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::contract::Offers;
use crate::trust::description::{Description, Kind, Trait};

/// What the document is, for readers that know messages by name.
const TYPE: &str = "type.googleapis.com/c1.connector.v2.ConnectorCapabilities";
/// Says that nothing can be held on a type, so that nobody asks.
const SKIP: &str = "type.googleapis.com/c1.connector.v2.SkipEntitlementsAndGrants";
/// No password is ever chosen by a connector of this contract.
const NO_PASSWORD: &str = "CAPABILITY_DETAIL_CREDENTIAL_OPTION_NO_PASSWORD";

/// A capability with its number on the wire, which is also its place in a sorted list.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Capability {
    Provision = 1,
    Sync = 2,
    AccountProvisioning = 5,
    ResourceDelete = 8,
    Actions = 10,
    TargetedSync = 11,
}

impl Capability {
    fn name(self) -> &'static str {
        match self {
            Self::Provision => "CAPABILITY_PROVISION",
            Self::Sync => "CAPABILITY_SYNC",
            Self::AccountProvisioning => "CAPABILITY_ACCOUNT_PROVISIONING",
            Self::ResourceDelete => "CAPABILITY_RESOURCE_DELETE",
            Self::Actions => "CAPABILITY_ACTIONS",
            Self::TargetedSync => "CAPABILITY_TARGETED_SYNC",
        }
    }
}

/// What the connector can do, by kind and in all.
pub fn capabilities(description: &Description, offers: Offers) -> Value {
    let mut kinds: Vec<&Kind> = description.kinds.iter().collect();
    kinds.sort_by(|a, b| a.id.cmp(&b.id));
    let mut all = BTreeSet::new();
    let mut types = Vec::new();
    for kind in kinds {
        let own = of_kind(kind, offers);
        all.extend(own.iter().copied());
        types.push(json!({
            "resourceType": resource_type(kind),
            "capabilities": names(own),
            "permissions": permissions(description, kind),
        }));
    }
    if offers.actions && !description.actions.is_empty() {
        all.insert(Capability::Actions);
    }
    let creates_accounts = all.contains(&Capability::AccountProvisioning);
    let mut document = Map::new();
    let mut put = |name: &str, value| document.insert(name.to_owned(), value);
    put("@type", json!(TYPE));
    put("resourceTypeCapabilities", json!(types));
    put("connectorCapabilities", json!(names(all)));
    if creates_accounts {
        let options = json!({
            "supportedCredentialOptions": [NO_PASSWORD],
            "preferredCredentialOption": NO_PASSWORD,
        });
        put(
            "credentialDetails",
            json!({"capabilityAccountProvisioning": options}),
        );
    }
    Value::Object(document)
}

/// In the order in which Baton's own library lists them, which is not that of the numbers.
fn of_kind(kind: &Kind, offers: Offers) -> Vec<Capability> {
    // Every connector exports `sync`, and its `get-resource` reads a single one.
    let mut own = vec![Capability::Sync, Capability::TargetedSync];
    if offers.provisioning && kind.carries_entitlements() {
        own.push(Capability::Provision);
    }
    if offers.provisioning && kind.accounts {
        own.push(Capability::AccountProvisioning);
        own.push(Capability::ResourceDelete);
    }
    own
}

fn names(capabilities: impl IntoIterator<Item = Capability>) -> Vec<&'static str> {
    capabilities.into_iter().map(Capability::name).collect()
}

/// Empty lists are left out, as JSON of protocol buffers does.
fn resource_type(kind: &Kind) -> Value {
    let mut document = Map::new();
    let mut put = |name: &str, value| document.insert(name.to_owned(), value);
    put("id", json!(kind.id));
    put("displayName", json!(kind.display_name));
    if !kind.traits.is_empty() {
        let traits: Vec<&str> = kind.traits.iter().copied().map(trait_name).collect();
        put("traits", json!(traits));
    }
    if !kind.carries_entitlements() {
        put("annotations", json!([{"@type": SKIP}]));
    }
    Value::Object(document)
}

fn trait_name(kind_trait: Trait) -> &'static str {
    match kind_trait {
        Trait::User => "TRAIT_USER",
        Trait::Group => "TRAIT_GROUP",
        Trait::Role => "TRAIT_ROLE",
        Trait::App => "TRAIT_APP",
        Trait::Secret => "TRAIT_SECRET",
    }
}

/// The rights that reading and changing a kind takes, each by the name that stands behind
/// the service's prefix.
fn permissions(description: &Description, kind: &Kind) -> Value {
    let names: BTreeSet<&str> = description
        .wire
        .operations
        .iter()
        .filter(|operation| operation.kinds.contains(&kind.id))
        .filter_map(|operation| operation.permission.as_deref())
        .map(|permission| permission.rsplit(':').next().unwrap_or(permission))
        .collect();
    if names.is_empty() {
        return json!({});
    }
    let permissions: Vec<Value> = names
        .into_iter()
        .map(|name| json!({"permission": name}))
        .collect();
    json!({"permissions": permissions})
}

#[cfg(test)]
mod tests;
