//! Files of changes: good rows and bad ones, in any order, twice. The result of every row is
//! compared in full, and what boto3 reads afterwards with what the rows say.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::ledger::Ledger;
use crate::observed::Observed;
use crate::site::{Site, Wanted};

const GROUPS: [&str; 5] = ["admins", "a:b/c@d", "it's\"", "группа", "😀"];
/// Good rows; with the bad ones the file has fifty.
const GOOD: usize = 42;

#[test]
fn a_file_of_changes_does_what_its_rows_say_on_fake_cognito() {
    a_file_of_changes_does_what_its_rows_say(&Site::fake_cognito(&Wanted::groups(&GROUPS)));
}

#[test]
fn a_file_of_changes_does_what_its_rows_say_on_ministack() {
    a_file_of_changes_does_what_its_rows_say(&Site::ministack(&Wanted::groups(&GROUPS)));
}

#[test]
fn a_file_of_changes_does_what_its_rows_say_on_moto() {
    a_file_of_changes_does_what_its_rows_say(&Site::moto(&Wanted::groups(&GROUPS)));
}

/// A row of a file: its text, what it is about, and what becomes of it the first time and
/// the second time, as an outcome or a code.
struct Row {
    text: String,
    about: String,
    results: [Value; 2],
}

fn a_file_of_changes_does_what_its_rows_say(site: &Site) {
    let mut ledger = Ledger::new(site);
    let mut seen = Observed::default();
    let mut both = |arguments: &[&str], file: &str, header: &str, rows: &[Row]| {
        for (time, again) in ["", ", again"].into_iter().enumerate() {
            let stage = format!("{}{again}", arguments.join(" "));
            let rows: Vec<(&Row, &Value)> =
                rows.iter().map(|row| (row, &row.results[time])).collect();
            one_file(
                site,
                &mut ledger,
                &mut seen,
                arguments,
                (file, header, &stage),
                &rows,
            );
            ledger.assert_agrees(&stage);
        }
    };
    both(&["account", "create"], "create.jsonl", "", &creations());
    both(
        &["grant"],
        "grant.csv",
        "entitlement,principal",
        &memberships("granted"),
    );
    let disabling = actions("disable_user");
    both(
        &["action", "invoke", "disable_user"],
        "disable.csv",
        "user_id",
        &disabling,
    );
    let enabling = actions("enable_user");
    both(
        &["action", "invoke", "enable_user"],
        "enable.csv",
        "user_id",
        &enabling,
    );
    both(
        &["revoke"],
        "revoke.csv",
        "principal,entitlement",
        &memberships("revoked"),
    );
    both(
        &["account", "delete", "--yes"],
        "delete.csv",
        "account",
        &deletions(),
    );
    seen.assert_as_documented(site, "batches");
}

/// Runs one file and compares the result of every row.
fn one_file(
    site: &Site,
    ledger: &mut Ledger<'_>,
    seen: &mut Observed,
    arguments: &[&str],
    (file, header, stage): (&str, &str, &str),
    rows: &[(&Row, &Value)],
) {
    let mut text = String::new();
    if !header.is_empty() {
        text.push_str(header);
        text.push('\n');
    }
    for (row, _) in rows {
        writeln!(text, "{}", row.text).expect("a text can be written to");
    }
    let run = site.connector().change_many(arguments, file, &text);
    let printed = run.json_lines();
    assert_eq!(printed.len(), rows.len(), "{stage}: {}", run.stderr);
    let mut first_failure = None;
    for (number, (printed, (row, documented))) in printed.iter().zip(rows).enumerate() {
        let code = &printed["code"];
        let failed = *code != 0;
        first_failure = first_failure.or(failed.then(|| code.clone()));
        let expected = json!({
            "row": number + 1,
            "outcome": if failed { json!("failed") } else { printed["outcome"].clone() },
            "about": if row.about.is_empty() { Value::Null } else { json!(row.about) },
            "code": code,
            "error": printed["error"],
            "request_id": printed["request_id"],
            "warnings": printed["warnings"],
        });
        assert_eq!(*printed, expected, "{stage}");
        assert_eq!(printed["error"].is_string(), failed, "{stage}: {printed}");
        // Only one thing is worth a warning: nobody of that id, which may be mistyped.
        let warnings = printed["warnings"].as_array().expect("a list");
        if printed["outcome"] == "already-gone" {
            let warns = |warning: &Value| warning.to_string().contains("there is no user:");
            assert!(
                warnings.len() == 1 && warnings.iter().all(warns),
                "{printed}"
            );
        } else {
            assert!(warnings.is_empty(), "{stage}: {printed}");
        }
        seen.note(
            &format!("{stage}: row {}, {}", number + 1, row.about),
            if failed { code } else { &printed["outcome"] },
            documented,
            "cli.md",
        );
    }
    // A batch ends with the code of its first failed row.
    let code = first_failure.and_then(|code| code.as_i64()).unwrap_or(0);
    assert_eq!(
        run.code.map(i64::from),
        Some(code),
        "{stage}: {}",
        run.stderr
    );
    ledger.enter_rows(&printed);
}

