//! What the pool says about itself, and what that means for a reader.
//!
//! Above all: whether a last login can be expected. The service documents none in any
//! record of a user, on no plan; it comes from an attribute that a trigger of the
//! customer keeps, or not at all.

use crate::cognito::described::Pool;
use crate::contract::sync::SystemFacts;
use crate::contract::types::{Attribute, AttributeValue};
use crate::schema::Schema;
use crate::settings::LAST_LOGIN_ATTRIBUTE;

/// The facts of a pool.
#[must_use]
pub fn facts(pool: &Pool, id: &str, last_login_attribute: Option<&str>) -> SystemFacts {
    SystemFacts {
        name: pool.name.clone(),
        resource_name: pool.arn.clone(),
        attributes: attributes(pool),
        notes: vec![
            plan(pool),
            last_login(pool, &Schema::new(pool, id), last_login_attribute),
        ],
    }
}

fn attributes(pool: &Pool) -> Vec<Attribute> {
    let text = |text: &Option<String>| text.clone().map(AttributeValue::Text);
    let list =
        |list: &[String]| (!list.is_empty()).then(|| AttributeValue::TextList(list.to_vec()));
    let case_sensitive = pool
        .username_configuration
        .as_ref()
        .and_then(|configuration| configuration.case_sensitive);
    [
        ("Id", text(&pool.id)),
        ("UserPoolTier", text(&pool.user_pool_tier)),
        (
            "EstimatedNumberOfUsers",
            pool.estimated_number_of_users.map(AttributeValue::Integer),
        ),
        ("UsernameAttributes", list(&pool.username_attributes)),
        ("AliasAttributes", list(&pool.alias_attributes)),
        ("CaseSensitive", case_sensitive.map(AttributeValue::Boolean)),
    ]
    .into_iter()
    .filter_map(|(name, value)| {
        Some(Attribute {
            name: name.to_owned(),
            value: value?,
        })
    })
    .collect()
}

fn plan(pool: &Pool) -> String {
    match &pool.user_pool_tier {
        Some(tier) => format!("the plan of the pool is {tier}"),
        None => "the pool does not say its plan (UserPoolTier)".to_owned(),
    }
}

fn last_login(pool: &Pool, schema: &Schema<'_>, attribute: Option<&str>) -> String {
    match attribute {
        Some(name) if schema.lacks(name) => format!(
            "no last login can be expected: the pool's schema has no attribute '{name}', which \
             the setting {LAST_LOGIN_ATTRIBUTE} names"
        ),
        Some(name) => {
            format!("last login comes from the attribute '{name}', for users that have it")
        }
        None if pool.user_pool_tier.as_deref() == Some("PLUS") => format!(
            "no last login can be expected: Cognito documents none in its lists of users, not on \
             the plan PLUS either; should it send one all the same, it is read; the setting \
             {LAST_LOGIN_ATTRIBUTE} names an attribute to take it from"
        ),
        None => format!(
            "no last login can be expected: Cognito's lists of users have none, whatever the \
             plan; the setting {LAST_LOGIN_ATTRIBUTE} names an attribute to take it from"
        ),
    }
}

#[cfg(test)]
mod tests;
