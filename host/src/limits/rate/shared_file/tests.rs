use super::*;
use crate::limits::clock::SystemClock;
use crate::limits::rate::Bounds;

const BOUNDS: Bounds = Bounds {
    start: 1.0,
    ceiling: 1.0,
};

fn ledger(path: &Path) -> FileLedger {
    FileLedger::new(path.to_owned(), Arc::new(SystemClock))
}

/// The wait for the next turn, which is reserved.
async fn turn(ledger: &FileLedger, limit: &str) -> Duration {
    let change = Change::Reserve {
        within: Duration::from_secs(3_600),
        bounds: BOUNDS,
    };
    match ledger.change(limit, change).await {
        Changed::Reserved { wait, .. } => wait,
        other => panic!("no turn: {other:?}"),
    }
}

#[tokio::test]
async fn whoever_opens_the_file_shares_its_budgets() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new").join("rates.json");
    let (one, other) = (ledger(&path), ledger(&path));
    assert_eq!(turn(&one, "list").await, Duration::ZERO);
    for number in 1..20 {
        let ledger = if number % 2 == 0 { &one } else { &other };
        let wait = turn(ledger, "list").await;
        // One second each, less what this test took until here.
        assert!(wait <= Duration::from_secs(number), "{number}: {wait:?}");
        assert!(wait > Duration::from_secs(number - 1), "{number}: {wait:?}");
    }
    assert_eq!(turn(&other, "read").await, Duration::ZERO);
}

#[tokio::test]
async fn turns_that_are_asked_for_at_the_same_time_are_different_ones() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rates.json");
    let begun = std::time::Instant::now();
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let ledger = ledger(&path);
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_time()
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    let mut turns = Vec::new();
                    for _ in 0..25 {
                        turns.push(turn(&ledger, "list").await + begun.elapsed());
                    }
                    turns
                })
            })
        })
        .collect();
    let mut turns: Vec<Duration> = tasks
        .into_iter()
        .flat_map(|task| task.join().unwrap())
        .collect();
    turns.sort_unstable();
    assert_eq!(turns.len(), 200);
    let last = turns.last().unwrap();
    assert!(*last > Duration::from_millis(198_500), "{last:?}");
}

#[tokio::test]
async fn what_was_learnt_is_there_for_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rates.json");
    let bounds = Bounds {
        start: 5.0,
        ceiling: 15.0,
    };
    let within = Duration::from_secs(60);
    let reserve = Change::Reserve { within, bounds };
    let Changed::Reserved { slot, .. } = ledger(&path).change("list", reserve).await else {
        panic!("no turn");
    };
    let throttled = Change::Throttled { slot, bounds };
    let Changed::Pace(fallen) = ledger(&path).change("list", throttled).await else {
        panic!("no pace");
    };
    assert!(fallen < 5.0, "{fallen}");
    let Changed::Reserved { slot, .. } = ledger(&path).change("list", reserve).await else {
        panic!("no turn");
    };
    let period = Duration::from_secs_f64(1.0 / fallen);
    assert!(slot.period.abs_diff(period) < Duration::from_micros(1));
}

#[tokio::test]
async fn a_file_that_makes_no_sense_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rates.json");
    let absurd = r#"{"list":{"next":{"secs":0,"nanos":0},"rate":-1.0,"falls":0,"since_fall":0,"fell_at":{"secs":0,"nanos":0},"seeking":null}}"#;
    for content in ["", "{", "no json", "{\"list\":3}", absurd] {
        std::fs::write(&path, content).unwrap();
        let ledger = ledger(&path);
        assert_eq!(turn(&ledger, "list").await, Duration::ZERO, "{content}");
        assert!(turn(&ledger, "list").await > Duration::ZERO, "{content}");
        let text = std::fs::read(&path).unwrap();
        assert!(read(&text).contains_key("list"), "{content}");
    }
}

#[tokio::test]
async fn what_a_longer_text_left_behind_is_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rates.json");
    turn(&ledger(&path), "list").await;
    let mut text = std::fs::read(&path).unwrap();
    text.extend_from_slice(b"4}}} left of a longer text");
    std::fs::write(&path, text).unwrap();
    assert!(turn(&ledger(&path), "list").await > Duration::ZERO);
}

#[tokio::test]
async fn without_the_file_each_goes_on_alone() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(folder.path());
    assert_eq!(turn(&ledger, "list").await, Duration::ZERO);
    assert!(turn(&ledger, "list").await > Duration::ZERO);
}

#[tokio::test]
async fn budgets_that_nobody_uses_any_more_are_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rates.json");
    let old = Budget::new(Moment::from_secs(1), BOUNDS);
    let budgets: Budgets = [("gone".to_owned(), old)].into();
    std::fs::write(&path, serde_json::to_vec(&budgets).unwrap()).unwrap();
    turn(&ledger(&path), "list").await;
    let left = read(&std::fs::read(&path).unwrap());
    assert_eq!(left.into_keys().collect::<Vec<_>>(), ["list"]);
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_or_write_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rates.json");
    turn(&ledger(&path), "list").await;
    assert!(!private_file::is_shared(&File::open(&path).unwrap()).unwrap());
}
