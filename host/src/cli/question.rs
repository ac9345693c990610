//! Asking a person before something is done that can't be taken back.

use std::io::{self, BufRead, IsTerminal, Write};

use super::exit::defused;

/// What came of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// Go on.
    Yes,
    /// Anything but a clear yes.
    No,
    /// There is no terminal, so that nobody was asked.
    Nobody,
}

/// Asks on standard error, which is a terminal also where results go into a file.
pub(super) fn ask(question: &str) -> Reply {
    let mut err = io::stderr();
    if !(io::stdin().is_terminal() && err.is_terminal()) {
        return Reply::Nobody;
    }
    let mut answer = String::new();
    let asked = err
        .write_all(defused(&format!("{question} [y/N] ")).as_bytes())
        .and_then(|()| err.flush())
        .and_then(|()| io::stdin().lock().read_line(&mut answer));
    match asked {
        Ok(_) if ["y", "yes"].contains(&answer.trim().to_lowercase().as_str()) => Reply::Yes,
        _ => Reply::No,
    }
}
