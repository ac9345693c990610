//! The table of the edge cases names every case, and tests that exist.

use std::path::{Path, PathBuf};

/// How many cases there are.
const CASES: u32 = 60;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Number, case, and tests or the reason why there are none.
fn rows() -> Vec<(u32, String, String)> {
    let page = std::fs::read_to_string(root().join("docs/edge-cases.md")).unwrap();
    page.lines()
        .filter_map(|line| {
            let cells = line.strip_prefix('|')?.strip_suffix('|')?;
            let cells: Vec<&str> = cells.split('|').map(str::trim).collect();
            assert_eq!(cells.len(), 3, "{line}");
            let number = cells[0].parse().ok()?;
            Some((number, cells[1].to_owned(), cells[2].to_owned()))
        })
        .collect()
}

/// What stands between backquotes and names a test: `file::function`.
fn named(tests: &str) -> Vec<(&str, &str)> {
    tests
        .split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|quoted| quoted.split_once("::"))
        .collect()
}

#[test]
fn every_number_is_there_once_and_has_a_test_or_a_reason() {
    let rows = rows();
    let numbers: Vec<u32> = rows.iter().map(|(number, ..)| *number).collect();
    assert_eq!(numbers, (1..=CASES).collect::<Vec<_>>());
    for (number, case, tests) in rows {
        assert!(!case.is_empty(), "case {number} has no text");
        let has_reason = tests.contains("closes with");
        assert!(
            has_reason || !named(&tests).is_empty(),
            "case {number}: {tests}"
        );
    }
}

#[test]
fn every_test_that_the_table_names_exists() {
    let mut number_of_tests = 0;
    for (number, _, tests) in rows() {
        for (file, function) in named(&tests) {
            // A bare name is a file of these tests.
            let file = match file.contains("src/") || file.starts_with("tests/") {
                true => root().join(file),
                false => root().join("tests/end-to-end").join(file),
            };
            let source = std::fs::read_to_string(&file)
                .unwrap_or_else(|error| panic!("case {number}: {}: {error}", file.display()));
            let lines: Vec<&str> = source.lines().map(str::trim).collect();
            let place = lines
                .iter()
                .position(|line| line.contains(&format!("fn {function}(")))
                .unwrap_or_else(|| panic!("case {number}: {} lacks {function}", file.display()));
            let is_test = lines[..place]
                .iter()
                .rev()
                .take_while(|line| !line.is_empty())
                .any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"));
            assert!(is_test, "case {number}: {function} is no test");
            number_of_tests += 1;
        }
    }
    assert!(number_of_tests > CASES, "{number_of_tests} tests are named");
}
