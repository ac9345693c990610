//! Looks into the memory of the bundled component after real calls: where the host holds
//! the keys, no part of the real secret or of its token is in there.
//!
//! That the same look finds both where the component is given them shows that it looks at
//! the right place.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use fake_cognito::{Config, Group, Key, PoolSpec, Server, User};
use wasmtime::{LinearMemory, MemoryCreator, MemoryType};

use super::*;
use crate::change::{Change, Membership};
use crate::credentials::CredentialSource;
use crate::egress::audit::LogSink;
use crate::egress::signing::Proof;
use crate::egress::{Origin, Policy, transport};
use crate::engine::Engine;
use crate::limits::clock::SystemClock;
use crate::limits::{MaxRate, Pacer, Paces};

const BUNDLED: &[u8] = include_bytes!(env!("CONNECTOR_COMPONENT"));
const POOL: &str = "eu-central-1_Ab1Cd2Ef3";
const KEY_ID: &str = "ASIASEALEDMEMORY0000";
const SECRET: &str = "wJalr7XUtnFEMIK7MDENGbPxRfiCYq2PvHn4mZsT";
const TOKEN: &str = "IQoJb3JpZ2luX2VjEJr7PvHn4mZsTq2wJalr7XUtnFEMI";

type Words = Arc<[AtomicU64]>;

/// Every memory that a component ever had, also when it is gone.
#[derive(Default)]
struct Watched(Mutex<Vec<Arc<Mutex<Words>>>>);

/// A memory made of words that anybody may read.
struct Readable {
    words: Arc<Mutex<Words>>,
}

const WORD: usize = size_of::<u64>();

fn zeroed(bytes: usize) -> Words {
    (0..bytes.div_ceil(WORD))
        .map(|_| AtomicU64::new(0))
        .collect()
}

#[expect(
    unsafe_code,
    reason = "the only way to see the memory of an instance; no guard pages are asked for below, so \
              that plain memory is enough"
)]
// SAFETY: the words live as long as the memory, are zeroed, and move only in `grow_to`.
unsafe impl LinearMemory for Readable {
    fn byte_size(&self) -> usize {
        self.words.lock().unwrap().len() * WORD
    }

    fn byte_capacity(&self) -> usize {
        self.byte_size()
    }

