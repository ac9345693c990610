//! What each format looks like, and what it defends against.

use std::convert::Infallible;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::*;
use crate::trust::description::{Kind, Trait};

fn kind(traits: &[Trait], parents: &[&str]) -> Kind {
    Kind {
        id: "thing".to_owned(),
        plural: "things".to_owned(),
        display_name: "Thing".to_owned(),
        traits: traits.to_vec(),
        parents: parents.iter().map(|&parent| parent.to_owned()).collect(),
        entitlements: Vec::new(),
        grants_of_resource: false,
        grants_of_principal: false,
        accounts: false,
    }
}

fn users() -> Columns {
    Columns::of_kind(&kind(&[Trait::User], &[]))
}

fn rendered(format: Format, columns: &Columns, items: &[Value]) -> String {
    let mut out = Vec::new();
    list(&mut out, format, columns, items).unwrap();
    String::from_utf8(out).unwrap()
}

fn alice() -> Value {
    json!({
        "kind": "user", "id": "alice", "display_name": "Alice Doe", "status": "enabled",
        "status_details": "CONFIRMED", "login": "alice",
        "emails": [
            {"address": "old@example.com", "primary": false, "verified": null},
            {"address": "alice@example.com", "primary": true, "verified": true},
        ],
        "created_at": "2026-01-02T03:04:05.678Z", "updated_at": null, "last_login": null,
        "attributes": {"custom:team": "=1+1", "email_verified": "true"},
    })
}

fn bob() -> Value {
    json!({
        "kind": "user", "id": "bob", "display_name": "Bob, the \"Builder\"", "status": null,
        "status_details": null, "login": null, "emails": [],
        "created_at": null, "updated_at": null, "last_login": null,
        "attributes": {"level": -5, "tags": ["a", "b"]},
    })
}

#[test]
fn json_is_one_array_with_one_row_a_line() {
    let text = rendered(Format::Json, &users(), &[alice(), bob()]);
    assert_eq!(
        serde_json::from_str::<Value>(&text).unwrap(),
        json!([alice(), bob()])
    );
    assert_eq!(text, format!("[\n{},\n{}\n]\n", alice(), bob()));
    assert_eq!(rendered(Format::Json, &users(), &[]), "[]\n");
}

#[test]
fn json_lines_are_the_rows_byte_for_byte() {
    let mut out = Vec::new();
    let odd = r#"{"id":"\u00e4","n":1.0}"#;
    rows::<Infallible>(&mut out, Format::Jsonl, &users(), |visit| visit(odd)).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), format!("{odd}\n"));
    assert_eq!(rendered(Format::Jsonl, &users(), &[]), "");
}

#[test]
fn csv_has_every_attribute_that_any_row_has() {
    let text = rendered(Format::Csv, &users(), &[alice(), bob()]);
    assert_eq!(
        text,
        "id,display_name,status,status_details,email,login,description,created_at,updated_at,\
         last_login,attributes.custom:team,attributes.email_verified,attributes.level,\
         attributes.tags\n\
         alice,Alice Doe,enabled,CONFIRMED,alice@example.com,alice,,2026-01-02T03:04:05.678Z,,,\
         '=1+1,true,,\n\
         bob,\"Bob, the \"\"Builder\"\"\",,,,,,,,,,,-5,a; b\n"
    );
}

#[test]
fn csv_of_nothing_is_the_header() {
    let text = rendered(Format::Csv, &Columns::of_grants(), &[]);
    assert_eq!(text, "id,entitlement,principal\n");
}

#[test]
fn no_csv_cell_is_a_formula() {
    for formula in [
        "=1",
        "+49301234",
        "-5",
        "@SUM(A1)",
        " =1",
        "\u{a0}=1",
        "\u{3000}+1",
        "\u{feff}=1",
        "\0=1",
        "\u{200b}@x",
        "＝1",
        "＋1",
        "－1",
        "＠x",
        "\tx",
        "\rx",
        "\nx",
        "\n=1",
    ] {
        assert_eq!(cell::defused(formula), format!("'{formula}"), "{formula:?}");
    }
    for text in ["a=1", "1-2", "'=1", "", " ", "ok", "#", "äöü", "5"] {
        assert_eq!(cell::defused(text), text);
    }
    let columns = Columns::new([Column::whole("id")]);
    let items = [
        json!({"id": "=cmd|'/c calc'!A1"}),
        json!({"id": "-1\"\n=2"}),
    ];
    let text = rendered(Format::Csv, &columns, &items);
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let cells: Vec<String> = reader
        .records()
        .map(|record| record.unwrap()[0].to_owned())
        .collect();
    assert_eq!(cells, ["'=cmd|'/c calc'!A1", "'-1\"\n=2"]);
}

#[test]
fn a_table_is_aligned_by_what_a_terminal_shows() {
    let columns = Columns::new([Column::whole("id"), Column::shown("display_name")]);
    let items = [
        json!({"id": "a", "display_name": "x"}),
        json!({"id": "山田太郎", "display_name": "wide"}),
        json!({"id": "e\u{301}", "display_name": null}),
        json!({"id": "tail", "display_name": "y"}),
    ];
    assert_eq!(
        rendered(Format::Table, &columns, &items),
        "ID        DISPLAY_NAME\n\
         a         x\n\
         山田太郎  wide\n\
         e\u{301}\n\
         tail      y\n"
    );
    assert_eq!(rendered(Format::Table, &columns, &[]), "ID  DISPLAY_NAME\n");
}

