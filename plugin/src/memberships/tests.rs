use crate::cognito::transport::SendErrorKind;
use crate::contract::provisioning::{GrantOutcome, RevokeOutcome};
use crate::contract::types::{EntitlementId, Principal};
use crate::kinds::Kind;
use crate::testing::{
    done, groups_of_user, invalid, lost, membership_of, names, ok, open, refused, request, user,
};
use serde_json::json;

#[test]
fn a_member_already_has_it_and_nothing_is_changed() {
    let (session, fake) = open([groups_of_user(&["ops", "admins"], None)]);
    let outcome = session.grant(&membership_of("admins"), &user("alice"));
    assert_eq!(outcome, Ok(GrantOutcome::AlreadyGranted));
    assert_eq!(
        fake.sent(),
        [request(
            "AdminListGroupsForUser",
            json!({"Username": "alice", "Limit": 60})
        )]
    );
}

#[test]
fn who_is_no_member_becomes_one() {
    let (session, fake) = open([groups_of_user(&["Admins"], None), done()]);
    let outcome = session.grant(&membership_of("admins"), &user("alice"));
    assert_eq!(outcome, Ok(GrantOutcome::Granted));
    assert_eq!(
        fake.operations(),
        ["AdminListGroupsForUser", "AdminAddUserToGroup"]
    );
    assert_eq!(
        fake.body(1),
        r#"{"UserPoolId":"us-east-1_AbCd12345","Username":"alice","GroupName":"admins"}"#
    );
}

#[test]
fn a_member_is_removed_and_who_is_none_is_removed_all_the_same() {
    for (groups, outcome) in [
        (&["admins"][..], RevokeOutcome::Revoked),
        (&["ops"], RevokeOutcome::AlreadyRevoked),
        (&[], RevokeOutcome::AlreadyRevoked),
    ] {
        let (session, fake) = open([groups_of_user(groups, None), done()]);
        let revoked = session.revoke(&membership_of("admins"), &user("alice"));
        assert_eq!(revoked, Ok(outcome));
        assert_eq!(
            fake.operations(),
            ["AdminListGroupsForUser", "AdminRemoveUserFromGroup"]
        );
        assert_eq!(
            fake.body(1),
            r#"{"UserPoolId":"us-east-1_AbCd12345","Username":"alice","GroupName":"admins"}"#
        );
    }
}

#[test]
fn two_pages_of_groups_are_looked_at_and_never_a_third() {
    let page = |next| groups_of_user(&["ops"], next);
    let (session, fake) = open([page(Some("1")), groups_of_user(&["admins"], Some("2"))]);
    let outcome = session.grant(&membership_of("admins"), &user("alice"));
    assert_eq!(outcome, Ok(GrantOutcome::AlreadyGranted));
    assert_eq!(
        fake.sent()[1],
        request(
            "AdminListGroupsForUser",
            json!({"Username": "alice", "Limit": 60, "NextToken": "1"})
        )
    );
    let (session, fake) = open([page(Some("1")), page(Some("2")), done()]);
    let outcome = session.grant(&membership_of("admins"), &user("alice"));
    assert_eq!(outcome, Ok(GrantOutcome::Granted));
    assert_eq!(fake.operations()[2], "AdminAddUserToGroup");
    // Nobody knows whether a third page has it, but the removal was accepted.
    let (session, fake) = open([page(Some("1")), page(Some("2")), done()]);
    let outcome = session.revoke(&membership_of("admins"), &user("alice"));
    assert_eq!(outcome, Ok(RevokeOutcome::Revoked));
    assert_eq!(fake.requests(), 3);
}

