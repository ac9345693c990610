//! What can be typed: commands and options, the connector's settings among them.
//!
//! The parser only checks forms and reads no environment; where a value comes from in
//! the end is decided in `layers`.

mod audit;
mod changing;

use clap::{Arg, ArgAction, Command, ValueHint};

pub(super) use changing::option_of_field;

use super::variables::{baton_variable, variable};
use crate::trust::description::Description;

/// The setting that names an endpoint instead of the service's own; every connector has
/// it.
pub(super) const ENDPOINT_SETTING: &str = "endpoint-url";

/// Settings that are not options: the host itself decides them.
pub(super) const HOST_SETTINGS: &[&str] = &["max-attempts"];

/// The options that every command has, besides the settings.
const GLOBAL: &[&str] = &[
    "config",
    "plugin",
    "plugin-sha256",
    "trust",
    "store",
    "max-rate",
    "rate-store",
    "limit",
    "profile",
    "role-arn",
    "external-id",
    "scope-credentials",
    "credentials",
    "output",
    "provisioning",
    "audit",
    "quiet",
    "log-level",
];

/// The list of resources that no command changes. Only the configuration file has it: an
/// option or a variable would replace the list where it should add to it.
pub(super) const PROTECT: &str = "protect";

/// Names that are no options and mean something all the same: `CONNECTOR_CACHE`, the list
/// above, and what every command line has.
const MORE_TAKEN: [&str; 4] = ["cache", PROTECT, "help", "version"];

/// The id of a setting's argument. Positional arguments have ids too, and a setting may be
/// called like one of them.
pub(super) fn setting_id(name: &str) -> String {
    format!("setting:{name}")
}

/// The options that no connector may have as a setting or as a field.
pub(super) fn taken(description: &Description) -> Vec<String> {
    let mut bare = description.clone();
    bare.settings.clear();
    bare.account_schema.clear();
    let command = command(&bare, true);
    every_command(&command)
        .into_iter()
        .flat_map(Command::get_arguments)
        .filter_map(Arg::get_long)
        .chain(MORE_TAKEN)
        .map(str::to_owned)
        .collect()
}

/// A command with all commands below it.
fn every_command(command: &Command) -> Vec<&Command> {
    let mut found = vec![command];
    for below in command.get_subcommands() {
        found.extend(every_command(below));
    }
    found
}

/// The whole command line for a connector.
pub(super) fn command(description: &Description, is_bundled: bool) -> Command {
    let whose = if is_bundled {
        "is built in"
    } else {
        "was named with --plugin and approved"
    };
    let mut command = Command::new("connector")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Reads the users, groups and memberships of an identity system, and changes them")
        .long_about(format!(
            "Reads the users, groups and memberships of an identity system into a local store, and \
             changes them where --provisioning permits it.\n\n\
             The connector for {} {whose}. It runs in a sandbox: it can reach the service \
             and nothing else.",
            description.display_name
        ))
        .after_help(
            "--help shows the settings of the connector (pool, region, keys) too. Options and settings \
             may also come from the environment and from connector.toml.",
        )
        .subcommand_required(true)
        .max_term_width(100);
    for setting in &description.settings {
        if HOST_SETTINGS.contains(&setting.name.as_str()) {
            continue;
        }
        let mut help = setting.help.clone();
        if setting.secret {
            help.push_str(
                " Better given by the environment: a command line can be seen by other users.",
            );
        }
        help.push_str(&format!(
            " [env: {}, {}]",
            variable(&setting.name),
            baton_variable(&setting.name)
        ));
        command = command.arg(
            Arg::new(setting_id(&setting.name))
                .long(setting.name.clone())
                .value_name(if setting.secret { "SECRET" } else { "VALUE" })
                .help(help)
                .help_heading("Settings of the connector")
                // Fifty lines that are the same for every command would hide its own.
                .hide_short_help(true)
                .global(true),
        );
    }
    for arg in global_options() {
        command = command.arg(arg);
    }
    command.subcommands(subcommands(description))
}

/// All names that a configuration file may set.
pub(super) fn names(command: &Command) -> Vec<String> {
    let own = command.get_arguments();
    let subcommands = command
        .get_subcommands()
        .flat_map(|command| std::iter::once(command).chain(command.get_subcommands()));
    let mut names: Vec<String> = own
        .chain(subcommands.flat_map(Command::get_arguments))
        .filter_map(|arg| arg.get_long())
        .filter(|name| !["help", "version", "config"].contains(name))
        .filter(|name| !changing::only_typed(command, name))
        .chain([PROTECT])
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    names
}

fn option(name: &'static str, value: &'static str, help: &str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name(value)
        .help(format!("{help} [env: {}]", variable(name)))
}

