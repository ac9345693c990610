//! What a component answers: it can lie about what it read, which no host can know, but
//! not so that the lie hangs the host, steers a terminal, contradicts itself or takes the
//! place of a good snapshot.

use std::path::Path;
use std::sync::Arc;

use connector_host::cli::{ExitCode, Failure};
use connector_host::store::{Connection, Rows, Scope, Store, StoreError};
use connector_host::sync::{Options, Plan, Progress, Slicing, Summary, Sync, SyncError};

use crate::bench::Bench;

/// A sync with a hostile connector, beside a neighbour that works.
async fn sync(bench: &Bench, attack: &str, store: &Path) -> Result<Summary, SyncError> {
    let connector = bench.hostile(attack).await.connector;
    let options = Options {
        store: store.to_owned(),
        scope: Scope::everything(&connector.description().kinds),
        connection: Connection {
            component: connector.description().name.clone(),
            origin: "http://127.0.0.1".to_owned(),
            settings: connector.settings().identifying(),
        },
        allow_shrink: false,
        fresh: true,
        keep: None,
        compare: None,
        workers: 2,
        plan: Plan::default(),
        slices: Slicing::default(),
    };
    let progress = Arc::new(Progress::default());
    let sync = Sync::prepare(Arc::new(connector), options, progress)?;
    let (ended, ()) = tokio::join!(
        sync.run(std::future::pending()),
        bench.neighbour.reads_everything()
    );
    ended
}

/// A sync that must fail, and that must leave what there was before as it was.
async fn refused(attack: &str) -> Failure {
    let bench = Bench::with_more_users(50).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    sync(&bench, "none", &file).await.unwrap();
    let before = rows(&file, Rows::Resources("user"));
    assert_eq!(before.len(), 52, "{before:?}");
    let error = match sync(&bench, attack, &file).await {
        Ok(summary) => panic!("{attack}: it was believed: {summary:?}"),
        Err(error) => error,
    };
    assert_eq!(rows(&file, Rows::Resources("user")), before, "{attack}");
    let failure = Failure::from(error);
    let shown = failure.render(true);
    assert!(
        shown.chars().all(|c| c == '\n' || !c.is_control()),
        "{shown:?}"
    );
    failure
}

fn rows(file: &Path, of: Rows<'_>) -> Vec<serde_json::Value> {
    let store = Store::open(file).unwrap();
    let run = store.current_run().unwrap().unwrap();
    let mut rows = Vec::new();
    store
        .each_row(&run, of, |row| {
            rows.push(serde_json::from_str(row).unwrap());
            Ok::<(), StoreError>(())
        })
        .unwrap();
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_goes_on_without_asking_anybody_is_no_answer() {
    for attack in [
        "unasked-new-rows-for-ever",
        "unasked-empty-pages-for-ever",
        "unasked-same-cursor",
    ] {
        let failure = refused(attack).await;
        assert_eq!(failure.code, ExitCode::Component, "{failure:?}");
        assert!(failure.message.contains("had asked nobody"), "{failure:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_cursor_again_and_again_is_noticed() {
    let failure = refused("same-cursor").await;
    assert_eq!(failure.code, ExitCode::Unavailable, "{failure:?}");
    assert!(
        failure.message.contains("where it had been before"),
        "{failure:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_without_rows_come_to_an_end() {
    let failure = refused("empty-pages-for-ever").await;
    assert_eq!(failure.code, ExitCode::Unavailable, "{failure:?}");
    assert!(
        failure.message.contains("where it had been before"),
        "{failure:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_another_kind_are_no_answer() {
    for kind in ["group", "invented"] {
        let failure = refused(&format!("other-kind with {kind}")).await;
        assert_eq!(failure.code, ExitCode::Component, "{failure:?}");
        assert!(
            failure.message.contains("broke the contract"),
            "{failure:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_id_is_no_answer() {
    let failure = refused(r#"ids with """#).await;
    assert_eq!(failure.code, ExitCode::Component, "{failure:?}");
    assert!(
        failure.message.contains("broke the contract"),
        "{failure:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_would_steer_a_terminal_is_no_answer() {
    for id in [
        r#""al\u001b[2Jice""#,
        r#""al\u0000ice""#,
        r#""al\u009b31mice""#,
    ] {
        let failure = refused(&format!("ids with {id}")).await;
        assert_eq!(failure.code, ExitCode::Component, "{failure:?}");
        assert!(
            failure
                .message
                .contains("a control character in its kind or id"),
            "{failure:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_megabytes_is_no_cursor() {
    let failure = refused("huge-cursor").await;
    assert_eq!(failure.code, ExitCode::Component, "{failure:?}");
    assert!(failure.message.contains("cursor"), "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_of_something_else_than_was_asked_about_are_no_answer() {
    let failure = refused("grants-of-others during list-grants with nowhere/alice").await;
    assert_eq!(failure.code, ExitCode::Component, "{failure:?}");
    assert!(failure.message.contains("group:nowhere"), "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_list_does_not_take_the_place_of_a_full_one() {
    let failure = refused("nothing").await;
    assert_eq!(failure.code, ExitCode::Refused, "{failure:?}");
    assert!(
        failure.message.contains("did not become current"),
        "{failure:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_does_not_exist_holds_nothing() {
    let bench = Bench::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let attack = "grants during list-grants with admins/nobody admins/alice";
    let summary = sync(&bench, attack, &file).await.unwrap();
    assert_eq!(summary.warnings.len(), 1, "{summary:?}");
    let grants = rows(&file, Rows::Grants);
    assert_eq!(grants.len(), 1, "{grants:?}");
    assert_eq!(grants[0]["principal"], "user:alice");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_comes_twice_is_one_row_and_a_warning() {
    let bench = Bench::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let attack = r#"ids with "alice" "alice" "bob""#;
    let summary = sync(&bench, attack, &file).await.unwrap();
    assert_eq!(summary.warnings.len(), 1, "{summary:?}");
    assert_eq!(rows(&file, Rows::Resources("user")).len(), 2);
}
