//! What is in the directory. Small, but with the things that go wrong: ids that need
//! encoding, teams in teams, people without an address, an app without roles.

use serde_json::{Value, json};

/// Somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person {
    /// Its id.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its address, which is also its login.
    pub email: Option<&'static str>,
    /// Whether it may sign in; `None` is not sent.
    pub active: Option<bool>,
    /// A further member of its JSON, `title`.
    pub title: Option<&'static str>,
}

/// Who is a member of a team or has a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// The person with this id.
    Person(&'static str),
    /// The team with this id, and so its members.
    Team(&'static str),
}

/// A team of people and teams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Team {
    /// Its id.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its members.
    pub members: &'static [Holder],
}

/// An app, the parent of its roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct App {
    /// Its id.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its roles.
    pub roles: &'static [Role],
}

/// A role of an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its id, unique among the roles of all apps.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Who has it.
    pub assignments: &'static [Holder],
}

/// When everything was created.
const CREATED: &str = "2025-02-14T10:40:18.102Z";

const fn person(id: &'static str, name: &'static str, email: &'static str) -> Person {
    Person {
        id,
        name,
        email: Some(email),
        active: Some(true),
        title: None,
    }
}

/// All people.
pub const PEOPLE: &[Person] = &[
    Person {
        title: Some("Chief \"everything\" officer"),
        ..person("ada", "Ada Brandt", "ada@acme.example")
    },
    person("bo", "Bo Çelik", "bo@acme.example"),
    Person {
        active: Some(false),
        ..person("cy", "Cy Duarte", "cy@acme.example")
    },
    Person {
        email: None,
        active: None,
        ..person("di:1", "Di Eze", "")
    },
    person("ed/öst", "Ed Farkas", "ed@acme.example"),
];

/// All teams: everyone holds engineering, which holds on call.
pub const TEAMS: &[Team] = &[
    Team {
        id: "everyone",
        name: "Everyone",
        members: &[
            Holder::Person("ada"),
            Holder::Person("cy"),
            Holder::Team("engineering"),
        ],
    },
    Team {
        id: "engineering",
        name: "Engineering",
        members: &[Holder::Team("on call/eu"), Holder::Person("bo")],
    },
    Team {
        id: "on call/eu",
        name: "On call, Europe",
        members: &[Holder::Person("di:1"), Holder::Person("ed/öst")],
    },
    Team {
        id: "nobody",
        name: "Nobody",
        members: &[],
    },
];

/// All apps with their roles.
pub const APPS: &[App] = &[
    App {
        id: "crm",
        name: "Customers",
        roles: &[
            Role {
                id: "crm.reader",
                name: "Reader",
                assignments: &[Holder::Team("everyone")],
            },
            Role {
                id: "crm.editor",
                name: "Editor",
                assignments: &[Holder::Person("ada"), Holder::Person("bo")],
            },
            Role {
                id: "crm.auditor",
                name: "Auditor",
                assignments: &[],
            },
        ],
    },
    App {
        id: "wiki?",
        name: "Wiki",
        roles: &[Role {
            id: "wiki/admin",
            name: "Administrator",
            assignments: &[
                Holder::Team("on call/eu"),
                Holder::Person("ada"),
                Holder::Team("engineering"),
            ],
        }],
    },
    App {
        id: "legacy",
        name: "Legacy",
        roles: &[],
    },
];

/// What the directory has at a path: an object, or a whole list.
pub(super) fn at(segments: &[&str]) -> Option<Value> {
    let team = |id: &str| TEAMS.iter().find(|team| team.id == id);
    let app = |id: &str| APPS.iter().find(|app| app.id == id);
    let roles = || {
        let of = |app: &'static App| app.roles.iter().map(move |role| (app, role));
        APPS.iter().flat_map(of)
    };
    let role = |id: &str| roles().find(|(_, role)| role.id == id);
    Some(match segments {
        ["people"] => PEOPLE.iter().map(Person::json).collect(),
        ["people", id] => PEOPLE.iter().find(|person| person.id == *id)?.json(),
        ["teams"] => TEAMS.iter().map(|team| thing(team.id, team.name)).collect(),
        ["teams", id] => team(id).map(|team| thing(team.id, team.name))?,
        ["teams", id, "members"] => team(id)?.members.iter().map(Holder::json).collect(),
        ["apps"] => APPS.iter().map(|app| thing(app.id, app.name)).collect(),
        ["apps", id] => app(id).map(|app| thing(app.id, app.name))?,
        ["apps", id, "roles"] => {
            let app = app(id)?;
            app.roles.iter().map(|role| role.json(app)).collect()
        }
        ["roles", id] => role(id).map(|(app, role)| role.json(app))?,
        ["roles", id, "assignments"] => role(id)?.1.assignments.iter().map(Holder::json).collect(),
        _ => return None,
    })
}

fn thing(id: &str, name: &str) -> Value {
    json!({"id": id, "name": name, "created": CREATED})
}

impl Person {
    fn json(&self) -> Value {
        let mut json = thing(self.id, self.name);
        let optional = [
            ("email", self.email.map(Value::from)),
            ("active", self.active.map(Value::from)),
            ("title", self.title.map(Value::from)),
        ];
        if let Value::Object(members) = &mut json {
            let sent = optional
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?)));
            members.extend(sent.map(|(name, value)| (name.to_owned(), value)));
        }
        json
    }
}

impl Role {
    fn json(&self, app: &App) -> Value {
        json!({"id": self.id, "name": self.name, "created": CREATED, "app": app.id})
    }
}

impl Holder {
    fn json(&self) -> Value {
        match self {
            Self::Person(id) => json!({"type": "person", "id": id}),
            Self::Team(id) => json!({"type": "team", "id": id}),
        }
    }
}
