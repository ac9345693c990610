//! Changes that were sent and got no clear answer: before and after they took effect.

use fake_cognito::{Fault, Operation, PoolSpec, Rule, User};
use serde_json::Value;

use crate::support::{Bench, Ran, small_pool, truth};

/// A change that has something to do, and its opposite state.
struct Case {
    arguments: &'static [&'static str],
    write: Operation,
    outcome: &'static str,
    look: Operation,
}

const CASES: [Case; 6] = [
    Case {
        arguments: &["grant", "group:admins:member", "user:dave"],
        write: Operation::AdminAddUserToGroup,
        outcome: "granted",
        look: Operation::AdminListGroupsForUser,
    },
    Case {
        arguments: &["revoke", "group:developers:member", "user:dave"],
        write: Operation::AdminRemoveUserFromGroup,
        outcome: "revoked",
        look: Operation::AdminListGroupsForUser,
    },
    Case {
        arguments: &[
            "account",
            "create",
            "--username",
            "eve",
            "--email",
            "eve@example.com",
        ],
        write: Operation::AdminCreateUser,
        outcome: "created",
        look: Operation::AdminGetUser,
    },
    Case {
        arguments: &["account", "delete", "user:dave", "--yes"],
        write: Operation::AdminDeleteUser,
        outcome: "deleted",
        look: Operation::AdminGetUser,
    },
    Case {
        arguments: &["action", "invoke", "disable_user", "user_id=dave"],
        write: Operation::AdminDisableUser,
        outcome: "done",
        look: Operation::AdminGetUser,
    },
    Case {
        arguments: &["action", "invoke", "enable_user", "user_id=carol"],
        write: Operation::AdminEnableUser,
        outcome: "done",
        look: Operation::AdminGetUser,
    },
];

fn pool() -> PoolSpec {
    small_pool()
        .user(User::new("dave"))
        .member("dave", "developers")
}

/// What the pool holds once the change is made.
fn after(case: &Case) -> Value {
    let bench = Bench::with_pool(pool());
    bench.changed(case.arguments);
    truth(bench.pool())
}

