//! A connector for something else entirely, through the library: what it takes to run
//! shows that neither the contract nor the host knows the first one's service.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector_host::connector::Connector;
use connector_host::credentials::Keys;
use connector_host::egress::audit::LogSink;
use connector_host::egress::signing::Proof;
use connector_host::egress::{Egress, Origin, Policy, transport};
use connector_host::engine::{Answer, Engine, Lookup, Request};
use connector_host::limits::clock::SystemClock;
use connector_host::limits::{MaxRate, Pacer, Paces};
use connector_host::model::ResourceId;
use connector_host::settings::Settings;
use connector_host::store::{Connection, Rows, Scope, Store, StoreError};
use connector_host::sync::{Options, Plan, Progress, Slicing, Sync, SyncError};
use connector_host::trust::TrustRecord;
use guests::bearer_directory::{APPS, Answer as Planned, Holder, PEOPLE, Server, TEAMS};

/// The connector for the directory, with a trust record made of its own answer, as a
/// person would who approves it.
async fn connector(server: &Server, token: &str) -> (Connector, Connection) {
    let component = Engine::new(None)
        .unwrap()
        .load(guests::BEARER_DIRECTORY)
        .unwrap();
    let record = TrustRecord {
        approved: component.describe().await.unwrap(),
        pace: BTreeMap::new(),
        limits_source: None,
        endpoint_variables: Vec::new(),
    };
    let given = [
        ("tenant", "acme"),
        ("token", token),
        ("endpoint-url", &server.endpoint()),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let settings = Settings::check(&record.approved, given.into(), &[]).unwrap();
    let wire = &record.approved.wire;
    let endpoint = Origin::parse(&server.endpoint()).unwrap();
    let policy = Policy::new(wire, settings.values(), Some(endpoint), false).unwrap();
    let classes: Vec<&str> = wire
        .rate_classes
        .iter()
        .map(|class| class.id.as_str())
        .collect();
    let max_rate = MaxRate::parse(["unlimited"], &classes).unwrap();
    let clock = Arc::new(SystemClock);
    let pacer = Pacer::new(
        wire,
        Paces::Start(&BTreeMap::new()),
        &max_rate,
        clock.clone(),
    )
    .unwrap();
    let connection = Connection {
        component: record.approved.name.clone(),
        origin: policy.origin().to_string(),
        settings: settings.identifying(),
    };
    let authentication = &wire.authentication;
    let proof = Proof::of_host(authentication, settings.values(), None, policy.origin()).unwrap();
    let keys = Keys::sealed(&record.approved, None).unwrap();
    let egress = Egress::new(
        policy,
        Arc::new(pacer),
        transport::Parts::system(clock),
        Arc::new(LogSink),
    )
    .proving(proof);
    (
        Connector::new(
            component,
            Arc::new(record),
            settings,
            keys,
            Arc::new(egress),
        ),
        connection,
    )
}

async fn run(
    server: &Server,
    token: &str,
    store: &std::path::Path,
) -> Result<connector_host::sync::Summary, SyncError> {
    let (connector, connection) = connector(server, token).await;
    let options = Options {
        store: store.to_owned(),
        scope: Scope::everything(&connector.description().kinds),
        connection,
        allow_shrink: false,
        fresh: false,
        keep: None,
        compare: None,
        workers: 3,
        plan: Plan::default(),
        slices: Slicing::default(),
    };
    let progress = Arc::new(Progress::default());
    Sync::prepare(Arc::new(connector), options, progress)?
        .run(std::future::pending())
        .await
}

fn rows(store: &Store, rows: Rows<'_>) -> Vec<serde_json::Value> {
    let run = store.current_run().unwrap().unwrap();
    let mut all = Vec::new();
    store
        .each_row(&run, rows, |row| {
            all.push(serde_json::from_str(row).unwrap());
            Ok::<(), StoreError>(())
        })
        .unwrap();
    all
}

fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts
}

