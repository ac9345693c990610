//! A connector with an attack in it: the honest Cognito connector, to the last byte of its
//! requests, until the moment at which it does something else. That is what somebody gets
//! who takes a component from a stranger, and it makes sure that what is refused is the
//! attack and nothing around it: without one (`none`) this connector works.
//!
//! One build, one component for each attack: a test stamps into the bytes what the
//! component shall do and when ([`mark`]), so that each attack is a file of its own with
//! its own digest. An attack says in plain words what it does:
//!
//! - [`machine`]: against the machine that runs it (time, memory, tables, the log);
//! - [`tap`]: on the wire, by changing the honest requests or sending others;
//! - [`answers`]: in what it answers;
//! - [`describing`]: in what it says of itself.

pub mod answers;
pub mod describing;
pub mod machine;
pub mod mark;
pub mod session;
pub mod tap;

/// What the component exports.
#[derive(Debug)]
pub struct Hostile;

// The names of a component's exports are none that a native linker accepts.
#[cfg(target_family = "wasm")]
cognito_connector::contract::export!(Hostile with_types_in cognito_connector::contract);
