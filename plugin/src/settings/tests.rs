use super::*;

const POOL: &str = "us-east-1_AbCd12345";

fn check(changes: &[(&str, Option<&str>)]) -> Result<Settings, Error> {
    let mut settings = vec![
        (USER_POOL_ID, POOL),
        (ACCESS_KEY_ID, "AKIDEXAMPLE"),
        (SECRET_ACCESS_KEY, "hunter2"),
    ];
    for (name, value) in changes {
        settings.retain(|(earlier, _)| earlier != name);
        settings.extend(value.map(|value| (*name, value)));
    }
    let given: Vec<Setting> = settings
        .into_iter()
        .map(|(name, value)| Setting {
            name: name.to_owned(),
            value: value.to_owned(),
        })
        .collect();
    Settings::check(&given)
}

fn refused(changes: &[(&str, Option<&str>)]) -> String {
    let Err(error) = check(changes) else {
        panic!("{changes:?} was accepted");
    };
    assert_eq!(error.code, "invalid-argument");
    assert_eq!(error.operation, None);
    assert!(!error.message.contains("hunter2"), "{}", error.message);
    error.message
}

#[test]
fn three_settings_are_enough() {
    let settings = check(&[]).unwrap();
    assert_eq!(settings.region, "us-east-1");
    assert_eq!(settings.max_attempts, 3);
    assert_eq!(settings.keys.unwrap().session_token, None);
    assert_eq!(settings.last_login_attribute, None);
    let uri = settings.endpoint.uri();
    assert_eq!(uri, "https://cognito-idp.us-east-1.amazonaws.com/");
}

#[test]
fn ids_of_aws_and_of_emulators_are_accepted() {
    for id in [
        "us-gov-west-1_a",
        "eusc-de-east-1_AbCd12345",
        "us-isob-east-1_AbCd12345",
        "us-east-1_c73c01234567890123456789abcdef01",
    ] {
        assert_eq!(check(&[(USER_POOL_ID, Some(id))]).unwrap().user_pool_id, id);
    }
    let local = [
        (USER_POOL_ID, Some("local_6nGx3kqL")),
        (ENDPOINT_URL, Some("http://127.0.0.1:9229")),
    ];
    assert_eq!(check(&local).unwrap().region, "local");
}

#[test]
fn what_is_no_pool_id_is_refused() {
    let long = format!("us-east-1_{}", "a".repeat(46));
    for id in [
        "us-east-1",
        "_abc",
        "us-east-1_",
        "us-east-1_abc!",
        "us-east-1_a b",
        "us-east-1_äöü",
        " us-east-1_abc",
        "us-east-1_abc\n",
        &long,
    ] {
        let message = refused(&[(USER_POOL_ID, Some(id))]);
        assert!(message.starts_with("user-pool-id"), "{message}");
        assert!(!message.contains('\n'));
    }
}

#[test]
fn what_is_no_region_is_refused() {
    for region in [
        "us-est-1",
        "us-east",
        "useast1",
        "us-east-",
        "us-east-1a",
        "US-EAST-1",
        "east-1",
        "xx-east-1",
        "eusc-d-east-1",
        "us-iso12-east-1",
    ] {
        let message = refused(&[(REGION, Some(region))]);
        assert!(
            message.starts_with(&format!("region '{region}'")),
            "{message}"
        );
    }
    let message = refused(&[(USER_POOL_ID, Some("useast1_AbCd12345"))]);
    assert!(
        message.contains("does not begin with the name of an AWS region"),
        "{message}"
    );
}

#[test]
fn a_region_that_contradicts_the_pool_is_refused() {
    assert_eq!(
        check(&[(REGION, Some("us-east-1"))]).unwrap().region,
        "us-east-1"
    );
    let message = refused(&[(REGION, Some("eu-west-1"))]);
    assert!(
        message.contains("contradicts user-pool-id 'us-east-1_AbCd12345'"),
        "{message}"
    );
}

#[test]
fn a_region_without_a_public_endpoint_needs_an_endpoint_url() {
    let message = refused(&[(USER_POOL_ID, Some("local_abc"))]);
    assert!(message.contains("endpoint-url"), "{message}");
}