#[test]
fn a_table_hides_and_obeys_nothing() {
    let columns = Columns::new([Column::whole("id")]);
    let items = [json!({"id": "a\u{1b}[31m\nb\r\t\u{9b}c\u{202e}d\u{200b}\u{7f}\0"})];
    assert_eq!(
        rendered(Format::Table, &columns, &items),
        "ID\na\\u{1b}[31m\\nb\\r\\t\\u{9b}c\\u{202e}d\\u{200b}\\u{7f}\\u{0}\n"
    );
}

#[test]
fn a_table_cuts_long_cells_but_never_an_id() {
    let columns = Columns::new([Column::whole("id"), Column::shown("description")]);
    let items = [json!({"id": "i".repeat(100), "description": "山".repeat(100)})];
    let text = rendered(Format::Table, &columns, &items);
    let row = text.lines().nth(1).unwrap();
    assert_eq!(row, format!("{}  {}…", "i".repeat(100), "山".repeat(23)));
}

#[test]
fn people_see_fewer_columns_than_programs() {
    let header = rendered(Format::Table, &users(), &[alice()]);
    let header = header.lines().next().unwrap();
    assert_eq!(
        header.split_whitespace().collect::<Vec<_>>(),
        [
            "ID",
            "DISPLAY_NAME",
            "STATUS",
            "STATUS_DETAILS",
            "EMAIL",
            "CREATED_AT"
        ]
    );
    let child = Columns::of_kind(&kind(&[Trait::Role], &["app"]));
    assert_eq!(
        rendered(
            Format::Csv,
            &child,
            &[json!({"id": "r", "parent": "app:crm"})]
        ),
        "id,parent,display_name,description,created_at,updated_at\nr,app:crm,,,,\n"
    );
}

#[test]
fn one_object_has_its_members_as_lines() {
    let thing = json!({
        "id": "alice", "emails": [{"address": "a@example.com"}], "attributes": {"n": 5, "f": "=1"},
        "tags": ["x", "y"],
    });
    let text = |format| {
        let mut out = Vec::new();
        object(&mut out, format, &thing).unwrap();
        String::from_utf8(out).unwrap()
    };
    assert_eq!(
        text(Format::Table),
        "id            alice\nattributes.n  5\nattributes.f  =1\ntags          x; y\n\n\
         emails (1)\nADDRESS\na@example.com\n"
    );
    assert_eq!(
        text(Format::Csv),
        "name,value\nid,alice\nemails.0.address,a@example.com\nattributes.n,5\n\
         attributes.f,'=1\ntags,x; y\n"
    );
    assert_eq!(text(Format::Jsonl), format!("{thing}\n"));
    assert_eq!(text(Format::Json), format!("{thing:#}\n"));
}

#[test]
fn a_nested_table_cuts_no_sentence_and_not_its_last_column() {
    let long = "long ".repeat(20);
    let long = long.trim_end();
    let text = |thing: &Value| {
        let mut out = Vec::new();
        object(&mut out, Format::Table, thing).unwrap();
        String::from_utf8(out).unwrap()
    };
    let cut = format!("{}…", &long[..47]);
    for sentence in ["message", "detail", "hint"] {
        let thing = json!({"list": [{"name": long, sentence: long, "count": 1}]});
        let text = text(&thing);
        let row = text.lines().last().unwrap();
        assert_eq!(row, format!("{cut}  {long}  1"), "{sentence}");
    }
    let text = text(&json!({"reason": long, "list": [{"name": long, "last": long}]}));
    assert!(text.contains(&format!("reason  {long}\n")), "{text}");
    assert!(text.ends_with(&format!("\n{cut}  {long}\n")), "{text}");
}

/// Takes so many bytes and then fails.
struct Failing(usize, io::ErrorKind);

impl Write for Failing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(self.1.into());
        }
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_closed_pipe_is_told_from_a_failing_disk() {
    let items = vec![alice(); 10];
    for format in [Format::Table, Format::Json, Format::Jsonl, Format::Csv] {
        for room in [0, 1, 50, 400] {
            let mut pipe = Failing(room, io::ErrorKind::BrokenPipe);
            let ended = list(&mut pipe, format, &users(), &items);
            assert!(
                matches!(ended, Err(RenderError::Closed)),
                "{format:?} {room}"
            );
            let mut disk = Failing(room, io::ErrorKind::StorageFull);
            let ended = list(&mut disk, format, &users(), &items);
            assert!(
                matches!(ended, Err(RenderError::Output(_))),
                "{format:?} {room}"
            );
        }
        let mut pipe = Failing(3, io::ErrorKind::BrokenPipe);
        assert!(matches!(
            object(&mut pipe, format, &alice()),
            Err(RenderError::Closed)
        ));
    }
}

#[test]
fn an_error_of_the_source_comes_back_as_it_is() {
    let ended = rows::<&str>(&mut Vec::new(), Format::Csv, &users(), |_| {
        Err("gone".into())
    });
    assert!(matches!(ended, Err(RenderError::Source("gone"))));
}

#[test]
fn twenty_thousand_rows_pass_one_by_one() {
    for format in [Format::Table, Format::Json, Format::Jsonl, Format::Csv] {
        let mut out = Vec::new();
        rows::<Infallible>(&mut out, format, &users(), |visit| {
            (0..20_000)
                .try_for_each(|n| visit(&format!(r#"{{"id":"user-{n}","attributes":{{}}}}"#)))
        })
        .unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.matches("user-").count(), 20_000, "{format:?}");
        assert!(text.contains("user-19999"));
        if format == Format::Json {
            assert_eq!(
                serde_json::from_str::<Vec<Value>>(&text).unwrap().len(),
                20_000
            );
        }
    }
}
