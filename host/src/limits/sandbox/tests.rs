use super::*;

fn parse(entries: &[&str]) -> Result<Limits, LimitError> {
    Limits::parse(entries.iter().copied())
}

fn message(entry: &str) -> String {
    parse(&[entry]).unwrap_err().to_string()
}

#[test]
fn nothing_said_means_the_defaults() {
    let limits = parse(&[]).unwrap();
    assert_eq!(limits, Limits::default());
    assert_eq!(limits.count(Limit::Memory), sizes::MEMORY);
    assert_eq!(limits.time(Limit::CallTime), deadline::CALL);
    assert_eq!(limits.get(Limit::ResponseBody), sizes::RESPONSE_BODY);
}

#[test]
fn one_limit_is_set_and_the_others_stay() {
    let limits = parse(&["memory=128MiB, compute=500ms", "stderr-lines=7"]).unwrap();
    assert_eq!(limits.count(Limit::Memory), 128 << 20);
    assert_eq!(limits.time(Limit::Compute), Duration::from_millis(500));
    assert_eq!(limits.count(Limit::StderrLines), 7);
    assert_eq!(limits.count(Limit::Tables), sizes::TABLES);
}

#[test]
fn a_limit_that_does_not_exist_is_answered_with_those_that_do() {
    for (typed, meant) in [
        ("memroy", "memory"),
        ("Memory", "memory"),
        ("stderr_lines", "stderr-lines or stderr-line"),
        ("call_time", "call-time"),
        ("body", "request-body or response-body"),
        ("random-bytes", "random"),
    ] {
        let message = message(&format!("{typed}=1"));
        let hint = format!("'{typed}', and there is no such limit (did you mean {meant}?); there");
        assert!(message.contains(&hint), "{message}");
        for limit in Limit::ALL {
            assert!(message.contains(limit.name()), "{limit}: {message}");
        }
    }
    let unlike = message("colour=blue");
    assert!(
        unlike.contains("no such limit; there are memory, "),
        "{unlike}"
    );
}

#[test]
fn a_value_that_is_none_or_cannot_be_is_refused_with_what_to_write() {
    for (entry, expected) in [
        ("memory", "'memory' is not understood: write NAME=VALUE"),
        ("=5", "'=5' is not understood"),
        ("", "'' is not understood"),
        ("memory=lots", "'lots' is no value; write a number of bytes"),
        ("memory=-1", "'-1' is no value"),
        ("compute=10", "'10' is no value; write a time with its unit"),
        ("tables=1s", "'1s' is no value; write a number, such as 100"),
        ("memory=0", "0 is too little for anything to work"),
        ("compute=5ms", "the least is 10ms"),
        (
            "response-headers=1KiB",
            "1 KiB is too little for anything to work; the least is 8KiB",
        ),
        (
            "memory=5GiB",
            "the most is 4GiB, because a component can't address more",
        ),
        ("call-time=2h", "the most is 3600s, because somebody waits"),
        ("random=99999999999999999999GiB", "the most is 16MiB"),
        ("memory=64MiB,memory=1MiB", "'memory' two different values"),
    ] {
        let message = message(entry);
        assert!(message.contains(expected), "{entry}: {message}");
    }
    assert!(parse(&["memory=64MiB,memory=65536KiB"]).is_ok());
}

#[test]
fn each_row_of_the_table_is_complete_and_holds_what_it_says() {
    let mut names = std::collections::HashSet::new();
    for limit in Limit::ALL {
        let row = limit.row();
        assert!(names.insert(row.name), "{} stands there twice", row.name);
        assert!(row.floor >= 1, "{limit}");
        assert!(
            row.floor <= row.default && row.default < row.ceiling,
            "{limit}"
        );
        for text in [row.name, row.why_ceiling, row.stops, row.excess] {
            assert!(!text.is_empty(), "{limit}");
        }
        for amount in [row.floor, row.default, row.ceiling] {
            let entry = format!("{limit}={}", row.unit.typed(amount));
            assert_eq!(parse(&[&entry]).unwrap().get(limit), amount, "{entry}");
        }
        assert!(parse(&[&format!("{limit}=0")]).is_err());
    }
}

#[test]
fn the_page_of_limits_is_the_table() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/limits.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (table, _) = page.split_once("\n## ").unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let expected = Limit::ALL.map(|limit| {
        let row = limit.row();
        format!(
            "| `{}` | {} | {} | {}; {} | {} | {} |",
            row.name,
            row.unit.typed(row.default),
            row.unit.typed(row.floor),
            row.unit.typed(row.ceiling),
            row.why_ceiling,
            row.stops,
            row.excess
        )
    });
    assert_eq!(rows.collect::<Vec<_>>(), expected);
}

#[test]
fn an_option_is_offered_only_where_it_would_be_taken() {
    assert_eq!(
        Limit::Memory.option(128 << 20).as_deref(),
        Some("--limit memory=128MiB")
    );
    assert_eq!(Limit::Memory.option((4 << 30) + 1), None);
}

#[test]
fn what_answers_are_made_of_is_the_doing_of_the_service() {
    for limit in Limit::ALL {
        let expected = match limit.name().starts_with("response-") {
            true => Party::Service,
            false => Party::Component,
        };
        assert_eq!(limit.row().party, expected, "{limit}");
    }
}

#[test]
fn a_limit_that_is_set_by_the_host_itself_holds() {
    let limits = Limits::default().with(Limit::Tables, 3);
    assert_eq!(limits.count(Limit::Tables), 3);
    assert_eq!(limits.count(Limit::Memories), sizes::MEMORIES);
}
