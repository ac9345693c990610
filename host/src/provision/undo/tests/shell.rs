//! No id can become a command, be it in a note.

use std::process::Command;

use super::*;
use crate::model::EntitlementId;

/// What a shell makes of a line, `connector` being a function that tells its arguments.
fn obeyed(script: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("script");
    let script = format!("connector() {{ printf '%s\\0' \"$@\"; }}\n{script}\n");
    std::fs::write(&file, script).unwrap();
    let output = Command::new("sh").arg(&file).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    let mut words: Vec<_> = String::from_utf8(output.stdout)
        .unwrap()
        .split('\0')
        .map(str::to_owned)
        .collect();
    assert_eq!(words.pop().as_deref(), Some(""));
    words
}

fn any_id(random: &mut fastrand::Rng) -> String {
    let special: Vec<char> =
        ":/@'\"`$();&|<>\\\n\r\t\u{1b}\u{7f}\u{85}\u{202e}\u{200d}#!*?~=- %{}aßЖ中ש👩\u{e0067}"
            .chars()
            .collect();
    (0..random.usize(1..10))
        .map(|_| match random.u8(..3) {
            0 => random.char('\u{1}'..),
            _ => special[random.usize(..special.len())],
        })
        .collect()
}

#[test]
fn a_shell_hands_over_every_id_as_it_is() {
    let mut random = fastrand::Rng::with_seed(5);
    let mut changes = Vec::new();
    let mut wanted = Vec::new();
    for _ in 0..400 {
        let entitlement = EntitlementId {
            resource: ResourceId::new("group", any_id(&mut random)),
            slug: "member".to_owned(),
        };
        let principal = ResourceId::new("user", any_id(&mut random));
        wanted.push([entitlement.to_string(), principal.to_string()]);
        changes.push(made(
            Asking::Grant(Membership {
                entitlement,
                principal,
            }),
            Outcome::Granted.as_str(),
        ));
    }
    wanted.reverse();
    let lines = shells(&changes);
    let words = obeyed(&lines.join("\n"));
    let expected: Vec<_> = wanted
        .iter()
        .flat_map(|names| {
            [
                "--provisioning",
                "--pool=one",
                "revoke",
                "--",
                &names[0],
                &names[1],
            ]
            .map(str::to_owned)
        })
        .collect();
    assert_eq!(words, expected);
    // Nor does the terminal that shows the lines obey any of it.
    let hidden = |line: &String| line.chars().any(|c| c != '\n' && c.is_control());
    assert_eq!(lines.iter().find(|line| hidden(line)), None);
    assert_eq!(lines.iter().find(|line| line.contains('\u{202e}')), None);
}

#[test]
fn words_that_shells_or_options_could_take_for_something_else_survive() {
    for text in [
        "",
        "-",
        "--yes",
        "=ls",
        "~",
        "a\n",
        "\n",
        "\u{1b}[2J",
        "it's",
        "''",
        "\\",
        "$(id)",
    ] {
        assert_eq!(obeyed(&format!("connector {}", quoted(text))), [text]);
    }
}

#[test]
fn a_word_that_zsh_would_look_up_is_quoted() {
    assert_eq!(quoted("=ls"), "'=ls'");
    assert_eq!(quoted("a=ls"), "a=ls");
}

/// A note is a comment, and where a shell takes no comments it is a command that does not
/// exist with words that do nothing.
#[test]
fn a_note_never_becomes_a_command() {
    let mut random = fastrand::Rng::with_seed(6);
    let mut changes = Vec::new();
    for n in 0..300 {
        let id = match n {
            0 => "x\nconnector evil".to_owned(),
            1 => "x; connector evil $(connector evil) `connector evil`".to_owned(),
            2 => "x'\nconnector evil #".to_owned(),
            _ => any_id(&mut random),
        };
        changes.push(Made {
            before: account_state(None, &[&format!("group:{id}:member")]),
            ..made(delete(&format!("user:{id}")), "deleted")
        });
        changes.push(made(
            grant("group:a:member", &format!("user:{id}")),
            "unknown",
        ));
        changes.push(made(invoke(&id, &id), "done"));
    }
    let steps = steps(&changes);
    assert_eq!(steps.len(), 900);
    let notes: Vec<_> = steps.iter().map(Step::shell).collect();
    assert!(notes.iter().all(|note| note.lines().count() == 1));
    assert_eq!(obeyed(&notes.join("\n")), [] as [&str; 0]);
    let without_comments: Vec<_> = notes
        .iter()
        .map(|note| note.replacen('#', ":", 1))
        .collect();
    assert_eq!(obeyed(&without_comments.join("\n")), [] as [&str; 0]);
}

#[test]
fn a_note_of_somebody_else_is_one_comment_all_the_same() {
    let step = Step {
        change: 1,
        command: Some(vec!["grant".to_owned(), "a\nb".to_owned()]),
        note: Some("one\ntwo\r\u{1b}[0m\u{2028}three".to_owned()),
    };
    assert_eq!(
        step.shell(),
        "# one\\u{a}two\\u{d}\\u{1b}[0m\\u{2028}three\nconnector grant 'a\nb'"
    );
}