#[test]
fn missing_and_blank_settings_are_named() {
    assert_eq!(refused(&[(USER_POOL_ID, None)]), "user-pool-id is missing");
    for name in ALL {
        for blank in ["", "  \n"] {
            let message = refused(&[(name, Some(blank))]);
            assert!(
                message.starts_with(&format!("{name} is blank")),
                "{message}"
            );
        }
    }
}

#[test]
fn unknown_and_doubled_settings_are_refused() {
    let message = refused(&[("user_pool_id", Some("hunter2"))]);
    assert!(
        message.starts_with("setting 'user_pool_id' is unknown"),
        "{message}"
    );
    let twice = |name: &str| Setting {
        name: name.to_owned(),
        value: "hunter2".to_owned(),
    };
    let Err(error) = Settings::check(&[twice(SECRET_ACCESS_KEY), twice(SECRET_ACCESS_KEY)]) else {
        panic!("a doubled setting was accepted");
    };
    assert_eq!(error.message, "aws-secret-access-key is given twice");
}

#[test]
fn keys_that_were_copied_badly_are_refused_without_showing_them() {
    for name in [ACCESS_KEY_ID, SECRET_ACCESS_KEY, SESSION_TOKEN] {
        for value in [
            "hunter2 ",
            " hunter2",
            "hunter2\n",
            "hun ter2hunter2",
            "hunter2\r\n",
            "hunter2\u{a0}",
        ] {
            let message = refused(&[(name, Some(value))]);
            assert!(
                message.starts_with(&format!("{name} contains a space")),
                "{message}"
            );
        }
        for value in ["hunter2\u{200b}", "hunter2\0", "„hunter2“"] {
            let message = refused(&[(name, Some(value))]);
            assert!(
                message.starts_with(&format!("{name} contains a character")),
                "{message}"
            );
        }
    }
}

#[test]
fn a_temporary_key_needs_its_session_token() {
    let key = (ACCESS_KEY_ID, Some("ASIAEXAMPLE"));
    let message = refused(&[key]);
    assert!(message.contains("aws-session-token"), "{message}");
    let settings = check(&[key, (SESSION_TOKEN, Some("IQoJb3/+=="))]).unwrap();
    assert_eq!(
        settings.keys.unwrap().session_token.as_deref(),
        Some("IQoJb3/+==")
    );
}

#[test]
fn attempts_are_a_number_from_one_to_ten() {
    for (given, attempts) in [("1", 1), ("3", 3), ("10", 10)] {
        assert_eq!(
            check(&[(MAX_ATTEMPTS, Some(given))]).unwrap().max_attempts,
            attempts
        );
    }
    for given in ["0", "11", "-1", "+1", "1.5", "three", "4294967297"] {
        let message = refused(&[(MAX_ATTEMPTS, Some(given))]);
        assert!(
            message.starts_with(&format!("max-attempts '{given}'")),
            "{message}"
        );
    }
}

#[test]
fn the_last_login_attribute_may_be_any_attribute_name() {
    for name in ["custom:last_login", "updated_at", "custom:last login"] {
        let settings = check(&[(LAST_LOGIN_ATTRIBUTE, Some(name))]).unwrap();
        assert_eq!(settings.last_login_attribute.as_deref(), Some(name));
    }
    refused(&[(LAST_LOGIN_ATTRIBUTE, Some(&"x".repeat(33)))]);
}

#[test]
fn without_keys_the_host_signs() {
    let none = [(ACCESS_KEY_ID, None), (SECRET_ACCESS_KEY, None)];
    assert!(check(&none).unwrap().keys.is_none());
}

#[test]
fn keys_are_given_whole_or_not_at_all() {
    let token = (SESSION_TOKEN, Some("hunter2"));
    for (changes, missing) in [
        (&[(ACCESS_KEY_ID, None)][..], ACCESS_KEY_ID),
        (&[(SECRET_ACCESS_KEY, None)], SECRET_ACCESS_KEY),
        (&[(ACCESS_KEY_ID, None), token], ACCESS_KEY_ID),
        (&[(SECRET_ACCESS_KEY, None), token], SECRET_ACCESS_KEY),
        (
            &[(ACCESS_KEY_ID, None), (SECRET_ACCESS_KEY, None), token],
            ACCESS_KEY_ID,
        ),
    ] {
        let message = refused(changes);
        let begins = format!("{missing} is missing; give both {ACCESS_KEY_ID} and");
        assert!(message.starts_with(&begins), "{message}");
        assert!(message.contains("host signs"), "{message}");
    }
}
