//! A host with a hostile connector, its service, and a neighbour.

use std::collections::BTreeMap;
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};

use connector_host::change::{Change, Membership};
use connector_host::cli::{ExitCode, Failure};
use connector_host::connector::{Connector, ConnectorError};
use connector_host::credentials::{CredentialSource, Credentials, Keys};
use connector_host::egress::audit::Verdict;
use connector_host::egress::signing::Proof;
use connector_host::egress::{AuditRecord, AuditSink, Egress, Origin, Policy, transport};
use connector_host::engine::{Answer, CallError, Component, Engine, Request};
use connector_host::limits::clock::SystemClock;
use connector_host::limits::{Limits, MaxRate, Pacer, Paces};
use connector_host::model::{AttributeValue, EntitlementId, ResourceId};
use connector_host::settings::Settings;
use connector_host::trust::TrustRecord;
use connector_host::trust::description::{Authentication, Description};
use fake_cognito::{Config, Group, Key, Operation, PoolSpec, Server, User};
use guests::hostile;

use crate::neighbour::Neighbour;

/// The pool that the connector is for.
pub(crate) const POOL: &str = "eu-central-1_Ab1Cd2Ef3";
/// Another one of the same account, for which the key would do as well.
pub(crate) const OTHER_POOL: &str = "eu-central-1_Zz9Yy8Xx7";
pub(crate) const KEY_ID: &str = "AKIAHOSTILE000000000";
pub(crate) const SECRET: &str = "the-secret-that-nobody-gets-0123456789";

/// One engine for all tests, as one host has. What was compiled is kept: each attack is a
/// component of its own, and most of the time goes into compiling them.
static ENGINE: LazyLock<Engine> = LazyLock::new(engine);

fn engine() -> Engine {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile-cache");
    let mut hasher = DefaultHasher::new();
    guests::HOSTILE.hash(&mut hasher);
    let of_this_build = folder.join(format!("{:016x}", hasher.finish()));
    if !of_this_build.is_dir() {
        // A hundred components of another build are of no use to anybody.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
    }
    Engine::new(Some(&of_this_build)).unwrap()
}

/// Everything that happened on the way out.
#[derive(Default)]
pub(crate) struct Recorder(Mutex<Vec<AuditRecord>>);

impl AuditSink for Recorder {
    fn record(&self, record: &AuditRecord) {
        self.0.lock().unwrap().push(record.clone());
    }
}

impl Recorder {
    /// The rules that refused something, in their order.
    pub(crate) fn rules(&self) -> Vec<&'static str> {
        let records = self.0.lock().unwrap();
        records
            .iter()
            .filter_map(|record| match record.verdict {
                Verdict::Denied(rule) => Some(rule),
                _ => None,
            })
            .collect()
    }
}

/// A host, a service with two pools, and a neighbour.
pub(crate) struct Bench {
    pub(crate) engine: &'static Engine,
    pub(crate) server: Server,
    pub(crate) neighbour: Neighbour,
}

/// A hostile connector that somebody has approved.
pub(crate) struct Hostile {
    pub(crate) connector: Connector,
    pub(crate) recorder: Arc<Recorder>,
}

/// How a call ended.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) error: ConnectorError,
    pub(crate) failure: Failure,
    pub(crate) rules: Vec<&'static str>,
    /// What the service has seen.
    pub(crate) sent: Vec<Operation>,
}

/// How a connector is made of a component.
pub(crate) struct Terms<'a> {
    /// What happens to the answer before it is approved.
    pub(crate) approve: &'a dyn Fn(&mut Description),
    /// Whether changes are permitted.
    pub(crate) provisioning: bool,
    /// The endpoint that the operator names; `None`: that of the record.
    pub(crate) endpoint: Option<String>,
    /// The network.
    pub(crate) network: transport::Parts,
}

impl Bench {
    pub(crate) async fn start() -> Self {
        Self::with_more_users(0).await
    }

    /// Alice, Bob, and more.
    pub(crate) async fn with_more_users(more: u32) -> Self {
        let pool = |id| {
            (0..more)
                .fold(PoolSpec::literal(id), |pool, number| {
                    pool.user(User::new(format!("user-{number}")))
                })
                .user(User::new("alice").email("alice@example.com"))
                .user(User::new("bob").email("bob@example.com"))
                .group(Group::new("admins"))
                .group(Group::new("developers"))
                .member("bob", "developers")
        };
        let config = Config::new()
            .pool(pool(POOL))
            .pool(pool(OTHER_POOL))
            .key(Key::new(KEY_ID, SECRET))
            .log_contents();
        Self {
            neighbour: Neighbour::new(&ENGINE).await,
            engine: &ENGINE,
            server: Server::start(config).await.unwrap(),
        }
    }

