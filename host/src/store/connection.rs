//! What a store belongs to.
//!
//! Rows of two systems in one store would make every comparison a lie, so the store
//! remembers what it was filled from and refuses anything else. Only what tells systems
//! apart is kept: no credential, no tuning.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A component and the system that it reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// The name of the component, which outlives its versions.
    pub component: String,
    /// Where its requests go: the service's origin or the endpoint that was named.
    pub origin: String,
    /// The settings that identify the system.
    pub settings: BTreeMap<String, String>,
}

impl Connection {
    /// What tells `now` from this one, as text for people; empty if nothing does.
    pub(super) fn differences(&self, now: &Self) -> String {
        let mut found = Vec::new();
        let mut compare = |name: &str, stored: Option<&String>, given: Option<&String>| {
            if stored != given {
                let shown = |value: Option<&String>| {
                    value.map_or_else(|| "not set".to_owned(), |value| format!("`{value}`"))
                };
                found.push(format!(
                    "{name} is {} there and {} here",
                    shown(stored),
                    shown(given)
                ));
            }
        };
        compare("component", Some(&self.component), Some(&now.component));
        compare("endpoint", Some(&self.origin), Some(&now.origin));
        let names: std::collections::BTreeSet<_> =
            self.settings.keys().chain(now.settings.keys()).collect();
        for name in names {
            compare(name, self.settings.get(name), now.settings.get(name));
        }
        found.join(", ")
    }
}
