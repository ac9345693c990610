//! The answer to `describe`: plain data, the same at every call. A host turns it into
//! what the connector may do, so what is missing here can't be sent.

use crate::contract::exports::identity::connector::describe::{
    Access, Authentication, Binding, BindingSource, Description, EntitlementSchema, GrantSources,
    Kind, Operation, Origin, Protocol, RateClass, RateLimit, RateScope, Route, SettingSchema,
    SettingType, Trait, Wire,
};
use crate::settings;

/// The id of the kind of people.
pub const PERSON: &str = "person";
/// The id of the kind of teams.
pub const TEAM: &str = "team";
/// The id of the kind of apps.
pub const APP: &str = "app";
/// The id of the kind of roles.
pub const ROLE: &str = "role";

/// What can be held on a team.
pub const MEMBER: &str = "member";
/// What can be held on a role.
pub const ASSIGNED: &str = "assigned";

const LIST_RESOURCES: &str = "sync.list-resources";
const LIST_GRANTS: &str = "sync.list-grants";

/// Who can be a member of a team or have a role.
pub const HOLDERS: [&str; 2] = [PERSON, TEAM];

/// The one rate class: the directory limits every operation by itself.
const RATE_CLASS: &str = "read";
/// What the directory allows of each operation and tenant, in requests per second.
const PER_SECOND: u32 = 100;

/// Everything that a host and its users should know before they run the connector.
pub fn describe() -> Description {
    Description {
        name: env!("CARGO_PKG_NAME").to_owned(),
        display_name: "Example directory".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        help_url: None,
        settings: setting_schemas(),
        kinds: kinds(),
        account_schema: Vec::new(),
        actions: Vec::new(),
        wire: Wire {
            authentication: Authentication::Bearer(settings::TOKEN.to_owned()),
            protocol: Protocol::Http,
            origins: vec![Origin {
                template: settings::ORIGIN.to_owned(),
                when: None,
            }],
            operations: operations(),
            rate_classes: vec![RateClass {
                id: RATE_CLASS.to_owned(),
                limits: vec![RateLimit {
                    scope: RateScope::SystemOperation,
                    per_second: PER_SECOND,
                }],
            }],
            resource_name: None,
        },
    }
}

fn setting_schemas() -> Vec<SettingSchema> {
    let setting = |name: &str, display_name: &str, help: &str| SettingSchema {
        name: name.to_owned(),
        display_name: display_name.to_owned(),
        help: help.to_owned(),
        value_type: SettingType::Text,
        required: false,
        secret: false,
        identifies_system: false,
        pattern: None,
        example: None,
        default_value: None,
        derived_from: None,
    };
    vec![
        SettingSchema {
            required: true,
            identifies_system: true,
            pattern: Some("[a-z0-9]([a-z0-9-]*[a-z0-9])?".to_owned()),
            example: Some("acme".to_owned()),
            ..setting(
                settings::TENANT,
                "Tenant",
                "The first part of the address of your directory",
            )
        },
        SettingSchema {
            required: true,
            secret: true,
            ..setting(
                settings::TOKEN,
                "API token",
                "A token with the scopes of what is to be read, from the directory's settings",
            )
        },
        SettingSchema {
            identifies_system: true,
            example: Some("http://127.0.0.1:8080".to_owned()),
            ..setting(
                settings::ENDPOINT_URL,
                "Endpoint",
                "Where to send requests instead of the directory's own address",
            )
        },
        SettingSchema {
            value_type: SettingType::Integer,
            default_value: Some(settings::DEFAULT_ATTEMPTS.to_string()),
            ..setting(
                settings::MAX_ATTEMPTS,
                "Attempts",
                "How often one request is tried in all",
            )
        },
    ]
}

fn kinds() -> Vec<Kind> {
    let kind = |id: &str, plural: &str, display_name: &str, is: Trait| Kind {
        id: id.to_owned(),
        plural: plural.to_owned(),
        display_name: display_name.to_owned(),
        traits: vec![is],
        parents: Vec::new(),
        entitlements: Vec::new(),
        grants: GrantSources::empty(),
        accounts: false,
    };
    let entitlement = |slug: &str, display_name: &str| EntitlementSchema {
        slug: slug.to_owned(),
        display_name: display_name.to_owned(),
        grantable_to: HOLDERS.map(str::to_owned).to_vec(),
    };
    vec![
        kind(PERSON, "people", "Person", Trait::User),
        Kind {
            entitlements: vec![entitlement(MEMBER, "Member")],
            grants: GrantSources::OF_RESOURCE,
            ..kind(TEAM, "teams", "Team", Trait::Group)
        },
        kind(APP, "apps", "App", Trait::App),
        Kind {
            parents: vec![APP.to_owned()],
            entitlements: vec![entitlement(ASSIGNED, "Assigned")],
            grants: GrantSources::OF_RESOURCE,
            ..kind(ROLE, "roles", "Role", Trait::Role)
        },
    ]
}

fn operations() -> Vec<Operation> {
    // Every placeholder of a route stands for the resource that the call is about: a
    // call for one team can't read another.
    let get = |name: &str, path: &str, functions: &[&str], kind: &str, scope: &str| Operation {
        name: name.to_owned(),
        access: Access::Read,
        route: Some(Route {
            method: "GET".to_owned(),
            path: path.to_owned(),
        }),
        functions: functions.iter().map(|&name| name.to_owned()).collect(),
        kinds: vec![kind.to_owned()],
        rate_class: RATE_CLASS.to_owned(),
        bound: path
            .split('/')
            .filter(|segment| segment.starts_with('{'))
            .map(|placeholder| Binding {
                member: placeholder.to_owned(),
                sources: vec![BindingSource::Resource],
                functions: Vec::new(),
                when: None,
            })
            .collect(),
        members: match functions {
            // A page: where to go on, and how much is wished for.
            [LIST_RESOURCES | LIST_GRANTS] => vec!["?size".to_owned(), "?cursor".to_owned()],
            _ => Vec::new(),
        },
        permission: Some(scope.to_owned()),
        optional: false,
    };
    let list = &[LIST_RESOURCES];
    let one = &["sync.get-resource", "sync.find-listed"];
    let grants = &[LIST_GRANTS];
    vec![
        get("ListPeople", "/people", list, PERSON, "people:read"),
        get("GetPerson", "/people/{person}", one, PERSON, "people:read"),
        get("ListTeams", "/teams", list, TEAM, "teams:read"),
        get("GetTeam", "/teams/{team}", one, TEAM, "teams:read"),
        get(
            "ListMembers",
            "/teams/{team}/members",
            grants,
            TEAM,
            "teams:read",
        ),
        get("ListApps", "/apps", list, APP, "apps:read"),
        get("GetApp", "/apps/{app}", one, APP, "apps:read"),
        get("ListRoles", "/apps/{app}/roles", list, ROLE, "apps:read"),
        get("GetRole", "/roles/{role}", one, ROLE, "apps:read"),
        get(
            "ListAssignments",
            "/roles/{role}/assignments",
            grants,
            ROLE,
            "apps:read",
        ),
    ]
}
