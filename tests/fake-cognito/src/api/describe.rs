//! DescribeUserPool.

use serde_json::{Map, Value, json};

use crate::pool::{NICKNAME, Pool, PoolSpec, STANDARD_ATTRIBUTES};

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

/// What this pool demands of an attribute beyond what every pool does.
fn demand(spec: &PoolSpec, attribute: &mut Map<String, Value>) {
    let name = attribute
        .get("Name")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    if spec.required_attributes.iter().any(|one| *one == name) {
        attribute.insert("Required".to_owned(), json!(true));
    }
    let Some(demand) = spec.demand(&name) else {
        return;
    };
    let (least, most) = demand.bounds;
    let (least, most) = (least.to_string(), most.to_string());
    if demand.is_number {
        attribute.remove("StringAttributeConstraints");
        attribute.insert("AttributeDataType".to_owned(), json!("Number"));
        attribute.insert(
            "NumberAttributeConstraints".to_owned(),
            json!({"MinValue": least, "MaxValue": most}),
        );
    } else {
        attribute.insert(
            "StringAttributeConstraints".to_owned(),
            json!({"MinLength": least, "MaxLength": most}),
        );
    }
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
    let mut schema: Vec<Value> = STANDARD_ATTRIBUTES
        .into_iter()
        .chain([NICKNAME])
        .map(|(name, data_type)| standard(name, data_type))
        .chain(custom)
        .collect();
    for attribute in schema.iter_mut().filter_map(Value::as_object_mut) {
        demand(spec, attribute);
    }
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
        "UserPoolTier": spec.tier,
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
