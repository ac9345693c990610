//! When credentials are fetched, and how often.

use super::*;
use crate::credentials::testing::Rotation;

const HOUR: Duration = Duration::from_secs(3600);

fn key() -> Credentials {
    Credentials {
        access_key_id: "AKIA".to_owned(),
        secret_access_key: "secret".to_owned(),
        session_token: None,
        expires: None,
    }
}

#[tokio::test]
async fn however_many_need_credentials_at_once_they_are_fetched_once() {
    let bench = Rotation::new(HOUR, u32::MAX);
    let all = (0..50).map(|_| bench.source.current());
    let all = futures_util::future::join_all(all).await;
    let first = all[0].clone().unwrap();
    assert!(all.into_iter().all(|found| found.unwrap() == first));
    assert_eq!(bench.fetches(), 1);
    bench.source.current().await.unwrap();
    assert_eq!(bench.fetches(), 1);
}

#[tokio::test]
async fn credentials_near_their_end_are_replaced_before_they_are_refused() {
    let bench = Rotation::new(EXPIRY_MARGIN / 2, u32::MAX);
    let first = bench.source.current().await.unwrap();
    bench.clock.advance(PAUSE);
    assert_ne!(bench.source.current().await.unwrap(), first);
}

#[tokio::test]
async fn a_source_that_has_none_better_is_not_asked_with_every_request() {
    let bench = Rotation::new(EXPIRY_MARGIN / 2, u32::MAX);
    for _ in 0..100 {
        bench.source.current().await.unwrap();
    }
    assert_eq!(bench.fetches(), 1);

    let bench = Rotation::new(EXPIRY_MARGIN / 2, 1);
    for _ in 0..3 {
        bench.source.current().await.unwrap();
        bench.clock.advance(PAUSE / 2);
    }
    assert_eq!(bench.fetches(), 2, "nor one that refuses to renew them");
}

#[tokio::test]
async fn credentials_that_are_still_good_outlive_a_failed_renewal() {
    let bench = Rotation::new(EXPIRY_MARGIN / 2, 1);
    let first = bench.source.current().await.unwrap();
    bench.clock.advance(PAUSE);
    assert_eq!(bench.source.current().await.unwrap(), first);
    assert_eq!(bench.fetches(), 2);

    let bench = Rotation::new(Duration::ZERO, 1);
    bench.source.current().await.unwrap();
    bench.clock.advance(PAUSE);
    let over = bench.source.current().await.unwrap_err();
    assert!(matches!(over, CredentialsError::Refused(_)), "{over}");
}

#[tokio::test]
async fn refused_credentials_are_replaced_once_for_all_workers() {
    let bench = Rotation::new(HOUR, u32::MAX);
    let refused = bench.source.current().await.unwrap();
    let all = (0..50).map(|_| bench.source.replacement(&refused));
    for found in futures_util::future::join_all(all).await {
        assert_ne!(found.unwrap().unwrap(), refused);
    }
    assert_eq!(bench.fetches(), 2);
}

#[tokio::test]
async fn a_given_key_has_no_replacement() {
    let source = CredentialSource::given(key());
    assert_eq!(source.replacement(&key()).await.unwrap(), None);
    assert_eq!(source.replacement(&key()).await.unwrap(), None);
}

#[tokio::test]
async fn neither_key_nor_source_shows_a_secret() {
    let source = CredentialSource::given(key());
    source.current().await.unwrap();
    for text in [format!("{:?}", key()), format!("{source:?}")] {
        assert!(!text.contains("secret\""), "{text}");
    }
}
