//! The connector as a library, put together as the command line does: the bundled component
//! and its trust record, keys that never enter the sandbox, requests without pace.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector_host::connector::Connector;
use connector_host::credentials::{CredentialSource, Credentials, Keys};
use connector_host::egress::audit::LogSink;
use connector_host::egress::signing::Proof;
use connector_host::egress::{Egress, Origin, Policy, transport};
use connector_host::engine::{Engine, GrantsOf, Request};
use connector_host::limits::clock::SystemClock;
use connector_host::limits::{MaxRate, Pacer, Paces};
use connector_host::model::ResourceId;
use connector_host::settings::Settings;
use connector_host::trust::TrustRecord;
use connector_host::trust::description::Authentication;

use crate::key::{KEY_ID, POOL, SECRET};

/// The component that is built in.
const COMPONENT: &[u8] = include_bytes!(env!("CONNECTOR_COMPONENT"));

/// A connector of the service at `endpoint`.
pub(crate) fn connector(endpoint: &str) -> Connector {
    let record = TrustRecord::bundled().unwrap();
    let wire = &record.approved.wire;
    let Authentication::Sigv4(sigv4) = &wire.authentication else {
        panic!("the connector signs");
    };
    let given = BTreeMap::from([
        ("user-pool-id".to_owned(), POOL.to_owned()),
        ("endpoint-url".to_owned(), endpoint.to_owned()),
    ]);
    let supplied = [
        sigv4.access_key_id_setting.as_str(),
        &sigv4.secret_access_key_setting,
        &sigv4.session_token_setting,
    ];
    let settings = Settings::check(&record.approved, given, &supplied).unwrap();
    let origin = Origin::parse(endpoint).unwrap();
    let policy = Policy::new(wire, settings.values(), Some(origin), false).unwrap();
    let classes = wire.rate_classes.iter().map(|class| class.id.as_str());
    let classes: Vec<&str> = classes.collect();
    let max_rate = MaxRate::parse(["unlimited"], &classes).unwrap();
    let clock = Arc::new(SystemClock);
    let none = BTreeMap::new();
    let pacer = Pacer::new(wire, Paces::Start(&none), &max_rate, clock.clone()).unwrap();
    let source = Some(Arc::new(CredentialSource::given(Credentials {
        access_key_id: KEY_ID.to_owned(),
        secret_access_key: SECRET.to_owned(),
        session_token: None,
        expires: None,
    })));
    let values = settings.values();
    let proof = Proof::of_host(
        &wire.authentication,
        values,
        source.clone(),
        policy.origin(),
    );
    let keys = Keys::sealed(&record.approved, source).unwrap();
    let network = transport::Parts::system(clock);
    let egress =
        Egress::new(policy, Arc::new(pacer), network, Arc::new(LogSink)).proving(proof.unwrap());
    let component = Engine::new(None).unwrap().load(COMPONENT).unwrap();
    Connector::new(
        component,
        Arc::new(record),
        settings,
        keys,
        Arc::new(egress),
    )
}

/// The first page of the resources of a kind.
pub(crate) fn list(kind: &str) -> Request {
    Request::ListResources {
        kind: kind.to_owned(),
        parent: None,
        partition: None,
        cursor: None,
        page_size: None,
    }
}

/// The first page of the members of a group.
pub(crate) fn members(group: &str) -> Request {
    Request::ListGrants {
        of: GrantsOf::Resource(ResourceId::new("group", group)),
        cursor: None,
        page_size: None,
    }
}
