//! The part of a description that becomes policy: origins, operations, bindings, paces.

use std::collections::BTreeSet;

use super::{Sound, Unsound, hyphenated, known_kind, known_setting, refuse, unique};
use crate::egress::Origin;
use crate::trust::description::{
    Access, Authentication, Binding, BindingSource, Description, Operation, Protocol, RateClass,
    RateScope, Route, Wire,
};
use crate::trust::text::shown;

/// The contract functions that may send something, and whether one changes anything.
const FUNCTIONS: [(&str, bool); 12] = [
    ("sync.system", false),
    ("sync.estimate", false),
    ("sync.list-resources", false),
    ("sync.get-resource", false),
    ("sync.find-listed", false),
    ("sync.list-entitlements", false),
    ("sync.list-grants", false),
    ("provisioning.check-account", false),
    ("provisioning.grant", true),
    ("provisioning.revoke", true),
    ("provisioning.create-account", true),
    ("provisioning.delete-account", true),
];
/// What stands before the name of an action.
const INVOKE: &str = "actions.invoke/";
/// The function whose arguments are the fields of an account.
const CREATE_ACCOUNT: &str = "provisioning.create-account";

/// Operations of a component. The bundled one has twelve, and a person has to read all.
const OPERATIONS: usize = 100;

/// Methods of requests. `CONNECT` and `TRACE` are none that a service of records has.
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
/// Methods that change something by their definition (RFC 9110, RFC 5789).
const CHANGING_METHODS: [&str; 3] = ["PUT", "PATCH", "DELETE"];

pub(super) fn check(description: &Description) -> Sound {
    let wire = &description.wire;
    origins(description)?;
    authentication(description)?;
    if let Protocol::AwsJson(prefix) = &wire.protocol {
        let is_name = !prefix.is_empty()
            && prefix
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.');
        if !is_name || prefix.starts_with('.') || prefix.ends_with('.') {
            return refuse(format!(
                "the prefix of its operations is `{}`, which is no name of a service",
                shown(prefix)
            ));
        }
    }
    unique(
        "rate class",
        wire.rate_classes.iter().map(|class| class.id.as_str()),
    )?;
    for class in &wire.rate_classes {
        hyphenated("the id of a rate class", &class.id)?;
        if class.id == "unlimited" {
            return refuse("a rate class is called `unlimited`, which --max-rate means otherwise");
        }
        if class.limits.iter().any(|limit| limit.per_second == 0) {
            return refuse(format!(
                "the rate class `{}` has a limit of 0 requests per second",
                class.id
            ));
        }
        if let Some(member) = class.limits.iter().find_map(|limit| match &limit.scope {
            RateScope::Resource(member) if !is_bound(wire, class, member) => Some(member),
            _ => None,
        }) {
            return refuse(format!(
                "the rate class `{}` has a limit about each `{}`, which none of its operations \
                 fixes",
                class.id,
                shown(member)
            ));
        }
    }
    unique(
        "operation",
        wire.operations.iter().map(|one| one.name.as_str()),
    )?;
    if wire.operations.len() > OPERATIONS {
        return refuse(format!(
            "it asks for {} operations; nobody approves more than {OPERATIONS} knowingly",
            wire.operations.len()
        ));
    }
    let mut routes = BTreeSet::new();
    for one in &wire.operations {
        operation(description, one)?;
        if let Some(route) = &one.route
            && !routes.insert((route.method.clone(), shape(route)))
        {
            return refuse(format!(
                "the operation `{}` has the same route as another",
                shown(&one.name)
            ));
        }
    }
    if let Some(name) = &wire.resource_name {
        for placeholder in placeholders(name) {
            if !["partition", "account-id"].contains(&placeholder) {
                not_secret(
                    description,
                    placeholder,
                    "stands in the name that rights are granted on",
                )?;
            }
        }
    }
    Ok(())
}

