//! The numbered edge cases of `docs/edge-cases.md` that no other file is about: what the
//! service, its emulators and what stands in between have been seen to do.

mod data;
mod groups;
mod listing;
mod provisioning;
mod service;
mod table;

use fake_cognito::{Fault, Operation, PoolSpec, Reply, Rule, User};

use crate::support::POOL;

/// So many users, listed in the order of their names.
fn users(number: usize) -> impl Iterator<Item = User> {
    (0..number).map(|number| User::new(format!("user-{number:03}")))
}

fn pool_of(number: usize) -> PoolSpec {
    PoolSpec::literal(POOL).users(users(number))
}

/// A success with a body that the double would never send.
fn answer(body: &str) -> Fault {
    refusal(200, &[], body)
}

fn refusal(status: u16, headers: &[(&str, &str)], body: &str) -> Fault {
    let json = ("content-type", "application/x-amz-json-1.1");
    let headers = [&[json], headers].concat();
    Fault::Reply(Reply {
        status,
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        body: body.to_owned().into(),
    })
}

/// One page of users in the service's own words, which may say more than a pool can hold.
fn only_page_of_users(users: &str) -> Rule {
    let body = format!("{{\"Users\":[{users}]}}");
    Rule::on(Operation::ListUsers, answer(&body))
}
