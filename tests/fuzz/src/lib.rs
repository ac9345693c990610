//! What the fuzz targets share: readable inputs, and second opinions that have nothing
//! in common with the code under test.

pub mod calls;
pub mod input;
pub mod json;
pub mod pool;