fn origins(description: &Description) -> Sound {
    let origins = &description.wire.origins;
    if origins.is_empty() {
        return refuse("it does not say where its requests go");
    }
    for origin in origins {
        let settings =
            Origin::check_template(&origin.template).map_err(|error| Unsound(error.to_string()))?;
        for name in &settings {
            not_secret(description, name, "stands in an origin")?;
        }
        if let Some(when) = &origin.when {
            known_setting(description, &when.setting, "decides about an origin")?;
            if when.prefixes.is_empty() {
                return refuse(format!(
                    "the origin `{}` applies to no value of the setting `{}`",
                    shown(&origin.template),
                    when.setting
                ));
            }
            // An empty one would hold for every value, and others would be misread.
            if let Some(prefix) = when.prefixes.iter().find(|prefix| !is_prefix(prefix)) {
                return refuse(format!(
                    "the origin `{}` applies where a setting begins with `{}`; that must be \
                     lower-case letters, digits and hyphens",
                    shown(&origin.template),
                    shown(prefix)
                ));
            }
        }
    }
    Ok(())
}

fn is_prefix(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !text.is_empty() && text.bytes().all(is_plain)
}

/// A name that can't be read as anything else where it stands in a list or a sentence.
fn is_word(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"_-.:/~$@?{}[]".contains(&b);
    !text.is_empty() && text.bytes().all(is_plain)
}

fn not_secret(description: &Description, name: &str, role: &str) -> Sound {
    if known_setting(description, name, role)?.secret {
        return refuse(format!("the setting `{name}` {role}, and it is secret"));
    }
    Ok(())
}

fn secret(description: &Description, name: &str, role: &str) -> Sound {
    if !known_setting(description, name, role)?.secret {
        return refuse(format!(
            "the setting `{name}` {role}, and it is not declared secret"
        ));
    }
    Ok(())
}

fn authentication(description: &Description) -> Sound {
    match &description.wire.authentication {
        Authentication::None => Ok(()),
        Authentication::Bearer(setting) => secret(description, setting, "is its token"),
        Authentication::Sigv4(sigv4) => {
            hyphenated("the AWS service", &sigv4.service)?;
            known_setting(description, &sigv4.region_setting, "is its AWS region")?;
            known_setting(
                description,
                &sigv4.access_key_id_setting,
                "is its access key id",
            )?;
            secret(
                description,
                &sigv4.secret_access_key_setting,
                "is its secret access key",
            )?;
            secret(
                description,
                &sigv4.session_token_setting,
                "is its session token",
            )
        }
    }
}

/// Whether an operation of a class fixes a member: otherwise a limit by it would never hold.
fn is_bound(wire: &Wire, class: &RateClass, member: &str) -> bool {
    wire.operations
        .iter()
        .filter(|operation| operation.rate_class == class.id)
        .any(|operation| operation.bound.iter().any(|bound| bound.member == member))
}

fn operation(description: &Description, operation: &Operation) -> Sound {
    let wire = &description.wire;
    let name = shown(&operation.name);
    if !is_word(&operation.name) {
        return refuse(format!("the operation `{name}` has no plain name"));
    }
    if let Some(right) = &operation.permission
        && !is_word(&right.replace('*', ""))
    {
        return refuse(format!(
            "the right of the operation `{name}` is `{}`, which is no name of a right",
            shown(right)
        ));
    }
    if !wire
        .rate_classes
        .iter()
        .any(|class| class.id == operation.rate_class)
    {
        return refuse(format!(
            "the operation `{name}` is of the rate class `{}`, and there is no such class",
            shown(&operation.rate_class)
        ));
    }
    for kind in &operation.kinds {
        known_kind(description, kind, &format!("is what `{name}` is for"))?;
    }
    for function in &operation.functions {
        let changes = known_function(description, function).ok_or_else(|| {
            Unsound(format!(
                "the operation `{name}` is sent by `{}`, and no function of the contract that \
                 may send something is called so",
                shown(function)
            ))
        })?;
        if operation.access == Access::Change && !changes {
            return refuse(format!(
                "the operation `{name}` changes something and is sent by {function}, which only reads"
            ));
        }
    }
    let in_path = match (&wire.protocol, &operation.route) {
        (Protocol::AwsJson(_), None) => Vec::new(),
        (Protocol::AwsJson(_), Some(_)) => {
            return refuse(format!(
                "the operation `{name}` has a route, which its protocol has no use for"
            ));
        }
        (Protocol::Http, None) => {
            return refuse(format!("the operation `{name}` has no route"));
        }
        (Protocol::Http, Some(route)) => checked_route(operation, route)?,
    };
    let in_query = matches!(wire.protocol, Protocol::Http);
    unique("free member", operation.members.iter().map(String::as_str))?;
    for member in &operation.members {
        let is_there = match member.strip_prefix('?') {
            Some(parameter) => in_query && is_parameter(parameter),
            None => is_word(member) && !member.contains('/'),
        };
        if !is_there {
            return refuse(format!(
                "the operation `{name}` may send `{}`, which is no member of a body or a query",
                shown(member)
            ));
        }
    }
    for bound in &operation.bound {
        binding(description, operation, bound, &in_path, in_query)?;
        if let Some(free) = operation
            .members
            .iter()
            .find(|free| covers(free, &bound.member))
        {
            return refuse(format!(
                "the operation `{name}` fixes `{}`, and may send anything as `{}`",
                shown(&bound.member),
                shown(free)
            ));
        }
    }
    Ok(())
}