#[test]
fn a_missing_user_and_a_missing_group_are_told_apart() {
    let entitlement = membership_of("admins");
    for grants in [true, false] {
        let call = |answers| {
            let (session, fake) = open(answers);
            let error = match grants {
                true => session.grant(&entitlement, &user("alice")).unwrap_err(),
                false => session.revoke(&entitlement, &user("alice")).unwrap_err(),
            };
            assert_eq!(error.code, "not-found");
            (error.message, fake.requests())
        };
        let (message, requests) = call(vec![refused(400, "UserNotFoundException")]);
        assert!(
            message.starts_with("user 'alice' does not exist"),
            "{message}"
        );
        assert_eq!(requests, 1);
        let (message, requests) = call(vec![
            groups_of_user(&[], None),
            refused(400, "ResourceNotFoundException"),
        ]);
        assert!(
            message.starts_with("group 'admins' does not exist"),
            "{message}"
        );
        assert_eq!(requests, 2);
        let (message, _) = call(vec![
            groups_of_user(&[], None),
            refused(400, "UserNotFoundException"),
        ]);
        assert!(
            message.starts_with("user 'alice' does not exist"),
            "{message}"
        );
    }
}

#[test]
fn only_membership_of_a_group_can_be_held_and_only_by_a_user() {
    let (session, fake) = open([]);
    let owner = EntitlementId {
        slug: "owner".to_owned(),
        ..membership_of("admins")
    };
    let of_user = EntitlementId {
        resource: Kind::User.resource("bob"),
        ..membership_of("admins")
    };
    let group = Principal {
        resource: Kind::Group.resource("ops"),
    };
    let alice = user("alice");
    for (entitlement, principal, words) in [
        (&owner, &alice, "what can be held is 'member' of a group"),
        (&of_user, &alice, "what can be held is 'member' of a group"),
        (&membership_of("admins"), &group, "only a user can"),
        (&membership_of(""), &alice, "id of a group is empty"),
        (&membership_of("admins"), &user(""), "id of a user is empty"),
    ] {
        let granted = invalid(session.grant(entitlement, principal));
        assert!(granted.contains(words), "{granted}");
        let revoked = invalid(session.revoke(entitlement, principal));
        assert!(revoked.contains(words), "{revoked}");
    }
    assert_eq!(fake.requests(), 0);
}

#[test]
fn a_look_that_fails_beforehand_leaves_everything_as_it_is() {
    let (session, fake) = open([refused(400, "AccessDeniedException")]);
    let error = session
        .grant(&membership_of("admins"), &user("alice"))
        .unwrap_err();
    assert_eq!(error.code, "permission-denied");
    assert!(error.message.contains("cognito-idp:AdminListGroupsForUser"));
    assert_eq!(fake.requests(), 1);
}

#[test]
fn a_doubtful_membership_beyond_the_second_page_is_unknown() {
    let page = |next| groups_of_user(&["ops"], Some(next));
    let (session, _) = open([
        groups_of_user(&[], None),
        lost(SendErrorKind::Timeout),
        page("1"),
        page("2"),
    ]);
    let error = session
        .grant(&membership_of("admins"), &user("alice"))
        .unwrap_err();
    assert_eq!(error.code, "outcome-unknown");
    assert!(
        error
            .message
            .contains("check whether user 'alice' is a member of group 'admins'"),
        "{}",
        error.message
    );
}

#[test]
fn an_object_for_an_empty_answer_is_understood() {
    let (session, _) = open([groups_of_user(&[], None), ok(json!({}))]);
    let outcome = session.grant(&membership_of("admins"), &user("alice"));
    assert_eq!(outcome, Ok(GrantOutcome::Granted));
}

#[test]
fn names_of_any_script_and_with_any_separator_arrive_as_they_are() {
    let names = names(400);
    for pair in names.chunks(2) {
        let [group, name] = pair else { continue };
        let (session, fake) = open([groups_of_user(&[], None), done()]);
        let outcome = session.grant(&membership_of(group), &user(name));
        assert_eq!(outcome, Ok(GrantOutcome::Granted));
        assert_eq!(
            fake.sent()[1],
            request(
                "AdminAddUserToGroup",
                json!({"Username": name, "GroupName": group})
            )
        );
        let (session, fake) = open([groups_of_user(&[group], None), done()]);
        let outcome = session.revoke(&membership_of(group), &user(name));
        assert_eq!(outcome, Ok(RevokeOutcome::Revoked), "{group}");
        let expected = format!(
            r#"{{"UserPoolId":"us-east-1_AbCd12345","Username":{},"GroupName":{}}}"#,
            json!(name),
            json!(group)
        );
        assert_eq!(fake.body(1), expected, "byte for byte");
    }
}
