//! What bounds a component, in one value, and how an operator sets it.
//!
//! One table says everything about a limit: its name, what it stops, how much is enough
//! for an honest connector, and how far it can be raised. Options, messages and
//! `docs/limits.md` are made of it or compared with it, so a limit can't be forgotten in
//! one of them. Nothing here enforces anything: that happens where the amount is spent.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::units::Unit;
use super::{deadline, sizes};

/// A limit of the sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Limit {
    /// Bytes of all linear memories of an instance.
    Memory,
    /// Linear memories of an instance.
    Memories,
    /// Tables of an instance.
    Tables,
    /// Elements of one table.
    TableElements,
    /// Core instances that a component is made of.
    Instances,
    /// How long one call may compute.
    Compute,
    /// How long one call may take.
    CallTime,
    /// How long making an instance, describing and opening a session may take each.
    StartTime,
    /// Data that one call between component and host may hand over.
    HostCall,
    /// Handles that an instance may hold.
    Handles,
    /// Requests, bodies and streams of the host that an instance may hold.
    HostResources,
    /// Bytes of one set of request headers.
    RequestHeaders,
    /// Header fields of a request.
    RequestHeaderFields,
    /// Bytes of a request's body.
    RequestBody,
    /// Bytes of a response's header section.
    ResponseHeaders,
    /// Header fields of a response.
    ResponseHeaderFields,
    /// Bytes of a response's body.
    ResponseBody,
    /// Random bytes of one call.
    Random,
    /// Lines of standard error and output that are kept for one call.
    StderrLines,
    /// Bytes of such a line.
    StderrLine,
    /// Bytes of all such lines of one call.
    StderrBytes,
}

/// Whose doing it is when a limit is hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// The component's.
    Component,
    /// That of the service, or of whatever answers for it.
    Service,
}

/// Everything about one limit.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// How operators call it.
    pub name: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// What holds if nobody says otherwise; no honest connector meets it.
    pub default: u64,
    /// The least that can be asked for.
    pub floor: u64,
    /// The most that can be asked for.
    pub ceiling: u64,
    /// Why there is no more.
    pub why_ceiling: &'static str,
    /// Whose doing it is when it is hit.
    pub party: Party,
    /// What it stops.
    pub stops: &'static str,
    /// What has happened when it was hit, where no amount is known.
    pub excess: &'static str,
}

const fn size(bytes: usize) -> u64 {
    bytes as u64
}