    pub(crate) fn load(&self, attack: &str) -> Component {
        self.engine.load(&hostile::component(attack)).unwrap()
    }

    /// What an operator who approves everything and permits changes is given.
    pub(crate) fn terms(&self) -> Terms<'static> {
        Terms {
            approve: &|_| {},
            provisioning: true,
            endpoint: Some(self.server.endpoint()),
            network: transport::Parts::system(Arc::new(SystemClock)),
        }
    }

    pub(crate) async fn hostile(&self, attack: &str) -> Hostile {
        self.hostile_on(attack, self.terms()).await
    }

    pub(crate) async fn hostile_on(&self, attack: &str, terms: Terms<'_>) -> Hostile {
        self.connector(self.load(attack), terms).await
    }

    /// On an engine of its own, with other limits than the default ones.
    pub(crate) async fn hostile_within(&self, attack: &str, limits: &str) -> Hostile {
        let limits = Limits::parse([limits]).unwrap();
        let component = engine().limited(limits).load(&hostile::component(attack));
        self.connector(component.unwrap(), self.terms()).await
    }

    async fn connector(&self, component: Component, terms: Terms<'_>) -> Hostile {
        let mut approved = component.describe().await.unwrap();
        (terms.approve)(&mut approved);
        let record = TrustRecord {
            approved,
            pace: BTreeMap::new(),
            limits_source: None,
            endpoint_variables: Vec::new(),
        };
        let wire = &record.approved.wire;
        let Authentication::Sigv4(sigv4) = &wire.authentication else {
            panic!("the connector signs");
        };
        let mut given = BTreeMap::from([("user-pool-id".to_owned(), POOL.to_owned())]);
        if let Some(endpoint) = &terms.endpoint {
            given.insert("endpoint-url".to_owned(), endpoint.clone());
        }
        let supplied = [
            sigv4.access_key_id_setting.as_str(),
            &sigv4.secret_access_key_setting,
            &sigv4.session_token_setting,
        ];
        let settings = Settings::check(&record.approved, given, &supplied).unwrap();
        let endpoint = terms.endpoint.map(|text| Origin::parse(&text).unwrap());
        let policy = Policy::new(wire, settings.values(), endpoint, terms.provisioning).unwrap();
        let classes: Vec<&str> = wire
            .rate_classes
            .iter()
            .map(|class| class.id.as_str())
            .collect();
        let max_rate = MaxRate::parse(["unlimited"], &classes).unwrap();
        let clock = Arc::new(SystemClock);
        let pacer = Pacer::new(wire, Paces::Start(&BTreeMap::new()), &max_rate, clock).unwrap();
        let recorder = Arc::new(Recorder::default());
        let credentials = CredentialSource::given(Credentials {
            access_key_id: KEY_ID.to_owned(),
            secret_access_key: SECRET.to_owned(),
            session_token: None,
            expires: None,
        });
        let source = Some(Arc::new(credentials));
        let authentication = &wire.authentication;
        let proof = Proof::of_host(
            authentication,
            settings.values(),
            source.clone(),
            policy.origin(),
        );
        let keys = Keys::sealed(&record.approved, source).unwrap();
        let egress = Egress::new(policy, Arc::new(pacer), terms.network, recorder.clone())
            .proving(proof.unwrap());
        Hostile {
            connector: Connector::new(
                component,
                Arc::new(record),
                settings,
                keys,
                Arc::new(egress),
            ),
            recorder,
        }
    }

    /// Makes a call while the neighbour works, which it must be able to.
    pub(crate) async fn call(
        &self,
        hostile: &Hostile,
        request: &Request,
    ) -> Result<Answer, ConnectorError> {
        let (answer, ()) = tokio::join!(
            hostile.connector.call(request),
            self.neighbour.reads_everything()
        );
        answer
    }

    /// Makes a call that must be refused, and one that must not: the host is as good as
    /// before, also for this connector.
    pub(crate) async fn refused(&self, attack: &str, request: &Request) -> Refused {
        let hostile = self.hostile(attack).await;
        self.refused_by(&hostile, request).await
    }

    pub(crate) async fn refused_by(&self, hostile: &Hostile, request: &Request) -> Refused {
        let error = match self.call(hostile, request).await {
            Ok(answer) => panic!("it was not refused: {answer:?}"),
            Err(error) => error,
        };
        let (rules, sent) = (hostile.recorder.rules(), self.sent());
        assert_eq!(self.requests(), sent.len() as u64, "none is unknown");
        hostile.connector.call(&list("group")).await.unwrap();
        Refused {
            failure: Failure::from(&error),
            error,
            rules,
            sent,
        }
    }

    /// The attack must still be under way when the neighbour has done all its work. It is
    /// given up then, and the next call works.
    pub(crate) async fn disturbs_nobody(
        &self,
        hostile: &Hostile,
        attack: impl Future<Output = Result<Answer, ConnectorError>>,
    ) {
        tokio::select! {
            biased;
            () = self.neighbour.reads_everything() => {}
            ended = attack => panic!("it ended before the neighbour was ready: {ended:?}"),
        }
        hostile.connector.call(&list("group")).await.unwrap();
    }

    /// How many requests have reached the service.
    pub(crate) fn requests(&self) -> u64 {
        self.server.log().total()
    }

    /// What has reached the service, in its order.
    pub(crate) fn sent(&self) -> Vec<Operation> {
        let entries = self.server.log().entries();
        entries.iter().filter_map(|entry| entry.operation).collect()
    }
}

