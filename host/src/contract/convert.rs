//! Between the bindings' types and the host's own. A component is not trusted to keep
//! the contract's promises about values, so what the host relies on is checked here:
//! ids and kinds that are not empty, and one value per attribute name.

use std::collections::btree_map::Entry;

use super::bindings::exports::identity::connector::describe as wire;
use super::bindings::exports::identity::connector::sync;
use super::bindings::identity::connector::types as contract;
use crate::change::Fields;
use crate::model;
use crate::trust::description as trust;

/// A value that breaks a promise of the contract.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokenPromise {
    /// A resource without a kind or an id.
    #[error("it returned a resource whose kind or id is empty")]
    EmptyId,
    /// A resource whose name would steer the terminal of whoever reads it.
    #[error("it returned a resource with a control character in its kind or id: {0:?}")]
    ControlCharacter(String),
    /// An entitlement without a slug.
    #[error("it returned an entitlement of {0} whose slug is empty")]
    EmptySlug(model::ResourceId),
    /// A slug that can't be told from the rest of an id.
    #[error("it returned an entitlement of {0} whose slug contains a colon")]
    ColonInSlug(model::ResourceId),
    /// An attribute list with one name twice.
    #[error("it returned the attribute `{0}` twice")]
    RepeatedAttribute(String),
    /// A resource of a kind that was not asked for.
    #[error("it was asked for resources of the kind `{asked}` and returned {returned}")]
    OtherKind {
        /// The kind that was asked for.
        asked: String,
        /// What came.
        returned: model::ResourceId,
    },
    /// A row that belongs to something that was not asked for.
    #[error("it was asked about {asked} and returned what belongs to {returned}")]
    OtherResource {
        /// What was asked about.
        asked: model::ResourceId,
        /// What came.
        returned: model::ResourceId,
    },
    /// A resource of another parent than asked for.
    #[error("it returned {returned} in the list of a parent that it does not name as its own")]
    OtherParent {
        /// What came.
        returned: model::ResourceId,
    },
    /// A description that contradicts itself.
    #[error("its description contradicts itself: {0}")]
    Inconsistent(String),
    /// A description that was to be made of what somebody on the network says, or told to
    /// them.
    #[error("it asked for the network, and describing itself happens without")]
    Network,
    /// A list that goes round in a circle.
    #[error("it returned a cursor for the second time, so its list would never end")]
    CursorRepeated,
    /// An answer to another question.
    #[error("it answered another question than it was asked")]
    OtherAnswer,
    /// Slices of a list whose names can't be told apart, stored or shown.
    #[error(
        "it cuts a list into more than 256 slices, or into slices whose names are empty, equal, \
         too long or not fit to be shown"
    )]
    Slices,
}

impl From<model::EntitlementId> for contract::EntitlementId {
    fn from(id: model::EntitlementId) -> Self {
        Self {
            resource: id.resource.into(),
            slug: id.slug,
        }
    }
}

impl From<model::ResourceId> for contract::ResourceId {
    fn from(id: model::ResourceId) -> Self {
        Self {
            kind: id.kind,
            id: id.id,
        }
    }
}

fn resource_id(id: contract::ResourceId) -> Result<model::ResourceId, BrokenPromise> {
    if id.kind.is_empty() || id.id.is_empty() {
        return Err(BrokenPromise::EmptyId);
    }
    if [&id.kind, &id.id]
        .iter()
        .any(|text| text.contains(char::is_control))
    {
        return Err(BrokenPromise::ControlCharacter(format!(
            "{}:{}",
            id.kind, id.id
        )));
    }
    Ok(model::ResourceId::new(id.kind, id.id))
}

fn entitlement_id(id: contract::EntitlementId) -> Result<model::EntitlementId, BrokenPromise> {
    let resource = resource_id(id.resource)?;
    if id.slug.is_empty() {
        return Err(BrokenPromise::EmptySlug(resource));
    }
    if id.slug.contains(':') {
        return Err(BrokenPromise::ColonInSlug(resource));
    }
    Ok(model::EntitlementId {
        resource,
        slug: id.slug,
    })
}

/// What a connector returned under names.
pub(crate) fn attributes(
    list: Vec<contract::Attribute>,
) -> Result<model::Attributes, BrokenPromise> {
    let mut attributes = model::Attributes::default();
    for attribute in list {
        let contract::Attribute { name, value } = attribute;
        match attributes.0.entry(name) {
            Entry::Vacant(place) => place.insert(attribute_value(value)),
            Entry::Occupied(known) => {
                return Err(BrokenPromise::RepeatedAttribute(known.key().clone()));
            }
        };
    }
    Ok(attributes)
}