    fn grow_to(&mut self, new_size: usize) -> wasmtime::Result<()> {
        let mut words = self.words.lock().unwrap();
        let grown = zeroed(new_size);
        for (new, old) in grown.iter().zip(words.iter()) {
            new.store(old.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        *words = grown;
        Ok(())
    }

    fn as_ptr(&self) -> *mut u8 {
        self.words.lock().unwrap().as_ptr().cast_mut().cast()
    }
}

#[expect(unsafe_code, reason = "as above")]
// SAFETY: the memories are those above, zeroed and of the size that was asked for.
unsafe impl MemoryCreator for Watched {
    fn new_memory(
        &self,
        _: MemoryType,
        minimum: usize,
        _: Option<usize>,
        reserved: Option<usize>,
        guard: usize,
    ) -> Result<Box<dyn LinearMemory>, String> {
        assert_eq!((reserved.unwrap_or(0), guard), (0, 0));
        let words = Arc::new(Mutex::new(zeroed(minimum)));
        self.0.lock().unwrap().push(words.clone());
        Ok(Box::new(Readable { words }))
    }
}

impl Watched {
    /// An engine like that of production, with these memories and without the guard pages
    /// that they lack.
    fn engine(self: Arc<Self>) -> Engine {
        Engine::with_config(|config| {
            config
                .with_host_memory(self)
                .memory_init_cow(false)
                .memory_reservation(0)
                .memory_reservation_for_growth(0)
                .memory_guard_size(0);
        })
        .unwrap()
    }

    /// Whether eight bytes in a row of a text are anywhere.
    fn holds_part_of(&self, text: &str) -> bool {
        let part = |bytes: &[u8]| u64::from_ne_bytes(bytes.try_into().unwrap());
        let parts: HashSet<u64> = text.as_bytes().windows(WORD).map(part).collect();
        let firsts: HashSet<u8> = text.bytes().collect();
        let is_first: Vec<bool> = (0..=u8::MAX).map(|byte| firsts.contains(&byte)).collect();
        let memories = self.0.lock().unwrap();
        memories.iter().any(|memory| {
            let words = memory.lock().unwrap();
            let bytes: Vec<u8> = words
                .iter()
                .flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes())
                .collect();
            bytes
                .windows(WORD)
                .any(|window| is_first[usize::from(window[0])] && parts.contains(&part(window)))
        })
    }

    fn bytes(&self) -> usize {
        let memories = self.0.lock().unwrap();
        memories
            .iter()
            .map(|memory| memory.lock().unwrap().len() * WORD)
            .sum()
    }
}

async fn service() -> Server {
    let pool = PoolSpec::literal(POOL)
        .user(User::new("alice").email("alice@example.com"))
        .user(User::new("bob").email("bob@example.com"))
        .group(Group::new("admins"))
        .member("alice", "admins");
    let key = Key::new(KEY_ID, SECRET).session_token(TOKEN);
    let config = Config::new().pool(pool).key(key);
    Server::start(config).await.unwrap()
}

async fn connector(server: &Server, watched: &Arc<Watched>, sealed: bool) -> Connector {
    let component = watched.clone().engine().load(BUNDLED).unwrap();
    let record = TrustRecord::bundled().unwrap();
    record.check(&component.describe().await.unwrap()).unwrap();
    let given = [("user-pool-id", POOL), ("endpoint-url", &server.endpoint())];
    let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let supplied = ["aws-access-key-id", "aws-secret-access-key"];
    let settings = Settings::check(&record.approved, given.into(), &supplied).unwrap();
    let wire = &record.approved.wire;
    let endpoint = Origin::parse(&server.endpoint()).unwrap();
    let policy = Policy::new(wire, settings.values(), Some(endpoint), true).unwrap();
    let clock = Arc::new(SystemClock);
    let max_rate = MaxRate::parse(["unlimited"], &[]).unwrap();
    let pacer = Pacer::new(
        wire,
        Paces::Start(&BTreeMap::new()),
        &max_rate,
        clock.clone(),
    )
    .unwrap();
    let source = Some(Arc::new(CredentialSource::given(Credentials {
        access_key_id: KEY_ID.to_owned(),
        secret_access_key: SECRET.to_owned(),
        session_token: Some(TOKEN.to_owned()),
        expires: None,
    })));
    let (authentication, values) = (&wire.authentication, settings.values());
    let (keys, proof) = if sealed {
        let keys = Keys::sealed(&record.approved, source.clone()).unwrap();
        let proof = Proof::of_host(authentication, values, source, policy.origin()).unwrap();
        (keys, proof)
    } else {
        (Keys::Passed(source), Proof::of_component(authentication))
    };
    let parts = transport::Parts::system(clock);
    let egress = Egress::new(policy, Arc::new(pacer), parts, Arc::new(LogSink)).proving(proof);
    let (record, egress) = (Arc::new(record), Arc::new(egress));
    Connector::new(component, record, settings, keys, egress)
}

fn calls() -> Vec<Request> {
    let list = |kind: &str| Request::ListResources {
        kind: kind.to_owned(),
        parent: None,
        partition: None,
        cursor: None,
        page_size: None,
    };
    let (alice, bob) = (
        ResourceId::new("user", "alice"),
        ResourceId::new("user", "bob"),
    );
    vec![
        Request::System,
        list("user"),
        list("group"),
        Request::ListGrants {
            of: GrantsOf::Resource(ResourceId::new("group", "admins")),
            cursor: None,
            page_size: None,
        },
        Request::GetResource {
            id: alice,
            cursor: None,
        },
        Request::Change(Change::Grant(Membership {
            entitlement: "group:admins:member".parse().unwrap(),
            principal: bob,
        })),
    ]
}

/// Whether a part of the secret, and one of the token, is found after any of the calls.
async fn found_after_calls(sealed: bool) -> (bool, bool) {
    let server = service().await;
    let watched = Arc::new(Watched::default());
    let connector = connector(&server, &watched, sealed).await;
    let (mut secret, mut token) = (false, false);
    let mut conversation = connector.conversation();
    for request in calls() {
        conversation.call(&request).await.unwrap();
        secret |= watched.holds_part_of(SECRET);
        token |= watched.holds_part_of(TOKEN);
    }
    drop(conversation);
    assert!(watched.bytes() > 1024 * 1024, "{}", watched.bytes());
    assert!(
        watched.holds_part_of("alice@example.com"),
        "it has read something"
    );
    assert!(
        server.pools()[0]
            .members("admins")
            .any(|name| name == "bob")
    );
    (secret, token)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_part_of_a_sealed_secret_is_in_the_memory_of_the_component() {
    assert_eq!(found_after_calls(true).await, (false, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_look_finds_the_secret_that_a_component_was_given() {
    assert_eq!(found_after_calls(false).await, (true, true));
}
