//! What somebody would write who needs two requests of the service and nothing else: hyper's
//! client, a signature by the crate of the AWS SDK, rows by serde.

use std::time::SystemTime;

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::key::{KEY_ID, SECRET};

/// A page of users.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Page<T> {
    pub(crate) users: Vec<T>,
    #[serde(default, alias = "NextToken")]
    #[expect(dead_code, reason = "no second page is asked for")]
    pagination_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "the rows are made and not used")]
pub(crate) struct User {
    username: String,
    attributes: Vec<Attribute>,
    enabled: bool,
    user_status: String,
    user_create_date: f64,
    user_last_modified_date: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "the rows are made and not used")]
pub(crate) struct Attribute {
    name: String,
    value: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "the rows are made and not used")]
pub(crate) struct Member {
    username: String,
}

/// A client of one endpoint.
pub(crate) struct Plain {
    client: Client<HttpConnector, Full<Bytes>>,
    endpoint: String,
}

impl Plain {
    pub(crate) fn new(endpoint: &str) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            endpoint: format!("{endpoint}/"),
        }
    }

    pub(crate) async fn users(&self, pool: &str) -> Page<User> {
        let body = serde_json::json!({"UserPoolId": pool, "Limit": 60});
        self.ask("ListUsers", body.to_string()).await
    }

    pub(crate) async fn members(&self, pool: &str, group: &str) -> Page<Member> {
        let body = serde_json::json!({"UserPoolId": pool, "GroupName": group, "Limit": 60});
        self.ask("ListUsersInGroup", body.to_string()).await
    }

    async fn ask<T: DeserializeOwned>(&self, operation: &str, body: String) -> T {
        let request = self.signed(operation, body);
        let answer = self.client.request(request).await.unwrap();
        assert_eq!(answer.status(), http::StatusCode::OK);
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice(&body).unwrap()
    }

    fn signed(&self, operation: &str, body: String) -> http::Request<Full<Bytes>> {
        let target = format!("AWSCognitoIdentityProviderService.{operation}");
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", target.as_str()),
        ];
        let credentials =
            aws_credential_types::Credentials::new(KEY_ID, SECRET, None, None, "benchmark");
        let identity = credentials.into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region("eu-central-1")
            .name("cognito-idp")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let signable = SignableRequest::new(
            "POST",
            self.endpoint.as_str(),
            headers.into_iter(),
            SignableBody::Bytes(body.as_bytes()),
        );
        let (instructions, _) = sign(signable.unwrap(), &parameters).unwrap().into_parts();
        let mut request = http::Request::post(&self.endpoint);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut request = request.body(Full::new(Bytes::new())).unwrap();
        instructions.apply_to_request_http1x(&mut request);
        *request.body_mut() = Full::new(body.into());
        request
    }
}