/// What a connector is given under names.
pub(crate) fn fields(fields: &Fields) -> Vec<contract::Attribute> {
    fields
        .iter()
        .map(|(name, value)| contract::Attribute {
            name: name.clone(),
            value: match value.clone() {
                model::AttributeValue::Text(text) => contract::AttributeValue::Text(text),
                model::AttributeValue::Integer(number) => contract::AttributeValue::Integer(number),
                model::AttributeValue::Boolean(truth) => contract::AttributeValue::Boolean(truth),
                model::AttributeValue::TextList(list) => contract::AttributeValue::TextList(list),
            },
        })
        .collect()
}

fn attribute_value(value: contract::AttributeValue) -> model::AttributeValue {
    match value {
        contract::AttributeValue::Text(text) | contract::AttributeValue::Instant(text) => {
            model::AttributeValue::Text(text)
        }
        contract::AttributeValue::Integer(number) => model::AttributeValue::Integer(number),
        contract::AttributeValue::Boolean(truth) => model::AttributeValue::Boolean(truth),
        contract::AttributeValue::TextList(list) => model::AttributeValue::TextList(list),
    }
}

impl From<contract::Account> for model::Account {
    fn from(account: contract::Account) -> Self {
        Self {
            status: account.status.map(|status| match status {
                contract::AccountStatus::Enabled => model::AccountStatus::Enabled,
                contract::AccountStatus::Disabled => model::AccountStatus::Disabled,
            }),
            status_details: account.status_details,
            login: account.login,
            emails: account
                .emails
                .into_iter()
                .map(|email| model::Email {
                    address: email.address,
                    primary: email.primary,
                    verified: email.verified,
                })
                .collect(),
            last_login: account.last_login,
        }
    }
}

impl TryFrom<contract::Resource> for model::Resource {
    type Error = BrokenPromise;

    fn try_from(resource: contract::Resource) -> Result<Self, Self::Error> {
        Ok(Self {
            id: resource_id(resource.id)?,
            parent: resource.parent.map(resource_id).transpose()?,
            display_name: resource.display_name,
            description: resource.description,
            created_at: resource.created_at,
            updated_at: resource.updated_at,
            account: resource.account.map(Into::into),
            attributes: attributes(resource.attributes)?,
        })
    }
}

impl TryFrom<contract::Entitlement> for model::Entitlement {
    type Error = BrokenPromise;

    fn try_from(entitlement: contract::Entitlement) -> Result<Self, Self::Error> {
        Ok(Self {
            id: entitlement_id(entitlement.id)?,
            display_name: entitlement.display_name,
            description: entitlement.description,
            grantable_to: entitlement.grantable_to,
            attributes: attributes(entitlement.attributes)?,
        })
    }
}

impl TryFrom<contract::Grant> for model::Grant {
    type Error = BrokenPromise;

    fn try_from(grant: contract::Grant) -> Result<Self, Self::Error> {
        Ok(Self {
            entitlement: entitlement_id(grant.entitlement)?,
            principal: resource_id(grant.principal.resource)?,
            expands: grant.expands.map(|expansion| model::Expansion {
                slugs: expansion.slugs,
                shallow: expansion.shallow,
                kinds: expansion.kinds,
            }),
            attributes: attributes(grant.attributes)?,
        })
    }
}

/// One page of a list, whatever it lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// The cursor of the next page; `None` after the last one.
    pub next: Option<String>,
}

fn page<C, T>(items: Vec<C>, next: Option<String>) -> Result<Page<T>, BrokenPromise>
where
    T: TryFrom<C, Error = BrokenPromise>,
{
    let items = items
        .into_iter()
        .map(T::try_from)
        .collect::<Result<_, _>>()?;
    Ok(Page { items, next })
}

impl TryFrom<sync::SystemFacts> for model::SystemFacts {
    type Error = BrokenPromise;

    fn try_from(facts: sync::SystemFacts) -> Result<Self, Self::Error> {
        Ok(Self {
            name: facts.name,
            resource_name: facts.resource_name,
            attributes: attributes(facts.attributes)?,
            notes: facts.notes,
        })
    }
}

impl TryFrom<sync::ResourcePage> for Page<model::Resource> {
    type Error = BrokenPromise;

    fn try_from(answer: sync::ResourcePage) -> Result<Self, Self::Error> {
        page(answer.items, answer.next)
    }
}

impl TryFrom<sync::EntitlementPage> for Page<model::Entitlement> {
    type Error = BrokenPromise;

