//! The lists that a sync reads.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::ResourceId;
use crate::store::Forget;

/// A list that is read to its end. Stores keep it in this form while it is open.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum List {
    /// The resources of a kind.
    Resources {
        /// The kind.
        kind: String,
        /// The parent, for kinds that have one.
        parent: Option<ResourceId>,
        /// The slice of the list, where it is read in slices.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        slice: Option<String>,
    },
    /// The entitlements of a resource.
    Entitlements(ResourceId),
    /// The grants on a resource.
    GrantsOn(ResourceId),
    /// The grants that a principal holds.
    GrantsHeldBy(ResourceId),
    /// The row of one resource that grants name and its list did not.
    Listed(ResourceId),
}

impl List {
    /// The resource that the list belongs to.
    pub(super) fn about(&self) -> Option<&ResourceId> {
        match self {
            Self::Resources { parent, .. } => parent.as_ref(),
            // Its not being there is an answer, and nothing belongs to it yet.
            Self::Listed(_) => None,
            Self::Entitlements(of) | Self::GrantsOn(of) | Self::GrantsHeldBy(of) => Some(of),
        }
    }

    /// The list as a store keeps it while it is open.
    pub(super) fn to_text(&self) -> String {
        // Texts and an enumeration: there is nothing in it that JSON can't hold.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The list that a store has kept; `None` if another version of this program wrote it.
    pub(super) fn from_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The rows that reading it again replaces.
    pub(super) fn rows(&self) -> Forget<'_> {
        match self {
            Self::Resources {
                kind,
                parent,
                slice,
            } => Forget::Resources {
                kind,
                parent: parent.as_ref(),
                slice: slice.as_deref(),
            },
            Self::Entitlements(of) => Forget::Entitlements(of),
            Self::GrantsOn(of) => Forget::GrantsOn(of),
            Self::GrantsHeldBy(of) => Forget::GrantsHeldBy(of),
            Self::Listed(id) => Forget::Resource(id),
        }
    }

    /// The whole list of the top-level resources of a kind.
    pub(super) fn whole(kind: &str) -> Self {
        Self::Resources {
            kind: kind.to_owned(),
            parent: None,
            slice: None,
        }
    }

    /// The slice that it is, if it is one.
    pub(super) fn slice(&self) -> Option<&str> {
        match self {
            Self::Resources { slice, .. } => slice.as_deref(),
            _ => None,
        }
    }

    /// The kind whose lists share a right.
    pub(super) fn kind(&self) -> &str {
        match self {
            Self::Resources { kind, .. } => kind,
            Self::Entitlements(of)
            | Self::GrantsOn(of)
            | Self::GrantsHeldBy(of)
            | Self::Listed(of) => &of.kind,
        }
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resources {
                kind,
                parent: None,
                slice: None,
            } => {
                write!(f, "the list of resources of the kind {kind}")
            }
            Self::Resources {
                kind,
                parent: None,
                slice: Some(slice),
            } => {
                write!(
                    f,
                    "the slice {slice} of the list of resources of the kind {kind}"
                )
            }
            Self::Resources {
                kind,
                parent: Some(parent),
                ..
            } => {
                write!(f, "the resources of the kind {kind} in {parent}")
            }
            Self::Entitlements(of) => write!(f, "the entitlements of {of}"),
            Self::GrantsOn(of) => write!(f, "who holds what on {of}"),
            Self::GrantsHeldBy(of) => write!(f, "what {of} holds"),
            Self::Listed(id) => write!(f, "{id}, which its list did not have"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_kept_as_text_and_read_back() {
        let odd = ResourceId::new("group", "a:b\"\u{0}\u{1F600} ");
        for list in [
            List::whole("user"),
            List::Resources {
                kind: "user".to_owned(),
                parent: None,
                slice: Some("a".to_owned()),
            },
            List::Resources {
                kind: "user".to_owned(),
                parent: Some(odd.clone()),
                slice: None,
            },
            List::Entitlements(odd.clone()),
            List::GrantsOn(odd.clone()),
            List::GrantsHeldBy(odd.clone()),
            List::Listed(odd),
        ] {
            assert_eq!(List::from_text(&list.to_text()), Some(list));
        }
        assert_eq!(List::from_text("{\"of-tomorrow\":1}"), None);
        // As it was written before there were slices.
        let before = r#"{"resources":{"kind":"user","parent":null}}"#;
        assert_eq!(List::from_text(before), Some(List::whole("user")));
        assert_eq!(List::whole("user").to_text(), before);
    }
}