/// Whether a free member is a bound one, or has it inside.
fn covers(free: &str, bound: &str) -> bool {
    match bound.strip_prefix('/') {
        Some(pointer) => {
            let top = pointer.split('/').next().unwrap_or_default();
            top.replace("~1", "/").replace("~0", "~") == free
        }
        None => free == bound,
    }
}

/// A name of a parameter that every server reads alike.
fn is_parameter(name: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~$[]".contains(&b);
    !name.is_empty() && name.bytes().all(is_plain)
}

/// Whether a contract function changes something; `None` if there is no such function.
fn known_function(description: &Description, name: &str) -> Option<bool> {
    match name.strip_prefix(INVOKE) {
        Some(action) => description.action(action).map(|_| true),
        None => FUNCTIONS
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, changes)| *changes),
    }
}

/// The placeholders of a route that can be recognised in a request.
fn checked_route<'a>(operation: &Operation, route: &'a Route) -> Result<Vec<&'a str>, Unsound> {
    let name = shown(&operation.name);
    let shown_route = format!("{} {}", shown(&route.method), shown(&route.path));
    if !METHODS.contains(&route.method.as_str()) {
        return refuse(format!(
            "the operation `{name}` is `{shown_route}`, and the methods are {}",
            METHODS.join(", ")
        ));
    }
    if operation.access == Access::Read && CHANGING_METHODS.contains(&route.method.as_str()) {
        return refuse(format!(
            "the operation `{name}` is said to read only and is `{shown_route}`"
        ));
    }
    let malformed = |why: &str| {
        refuse(format!(
            "the operation `{name}` is `{shown_route}`, and {why}"
        ))
    };
    let Some(path) = route.path.strip_prefix('/') else {
        return malformed("a path begins with /");
    };
    let mut names = Vec::new();
    for segment in path.split('/').filter(|_| !path.is_empty()) {
        match segment
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
        {
            Some(name) if names.contains(&name) => {
                return malformed("a placeholder stands twice in its path");
            }
            Some(name) if is_word(name) && !name.contains(['{', '}']) => names.push(name),
            Some(_) => return malformed("a placeholder of its path has no name"),
            None => {
                let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@".contains(&b);
                if segment.is_empty()
                    || segment == "."
                    || segment == ".."
                    || !segment.bytes().all(plain)
                {
                    return malformed("its path can't be recognised in a request");
                }
            }
        }
    }
    Ok(names)
}

/// A route without the names of its placeholders: two of one shape can't be told apart.
fn shape(route: &Route) -> String {
    let segments: Vec<&str> = route
        .path
        .split('/')
        .map(|segment| {
            if segment.starts_with('{') {
                "{}"
            } else {
                segment
            }
        })
        .collect();
    segments.join("/")
}