    fn try_from(answer: sync::EntitlementPage) -> Result<Self, Self::Error> {
        page(answer.items, answer.next)
    }
}

impl TryFrom<sync::GrantPage> for Page<model::Grant> {
    type Error = BrokenPromise;

    fn try_from(answer: sync::GrantPage) -> Result<Self, Self::Error> {
        page(answer.items, answer.next)
    }
}

impl From<wire::Description> for trust::Description {
    fn from(answer: wire::Description) -> Self {
        Self {
            name: answer.name,
            display_name: answer.display_name,
            version: answer.version,
            help_url: answer.help_url,
            settings: answer.settings.into_iter().map(Into::into).collect(),
            kinds: answer.kinds.into_iter().map(Into::into).collect(),
            account_schema: answer.account_schema.into_iter().map(Into::into).collect(),
            actions: answer.actions.into_iter().map(Into::into).collect(),
            wire: answer.wire.into(),
        }
    }
}

impl From<wire::SettingType> for trust::ValueType {
    fn from(value_type: wire::SettingType) -> Self {
        match value_type {
            wire::SettingType::Text => Self::Text,
            wire::SettingType::Integer => Self::Integer,
            wire::SettingType::Boolean => Self::Boolean,
        }
    }
}

impl From<wire::SettingSchema> for trust::SettingSchema {
    fn from(setting: wire::SettingSchema) -> Self {
        Self {
            name: setting.name,
            display_name: setting.display_name,
            help: setting.help,
            value_type: setting.value_type.into(),
            required: setting.required,
            secret: setting.secret,
            identifies_system: setting.identifies_system,
            pattern: setting.pattern,
            example: setting.example,
            default_value: setting.default_value,
            derived_from: setting.derived_from.map(|derivation| trust::Derivation {
                setting: derivation.setting,
                before: derivation.before,
            }),
        }
    }
}

impl From<wire::Kind> for trust::Kind {
    fn from(kind: wire::Kind) -> Self {
        Self {
            id: kind.id,
            plural: kind.plural,
            display_name: kind.display_name,
            traits: kind
                .traits
                .into_iter()
                .map(|one| match one {
                    wire::Trait::User => trust::Trait::User,
                    wire::Trait::Group => trust::Trait::Group,
                    wire::Trait::Role => trust::Trait::Role,
                    wire::Trait::App => trust::Trait::App,
                    wire::Trait::Secret => trust::Trait::Secret,
                })
                .collect(),
            parents: kind.parents,
            entitlements: kind
                .entitlements
                .into_iter()
                .map(|entitlement| trust::EntitlementSchema {
                    slug: entitlement.slug,
                    display_name: entitlement.display_name,
                    grantable_to: entitlement.grantable_to,
                })
                .collect(),
            grants_of_resource: kind.grants.contains(wire::GrantSources::OF_RESOURCE),
            grants_of_principal: kind.grants.contains(wire::GrantSources::OF_PRINCIPAL),
            accounts: kind.accounts,
        }
    }
}

impl From<wire::Field> for trust::Field {
    fn from(field: wire::Field) -> Self {
        Self {
            name: field.name,
            display_name: field.display_name,
            help: field.help,
            value_type: field.value_type.into(),
            required: field.required,
            secret: field.secret,
            id_of: field.id_of,
        }
    }
}

