//! From what was typed to the change or the changes that are meant.

use std::fs::File;
use std::io::{self, Read};

use super::super::args::option_of_field;
use super::super::exit::{ExitCode, Failure};
use super::super::{Session, resource_id};
use crate::change::{Change, Fields, Membership};
use crate::model::{AttributeValue, EntitlementId, ResourceId};
use crate::provision::check;
use crate::provision::rows::{self, Row, Wanted};
use crate::trust::description::{Description, ValueType};

/// What is asked for.
pub(super) enum Asked {
    /// One change.
    One(Change),
    /// The rows of a file.
    Many {
        /// Its name.
        file: String,
        /// What it asks for.
        rows: Vec<Row>,
    },
}

impl Session<'_> {
    /// The change or the changes that were asked for.
    pub(super) fn asked(&self, command: &str) -> Result<Asked, Failure> {
        let description = &self.component.record.approved;
        let typed = |name: &str| self.matches.get_one::<String>(name).cloned();
        if let Some(file) = self.layers.option(self.matches, "from") {
            if let Some(given) = self.one_change_too(command)? {
                return Err(Failure::new(
                    ExitCode::Usage,
                    format!(
                        "`{command}` takes either --from FILE or one change, and {given} is given \
                         too, typed or by its variable"
                    ),
                ));
            }
            let rows = read_rows(&file, &self.wanted(command)?)?;
            return Ok(Asked::Many { file, rows });
        }
        let missing = |what: &str| {
            Failure::new(
                ExitCode::Usage,
                format!("`{command}` needs {what}, or --from FILE"),
            )
            .hint(format!("see `connector {command} --help`"))
        };
        Ok(Asked::One(match command {
            "grant" | "revoke" => {
                let what = "ENTITLEMENT and PRINCIPAL";
                let entitlement = typed("entitlement").ok_or_else(|| missing(what))?;
                let principal = typed("principal").ok_or_else(|| missing(what))?;
                let entitlement = entitlement_id(&entitlement, &principal, description)?;
                let principal = resource_id(Some(principal))?;
                let membership = Membership {
                    entitlement,
                    principal,
                };
                match command {
                    "grant" => Change::Grant(membership),
                    _ => Change::Revoke(membership),
                }
            }
            "account create" => Change::CreateAccount {
                kind: account_kind(description)?.to_owned(),
                fields: self.fields()?,
            },
            "account delete" => Change::DeleteAccount {
                account: resource_id(Some(typed("account").ok_or_else(|| missing("KIND:ID"))?))?,
            },
            _ => Change::Invoke {
                action: typed("name").unwrap_or_default(),
                arguments: named_values(
                    self.matches
                        .get_many::<String>("arguments")
                        .into_iter()
                        .flatten(),
                    "argument",
                )?,
            },
        }))
    }

    /// What was given of a single change, besides a file.
    fn one_change_too(&self, command: &str) -> Result<Option<String>, Failure> {
        let positionals = ["entitlement", "principal", "account", "arguments"];
        let has = |name: &&&str| self.matches.try_contains_id(name).unwrap_or(false);
        if let Some(name) = positionals.iter().find(has) {
            return Ok(Some(name.to_uppercase()));
        }
        if command != "account create" {
            return Ok(None);
        }
        for field in &self.component.record.approved.account_schema {
            let option = option_of_field(&field.name);
            let is_given = match field.value_type {
                ValueType::Boolean => self.layers.switch(self.matches, &option)?,
                ValueType::Text | ValueType::Integer => {
                    self.layers.option(self.matches, &option).is_some()
                }
            };
            if is_given {
                return Ok(Some(format!("--{option}")));
            }
        }
        let attributes = self.layers.values(self.matches, "attr");
        Ok((!attributes.is_empty()).then(|| "--attr".to_owned()))
    }

    fn wanted(&self, command: &str) -> Result<Wanted<'_>, Failure> {
        let description = &self.component.record.approved;
        Ok(match command {
            "grant" => Wanted::Grant,
            "revoke" => Wanted::Revoke,
            "account create" => Wanted::CreateAccount {
                kind: account_kind(description)?,
                schema: &description.account_schema,
            },
            "account delete" => Wanted::DeleteAccount,
            _ => {
                let name = self.matches.get_one::<String>("name");
                let name = name.map(String::as_str).unwrap_or_default();
                Wanted::Invoke {
                    action: check::action(name, description)?,
                }
            }
        })
    }

    /// The fields of an account as they were typed.
    fn fields(&self) -> Result<Fields, Failure> {
        let description = &self.component.record.approved;
        let mut fields = Fields::new();
        for field in &description.account_schema {
            let option = option_of_field(&field.name);
            match field.value_type {
                ValueType::Boolean => {
                    if self.layers.switch(self.matches, &option)? {
                        fields.push((field.name.clone(), AttributeValue::Boolean(true)));
                    }
                }
                ValueType::Text | ValueType::Integer => {
                    if let Some(value) = self.layers.option(self.matches, &option) {
                        fields.push((field.name.clone(), AttributeValue::Text(value)));
                    }
                }
            }
        }
        // Values may hold commas, so they are not joined like those of other options.
        let attributes = self.layers.values(self.matches, "attr");
        fields.extend(named_values(&attributes, "attribute")?);
        Ok(fields)
    }
}

/// The entitlement, with a guess at what was meant where it is none.
fn entitlement_id(
    text: &str,
    principal: &str,
    description: &Description,
) -> Result<EntitlementId, Failure> {
    let error = match text.parse::<EntitlementId>() {
        Ok(entitlement) => return Ok(entitlement),
        Err(error) => Failure::new(ExitCode::Invalid, error.to_string()),
    };
    if principal.parse::<EntitlementId>().is_ok() {
        return Err(error.hint("the entitlement comes first, then who holds it"));
    }
    let slugs = text.parse::<ResourceId>().ok().and_then(|resource| {
        let kind = description.kind(&resource.kind)?;
        Some(kind.entitlements.iter().map(|schema| schema.slug.clone()))
    });
    match slugs.and_then(|mut slugs| slugs.next()) {
        Some(slug) => Err(error.hint(format!("did you mean {text}:{slug}?"))),
        None => Err(error),
    }
}

fn account_kind(description: &Description) -> Result<&str, Failure> {
    description
        .kinds
        .iter()
        .find(|kind| kind.accounts)
        .map(|kind| kind.id.as_str())
        .ok_or_else(|| {
            Failure::new(
                ExitCode::Lacking,
                "this connector has no accounts that can be created",
            )
        })
}

/// `NAME=VALUE`, with everything after the first `=` as the value.
fn named_values<'a>(
    texts: impl IntoIterator<Item = &'a String>,
    what: &str,
) -> Result<Fields, Failure> {
    texts
        .into_iter()
        .map(|text| match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                Ok((name.to_owned(), AttributeValue::Text(value.to_owned())))
            }
            _ => Err(Failure::new(
                ExitCode::Invalid,
                format!("an {what} is written NAME=VALUE, and one has no name or no `=`"),
            )),
        })
        .collect()
}

fn read_rows(file: &str, wanted: &Wanted<'_>) -> Result<Vec<Row>, Failure> {
    let failed = |why: String| Failure::new(ExitCode::Invalid, format!("{file}: {why}"));
    let source: Box<dyn Read> = if file == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(file).map_err(|error| failed(format!("it can't be read: {error}")))?)
    };
    rows::read(source, wanted)
        .map_err(|error| failed(error.to_string()).hint("nothing was changed"))
}
