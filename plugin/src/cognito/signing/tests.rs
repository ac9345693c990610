//! AWS's public test vectors, from the sources of the signing crate, through our own
//! signing path.

use super::*;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SessionTokenMode, UriPathNormalizationMode,
};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
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
    let signer = Signer {
        credentials: Credentials::new(
            text(&credentials["access_key_id"]),
            text(&credentials["secret_access_key"]),
            credentials["token"].as_str().map(str::to_owned),
            None,
            "vectors",
        ),
        region: text(&context["region"]),
        service: "service",
    };
    assert_eq!(context["service"], "service");
    let time = OffsetDateTime::parse(context["timestamp"].as_str().unwrap(), &Rfc3339).unwrap();

    let mut settings = SigningSettings::default();
    settings.uri_path_normalization_mode =
        UriPathNormalizationMode::from(context["normalize"] == true);
    if context["sign_body"] == true {
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    if context["omit_session_token"] == true {
        settings.session_token_mode = SessionTokenMode::Exclude;
    }
    let request = Request::parse(&read("request.txt"));
    if request.uri.contains('%') {
        // The vectors write a space as such and encode it once; an address can't hold
        // one, so that it is encoded before it comes to the signer.
        settings.percent_encoding_mode = PercentEncodingMode::Single;
    }
    let signed = signer
        .sign(
            &request.method,
            &request.uri,
            &request.headers,
            request.body.as_bytes(),
            time.into(),
            settings,
        )
        .unwrap_or_else(|_| panic!("{case:?} can't be signed"));

    let published = Request::parse(&read("header-signed-request.txt"));
    let mut expected = published.headers;
    for name in request.headers.keys() {
        expected.remove(name);
    }
    let signed: HeaderMap = signed.into_iter().collect();
    assert_eq!(signed, expected, "{case:?}");
    let signature = read("header-signature.txt");
    let authorization = signed["authorization"].to_str().unwrap();
    assert!(authorization.ends_with(signature.trim()), "{case:?}");
}

struct Request {
    method: String,
    uri: String,
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
            uri: format!("https://{host}{}", target.replace(' ', "%20")),
            headers,
            body: body.to_owned(),
        }
    }
}
