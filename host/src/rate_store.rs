//! Budgets that several machines share through Redis or Valkey.
//!
//! The rules of pace are [`Budget`]'s and are in one place only; the server keeps the text of
//! each budget, tells the time, and swaps a text for another if nobody else has done so in
//! between ([`SWAP`]). Whoever is second does it again with what it finds.
//!
//! Nobody waits for a server that is away: for a while each machine goes on alone with a
//! fixed share of what it may, and then tries again.

use std::fmt;
use std::sync::Arc;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ErrorKind, IntoConnectionInfo, RedisError, Script};

use crate::limits::clock::Clock;
use crate::limits::rate::budget::{Bounds, Budget, Moment};
use crate::limits::rate::ledger::{Change, Changed, Changing, Ledger, OwnLedger};

/// How long a connection may take, and an answer. In the same building both take a
/// millisecond, and every request waits for it.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a server that is away is left alone.
const AWAY: Duration = Duration::from_secs(5);
/// The part of its bounds that a machine uses while the server is away: four machines
/// together stay within what one of them may.
const SHARE: f64 = 0.25;
/// How often a swap is tried that others come before. Each time one of them got a turn, so
/// that a hundred would have to be at it.
const TRIES: u32 = 100;
/// How long a budget is kept that nobody uses, in seconds: 90 days, as in the file of one
/// machine.
const KEPT: u32 = 90 * 24 * 60 * 60;

/// Returns whether the swap was made, what is kept now, and the server's time in seconds
/// and microseconds. With nothing to put in place it only looks.
const SWAP: &str = r"
local kept = redis.call('GET', KEYS[1]) or ''
local swapped = 0
if ARGV[2] ~= '' and kept == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
  swapped = 1
end
local time = redis.call('TIME')
return {swapped, kept, time[1], time[2]}
";

/// What [`SWAP`] returns.
type Swapped = (u32, String, u64, u32);

/// The place of a server is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is no address of a Redis or Valkey server ({0}); write redis://HOST:PORT or rediss://HOST:PORT"
)]
pub struct NoServer(String);

/// Budgets of one account at one service, on a server.
pub struct RedisLedger {
    client: Client,
    /// Where it is, without a password.
    shown: String,
    /// What the names of its limits begin with.
    whose: String,
    script: Script,
    clock: Arc<dyn Clock>,
    connection: tokio::sync::Mutex<Option<MultiplexedConnection>>,
    alone: OwnLedger,
    /// Until when the server is left alone.
    away_until: Mutex<Option<Instant>>,
}

impl fmt::Debug for RedisLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLedger")
            .field("server", &self.shown)
            .field("whose", &self.whose)
            .finish_non_exhaustive()
    }
}

impl RedisLedger {
    /// Budgets on the server at a URL; `whose` tells accounts and services apart. Nothing is
    /// sent before the first turn is asked for.
    ///
    /// # Errors
    ///
    /// The URL is not understood.
    pub fn new(url: &str, whose: &str, clock: Arc<dyn Clock>) -> Result<Self, NoServer> {
        let info = url
            .into_connection_info()
            .map_err(|error| NoServer(error.to_string()))?;
        let shown = info.addr().to_string();
        let client = Client::open(info).map_err(|error| NoServer(error.to_string()))?;
        Ok(Self {
            client,
            shown,
            whose: whose.to_owned(),
            script: Script::new(SWAP),
            alone: OwnLedger::new(Arc::clone(&clock)),
            clock,
            connection: tokio::sync::Mutex::default(),
            away_until: Mutex::default(),
        })
    }

    /// Makes a change on the server.
    async fn on_server(&self, limit: &str, change: Change) -> Result<Changed, RedisError> {
        let key = format!("connector:rates:{}:{limit}", self.whose);
        let (mut expected, mut wanted) = (String::new(), String::new());
        let mut made = None;
        for _ in 0..TRIES {
            let asked = self.clock.now();
            let (swapped, kept, seconds, micros) = self.swap(&key, &expected, &wanted).await?;
            if let (1, Some((changed, at))) = (swapped, made) {
                return Ok(since(
                    changed,
                    self.clock.now().saturating_duration_since(at),
                ));
            }
            // What does not make sense begins anew.
            let mut budget: Option<Budget> = serde_json::from_str(&kept).ok();
            let micros = Duration::from_micros(micros.into());
            let now = Moment::from_secs(seconds).saturating_add(micros);
            let changed = change.make(&mut budget, now);
            if let Changed::TooLate { .. } = changed {
                return Ok(changed);
            }
            wanted = serde_json::to_string(&budget)
                .map_err(|error| RedisError::from((ErrorKind::Client, "", error.to_string())))?;
            expected = kept;
            made = Some((changed, asked));
        }
        Err((ErrorKind::Client, "others always came first").into())
    }

    async fn swap(&self, key: &str, expected: &str, wanted: &str) -> Result<Swapped, RedisError> {
        let mut held = self.connection.lock().await;
        let mut connection = match held.take() {
            Some(connection) => connection,
            None => {
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(PATIENCE))
                    .set_response_timeout(Some(PATIENCE));
                self.client
                    .get_multiplexed_async_connection_with_config(&config)
                    .await?
            }
        };
        let mut script = self.script.key(key);
        let swapped = script.arg(expected).arg(wanted).arg(KEPT);
        let swapped = swapped.invoke_async(&mut connection).await?;
        // One that failed is dropped.
        *held = Some(connection);
        Ok(swapped)
    }

    fn is_away(&self) -> bool {
        let until = self
            .away_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| self.clock.now() < until)
    }

    /// Notes whether the server has answered; whether that is news.
    fn is_news(&self, answered: bool) -> bool {
        let mut until = self
            .away_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let was_away = until.is_some();
        *until = (!answered).then(|| self.clock.now() + AWAY);
        was_away == answered
    }
}

impl Ledger for RedisLedger {
    fn change<'a>(&'a self, limit: &'a str, change: Change) -> Changing<'a> {
        Box::pin(async move {
            if !self.is_away() {
                match self.on_server(limit, change).await {
                    Ok(changed) => {
                        if self.is_news(true) {
                            tracing::info!("the rate store {} is back", self.shown);
                        }
                        return changed;
                    }
                    Err(error) => {
                        if self.is_news(false) {
                            tracing::warn!(
                                "the rate store {} does not answer as it should, so that this \
                                 machine goes on alone with a quarter of its pace: {error}",
                                self.shown
                            );
                        }
                    }
                }
            }
            self.alone.change(limit, shared_out(change)).await
        })
    }
}

/// A turn as it is some time after it was reckoned.
fn since(changed: Changed, passed: Duration) -> Changed {
    match changed {
        Changed::Reserved { slot, wait } => Changed::Reserved {
            slot,
            wait: wait.saturating_sub(passed),
        },
        other => other,
    }
}

/// A change with the bounds of a machine that is alone.
fn shared_out(change: Change) -> Change {
    let part = |bounds: Bounds| Bounds {
        start: bounds.start * SHARE,
        ceiling: bounds.ceiling * SHARE,
    };
    match change {
        Change::Reserve { within, bounds } => Change::Reserve {
            within,
            bounds: part(bounds),
        },
        Change::Throttled { slot, bounds } => Change::Throttled {
            slot,
            bounds: part(bounds),
        },
    }
}
