//! The settings, as people see them.

use crate::contract::describe::{Derivation, SettingSchema, SettingType};
use crate::settings::{
    ACCESS_KEY_ID, DEFAULT_MAX_ATTEMPTS, ENDPOINT_URL, LAST_LOGIN_ATTRIBUTE, MAX_ATTEMPTS, REGION,
    REGION_PATTERN, SECRET_ACCESS_KEY, SESSION_TOKEN, USER_POOL_ID, USER_POOL_ID_PATTERN,
};

pub(super) fn settings() -> Vec<SettingSchema> {
    let text = |name: &str, display_name: &str, help: &str| SettingSchema {
        name: name.into(),
        display_name: display_name.into(),
        help: help.into(),
        value_type: SettingType::Text,
        required: false,
        secret: false,
        identifies_system: false,
        pattern: None,
        example: None,
        default_value: None,
        derived_from: None,
    };
    vec![
        SettingSchema {
            required: true,
            identifies_system: true,
            pattern: Some(USER_POOL_ID_PATTERN.into()),
            example: Some("us-east-1_AbCd12345".into()),
            ..text(
                USER_POOL_ID,
                "User pool ID",
                "The user pool to work on; the Cognito console shows its id in the pool's overview.",
            )
        },
        SettingSchema {
            identifies_system: true,
            pattern: Some(REGION_PATTERN.into()),
            example: Some("us-east-1".into()),
            derived_from: Some(Derivation {
                setting: USER_POOL_ID.into(),
                before: "_".into(),
            }),
            ..text(
                REGION,
                "Region",
                "The AWS region of the user pool; the pool's id begins with it.",
            )
        },
        text(
            ACCESS_KEY_ID,
            "AWS access key ID",
            "The access key that signs the requests, from the IAM console.",
        ),
        SettingSchema {
            secret: true,
            ..text(
                SECRET_ACCESS_KEY,
                "AWS secret access key",
                "The secret of the access key, shown once when the key is created.",
            )
        },
        SettingSchema {
            secret: true,
            ..text(
                SESSION_TOKEN,
                "AWS session token",
                "Comes with temporary credentials, whose access key ID begins with ASIA.",
            )
        },
        SettingSchema {
            pattern: Some("[Hh][Tt][Tt][Pp][Ss]?://[^\\s/?#@\\\\]+/?".into()),
            example: Some("https://vpce-0123.cognito-idp.us-east-1.vpce.amazonaws.com".into()),
            ..text(
                ENDPOINT_URL,
                "Endpoint URL",
                "Where requests go instead of the region's public endpoint, such as a VPC endpoint or an emulator.",
            )
        },
        SettingSchema {
            value_type: SettingType::Integer,
            pattern: Some("[1-9]|10".into()),
            example: Some("1".into()),
            default_value: Some(DEFAULT_MAX_ATTEMPTS.to_string()),
            ..text(
                MAX_ATTEMPTS,
                "Attempts",
                "How often one request is tried in all; 1 where the caller retries by itself.",
            )
        },
        SettingSchema {
            example: Some("custom:last_login".into()),
            ..text(
                LAST_LOGIN_ATTRIBUTE,
                "Last login attribute",
                "The user attribute in which a Lambda trigger of yours keeps the time of the last login.",
            )
        },
    ]
}
