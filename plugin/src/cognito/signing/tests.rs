//! AWS's public test vectors, from the sources of the SDK's signing crate, and that crate
//! itself, against our own signing.

use super::*;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign as sigv4};
use aws_sigv4::sign::v4::SigningParams;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Cases that come with a context. The suite has two more without one, which only the
/// crate's own tests use.
const CASES: usize = 38;

#[test]
fn the_38_public_vectors_are_signed_as_published() {
    let cases = cases();
    assert_eq!(cases.len(), CASES, "cases with a context in the suite");
    for case in cases {
        check(&case);
    }
}

/// Where cargo keeps the sources of the signing crate. Only crates of this platform are
/// asked for, because the others need not have been downloaded.
fn suite() -> PathBuf {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| env!("CARGO").to_owned());
    let run = |arguments: &[&str]| {
        let output = Command::new(&cargo)
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "cargo {arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    };
    let version = run(&["-vV"]);
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap();
    let metadata: Value = serde_json::from_str(&run(&[
        "metadata",
        "--format-version=1",
        "--offline",
        "--filter-platform",
        host,
    ]))
    .unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages
        .iter()
        .find(|package| package["name"] == "aws-sigv4")
        .unwrap();
    let manifest = Path::new(package["manifest_path"].as_str().unwrap());
    manifest.parent().unwrap().join("aws-signing-test-suite/v4")
}

fn cases() -> Vec<PathBuf> {
    let suite = suite();
    let folders = fs::read_dir(&suite).unwrap_or_else(|error| panic!("{suite:?}: {error}"));
    let mut cases: Vec<PathBuf> = folders
        .map(|folder| folder.unwrap().path())
        .filter(|folder| folder.join("context.json").exists())
        .collect();
    cases.sort();
    cases
}

fn check(case: &Path) {
    let read = |file: &str| {
        let path = case.join(file);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        text.replace("\r\n", "\n")
    };
    let context: Value = serde_json::from_str(&read("context.json")).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let credentials = &context["credentials"];
    let token = credentials["token"].as_str().map(str::to_owned);
    let late_token = (context["omit_session_token"] == true).then(|| token.clone());
    let keys = Keys {
        access_key_id: text(&credentials["access_key_id"]),
        secret_access_key: text(&credentials["secret_access_key"]),
        session_token: token.filter(|_| late_token.is_none()),
    };
    let signer = Signer::new(keys, text(&context["region"]), "service");
    assert_eq!(context["service"], "service");
    let time = OffsetDateTime::parse(context["timestamp"].as_str().unwrap(), &Rfc3339).unwrap();

    let request = Request::parse(&read("request.txt"));
    let mut headers = request.headers.clone();
    let mut added = HeaderMap::new();
    if context["sign_body"] == true {
        let digest = hex(&sha256(request.body.as_bytes()));
        added.insert("x-amz-content-sha256", digest.parse().unwrap());
        headers.extend(added.clone());
    }
    if let Some(Some(token)) = late_token {
        added.insert(X_AMZ_SECURITY_TOKEN, token.parse().unwrap());
    }
    let (path, query) = request
        .target
        .split_once('?')
        .unwrap_or((&request.target, ""));
    let signable = Signable {
        method: &request.method,
        host: &request.host,
        path: &canonical_path(path, context["normalize"] == true),
        query: &canonical_query(query),
        headers: &(&headers).into(),
        body: request.body.as_bytes(),
    };
    let signed = signer
        .sign(&signable, since_1970(time.into()))
        .unwrap_or_else(|_| panic!("{case:?} can't be signed"));

    let published = Request::parse(&read("header-signed-request.txt"));
    let mut expected = published.headers;
    for name in request.headers.keys() {
        expected.remove(name);
    }
    let mut signed = HeaderMap::try_from(&signed).unwrap();
    signed.extend(added);
    assert_eq!(signed, expected, "{case:?}");
    let signature = read("header-signature.txt");
    let authorization = signed["authorization"].to_str().unwrap();
    assert!(authorization.ends_with(signature.trim()), "{case:?}");
}

fn since_1970(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap()
}

struct Request {
    method: String,
    host: String,
    target: String,
    headers: HeaderMap,
    body: String,
}

