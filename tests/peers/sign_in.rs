//! Pools in which people sign in with their address: as the username, where the pool makes
//! the id up, or as an alias, where a username is needed besides.

use serde_json::{Value, json};

use crate::connector::Connector;
use crate::ledger::Ledger;
use crate::observed::Observed;
use crate::site::{Site, Wanted};

const GROUP: &str = "admins";
const ADDRESS: &str = "new.user@example.com";

fn address_is_username() -> Wanted {
    Wanted {
        options: json!({
            "UsernameAttributes": ["email"],
            "UsernameConfiguration": {"CaseSensitive": false},
        }),
        ..Wanted::groups(&[GROUP])
    }
}

fn address_is_alias() -> Wanted {
    Wanted {
        options: json!({"AliasAttributes": ["email"]}),
        ..Wanted::groups(&[GROUP])
    }
}

#[test]
fn the_id_is_the_one_that_the_pool_made_up_on_fake_cognito() {
    the_id_is_the_one_that_the_pool_made_up(&Site::fake_cognito(&address_is_username()));
}

#[test]
fn the_id_is_the_one_that_the_pool_made_up_on_ministack() {
    the_id_is_the_one_that_the_pool_made_up(&Site::ministack(&address_is_username()));
}

#[test]
fn the_id_is_the_one_that_the_pool_made_up_on_moto() {
    the_id_is_the_one_that_the_pool_made_up(&Site::moto(&address_is_username()));
}

#[test]
fn an_alias_is_no_username_on_fake_cognito() {
    an_alias_is_no_username(&Site::fake_cognito(&address_is_alias()));
}

#[test]
fn an_alias_is_no_username_on_ministack() {
    an_alias_is_no_username(&Site::ministack(&address_is_alias()));
}

#[test]
fn an_alias_is_no_username_on_moto() {
    an_alias_is_no_username(&Site::moto(&address_is_alias()));
}

fn create<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["account", "create"], more].concat()
}

fn the_id_is_the_one_that_the_pool_made_up(site: &Site) {
    let connector = site.connector();
    let mut ledger = Ledger::new(site);
    let mut seen = Observed::default();

    let made = connector
        .change(&create(&["--email", ADDRESS]))
        .assert_code(0);
    ledger.enter(&made);
    let user = made.json()["user"].clone();
    let id = user["id"].as_str().expect("a user has an id").to_owned();
    assert_ne!(id, ADDRESS);
    assert_eq!(user["attributes"]["sub"], id, "{user}");
    assert_eq!(user["attributes"]["email"], ADDRESS, "{user}");
    assert_eq!(user["login"], ADDRESS, "{user}");
    assert_eq!(made.json()["outcome"], "created");
    ledger.assert_agrees("creating");

    for (case, arguments) in [
        ("the same address again", ["--email", ADDRESS]),
        ("the same address as username", ["--username", ADDRESS]),
        (
            "the address in other letters",
            ["--email", "New.User@Example.COM"],
        ),
    ] {
        let run = connector.change(&create(&arguments));
        ledger.enter(&run);
        let source = "guide: sign in with an e-mail address; case-insensitive pools";
        seen.outcome(case, &run, "already-exists", source);
    }
    let run = connector.change(&create(&["--username", "plain"]));
    seen.refusal(
        "no address",
        &run,
        3,
        &["email"],
        "guide: sign in with an e-mail address",
    );
    ledger.assert_agrees("creating again");

    let entitlement = format!("group:{GROUP}:member");
    let (by_id, by_address) = (format!("user:{id}"), format!("user:{ADDRESS}"));
    let (argument, alias) = (format!("user_id={id}"), format!("user_id={ADDRESS}"));
    // The address finds the user, and is not its id.
    for (case, arguments) in [
        (
            "grant by the address",
            vec!["grant", &entitlement, &by_address],
        ),
        (
            "revoke by the address",
            vec!["revoke", &entitlement, &by_address],
        ),
        (
            "disable by the address",
            vec!["action", "invoke", "disable_user", &alias],
        ),
        (
            "delete by the address",
            vec!["account", "delete", &by_address, "--yes"],
        ),
    ] {
        let run = connector.change(&arguments);
        ledger.enter(&run);
        seen.refusal(case, &run, 3, &[&id], "wit: an alias may be refused");
    }
    ledger.assert_agrees("refusing the address");
    for arguments in [
        vec!["grant", &entitlement, &by_id],
        vec!["action", "invoke", "disable_user", &argument],
    ] {
        ledger.enter(&connector.change(&arguments).assert_code(0));
        ledger.assert_agrees("changing by the id");
    }
    let everybody: Vec<String> = ledger.users().map(str::to_owned).collect();
    delete(&connector, &mut ledger, &everybody);
    seen.assert_as_documented(site, "address as username");
}

fn an_alias_is_no_username(site: &Site) {
    let connector = site.connector();
    let mut ledger = Ledger::new(site);
    let mut seen = Observed::default();
    let verified = ["--email", ADDRESS, "--attr", "email_verified=true"];
    let named = |username: &'static str| [&["--username", username], &verified[..]].concat();
    let cases: [(&str, Vec<&str>, Value, &[&str]); 5] = [
        (
            "no username",
            vec!["--email", ADDRESS],
            json!(3),
            &["alias", "--username"],
        ),
        ("a username", named("first"), json!("created"), &[]),
        (
            "the alias of another",
            named("second"),
            json!(9),
            &["email"],
        ),
        (
            "an address that is not verified",
            vec!["--username", "third", "--email", ADDRESS],
            json!("created"),
            &[],
        ),
        (
            "an address as username",
            vec!["--username", "other@example.com"],
            json!(3),
            &["email"],
        ),
    ];
    for (case, arguments, documented, words) in cases {
        let run = connector.change(&create(&arguments));
        ledger.enter(&run);
        match documented.as_str() {
            Some(outcome) => seen.outcome(case, &run, outcome, "guide: aliases"),
            None => {
                let code = documented
                    .as_i64()
                    .and_then(|code| i32::try_from(code).ok());
                seen.refusal(case, &run, code.expect("a code"), words, "guide: aliases");
            }
        }
        ledger.assert_agrees(case);
    }
    // Nobody's account is changed under another name of it.
    let by_address = format!("user:{ADDRESS}");
    let run = connector.change(&["account", "delete", &by_address, "--yes"]);
    ledger.enter(&run);
    seen.refusal(
        "delete by the alias",
        &run,
        3,
        &["'first'"],
        "wit: an alias may be refused",
    );
    let run = connector.change(&create(&[
        "--username",
        "fourth",
        "--email",
        "d@example.com",
    ]));
    ledger.enter(&run.assert_code(0));
    ledger.assert_agrees("refusing the alias");
    let everybody: Vec<String> = ledger.users().map(str::to_owned).collect();
    delete(&connector, &mut ledger, &everybody);
    seen.assert_as_documented(site, "address as alias");
}

fn delete(connector: &Connector, ledger: &mut Ledger<'_>, everybody: &[String]) {
    for id in everybody {
        let user = format!("user:{id}");
        let run = connector.change(&["account", "delete", &user, "--yes"]);
        ledger.enter(&run.assert_code(0));
    }
    assert_eq!(ledger.users().count(), 0);
    ledger.assert_agrees("deleting");
}
