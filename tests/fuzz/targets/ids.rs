//! Ids as text: `kind:id` and `kind:id:slug`, and the objects that hold them.
//!
//! Input: any text.
//!
//! Invariants: what is read as an id is printed as it was; what is put together from a kind
//! and an id is read as the same two; an object is read back as it was written, and one
//! that a stranger wrote is written in a form that is read as the same.

#![no_main]

use connector_host::model::{EntitlementId, Resource, ResourceId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(id) = text.parse::<ResourceId>() {
        assert_eq!(id.to_string(), text);
        assert!(!id.kind.is_empty() && !id.id.is_empty() && !id.kind.contains(':'));
        json(&id);
    }
    if let Ok(id) = text.parse::<EntitlementId>() {
        assert_eq!(id.to_string(), text);
        assert!(!id.slug.is_empty() && !id.slug.contains(':'));
    }
    let (kind, id) = text.split_once('\n').unwrap_or(("user", text));
    if !kind.is_empty() && !kind.contains(':') && !id.is_empty() {
        let built = ResourceId::new(kind, id);
        assert_eq!(built.to_string().parse(), Ok(built.clone()));
        let held = EntitlementId {
            resource: built,
            slug: "member".to_owned(),
        };
        assert_eq!(held.to_string().parse(), Ok(held));
    }
    if let Ok(resource) = serde_json::from_str::<Resource>(text) {
        json(&resource);
    }
});

fn json<T>(value: &T)
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let written = serde_json::to_string(value).expect("it is plain data");
    let read: T = serde_json::from_str(&written).expect("it was written here");
    assert_eq!(read, *value, "{written}");
    assert_eq!(serde_json::to_string(&read).ok(), Some(written));
}
