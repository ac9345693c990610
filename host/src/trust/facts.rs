//! What a description says, taken apart into what a person decides about: one fact for
//! each place, operation, setting, kind. The same facts are shown before an approval and
//! compared afterwards, so that no change can be seen in one and not in the other.

use serde::Serialize;
use serde_json::Value;

use super::description::{
    Access, ActionSchema, Authentication, Binding, BindingSource, Description, Field, Kind,
    Operation, Origin, Protocol, RateClass, RateScope, SettingSchema, Trait, ValueType,
};
use super::text::shown;
use crate::egress::Call;

/// What a fact is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Section {
    Identity,
    Origin,
    Authentication,
    Operation,
    RateClass,
    Setting,
    Kind,
    AccountField,
    Action,
}

impl Section {
    /// One of them, as differences name it.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Identity => "the component's",
            Self::Origin => "origin",
            Self::Authentication => "authentication:",
            Self::Operation => "operation",
            Self::RateClass => "rate class",
            Self::Setting => "setting",
            Self::Kind => "kind",
            Self::AccountField => "account field",
            Self::Action => "action",
        }
    }
}

/// One fact.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fact {
    pub(super) section: Section,
    /// What it is about, unique in its section where the component is honest.
    pub(super) key: String,
    /// What is said about it: a label and words.
    pub(super) parts: Vec<(&'static str, String)>,
    /// All of it, texts for people included, so that no difference goes unseen.
    pub(super) whole: Value,
}

impl Fact {
    fn new(section: Section, key: &str, whole: &impl Serialize) -> Self {
        Self {
            section,
            key: shown(key),
            parts: Vec::new(),
            whole: serde_json::to_value(whole).unwrap_or_default(),
        }
    }

    fn part(mut self, label: &'static str, words: impl Into<String>) -> Self {
        self.parts.push((label, words.into()));
        self
    }

    fn part_if(self, label: &'static str, words: Option<String>) -> Self {
        match words {
            Some(words) => self.part(label, words),
            None => self,
        }
    }

    /// What is said under a label.
    pub(super) fn says(&self, label: &str) -> Option<&str> {
        let part = self.parts.iter().find(|(known, _)| *known == label)?;
        Some(&part.1)
    }
}

/// All facts, in the order in which a person should read them.
pub(super) fn facts(description: &Description) -> Vec<Fact> {
    // Named one by one, so that what is added to a description has to be added here.
    let Description {
        name,
        display_name,
        version,
        help_url,
        settings,
        kinds,
        account_schema,
        actions,
        wire,
    } = description;
    let mut facts = vec![
        Fact::new(Section::Identity, "name", name).part("is", shown(name)),
        Fact::new(Section::Identity, "system", display_name).part("is", shown(display_name)),
        Fact::new(Section::Identity, "version", version).part("is", shown(version)),
    ];
    if let Some(url) = help_url {
        facts.push(Fact::new(Section::Identity, "documentation", url).part("is", shown(url)));
    }
    facts.extend(wire.origins.iter().map(origin));
    facts.push(authentication(&wire.authentication));
    facts.extend(
        wire.operations
            .iter()
            .map(|one| operation(one, &wire.protocol)),
    );
    facts.extend(wire.rate_classes.iter().map(rate_class));
    facts.extend(settings.iter().map(setting));
    facts.extend(kinds.iter().map(kind));
    facts.extend(
        account_schema
            .iter()
            .map(|one| field(Section::AccountField, one)),
    );
    facts.extend(actions.iter().map(action));
    if let Some(name) = &wire.resource_name {
        facts.push(
            Fact::new(Section::Identity, "rights are granted on", name).part("is", shown(name)),
        );
    }
    facts.push(
        Fact::new(Section::Identity, "protocol", &wire.protocol).part(
            "is",
            match &wire.protocol {
                Protocol::AwsJson(prefix) => {
                    format!("AWS JSON, operations of {}", shown(prefix))
                }
                Protocol::Http => "HTTP, operations by method and path".to_owned(),
            },
        ),
    );
    facts
}

fn origin(origin: &Origin) -> Fact {
    Fact::new(Section::Origin, &origin.template, origin).part_if(
        "only if",
        origin.when.as_ref().map(|when| {
            format!(
                "setting {} begins with {}",
                shown(&when.setting),
                when.prefixes
                    .iter()
                    .map(|prefix| quoted(prefix))
                    .collect::<Vec<_>>()
                    .join(" or ")
            )
        }),
    )
}

