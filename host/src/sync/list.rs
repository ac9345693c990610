//! The lists that a sync reads.

use std::fmt;

use crate::model::ResourceId;

/// A list that is read to its end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum List {
    /// The resources of a kind.
    Resources {
        /// The kind.
        kind: String,
        /// The parent, for kinds that have one.
        parent: Option<ResourceId>,
    },
    /// The entitlements of a resource.
    Entitlements(ResourceId),
    /// The grants on a resource.
    GrantsOn(ResourceId),
    /// The grants that a principal holds.
    GrantsHeldBy(ResourceId),
}

impl List {
    /// The resource that the list belongs to.
    pub(super) fn about(&self) -> Option<&ResourceId> {
        match self {
            Self::Resources { parent, .. } => parent.as_ref(),
            Self::Entitlements(of) | Self::GrantsOn(of) | Self::GrantsHeldBy(of) => Some(of),
        }
    }

    /// The kind whose lists share a right.
    pub(super) fn kind(&self) -> &str {
        match self {
            Self::Resources { kind, .. } => kind,
            Self::Entitlements(of) | Self::GrantsOn(of) | Self::GrantsHeldBy(of) => &of.kind,
        }
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resources { kind, parent: None } => {
                write!(f, "the list of resources of the kind {kind}")
            }
            Self::Resources {
                kind,
                parent: Some(parent),
            } => {
                write!(f, "the resources of the kind {kind} in {parent}")
            }
            Self::Entitlements(of) => write!(f, "the entitlements of {of}"),
            Self::GrantsOn(of) => write!(f, "who holds what on {of}"),
            Self::GrantsHeldBy(of) => write!(f, "what {of} holds"),
        }
    }
}
