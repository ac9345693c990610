//! The other connector in the same host: another component, with another system, that has
//! done nothing wrong.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use connector_host::connector::Connector;
use connector_host::credentials::Keys;
use connector_host::egress::audit::LogSink;
use connector_host::egress::signing::Proof;
use connector_host::egress::{Egress, Origin, Policy, transport};
use connector_host::engine::{Answer, Component, Engine, Request};
use connector_host::limits::clock::SystemClock;
use connector_host::limits::{MaxRate, Pacer, Paces};
use connector_host::settings::Settings;
use connector_host::trust::TrustRecord;
use guests::bearer_directory::{PEOPLE, Server, TEAMS};

/// Compiled once for all tests.
static COMPONENT: OnceLock<Component> = OnceLock::new();

/// A directory and the connector that reads it.
pub(crate) struct Neighbour {
    _server: Server,
    connector: Connector,
}

impl Neighbour {
    /// Moves in, on the same engine.
    pub(crate) async fn new(engine: &Engine) -> Self {
        let server = Server::start().unwrap();
        let component = COMPONENT
            .get_or_init(|| engine.load(guests::BEARER_DIRECTORY).unwrap())
            .clone();
        let record = TrustRecord {
            approved: component.describe().await.unwrap(),
            pace: BTreeMap::new(),
            limits_source: None,
            endpoint_variables: Vec::new(),
        };
        let given = [
            ("tenant", "acme".to_owned()),
            ("token", server.token().to_owned()),
            ("endpoint-url", server.endpoint()),
        ];
        let given = given.map(|(name, value)| (name.to_owned(), value)).into();
        let settings = Settings::check(&record.approved, given, &[]).unwrap();
        let wire = &record.approved.wire;
        let endpoint = Origin::parse(&server.endpoint()).unwrap();
        let policy = Policy::new(wire, settings.values(), Some(endpoint), false).unwrap();
        let clock = Arc::new(SystemClock);
        let max_rate = MaxRate::parse(["unlimited"], &["read"]).unwrap();
        let pacer = Pacer::new(
            wire,
            Paces::Start(&BTreeMap::new()),
            &max_rate,
            clock.clone(),
        )
        .unwrap();
        let authentication = &wire.authentication;
        let proof = Proof::of_host(authentication, settings.values(), None, policy.origin());
        let egress = Egress::new(
            policy,
            Arc::new(pacer),
            transport::Parts::system(clock),
            Arc::new(LogSink),
        )
        .proving(proof.unwrap());
        let keys = Keys::sealed(&record.approved, None).unwrap();
        let connector = Connector::new(
            component,
            Arc::new(record),
            settings,
            keys,
            Arc::new(egress),
        );
        Self {
            _server: server,
            connector,
        }
    }

    /// Opens a session of its own and reads all people and teams; fails the test if anything
    /// is missing.
    pub(crate) async fn reads_everything(&self) {
        for (kind, expected) in [("person", PEOPLE.len()), ("team", TEAMS.len())] {
            let mut conversation = self.connector.conversation();
            let (mut cursor, mut found) = (None, 0);
            loop {
                let request = Request::ListResources {
                    kind: kind.to_owned(),
                    parent: None,
                    partition: None,
                    cursor,
                    page_size: None,
                };
                let Answer::Resources(page) = conversation.call(&request).await.unwrap() else {
                    panic!("no page of {kind}");
                };
                found += page.items.len();
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(found, expected, "{kind}");
        }
    }
}
