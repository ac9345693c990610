//! The double of the service in a process of its own, so that its memory and its work are
//! not those of what is measured.
//!
//! The process is the benchmark's own program with other arguments: one build is enough.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use fake_cognito::{Config, Generated, GroupSizes, Key, PoolSpec, Server};

use crate::key::{KEY_ID, POOL, SECRET};

const SERVE: &str = "--serve";

/// How large a pool is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) users: u32,
    pub(crate) groups: u32,
    pub(crate) members: u32,
}

/// A running double; it ends with this.
pub(crate) struct Double {
    process: Child,
    pub(crate) endpoint: String,
}

impl Double {
    pub(crate) fn start(size: Size) -> Self {
        let sizes = [size.users, size.groups, size.members];
        let mut process = Command::new(std::env::current_exe().unwrap())
            .arg(SERVE)
            .args(sizes.map(|number| number.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut endpoint = String::new();
        let output = process.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut endpoint).unwrap();
        let endpoint = endpoint.trim().to_owned();
        assert!(!endpoint.is_empty(), "the double did not start");
        Self { process, endpoint }
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// In the process that is to be the double: serves until its standard input closes, and
/// says that the benchmark has nothing more to do.
pub(crate) fn has_served() -> bool {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, serve, users, groups, members] = arguments.as_slice() else {
        return false;
    };
    if serve != SERVE {
        return false;
    }
    let generated = Generated {
        users: users.parse().unwrap(),
        groups: groups.parse().unwrap(),
        sizes: GroupSizes::Uniform(members.parse().unwrap()),
        seed: 42,
    };
    let config = Config::new()
        .pool(PoolSpec::generated(POOL, generated))
        .key(Key::new(KEY_ID, SECRET))
        .threads(2)
        .log_capacity(0);
    let server = Server::start_blocking(config).unwrap();
    println!("{}", server.endpoint());
    std::io::stdout().flush().unwrap();
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    true
}
