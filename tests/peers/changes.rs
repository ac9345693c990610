//! Every change that the program makes, the same way against the double and both peers:
//! what it reports is what boto3 reads afterwards, and at the second attempt it says that
//! there is nothing left to do.

use serde_json::{Value, json};

use crate::connector::{Connector, Run};
use crate::ledger::Ledger;
use crate::observed::Observed;
use crate::python;
use crate::site::{Site, Wanted};

/// Ids that have broken tools: separators of our own ids, of paths, URLs and shells, an
/// option, quotes, scripts that run either way, characters made of several.
const USERS: [&str; 14] = [
    "plain",
    "user:alice",
    "group:admins:member",
    "a/b/../c",
    "per%2Fcent",
    "q?a=1&b=2#f",
    "it's",
    "\"quoted\"",
    "back\\slash",
    "-lead",
    "日本語ユーザー",
    "مستخدم-עברית",
    "e\u{301}-é-ﬁ",
    "👩🏽😀",
];
const GROUPS: [&str; 6] = [
    "admins",
    "group:admins:member",
    "Ops/Team:é😀+1",
    "it's\"=1\"\\",
    "مجموعة",
    "日本語",
];
/// What no name may hold and a value may.
const VALUES: [&str; 6] = [
    "R&D / 研究開発 😀",
    "  padded  ",
    "line\nbreak\tand tab",
    "=cmd|' /C calc'!A0, \"quoted\"",
    "\u{202e}right to left שלום",
    "a=b=c",
];
/// A code, and words of the message.
type Refusal<'a> = (i32, &'a [&'a str]);

/// One more than Cognito takes.
const TOO_LONG: usize = 2049;
/// Whoever gets mail of this pool has an address here.
const DOMAIN: &str = "@changes.example.com";

#[test]
fn every_change_is_what_was_reported_on_fake_cognito() {
    every_change_is_what_was_reported(&Site::fake_cognito(&Wanted::groups(&GROUPS)));
}

#[test]
fn every_change_is_what_was_reported_on_ministack() {
    every_change_is_what_was_reported(&Site::ministack(&Wanted::groups(&GROUPS)));
}

#[test]
fn every_change_is_what_was_reported_on_moto() {
    every_change_is_what_was_reported(&Site::moto(&Wanted::groups(&GROUPS)));
}

fn every_change_is_what_was_reported(site: &Site) {
    let mut changes = Changes {
        site,
        connector: site.connector(),
        ledger: Ledger::new(site),
        seen: Observed::default(),
    };
    changes.create();
    changes.ledger.assert_agrees("creating");
    changes.create_again();
    changes.ledger.assert_agrees("creating again");
    changes.grant();
    changes.ledger.assert_agrees("granting");
    changes.revoke();
    changes.ledger.assert_agrees("revoking");
    changes.act();
    changes.ledger.assert_agrees("enabling and disabling");
    changes.invite();
    changes.ledger.assert_agrees("inviting");
    changes.delete();
    changes.ledger.assert_agrees("deleting");
    assert_eq!(changes.ledger.users().count(), 0);
    changes.seen.assert_as_documented(site, "changes");
}

struct Changes<'a> {
    site: &'a Site,
    connector: Connector,
    ledger: Ledger<'a>,
    seen: Observed,
}

