//! The commands about audit files.

use clap::{Arg, Command, ValueHint};

use super::option;

pub(super) fn command() -> Command {
    let file = || {
        Arg::new("file")
            .value_name("FILE")
            .required(true)
            .help("What --audit wrote")
            .value_hint(ValueHint::FilePath)
    };
    Command::new("audit")
        .about("Checks and explains what --audit wrote")
        .subcommand_required(true)
        .subcommand(
            Command::new("verify")
                .about(
                    "Checks that no record was changed, removed or put in; ends with 3 if one was",
                )
                .arg(file())
                .arg(option(
                    "head",
                    "HASH",
                    "The hash that a run printed and that was kept elsewhere; without it only a \
                     file that was written anew or cut off as a whole passes",
                )),
        )
        .subcommand(
            Command::new("explain")
                .about("Says which rule refused a request, and what would allow it")
                .arg(file())
                .arg(
                    Arg::new("line")
                        .value_name("LINE")
                        .help("The line of the request, or `last`: the last one that got no answer")
                        .default_value("last"),
                ),
        )
}
