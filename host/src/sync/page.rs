//! A page that came: checked against what was asked, and the lists that it brings.

use crate::contract::BrokenPromise;
use crate::engine::{Answer, Lookup};
use crate::model::ResourceId;
use crate::store::{Page, Scope, is_told_by_resources};
use crate::trust::description::Kind;

use super::list::List;
use super::slices::Slicing;
use super::trail::hash;

/// A checked page and the cursor of the next one.
pub(super) struct Read {
    pub(super) page: Page,
    pub(super) next: Option<String>,
}

/// Takes an answer apart and refuses rows that belong to something else than what was
/// asked for: a component must not be able to put a user into a group by answering the
/// question about another one.
pub(super) fn read(kinds: &[Kind], list: &List, answer: Answer) -> Result<Read, BrokenPromise> {
    let mut page = Page::default();
    let next = match (list, answer) {
        (List::Resources { kind, parent, .. }, Answer::Resources(answer)) => {
            for resource in &answer.items {
                if resource.id.kind != *kind {
                    return Err(BrokenPromise::OtherKind {
                        asked: kind.clone(),
                        returned: resource.id.clone(),
                    });
                }
                if resource.parent != *parent {
                    return Err(BrokenPromise::OtherParent {
                        returned: resource.id.clone(),
                    });
                }
            }
            page.resources = answer.items;
            answer.next
        }
        (List::Entitlements(of), Answer::Entitlements(answer)) => {
            if let Some(other) = answer.items.iter().find(|row| row.id.resource != *of) {
                return Err(BrokenPromise::OtherResource {
                    asked: of.clone(),
                    returned: other.id.resource.clone(),
                });
            }
            page.entitlements = answer.items;
            answer.next
        }
        (List::GrantsOn(of), Answer::Grants(answer)) => {
            if let Some(other) = answer
                .items
                .iter()
                .find(|row| row.entitlement.resource != *of)
            {
                return Err(BrokenPromise::OtherResource {
                    asked: of.clone(),
                    returned: other.entitlement.resource.clone(),
                });
            }
            page.grants = answer.items;
            answer.next
        }
        (List::GrantsHeldBy(of), Answer::Grants(answer)) => {
            if let Some(other) = answer.items.iter().find(|row| row.principal != *of) {
                return Err(BrokenPromise::OtherResource {
                    asked: of.clone(),
                    returned: other.principal.clone(),
                });
            }
            page.grants = answer.items;
            // Those on resources that are asked themselves have come already.
            page.grants
                .retain(|grant| !is_read_by_resource(kinds, &grant.entitlement.resource.kind));
            answer.next
        }
        (List::Listed(id), Answer::Lookup(Lookup::Found(resource))) => {
            if resource.id != *id {
                return Err(BrokenPromise::OtherResource {
                    asked: id.clone(),
                    returned: resource.id,
                });
            }
            page.resources = vec![*resource];
            None
        }
        (List::Listed(_), Answer::Lookup(Lookup::GoOn(cursor))) => Some(cursor),
        _ => return Err(BrokenPromise::OtherAnswer),
    };
    Ok(Read { page, next })
}

/// Short stand-ins for the rows of a page, in their order.
pub(super) fn keys(page: &Page) -> Vec<u64> {
    let resources = page.resources.iter().map(|row| hash(&row.id));
    let entitlements = page.entitlements.iter().map(|row| hash(&row.id));
    let grants = page.grants.iter();
    let grants = grants.map(|row| hash(&(&row.entitlement, &row.principal)));
    resources.chain(entitlements).chain(grants).collect()
}

/// The lists that a sync begins with.
pub(super) fn first_lists<'a>(
    kinds: &'a [Kind],
    scope: &'a Scope,
    slices: &'a Slicing,
) -> impl Iterator<Item = List> + 'a {
    kinds
        .iter()
        .filter(|kind| kind.parents.is_empty() && scope.has_kind(&kind.id))
        .flat_map(|kind| slices.lists(&kind.id))
}

/// The lists that a resource brings, as far as they are asked for. Grants are read by
/// resource where the kind allows it, since that is one list for each group and not one
/// for each user; by principal only for what can't be read that way.
pub(super) fn brought_by(kinds: &[Kind], scope: &Scope, resource: &ResourceId) -> Vec<List> {
    let mut lists: Vec<List> = kinds
        .iter()
        .filter(|kind| kind.parents.contains(&resource.kind) && scope.has_kind(&kind.id))
        .map(|child| List::Resources {
            kind: child.id.clone(),
            parent: Some(resource.clone()),
            slice: None,
        })
        .collect();
    if let Some(kind) = kinds.iter().find(|kind| kind.id == resource.kind) {
        if scope.entitlements && kind.carries_entitlements() {
            lists.push(List::Entitlements(resource.clone()));
        }
        if scope.grants && kind.grants_of_resource {
            lists.push(List::GrantsOn(resource.clone()));
        }
        if scope.grants && kind.grants_of_principal && !is_told_by_resources(kinds, kind) {
            lists.push(List::GrantsHeldBy(resource.clone()));
        }
    }
    lists
}

fn is_read_by_resource(kinds: &[Kind], id: &str) -> bool {
    kinds
        .iter()
        .any(|kind| kind.id == id && kind.grants_of_resource)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::trust::description::EntitlementSchema;

    pub(in super::super) fn kind(
        id: &str,
        held_by: &[&str],
        grants_of_resource: bool,
        grants_of_principal: bool,
    ) -> Kind {
        let entitlement = EntitlementSchema {
            slug: "held".to_owned(),
            display_name: "Held".to_owned(),
            grantable_to: held_by.iter().map(|kind| (*kind).to_owned()).collect(),
        };
        Kind {
            id: id.to_owned(),
            plural: format!("{id}s"),
            display_name: id.to_owned(),
            traits: Vec::new(),
            parents: Vec::new(),
            entitlements: if held_by.is_empty() {
                Vec::new()
            } else {
                vec![entitlement]
            },
            grants_of_resource,
            grants_of_principal,
            accounts: false,
        }
    }

    #[test]
    fn a_principal_is_asked_only_for_what_no_resource_tells() {
        let user = ResourceId::new("user", "alice");
        let mut kinds = vec![
            kind("user", &[], false, true),
            kind("group", &["user"], true, false),
        ];
        let everything = |kinds: &[Kind], id| brought_by(kinds, &Scope::everything(kinds), id);
        assert_eq!(everything(&kinds, &user), []);
        kinds.push(kind("role", &["user"], false, false));
        assert_eq!(
            everything(&kinds, &user),
            [List::GrantsHeldBy(user.clone())]
        );
        let group = ResourceId::new("group", "admins");
        assert_eq!(
            everything(&kinds, &group),
            [List::Entitlements(group.clone()), List::GrantsOn(group)]
        );
    }
    #[test]
    fn what_is_not_asked_for_is_not_read() {
        let kinds = [
            kind("user", &[], false, true),
            kind("group", &["user"], true, false),
        ];
        let group = ResourceId::new("group", "admins");
        let only = |words: &[&str]| Scope::only(words.iter().copied(), &kinds).unwrap();
        assert_eq!(brought_by(&kinds, &only(&["users", "groups"]), &group), []);
        let grants = only(&["grants"]);
        assert_eq!(grants.kinds, ["group"], "they are on groups");
        assert_eq!(
            brought_by(&kinds, &grants, &group),
            [List::GrantsOn(group.clone())]
        );
        assert_eq!(Scope::only(["roles"], &kinds), Err("roles".to_owned()));
    }
}
