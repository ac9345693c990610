//! Bad weather: many faults of every kind, drawn from one seed.
//!
//! Whether a request is struck, and by what, depends on the seed, on what the request asks for and
//! on how often it has been asked before, never on the order in which requests arrive: several
//! workers come in another order every time, and a failing seed has to repeat itself all the same.
//!
//! Only reading operations are struck; a change whose answer is lost is a matter for a
//! [`Rule`](crate::Rule). No storm holds a lie that nobody can find out from the answers alone, such
//! as a page without its last row or a last page that was never the last: what a client does with
//! those is no question of care.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde_json::Value;

use crate::fault::{Fault, LengthLie, ListMember, Moment};
use crate::hash::draw;
use crate::operation::Operation;
use crate::token;

/// A way to go wrong, and how much of its sort's share it takes.
struct Kind {
    name: &'static str,
    weight: u64,
    /// Whether it needs a list, or the second or a later page of one.
    on: On,
    make: fn(u64) -> Fault,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    Anything,
    List,
    LaterPage,
}

const fn kind(name: &'static str, weight: u64, on: On, make: fn(u64) -> Fault) -> Kind {
    Kind {
        name,
        weight,
        on,
        make,
    }
}

/// What the same request, sent again, does not meet. Throttles are rarer than the rest because a
/// client waits a second for them and a moment for the others.
const PASSING: &[Kind] = &[
    kind("throttled with 400", 1, On::Anything, |_| {
        Fault::throttled()
    }),
    kind("throttled with 403", 1, On::Anything, |_| throttled(403)),
    kind("throttled with 429 and a hint", 1, On::Anything, |_| {
        throttled(429).with_header("x-amz-retry-after", "20")
    }),
    kind("throttled with seconds to wait", 1, On::Anything, |_| {
        Fault::throttled().with_header("retry-after", "1")
    }),
    kind("server error as JSON", 4, On::Anything, |luck| {
        Fault::error(
            server_error(luck),
            "InternalErrorException",
            "Something went wrong",
        )
    }),
    kind("server error as HTML", 4, On::Anything, |luck| {
        Fault::html(server_error(luck))
    }),
    kind("server error without a body", 4, On::Anything, |luck| {
        Fault::bare(server_error(luck))
    }),
    kind("200 without a body", 2, On::Anything, |_| Fault::empty()),
    kind("closed before the answer", 4, On::Anything, |_| Fault::Drop),
    kind("closed within the body", 4, On::Anything, |_| Fault::Abort),
    kind("reset before the answer", 4, On::Anything, |_| {
        Fault::Reset(Moment::Before)
    }),
    kind("reset within the body", 4, On::Anything, |_| {
        Fault::Reset(Moment::Within)
    }),
    kind("reset after the body", 4, On::Anything, |_| {
        Fault::Reset(Moment::After)
    }),
    kind("truncated JSON", 4, On::Anything, |_| Fault::Truncate),
    kind("invalid UTF-8", 4, On::Anything, |_| Fault::InvalidUtf8),
    kind("length too long", 4, On::Anything, |_| {
        Fault::Length(LengthLie::TooLong)
    }),
    kind("length too short", 4, On::Anything, |_| {
        Fault::Length(LengthLie::TooShort)
    }),
];

/// What a service may do with its pages, although most never do.
const PAGING: &[Kind] = &[
    kind("short page", 3, On::List, |_| Fault::ShortPage),
    kind("empty page with a cursor", 3, On::List, |_| {
        Fault::EmptyPage
    }),
    kind("overlapping pages", 3, On::LaterPage, |_| Fault::Overlap),
    kind("oversize page", 1, On::List, |_| Fault::Oversize),
    kind("dripping body", 2, On::List, |_| Fault::Drip {
        bytes: 1024,
        pause: Duration::from_millis(1),
    }),
];

/// What makes a client read a list again.
const RESTARTS: &[Kind] = &[
    kind("expired cursor", 1, On::LaterPage, |_| Fault::ExpiredCursor),
    kind("silent restart", 1, On::LaterPage, |_| Fault::Restart),
];

/// What says that something else than the service answers, or that it contradicts itself: a client
/// does well to give up.
const BROKEN: &[Kind] = &[
    kind("HTML with 200", 1, On::Anything, |_| Fault::html(200)),
    kind("another content type", 1, On::Anything, |_| {
        Fault::ContentType("text/html".to_owned())
    }),
    kind("gzip that nobody asked for", 1, On::Anything, |_| {
        Fault::garbage_gzip()
    }),
    kind("redirect", 1, On::Anything, |_| {
        Fault::redirect("http://127.0.0.1:9/")
    }),
    kind("two lengths", 1, On::Anything, |_| {
        Fault::Length(LengthLie::Twice)
    }),
    kind("list absent", 1, On::List, |_| {
        Fault::List(ListMember::Absent)
    }),
    kind("list null", 1, On::List, |_| Fault::List(ListMember::Null)),
    kind("list of another type", 1, On::List, |_| {
        Fault::List(ListMember::WrongType)
    }),
    kind("repeated cursor", 1, On::LaterPage, |_| Fault::RepeatToken),
    kind("endless body", 1, On::Anything, |_| Fault::Endless),
];

