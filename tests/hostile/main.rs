//! Components that attack, run by the real host: each attack is refused with its own words
//! and its own exit code, the service sees nothing that it should not see, and another
//! connector in the same host goes on with its work meanwhile.
//!
//! The attacks are in `tests/guests/hostile`: the honest connector, with one thing that it
//! does otherwise. [`bench`] holds what all tests share.

// What tests share counts as a test, for the lints too.
#![cfg(test)]

mod answers;
mod bench;
mod changes;
mod describing;
mod honest;
mod imports;
mod machine;
mod neighbour;
mod places;
mod requests;
mod secrets;
