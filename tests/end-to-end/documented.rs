//! What the documentation names must exist: the tests of a page that names tests, and
//! where its links lead.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The text of a page, by its path in the repository.
pub(crate) fn page(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// What stands between backquotes and names a test: `file::function`.
pub(crate) fn named_tests(text: &str) -> Vec<(&str, &str)> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|quoted| quoted.split_once("::"))
        .collect()
}

/// Makes sure that the tests that a text names exist, and counts them. A bare file name is
/// one of these tests.
pub(crate) fn existing_tests(text: &str) -> usize {
    let tests = named_tests(text);
    for (file, function) in &tests {
        let path = match file.contains("src/") || file.starts_with("tests/") {
            true => root().join(file),
            false => root().join("tests/end-to-end").join(file),
        };
        assert!(path.is_file(), "{text}: there is no {file}");
        let source = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = source.lines().map(str::trim).collect();
        let place = lines
            .iter()
            .position(|line| line.contains(&format!("fn {function}(")));
        assert!(place.is_some(), "{text}: {file} lacks {function}");
        let is_test = lines[..place.unwrap()]
            .iter()
            .rev()
            .take_while(|line| !line.is_empty())
            .any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"));
        assert!(is_test, "{text}: {function} is no test");
    }
    tests.len()
}

/// Where the links of a page lead, without those to other sites.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(link, _)| link)
        .filter(|link| !link.contains("://") && !link.starts_with('#'))
}

#[test]
fn every_link_of_the_documentation_leads_somewhere() {
    let mut pages = vec![
        root().join("README.md"),
        root().join("tests/guests/README.md"),
    ];
    let docs = std::fs::read_dir(root().join("docs")).unwrap();
    pages.extend(docs.map(|entry| entry.unwrap().path()));
    let mut seen = 0;
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in links(&text) {
            let file = link.split('#').next().unwrap();
            let target = page.parent().unwrap().join(file);
            assert!(target.exists(), "{}: there is no {link}", page.display());
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen}");
}
