//! Which run is meant, and files that do not say what happened.

use super::*;

#[test]
fn the_last_run_with_something_to_take_back_is_meant_unless_one_is_named() {
    let granted = |id: &str| file(&[made(grant("group:a:member", id), "granted")]);
    let same = file(&[
        made(grant("group:a:member", "user:x"), "already-granted"),
        made(grant("group:a:member", "user:y"), "failed"),
    ]);
    let unchanged = file(&[Made {
        before: account_state(Some(AccountStatus::Enabled), &[]),
        after: account_state(Some(AccountStatus::Enabled), &[]),
        ..made(invoke("enable_user", "x"), "done")
    }]);
    let (first, second) = (granted("user:first"), granted("user:second"));
    let text = [&*first, &second, &same, &unchanged, &file(&[])].concat();
    let named = |text: &str| plan_of(text).unwrap().run;

    assert_eq!(plan_of(&text).unwrap().run, named(&second));
    let undo = plan(text.as_bytes(), Some(&named(&first)), &description()).unwrap();
    assert_eq!(undo.run, named(&first));
    assert_eq!(
        undo.steps[0].shell(),
        "connector --provisioning --pool=one revoke -- group:a:member user:first"
    );
    let undo = plan(text.as_bytes(), Some(&named(&same)), &description()).unwrap();
    assert_eq!((undo.run, undo.steps), (named(&same), Vec::new()));
    let last = named(&file(&[]));
    assert_ne!(last, "");
    assert_eq!(plan_of(&[same, unchanged].concat()).unwrap().steps, []);

    let error = plan(second.as_bytes(), Some("x"), &description()).unwrap_err();
    let wanted = format!(
        "it records no run `x`; the last one is `{}`",
        named(&second)
    );
    assert_eq!(error.to_string(), wanted);
    assert!(matches!(plan_of("\n"), Err(UndoError::NoRun)));
}

#[test]
fn half_a_line_is_tolerated_where_a_killed_run_leaves_it() {
    let text = file(&[made(grant("group:ä:member", "user:👩"), "granted")]);
    let complete = plan_of(&text).unwrap().steps;
    let bytes = text.as_bytes();
    let ended = text.rfind("{\"record\":\"ended\"").unwrap();
    let next = file(&[]);
    for end in ended..bytes.len() - 1 {
        // The file was cut off, the next run began, and was cut off, too.
        let torn = &bytes[..end];
        for rest in [
            "",
            "\n",
            &format!("\n{next}"),
            &format!("\n{}\n{next}", &next[..30]),
            &format!("\n{}\n{next}", &next[..5]),
        ] {
            let file = [torn, rest.as_bytes()].concat();
            let undo = plan(file.as_slice(), None, &description()).unwrap();
            let note = "whether 'group:ä:member' was given to 'user:👩' is unknown, look first: \
                        connector --provisioning --pool=one grant --dry-run -- 'group:ä:member' 'user:👩'";
            assert_eq!(undo.steps[0].note.as_deref(), Some(note));
        }
    }
    let whole = &bytes[..bytes.len() - 1];
    assert_eq!(plan(whole, None, &description()).unwrap().steps, complete);
}

#[test]
fn half_a_line_between_records_is_tolerated_if_the_next_one_says_that_it_was_seen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let journal = Journal::open(&path, &connection(), None).unwrap();
    let change = grant("group:a:member", "user:x");
    let before = State::Membership { held: false };
    journal
        .begun(1, &change, &description(), Some(&before))
        .unwrap();
    // Another process is killed while this one goes on.
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str("{\"record\":\"requ");
    std::fs::write(&path, &text).unwrap();
    journal
        .ended(
            1,
            Ended {
                end: End::Outcome(Outcome::Granted),
                account: None,
                after: Some(&State::Membership { held: true }),
                error: None,
            },
        )
        .unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let undo = plan_of(&text).unwrap();
    assert_eq!(
        undo.steps[0].shell(),
        "connector --provisioning --pool=one revoke -- group:a:member user:x"
    );
    // Whoever puts half a line in between hides what stood there.
    let other = text.replace("\"requ\n", "\"begu\n");
    assert!(matches!(
        plan_of(&other),
        Err(UndoError::NotARecord { line: 3 })
    ));
}