impl Request {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap_or((text.trim_end(), ""));
        // A line that begins with white space goes on with the header before it.
        let head = head.replace("\n ", " ");
        let mut lines = head.lines();
        let line = lines.next().unwrap();
        let (method, rest) = line.split_once(' ').unwrap();
        let (target, _) = rest.rsplit_once(' ').unwrap();
        let mut headers = HeaderMap::new();
        let mut host = String::new();
        for line in lines {
            let (name, value) = line.split_once(':').unwrap();
            match name.to_ascii_lowercase().as_str() {
                "host" => host = value.to_owned(),
                name => {
                    let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
                    headers.append(name, HeaderValue::from_str(value).unwrap());
                }
            }
        }
        Self {
            method: method.to_owned(),
            host,
            target: target.to_owned(),
            headers,
            body: body.to_owned(),
        }
    }
}

/// What is in its canonical form before it comes to the signer.
fn canonical_path(path: &str, normalized: bool) -> String {
    let mut segments: Vec<&str> = path.split('/').skip(1).collect();
    if normalized {
        let mut kept: Vec<&str> = Vec::new();
        for segment in &segments {
            match *segment {
                "" | "." => {}
                ".." => drop(kept.pop()),
                segment => kept.push(segment),
            }
        }
        if path.ends_with('/') && !kept.is_empty() {
            kept.push("");
        }
        segments = kept;
    }
    // Some vectors write what is encoded already, and encode it once all the same.
    let once = |text: &&str| encoded(&decoded(text));
    let encoded: Vec<String> = segments.iter().map(once).collect();
    format!("/{}", encoded.join("/"))
}

fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (encoded(&decoded(name)), encoded(&decoded(value))))
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs.iter().map(|(n, v)| format!("{n}={v}")).collect();
    pairs.join("&")
}

fn encoded(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend(part[2..].bytes());
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn the_signing_crate_of_the_sdk_signs_the_same() {
    let mut random = fastrand::Rng::with_seed(5);
    for token in [None, Some("token+of/the=test".to_owned())] {
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", token.clone(), None, "test");
        let keys = Keys {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "secret".to_owned(),
            session_token: token,
        };
        // One signer for many days and back, so that a key of the wrong day would be seen.
        let signer = Signer::new(keys, "eu-central-1".to_owned(), "cognito-idp");
        for _ in 0..500 {
            let time = UNIX_EPOCH + Duration::from_secs(random.u64(..40) * 43_201);
            let body: Vec<u8> = (0..random.usize(..300)).map(|_| random.u8(..)).collect();
            let mut headers = HeaderMap::new();
            headers.insert(
                "content-type",
                "application/x-amz-json-1.1".parse().unwrap(),
            );
            headers.append("x-amz-target", "A.B".parse().unwrap());
            headers.append("x-amz-target", "  C   D ".parse().unwrap());
            let host = ["a.example", "b.example:8443"][random.usize(..2)];
            let signable = Signable {
                method: "POST",
                host,
                path: "/",
                query: "",
                headers: &(&headers).into(),
                body: &body,
            };
            let ours = signer.sign(&signable, since_1970(time)).unwrap();
            let ours = HeaderMap::try_from(&ours).unwrap();

            let identity = credentials.clone().into();
            let parameters = SigningParams::builder()
                .identity(&identity)
                .region("eu-central-1")
                .name("cognito-idp")
                .time(time)
                .settings(SigningSettings::default())
                .build()
                .unwrap()
                .into();
            let uri = format!("https://{host}/");
            let pairs = headers
                .iter()
                .map(|(n, v)| (n.as_str(), v.to_str().unwrap()));
            let request =
                SignableRequest::new("POST", &uri, pairs, SignableBody::Bytes(&body)).unwrap();
            let (instructions, _) = sigv4(request, &parameters).unwrap().into_parts();
            let theirs: HeaderMap = instructions
                .into_parts()
                .0
                .into_iter()
                .map(|header| {
                    let name = HeaderName::from_static(header.name());
                    (name, HeaderValue::from_str(header.value()).unwrap())
                })
                .collect();
            assert_eq!(ours, theirs);
        }
    }
}

#[test]
fn no_secret_is_shown_with_a_signer() {
    let keys = Keys {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: "hunter2".to_owned(),
        session_token: Some("hunter2".to_owned()),
    };
    let signer = Signer::new(keys, "us-east-1".to_owned(), "service");
    let headers = Headers::default();
    let signable = Signable {
        method: "POST",
        host: "example.com",
        path: "/",
        query: "",
        headers: &headers,
        body: b"",
    };
    signer.sign(&signable, Duration::ZERO).unwrap();
    let shown = format!("{signer:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    // A key that was derived would be shown as a list of numbers.
    assert!(!shown.contains('['), "{shown}");
}
