//! A small blocking client with AWS's signer, which can be told to do everything wrong.

use std::io::{Read, Write};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use fake_cognito::{Config, Key, PoolSpec, Server};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client as Http, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde_json::{Value, json};

pub(crate) const POOL: &str = "us-east-1_Example01";
pub(crate) const KEY_ID: &str = "AKIDEXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

pub(crate) fn config(pool: PoolSpec) -> Config {
    Config::new()
        .pool(pool)
        .key(Key::new(KEY_ID, SECRET))
        .log_contents()
}

pub(crate) fn serve(pool: PoolSpec) -> (Server, Client) {
    serve_config(config(pool))
}

pub(crate) fn serve_config(config: Config) -> (Server, Client) {
    let server = Server::start_blocking(config).unwrap();
    let client = Client::new(server.endpoint());
    (server, client)
}

pub(crate) struct Client {
    endpoint: String,
    runtime: tokio::runtime::Runtime,
    http: Http<HttpConnector, Full<Bytes>>,
    pub(crate) key_id: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
    pub(crate) region: String,
    pub(crate) service: String,
    pub(crate) content_type: String,
    pub(crate) time: Option<SystemTime>,
    /// Runs on the signed request.
    pub(crate) tamper: fn(&mut Request<Full<Bytes>>),
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Type and message of an error in either shape.
    pub(crate) fn error(&self) -> (String, String) {
        assert_eq!(self.status, 400, "{}", String::from_utf8_lossy(&self.body));
        let body = self.json();
        let kind = body["__type"].as_str().unwrap();
        let kind = kind.rsplit('#').next().unwrap();
        let message = body.get("message").or(body.get("Message")).unwrap();
        (kind.to_owned(), message.as_str().unwrap().to_owned())
    }

    pub(crate) fn error_type(&self) -> String {
        self.error().0
    }
}

impl Client {
    pub(crate) fn new(endpoint: String) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let http = Http::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .build_http();
        Self {
            endpoint,
            runtime,
            http,
            key_id: KEY_ID.to_owned(),
            secret: SECRET.to_owned(),
            token: None,
            region: "us-east-1".to_owned(),
            service: "cognito-idp".to_owned(),
            content_type: "application/x-amz-json-1.1".to_owned(),
            time: None,
            tamper: |_| {},
        }
    }

    fn signed(&self, operation: &str, body: Bytes) -> Request<Full<Bytes>> {
        let uri = format!("{}/", self.endpoint);
        let host = self.endpoint.trim_start_matches("http://").to_owned();
        let target = format!("AWSCognitoIdentityProviderService.{operation}");
        let headers = [
            ("host", host.as_str()),
            ("content-type", self.content_type.as_str()),
            ("x-amz-target", target.as_str()),
        ];
        let identity =
            Credentials::new(&self.key_id, &self.secret, self.token.clone(), None, "test").into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(&self.service)
            .time(self.time.unwrap_or_else(SystemTime::now))
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let signable = SignableRequest::new(
            "POST",
            &uri,
            headers.into_iter(),
            SignableBody::Bytes(&body),
        )
        .unwrap();
        let (instructions, _) = sign(signable, &params).unwrap().into_parts();
        let mut request = Request::post(&uri);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut request = request.body(Full::new(body)).unwrap();
        instructions.apply_to_request_http1x(&mut request);
        (self.tamper)(&mut request);
        request
    }

    pub(crate) fn send(&self, operation: &str, body: impl Into<Bytes>) -> Result<Answer, String> {
        let request = self.signed(operation, body.into());
        self.runtime.block_on(async {
            let response = self
                .http
                .request(request)
                .await
                .map_err(|error| error.to_string())?;
            let (parts, body) = response.into_parts();
            let body = body
                .collect()
                .await
                .map_err(|error| error.to_string())?
                .to_bytes();
            Ok(Answer {
                status: parts.status,
                headers: parts.headers,
                body,
            })
        })
    }

    /// Sends and gives up after a while without an answer; for faults that never answer.
    pub(crate) fn first_bytes(
        &self,
        operation: &str,
        enough: usize,
        patience: Duration,
    ) -> Option<usize> {
        let request = self.signed(operation, json!({"UserPoolId": POOL}).to_string().into());
        self.runtime.block_on(async {
            let read = async {
                let mut body = self.http.request(request).await.unwrap().into_body();
                let mut bytes = 0;
                while bytes < enough {
                    let frame = body.frame().await.unwrap().unwrap();
                    bytes += frame.data_ref().map_or(0, Bytes::len);
                }
                bytes
            };
            tokio::time::timeout(patience, read).await.ok()
        })
    }

    /// Sends on a bare socket and says what came, until the body is whole or, without `stop`,
    /// until the connection ends; for answers that a client of HTTP would not show.
    pub(crate) fn raw(&self, operation: &str, stop: bool) -> (String, std::io::Result<()>) {
        let body = json!({"UserPoolId": POOL}).to_string();
        let request = self.signed(operation, body.clone().into());
        let mut bytes = b"POST / HTTP/1.1\r\n".to_vec();
        for (name, value) in request.headers() {
            bytes.extend(format!("{name}: ").bytes());
            bytes.extend(value.as_bytes());
            bytes.extend(b"\r\n");
        }
        bytes.extend(format!("content-length: {}\r\n\r\n{body}", body.len()).bytes());
        let address = self.endpoint.trim_start_matches("http://");
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.write_all(&bytes).unwrap();
        let mut answer = Vec::new();
        let mut piece = [0; 4096];
        let end = loop {
            match stream.read(&mut piece) {
                Ok(0) => break Ok(()),
                Ok(read) => answer.extend(&piece[..read]),
                Err(error) => break Err(error),
            }
            if stop && answer.ends_with(b"}") {
                break Ok(());
            }
        };
        (String::from_utf8(answer).unwrap(), end)
    }

    /// Sends an operation on the usual pool.
    pub(crate) fn call(&self, operation: &str, mut input: Value) -> Answer {
        if input.get("UserPoolId").is_none() {
            input["UserPoolId"] = Value::from(POOL);
        }
        self.send(operation, input.to_string()).unwrap()
    }

    /// Reads a list to its end and says how many items each page had.
    pub(crate) fn pages(&self, operation: &str, input: &Value) -> (Vec<Value>, Vec<usize>) {
        let member = if operation.contains("Users") {
            "Users"
        } else {
            "Groups"
        };
        let token_member = if operation == "ListUsers" {
            "PaginationToken"
        } else {
            "NextToken"
        };
        let (mut items, mut sizes, mut token) = (Vec::new(), Vec::new(), Value::Null);
        loop {
            let mut input = input.clone();
            if !token.is_null() {
                input[token_member] = token;
            }
            let mut page = self.call(operation, input).ok();
            let rows = page[member].as_array_mut().unwrap();
            sizes.push(rows.len());
            items.append(rows);
            token = page[token_member].take();
            if token.is_null() {
                return (items, sizes);
            }
            assert!(sizes.len() < 10_000, "the list does not end");
        }
    }
}

pub(crate) fn names(items: &[Value], member: &str) -> Vec<String> {
    items
        .iter()
        .map(|item| item[member].as_str().unwrap().to_owned())
        .collect()
}