fn username(number: usize) -> String {
    let names = [
        "user:",
        "a/b@c",
        "it's\"",
        "квіти-",
        "👩🏽",
        "per%20cent=",
        "\\back",
    ];
    format!("{}{number}", names[number % names.len()])
}

fn good(text: &Value, about: String, first: &str, again: &str) -> Row {
    Row {
        text: text.to_string(),
        about,
        results: [json!(first), json!(again)],
    }
}

fn bad(text: impl ToString, about: &str, code: i32) -> Row {
    Row {
        text: text.to_string(),
        about: about.to_owned(),
        results: [json!(code), json!(code)],
    }
}

fn creations() -> Vec<Row> {
    let mut rows: Vec<Row> = (0..GOOD)
        .map(|number| {
            let name = username(number);
            let mut row = json!({
                "email": format!("user{number}@batches.example.com"),
                "family_name": format!("Nº {number} \"李\""),
                "custom:department": "R&D, 研究開発\n😀",
            });
            // Without a username it is the address.
            let about = if number % 6 == 5 {
                format!("user:user{number}@batches.example.com")
            } else {
                row["username"] = json!(name);
                format!("user:{name}")
            };
            good(&row, about, "created", "already-exists")
        })
        .collect();
    let long = "x".repeat(2049);
    let row = |name: &str| json!({"username": name});
    rows.insert(7, bad("{\"username\": \"cut", "", 3));
    rows.insert(
        9,
        bad(
            json!({"username": "odd", "custom:shoe_size": "43"}),
            "user:odd",
            3,
        ),
    );
    rows.insert(
        14,
        bad(
            json!({"username": "long", "custom:note": long}),
            "user:long",
            3,
        ),
    );
    rows.insert(20, bad(row("two words"), "user:two words", 3));
    rows.insert(25, bad(json!({"given_name": "Zoë"}), "user", 3));
    rows.insert(
        30,
        bad(
            row(&"n".repeat(129)),
            &format!("user:{}", "n".repeat(129)),
            3,
        ),
    );
    // The same account twice in one file stays in order.
    rows.push(good(
        &row("twice"),
        "user:twice".to_owned(),
        "created",
        "already-exists",
    ));
    rows.push(good(
        &row("twice"),
        "user:twice".to_owned(),
        "already-exists",
        "already-exists",
    ));
    assert_eq!(rows.len(), 50);
    rows
}

/// Everybody who was created, in the order of the file.
fn everybody() -> Vec<String> {
    let mut users: Vec<String> = creations()
        .into_iter()
        .filter(|row| row.results[0] == "created")
        .map(|row| row.about)
        .collect();
    users.dedup();
    users
}

fn cell(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// Grants, or their revocations with the columns the other way round.
fn memberships(outcome: &str) -> Vec<Row> {
    let line = |group: &str, user: &str| {
        let (entitlement, principal) = (cell(&format!("group:{group}:member")), cell(user));
        match outcome {
            "granted" => format!("{entitlement},{principal}"),
            _ => format!("{principal},{entitlement}"),
        }
    };
    let about = |group: &str, user: &str| format!("group:{group}:member:{user}");
    let mut rows: Vec<Row> = everybody()
        .iter()
        .enumerate()
        .map(|(number, user)| {
            let group = GROUPS[number % GROUPS.len()];
            Row {
                text: line(group, user),
                about: about(group, user),
                results: [json!(outcome), json!(format!("already-{outcome}"))],
            }
        })
        .collect();
    let user = everybody().remove(0);
    rows.insert(3, bad(line("nothing", &user), &about("nothing", &user), 5));
    rows.insert(
        11,
        bad(
            line("admins", "user:nobody"),
            &about("admins", "user:nobody"),
            5,
        ),
    );
    rows.insert(20, bad(line("admins", "nobody"), "", 3));
    rows.insert(30, bad(format!("{},1", line("admins", &user)), "", 3));
    rows
}

fn actions(name: &str) -> Vec<Row> {
    let about = |id: &str| format!("{name} user_id={id}");
    let mut rows: Vec<Row> = everybody()
        .iter()
        .step_by(3)
        .filter_map(|user| user.strip_prefix("user:"))
        .map(|id| Row {
            text: cell(id),
            about: about(id),
            results: [json!("done"), json!("done")],
        })
        .collect();
    rows.insert(2, bad("nobody", &about("nobody"), 5));
    rows
}

fn deletions() -> Vec<Row> {
    let mut rows: Vec<Row> = everybody()
        .into_iter()
        .map(|user| Row {
            text: cell(&user),
            about: user,
            results: [json!("deleted"), json!("already-gone")],
        })
        .collect();
    rows.insert(1, bad("group:admins", "group:admins", 3));
    rows.insert(5, bad("nobody", "", 3));
    rows.push(Row {
        text: "user:nobody".to_owned(),
        about: "user:nobody".to_owned(),
        results: [json!("already-gone"), json!("already-gone")],
    });
    rows
}