impl Refused {
    /// The code, the rules and the words that a person must see.
    #[track_caller]
    pub(crate) fn is(&self, code: ExitCode, rules: &[&str], words: &[&str]) {
        assert_eq!(self.failure.code, code, "{self:?}");
        assert_eq!(self.rules, rules, "{self:?}");
        for word in words {
            assert!(
                self.failure.message.contains(word),
                "{word:?} is missing: {self:?}"
            );
        }
        let shown = self.failure.render(true);
        assert!(!shown.contains(SECRET), "{shown}");
        assert!(
            shown.chars().all(|c| c == '\n' || !c.is_control()),
            "{shown:?}"
        );
    }

    /// Refused by one rule of the policy; the service has seen nothing.
    #[track_caller]
    pub(crate) fn is_denied(&self, rule: &str, words: &[&str]) {
        self.is_denied_after(&[], rule, words);
    }

    /// Refused by one rule of the policy; the service has seen what was honest.
    #[track_caller]
    pub(crate) fn is_denied_after(&self, seen: &[Operation], rule: &str, words: &[&str]) {
        self.is(ExitCode::PermissionDenied, &[rule], words);
        assert_eq!(self.sent, seen, "{self:?}");
    }

    /// The component has failed, or hit a limit.
    #[track_caller]
    pub(crate) fn is_broken(&self, words: &[&str]) {
        self.is(ExitCode::Component, &[], words);
        let ConnectorError::Call(error) = &self.error else {
            panic!("it was tried again: {self:?}");
        };
        assert!(!matches!(error, CallError::Reported(_)), "{self:?}");
    }
}

pub(crate) fn list(kind: &str) -> Request {
    Request::ListResources {
        kind: kind.to_owned(),
        parent: None,
        partition: None,
        cursor: None,
        page_size: None,
    }
}

fn membership(user: &str, group: &str) -> Membership {
    Membership {
        entitlement: EntitlementId {
            resource: ResourceId::new("group", group),
            slug: "member".to_owned(),
        },
        principal: ResourceId::new("user", user),
    }
}

pub(crate) fn grant(user: &str, group: &str) -> Request {
    Request::Change(Change::Grant(membership(user, group)))
}

pub(crate) fn revoke(user: &str, group: &str) -> Request {
    Request::Change(Change::Revoke(membership(user, group)))
}

pub(crate) fn create(email: &str) -> Request {
    Request::Change(Change::CreateAccount {
        kind: "user".to_owned(),
        fields: vec![("email".to_owned(), AttributeValue::Text(email.to_owned()))],
    })
}

pub(crate) fn delete(user: &str) -> Request {
    Request::Change(Change::DeleteAccount {
        account: ResourceId::new("user", user),
    })
}

pub(crate) fn disable(user: &str) -> Request {
    Request::Change(Change::Invoke {
        action: "disable_user".to_owned(),
        arguments: vec![("user_id".to_owned(), AttributeValue::Text(user.to_owned()))],
    })
}