impl Changes<'_> {
    /// Runs a changing command and enters what it reports.
    fn run(&mut self, arguments: &[&str]) -> Run {
        let run = self.connector.change(arguments);
        self.ledger.enter(&run);
        run
    }

    fn outcome(&mut self, case: &str, documented: &str, arguments: &[&str]) -> Run {
        let run = self.run(arguments);
        self.seen.outcome(case, &run, documented, "cli.md");
        run
    }

    fn refusal(&mut self, case: &str, documented: Refusal<'_>, arguments: &[&str]) {
        let run = self.run(arguments);
        let (code, words) = documented;
        self.seen.refusal(case, &run, code, words, "cli.md");
    }

    fn create(&mut self) {
        for (number, username) in USERS.into_iter().enumerate() {
            let value = VALUES[number % VALUES.len()];
            let email = format!("user{number}{DOMAIN}");
            let department = format!("custom:department={value}");
            let note = format!("custom:note={username}");
            let run = self.outcome(
                &format!("create {username}"),
                "created",
                &[
                    "account",
                    "create",
                    "--username",
                    username,
                    "--email",
                    &email,
                    "--given-name",
                    "Zoë",
                    "--family-name",
                    "Ångström=李",
                    "--attr",
                    &department,
                    "--attr",
                    &note,
                ],
            );
            let user = run.json()["user"].clone();
            assert_eq!(user["id"], username);
            assert_eq!(user["status"], "enabled");
            assert_eq!(user["status_details"], "FORCE_CHANGE_PASSWORD");
            assert_eq!(run.json()["warnings"], json!([]));
            let sent = json!({
                "email": email,
                "given_name": "Zoë",
                "family_name": "Ångström=李",
                "custom:department": value,
                "custom:note": username,
            });
            assert_eq!(json!(self.ledger.attributes(username)), sent);
        }
        let address = format!("address{DOMAIN}");
        let run = self.outcome(
            "create with the address as username",
            "created",
            &["account", "create", "--email", &address],
        );
        assert_eq!(run.json()["user"]["id"], address);
        self.create_what_is_refused();

        let run = self.outcome(
            "create with an empty value",
            "created",
            &[
                "account",
                "create",
                "--username",
                "blank",
                "--attr",
                "custom:note=",
            ],
        );
        self.seen.note(
            "an empty value is stored",
            &json!(run.json()["user"]["attributes"].get("custom:note")),
            &Value::Null,
            "API reference: a blank value deletes the attribute",
        );
    }

    fn create_what_is_refused(&mut self) {
        let long = format!("custom:note={}", "x".repeat(TOO_LONG));
        let name = "n".repeat(129);
        let shoe = ["custom:shoe_size", "custom:department"];
        let cases: [(&str, &[&str], &[&str]); 6] = [
            (
                "an unknown custom attribute",
                &shoe,
                &["--username", "odd", "--attr", "custom:shoe_size=43"],
            ),
            (
                "an attribute of no schema",
                &[],
                &["--username", "odder", "--attr", "shoe_size=43"],
            ),
            (
                "a value of 2049 characters",
                &["custom:note", "2048"],
                &["--username", "long", "--attr", &long],
            ),
            ("a name of 129 characters", &["128"], &["--username", &name]),
            (
                "a name with a space",
                &["space"],
                &["--username", "two words"],
            ),
            (
                "no name at all",
                &["--email", "--username"],
                &["--given-name", "Zoë"],
            ),
        ];
        for (case, words, arguments) in cases {
            let arguments = [&["account", "create"], arguments].concat();
            self.refusal(&format!("create with {case}"), (3, words), &arguments);
        }
    }

    fn create_again(&mut self) {
        for username in USERS {
            let other = ["--email", "another@changes.example.com"];
            let arguments = [&["account", "create", "--username", username], &other[..]].concat();
            self.outcome(
                &format!("create {username} again"),
                "already-exists",
                &arguments,
            );
        }
        let run = self.connector.change(&[
            "account",
            "create",
            "--username",
            USERS[0],
            "--fail-if-exists",
        ]);
        assert_eq!(run.json()["outcome"], "already-exists");
        run.assert_code(6);
    }

    fn grant(&mut self) {
        for (username, group) in pairs() {
            for documented in ["granted", "already-granted"] {
                let (group, user) = (format!("group:{group}:member"), format!("user:{username}"));
                let case = format!("{group} {user} is {documented}");
                self.outcome(&case, documented, &["grant", &group, &user]);
            }
        }
        let sub = self.sub_of(USERS[0]);
        let cases: [(&str, Refusal<'_>, &str, &str); 5] = [
            (
                "a missing group",
                (5, &["'nothing'"]),
                "group:nothing:member",
                "user:plain",
            ),
            (
                "a missing user",
                (5, &["'nobody'"]),
                "group:admins:member",
                "user:nobody",
            ),
            // The message names the user whose sub it is.
            ("a sub", (3, &["user:plain"]), "group:admins:member", &sub),
            (
                "a group as member",
                (3, &["group"]),
                "group:admins:member",
                "group:admins",
            ),
            (
                "another entitlement",
                (3, &["owner"]),
                "group:admins:owner",
                "user:plain",
            ),
        ];
        for (case, documented, entitlement, principal) in cases {
            let arguments = ["grant", entitlement, principal];
            self.refusal(&format!("grant with {case}"), documented, &arguments);
        }
    }

    fn sub_of(&self, username: &str) -> String {
        let user = self
            .connector
            .on_pool(&["get", &format!("user:{username}"), "-o", "json"]);
        let user = user.assert_code(0).json();
        format!(
            "user:{}",
            user["attributes"]["sub"].as_str().expect("a sub")
        )
    }

    /// Revokes every second membership, so that the deletions find others.
    fn revoke(&mut self) {
        for (username, group) in pairs().step_by(2) {
            for documented in ["revoked", "already-revoked"] {
                let (group, user) = (format!("group:{group}:member"), format!("user:{username}"));
                let case = format!("{group} {user} is {documented}");
                self.outcome(&case, documented, &["revoke", &group, &user]);
            }
        }
        for (case, name, entitlement, principal) in [
            (
                "a missing group",
                "'nothing'",
                "group:nothing:member",
                "user:plain",
            ),
            (
                "a missing user",
                "'nobody'",
                "group:admins:member",
                "user:nobody",
            ),
        ] {
            let arguments = ["revoke", entitlement, principal];
            self.refusal(&format!("revoke with {case}"), (5, &[name]), &arguments);
        }
    }

    fn act(&mut self) {
        for (number, username) in USERS.into_iter().enumerate() {
            let user_id = format!("user_id={username}");
            // Each of both is done twice, and each is the last thing done to somebody.
            let actions = match number % 2 {
                0 => ["disable_user", "enable_user", "enable_user"],
                _ => ["enable_user", "disable_user", "disable_user"],
            };
            for action in actions {
                let run = self.run(&["action", "invoke", action, &user_id]);
                let printed = run.assert_code(0).json();
                let status = action.replace("_user", "d");
                assert_eq!(printed["success"], true, "{printed}");
                assert_eq!(printed["user"]["status"], status, "{printed}");
                assert_eq!(printed["warnings"], json!([]), "{printed}");
            }
        }
        let cases: [(&str, Refusal<'_>, &[&str]); 5] = [
            (
                "an unknown action",
                (3, &["enable_user", "disable_user"]),
                &["promote_user", "user_id=plain"],
            ),
            ("no argument", (3, &["user_id"]), &["enable_user"]),
            (
                "an argument too many",
                (3, &["user_id"]),
                &["enable_user", "user_id=plain", "force=true"],
            ),
            (
                "a missing user",
                (5, &["'nobody'"]),
                &["enable_user", "user_id=nobody"],
            ),
            (
                "a missing user",
                (5, &["'nobody'"]),
                &["disable_user", "user_id=nobody"],
            ),
        ];
        for (case, documented, arguments) in cases {
            let case = format!("{} with {case}", arguments[0]);
            let arguments = [&["action", "invoke"], arguments].concat();
            self.refusal(&case, documented, &arguments);
        }
    }

    /// One account is invited, and nobody else has got anything.
    fn invite(&mut self) {
        let address = format!("invited{DOMAIN}");
        let run = self.outcome(
            "create with an invitation",
            "created",
            &[
                "account",
                "create",
                "--email",
                &address,
                "--send-invite-email",
            ],
        );
        if let Some((_, pool)) = self.site.double() {
            let sent = pool.invitations();
            assert_eq!(sent.len(), 1, "{sent:?}");
            assert_eq!(sent[0].username, address);
            assert_eq!(sent[0].medium, "EMAIL");
            assert!(!sent[0].resent);
        }
        // MiniStack keeps what it would have sent. moto sends nothing and keeps nothing,
        // so that nothing can be said about it.
        if let Some(peer) = self.site.peer().filter(|peer| peer.name == "ministack") {
            let kept = python::run("sent.py", &[&peer.endpoint], &Value::Null);
            let to_us: Vec<&Value> = kept
                .as_array()
                .into_iter()
                .flatten()
                .filter(|message| message["to"].to_string().contains(DOMAIN))
                .collect();
            assert_eq!(to_us.len(), 1, "{to_us:?}");
            assert_eq!(to_us[0]["to"], json!([address]));
            let message = to_us[0]["text"].as_str().expect("a message has a text");
            let password = message
                .rsplit(' ')
                .next()
                .expect("it ends with the password");
            let password = password.trim_end_matches('.');
            assert!(password.len() >= 8, "{message}");
            assert!(!run.stdout.contains(password) && !run.stderr.contains(password));
        }
    }

    fn delete(&mut self) {
        let everybody: Vec<String> = self.ledger.users().map(str::to_owned).collect();
        let victim = format!("user:{}", USERS[0]);
        self.outcome(
            "a dry run",
            "would-delete",
            &["account", "delete", &victim, "--dry-run"],
        );
        self.refusal(
            "delete unasked",
            (9, &["can't be taken back"]),
            &["account", "delete", &victim],
        );
        self.ledger.assert_agrees("deleting nothing");
        for documented in ["deleted", "already-gone"] {
            for username in &everybody {
                let user = format!("user:{username}");
                let case = format!("{user} is {documented}");
                self.outcome(&case, documented, &["account", "delete", &user, "--yes"]);
            }
        }
        self.refusal(
            "delete a group",
            (3, &["group"]),
            &["account", "delete", "group:admins", "-y"],
        );
    }
}

/// Every user in two groups.
fn pairs() -> impl Iterator<Item = (&'static str, &'static str)> {
    USERS
        .into_iter()
        .enumerate()
        .flat_map(|(number, username)| {
            [number, number + 1].map(|group| (username, GROUPS[group % GROUPS.len()]))
        })
}
