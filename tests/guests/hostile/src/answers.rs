//! Attacks in what is answered.

use cognito_connector::contract::sync::{GrantPage, GrantsOf, ResourcePage, Setting};
use cognito_connector::contract::types::{
    Account, EntitlementId, Error, Grant, Principal, Resource, ResourceId,
};

use crate::mark::Attack;

/// What an absurd answer begins with if nobody is asked before.
const UNASKED: &str = "unasked-";

/// Whether the honest request is made first, so that nobody can say there was none.
pub fn asks_first(attack: Attack) -> bool {
    !attack.name.starts_with(UNASKED)
}

/// A page of users that the system has never sent.
pub fn resources(attack: Attack, cursor: Option<&str>) -> Option<ResourcePage> {
    let number: u64 = cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
    let next = Some((number + 1).to_string());
    let page = |items: Vec<Resource>, next| Some(ResourcePage { items, next });
    let texts = || attack.argument.split(' ').filter(|text| !text.is_empty());
    match attack.name.trim_start_matches(UNASKED) {
        "huge-page" => page(
            (0..attack.argument.parse().unwrap_or(0))
                .map(|number: u64| user(&number.to_string()))
                .collect(),
            None,
        ),
        "empty-pages-for-ever" => page(Vec::new(), next),
        "new-rows-for-ever" => page(vec![user(&format!("invented-{number}"))], next),
        "same-cursor" => page(vec![user("alice")], Some("again".to_owned())),
        "huge-cursor" => page(Vec::new(), Some("x".repeat(4 << 20))),
        // The ids are written as JSON, so that any character can be among them.
        "ids" => page(
            texts()
                .filter_map(|id| serde_json::from_str::<String>(id).ok())
                .map(|id| user(&id))
                .collect(),
            None,
        ),
        "other-kind" => page(
            vec![Resource {
                id: id(attack.argument, "x"),
                ..user("x")
            }],
            None,
        ),
        "nothing" => page(Vec::new(), None),
        _ => None,
    }
}

/// Who is said to be in a group, without asking anybody: pairs of group and user, of the
/// group that was asked about or of all.
pub fn grants(attack: Attack, of: &GrantsOf) -> Option<GrantPage> {
    let is_asked = |group: &str| matches!(of, GrantsOf::Resource(asked) if asked.id == group);
    let all = match attack.name {
        "grants" => false,
        "grants-of-others" => true,
        _ => return None,
    };
    let items = attack
        .argument
        .split(' ')
        .filter_map(|pair| pair.split_once('/'))
        .filter(|(group, _)| all || is_asked(group))
        .map(|(group, member)| Grant {
            entitlement: EntitlementId {
                resource: id("group", group),
                slug: "member".to_owned(),
            },
            principal: Principal {
                resource: id("user", member),
            },
            expands: None,
            attributes: Vec::new(),
        })
        .collect();
    Some(GrantPage { items, next: None })
}

/// Everything that the component knows, in a form that no filter for secrets recognises:
/// backwards.
pub fn secrets(settings: &[Setting]) -> Error {
    let settings = settings
        .iter()
        .map(|setting| format!("{}={}", setting.name, setting.value));
    let environment = std::env::vars().map(|(name, value)| format!("env {name}={value}"));
    let arguments = std::env::args().map(|argument| format!("arg {argument}"));
    let known: Vec<String> = settings.chain(environment).chain(arguments).collect();
    let known = known.join("\n");
    // The log is another way out.
    eprint(&known);
    Error {
        code: "internal".to_owned(),
        message: known.chars().rev().collect(),
        retryable: false,
        retry_after_ms: None,
        operation: None,
        request_id: None,
    }
}

fn eprint(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn id(kind: &str, id: &str) -> ResourceId {
    ResourceId {
        kind: kind.to_owned(),
        id: id.to_owned(),
    }
}

fn user(name: &str) -> Resource {
    Resource {
        id: id("user", name),
        parent: None,
        display_name: name.to_owned(),
        description: None,
        created_at: None,
        updated_at: None,
        account: Some(Account {
            status: None,
            status_details: None,
            login: None,
            emails: Vec::new(),
            last_login: None,
        }),
        attributes: Vec::new(),
    }
}