/// What a client has to wait for until its own limits end it.
const SLOW: &[Kind] = &[
    kind("no answer at all", 1, On::Anything, |_| Fault::Hang),
    kind("stalled body", 1, On::Anything, |_| Fault::Stall),
];

fn throttled(status: u16) -> Fault {
    Fault::error(status, "TooManyRequestsException", "Rate exceeded")
}

fn server_error(luck: u64) -> u16 {
    match luck % 4 {
        0 => 500,
        1 => 502,
        2 => 503,
        _ => 504,
    }
}

/// A storm; without any share it is calm. Shares are out of 1,000 requests.
#[derive(Clone, Debug, Default)]
pub struct Storm {
    seed: u64,
    passing: u16,
    paging: u16,
    restarts: u16,
    broken: u16,
    slow: u16,
    /// How often each request was asked.
    asked: HashMap<u64, u64>,
    struck: BTreeMap<&'static str, u64>,
}

impl Storm {
    /// A storm of that seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            ..Self::default()
        }
    }

    /// So many meet what passes: throttles, server errors, broken connections and bodies. Each costs
    /// a client one request at most.
    #[must_use]
    pub fn passing(mut self, per_mille: u16) -> Self {
        self.passing = per_mille;
        self
    }

    /// So many get an unusual page: short, empty, overlapping, oversize, dripping. Each costs a
    /// client one request at most.
    #[must_use]
    pub fn paging(mut self, per_mille: u16) -> Self {
        self.paging = per_mille;
        self
    }

    /// So many meet a cursor that has expired or leads to the first page.
    #[must_use]
    pub fn restarts(mut self, per_mille: u16) -> Self {
        self.restarts = per_mille;
        self
    }

    /// So many get what cannot be an answer of this service.
    #[must_use]
    pub fn broken(mut self, per_mille: u16) -> Self {
        self.broken = per_mille;
        self
    }

    /// So many get no answer, or half of one, until the client gives up.
    #[must_use]
    pub fn slow(mut self, per_mille: u16) -> Self {
        self.slow = per_mille;
        self
    }

    /// How often it has struck, by what.
    pub(crate) fn struck(&self) -> &BTreeMap<&'static str, u64> {
        &self.struck
    }

    pub(crate) fn strike(&mut self, operation: Option<Operation>, body: &[u8]) -> Option<Fault> {
        let operation = operation.filter(|operation| !operation.changes())?;
        let (request, later_page) = identity(operation, body);
        let times = self.asked.entry(request).or_default();
        let luck = draw(self.seed, request, *times);
        *times += 1;
        let shares = [
            (self.passing, PASSING),
            (self.paging, PAGING),
            (self.restarts, RESTARTS),
            (self.broken, BROKEN),
            (self.slow, SLOW),
        ];
        let mut place = luck % 1_000;
        let (_, kinds) = shares.into_iter().find(|(share, _)| {
            let hit = place < u64::from(*share);
            place = place.saturating_sub(u64::from(*share));
            hit
        })?;
        let fitting = |kind: &&Kind| match kind.on {
            On::Anything => true,
            On::List => operation.list_member().is_some(),
            On::LaterPage => later_page,
        };
        let weights: u64 = kinds.iter().filter(fitting).map(|kind| kind.weight).sum();
        let mut place = (luck >> 16).checked_rem(weights)?;
        let kind = kinds.iter().filter(fitting).find(|kind| {
            let hit = place < kind.weight;
            place = place.saturating_sub(kind.weight);
            hit
        })?;
        *self.struck.entry(kind.name).or_default() += 1;
        Some((kind.make)(luck >> 48))
    }
}

/// What a request asks for, and whether it goes on with a list. A cursor counts by the place that it
/// leads to: it also holds when it was made, which differs from run to run.
fn identity(operation: Operation, body: &[u8]) -> (u64, bool) {
    let mut later_page = false;
    let mut parts = vec![operation.name().to_owned()];
    if let Ok(Value::Object(members)) = serde_json::from_slice(body) {
        for (name, value) in members {
            let place = match &value {
                Value::String(text) if name == operation.token_member() => token::place(text),
                _ => None,
            };
            later_page |= place.is_some();
            parts.push(match place {
                Some((next, empty_run)) => format!("{name}={next}+{empty_run}"),
                None => format!("{name}={value}"),
            });
        }
    }
    let hash = parts
        .join("\0")
        .bytes()
        .fold(0, |hash, byte| draw(hash, 0, u64::from(byte)));
    (hash, later_page)
}

#[cfg(test)]
mod tests;
