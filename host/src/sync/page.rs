//! A page that came: checked against what was asked, and the lists that it brings.

use crate::contract::BrokenPromise;
use crate::engine::Answer;
use crate::model::ResourceId;
use crate::store::Page;
use crate::trust::description::Kind;

use super::queue::List;

/// A checked page and the cursor of the next one.
pub(super) struct Read {
    pub(super) page: Page,
    pub(super) next: Option<String>,
}

/// Takes an answer apart and refuses rows that belong to something else than what was
/// asked for: a component must not be able to put a user into a group by answering the
/// question about another one.
pub(super) fn read(list: &List, answer: Answer) -> Result<Read, BrokenPromise> {
    let mut page = Page::default();
    let next = match (list, answer) {
        (List::Resources { kind, parent }, Answer::Resources(answer)) => {
            for resource in &answer.items {
                if resource.id.kind != *kind {
                    return Err(BrokenPromise::OtherKind {
                        asked: kind.clone(),
                        returned: resource.id.clone(),
                    });
                }
                if let (Some(asked), false) = (parent, resource.parent == *parent) {
                    return Err(BrokenPromise::OtherResource {
                        asked: asked.clone(),
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
            answer.next
        }
        _ => return Err(BrokenPromise::OtherAnswer),
    };
    Ok(Read { page, next })
}

/// The lists that a resource brings. Grants are read by resource where any kind allows
/// it, since that is one list for each group and not one for each user.
pub(super) fn brought_by(kinds: &[Kind], resource: &ResourceId) -> Vec<List> {
    let by_resource = kinds.iter().any(|kind| kind.grants_of_resource);
    let mut lists: Vec<List> = kinds
        .iter()
        .filter(|kind| kind.parents.contains(&resource.kind))
        .map(|child| List::Resources {
            kind: child.id.clone(),
            parent: Some(resource.clone()),
        })
        .collect();
    if let Some(kind) = kinds.iter().find(|kind| kind.id == resource.kind) {
        if kind.grants_of_resource || !kind.entitlements.is_empty() {
            lists.push(List::Entitlements(resource.clone()));
        }
        if kind.grants_of_resource {
            lists.push(List::GrantsOn(resource.clone()));
        } else if kind.grants_of_principal && !by_resource {
            lists.push(List::GrantsHeldBy(resource.clone()));
        }
    }
    lists
}