#[test]
fn any_other_line_that_cannot_be_read_is_an_error_with_its_number() {
    let text = file(&[made(grant("group:a:member", "user:x"), "granted")]);
    let lines: Vec<_> = text.lines().collect();
    let unreadable = |text: &str| match plan_of(text) {
        Err(UndoError::NotARecord { line }) => line,
        other => panic!("{other:?}"),
    };
    let (run, begun, ended) = (lines[0], lines[1], lines[2]);
    assert_eq!(
        unreadable(&format!("{run}\n\n{{\"rec\n{begun}\n{ended}\n")),
        3
    );
    assert_eq!(unreadable(&format!("{run}\n{begun}{ended}\n")), 2);
    assert_eq!(unreadable(&format!("{run}\n{{}}\n")), 2);
    assert_eq!(
        unreadable(&format!("{run}\n{{\"record\":\"weather\"}}\n")),
        2
    );
    let other = ended.replace("\"granted\"", "\"perhaps\"");
    assert_eq!(unreadable(&format!("{run}\n{begun}\n{other}\n")), 3);
    assert_eq!(
        UndoError::NotARecord { line: 3 }.to_string(),
        "line 3 is not a record that this version writes, so what happened is not known; read it \
         with the version that wrote it, or restore the file"
    );
}

#[test]
fn records_that_contradict_each_other_are_an_error() {
    let text = file(&[made(grant("group:a:member", "user:x"), "granted")]);
    let lines: Vec<_> = text.lines().collect();
    let (run, begun, ended) = (lines[0], lines[1], lines[2]);
    let cases = [
        (
            format!("{run}\n{run}\n"),
            "line 2 begins a run that began before",
        ),
        (
            format!("{begun}\n"),
            "line 1 belongs to a run that did not begin",
        ),
        (
            format!("{run}\n{ended}\n"),
            "line 2 ends a change that did not begin",
        ),
        (
            format!("{run}\n{begun}\n{begun}\n"),
            "line 3 begins a change that began before",
        ),
        (
            format!("{text}{ended}\n"),
            "line 4 ends a change that ended before",
        ),
    ];
    for (text, wanted) in cases {
        assert_eq!(
            plan_of(&text).unwrap_err().to_string(),
            format!("{wanted}, so what happened is not known; restore the file")
        );
    }
}

#[test]
fn a_file_can_neither_mean_another_connector_nor_add_an_option() {
    let text = file(&[made(grant("group:a:member", "user:x"), "granted")]);
    let other = text.replace("sample-connector", "other\\u001b-connector");
    assert_eq!(
        plan_of(&other).unwrap_err().to_string(),
        "the run was made with the component `other\\u{1b}-connector`, and this is \
         `sample-connector`; undo it with that one"
    );
    let other = text.replace("\"pool\"", "\"plugin\"");
    assert_eq!(
        plan_of(&other).unwrap_err().to_string(),
        "the run has the setting `plugin`, which this version of the connector lacks"
    );
}

#[test]
fn a_file_of_something_else_is_called_that() {
    for text in [
        "entitlement,principal\ngroup:a:member,user:b\n",
        "{}\n",
        "[1]\n",
    ] {
        let error = plan(text.as_bytes(), None, &description()).unwrap_err();
        assert!(matches!(error, UndoError::NotAJournal), "{text}: {error}");
    }
}

#[test]
fn runs_that_changed_something_before_are_named() {
    let text = |run: &str| {
        [
            format!(
                r#"{{"record":"run","run":"{run}","time":"t","component":"sample-connector","origin":"https://a","settings":{{}}}}"#
            ),
            format!(
                r#"{{"record":"begun","run":"{run}","time":"t","change":1,"asked":{{"command":"grant","entitlement":"group:a:member","principal":"user:x"}},"before":{{"held":false}}}}"#
            ),
            format!(
                r#"{{"record":"ended","run":"{run}","time":"t","change":1,"outcome":"granted","after":{{"held":true}}}}"#
            ),
        ]
        .join("\n")
            + "\n"
    };
    let both = text("r1") + &text("r2");
    let last = plan(both.as_bytes(), None, &description()).unwrap();
    assert_eq!(
        (last.run.as_str(), last.earlier),
        ("r2", vec!["r1".to_owned()])
    );
    let first = plan(both.as_bytes(), Some("r1"), &description()).unwrap();
    assert_eq!((first.steps.len(), first.earlier), (1, Vec::new()));
}
