//! Size limits of one component instance and of its traffic.
//!
//! An honest connector meets none of them; each has a hostile one that does. They are
//! refusals and never truncations: a cut answer looks like a complete one.

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Bytes of a component's file. Connectors in Rust have some hundred KiB; an embedded
/// interpreter brings 10 to 40 MiB.
pub const COMPONENT_BYTES: usize = 64 * MIB;
/// Bytes of the linear memories of an instance together. A 6 MB page held as text, as JSON
/// tree and as records fits several times.
pub const MEMORY: usize = 64 * MIB;
/// Linear memories of an instance: a component built from one module has one.
pub const MEMORIES: usize = 4;
/// Tables of an instance: a module has one, and the component model adds one for its
/// adapters.
pub const TABLES: usize = 16;
/// Core instances of a component: its module, the adapters, one shim per import.
pub const INSTANCES: usize = 64;
/// Elements of one table, as other hosts of components allow (Spin 100,000, Viceroy
/// 98,765). A Rust connector needs some hundreds.
pub const TABLE_ELEMENTS: usize = 100_000;
/// Data that one host call may copy out of the component: its largest request body and
/// its largest page, with room to spare.
pub const HOSTCALL_FUEL: usize = 16 * MIB;
/// Handles that a component may hold; making them runs no host code that could object.
pub const COMPONENT_HANDLES: usize = 10_000;
/// Host resources (requests, bodies, streams) that a component may hold. One call sends
/// one request, which takes about ten.
pub const HOST_RESOURCES: usize = 1_000;
/// Bytes of one set of request headers, counted as they lie in memory. A signed request
/// with a session token takes about 4 KiB.
pub const REQUEST_HEADERS: usize = 32 * KIB;
/// Header fields of a request. A signed one has about ten.
pub const REQUEST_HEADER_FIELDS: usize = 64;
/// Bytes of random numbers that one call of the random interface may ask for.
pub const RANDOM_BYTES: u64 = 64 << 10;
/// Bytes of a request body. Requests are small JSON documents; the longest honest one
/// carries a cursor of 128 KiB.
pub const REQUEST_BODY: usize = MIB;
/// Bytes of a cursor: twice what the longest known one has. It is kept with its list, and the
/// request that carries it must fit into [`REQUEST_BODY`].
pub const CURSOR: usize = 256 * KIB;
/// Bytes of a response's header section, including the status line.
pub const RESPONSE_HEADERS: usize = 64 * KIB;
/// Header fields of a response: an honest service sends about ten.
pub const RESPONSE_HEADER_FIELDS: usize = 128;
/// Bytes of a response body: a page of 60 users whose attributes are all full is about
/// 6 MB.
pub const RESPONSE_BODY: u64 = 16 << 20;
/// Lines of a component's log that are kept for one call. A panic message with a
/// back-trace has about 40.
pub const STDERR_LINES: usize = 100;
/// Bytes of such a line. Four terminal rows; a log line of a connector has about 200.
pub const STDERR_LINE: usize = KIB;
/// Bytes of all such lines of one call: as many lines as are kept, if they are not all of
/// the greatest length.
pub const STDERR_BYTES: usize = 64 * KIB;
/// Bytes of an error response that are read to find out whether it means "slower".
/// Error bodies are some hundred bytes; what follows is passed on unread.
pub const ERROR_BODY_PEEK: usize = 64 * KIB;
/// Connections to one origin. One worker has one request under way; the command line
/// allows 32 workers.
pub const CONNECTIONS: usize = 64;
/// Idle connections that are kept. A cap below the number of requests under way makes
/// every burst dial again: elsewhere 3,000 requests opened 1,625 connections with a cap
/// of 4, and 31 with a cap of 32.
pub const IDLE_CONNECTIONS: usize = 32;