fn global_options() -> Vec<Arg> {
    let options = vec![
        option(
            "config",
            "FILE",
            "Configuration file; connector.toml if present",
        )
        .value_hint(ValueHint::FilePath),
        option(
            "plugin",
            "FILE",
            "Runs another component than the bundled one; `plugin trust` approves it",
        )
        .value_hint(ValueHint::FilePath),
        option(
            "plugin-sha256",
            "HEX",
            "Refuses every component but the one with this digest",
        ),
        option(
            "trust",
            "FILE",
            "The approved components; connector.trust.json beside the configuration file by default",
        )
        .value_hint(ValueHint::FilePath),
        option(
            "store",
            "FILE",
            "The store of snapshots; connector.db by default",
        )
        .value_hint(ValueHint::FilePath),
        option(
            "max-rate",
            "RATE",
            "Pace of requests: `unlimited`, CLASS=RPS or CLASS=unlimited; may be repeated",
        )
        .allow_hyphen_values(true)
        .action(ArgAction::Append),
        option(
            "rate-store",
            "URL",
            "A Redis or Valkey server through which machines share their pace: redis://HOST:PORT",
        )
        .value_hint(ValueHint::Url),
        option(
            "limit",
            "NAME=VALUE",
            "A limit of the sandbox, such as memory=128MiB; may be repeated. docs/limits.md lists them",
        )
        .allow_hyphen_values(true)
        .action(ArgAction::Append),
        option(
            "profile",
            "NAME",
            "Profile of the AWS configuration files to take credentials from",
        ),
        option(
            "role-arn",
            "ARN",
            "The role to assume with the given key or the credentials of the AWS chain",
        ),
        option(
            "external-id",
            "ID",
            "What the owner of the role wants to hear when it is assumed",
        ),
        option(
            "scope-credentials",
            "",
            "Assumes the role for this system only, reading only unless changes are permitted, \
             so that AWS too refuses everything else",
        )
        .value_name(None::<&str>)
        .action(ArgAction::SetTrue),
        option(
            "credentials",
            "WHO",
            "Who holds the real keys: sealed (the host signs, the default) or pass (the component)",
        ),
        option(
            "output",
            "FORMAT",
            "How results are printed: table, json, jsonl or csv",
        )
        .short('o'),
        option("provisioning", "", "")
            .short('p')
            .help(format!(
            "Permits changes; without it no changing command sends anything [env: {}, {}]",
            variable("provisioning"),
            baton_variable("provisioning")
        ))
        .value_name(None::<&str>)
        .action(ArgAction::SetTrue),
        option(
            "audit",
            "FILE",
            "Appends a record of every request, and of every change with the state before and after",
        )
        .value_hint(ValueHint::FilePath),
        option("quiet", "", "No progress, no warnings and no summary on standard error")
            .short('q')
            .value_name(None::<&str>)
            .action(ArgAction::SetTrue),
        option(
            "log-level",
            "LEVEL",
            "What is logged to standard error: off, error, warn, info, debug or trace",
        ),
    ];
    debug_assert!(
        options
            .iter()
            .map(|arg| arg.get_id().as_str())
            .eq(GLOBAL.iter().copied())
    );
    options
        .into_iter()
        .map(|arg| arg.global(true).help_heading("Options of every command"))
        .collect()
}

