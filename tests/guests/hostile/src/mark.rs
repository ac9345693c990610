//! What the component shall do, as a test has stamped it into the bytes.
//!
//! The stamp is `NAME during FUNCTION at OPERATION with ARGUMENT`; all parts but the first
//! may be missing.

use std::cell::Cell;
use std::hint::black_box;

/// Longest stamp in bytes. The crate `guests` looks for the mark and knows this length.
const LENGTH: usize = 2048;

/// What the stamp stands behind.
const MARK: &[u8] = b"hostile-guest-attack:";

/// The mark and room for a stamp. The filling is no zero: zeros at the end of the data need
/// not be in the file.
static STAMPED: [u8; MARK.len() + LENGTH] = {
    let mut bytes = [b'_'; MARK.len() + LENGTH];
    let (mark, _) = bytes.split_at_mut(MARK.len());
    mark.copy_from_slice(MARK);
    bytes
};

thread_local! {
    /// The contract function in progress, and whether it is the one that is attacked.
    static IN_PROGRESS: Cell<(&'static str, bool)> = const { Cell::new(("", true)) };
}

/// An attack.
#[derive(Clone, Copy, Debug)]
pub struct Attack {
    /// What is done.
    pub name: &'static str,
    /// During which function of the contract.
    during: &'static str,
    /// On requests of which operation; empty: on all.
    pub at: &'static str,
    /// With what.
    pub argument: &'static str,
}

/// The attack of this component.
fn stamped() -> Attack {
    // The compiler must not believe that it knows the bytes.
    let bytes: &'static [u8] = black_box(STAMPED.as_slice());
    let text = bytes
        .get(MARK.len()..)
        .and_then(|text| std::str::from_utf8(text).ok())
        .map_or("", |text| text.trim_end_matches('_'));
    let (text, argument) = text.split_once(" with ").unwrap_or((text, ""));
    let (text, at) = text.split_once(" at ").unwrap_or((text, ""));
    let (name, during) = text
        .split_once(" during ")
        .unwrap_or((text, "list-resources"));
    Attack {
        name,
        during,
        at,
        argument,
    }
}

/// Says which function of the contract is in progress. `is_meant` is false where the same
/// function is called for something that is left in peace, so that a test can see that the
/// next call works.
pub fn enter(function: &'static str, is_meant: bool) {
    IN_PROGRESS.set((function, is_meant));
}

/// The attack, if now is its moment.
pub fn now() -> Option<Attack> {
    let attack = stamped();
    let (function, is_meant) = IN_PROGRESS.get();
    (is_meant && attack.during == function).then_some(attack)
}
