//! The limits of the sandbox, as the operator set them.

use clap::ArgMatches;

use super::exit::{ExitCode, Failure};
use super::layers::Layers;
use crate::limits::Limits;

/// The defaults, and what `--limit`, the environment or the configuration file say instead.
pub(super) fn limits(matches: &ArgMatches, layers: &Layers<'_>) -> Result<Limits, Failure> {
    Limits::parse(layers.option(matches, "limit").as_deref())
        .map_err(|error| Failure::new(ExitCode::Invalid, error.to_string()))
}