fn binding(
    description: &Description,
    operation: &Operation,
    binding: &Binding,
    in_path: &[&str],
    in_query: bool,
) -> Sound {
    let name = shown(&operation.name);
    let member = shown(&binding.member);
    let placeholder = binding
        .member
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    match placeholder {
        Some(placeholder) if in_path.contains(&placeholder) => {}
        Some(_) => {
            return refuse(format!(
                "the operation `{name}` fixes `{member}`, which its path does not have"
            ));
        }
        None => {
            let is_place = match binding.member.strip_prefix('?') {
                Some(parameter) => in_query && is_parameter(parameter),
                None => {
                    binding.member.starts_with('/')
                        && binding.member.len() > 1
                        && is_word(&binding.member)
                }
            };
            if !is_place {
                return refuse(format!(
                    "the operation `{name}` fixes `{member}`, which is no place in a body, a path \
                     or a query"
                ));
            }
        }
    }
    for function in &binding.functions {
        if !operation.functions.contains(function) {
            return refuse(format!(
                "the operation `{name}` fixes `{member}` in `{}`, which does not send it",
                shown(function)
            ));
        }
    }
    if binding.sources.is_empty() {
        return refuse(format!(
            "the operation `{name}` fixes `{member}` to nothing, so it could never be sent"
        ));
    }
    if let Some(when) = &binding.when {
        known_argument(description, operation, binding, &when.argument)?;
    }
    for source in &binding.sources {
        known_source(description, operation, binding, source)?;
    }
    Ok(())
}

fn known_source(
    description: &Description,
    operation: &Operation,
    binding: &Binding,
    source: &BindingSource,
) -> Sound {
    match source {
        BindingSource::Setting(name) => {
            let role = format!("fixes a member of `{}`", shown(&operation.name));
            known_setting(description, name, &role).map(|_| ())
        }
        BindingSource::Argument(name) => known_argument(description, operation, binding, name),
        BindingSource::Constant(json) => {
            let is_text = !binding.member.starts_with('/');
            match serde_json::from_str(json) {
                Ok(serde_json::Value::String(_)) => Ok(()),
                Ok(_) if !is_text => Ok(()),
                _ => refuse(format!(
                    "the operation `{}` fixes `{}` to `{}`, which can't stand there",
                    shown(&operation.name),
                    shown(&binding.member),
                    shown(json)
                )),
            }
        }
        BindingSource::NamedArguments(list) => {
            let is_list = !list.name_member.is_empty()
                && !list.value_member.is_empty()
                && list.name_member != list.value_member;
            if is_list && binding.member.starts_with('/') {
                return Ok(());
            }
            refuse(format!(
                "the operation `{}` fixes `{}` to a list of arguments, which can't stand there",
                shown(&operation.name),
                shown(&binding.member)
            ))
        }
        BindingSource::Resource | BindingSource::Principal => Ok(()),
    }
}

fn known_argument(
    description: &Description,
    operation: &Operation,
    binding: &Binding,
    name: &str,
) -> Sound {
    let functions = if binding.functions.is_empty() {
        &operation.functions
    } else {
        &binding.functions
    };
    if functions
        .iter()
        .any(|function| has_argument(description, function, name))
    {
        return Ok(());
    }
    refuse(format!(
        "the operation `{}` fixes `{}` by the argument `{}`, which no call that sends it has",
        shown(&operation.name),
        shown(&binding.member),
        shown(name)
    ))
}

fn has_argument(description: &Description, function: &str, name: &str) -> bool {
    let fields = match function.strip_prefix(INVOKE) {
        Some(action) => description.action(action).map(|action| &action.arguments),
        None if function == CREATE_ACCOUNT || function == "provisioning.check-account" => {
            Some(&description.account_schema)
        }
        None => None,
    };
    fields.is_some_and(|fields| fields.iter().any(|field| field.name == name))
}

fn placeholders(template: &str) -> impl Iterator<Item = &str> {
    template
        .split('{')
        .skip(1)
        .filter_map(|after| after.split_once('}'))
        .map(|(name, _)| name)
}

#[cfg(test)]
#[cfg(feature = "sandbox")]
mod tests {
    use super::*;
    use crate::contract::Function;

    #[test]
    fn the_functions_are_those_of_the_contract_that_may_send_something() {
        let mut contract: Vec<&str> = [
            Function::System,
            Function::Estimate,
            Function::ListResources,
            Function::GetResource,
            Function::FindListed,
            Function::ListEntitlements,
            Function::ListGrants,
            Function::CheckAccount,
            Function::Grant,
            Function::Revoke,
            Function::CreateAccount,
            Function::DeleteAccount,
        ]
        .map(Function::name)
        .into();
        contract.sort_unstable();
        let mut known = FUNCTIONS.map(|(name, _)| name).to_vec();
        known.sort_unstable();
        assert_eq!(known, contract);
        assert_eq!(INVOKE, format!("{}/", Function::Invoke.name()));
    }
}