fn subcommands(description: &Description) -> Vec<Command> {
    let plurals: Vec<&str> = description
        .kinds
        .iter()
        .map(|kind| kind.plural.as_str())
        .collect();
    let lists = format!("{}, entitlements or grants", plurals.join(", "));
    let resource = |help: &'static str| {
        Arg::new("resource")
            .value_name("KIND:ID")
            .required(true)
            .help(help)
    };
    let run = || {
        option(
            "sync",
            "ID",
            "Another run than the current snapshot, as `connector syncs` shows it",
        )
    };
    let mut commands = vec![
        Command::new("sync")
            .about("Reads everything into the store and makes it the current snapshot")
            .arg(option(
                "only",
                "KINDS",
                "Reads less than everything, for example `users,groups`; the rest is unknown then",
            ))
            .arg(
                option(
                    "omit-attr",
                    "NAME",
                    "Keeps an attribute out of the store, of whatever kind; may be repeated",
                )
                .action(ArgAction::Append),
            )
            .arg(option(
                "workers",
                "N",
                "How many pages are read side by side, 1 to 32; by default 4 and one for each shard",
            ))
            .arg(option(
                "plan",
                "PLAN",
                "How memberships are read: by-group (the default) or by-user, which takes one request for each user",
            ))
            .arg(option(
                "shards",
                "N",
                "Lists users in parts and up to N of them side by side, 1 to 16; for when latency and not quota is the limit",
            ))
            .arg(
                option(
                    "allow-shrink",
                    "",
                    "Publishes a snapshot although it lost much of what the last one had",
                )
                .value_name(None::<&str>)
                .action(ArgAction::SetTrue),
            )
            .arg(
                option(
                    "fresh",
                    "",
                    "Begins anew, also where an interrupted sync could be gone on with",
                )
                .value_name(None::<&str>)
                .action(ArgAction::SetTrue),
            )
            .arg(option(
                "fail-on-change",
                "KINDS",
                "Ends with 1 if these are not as in the last snapshot: users, groups, entitlements, grants (several with commas) or any",
            ))
            .arg(option(
                "keep",
                "N",
                "How many snapshots the store keeps from now on; 2 if that was never said",
            )),
        Command::new("list")
            .about("Lists rows of the current snapshot")
            .arg(
                Arg::new("what")
                    .value_name("WHAT")
                    .required(true)
                    .help(lists),
            )
            .arg(run()),
        Command::new("show")
            .about(
                "Shows one resource of the current snapshot, with what it holds and who holds it",
            )
            .arg(resource("For example user:alice or group:admins"))
            .arg(run()),
        Command::new("stats")
            .about("Counts what is in the current snapshot")
            .arg(run()),
        Command::new("diff")
            .about("Shows what changed between two snapshots; ends with code 1 if anything did")
            .arg(
                Arg::new("from")
                    .value_name("FROM")
                    .help("The older side, as `connector syncs` shows it; the snapshot before the current one if it is left out"),
            )
            .arg(
                Arg::new("to")
                    .value_name("TO")
                    .help("The newer side; the current snapshot if it is left out"),
            )
            .arg(
                option(
                    "store-b",
                    "FILE",
                    "Looks for TO in this store; FROM is then the current snapshot of --store if left out",
                )
                .value_hint(ValueHint::FilePath),
            ),
        Command::new("syncs").about("Lists the runs in the store and their state"),
        Command::new("get")
            .about("Reads one resource from the service, as it is now")
            .arg(resource("For example user:alice or group:admins")),
        Command::new("validate")
            .about("Checks settings, credentials and rights, with reading requests only"),
        Command::new("capabilities")
            .about("Prints what the connector can do, in the form that Baton connectors have"),
        Command::new("config-schema")
            .about("Prints the settings of the connector, in the form that Baton connectors have"),
        Command::new("iam-policy")
            .about("Prints the least policy that the connector needs on this system")
            .arg(
                option(
                    "read-only",
                    "",
                    "Only what a sync, `get` and `validate` need, and no change",
                )
                .value_name(None::<&str>)
                .action(ArgAction::SetTrue),
            )
            .arg(option(
                "account-id",
                "ID",
                "The AWS account of the system, 12 digits; asked for if left out",
            )),
        Command::new("inspect")
            .about("Shows what a component is and what it asks for; runs it without network")
            .arg(
                Arg::new("file")
                    .value_name("FILE.wasm")
                    .help("The component; the bundled one if left out")
                    .value_hint(ValueHint::FilePath),
            ),
        Command::new("store")
            .about("The store as a file")
            .subcommand_required(true)
            .subcommand(
                Command::new("check").about("Reads all of the store and says whether it is sound"),
            )
            .subcommand(
                Command::new("backup")
                    .about("Copies the store to a new file; a sync may go on meanwhile")
                    .arg(
                        option("out", "FILE", "Where to write it; must not exist yet")
                            .value_hint(ValueHint::FilePath),
                    ),
            ),
        Command::new("plugin")
            .about("The component files")
            .subcommand_required(true)
            .subcommand(
                Command::new("trust")
                    .about("Shows what a component asks for, and approves it")
                    .arg(
                        Arg::new("file")
                            .value_name("FILE.wasm")
                            .help("The component; that of --plugin if left out")
                            .value_hint(ValueHint::FilePath),
                    )
                    .arg(
                        option("yes", "", "Approves without asking")
                            .short('y')
                            .value_name(None::<&str>)
                            .action(ArgAction::SetTrue),
                    )
                    .arg(
                        option(
                            "replace",
                            "",
                            "Takes the approval of other files of the same component back",
                        )
                        .value_name(None::<&str>)
                        .action(ArgAction::SetTrue),
                    ),
            )
            .subcommand(
                Command::new("untrust")
                    .about("Takes an approval back")
                    .arg(
                        Arg::new("component")
                            .value_name("DIGEST|NAME")
                            .required(true)
                            .help("As `connector plugin list` shows it; 8 digits of a digest will do"),
                    ),
            )
            .subcommand(Command::new("list").about("Lists the approved components"))
            .subcommand(
                Command::new("export")
                    .about("Writes the bundled component to a file")
                    .arg(
                        option("out", "FILE", "Where to write it; must not exist yet")
                            .value_hint(ValueHint::FilePath),
                    ),
            ),
        Command::new("completions")
            .about("Prints the completion script of a shell")
            .arg(
                Arg::new("shell")
                    .value_name("SHELL")
                    .required(true)
                    .value_parser(clap::value_parser!(clap_complete::Shell)),
            ),
    ];
    commands.extend(changing::commands(description));
    commands.push(audit::command());
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_says_which_side_is_which_and_what_can_be_watched() {
        let record = crate::cli::bundled::record().unwrap();
        let mut command = command(&record.approved, true);
        let mut help = |of: &str| {
            let command = command.find_subcommand_mut(of).unwrap();
            let help = command.render_help().to_string();
            help.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let diff = help("diff");
        for told in [
            "The older side, as `connector syncs` shows it; the snapshot before the current one if",
            "The newer side; the current snapshot if it is left out",
        ] {
            assert!(diff.contains(told), "{diff}");
        }
        let told = "users, groups, entitlements, grants (several with commas) or any";
        let sync = help("sync");
        assert!(sync.contains(told), "{sync}");
    }
}
