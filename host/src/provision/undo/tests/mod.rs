//! What takes a run back.

mod file;
#[cfg(unix)]
mod shell;

use std::collections::BTreeMap;

use super::*;
use crate::change::{Change as Asking, Membership};
use crate::model::AttributeValue;
use crate::provision::journal::{Ended, Journal};
use crate::trust::description::{
    Authentication, Field, Origin as OriginTemplate, Protocol, SettingSchema, ValueType, Wire,
};

fn action(name: &str, purpose: Option<&str>, argument: &str) -> ActionSchema {
    ActionSchema {
        name: name.to_owned(),
        display_name: name.to_owned(),
        help: name.to_owned(),
        purposes: purpose.map(str::to_owned).into_iter().collect(),
        arguments: vec![Field {
            name: argument.to_owned(),
            display_name: argument.to_owned(),
            help: argument.to_owned(),
            value_type: ValueType::Text,
            required: true,
            secret: false,
            id_of: Some("user".to_owned()),
        }],
        results: Vec::new(),
    }
}

fn description() -> Description {
    Description {
        name: "sample-connector".to_owned(),
        display_name: "Sample".to_owned(),
        version: "1.0.0".to_owned(),
        help_url: None,
        settings: vec![SettingSchema {
            name: "pool".to_owned(),
            display_name: "Pool".to_owned(),
            help: "The pool".to_owned(),
            value_type: ValueType::Text,
            required: true,
            secret: false,
            identifies_system: true,
            pattern: None,
            example: None,
            default_value: None,
            derived_from: None,
        }],
        kinds: Vec::new(),
        account_schema: Vec::new(),
        actions: vec![
            action("enable_user", Some(ENABLE), "user_id"),
            action("disable_user", Some(DISABLE), "user_id"),
            action("reset_user", None, "user_id"),
        ],
        wire: Wire {
            authentication: Authentication::None,
            protocol: Protocol::Http,
            origins: vec![OriginTemplate {
                template: "https://{pool}.directory.example".to_owned(),
                when: None,
            }],
            operations: Vec::new(),
            rate_classes: Vec::new(),
            resource_name: None,
        },
    }
}

fn connection() -> Connection {
    Connection {
        component: "sample-connector".to_owned(),
        origin: "https://one.directory.example".to_owned(),
        settings: BTreeMap::from([("pool".to_owned(), "one".to_owned())]),
    }
}

/// A change with the state before and after and its end.
struct Made {
    asking: Asking,
    before: Option<State>,
    after: Option<State>,
    end: Option<&'static str>,
    account: Option<ResourceId>,
}

fn made(asking: Asking, end: &'static str) -> Made {
    Made {
        asking,
        before: None,
        after: None,
        end: Some(end),
        account: None,
    }
}

/// The content of an audit file with one run.
fn file(made: &[Made]) -> String {
    file_of(&connection(), made)
}

fn file_of(connection: &Connection, made: &[Made]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let journal = Journal::open(&path, connection, None).unwrap();
    for (number, made) in (1..).zip(made) {
        let before = made.before.as_ref();
        journal
            .begun(number, &made.asking, &description(), before)
            .unwrap();
    }
    // Side by side, so that nothing can rely on the order of the ends.
    for (number, made) in (1..).zip(made) {
        let Some(outcome) = made.end else { continue };
        let ended = Ended {
            end: serde_json::from_value(outcome.into()).unwrap(),
            account: made.account.clone(),
            after: made.after.as_ref(),
            error: None,
        };
        journal.ended(number, ended).unwrap();
    }
    std::fs::read_to_string(&path).unwrap()
}

fn plan_of(text: &str) -> Result<Undo, UndoError> {
    plan(text.as_bytes(), None, &description())
}

fn steps(made: &[Made]) -> Vec<Step> {
    plan_of(&file(made)).unwrap().steps
}

fn shells(made: &[Made]) -> Vec<String> {
    steps(made).iter().map(Step::shell).collect()
}

fn grant(entitlement: &str, principal: &str) -> Asking {
    Asking::Grant(Membership {
        entitlement: entitlement.parse().unwrap(),
        principal: principal.parse().unwrap(),
    })
}

fn revoke(entitlement: &str, principal: &str) -> Asking {
    Asking::Revoke(Membership {
        entitlement: entitlement.parse().unwrap(),
        principal: principal.parse().unwrap(),
    })
}

