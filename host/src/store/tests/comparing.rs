//! What a comparison finds, and what it must not take for a difference.

use std::collections::BTreeMap;

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::*;
use crate::model::{AccountStatus, AttributeValue, Email, Expansion};

/// Ids that have broken an order: languages, signs of our own, prefixes, nothing.
const IDS: [&str; 14] = [
    "",
    " ",
    "10",
    "9",
    "A",
    "Z",
    "a",
    "a\0b",
    "a:b",
    "ab",
    "b",
    "ä",
    "\u{ffff}",
    "\u{1f600}",
];

/// A store with the pages of some runs, one page each.
fn published(pages: &[Page]) -> (TempDir, SyncStore, Vec<Run>) {
    let (folder, path) = folder();
    let mut sync = sync_store(&path);
    let runs = pages
        .iter()
        .map(|page| publish(&mut sync, std::slice::from_ref(page)))
        .collect();
    (folder, sync, runs)
}

fn side<'a>(store: &'a Store, run: &'a Run) -> Side<'a> {
    Side { store, run }
}

/// The name of a sort.
fn sort(rows: Rows<'_>) -> &str {
    match rows {
        Rows::Resources(kind) => kind,
        Rows::Entitlements => "entitlement",
        Rows::Grants => "grant",
    }
}

/// Each difference as a line.
fn told(comparison: &Comparison<'_>, only: Option<Differs>) -> (Vec<String>, Tallies) {
    let mut lines = Vec::new();
    let id = |row: &str| serde_json::from_str::<Value>(row).unwrap()["id"].clone();
    let tallies = comparison
        .each(only, |difference| {
            let differs = difference.what.differs();
            let sort = sort(difference.rows);
            match difference.what {
                What::Added(row) | What::Removed(row) => {
                    lines.push(format!("{differs} {sort} {}", id(row)));
                }
                What::Changed(changed) => {
                    let again = if changed.recreated { " again" } else { "" };
                    lines.extend(changed.members.iter().map(|member| {
                        format!(
                            "{differs}{again} {sort} {} {}: {} -> {}",
                            json!(changed.id),
                            member.name,
                            member.from,
                            member.to
                        )
                    }));
                }
            }
            Ok::<_, StoreError>(())
        })
        .unwrap();
    (lines, tallies)
}

fn compared(from: Side<'_>, to: Side<'_>) -> Vec<String> {
    told(&Comparison::new(from, to, None).unwrap(), None).0
}

fn tally(added: u64, removed: u64, changed: u64) -> Tally {
    Tally {
        added,
        removed,
        changed,
    }
}

