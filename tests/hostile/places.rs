//! Where requests go: one place, whatever it is called and whatever it resolves to.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use connector_host::cli::ExitCode;
use connector_host::egress::transport::{Dial, Lookup, Parts, Resolve};
use connector_host::limits::clock::SystemClock;
use fake_cognito::{Fault, Operation, Rule};
use tokio::net::TcpStream;

use crate::bench::{Bench, Hostile, Terms, list};

/// The cloud's metadata service, which gives keys to everybody who asks, in every spelling
/// that some client understands.
const METADATA: [&str; 18] = [
    "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
    "https://169.254.169.254/",
    "http://169.254.169.254:80/",
    "http://169.254.169.254./",
    "http://169.254.43518/",
    "http://169.16689662/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0xA9.0xFE.0xA9.0xFE/",
    "http://0251.0376.0251.0376/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[::169.254.169.254]/",
    "http://[64:ff9b::169.254.169.254]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[fd00:ec2::254]/",
    "http://metadata.google.internal/",
    "http://instance-data/",
];

#[tokio::test]
async fn another_host_is_refused_and_both_places_are_named() {
    let bench = Bench::start().await;
    let refused = bench
        .refused("take-it-to with https://collector.example", &list("user"))
        .await;
    refused.is_denied(
        "origin",
        &[
            "https://collector.example",
            "may only reach",
            &bench.server.endpoint(),
        ],
    );
}

#[tokio::test]
async fn the_metadata_service_is_refused_in_every_spelling() {
    let bench = Bench::start().await;
    let attack = format!("send with {}", METADATA.join(" "));
    let refused = bench.refused(&attack, &list("user")).await;
    refused.is(
        ExitCode::PermissionDenied,
        &["origin"; METADATA.len()],
        &["169.254.169.254"],
    );
}

#[tokio::test]
async fn what_only_looks_like_the_granted_place_is_refused() {
    let bench = Bench::start().await;
    let port = bench.server.address().port();
    let urls = [
        format!("https://127.0.0.1:{port}/"),
        format!("http://127.0.0.1:{}/", port.wrapping_add(1)),
        format!("http://localhost:{port}/"),
        format!("http://127.1:{port}/"),
        format!("http://127.0.0.1:{port}@collector.example/"),
        format!("http://127.0.0.1.collector.example:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://0.0.0.0:{port}/"),
    ];
    let attack = format!("send with {}", urls.join(" "));
    let refused = bench.refused(&attack, &list("user")).await;
    refused.is(ExitCode::PermissionDenied, &["origin"; 8], &["refused"]);
}

#[tokio::test]
async fn a_redirect_leads_nowhere() {
    let bench = Bench::start().await;
    let elsewhere = Fault::redirect("https://collector.example/take");
    bench
        .server
        .faults()
        .add(Rule::on(Operation::ListUsers, elsewhere));

    // The host follows none: an honest connector gets it as an answer, and as an error.
    let honest = bench.hostile("none").await;
    bench.call(&honest, &list("user")).await.unwrap_err();
    assert_eq!(bench.sent(), [Operation::ListUsers]);

    // One that follows by itself makes a request like any other.
    bench.server.log().clear();
    let follower = bench.hostile("follow-redirects").await;
    let refused = bench.refused_by(&follower, &list("user")).await;
    refused.is_denied_after(
        &[Operation::ListUsers],
        "origin",
        &["https://collector.example"],
    );
}

#[tokio::test]
async fn opening_a_session_happens_without_network() {
    let bench = Bench::start().await;
    let attack = format!("send during open with {}/", bench.server.endpoint());
    let hostile = bench.hostile(&attack).await;
    bench.call(&hostile, &list("group")).await.unwrap();
    assert_eq!(bench.sent(), [Operation::ListGroups]);
}

/// A network in which names resolve as the test says, and which remembers what was dialled.
#[derive(Debug, Default)]
struct Network {
    answers: Mutex<VecDeque<Vec<SocketAddr>>>,
    dialled: Mutex<Vec<SocketAddr>>,
}

impl Resolve for Network {
    fn resolve(&self, _: &str, _: u16) -> Lookup<Vec<SocketAddr>> {
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or_default();
        Box::pin(async move { Ok(answer) })
    }
}