fn authentication(authentication: &Authentication) -> Fact {
    match authentication {
        Authentication::None => Fact::new(Section::Authentication, "none", authentication),
        Authentication::Bearer(setting) => {
            Fact::new(Section::Authentication, "bearer token", authentication)
                .part("from", format!("setting {}", shown(setting)))
        }
        Authentication::Sigv4(sigv4) => {
            Fact::new(Section::Authentication, "AWS signatures", authentication)
                .part("service", shown(&sigv4.service))
                .part(
                    "region from",
                    format!("setting {}", shown(&sigv4.region_setting)),
                )
                .part(
                    "key from",
                    format!(
                        "settings {}, {}, {}, or the AWS chain",
                        shown(&sigv4.access_key_id_setting),
                        shown(&sigv4.secret_access_key_setting),
                        shown(&sigv4.session_token_setting)
                    ),
                )
        }
    }
}

/// What a list of members says that is empty.
pub(super) const NOTHING: &str = "nothing";
/// What `access` of an operation says if it only reads.
pub(super) const READS: &str = "reads";

fn operation(operation: &Operation, protocol: &Protocol) -> Fact {
    let access = match operation.access {
        Access::Read => READS,
        Access::Change => "changes",
    };
    let request = match (&operation.route, protocol) {
        (Some(route), _) => Some(format!("{} {}", shown(&route.method), shown(&route.path))),
        (None, Protocol::AwsJson(_)) => None,
        (None, Protocol::Http) => Some("none".to_owned()),
    };
    let fixed: Vec<String> = operation
        .bound
        .iter()
        .map(|one| binding(one, operation))
        .collect();
    let free: Vec<String> = unbound_placeholders(operation)
        .chain(operation.members.iter().map(|member| shown(member)))
        .collect();
    Fact::new(Section::Operation, &operation.name, operation)
        .part("access", access)
        .part_if("request", request)
        .part("sent by", sent_by(operation))
        .part("fixed", or_nothing(fixed))
        .part("free", or_nothing(free))
        .part("for", list(&operation.kinds, ", "))
        .part("pace", shown(&operation.rate_class))
        .part_if(
            "right",
            operation.permission.as_ref().map(|right| {
                let optional = if operation.optional {
                    " (optional)"
                } else {
                    ""
                };
                format!("{}{optional}", shown(right))
            }),
        )
}

/// The calls that may send an operation. One that is called reading and is sent where
/// changes are made deserves a second look.
fn sent_by(operation: &Operation) -> String {
    let mut text = list(&operation.functions, ", ");
    let is_changing = |function: &String| Call::new(function.clone()).may_change();
    if operation.access == Access::Read && operation.functions.iter().any(is_changing) {
        text.push_str(" (among them calls that change something)");
    }
    text
}

fn or_nothing(words: Vec<String>) -> String {
    if words.is_empty() {
        NOTHING.to_owned()
    } else {
        words.join(", ")
    }
}

/// What stands in a path and may be anything, in some of the calls at least.
fn unbound_placeholders(operation: &Operation) -> impl Iterator<Item = String> {
    let path = operation.route.as_ref().map_or("", |route| &route.path);
    path.split('/')
        .filter(|segment| segment.starts_with('{'))
        .filter_map(|segment| {
            let is_fixed_in = |function: &String| {
                operation.bound.iter().any(|bound| {
                    bound.member == segment
                        && bound.when.is_none()
                        && (bound.functions.is_empty() || bound.functions.contains(function))
                })
            };
            let (fixed, free): (Vec<String>, Vec<String>) =
                operation.functions.iter().cloned().partition(is_fixed_in);
            match (fixed.is_empty(), free.is_empty()) {
                (_, true) => None,
                (true, false) => Some(shown(segment)),
                (false, false) => Some(format!("{} in {}", shown(segment), list(&free, " and "))),
            }
        })
}

fn binding(binding: &Binding, operation: &Operation) -> String {
    let sources: Vec<String> = binding.sources.iter().map(source).collect();
    let mut text = format!("{} = {}", shown(&binding.member), sources.join(" or "));
    if !binding.functions.is_empty() && binding.functions != operation.functions {
        text.push_str(&format!(" in {}", list(&binding.functions, " and ")));
    }
    if let Some(when) = &binding.when {
        text.push_str(&format!(
            " if argument {} is {}{}",
            shown(&when.argument),
            if when.equals { "" } else { "not " },
            quoted(&when.value)
        ));
    }
    text
}