fn members(rows: &[serde_json::Value], member: &str) -> Vec<String> {
    sorted(
        rows.iter()
            .map(|row| row[member].as_str().unwrap().to_owned())
            .collect(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_with_roles_of_apps_and_nested_teams_is_synced_whole() {
    let server = Server::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    run(&server, server.token(), &file).await.unwrap();
    let store = Store::open(&file).unwrap();

    assert_eq!(
        members(&rows(&store, Rows::Resources("person")), "id"),
        sorted(PEOPLE.iter().map(|person| person.id.to_owned()).collect())
    );
    assert_eq!(
        members(&rows(&store, Rows::Resources("team")), "id"),
        sorted(TEAMS.iter().map(|team| team.id.to_owned()).collect())
    );
    assert_eq!(
        members(&rows(&store, Rows::Resources("app")), "id"),
        sorted(APPS.iter().map(|app| app.id.to_owned()).collect())
    );
    let roles = rows(&store, Rows::Resources("role"));
    let parents: Vec<String> = sorted(
        roles
            .iter()
            .map(|role| {
                format!(
                    "{} in {}",
                    role["id"].as_str().unwrap(),
                    role["parent"].as_str().unwrap()
                )
            })
            .collect(),
    );
    let expected = APPS
        .iter()
        .flat_map(|app| {
            app.roles
                .iter()
                .map(|role| format!("{} in app:{}", role.id, app.id))
        })
        .collect();
    assert_eq!(parents, sorted(expected));

    let name = |holder: &Holder| match holder {
        Holder::Person(id) => format!("person:{id}"),
        Holder::Team(id) => format!("team:{id}"),
    };
    let on_teams = TEAMS.iter().flat_map(|team| {
        team.members
            .iter()
            .map(|holder| format!("team:{}:member:{}", team.id, name(holder)))
    });
    let on_roles = APPS.iter().flat_map(|app| app.roles).flat_map(|role| {
        role.assignments
            .iter()
            .map(|holder| format!("role:{}:assigned:{}", role.id, name(holder)))
    });
    let grants = rows(&store, Rows::Grants);
    assert_eq!(
        members(&grants, "id"),
        sorted(on_teams.chain(on_roles).collect())
    );
    for grant in &grants {
        let nested = grant["principal"].as_str().unwrap().starts_with("team:");
        assert_eq!(grant.get("expands").is_some(), nested, "{grant}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_is_refused_and_leaves_no_store() {
    let server = Server::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let refused = run(&server, "another-token", &file).await.unwrap_err();
    let failure = connector_host::cli::Failure::from(refused);
    assert_eq!(
        failure.code,
        connector_host::cli::ExitCode::Unauthenticated,
        "{failure:?}"
    );
    assert!(!file.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_resource_is_what_the_directory_says_now() {
    let server = Server::start().unwrap();
    let (connector, _) = connector(&server, server.token()).await;
    let person = PEOPLE.first().unwrap();
    let found = connector
        .resource(&ResourceId::new("person", person.id))
        .await
        .unwrap();
    assert_eq!(found.id.id, person.id);
    let missing = connector
        .resource(&ResourceId::new("person", "nobody"))
        .await
        .unwrap_err();
    assert!(missing.to_string().contains("nobody"), "{missing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_is_found_as_the_list_shows_it() {
    let server = Server::start().unwrap();
    let (connector, _) = connector(&server, server.token()).await;
    let team = ResourceId::new("team", TEAMS.first().unwrap().id);
    let find = |id: &ResourceId| Request::FindListed {
        id: id.clone(),
        cursor: None,
    };
    let found = connector.call(&find(&team)).await.unwrap();
    let now = connector.resource(&team).await.unwrap();
    assert_eq!(found, Answer::Lookup(Lookup::Found(Box::new(now))));
    let missing = connector
        .call(&find(&ResourceId::new("team", "nobodys")))
        .await
        .unwrap_err();
    assert!(missing.is_not_found(), "{missing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn describing_asks_nobody() {
    let server = Server::start().unwrap();
    let component = Engine::new(None)
        .unwrap()
        .load(guests::BEARER_DIRECTORY)
        .unwrap();
    let first = component.describe().await.unwrap();
    assert_eq!(component.describe().await.unwrap(), first);
    assert_eq!(server.requests(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_server_is_asked_again() {
    let server = Server::start().unwrap();
    for path in ["/teams", "/people"] {
        server.answer_once(
            path,
            Planned {
                status: 503,
                headers: Vec::new(),
                body: "try later".to_owned(),
            },
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let summary = run(&server, server.token(), &folder.path().join("store.db"))
        .await
        .unwrap();
    assert_eq!(summary.counters.retries, 2);
}