const fn time(duration: Duration) -> u64 {
    duration.as_secs() * 1000
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const MINUTE: u64 = 60_000;

const HELD_BY_HOST: &str = "the host holds it in its own memory";
const LIST_OF_HOST: &str = "each takes memory of the host, outside of `memory`";

impl Limit {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 21] = [
        Self::Memory,
        Self::Memories,
        Self::Tables,
        Self::TableElements,
        Self::Instances,
        Self::Compute,
        Self::CallTime,
        Self::StartTime,
        Self::HostCall,
        Self::Handles,
        Self::HostResources,
        Self::RequestHeaders,
        Self::RequestHeaderFields,
        Self::RequestBody,
        Self::ResponseHeaders,
        Self::ResponseHeaderFields,
        Self::ResponseBody,
        Self::Random,
        Self::StderrLines,
        Self::StderrLine,
        Self::StderrBytes,
    ];

    /// Everything about it. The reasons for the defaults stand in [`sizes`] and
    /// [`deadline`].
    pub const fn row(self) -> Row {
        // What most rows have in common.
        let row = Row {
            name: "",
            unit: Unit::Count,
            default: 0,
            floor: 1,
            ceiling: u64::MAX,
            why_ceiling: "",
            party: Party::Component,
            stops: "",
            excess: "it wanted more",
        };
        match self {
            Self::Memory => Row {
                name: "memory",
                unit: Unit::Bytes,
                default: size(sizes::MEMORY),
                ceiling: 4 * GIB,
                why_ceiling: "a component can't address more",
                stops: "a component that takes the machine's memory; all linear memories of an instance together",
                ..row
            },
            Self::Memories => Row {
                name: "memories",
                default: size(sizes::MEMORIES),
                ceiling: 100,
                why_ceiling: "each reserves address space",
                stops: "a component that is made of memories",
                ..row
            },
            Self::Tables => Row {
                name: "tables",
                default: size(sizes::TABLES),
                ceiling: 1000,
                why_ceiling: LIST_OF_HOST,
                stops: "a component that is made of tables",
                ..row
            },
            Self::TableElements => Row {
                name: "table-elements",
                default: size(sizes::TABLE_ELEMENTS),
                ceiling: 10_000_000,
                why_ceiling: LIST_OF_HOST,
                stops: "a table that grows until the host's memory is used up",
                ..row
            },
            Self::Instances => Row {
                name: "instances",
                default: size(sizes::INSTANCES),
                ceiling: 1000,
                why_ceiling: LIST_OF_HOST,
                stops: "a component that instantiates its modules over and over",
                ..row
            },
            Self::Compute => Row {
                name: "compute",
                unit: Unit::Time,
                default: time(deadline::CALL_COMPUTE),
                floor: 10,
                ceiling: 60 * MINUTE,
                why_ceiling: "`call-time` ends every call then",
                stops: "an endless loop; only time in which the component itself computes counts",
                excess: "it went on computing",
                ..row
            },
            Self::CallTime => Row {
                name: "call-time",
                unit: Unit::Time,
                default: time(deadline::CALL),
                floor: 10,
                ceiling: 60 * MINUTE,
                why_ceiling: "somebody waits for what hangs",
                stops: "a call that waits for something that never comes",
                excess: "it was not finished",
                ..row
            },
            Self::StartTime => Row {
                name: "start-time",
                unit: Unit::Time,
                default: time(deadline::NO_REQUEST),
                floor: 10,
                ceiling: 10 * MINUTE,
                why_ceiling: "it is spent without one request",
                stops: "a component that hangs while it starts, describes itself or opens a session",
                excess: "it was not finished",
                ..row
            },
            Self::HostCall => Row {
                name: "host-call",
                unit: Unit::Bytes,
                default: size(sizes::HOSTCALL_FUEL),
                floor: 4 * KIB,
                ceiling: GIB,
                why_ceiling: HELD_BY_HOST,
                stops: "a page or an argument of a gigabyte, which the host would have to copy",
                excess: "it handed over more at once",
                ..row
            },
            Self::Handles => Row {
                name: "handles",
                default: size(sizes::COMPONENT_HANDLES),
                ceiling: 1_000_000,
                why_ceiling: LIST_OF_HOST,
                stops: "handles that are made and never dropped",
                excess: "it made more and dropped none",
                ..row
            },
            Self::HostResources => Row {
                name: "host-resources",
                default: size(sizes::HOST_RESOURCES),
                floor: 100,
                ceiling: 1_000_000,
                why_ceiling: LIST_OF_HOST,
                stops: "requests, bodies and streams that are made and never dropped",
                excess: "it made more requests, bodies or streams and dropped none",
                ..row
            },
            Self::RequestHeaders => Row {
                name: "request-headers",
                unit: Unit::Bytes,
                default: size(sizes::REQUEST_HEADERS),
                ceiling: MIB,
                why_ceiling: "no service takes more",
                stops: "a header bomb that is made in the host's memory",
                excess: "it wrote larger ones",
                ..row
            },
            Self::RequestHeaderFields => Row {
                name: "request-header-fields",
                default: size(sizes::REQUEST_HEADER_FIELDS),
                ceiling: 1000,
                why_ceiling: "no service takes more",
                stops: "a request of thousands of headers",
                ..row
            },
            Self::RequestBody => Row {
                name: "request-body",
                unit: Unit::Bytes,
                default: size(sizes::REQUEST_BODY),
                ceiling: 64 * MIB,
                why_ceiling: HELD_BY_HOST,
                stops: "a request without an end; its body is complete before it is judged",
                excess: "it wrote more",
                ..row
            },
            Self::ResponseHeaders => Row {
                name: "response-headers",
                unit: Unit::Bytes,
                default: size(sizes::RESPONSE_HEADERS),
                // What the HTTP implementation needs to read anything at all.
                floor: 8 * KIB,
                ceiling: MIB,
                why_ceiling: HELD_BY_HOST,
                party: Party::Service,
                stops: "an answer of headers alone",
                excess: "its answer has larger or more ones",
            },
            Self::ResponseHeaderFields => Row {
                name: "response-header-fields",
                default: size(sizes::RESPONSE_HEADER_FIELDS),
                ceiling: 1000,
                why_ceiling: HELD_BY_HOST,
                party: Party::Service,
                stops: "an answer of thousands of headers",
                excess: "its answer has larger or more ones",
                ..row
            },
            Self::ResponseBody => Row {
                name: "response-body",
                unit: Unit::Bytes,
                default: sizes::RESPONSE_BODY,
                ceiling: GIB,
                why_ceiling: "the component holds it in its memory",
                party: Party::Service,
                stops: "an answer without an end",
                excess: "its answer is larger",
                ..row
            },
            Self::Random => Row {
                name: "random",
                unit: Unit::Bytes,
                default: sizes::RANDOM_BYTES,
                ceiling: 16 * MIB,
                why_ceiling: HELD_BY_HOST,
                stops: "a call for gigabytes of random numbers",
                ..row
            },
            Self::StderrLines => Row {
                name: "stderr-lines",
                default: size(sizes::STDERR_LINES),
                ceiling: 1_000_000,
                why_ceiling: "the log would hide everything else",
                stops: "a flood in the log; the rest is dropped and counted, and nothing fails",
                ..row
            },
            Self::StderrLine => Row {
                name: "stderr-line",
                unit: Unit::Bytes,
                default: size(sizes::STDERR_LINE),
                ceiling: MIB,
                why_ceiling: HELD_BY_HOST,
                stops: "a line without an end; the rest is dropped and counted, and nothing fails",
                ..row
            },
            Self::StderrBytes => Row {
                name: "stderr-bytes",
                unit: Unit::Bytes,
                default: size(sizes::STDERR_BYTES),
                ceiling: 64 * MIB,
                why_ceiling: "the log would hide everything else",
                stops: "a flood in the log; the rest is dropped and counted, and nothing fails",
                ..row
            },
        }
    }

    /// How operators call it.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// What to type for at least an amount; `None` if that can't be had.
    pub fn option(self, at_least: u64) -> Option<String> {
        let row = self.row();
        let amount = at_least.min(row.ceiling);
        (at_least <= row.ceiling)
            .then(|| format!("--limit {}={}", row.name, row.unit.typed(amount)))
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// All limits of a component: the defaults, and what an operator set instead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    set: BTreeMap<Limit, u64>,
}

impl Limits {
    /// Sets one, without asking whether anybody may.
    #[must_use]
    pub fn with(mut self, limit: Limit, amount: u64) -> Self {
        self.set.insert(limit, amount);
        self
    }

    /// An amount, in the limit's unit.
    pub fn get(&self, limit: Limit) -> u64 {
        match self.set.get(&limit) {
            Some(amount) => *amount,
            None => limit.row().default,
        }
    }

    /// An amount of bytes or things.
    pub fn count(&self, limit: Limit) -> usize {
        usize::try_from(self.get(limit)).unwrap_or(usize::MAX)
    }

    /// A time.
    pub fn time(&self, limit: Limit) -> Duration {
        Duration::from_millis(self.get(limit))
    }

    /// Reads entries such as `memory=128MiB` or `call-time=10m`; an entry may hold
    /// several, separated by commas.
    ///
    /// # Errors
    ///
    /// [`LimitError`] says what is wrong with an entry and what to write instead.
    pub fn parse<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, LimitError> {
        let mut limits = Self::default();
        let entries = entries.into_iter().flat_map(|entry| entry.split(','));
        for entry in entries.map(str::trim) {
            let (name, text) = entry
                .split_once('=')
                .map(|(name, text)| (name.trim(), text.trim()))
                .filter(|(name, _)| !name.is_empty())
                .ok_or_else(|| LimitError::Form(entry.escape_debug().to_string()))?;
            let limit = Limit::ALL
                .into_iter()
                .find(|limit| limit.name() == name)
                .ok_or_else(|| LimitError::unknown(name))?;
            let amount = amount(limit, text)?;
            if limits
                .set
                .insert(limit, amount)
                .is_some_and(|before| before != amount)
            {
                return Err(LimitError::Contradiction(limit));
            }
        }
        Ok(limits)
    }
}

fn amount(limit: Limit, text: &str) -> Result<u64, LimitError> {
    let row = limit.row();
    let amount = row.unit.parse(text).ok_or_else(|| LimitError::Amount {
        limit,
        text: text.escape_debug().to_string(),
    })?;
    if amount < row.floor {
        Err(LimitError::TooSmall { limit, amount })
    } else if amount > row.ceiling {
        Err(LimitError::TooLarge { limit })
    } else {
        Ok(amount)
    }
}

/// Why a `--limit` is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// It has no form that is known.
    #[error("--limit '{0}' is not understood: write NAME=VALUE, such as memory=128MiB")]
    Form(String),
    /// There is no such limit.
    #[error(
        "--limit names '{name}', and there is no such limit{}; there are {}",
        did_you_mean(near),
        known()
    )]
    Unknown {
        /// What was named.
        name: String,
        /// What was probably meant.
        near: Vec<&'static str>,
    },
    /// The value is no amount.
    #[error("--limit {limit}: '{text}' is no value; write {}", limit.row().unit.forms())]
    Amount {
        /// The limit.
        limit: Limit,
        /// What was given.
        text: String,
    },
    /// Nothing can work with so little.
    #[error(
        "--limit {limit}: {} is too little for anything to work; the least is {}",
        limit.row().unit.shown(*amount),
        limit.row().unit.typed(limit.row().floor)
    )]
    TooSmall {
        /// The limit.
        limit: Limit,
        /// What was given.
        amount: u64,
    },
    /// It is beyond what can be asked for.
    #[error(
        "--limit {limit}: the most is {}, because {}",
        limit.row().unit.typed(limit.row().ceiling),
        limit.row().why_ceiling
    )]
    TooLarge {
        /// The limit.
        limit: Limit,
    },
    /// It is given two values.
    #[error("--limit gives '{0}' two different values")]
    Contradiction(Limit),
}

impl LimitError {
    fn unknown(name: &str) -> Self {
        let near = Limit::ALL.into_iter().map(Limit::name);
        Self::Unknown {
            name: name.escape_debug().to_string(),
            near: near.filter(|known| is_near(name, known)).collect(),
        }
    }
}

fn known() -> String {
    Limit::ALL.map(Limit::name).join(", ")
}

fn did_you_mean(near: &[&str]) -> String {
    if near.is_empty() {
        String::new()
    } else {
        format!(" (did you mean {}?)", near.join(" or "))
    }
}

/// Typing errors that are forgiven in a suggestion.
const TYPING_ERRORS: usize = 2;

/// Whether somebody who typed one may have meant the other: a part of it, another
/// separator, or a letter or two too many, too few or wrong.
fn is_near(typed: &str, known: &str) -> bool {
    let typed = typed.to_lowercase().replace(['_', ' '], "-");
    let is_part = typed.len() >= 4 && (known.contains(&typed) || typed.contains(known));
    is_part || strsim::levenshtein(&typed, known) <= TYPING_ERRORS
}

#[cfg(test)]
mod tests;