fn invoke(action: &str, id: &str) -> Asking {
    Asking::Invoke {
        action: action.to_owned(),
        arguments: vec![("user_id".to_owned(), AttributeValue::Text(id.to_owned()))],
    }
}

fn delete(account: &str) -> Asking {
    Asking::DeleteAccount {
        account: account.parse().unwrap(),
    }
}

fn create() -> Asking {
    Asking::CreateAccount {
        kind: "user".to_owned(),
        fields: vec![(
            "email".to_owned(),
            AttributeValue::Text("s3cret".to_owned()),
        )],
    }
}

fn account_state(status: Option<AccountStatus>, holds: &[&str]) -> Option<State> {
    Some(State::Account {
        exists: true,
        status,
        status_details: None,
        holds: holds.iter().map(|&name| name.to_owned()).collect(),
    })
}

#[test]
fn memberships_and_new_accounts_are_taken_back_the_last_one_first() {
    let made = [
        made(grant("group:a:member", "user:alice"), "granted"),
        made(grant("group:b:member", "user:alice"), "already-granted"),
        made(revoke("group:c:member", "user:-bob"), "revoked"),
        made(revoke("group:d:member", "user:bob"), "already-revoked"),
        made(grant("group:e:member", "user:bob"), "failed"),
        made(grant("group:f:member", "user:bob"), "refused"),
        Made {
            account: Some(ResourceId::new("user", "new one")),
            ..made(create(), "created")
        },
        Made {
            account: Some(ResourceId::new("user", "old")),
            ..made(create(), "already-exists")
        },
        made(delete("user:gone"), "already-gone"),
    ];
    let steps = steps(&made);
    assert_eq!(
        steps.iter().map(Step::shell).collect::<Vec<_>>(),
        [
            "connector --provisioning --pool=one account delete --yes -- 'user:new one'",
            "connector --provisioning --pool=one grant -- group:c:member user:-bob",
            "connector --provisioning --pool=one revoke -- group:a:member user:alice",
        ]
    );
    let numbers: Vec<_> = steps.iter().map(|step| step.change).collect();
    assert_eq!(numbers, [7, 3, 1]);
    assert_eq!(
        steps[1].command.as_deref().unwrap(),
        [
            "--provisioning",
            "--pool=one",
            "grant",
            "--",
            "group:c:member",
            "user:-bob"
        ]
    );
}

#[test]
fn an_endpoint_that_was_named_is_named_again() {
    let mut connection = connection();
    connection.origin = "http://127.0.0.1:4566".to_owned();
    let text = file_of(
        &connection,
        &[made(grant("group:a:member", "user:x"), "granted")],
    );
    let undo = plan_of(&text).unwrap();
    assert_eq!(undo.connection, connection);
    assert_eq!(
        undo.steps[0].shell(),
        "connector --provisioning --pool=one --endpoint-url=http://127.0.0.1:4566 revoke -- \
         group:a:member user:x"
    );
}

#[test]
fn a_status_is_taken_back_by_the_opposite_action_and_only_if_it_changed() {
    let (enabled, disabled) = (Some(AccountStatus::Enabled), Some(AccountStatus::Disabled));
    let done = |action, before, after| Made {
        before: account_state(before, &[]),
        after: account_state(after, &[]),
        ..made(invoke(action, "-a=b c"), "done")
    };
    let made = [
        done("disable_user", enabled, disabled),
        done("enable_user", disabled, enabled),
        done("enable_user", enabled, enabled),
        done("disable_user", disabled, disabled),
    ];
    assert_eq!(
        shells(&made),
        [
            "connector --provisioning --pool=one action invoke -- disable_user 'user_id=-a=b c'",
            "connector --provisioning --pool=one action invoke -- enable_user 'user_id=-a=b c'",
        ]
    );
}

