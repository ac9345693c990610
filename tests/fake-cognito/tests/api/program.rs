//! The program: one line of JSON when ready, and an end when its input closes.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::client::Client;

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fake-cognito"));
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

#[test]
fn the_first_line_is_all_that_a_client_needs() {
    let mut child = program()
        .args([
            "--users",
            "130",
            "--pool-id",
            "eu-central-1_Abc",
            "--quota",
            "user-list=2",
            "--exit-with-stdin",
        ])
        .args([
            "--access-key-id",
            "AKIDOTHER",
            "--secret-access-key",
            "other",
        ])
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(ready["region"], "eu-central-1");
    let text = |member: &str| ready[member].as_str().unwrap().to_owned();
    let mut client = Client::new(text("endpoint"));
    client.region = text("region");
    client.key_id = text("access_key_id");
    client.secret = text("secret_access_key");
    let page = client
        .call("ListUsers", json!({"UserPoolId": text("pool_id")}))
        .ok();
    assert_eq!(page["Users"].as_array().unwrap().len(), 60);
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_bad_option_is_one_clear_message() {
    for (arguments, message) in [
        (["--quota", "user-lists=3"], "unknown quota class"),
        (
            ["--pool-id", "nonsense"],
            "pool id \"nonsense\" is not a region",
        ),
        (["--short-pages", "1001"], "1001 is not in"),
    ] {
        let output = program().args(arguments).output().unwrap();
        assert!(!output.status.success());
        assert!(output.stdout.is_empty());
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(message), "{text}");
    }
}
