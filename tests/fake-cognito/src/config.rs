//! Everything that can be said about a server before it starts.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::api::Paging;
use crate::clock::Clock;
use crate::credentials::{Credentials, Key};
use crate::log::DEFAULT_CAPACITY;
use crate::pool::PoolSpec;
use crate::quota::Quotas;
use crate::rule::{Faults, Rule};
use crate::storm::Storm;

/// The time that every request waits before it is answered, in real time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// The least.
    pub fixed: Duration,
    /// What is added at most, drawn evenly.
    pub jitter: Duration,
    /// What the jitter is drawn from.
    pub seed: u64,
}

/// The settings of a server.
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) address: SocketAddr,
    pub(crate) region: Option<String>,
    pub(crate) pools: Vec<PoolSpec>,
    pub(crate) credentials: Credentials,
    pub(crate) quotas: Quotas,
    pub(crate) faults: Faults,
    pub(crate) clock: Clock,
    pub(crate) paging: Paging,
    pub(crate) latency: Latency,
    pub(crate) token_lifetime: Option<Duration>,
    pub(crate) log_capacity: usize,
    pub(crate) log_contents: bool,
    pub(crate) threads: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            region: None,
            pools: Vec::new(),
            credentials: Credentials::default(),
            quotas: Quotas::unlimited(),
            faults: Faults::default(),
            clock: Clock::system(),
            paging: Paging::default(),
            latency: Latency::default(),
            // The documented life of a token.
            token_lifetime: Some(Duration::from_secs(3_600)),
            log_capacity: DEFAULT_CAPACITY,
            log_contents: false,
            threads: 1,
        }
    }
}

impl Config {
    /// No pool, no key, no quota, no fault, a port chosen by the system.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a pool.
    #[must_use]
    pub fn pool(mut self, pool: PoolSpec) -> Self {
        self.pools.push(pool);
        self
    }

    /// Adds an access key.
    #[must_use]
    pub fn key(self, key: Key) -> Self {
        self.credentials.put(key);
        self
    }

    /// Listens there; only a loopback address is accepted.
    #[must_use]
    pub fn address(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// Listens on that port of 127.0.0.1; zero leaves the choice to the system.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.address.set_port(port);
        self
    }

    /// Sets the Region that signatures must name; the first pool's, if this is not called.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Sets the quotas; keep a clone to change them while the server runs.
    #[must_use]
    pub fn quotas(mut self, quotas: Quotas) -> Self {
        self.quotas = quotas;
        self
    }

    /// Adds a fault.
    #[must_use]
    pub fn fault(self, rule: Rule) -> Self {
        self.faults.add(rule);
        self
    }

    /// Begins a storm, in place of the one before.
    #[must_use]
    pub fn storm(self, storm: Storm) -> Self {
        self.faults.begin(storm);
        self
    }

    /// Sets the clock; keep a clone to change it while the server runs.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets how pages are cut.
    #[must_use]
    pub fn paging(mut self, paging: Paging) -> Self {
        self.paging = paging;
        self
    }

    /// Makes every request wait.
    #[must_use]
    pub fn latency(mut self, latency: Latency) -> Self {
        self.latency = latency;
        self
    }

    /// Sets how long page tokens are good for, by the server's clock; an hour, if this is not called.
    #[must_use]
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.token_lifetime = Some(lifetime);
        self
    }

    /// Keeps so many requests in the log; counters are kept in any case.
    #[must_use]
    pub fn log_capacity(mut self, entries: usize) -> Self {
        self.log_capacity = entries;
        self
    }

    /// Keeps headers and bodies of requests in the log.
    #[must_use]
    pub fn log_contents(mut self) -> Self {
        self.log_contents = true;
        self
    }

    /// Serves on so many threads when started blocking; one, if this is not called.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }
}
