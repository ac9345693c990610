//! What a component says of itself: asked without network, bounded like any call, and
//! nothing that anybody acts on before somebody has approved it.

use std::collections::BTreeMap;

use connector_host::cli::{ExitCode, Failure};
use connector_host::trust::TrustRecord;
use connector_host::trust::description::Description;

use crate::bench::Bench;

async fn describe(bench: &Bench, attack: &str) -> Result<Description, Failure> {
    let component = bench.load(attack);
    let (described, ()) = tokio::join!(component.describe(), bench.neighbour.reads_everything());
    described.map_err(|error| Failure::from(&error))
}

fn approving(approved: Description) -> TrustRecord {
    TrustRecord {
        approved,
        pace: BTreeMap::new(),
        limits_source: None,
        endpoint_variables: Vec::new(),
    }
}

#[tokio::test]
async fn a_component_that_hangs_when_it_is_asked_who_it_is_is_ended() {
    let bench = Bench::start().await;
    // The clock and the computing time end a loop at the same moment.
    let late = [ExitCode::Component, ExitCode::DeadlineExceeded];
    let broken = [ExitCode::Component; 2];
    for (attack, codes) in [
        ("infinite-loop during describe", late),
        ("park during describe", late),
        ("memory-bomb during describe", broken),
        ("panic during describe with no", broken),
    ] {
        let failure = describe(&bench, attack).await.unwrap_err();
        assert!(codes.contains(&failure.code), "{attack}: {failure:?}");
        assert!(
            failure.message.contains("describe"),
            "{attack}: {failure:?}"
        );
    }
}

#[tokio::test]
async fn a_component_that_floods_its_answer_is_ended() {
    let bench = Bench::start().await;
    let failure = describe(&bench, "huge-answer during describe")
        .await
        .unwrap_err();
    assert_eq!(failure.code, ExitCode::Component, "{failure:?}");
}

#[tokio::test]
async fn describing_happens_without_network() {
    let bench = Bench::start().await;
    let attack = format!("send during describe with {}/", bench.server.endpoint());
    let failure = describe(&bench, &attack).await.unwrap_err();
    assert_eq!(failure.code, ExitCode::Component, "{failure:?}");
    assert!(
        failure.message.contains("it asked for the network"),
        "{failure:?}"
    );
    assert_eq!(bench.requests(), 0);
    assert_eq!(bench.server.log().connections_accepted(), 0);
}

#[tokio::test]
async fn an_answer_that_is_another_one_every_time_is_never_the_approved_one() {
    let bench = Bench::start().await;
    let component = bench.load("another-answer-every-time during describe");
    let record = approving(component.describe().await.unwrap());
    let refused = record
        .check(&component.describe().await.unwrap())
        .unwrap_err();
    assert!(
        refused.to_string().contains("hostile-connector"),
        "{refused}"
    );
    assert!(refused.to_string().contains("documentation"), "{refused}");
}

#[tokio::test]
async fn another_component_is_not_approved_by_the_answer_of_the_first() {
    let bench = Bench::start().await;
    let record = approving(describe(&bench, "none").await.unwrap());
    for (attack, difference) in [
        (
            "origin during describe with https://collector.example",
            "more: origin https://collector.example",
        ),
        (
            "signing-service during describe with s3",
            "authentication: AWS signatures, service was `cognito-idp`, is `s3`",
        ),
        (
            "call-it-reading during describe with AdminDeleteUser",
            "operation AdminDeleteUser, access was `changes`, is `reads`",
        ),
        (
            "use-it-in-lists during describe with AdminDeleteUser",
            "is `provisioning.delete-account, sync.list-resources`",
        ),
    ] {
        let answer = describe(&bench, attack).await.unwrap();
        let refused = record.check(&answer).unwrap_err().to_string();
        assert!(refused.contains(difference), "{attack}: {refused}");
    }
}

#[tokio::test]
async fn an_honest_answer_is_the_same_every_time() {
    let bench = Bench::start().await;
    let first = describe(&bench, "none").await.unwrap();
    assert_eq!(describe(&bench, "none").await.unwrap(), first);
}