#[test]
fn an_action_that_cannot_be_taken_back_is_a_note() {
    let (enabled, disabled) = (Some(AccountStatus::Enabled), Some(AccountStatus::Disabled));
    let look = "look first: connector --pool=one get -- user:a";
    let done = |action| Made {
        before: account_state(enabled, &[]),
        ..made(invoke(action, "a"), "done")
    };
    let made = [
        done("disable_user"),
        Made {
            after: account_state(enabled, &[]),
            ..done("reset_user")
        },
        done("unheard_of"),
    ];
    assert_eq!(
        shells(&made),
        [
            "# the action unheard_of was done, and no action is known that takes it back"
                .to_owned(),
            format!(
                "# the action reset_user was done, and no action is known that takes it back, {look}"
            ),
            format!(
                "# the action disable_user was done, and whether it changed anything is not \
                 recorded, {look}"
            ),
        ]
    );

    let text = file(&[Made {
        after: account_state(disabled, &[]),
        ..done("disable_user")
    }]);
    for (index, change) in [(0, "account"), (1, "user_id")] {
        let mut description = description();
        match change {
            // The opposite takes something else, or there is none.
            "account" => description.actions[index] = action("enable_user", Some(ENABLE), change),
            _ => drop(description.actions.remove(0)),
        }
        let undo = plan(text.as_bytes(), None, &description).unwrap();
        assert_eq!(
            undo.steps[0].shell(),
            format!(
                "# the action disable_user was done, and no action with the same arguments takes \
                 it back, {look}"
            )
        );
    }
}

#[test]
fn a_deleted_account_is_a_note_of_what_is_lost() {
    let held = Made {
        before: account_state(None, &["group:a:member", "group:b c:member"]),
        ..made(delete("user:alice"), "deleted")
    };
    let bare = Made {
        before: account_state(None, &[]),
        ..made(delete("user:bob"), "deleted")
    };
    let lost = "was deleted and cannot be brought back: its password, the ids that the system gave \
                it and its attributes are lost, and a new account of the same name is another one";
    let steps = steps(&[held, bare, made(delete("user:eve"), "deleted")]);
    assert!(steps.iter().all(|step| step.command.is_none()));
    let notes: Vec<_> = steps
        .iter()
        .map(|step| step.note.clone().unwrap())
        .collect();
    assert_eq!(
        notes,
        [
            format!("user:eve {lost}, what it held is not recorded"),
            format!("user:bob {lost}, no memberships of it are recorded"),
            format!("user:alice {lost}, it held group:a:member, 'group:b c:member'"),
        ]
    );
}

#[test]
fn what_is_not_known_is_a_note_and_never_a_command() {
    let begun = |asking| Made {
        end: None,
        ..made(asking, "unknown")
    };
    let made = [
        made(grant("group:a:member", "user:x"), "unknown"),
        begun(revoke("group:a:member", "user:x")),
        begun(create()),
        begun(delete("user:x")),
        made(invoke("enable_user", "x"), "unknown"),
        made(create(), "created"),
        // The words of a file that somebody changed.
        made(delete("user:x"), "granted"),
        Made {
            before: Some(State::Membership { held: true }),
            ..made(grant("group:a:member", "user:x"), "granted")
        },
    ];
    let look = "look first: connector --pool=one get -- user:x";
    let look_at = |verb: &str| {
        format!(
            "look first: connector --provisioning --pool=one {verb} --dry-run -- group:a:member \
             user:x"
        )
    };
    let (granted, revoked) = (look_at("grant"), look_at("revoke"));
    let steps = steps(&made);
    assert!(steps.iter().all(|step| step.command.is_none()));
    let notes: Vec<_> = steps
        .into_iter()
        .rev()
        .map(|step| step.note.unwrap())
        .collect();
    assert_eq!(
        notes,
        [
            format!("whether group:a:member was given to user:x is unknown, {granted}"),
            format!("whether group:a:member was taken from user:x is unknown, {revoked}"),
            "whether an account of the kind user was created is unknown: look at the one that \
             was asked for, in row 3 if it was a file"
                .to_owned(),
            format!("whether user:x was deleted is unknown, {look}"),
            format!("whether the action enable_user was done is unknown, {look}"),
            "an account of the kind user was created, and which one is not recorded".to_owned(),
            format!("whether user:x was deleted is unknown, {look}"),
            format!("whether group:a:member was given to user:x is unknown, {granted}"),
        ]
    );
}

#[test]
fn an_id_that_no_command_can_carry_is_a_note() {
    let zero = Asking::Grant(Membership {
        entitlement: "group:a:member".parse().unwrap(),
        principal: ResourceId::new("user", "a\0b"),
    });
    assert_eq!(
        shells(&[made(zero, "granted")]),
        ["# an id in it has a zero byte, which no command can carry"]
    );
}
