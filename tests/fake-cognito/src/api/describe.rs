//! DescribeUserPool.

use serde_json::{Value, json};

use crate::pool::{NICKNAME, Pool, STANDARD_ATTRIBUTES};

/// 2024-01-02T03:04:05.678Z, when every pool was created.
const CREATED: f64 = 1_704_164_645.678;

/// The constraint values are text in this API.
fn standard(name: &str, data_type: &str) -> Value {
    let mut attribute = json!({
        "Name": name,
        "AttributeDataType": data_type,
        "DeveloperOnlyAttribute": false,
        "Mutable": name != "sub",
        "Required": name == "sub",
    });
    if data_type == "String" {
        let (min, max) = match name {
            "sub" => ("1", "2048"),
            "birthdate" => ("10", "10"),
            _ => ("0", "2048"),
        };
        if let Some(members) = attribute.as_object_mut() {
            members.insert(
                "StringAttributeConstraints".to_owned(),
                json!({"MinLength": min, "MaxLength": max}),
            );
        }
    }
    if data_type == "Number"
        && let Some(members) = attribute.as_object_mut()
    {
        members.insert(
            "NumberAttributeConstraints".to_owned(),
            json!({"MinValue": "0"}),
        );
    }
    attribute
}

pub(super) fn describe(pool: &Pool) -> Vec<u8> {
    let spec = pool.spec();
    let custom = spec.custom_attributes.iter().map(|name| {
        json!({
            "Name": name,
            "AttributeDataType": "String",
            "DeveloperOnlyAttribute": false,
            "Mutable": true,
            "Required": false,
            "StringAttributeConstraints": {"MaxLength": "2048"},
        })
    });
    let schema: Vec<Value> = STANDARD_ATTRIBUTES
        .into_iter()
        .chain([NICKNAME])
        .map(|(name, data_type)| standard(name, data_type))
        .chain(custom)
        .collect();
    let mut described = json!({
        "Id": pool.id(),
        "Name": spec.name,
        "Arn": pool.arn(),
        "Policies": {
            "PasswordPolicy": {
                "MinimumLength": 8,
                "RequireUppercase": true,
                "RequireLowercase": true,
                "RequireNumbers": true,
                "RequireSymbols": true,
                "TemporaryPasswordValidityDays": 7,
            },
            "SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD"]},
        },
        "DeletionProtection": "ACTIVE",
        "LambdaConfig": {},
        "LastModifiedDate": CREATED,
        "CreationDate": CREATED,
        "SchemaAttributes": schema,
        "AutoVerifiedAttributes": ["email"],
        "MfaConfiguration": "OFF",
        "EstimatedNumberOfUsers": spec.estimate.unwrap_or_else(|| pool.user_count()),
        "EmailConfiguration": {"EmailSendingAccount": "COGNITO_DEFAULT"},
        "UserPoolTags": {},
        "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": false, "UnusedAccountValidityDays": 7},
        "UsernameConfiguration": {"CaseSensitive": spec.case_sensitive},
        "UserPoolTier": "ESSENTIALS",
    });
    if let Some(members) = described.as_object_mut() {
        if !spec.alias_attributes.is_empty() {
            members.insert("AliasAttributes".to_owned(), json!(spec.alias_attributes));
        }
        if !spec.username_attributes.is_empty() {
            members.insert(
                "UsernameAttributes".to_owned(),
                json!(spec.username_attributes),
            );
        }
    }
    json!({ "UserPool": described }).to_string().into_bytes()
}
