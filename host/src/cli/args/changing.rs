//! The commands that change something, and the one that helps to take changes back.

use clap::{Arg, ArgAction, Command, ValueHint};

use super::option;
use crate::provision::rules::DEFAULT_MAX_CHANGES;
use crate::trust::description::{Description, Field, ValueType};

/// The heading of the options that are fields of an account.
const FIELDS: &str = "Fields of the account";

pub(super) fn commands(description: &Description) -> Vec<Command> {
    vec![
        membership(
            Command::new("grant").about("Gives an entitlement to a principal"),
            "For example group:admins:member",
            "Who gets it, for example user:alice",
        ),
        membership(
            Command::new("revoke").about("Takes an entitlement from a principal"),
            "For example group:admins:member",
            "Who loses it, for example user:alice",
        ),
        account(description),
        Command::new("action")
            .about("What the connector can do beyond granting and creating")
            .subcommand_required(true)
            .subcommand(Command::new("list").about("Lists the actions and their arguments"))
            .subcommand(changing(
                Command::new("invoke")
                    .about("Does what an action is for")
                    .arg(
                        Arg::new("name")
                            .value_name("NAME")
                            .required(true)
                            .help("As `connector action list` shows it"),
                    )
                    .arg(
                        Arg::new("arguments")
                            .value_name("KEY=VALUE")
                            .num_args(0..)
                            .help("For example user_id=alice"),
                    ),
            )),
        Command::new("undo")
            .about("Prints the commands that take the changes of a run back, from its audit file")
            .arg(
                Arg::new("file")
                    .value_name("FILE")
                    .required(true)
                    .help("What --audit wrote")
                    .value_hint(ValueHint::FilePath),
            )
            .arg(option(
                "run",
                "ID",
                "Another run than the last one that changed something",
            )),
    ]
}

fn membership(command: Command, entitlement: &'static str, principal: &'static str) -> Command {
    changing(
        command
            .arg(
                Arg::new("entitlement")
                    .value_name("ENTITLEMENT")
                    .help(entitlement),
            )
            .arg(
                Arg::new("principal")
                    .value_name("PRINCIPAL")
                    .help(principal),
            ),
    )
}

fn account(description: &Description) -> Command {
    let create = Command::new("create")
        .about("Creates an account; nobody is notified unless asked for")
        .args(description.account_schema.iter().map(field))
        .arg(
            option(
                "attr",
                "NAME=VALUE",
                "A further attribute under the system's own name; may be repeated",
            )
            .allow_hyphen_values(true)
            .action(ArgAction::Append),
        )
        .arg(
            option(
                "fail-if-exists",
                "",
                "Ends with code 6 if the account is there already",
            )
            .value_name(None::<&str>)
            .action(ArgAction::SetTrue),
        );
    let delete = Command::new("delete")
        .about("Deletes an account; can't be taken back")
        .arg(
            Arg::new("account")
                .value_name("KIND:ID")
                .help("For example user:alice"),
        )
        .arg(
            option("yes", "", "Deletes without asking")
                .short('y')
                .value_name(None::<&str>)
                .action(ArgAction::SetTrue),
        );
    Command::new("account")
        .about("Creates and deletes accounts")
        .subcommand_required(true)
        .subcommand(changing(create))
        .subcommand(changing(delete))
}

/// Options that belong to one change and would be dangerous in a file that is always read:
/// a standing `yes`, or a name that every new account gets.
pub(super) fn only_typed(command: &Command, name: &str) -> bool {
    let create = command
        .find_subcommand("account")
        .and_then(|account| account.find_subcommand("create"));
    let is_field = create.is_some_and(|create| {
        create
            .get_arguments()
            .filter(|arg| arg.get_help_heading() == Some(FIELDS))
            .any(|arg| arg.get_long() == Some(name))
    });
    is_field
        || [
            "yes",
            "from",
            "attr",
            "run",
            "head",
            "allow-shrink",
            "replace",
        ]
        .contains(&name)
}

/// What every changing command has.
fn changing(command: Command) -> Command {
    command
        .arg(
            option(
                "from",
                "FILE",
                "Many changes: a CSV file with a header, or JSON lines; `-` is standard input",
            )
            .value_hint(ValueHint::FilePath),
        )
        .arg(option(
            "max-changes",
            "N",
            &format!(
                "Refuses to begin if more changes are asked for; {DEFAULT_MAX_CHANGES} by default"
            ),
        ))
        .arg(
            option("dry-run", "", "Only looks, and says what would change")
                .value_name(None::<&str>)
                .action(ArgAction::SetTrue),
        )
}

/// The option of a field of an account.
fn field(field: &Field) -> Arg {
    let name = option_of_field(&field.name);
    let arg = Arg::new(name.clone())
        .long(name.clone())
        .help(format!("{} [env: {}]", field.help, super::variable(&name)))
        .help_heading(FIELDS);
    match field.value_type {
        ValueType::Boolean => arg.action(ArgAction::SetTrue),
        ValueType::Text | ValueType::Integer => arg.value_name("VALUE").allow_hyphen_values(true),
    }
}

/// The name of a field as an option: lower-case words joined by hyphens.
pub(in crate::cli) fn option_of_field(name: &str) -> String {
    let mut option = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '_' => option.push('-'),
            c if c.is_uppercase() => {
                option.push('-');
                option.extend(c.to_lowercase());
            }
            c => option.push(c),
        }
    }
    option
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_an_option_of_hyphenated_words() {
        for (field, option) in [
            ("email", "email"),
            ("given_name", "given-name"),
            ("sendInviteEmail", "send-invite-email"),
        ] {
            assert_eq!(option_of_field(field), option);
        }
    }
}