impl From<wire::ActionSchema> for trust::ActionSchema {
    fn from(action: wire::ActionSchema) -> Self {
        Self {
            name: action.name,
            display_name: action.display_name,
            help: action.help,
            purposes: action.purposes,
            arguments: action.arguments.into_iter().map(Into::into).collect(),
            results: action.results.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<wire::Wire> for trust::Wire {
    fn from(asked: wire::Wire) -> Self {
        Self {
            authentication: match asked.authentication {
                wire::Authentication::None => trust::Authentication::None,
                wire::Authentication::Bearer(setting) => trust::Authentication::Bearer(setting),
                wire::Authentication::Sigv4(sigv4) => trust::Authentication::Sigv4(trust::Sigv4 {
                    service: sigv4.service,
                    region_setting: sigv4.region_setting,
                    access_key_id_setting: sigv4.access_key_id_setting,
                    secret_access_key_setting: sigv4.secret_access_key_setting,
                    session_token_setting: sigv4.session_token_setting,
                }),
            },
            protocol: match asked.protocol {
                wire::Protocol::AwsJson(prefix) => trust::Protocol::AwsJson(prefix),
                wire::Protocol::Http => trust::Protocol::Http,
            },
            origins: asked
                .origins
                .into_iter()
                .map(|origin| trust::Origin {
                    template: origin.template,
                    when: origin.when.map(|condition| trust::OriginCondition {
                        setting: condition.setting,
                        prefixes: condition.prefixes,
                    }),
                })
                .collect(),
            operations: asked.operations.into_iter().map(Into::into).collect(),
            rate_classes: asked
                .rate_classes
                .into_iter()
                .map(|class| trust::RateClass {
                    id: class.id,
                    limits: class
                        .limits
                        .into_iter()
                        .map(|limit| trust::RateLimit {
                            scope: match limit.scope {
                                wire::RateScope::Account => trust::RateScope::Account,
                                wire::RateScope::SystemOperation => {
                                    trust::RateScope::SystemOperation
                                }
                                wire::RateScope::Resource(member) => {
                                    trust::RateScope::Resource(member)
                                }
                            },
                            per_second: limit.per_second,
                        })
                        .collect(),
                })
                .collect(),
            resource_name: asked.resource_name,
        }
    }
}

impl From<wire::BindingSource> for trust::BindingSource {
    fn from(source: wire::BindingSource) -> Self {
        match source {
            wire::BindingSource::Setting(name) => Self::Setting(name),
            wire::BindingSource::Resource => Self::Resource,
            wire::BindingSource::Principal => Self::Principal,
            wire::BindingSource::Argument(name) => Self::Argument(name),
            wire::BindingSource::Constant(value) => Self::Constant(value),
            wire::BindingSource::NamedArguments(list) => {
                Self::NamedArguments(trust::NamedArguments {
                    name_member: list.name_member,
                    value_member: list.value_member,
                    except: list.except,
                })
            }
        }
    }
}

impl From<wire::Operation> for trust::Operation {
    fn from(operation: wire::Operation) -> Self {
        Self {
            name: operation.name,
            access: match operation.access {
                wire::Access::Read => trust::Access::Read,
                wire::Access::Change => trust::Access::Change,
            },
            route: operation.route.map(|route| trust::Route {
                method: route.method,
                path: route.path,
            }),
            functions: operation.functions,
            kinds: operation.kinds,
            rate_class: operation.rate_class,
            bound: operation
                .bound
                .into_iter()
                .map(|binding| trust::Binding {
                    member: binding.member,
                    sources: binding.sources.into_iter().map(Into::into).collect(),
                    functions: binding.functions,
                    when: binding.when.map(|condition| trust::BindingCondition {
                        argument: condition.argument,
                        value: condition.value,
                        equals: condition.equals,
                    }),
                })
                .collect(),
            members: operation.members,
            permission: operation.permission,
            optional: operation.optional,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(kind: &str, id: &str) -> contract::ResourceId {
        contract::ResourceId {
            kind: kind.to_owned(),
            id: id.to_owned(),
        }
    }

    fn text(name: &str, value: &str) -> contract::Attribute {
        contract::Attribute {
            name: name.to_owned(),
            value: contract::AttributeValue::Text(value.to_owned()),
        }
    }

    #[test]
    fn ids_that_could_be_taken_for_others_are_refused() {
        let slug = |slug: &str| {
            entitlement_id(contract::EntitlementId {
                resource: id("group", "a:b"),
                slug: slug.to_owned(),
            })
        };
        assert_eq!(slug("member").unwrap().to_string(), "group:a:b:member");
        let group = model::ResourceId::new("group", "a:b");
        assert_eq!(slug(""), Err(BrokenPromise::EmptySlug(group.clone())));
        assert_eq!(slug("member:user"), Err(BrokenPromise::ColonInSlug(group)));
        for empty in [id("", "x"), id("user", "")] {
            assert_eq!(resource_id(empty), Err(BrokenPromise::EmptyId));
        }
        for steering in [
            id("user", "a\u{1b}[2J"),
            id("us\u{9b}er", "a"),
            id("user", "a\n"),
        ] {
            let message = resource_id(steering).unwrap_err().to_string();
            assert!(message.contains("control character"), "{message}");
            assert!(!message.contains(char::is_control), "{message:?}");
        }
    }

    #[test]
    fn no_value_of_an_attribute_is_lost_silently() {
        let two = vec![text("b", "2"), text("a", "1")];
        let names: Vec<String> = attributes(two).unwrap().0.into_keys().collect();
        assert_eq!(names, ["a", "b"], "in the order of their names");
        assert_eq!(
            attributes(vec![text("a", "1"), text("a", "2")]),
            Err(BrokenPromise::RepeatedAttribute("a".to_owned()))
        );
    }
}
