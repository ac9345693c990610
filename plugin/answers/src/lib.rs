//! What the service's answers say, read in one pass.
//!
//! A crate of its own, because it is the one part of the component that is compiled for
//! speed: a sync reads thousands of pages, and everything else happens once for each.

pub mod calendar;
pub mod json;
pub mod model;
pub mod timestamp;