#[test]
fn every_sort_is_compared_and_every_member_is_told() {
    let attributes = |pairs: &[(&str, AttributeValue)]| {
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()));
        Attributes(pairs.collect())
    };
    let text = |text: &str| AttributeValue::Text(text.to_owned());
    let before = Page {
        resources: vec![
            Resource {
                updated_at: Some("2026-01-01T00:00:00.000Z".to_owned()),
                account: Some(Account {
                    status: Some(AccountStatus::Enabled),
                    ..Account::default()
                }),
                attributes: attributes(&[("status", text("x")), ("gone", text(""))]),
                ..user("bob", "Bob")
            },
            user("carol", "Carol"),
            group("admins", "admins"),
        ],
        entitlements: vec![membership("admins"), membership("old")],
        grants: vec![grant("admins", "bob"), grant("admins", "carol")],
    };
    let renamed = Entitlement {
        display_name: "Admins".to_owned(),
        ..membership("admins")
    };
    let expanding = Grant {
        expands: Some(Expansion {
            slugs: vec!["member".to_owned()],
            shallow: false,
            kinds: Vec::new(),
        }),
        attributes: attributes(&[("since", AttributeValue::Integer(7))]),
        ..grant("admins", "bob")
    };
    let after = Page {
        resources: vec![
            user("alice", "Alice"),
            Resource {
                updated_at: Some("2026-01-02T00:00:00.000Z".to_owned()),
                account: Some(Account {
                    status: Some(AccountStatus::Disabled),
                    emails: vec![Email {
                        address: "b@example.com".to_owned(),
                        primary: true,
                        verified: None,
                    }],
                    ..Account::default()
                }),
                attributes: attributes(&[("status", text("y"))]),
                ..user("bob", "Bob")
            },
            Resource {
                description: Some("who may".to_owned()),
                ..group("admins", "admins")
            },
        ],
        entitlements: vec![renamed],
        grants: vec![grant("admins", "alice"), expanding],
    };
    let (_folder, sync, runs) = published(&[before, after]);
    let (from, to) = (side(sync.store(), &runs[0]), side(sync.store(), &runs[1]));
    let comparison = Comparison::new(from, to, None).unwrap();
    let (lines, tallies) = told(&comparison, None);
    assert_eq!(
        lines,
        [
            r#"added user "alice""#,
            r#"changed user "bob" status: "enabled" -> "disabled""#,
            r#"changed user "bob" emails: [] -> [{"address":"b@example.com","primary":true,"verified":null}]"#,
            r#"changed user "bob" updated_at: "2026-01-01T00:00:00.000Z" -> "2026-01-02T00:00:00.000Z""#,
            r#"changed user "bob" attributes.gone: "" -> null"#,
            r#"changed user "bob" attributes.status: "x" -> "y""#,
            r#"removed user "carol""#,
            r#"changed group "admins" description: null -> "who may""#,
            r#"changed entitlement "group:admins:member" display_name: "admins member" -> "Admins""#,
            r#"removed entitlement "group:old:member""#,
            r#"added grant "group:admins:member:user:alice""#,
            r#"changed grant "group:admins:member:user:bob" expands: null -> {"slugs":["member"],"shallow":false,"kinds":[]}"#,
            r#"changed grant "group:admins:member:user:bob" attributes.since: null -> 7"#,
            r#"removed grant "group:admins:member:user:carol""#,
        ]
    );
    assert_eq!(tallies.of("users"), Some(tally(1, 1, 1)));
    assert_eq!(tallies.of("groups"), Some(tally(0, 0, 1)));
    assert_eq!(tallies.of("entitlements"), Some(tally(0, 1, 1)));
    assert_eq!(tallies.of("grants"), Some(tally(1, 1, 1)));
    assert!(tallies.is_different());

    for (only, lines, expected) in [
        (Differs::Added, 2, tally(1, 0, 0)),
        (Differs::Removed, 3, tally(0, 1, 0)),
        (Differs::Changed, 9, tally(0, 0, 1)),
    ] {
        let (told, tallies) = told(&comparison, Some(only));
        assert_eq!((told.len(), tallies.of("users")), (lines, Some(expected)));
    }
    let grants = Comparison::new(from, to, Some(&["grants", "user"])).unwrap();
    assert_eq!(grants.sorts().collect::<Vec<_>>(), ["users", "grants"]);
    assert_eq!(told(&grants, None).0.len(), 11);
}

#[test]
fn equal_rows_are_no_difference_however_unknown_is_written() {
    let page = Page {
        resources: vec![user("alice", "Alice"), group("admins", "admins")],
        entitlements: vec![membership("admins")],
        grants: vec![grant("admins", "alice")],
    };
    let (_folder, sync, runs) = published(&[page.clone(), page]);
    let store = sync.store();
    // As a version might have written it that left out what it did not know.
    store
        .ask(|sqlite| {
            sqlite.execute(
                "UPDATE resource SET body = json_remove(body, '$.status', '$.created_at')
                 WHERE kind = 'user' AND row < (SELECT max(row) FROM resource) - 5",
                [],
            )
        })
        .unwrap();
    assert_ne!(
        everything(store, &runs[0]),
        everything(store, &runs[1]),
        "the texts differ"
    );
    let comparison = Comparison::new(side(store, &runs[0]), side(store, &runs[1]), None).unwrap();
    let (lines, tallies) = told(&comparison, None);
    assert_eq!(lines, Vec::<String>::new());
    assert!(!tallies.is_different());
    assert_eq!(tallies.of("grants"), Some(Tally::default()));
}

#[test]
fn another_moment_of_creation_means_created_again() {
    let dated = |id: &str, created: Option<&str>| Resource {
        created_at: created.map(str::to_owned),
        ..user(id, id)
    };
    let page = |moments: [Option<&str>; 3]| Page {
        resources: ["again", "learned", "same"]
            .into_iter()
            .zip(moments)
            .map(|(id, moment)| dated(id, moment))
            .collect(),
        ..Page::default()
    };
    let (_folder, sync, runs) = published(&[
        page([Some("2026-01-01T00:00:00.000Z"), None, Some("x")]),
        page([Some("2026-02-01T00:00:00.000Z"), Some("y"), Some("x")]),
    ]);
    let store = sync.store();
    assert_eq!(
        compared(side(store, &runs[0]), side(store, &runs[1])),
        [
            r#"changed again user "again" created_at: "2026-01-01T00:00:00.000Z" -> "2026-02-01T00:00:00.000Z""#,
            r#"changed user "learned" created_at: null -> "y""#,
        ]
    );
}

