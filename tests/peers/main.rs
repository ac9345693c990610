//! Tests against programs that nobody here wrote: MiniStack, which verifies signatures and
//! enforces IAM policies, and moto, with boto3 as the client that tells what a pool holds, and
//! microburst, a proxy that injects faults, in front of MiniStack.
//!
//! They exist because a connector and a double written by the same hands can agree on the
//! same mistake. The peers run on loopback, pinned, in a virtual environment under the
//! target folder; nothing is skipped when Python is missing, the tests fail and say what
//! to install. What the peers do otherwise than AWS documents stands in `deviations.json`, and
//! what comes of it in commands that change something in `deviations_in_changes.json`.

// What tests share counts as a test, for the lints too.
#![cfg(test)]

mod any_name;
mod batches;
mod battery;
mod burst;
mod changes;
mod connector;
mod credentials;
mod demands;
mod ledger;
mod names;
mod observed;
mod peer;
mod policy;
mod python;
mod refusals;
mod rows;
mod sign_in;
mod site;
mod truth;
