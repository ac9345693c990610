//! A double of the Amazon Cognito user pools API for tests, the demo and benchmarks.
//!
//! It speaks the JSON protocol over HTTP/1.1 on loopback and nowhere else, knows the twelve
//! operations of the connector, and behaves as AWS documents them where the emulators do not:
//! signatures are verified by its own code, filters and names are checked, quotas are counted, page
//! tokens are bound to their list. Pools come out of a seed at any size and take memory only for what
//! was changed. Faults are injected by rule, or come as a storm out of a seed.
//!
//! It is no identity provider: nobody can sign in, there are no clients, tokens or messages. What a
//! message would have been is noted ([`Pool::invitations`]). Quotas per single user are not counted,
//! and an alias taken over with `ForceAliasCreation` stays with its former user as well.
//!
//! ```
//! use fake_cognito::{Config, Group, Key, PoolSpec, Server, User};
//!
//! let pool = PoolSpec::literal("us-east-1_Example01")
//!     .user(User::new("alice").email("alice@example.com"))
//!     .group(Group::new("admins").precedence(0))
//!     .member("alice", "admins");
//! let config = Config::new().pool(pool).key(Key::new("AKIDEXAMPLE", "secret"));
//! let server = Server::start_blocking(config)?;
//! assert!(server.endpoint().starts_with("http://127.0.0.1:"));
//! let truth: Vec<String> = server.pools()[0].members("admins").collect();
//! assert_eq!(truth, ["alice"]);
//! # Ok::<(), fake_cognito::StartError>(())
//! ```

mod answer;
mod api;
mod body;
mod clock;
mod config;
mod credentials;
mod exchange;
mod farewell;
mod fault;
mod hash;
mod log;
mod model;
mod operation;
mod pool;
mod quota;
mod rule;
mod server;
mod sigv4;
mod storm;
mod token;

pub use api::Paging;
pub use clock::Clock;
pub use config::{Config, Latency};
pub use credentials::{Credentials, Key};
pub use fault::{Fault, Gate, LengthLie, ListMember, Moment, Reply};
pub use log::{Entry, RequestLog};
pub use model::{Group, Text, User};
pub use operation::{Class, Operation, UnknownName};
pub use pool::{Generated, GroupSizes, Invitation, Pool, PoolError, PoolSpec, sample_pool};
pub use quota::Quotas;
pub use rule::{Faults, Rule};
pub use server::{Server, StartError};
pub use storm::Storm;