#[test]
fn ids_of_any_language_meet_their_like_and_come_in_the_order_of_bytes() {
    let page = |ids: &[&str]| Page {
        resources: ids.iter().map(|id| user(id, id)).collect(),
        entitlements: ids.iter().map(|id| membership(id)).collect(),
        grants: ids.iter().map(|id| grant(id, id)).collect(),
    };
    let (odd, even): (Vec<_>, Vec<_>) = (0..IDS.len()).partition(|place| place % 2 == 1);
    let pick = |places: &[usize]| places.iter().map(|place| IDS[*place]).collect::<Vec<_>>();
    let mut shuffled = IDS.to_vec();
    shuffled.reverse();
    let (_folder, sync, runs) = published(&[page(&pick(&odd)), page(&shuffled)]);
    let store = sync.store();
    let mut expected = pick(&even);
    expected.sort_unstable();
    let mut seen = Vec::new();
    Comparison::new(side(store, &runs[0]), side(store, &runs[1]), None)
        .unwrap()
        .each(None, |difference| {
            let What::Added(row) = difference.what else {
                panic!("{difference:?}");
            };
            let row: Value = serde_json::from_str(row).unwrap();
            seen.push((sort(difference.rows).to_owned(), row["id"].clone()));
            Ok::<_, StoreError>(())
        })
        .unwrap();
    let expected: Vec<_> = ["user", "entitlement", "grant"]
        .into_iter()
        .flat_map(|sort| {
            expected.iter().map(move |id| {
                let id = match sort {
                    "user" => (*id).to_owned(),
                    "entitlement" => member_of(id).to_string(),
                    _ => format!("{}:user:{id}", member_of(id)),
                };
                (sort.to_owned(), json!(id))
            })
        })
        .collect();
    assert_eq!(seen, expected);
}

/// A run of its own beginning, not ended if `state` is absent.
fn written(sync: &mut SyncStore, start: &RunStart, page: &Page, state: Option<RunState>) -> Run {
    let run = sync.begin_run(start).unwrap();
    sync.write_page(&run, page).unwrap();
    match state {
        Some(state) => sync.finish_run(&run, &end(state)).unwrap(),
        None => run,
    }
}

/// Who knows what: the page, and what the run asked for.
fn asked_for(words: &[&str]) -> RunStart {
    let start = start();
    RunStart {
        scope: Scope {
            kinds: words
                .iter()
                .filter(|word| start.kinds.iter().any(|kind| kind.id == **word))
                .map(|word| (*word).to_owned())
                .collect(),
            entitlements: words.contains(&"entitlements"),
            grants: words.contains(&"grants"),
            ..Scope::default()
        },
        ..start
    }
}

#[test]
fn what_one_of_the_two_did_not_ask_for_is_not_compared() {
    let (_folder, path) = folder();
    let mut sync = sync_store(&path);
    let all = Page {
        resources: vec![user("alice", "Alice"), group("admins", "admins")],
        entitlements: vec![membership("admins")],
        grants: vec![grant("admins", "alice")],
    };
    let complete = Some(RunState::Complete);
    let users = Page {
        resources: vec![user("bob", "Bob")],
        ..Page::default()
    };
    let from = written(&mut sync, &start(), &all, complete);
    let to = written(&mut sync, &asked_for(&["user"]), &users, complete);
    let store = sync.store();
    for (from, to) in [(&from, &to), (&to, &from)] {
        let comparison = Comparison::new(side(store, from), side(store, to), None).unwrap();
        assert_eq!(comparison.sorts().collect::<Vec<_>>(), ["users"]);
        assert_eq!(
            comparison.not_compared(),
            ["groups", "entitlements", "grants"]
        );
        let (lines, tallies) = told(&comparison, None);
        assert_eq!(lines.len(), 2);
        assert_eq!(tallies.of("users"), Some(tally(1, 1, 0)));
        assert_eq!(tallies.of("groups"), None);
    }
    let comparison = Comparison::new(
        side(store, &from),
        side(store, &to),
        Some(&["grants", "people"]),
    );
    let comparison = comparison.unwrap();
    assert_eq!(comparison.sorts().count(), 0);
    assert_eq!(comparison.not_compared(), ["grants", "people"]);
}