fn source(source: &BindingSource) -> String {
    match source {
        BindingSource::Setting(name) => format!("setting {}", shown(name)),
        BindingSource::Resource => "the resource asked for".to_owned(),
        BindingSource::Principal => "the principal asked for".to_owned(),
        BindingSource::Argument(name) => format!("argument {}", shown(name)),
        BindingSource::Constant(json) => format!("always {}", shown(json)),
        BindingSource::NamedArguments(list_of) => {
            let mut text = "the arguments asked for".to_owned();
            if !list_of.except.is_empty() {
                text.push_str(&format!(" but {}", list(&list_of.except, " and ")));
            }
            text
        }
    }
}

fn rate_class(class: &RateClass) -> Fact {
    let limits: Vec<String> = class
        .limits
        .iter()
        .map(|limit| {
            let scope = match &limit.scope {
                RateScope::Account => "for all its operations".to_owned(),
                RateScope::SystemOperation => "for each operation".to_owned(),
                RateScope::Resource(member) => format!("about each {}", shown(member)),
            };
            format!("{}/s {scope}", limit.per_second)
        })
        .collect();
    Fact::new(Section::RateClass, &class.id, class).part(
        "declared limit",
        if limits.is_empty() {
            "none".to_owned()
        } else {
            limits.join(", ")
        },
    )
}

fn value_type(value_type: ValueType) -> Option<String> {
    match value_type {
        ValueType::Text => None,
        ValueType::Integer => Some("whole number".to_owned()),
        ValueType::Boolean => Some("true or false".to_owned()),
    }
}

fn yes(truth: bool) -> Option<String> {
    truth.then(|| "yes".to_owned())
}

fn setting(setting: &SettingSchema) -> Fact {
    Fact::new(Section::Setting, &setting.name, setting)
        .part("is", shown(&setting.help))
        .part_if("secret", yes(setting.secret))
        .part_if("required", yes(setting.required))
        .part_if("says which system", yes(setting.identifies_system))
        .part_if("form", value_type(setting.value_type))
        .part_if("by default", setting.default_value.as_deref().map(shown))
        .part_if(
            "follows from",
            setting.derived_from.as_ref().map(|derived| {
                format!(
                    "setting {} before {}",
                    shown(&derived.setting),
                    shown(&derived.before)
                )
            }),
        )
}

fn kind(kind: &Kind) -> Fact {
    let traits: Vec<&str> = kind
        .traits
        .iter()
        .map(|one| match one {
            Trait::User => "user",
            Trait::Group => "group",
            Trait::Role => "role",
            Trait::App => "app",
            Trait::Secret => "secret",
        })
        .collect();
    let entitlements: Vec<String> = kind
        .entitlements
        .iter()
        .map(|one| {
            format!(
                "{} (for {})",
                shown(&one.slug),
                list(&one.grantable_to, ", ")
            )
        })
        .collect();
    let some = |words: String| (!words.is_empty()).then_some(words);
    Fact::new(Section::Kind, &kind.id, kind)
        .part("listed as", shown(&kind.plural))
        .part_if("is a", some(traits.join(", ")))
        .part_if("below", some(list(&kind.parents, ", ")))
        .part_if("can be held", some(entitlements.join(", ")))
        .part_if("grants by resource", yes(kind.grants_of_resource))
        .part_if("grants by principal", yes(kind.grants_of_principal))
        .part_if("accounts are made and deleted", yes(kind.accounts))
}

fn field(section: Section, field: &Field) -> Fact {
    Fact::new(section, &field.name, field)
        .part("is", shown(&field.help))
        .part_if("secret", yes(field.secret))
        .part_if("required", yes(field.required))
        .part_if("form", value_type(field.value_type))
        .part_if("id of", field.id_of.as_deref().map(shown))
}

fn action(action: &ActionSchema) -> Fact {
    let names = |fields: &[Field]| {
        let names: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
        (!names.is_empty()).then(|| list(&names, ", "))
    };
    Fact::new(Section::Action, &action.name, action)
        .part("is", shown(&action.help))
        .part_if("takes", names(&action.arguments))
        .part_if("gives", names(&action.results))
}

fn list(texts: &[String], between: &str) -> String {
    if texts.is_empty() {
        return String::new();
    }
    let shown: Vec<String> = texts.iter().map(|text| shown(text)).collect();
    shown.join(between)
}

/// A value that somebody else chose, with its beginning and its end: it can't pass for the
/// words around it.
fn quoted(text: &str) -> String {
    format!(
        "\"{}\"",
        shown(text).replace('\\', "\\\\").replace('"', "\\\"")
    )
}
