//! A real redis-server on loopback that ends with the test.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long it may take to start; it takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Redis {
    child: Child,
    port: u16,
    /// Its working folder, which goes with it.
    _folder: tempfile::TempDir,
}

impl Redis {
    pub(crate) fn start() -> Self {
        // Between finding a free port and listening on it somebody else may take it: then the
        // server ends, and another port is tried.
        loop {
            let port = free_port();
            let folder = tempfile::tempdir().unwrap();
            let child = Command::new("redis-server")
                .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
                .args(["--save", "", "--appendonly", "no", "--dir"])
                .arg(folder.path())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .spawn();
            assert!(
                child.is_ok(),
                "redis-server can't be started ({child:?}); on Debian: apt-get install redis-server"
            );
            let child = child.unwrap();
            let mut server = Self {
                child,
                port,
                _folder: folder,
            };
            if server.is_ready() {
                return server;
            }
        }
    }

    fn is_ready(&mut self) -> bool {
        let end = Instant::now() + PATIENCE;
        while self.child.try_wait().unwrap().is_none() {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() && self.ask("PING") == "+PONG" {
                return true;
            }
            assert!(Instant::now() < end, "redis-server does not answer");
            std::thread::yield_now();
        }
        false
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The names of all that it keeps.
    pub(crate) fn keys(&self) -> String {
        self.ask("KEYS *")
    }

    /// The first kilobytes of an answer.
    fn ask(&self, command: &str) -> String {
        let mut connection = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        connection
            .write_all(format!("{command}\r\n").as_bytes())
            .unwrap();
        let mut answer = [0; 4096];
        let length = connection.read(&mut answer).unwrap();
        String::from_utf8_lossy(&answer[..length]).trim().to_owned()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}