#[test]
fn a_kind_that_only_one_of_the_two_knew_is_not_compared_nor_what_is_on_it() {
    let (_folder, path) = folder();
    let mut sync = sync_store(&path);
    let (mut kinds, robot) = (start().kinds, kind("robot", &[]));
    kinds.push(robot);
    let knowing = RunStart {
        scope: Scope::everything(&kinds),
        kinds,
        ..start()
    };
    let on_robot = |principal: ResourceId| Grant {
        entitlement: EntitlementId {
            resource: ResourceId::new("robot", "r2"),
            slug: "member".to_owned(),
        },
        principal,
        ..grant("", "")
    };
    let before = Page {
        grants: vec![grant("admins", "bob")],
        ..Page::default()
    };
    let after = Page {
        resources: vec![resource("robot", "r2", "R2")],
        entitlements: vec![
            Entitlement {
                id: on_robot(ResourceId::new("user", "bob")).entitlement,
                ..membership("")
            },
            membership("admins"),
        ],
        grants: vec![
            grant("admins", "alice"),
            on_robot(ResourceId::new("user", "bob")),
            Grant {
                principal: ResourceId::new("robot", "r2"),
                ..grant("admins", "")
            },
        ],
    };
    let complete = Some(RunState::Complete);
    let from = written(&mut sync, &start(), &before, complete);
    let to = written(&mut sync, &knowing, &after, complete);
    let store = sync.store();
    let comparison = Comparison::new(side(store, &from), side(store, &to), None).unwrap();
    assert_eq!(comparison.not_compared(), ["robots"]);
    assert_eq!(
        told(&comparison, None).0,
        [
            r#"added entitlement "group:admins:member""#,
            r#"added grant "group:admins:member:user:alice""#,
            r#"removed grant "group:admins:member:user:bob""#,
        ]
    );
    let back = Comparison::new(side(store, &to), side(store, &from), None).unwrap();
    assert_eq!(back.not_compared(), ["robots"]);
    assert_eq!(told(&back, None).0.len(), 3);
}

#[test]
fn two_runs_that_were_cut_off_can_be_compared_in_one_store() {
    let (_folder, path) = folder();
    let mut sync = sync_store(&path);
    let page = |names: &[&str]| Page {
        resources: names.iter().map(|name| user(name, name)).collect(),
        grants: names.iter().map(|name| grant("admins", name)).collect(),
        ..Page::default()
    };
    let first = page(&["b", "a", "c"]);
    let first = written(&mut sync, &start(), &first, Some(RunState::Interrupted));
    let second = written(&mut sync, &start(), &page(&["d", "b"]), None);
    let store = Store::open(&path).unwrap();
    let expected = [
        r#"removed user "a""#,
        r#"removed user "c""#,
        r#"added user "d""#,
        r#"removed grant "group:admins:member:user:a""#,
        r#"removed grant "group:admins:member:user:c""#,
        r#"added grant "group:admins:member:user:d""#,
    ];
    for _ in 0..2 {
        assert_eq!(
            compared(side(&store, &first), side(&store, &second)),
            expected
        );
    }
    let other = Store::open(&path).unwrap();
    assert_eq!(
        compared(side(&store, &first), side(&other, &second)),
        expected
    );
    assert_eq!(
        compared(side(&store, &first), side(&store, &first)),
        Vec::<String>::new()
    );
}

#[test]
fn the_run_before_is_the_last_one_that_was_published() {
    let (_folder, path) = folder();
    let mut sync = sync_store(&path);
    let one = publish(&mut sync, &pages());
    let page = Page::default();
    written(&mut sync, &start(), &page, Some(RunState::Refused));
    let two = publish(&mut sync, &pages());
    let store = sync.store();
    assert_eq!(store.run_before(&two).unwrap(), Some(one.clone()));
    assert_eq!(store.run_before(&one).unwrap(), None);
}

#[test]
fn whoever_looks_at_the_differences_may_end_the_pass() {
    let (_folder, sync, runs) = published(&[Page::default(), pages()[0].clone()]);
    let store = sync.store();
    let comparison = Comparison::new(side(store, &runs[0]), side(store, &runs[1]), None).unwrap();
    let mut seen = 0;
    let outcome = comparison.each(None, |_| {
        seen += 1;
        Err(Box::<dyn std::error::Error>::from("enough"))
    });
    assert_eq!(outcome.unwrap_err().to_string(), "enough");
    assert_eq!(seen, 1);
}