/// Answers after which nobody knows.
fn unclear() -> [(&'static str, Fault); 6] {
    [
        (
            "503 of the service",
            Fault::error(503, "ServiceUnavailableException", "Not now"),
        ),
        (
            "500 of the service",
            Fault::error(500, "InternalErrorException", "Something went wrong"),
        ),
        ("503 of a load balancer", Fault::html(503)),
        ("a connection that breaks", Fault::Drop),
        ("a success that is none", Fault::html(200)),
        ("a success that can't be read", Fault::garbage_gzip()),
    ]
}

/// The service with a fault on the write of a case.
fn struck(case: &Case, rule: Rule) -> Bench {
    let bench = Bench::with_pool(pool());
    assert_ne!(truth(bench.pool()), after(case), "{}", case.write);
    bench.server.faults().add(rule);
    bench
}

/// How often the change was sent. Between two times there was a look at the state.
#[track_caller]
fn writes(bench: &Bench, case: &Case) -> usize {
    let sent = bench.sent();
    let mut looked = true;
    for operation in &sent {
        if *operation == case.write {
            assert!(looked, "sent again blindly: {sent:?}");
            looked = false;
        }
        looked |= *operation == case.look;
    }
    let changes = bench.changes_sent();
    assert!(changes.iter().all(|one| *one == case.write), "{sent:?}");
    changes.len()
}

#[track_caller]
fn outcome(ran: &Ran) -> String {
    assert_eq!(ran.code, 0, "{ran:?}");
    let printed: Value = serde_json::from_str(&ran.stdout).unwrap();
    printed["outcome"].as_str().unwrap().to_owned()
}

#[test]
fn a_change_whose_answer_was_lost_is_found_out_and_not_sent_again() {
    for case in &CASES {
        let wanted = after(case);
        for (name, fault) in unclear() {
            let rule = Rule::on(case.write, fault).nth(1).after_effect();
            let bench = struck(case, rule);
            let ran = bench.change(case.arguments);
            assert_eq!(outcome(&ran), case.outcome, "{} {name}", case.write);
            assert_eq!(writes(&bench, case), 1, "{} {name}", case.write);
            assert_eq!(truth(bench.pool()), wanted, "{} {name}", case.write);
        }
    }
}

#[test]
fn an_answer_that_is_cut_off_does_not_lead_to_a_second_change() {
    for case in &CASES {
        // The other answers are empty.
        let has_answer = [
            Operation::AdminCreateUser,
            Operation::AdminEnableUser,
            Operation::AdminDisableUser,
        ];
        if !has_answer.contains(&case.write) {
            continue;
        }
        for fault in [Fault::Truncate, Fault::Abort, Fault::InvalidUtf8] {
            if fault == Fault::InvalidUtf8 && case.write != Operation::AdminCreateUser {
                continue;
            }
            let bench = struck(case, Rule::on(case.write, fault.clone()).nth(1));
            let ran = bench.change(case.arguments);
            assert_eq!(outcome(&ran), case.outcome, "{} {fault:?}", case.write);
            assert_eq!(writes(&bench, case), 1, "{} {fault:?}", case.write);
            assert_eq!(truth(bench.pool()), after(case), "{}", case.write);
        }
    }
}

#[test]
fn a_change_that_was_lost_before_it_took_effect_is_sent_again_after_a_look() {
    for case in &CASES {
        let wanted = after(case);
        for (name, fault) in unclear() {
            let bench = struck(case, Rule::on(case.write, fault).nth(1));
            let ran = bench.change(case.arguments);
            assert_eq!(outcome(&ran), case.outcome, "{} {name}", case.write);
            assert_eq!(writes(&bench, case), 2, "{} {name}", case.write);
            assert_eq!(truth(bench.pool()), wanted, "{} {name}", case.write);
        }
    }
}

#[test]
fn a_change_that_is_lost_every_time_fails_with_the_certainty_that_nothing_changed() {
    for case in &CASES {
        let fault = Fault::error(500, "InternalErrorException", "Something went wrong");
        let bench = struck(case, Rule::on(case.write, fault));
        let before = truth(bench.pool());
        let ran = bench.change(case.arguments);
        ran.assert_refused(14, &[case.write.name(), "nothing has changed"]);
        assert_eq!(writes(&bench, case), 3, "{}", case.write);
        assert_eq!(truth(bench.pool()), before, "{}", case.write);
    }
}

#[test]
fn what_is_known_to_have_changed_nothing_is_not_called_unknown() {
    for case in &CASES {
        let fault = Fault::error(500, "InternalErrorException", "Something went wrong");
        let bench = struck(case, Rule::on(case.write, fault));
        let ran = bench.change(case.arguments);
        assert!(!ran.message().contains("not known"), "{}", ran.message());
    }
}

#[test]
fn where_looking_fails_too_the_outcome_is_unknown_and_running_again_is_right() {
    for case in &CASES {
        let wanted = after(case);
        for has_effect in [false, true] {
            let lost = Rule::on(case.write, Fault::Drop);
            let bench = struck(
                case,
                if has_effect {
                    lost.after_effect()
                } else {
                    lost
                },
            );
            // The looks before the change are let through.
            let before = match case.look {
                Operation::AdminListGroupsForUser => 2,
                _ => 1,
            };
            let blind = Rule::on(case.look, Fault::html(503)).after(before);
            bench.server.faults().add(blind);
            let ran = bench.change(case.arguments);
            ran.assert_refused(14, &["known", case.write.name()]);
            let subject = case.arguments.join(" ");
            let subject = if subject.contains("carol") {
                "carol"
            } else {
                "dave"
            };
            let subject = match case.write {
                Operation::AdminCreateUser => "eve",
                _ => subject,
            };
            assert!(ran.message().contains(subject), "{}", ran.message());
            // No account shows its memberships, but a dry run does.
            let hint = match case.look {
                Operation::AdminListGroupsForUser => "--dry-run".to_owned(),
                _ => format!("connector get user:{subject}"),
            };
            assert!(ran.stderr.contains(&hint), "{ran:?}");
            assert_eq!(writes(&bench, case), 1, "{}", case.write);
            assert_eq!(truth(bench.pool()) == wanted, has_effect, "{}", case.write);

            bench.server.faults().clear();
            let again = outcome(&bench.change(case.arguments));
            let already = match case.write {
                Operation::AdminAddUserToGroup => "already-granted",
                Operation::AdminRemoveUserFromGroup => "already-revoked",
                Operation::AdminCreateUser => "already-exists",
                Operation::AdminDeleteUser => "already-gone",
                _ => "done",
            };
            let expected = if has_effect { already } else { case.outcome };
            assert_eq!(again, expected, "{}", case.write);
            assert_eq!(truth(bench.pool()), wanted, "{}", case.write);
        }
    }
}

#[test]
fn one_look_that_fails_is_made_good_by_the_next() {
    for case in &CASES {
        let wanted = after(case);
        for has_effect in [false, true] {
            let lost = Rule::on(case.write, Fault::Drop).nth(1);
            let bench = struck(
                case,
                if has_effect {
                    lost.after_effect()
                } else {
                    lost
                },
            );
            let looks = match case.look {
                Operation::AdminListGroupsForUser => 2,
                _ => 1,
            };
            let blind = Rule::on(case.look, Fault::html(503)).nth(looks + 1);
            bench.server.faults().add(blind);
            let ran = bench.change(case.arguments);
            assert_eq!(outcome(&ran), case.outcome, "{} {has_effect}", case.write);
            let expected = if has_effect { 1 } else { 2 };
            assert_eq!(writes(&bench, case), expected, "{}", case.write);
            assert_eq!(truth(bench.pool()), wanted, "{}", case.write);
        }
    }
}

#[test]
fn a_throttled_change_is_sent_again() {
    for case in &CASES {
        let bench = struck(case, Rule::on(case.write, Fault::throttled()).nth(1));
        let ran = bench.change(case.arguments);
        assert_eq!(outcome(&ran), case.outcome, "{}", case.write);
        assert_eq!(bench.changes_sent(), [case.write, case.write]);
        assert_eq!(truth(bench.pool()), after(case), "{}", case.write);
    }
}

#[test]
fn a_refusal_in_the_words_of_the_service_is_final() {
    for case in &CASES {
        for (kind, code) in [
            ("InvalidParameterException", 3),
            ("NotAuthorizedException", 7),
            ("AccessDeniedException", 7),
            ("LimitExceededException", 8),
            ("UserLambdaValidationException", 9),
            ("ExpiredTokenException", 16),
        ] {
            let fault = Fault::error(400, kind, "No");
            let bench = struck(case, Rule::on(case.write, fault));
            let before = truth(bench.pool());
            let ran = bench.change(case.arguments);
            assert_eq!(ran.code, code, "{} {kind}: {ran:?}", case.write);
            assert_eq!(bench.changes_sent(), [case.write], "{kind}");
            assert_eq!(truth(bench.pool()), before, "{kind}");
        }
    }
}

#[test]
fn a_change_that_somebody_else_made_meanwhile_is_an_outcome_and_no_error() {
    let bench = Bench::with_pool(pool());
    let gone = Fault::error(400, "UserNotFoundException", "User does not exist.");
    let rule = Rule::on(Operation::AdminDeleteUser, gone);
    bench.server.faults().add(rule);
    let printed = bench.changed(&["account", "delete", "user:dave", "--yes"]);
    assert_eq!(printed["outcome"], "already-gone");
}

#[test]
fn an_account_that_was_there_before_is_not_called_created_because_an_answer_was_lost() {
    let twin = User::new("eve")
        .status("FORCE_CHANGE_PASSWORD")
        .attribute("email", "eve@example.com");
    for (name, fault) in unclear() {
        let bench = Bench::with_pool(small_pool().user(twin.clone()));
        let rule = Rule::on(Operation::AdminCreateUser, fault);
        bench.server.faults().add(rule);
        let [_, _, create, ..] = &CASES;
        let ran = bench.change(create.arguments);
        assert_eq!(outcome(&ran), "already-exists", "{name}");
    }
}

#[test]
fn what_was_so_before_is_not_called_changed_because_an_answer_was_lost() {
    for (arguments, write, expected) in [
        (
            &["revoke", "group:admins:member", "user:dave"][..],
            Operation::AdminRemoveUserFromGroup,
            "already-revoked",
        ),
        (
            &["account", "delete", "user:nobody", "--yes"],
            Operation::AdminDeleteUser,
            "already-gone",
        ),
    ] {
        for (name, fault) in unclear() {
            let bench = Bench::with_pool(pool());
            bench.server.faults().add(Rule::on(write, fault));
            let ran = bench.change(arguments);
            assert_eq!(outcome(&ran), expected, "{name}");
        }
    }
}

#[test]
fn a_change_that_was_accepted_and_is_not_to_be_seen_is_unknown() {
    let bench = Bench::with_pool(pool());
    let swallowed = Fault::Reply(fake_cognito::Reply {
        status: 200,
        headers: Vec::new(),
        body: Vec::new().into(),
    });
    let rule = Rule::on(Operation::AdminAddUserToGroup, swallowed);
    bench.server.faults().add(rule);
    let ran = bench.change(&["grant", "group:admins:member", "user:dave"]);
    assert_eq!(ran.code, 14, "{ran:?}");
    assert!(ran.stderr.contains("--dry-run"), "{ran:?}");
}

#[test]
fn a_look_that_is_throttled_does_not_lead_to_a_second_write() {
    let bench = Bench::with_pool(pool());
    let refused = Fault::error(400, "CodeDeliveryFailureException", "No mail today");
    let faults = bench.server.faults();
    faults.add(Rule::on(Operation::AdminCreateUser, refused).after_effect());
    // The first look is the one before, the second that of the component.
    faults.add(Rule::on(Operation::AdminGetUser, Fault::throttled()).nth(2));
    let arguments = ["account", "create", "--username", "eve"];
    let printed = bench.changed(&arguments);
    assert_eq!(printed["outcome"], "created", "{printed}");
    assert_eq!(bench.changes_sent(), [Operation::AdminCreateUser]);
}

#[test]
fn a_write_that_takes_effect_late_is_seen_and_not_sent_again() {
    let bench = Bench::with_pool(pool());
    let failed = Fault::error(500, "InternalErrorException", "Something went wrong");
    let faults = bench.server.faults();
    faults.add(Rule::on(Operation::AdminDeleteUser, failed).after_effect());
    // The looks of the component and of the host are as old as the write: the user is there.
    let stale = Fault::Reply(fake_cognito::Reply {
        status: 200,
        headers: vec![(
            "content-type".to_owned(),
            "application/x-amz-json-1.1".to_owned(),
        )],
        body: br#"{"Username":"dave","Enabled":true}"#.to_vec().into(),
    });
    faults.add(Rule::on(Operation::AdminGetUser, stale).after(1).times(2));
    let printed = bench.changed(&["account", "delete", "user:dave", "--yes"]);
    assert_eq!(printed["outcome"], "deleted", "{printed}");
    assert_eq!(bench.changes_sent(), [Operation::AdminDeleteUser]);
}

#[test]
fn an_account_that_was_not_there_before_is_called_created_whatever_it_looks_like() {
    let bench = Bench::with_pool(pool());
    let failed = Fault::error(500, "InternalErrorException", "Something went wrong");
    let faults = bench.server.faults();
    faults.add(Rule::on(Operation::AdminCreateUser, failed).after_effect());
    let confirmed = Fault::Replace {
        from: "FORCE_CHANGE_PASSWORD".to_owned(),
        to: "CONFIRMED".to_owned(),
    };
    faults.add(Rule::on(Operation::AdminGetUser, confirmed));
    let arguments = ["account", "create", "--username", "eve", "--fail-if-exists"];
    let printed = bench.changed(&arguments);
    assert_eq!(printed["outcome"], "created", "{printed}");
}

#[test]
fn an_action_on_somebody_who_is_not_there_is_not_found_whatever_the_service_says() {
    let bench = Bench::with_pool(pool());
    let failed = Fault::error(500, "InternalErrorException", "Something went wrong");
    let rule = Rule::on(Operation::AdminDisableUser, failed);
    bench.server.faults().add(rule);
    let ran = bench.change(&["action", "invoke", "disable_user", "user_id=nobody"]);
    assert_eq!(ran.code, 5, "{ran:?}");
}

#[test]
fn a_refusal_of_the_second_attempt_says_nothing_about_the_first() {
    let bench = Bench::with_pool(pool());
    let failed = Fault::error(500, "InternalErrorException", "Something went wrong");
    let faults = bench.server.faults();
    faults.add(
        Rule::on(Operation::AdminDeleteUser, failed)
            .after_effect()
            .nth(1),
    );
    let denied = Fault::error(400, "AccessDeniedException", "Not any more");
    faults.add(Rule::on(Operation::AdminDeleteUser, denied).nth(1));
    // So late that every look before the second attempt still sees the user.
    let stale = Fault::Reply(fake_cognito::Reply {
        status: 200,
        headers: vec![(
            "content-type".to_owned(),
            "application/x-amz-json-1.1".to_owned(),
        )],
        body: br#"{"Username":"dave","Enabled":true}"#.to_vec().into(),
    });
    faults.add(Rule::on(Operation::AdminGetUser, stale).after(1).times(3));
    let printed = bench.changed(&["account", "delete", "user:dave", "--yes"]);
    assert_eq!(printed["outcome"], "deleted", "{printed}");
    assert_eq!(bench.changes_sent().len(), 2);
}
