//! The threat model names a guard and a test for every sentence, and both exist.

use std::path::Path;

use crate::documented::{existing_tests, page};

const PAGE: &str = "docs/threat-model.md";
/// Below it stands what is not claimed.
const NOT_PROTECTED: &str = "## What is not protected";

/// How the headings of the tables begin.
const HEADINGS: [&str; 2] = ["| what holds |", "| not protected |"];

/// The cells of the rows of all tables.
fn rows(text: &str) -> Vec<Vec<&str>> {
    text.lines()
        .filter(|line| !HEADINGS.iter().any(|heading| line.starts_with(heading)))
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|line| line.split(" | ").collect())
        .collect()
}

/// What is claimed, and what is not.
fn parts() -> (String, String) {
    let text = page(PAGE);
    let (claimed, rest) = text.split_once(NOT_PROTECTED).unwrap();
    (claimed.to_owned(), rest.to_owned())
}

/// The files that a cell links to, one after the other.
fn linked(cell: &str) -> String {
    let links = cell.split("](").skip(1);
    let links = links.filter_map(|rest| rest.split_once(')'));
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    links
        .map(|(link, _)| {
            let text = std::fs::read_to_string(docs.join(link));
            assert!(text.is_ok(), "{cell}: there is no {link}");
            text.unwrap()
        })
        .collect()
}

#[test]
fn every_sentence_of_the_threat_model_has_a_guard_and_a_test_that_exist() {
    let (claimed, _) = parts();
    let rows = rows(&claimed);
    assert!(rows.len() > 50, "{} sentences", rows.len());
    for cells in rows {
        let [claim, guard, tests] = cells[..] else {
            panic!("three cells: {cells:?}");
        };
        assert!(!claim.is_empty(), "{cells:?}");
        let source = linked(guard);
        assert!(!source.is_empty(), "{claim}: no guard");
        for name in guard.split('`').skip(1).step_by(2) {
            // A function is where it is defined, and not where it is called.
            let is_there = match name.starts_with(char::is_uppercase) {
                true => source.contains(name),
                false => ["(", "<"]
                    .iter()
                    .any(|end| source.contains(&format!("fn {name}{end}"))),
            };
            assert!(is_there, "{claim}: no {name} in the guard");
        }
        assert!(existing_tests(tests) > 0, "{claim}: no test");
    }
}

#[test]
fn what_is_not_protected_is_said_with_what_to_do_about_it() {
    let (_, rest) = parts();
    let rows = rows(&rest);
    assert!(rows.len() >= 10, "{} rows", rows.len());
    for cells in rows {
        assert_eq!(cells.len(), 2, "{cells:?}");
        assert!(cells.iter().all(|cell| !cell.is_empty()), "{cells:?}");
    }
}