/// Some of what a system might hold.
fn drawn(rng: &mut Rng) -> Page {
    let text = |rng: &mut Rng| rng.choice(IDS).unwrap_or_default().to_owned();
    let mut page = Page::default();
    for id in IDS {
        if rng.bool() {
            let mut user = user(id, &text(rng));
            user.created_at = rng.bool().then(|| text(rng));
            user.description = rng.bool().then(|| text(rng));
            let name = text(rng);
            let value = AttributeValue::Text(text(rng));
            user.attributes = Attributes([(name, value)].into());
            page.resources.push(user);
        }
        if rng.bool() {
            let mut group = group(id, "same");
            group.description = rng.bool().then(|| text(rng));
            page.resources.push(group);
            page.entitlements.push(Entitlement {
                display_name: text(rng),
                ..membership(id)
            });
        }
        for member in IDS {
            if rng.u8(..4) == 0 {
                let mut grant = grant(id, member);
                if rng.u8(..4) == 0 {
                    let value = AttributeValue::Boolean(rng.bool());
                    grant.attributes = Attributes([("flag".to_owned(), value)].into());
                }
                page.grants.push(grant);
            }
        }
    }
    rng.shuffle(&mut page.resources);
    rng.shuffle(&mut page.grants);
    page
}

type Everything = BTreeMap<(String, String), Value>;

/// All rows by sort and id, without what is unknown.
fn all_rows(store: &Store, run: &Run) -> Everything {
    [
        Rows::Resources("user"),
        Rows::Resources("group"),
        Rows::Entitlements,
        Rows::Grants,
    ]
    .into_iter()
    .flat_map(|which| {
        rows(store, run, which)
            .into_iter()
            .map(move |row| (which, row))
    })
    .map(|(which, row)| keyed(which, &row))
    .collect()
}

fn keyed(which: Rows<'_>, row: &str) -> ((String, String), Value) {
    let mut row: Map<String, Value> = serde_json::from_str(row).unwrap();
    row.retain(|_, value| !value.is_null() && *value != json!({}));
    let id = row["id"].as_str().unwrap().to_owned();
    ((sort(which).to_owned(), id), row.into())
}

fn apply(rows: &mut Everything, difference: &Difference<'_>) {
    match difference.what {
        What::Added(row) => {
            let (key, row) = keyed(difference.rows, row);
            assert_eq!(rows.insert(key, row), None);
        }
        What::Removed(row) => {
            let (key, row) = keyed(difference.rows, row);
            assert_eq!(rows.remove(&key), Some(row));
        }
        What::Changed(changed) => {
            let key = (sort(difference.rows).to_owned(), changed.id.clone());
            let row = rows.get_mut(&key).unwrap().as_object_mut().unwrap();
            for member in &changed.members {
                let (row, name) = match member.name.strip_prefix("attributes.") {
                    Some(name) => {
                        let attributes = row.entry("attributes").or_insert(json!({}));
                        (attributes.as_object_mut().unwrap(), name)
                    }
                    None => (&mut *row, member.name.as_str()),
                };
                let was = row.remove(name).unwrap_or_default();
                assert_eq!(was, member.from, "{}", member.name);
                assert_ne!(was, member.to, "{}", member.name);
                if !member.to.is_null() {
                    row.insert(name.to_owned(), member.to.clone());
                }
            }
            row.retain(|_, value| *value != json!({}));
        }
    }
}

#[test]
fn the_differences_make_the_one_run_out_of_the_other() {
    for seed in 0..30 {
        let mut rng = Rng::with_seed(seed);
        let (_folder, sync, runs) = published(&[drawn(&mut rng), drawn(&mut rng)]);
        let store = sync.store();
        for (from, to) in [(0, 1), (1, 0), (0, 0)] {
            let comparison =
                Comparison::new(side(store, &runs[from]), side(store, &runs[to]), None).unwrap();
            let mut rows = all_rows(store, &runs[from]);
            let mut seen = 0;
            let tallies = comparison
                .each(None, |difference| {
                    seen += 1;
                    apply(&mut rows, &difference);
                    Ok::<_, StoreError>(())
                })
                .unwrap();
            assert_eq!(rows, all_rows(store, &runs[to]), "seed {seed}");
            let counted: u64 = tallies.0.iter().map(|(_, tally)| tally.total()).sum();
            assert_eq!(counted, seen, "seed {seed}");
            assert_eq!(seen == 0, from == to, "seed {seed}");
        }
    }
}