impl Dial for Network {
    fn dial(&self, addresses: Vec<SocketAddr>) -> Lookup<TcpStream> {
        self.dialled.lock().unwrap().extend(addresses);
        Box::pin(async { Err(io::ErrorKind::ConnectionRefused.into()) })
    }
}

impl Network {
    fn resolving_to(answers: &[&[&str]]) -> Arc<Self> {
        let parsed = |answer: &&[&str]| {
            let addresses = answer.iter().map(|text| text.parse().unwrap());
            addresses
                .map(|address| SocketAddr::new(address, 443))
                .collect()
        };
        Arc::new(Self {
            answers: Mutex::new(answers.iter().map(parsed).collect()),
            dialled: Mutex::default(),
        })
    }

    fn dialled(&self) -> Vec<String> {
        let dialled = self.dialled.lock().unwrap();
        dialled
            .iter()
            .map(|address| address.ip().to_string())
            .collect()
    }
}

/// A connector that asked for a place of its maker's, and somebody has approved it.
async fn with_place(bench: &Bench, place: &str, network: &Arc<Network>) -> Hostile {
    let template = place.to_owned();
    let terms = Terms {
        approve: &move |described| {
            described.wire.origins.truncate(1);
            for origin in &mut described.wire.origins {
                origin.when = None;
                origin.template.clone_from(&template);
            }
        },
        endpoint: None,
        network: Parts {
            resolver: Arc::clone(network) as Arc<dyn Resolve>,
            dialler: Arc::clone(network) as Arc<dyn Dial>,
            ..Parts::system(Arc::new(SystemClock))
        },
        ..bench.terms()
    };
    bench
        .hostile_on(&format!("take-it-to with {place}"), terms)
        .await
}

#[tokio::test]
async fn an_approved_name_that_resolves_to_a_private_address_is_not_dialled() {
    let bench = Bench::start().await;
    for address in [
        "10.0.0.7",
        "169.254.169.254",
        "127.0.0.1",
        "::ffff:192.168.1.1",
        "fd00:ec2::254",
    ] {
        let network = Network::resolving_to(&[&[address]]);
        let hostile = with_place(&bench, "https://inside.maker.example", &network).await;
        let error = bench.call(&hostile, &list("user")).await.unwrap_err();
        let failure = connector_host::cli::Failure::from(&error);
        assert_eq!(failure.code, ExitCode::PermissionDenied, "{failure:?}");
        assert!(
            failure.message.contains("inside.maker.example"),
            "{failure:?}"
        );
        assert!(failure.message.contains(address), "{failure:?}");
        assert_eq!(network.dialled(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_name_that_resolves_to_a_public_address_first_and_a_private_one_next_is_judged_each_time()
{
    let bench = Bench::start().await;
    let network =
        Network::resolving_to(&[&["198.41.0.4"], &["10.0.0.7", "192.33.4.12"], &["10.0.0.7"]]);
    let hostile = with_place(&bench, "https://rebinds.maker.example", &network).await;
    // Refused connections are tried again; every try is judged anew.
    let error = bench.call(&hostile, &list("user")).await.unwrap_err();
    let failure = connector_host::cli::Failure::from(&error);
    assert_eq!(failure.code, ExitCode::PermissionDenied, "{failure:?}");
    assert_eq!(network.dialled(), ["198.41.0.4", "192.33.4.12"]);
}

#[tokio::test]
async fn an_approved_place_that_is_the_metadata_service_is_not_dialled() {
    let bench = Bench::start().await;
    for place in [
        "https://169.254.169.254",
        "https://[::ffff:169.254.169.254]",
        "https://[64:ff9b::a9fe:a9fe]",
        "https://[fd00:ec2::254]",
    ] {
        let network = Network::resolving_to(&[]);
        let hostile = with_place(&bench, place, &network).await;
        let error = bench.call(&hostile, &list("user")).await.unwrap_err();
        let failure = connector_host::cli::Failure::from(&error);
        assert_eq!(
            failure.code,
            ExitCode::PermissionDenied,
            "{place}: {failure:?}"
        );
        assert_eq!(network.dialled(), Vec::<String>::new());
    }
}
