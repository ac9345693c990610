//! The command line `connector`. Everything it does is in [`connector_host::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    connector_host::cli::main(std::env::args_os())
}
