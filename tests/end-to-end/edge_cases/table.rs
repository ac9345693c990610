//! The table of the edge cases names every case, and tests that exist.

use crate::documented::{existing_tests, named_tests, page};

/// How many cases there are.
const CASES: u32 = 60;

/// Number, case, and tests or the reason why there are none.
fn rows() -> Vec<(u32, String, String)> {
    page("docs/edge-cases.md")
        .lines()
        .filter_map(|line| {
            let cells = line.strip_prefix('|')?.strip_suffix('|')?;
            let cells: Vec<&str> = cells.split('|').map(str::trim).collect();
            assert_eq!(cells.len(), 3, "{line}");
            let number = cells[0].parse().ok()?;
            Some((number, cells[1].to_owned(), cells[2].to_owned()))
        })
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
            has_reason || !named_tests(&tests).is_empty(),
            "case {number}: {tests}"
        );
    }
}

#[test]
fn every_test_that_the_table_names_exists() {
    let tests = rows().into_iter().map(|(_, _, tests)| tests);
    let number_of_tests = tests.map(|tests| existing_tests(&tests)).sum::<usize>();
    assert!(
        number_of_tests > CASES as usize,
        "{number_of_tests} tests are named"
    );
}
