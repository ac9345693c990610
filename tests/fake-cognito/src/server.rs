//! A running server: starting, accepting connections, its handles, and the end.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::api::Service;
use crate::clock::Clock;
use crate::config::{Config, Latency};
use crate::credentials::Credentials;
use crate::exchange::handle;
use crate::farewell::Farewell;
use crate::log::RequestLog;
use crate::pool::{Pool, PoolError};
use crate::quota::Quotas;
use crate::rule::Faults;

/// After a failed accept: long enough not to spin, short enough that nobody notices.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address can be reached from elsewhere.
    #[error(
        "address {0} is not a loopback address, and this server must not be reachable from elsewhere"
    )]
    NotLoopback(SocketAddr),
    /// The system refused the address.
    #[error("cannot listen on {0}")]
    Bind(SocketAddr, #[source] io::Error),
    /// A pool cannot be built.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// Two pools share an id.
    #[error("pool id {0:?} is used twice")]
    RepeatedPool(String),
    /// The system refused a thread or a runtime.
    #[error("cannot start a thread to serve on")]
    Thread(#[source] io::Error),
}

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) service: Service,
    pub(crate) faults: Faults,
    pub(crate) latency: Mutex<Latency>,
    pub(crate) log: RequestLog,
    pub(crate) requests: AtomicU64,
    /// Counts up to close every connection that is open.
    cut: watch::Sender<u64>,
}

/// A running server; it ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    pools: Vec<Pool>,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Server {
    /// Serves on the runtime of the caller.
    ///
    /// # Errors
    /// If the address is not loopback or taken, or a pool cannot be built.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let address = config.address;
        let (shared, pools) = prepare(config)?;
        let listener = bind(address).await?;
        let address = listener
            .local_addr()
            .map_err(|error| StartError::Bind(address, error))?;
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(accept(listener, Arc::clone(&shared), stopped));
        Ok(Self {
            address,
            pools,
            shared,
            stop,
            thread: None,
        })
    }

    /// Serves on threads of its own, for callers without a runtime.
    ///
    /// # Errors
    /// If the address is not loopback or taken, or a pool cannot be built.
    pub fn start_blocking(config: Config) -> Result<Self, StartError> {
        let runtime = match config.threads {
            1 => tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build(),
            threads => tokio::runtime::Builder::new_multi_thread()
                .worker_threads(threads)
                .enable_all()
                .build(),
        }
        .map_err(StartError::Thread)?;
        let address = config.address;
        let (shared, pools) = prepare(config)?;
        let listener = runtime.block_on(bind(address))?;
        let address = listener
            .local_addr()
            .map_err(|error| StartError::Bind(address, error))?;
        let (stop, stopped) = watch::channel(false);
        let serving = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("fake-cognito".to_owned())
            .spawn(move || {
                runtime.block_on(accept(listener, serving, stopped));
                // Requests that hang on purpose must not hold this up.
                runtime.shutdown_background();
            })
            .map_err(StartError::Thread)?;
        Ok(Self {
            address,
            pools,
            shared,
            stop,
            thread: Some(thread),
        })
    }

    /// The base address for clients, `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The Region that signatures must name.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.shared.service.region
    }

    /// The pools in the order of the configuration.
    #[must_use]
    pub fn pools(&self) -> &[Pool] {
        &self.pools
    }

    /// The pool with that id.
    #[must_use]
    pub fn pool(&self, id: &str) -> Option<&Pool> {
        self.pools.iter().find(|pool| pool.id() == id)
    }

    /// What the clients did.
    #[must_use]
    pub fn log(&self) -> &RequestLog {
        &self.shared.log
    }

    /// The keys.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.shared.service.credentials
    }

    /// The quotas.
    #[must_use]
    pub fn quotas(&self) -> &Quotas {
        &self.shared.service.quotas
    }

    /// The faults.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.shared.service.clock
    }

    /// Changes how long requests wait from now on.
    pub fn set_latency(&self, latency: Latency) {
        *self
            .shared
            .latency
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = latency;
    }

    /// Closes every connection that is open, idle ones included; new ones are accepted.
    pub fn close_connections(&self) {
        self.shared.cut.send_modify(|cuts| *cuts += 1);
    }

    /// Makes every page token that was ever given out invalid.
    pub fn expire_tokens(&self) {
        self.shared
            .service
            .generation
            .fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nobody listening means that the server has ended already.
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn prepare(config: Config) -> Result<(Arc<Shared>, Vec<Pool>), StartError> {
    if !config.address.ip().is_loopback() {
        return Err(StartError::NotLoopback(config.address));
    }
    let mut pools = Vec::new();
    let mut by_id = std::collections::HashMap::new();
    for spec in config.pools {
        let pool = Pool::build(spec)?;
        if by_id.insert(pool.id().to_owned(), pool.clone()).is_some() {
            return Err(StartError::RepeatedPool(pool.id().to_owned()));
        }
        pools.push(pool);
    }
    let first_region = pools.first().map(|pool| pool.region().to_owned());
    let service = Service {
        region: config
            .region
            .or(first_region)
            .unwrap_or_else(|| "us-east-1".to_owned()),
        pools: by_id,
        credentials: config.credentials,
        quotas: config.quotas,
        clock: config.clock,
        paging: config.paging,
        token_lifetime_ms: config
            .token_lifetime
            .map(|lifetime| i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX)),
        generation: AtomicU64::new(0),
    };
    let shared = Shared {
        service,
        faults: config.faults,
        latency: Mutex::new(config.latency),
        log: RequestLog::new(config.log_capacity, config.log_contents),
        requests: AtomicU64::new(0),
        cut: watch::Sender::new(0),
    };
    Ok((Arc::new(shared), pools))
}

async fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|error| StartError::Bind(address, error))
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                // Out of descriptors, or a client that is gone already: neither ends the server.
                Err(_) => {
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
            _ = stopped.changed() => return,
        };
        let (shared, mut stopped) = (Arc::clone(&shared), stopped.clone());
        let mut cut = shared.cut.subscribe();
        tokio::spawn(async move {
            tokio::select! {
                () = serve(stream, shared) => {}
                _ = cut.changed() => {}
                _ = stopped.changed() => {}
            }
        });
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    // A page is written at once; waiting for more to send only adds delay.
    let _ = stream.set_nodelay(true);
    let connection = shared.log.connected();
    let farewell = Farewell::default();
    let service = service_fn(|request| Box::pin(handle(&shared, &connection, &farewell, request)));
    let mut exchanges = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    // An error here is a client that went away, or a fault that was asked for.
    let _ = poll_fn(|context| exchanges.poll_without_shutdown(context)).await;
    let stream = exchanges.into_parts().io.into_inner();
    farewell.say(stream).await;
}
