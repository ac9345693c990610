//! Where a proof may go, and what shows of it.

use super::*;
use crate::credentials::testing::{Rotation, SECRET, TOKEN};
use crate::trust::description::Sigv4;
use std::time::Duration;

const BEARER: &str = "the-real-bearer-token";

fn authentications() -> [Authentication; 2] {
    [
        Authentication::Bearer("bearer".to_owned()),
        Authentication::Sigv4(Sigv4 {
            service: "directory".to_owned(),
            region_setting: "region".to_owned(),
            access_key_id_setting: "key".to_owned(),
            secret_access_key_setting: "secret".to_owned(),
            session_token_setting: "token".to_owned(),
        }),
    ]
}

fn proof(authentication: &Authentication) -> Proof {
    let settings = [("region", "eu-west-1"), ("bearer", BEARER)];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let source = Rotation::new(Duration::from_secs(3600), u32::MAX).source;
    let origin = Origin::parse("https://directory.example").unwrap();
    Proof::of_host(authentication, &settings.into(), Some(source), &origin).unwrap()
}

fn request(uri: &str) -> http::Request<Full<Bytes>> {
    let mut request = http::Request::new(Full::default());
    *request.uri_mut() = uri.parse().unwrap();
    request
}

#[tokio::test]
async fn a_proof_goes_to_the_one_place_and_to_no_other() {
    for authentication in authentications() {
        let proof = proof(&authentication);
        let mut good = request("https://directory.example/users");
        proof.put_on(&mut good, b"").await.unwrap();
        assert!(good.headers().contains_key("authorization"));
        for elsewhere in [
            "http://directory.example/users",
            "https://directory.example:8443/users",
            "https://evil.example/users",
            "https://directory.example.evil.example/",
            "/users",
        ] {
            let mut request = request(elsewhere);
            let refused = proof.put_on(&mut request, b"").await.err().unwrap();
            assert!(matches!(refused, ProofError::Place { .. }), "{elsewhere}");
            assert!(request.headers().is_empty(), "{elsewhere}");
        }
    }
}

#[tokio::test]
async fn what_is_put_on_a_request_is_not_shown_with_it() {
    for authentication in authentications() {
        let proof = proof(&authentication);
        let mut request = request("https://directory.example/");
        proof.put_on(&mut request, b"").await.unwrap();
        for shown in [format!("{proof:?}"), format!("{request:?}")] {
            for secret in [BEARER, SECRET, TOKEN] {
                assert!(!shown.contains(secret), "{shown}");
            }
        }
    }
}

#[test]
fn a_proof_without_its_setting_or_its_credentials_is_none() {
    let origin = Origin::parse("https://directory.example").unwrap();
    let [bearer, sigv4] = authentications();
    let none = BTreeMap::new();
    let missing =
        |authentication| Proof::of_host(authentication, &none, None, &origin).unwrap_err();
    assert_eq!(missing(&bearer), NoProof::Missing("bearer".to_owned()));
    assert_eq!(missing(&sigv4), NoProof::Missing("region".to_owned()));
    let region = [("region".to_owned(), "eu-west-1".to_owned())].into();
    let error = Proof::of_host(&sigv4, &region, None, &origin).unwrap_err();
    assert_eq!(error, NoProof::Credentials);
}
