//! The rows of a run and what is counted of them.

use super::*;
use crate::model::{AttributeValue, Expansion};

#[test]
fn rows_are_in_one_order_whatever_the_order_of_pages() {
    let ids = [
        "b",
        "a",
        "ä",
        "Z",
        "a:b",
        "",
        " ",
        "a\0b",
        "\u{1f600}",
        "10",
        "9",
    ];
    let pages: Vec<Page> = ids
        .iter()
        .map(|id| Page {
            resources: vec![user(id, id), group(id, id)],
            entitlements: vec![membership(id)],
            grants: vec![grant(id, "b"), grant("a", id)],
        })
        .collect();
    let (_folder, path) = folder();
    let mut sync = sync_store(&path);
    let forward = publish(&mut sync, &pages);
    let backward: Vec<Page> = pages.iter().rev().cloned().collect();
    let backward = publish(&mut sync, &backward);
    let store = sync.store();
    let listed = everything(store, &forward);
    assert_eq!(listed, everything(store, &backward));

    let mut sorted = ids.map(|id| serde_json::to_string(&user(id, id)).unwrap());
    sorted.sort_by_key(|row| serde_json::from_str::<Resource>(row).unwrap().id.id);
    assert_eq!(rows(store, &forward, Rows::Resources("user")), sorted);
}

fn json(object: &impl serde::Serialize) -> String {
    serde_json::to_string(object).unwrap()
}

#[test]
fn rows_are_the_objects_that_were_written() {
    let (_folder, path) = folder();
    let mut sync = sync_store(&path);
    let nested = Grant {
        expands: Some(Expansion {
            slugs: vec!["member".to_owned()],
            shallow: true,
            kinds: Vec::new(),
        }),
        attributes: Attributes([("since".to_owned(), AttributeValue::Integer(7))].into()),
        principal: ResourceId::new("group", "staff"),
        ..grant("admins", "")
    };
    let mut pages = pages();
    pages[1].grants.push(nested.clone());
    let run = publish(&mut sync, &pages);
    let store = sync.store();
    assert_eq!(
        rows(store, &run, Rows::Resources("user")),
        [json(&user("alice", "Alice")), json(&user("bob", "Bob"))]
    );
    assert_eq!(
        rows(store, &run, Rows::Entitlements),
        [json(&membership("admins"))]
    );
    assert_eq!(
        rows(store, &run, Rows::Grants),
        [
            json(&nested),
            json(&grant("admins", "alice")),
            json(&grant("admins", "bob"))
        ]
    );
    assert_eq!(
        store
            .resource(&run, &ResourceId::new("user", "bob"))
            .unwrap(),
        Some(user("bob", "Bob"))
    );
    assert_eq!(
        store
            .resource(&run, &ResourceId::new("user", "admins"))
            .unwrap(),
        None
    );
}

#[test]
fn what_comes_twice_is_there_once_and_the_last_one_wins() {
    let (_folder, path) = folder();
    let mut sync = sync_store(&path);
    let run = sync.begin_run(&start()).unwrap();
    sync.write_pages(&run, &pages()).unwrap();
    let renamed = Entitlement {
        display_name: "Admins".to_owned(),
        ..membership("admins")
    };
    let again = Page {
        resources: vec![user("bob", "Robert")],
        entitlements: vec![renamed],
        grants: vec![grant("admins", "bob")],
    };
    sync.write_page(&run, &again).unwrap();
    let settled = sync.settle(&run).unwrap();
    assert_eq!(settled.repeated, 3);
    assert_eq!(settled.counts.of("users"), Some(2));

    // Settled once, and then one more page.
    sync.write_page(
        &run,
        &Page {
            resources: vec![user("bob", "Bobby")],
            ..Page::default()
        },
    )
    .unwrap();
    let run = sync.finish_run(&run, &end(RunState::Complete)).unwrap();
    let store = sync.store();
    let bob = store
        .resource(&run, &ResourceId::new("user", "bob"))
        .unwrap()
        .unwrap();
    assert_eq!(bob.display_name, "Bobby");
    assert_eq!(rows(store, &run, Rows::Resources("user")).len(), 2);
    assert_eq!(rows(store, &run, Rows::Grants).len(), 2);
    assert!(rows(store, &run, Rows::Entitlements)[0].contains(r#""display_name":"Admins""#));
}

#[test]
fn counts_are_those_of_what_was_asked_for() {
    let (_folder, path) = folder();
    let mut sync = sync_store(&path);
    let all = publish(&mut sync, &pages());
    let json = serde_json::to_string(&sync.store().counts(&all).unwrap()).unwrap();
    assert_eq!(
        json,
        r#"{"users":2,"groups":1,"entitlements":1,"grants":2}"#
    );

    let scope = Scope {
        kinds: vec!["group".to_owned()],
        ..Scope::default()
    };
    let run = sync.begin_run(&RunStart { scope, ..start() }).unwrap();
    let run = sync.finish_run(&run, &end(RunState::Complete)).unwrap();
    let counts = Store::open(&path).unwrap().counts(&run).unwrap();
    assert_eq!(counts.of("groups"), Some(0), "asked for and empty");
    assert_eq!(counts.of("users"), None, "not asked for and unknown");
    assert_eq!((counts.entitlements, counts.grants), (None, None));
}

#[test]
fn references_are_followed_alike_however_many_resources_fit_into_memory() {
    let (_folder, path) = folder();
    let mut sync = sync_store(&path);
    let page = Page {
        resources: ["a", "b", "c", "d"].map(|id| user(id, id)).into(),
        grants: ["d", "z", "a", "y", "b", "x", "c"]
            .map(|id| grant("admins", id))
            .into(),
        ..Page::default()
    };
    let run = publish(&mut sync, &[page]);
    let known = |most, at_once| {
        let found = sync.store().references_by(&run, most, at_once).unwrap();
        let unknown = found.unknown.iter().map(|id| id.id.clone());
        (found.dangling.principals, unknown.collect::<Vec<_>>())
    };
    for at_once in [1, 2, 3, 100] {
        let found = sync.store().references_by(&run, 0, at_once).unwrap();
        let entitlements = found.dangling.entitlements;
        assert_eq!(entitlements, 7, "nobody has described it");
        let [x, y, z] = ["x", "y", "z"].map(str::to_owned);
        assert_eq!(known(10, at_once), (3, vec![x.clone(), y.clone(), z]));
        assert_eq!(known(2, at_once), (3, vec![x, y]), "the first ones");
        assert_eq!(known(0, at_once), (3, Vec::new()));
    }
}

#[test]
fn what_one_principal_holds_is_found_among_many_who_hold_other_things() {
    let (_folder, path) = folder();
    let mut sync = sync_store(&path);
    let held = |kind: &str, id: &str, slug: &str, by: (&str, &str)| Grant {
        entitlement: EntitlementId {
            resource: ResourceId::new(kind, id),
            slug: slug.to_owned(),
        },
        principal: ResourceId::new(by.0, by.1),
        expands: None,
        attributes: Attributes::default(),
    };
    let (alice, bot) = (("user", "alice"), ("app", "alice"));
    let page = Page {
        grants: vec![
            held("group", "a", "member", ("user", "\u{10ffff}")),
            held("group", "a", "member", alice),
            held("group", "a", "owner", ("user", "bob")),
            held("group", "a", "owner", bot),
            held("group", "ab", "member", ("user", "zoe")),
            held("group", "b", "member", ("user", "aaron")),
            held("group", "b", "owner", alice),
            held("role", "a", "holder", ("user", "bob")),
            held("role", "z", "holder", alice),
        ],
        ..Page::default()
    };
    let run = publish(&mut sync, &[page]);
    let holds = |(kind, id)| {
        let mut found = Vec::new();
        let by = ResourceId::new(kind, id);
        let each = sync
            .store()
            .each_holding(&run, Holdings::Of(&by), |holding| {
                found.push(holding.grant.entitlement.to_string());
                Ok::<_, StoreError>(())
            });
        each.unwrap();
        found
    };
    let of_alice = ["group:a:member", "group:b:owner", "role:z:holder"];
    assert_eq!(holds(alice), of_alice);
    assert_eq!(holds(bot), ["group:a:owner"]);
    assert_eq!(holds(("user", "nobody")), [""; 0]);
}

#[test]
fn what_is_known_of_references_goes_with_the_next_change() {
    let (_folder, path) = folder();
    let mut sync = sync_store(&path);
    let run = sync.begin_run(&start()).unwrap();
    let members = |names: &[&str]| Page {
        resources: vec![group("admins", "Admins")],
        grants: names.iter().map(|name| grant("admins", name)).collect(),
        ..Page::default()
    };
    sync.write_page(&run, &members(&["x", "y"])).unwrap();
    let unknown = |sync: &mut SyncStore| sync.references(&run, 10).unwrap().unknown.len();
    assert_eq!((unknown(&mut sync), unknown(&mut sync)), (2, 2));
    sync.write_page(&run, &members(&["z"])).unwrap();
    assert_eq!(unknown(&mut sync), 3);
    let x = ResourceId::new("user", "x");
    sync.drop_principal(&run, &x, "x", |_| String::new())
        .unwrap();
    assert_eq!(unknown(&mut sync), 2);
}

#[test]
fn references_to_nothing_are_counted_only_where_it_was_read() {
    let (_folder, path) = folder();
    let mut sync = sync_store(&path);
    let page = Page {
        grants: vec![
            grant("admins", "ghost"),
            grant("lost", "bob"),
            grant("lost", "ghost"),
        ],
        ..Page::default()
    };
    let [first, second] = pages();
    let all = publish(&mut sync, &[first.clone(), second.clone(), page.clone()]);
    let found = sync.store().references(&all, 10).unwrap().dangling;
    assert_eq!(
        found,
        Dangling {
            principals: 2,
            entitlements: 2
        }
    );

    let scope = Scope {
        kinds: vec!["group".to_owned()],
        entitlements: true,
        grants: true,
        ..Scope::default()
    };
    let run = sync.begin_run(&RunStart { scope, ..start() }).unwrap();
    sync.write_pages(&run, &[first, second, page]).unwrap();
    let run = sync.finish_run(&run, &end(RunState::Complete)).unwrap();
    let found = sync.store().references(&run, 10).unwrap().dangling;
    assert_eq!(
        found,
        Dangling {
            principals: 0,
            entitlements: 2
        }
    );
}

#[test]
fn holdings_have_the_names_that_people_know() {
    let (_folder, path) = folder();
    let mut sync = sync_store(&path);
    let [first, mut second] = pages();
    second.grants.push(grant("lost", "alice"));
    publish(&mut sync, &[first, second]);
    drop(sync);
    let store = Store::open(&path).unwrap();
    let run = store.require_run(None).unwrap();
    let (admins, alice) = (
        ResourceId::new("group", "admins"),
        ResourceId::new("user", "alice"),
    );
    let collect = |which| {
        let mut found = Vec::new();
        store
            .each_holding(&run, which, |holding| {
                found.push((
                    holding.grant.entitlement.to_string(),
                    holding.resource_name,
                    holding.entitlement_name,
                    holding.grant.principal.to_string(),
                    holding.principal_name,
                ));
                Ok::<_, StoreError>(())
            })
            .unwrap();
        found
    };
    let some = |text: &str| Some(text.to_owned());
    let row = |user: &str, name: &str| {
        let principal = format!("user:{user}");
        (
            "group:admins:member".to_owned(),
            some("Admins"),
            some("admins member"),
            principal,
            some(name),
        )
    };
    assert_eq!(
        collect(Holdings::On(&admins)),
        [row("alice", "Alice"), row("bob", "Bob")]
    );
    let lost = (
        "group:lost:member".to_owned(),
        None,
        None,
        "user:alice".to_owned(),
        some("Alice"),
    );
    assert_eq!(collect(Holdings::Of(&alice)), [row("alice", "Alice"), lost]);
}

#[test]
fn an_unfinished_run_reads_like_a_finished_one() {
    let (_folder, path) = folder();
    let mut sync = sync_store(&path);
    let whole = publish(&mut sync, &pages());
    let open = sync.begin_run(&start()).unwrap();
    sync.write_pages(&open, &pages()).unwrap();
    sync.write_page(&open, &pages()[0]).unwrap();

    let store = Store::open(&path).unwrap();
    let open = store.require_run(Some(&open.sync_id)).unwrap();
    assert_eq!(everything(&store, &open), everything(&store, &whole));
    assert_eq!(store.counts(&open).unwrap(), store.counts(&whole).unwrap());
    let mut held = 0;
    store
        .each_holding(&open, Holdings::Of(&ResourceId::new("user", "bob")), |_| {
            held += 1;
            Ok::<_, StoreError>(())
        })
        .unwrap();
    assert_eq!(held, 1);
    sync.finish_run(&open, &end(RunState::Complete)).unwrap();
}

#[test]
fn a_visitor_ends_the_pass_with_its_own_error() {
    let (_folder, path) = folder();
    let mut sync = sync_store(&path);
    let run = publish(&mut sync, &pages());
    let mut seen = 0;
    let ended = sync.store().each_row(&run, Rows::Resources("user"), |_| {
        seen += 1;
        Err(StoreError::Full {
            path: PathBuf::from("elsewhere"),
        })
    });
    assert!(matches!(ended, Err(StoreError::Full { .. })));
    assert_eq!(seen, 1);
}

#[test]
fn a_failed_page_leaves_nothing_behind() {
    let (_folder, path) = folder();
    let mut sync = sync_store(&path);
    let run = sync.begin_run(&start()).unwrap();
    sync.store()
        .ask(|sqlite| {
            sqlite.execute_batch(
                "CREATE TEMP TRIGGER fail BEFORE INSERT ON main.grant
                 WHEN NEW.principal_id = 'alice' BEGIN SELECT raise(ABORT, 'no'); END",
            )
        })
        .unwrap();
    let [first, second] = pages();
    sync.write_page(&run, &first).unwrap();
    sync.write_page(&run, &second).unwrap_err();
    let run = sync.finish_run(&run, &end(RunState::Partial)).unwrap();
    let kept = everything(sync.store(), &run);
    assert_eq!(kept.len(), 4, "{kept:?}");
    assert!(!kept.iter().any(|row| row.contains("alice")), "{kept:?}");
}

#[test]
fn a_list_that_is_forgotten_is_gone_and_nothing_else() {
    let (_folder, path) = folder();
    let mut sync = sync_store(&path);
    let run = sync.begin_run(&start()).unwrap();
    let child = Resource {
        parent: Some(ResourceId::new("group", "admins")),
        ..user("carol", "Carol")
    };
    let page = Page {
        resources: vec![child, group("staff", "Staff")],
        entitlements: vec![membership("staff")],
        grants: vec![grant("staff", "alice"), grant("staff", "bob")],
    };
    sync.write_pages(&run, &pages()).unwrap();
    sync.write_page(&run, &page).unwrap();
    sync.settle(&run).unwrap();
    let (admins, staff, bob) = (
        ResourceId::new("group", "admins"),
        ResourceId::new("group", "staff"),
        ResourceId::new("user", "bob"),
    );
    let mut counts_without = |list| {
        sync.forget(&run, &list).unwrap();
        serde_json::to_string(&sync.settle(&run).unwrap().counts).unwrap()
    };
    let parent = Some(&admins);
    assert_eq!(
        counts_without(Forget::Resources {
            kind: "user",
            parent,
            slice: None,
        }),
        r#"{"users":2,"groups":2,"entitlements":2,"grants":4}"#
    );
    assert_eq!(
        counts_without(Forget::Entitlements(&staff)),
        r#"{"users":2,"groups":2,"entitlements":1,"grants":4}"#
    );
    assert_eq!(
        counts_without(Forget::GrantsOn(&staff)),
        r#"{"users":2,"groups":2,"entitlements":1,"grants":2}"#
    );
    assert_eq!(
        counts_without(Forget::GrantsHeldBy(&bob)),
        r#"{"users":2,"groups":2,"entitlements":1,"grants":1}"#
    );
    let all = Forget::Resources {
        kind: "user",
        parent: None,
        slice: None,
    };
    assert_eq!(
        counts_without(all),
        r#"{"users":0,"groups":2,"entitlements":1,"grants":1}"#
    );

    // Read again, and still told from rows that come twice.
    sync.write_pages(&run, &pages()).unwrap();
    let settled = sync.settle(&run).unwrap();
    assert_eq!(settled.counts.of("users"), Some(2));
    let twice = rows(
        sync.store(),
        &sync.store().runs().unwrap()[0],
        Rows::Resources("group"),
    );
    assert_eq!(twice.len(), 2);
}

#[test]
fn what_belonged_to_a_resource_that_was_taken_back_goes_with_it() {
    let (_folder, path) = folder();
    let mut sync = sync_store(&path);
    let run = sync.begin_run(&start()).unwrap();
    let page = Page {
        resources: vec![group("staff", "Staff")],
        entitlements: vec![membership("staff")],
        grants: vec![grant("staff", "alice"), grant("staff", "bob")],
    };
    sync.write_pages(&run, &pages()).unwrap();
    sync.write_page(&run, &page).unwrap();
    let staff = ResourceId::new("group", "staff");
    sync.forget(&run, &Forget::Resource(&staff)).unwrap();
    let settled = sync.settle(&run).unwrap();
    assert_eq!(settled.orphans, 3);
    assert_eq!(
        serde_json::to_string(&settled.counts).unwrap(),
        r#"{"users":2,"groups":1,"entitlements":1,"grants":2}"#
    );
    let run = sync.finish_run(&run, &end(RunState::Complete)).unwrap();
    assert_eq!(sync.store().resource(&run, &staff).unwrap(), None);
}

#[test]
fn forgetting_what_a_principal_holds_keeps_what_a_resource_has_told() {
    let (_folder, path) = folder();
    let mut sync = sync_store(&path);
    let mut start = start();
    for kind in &mut start.kinds {
        kind.grants_of_resource = kind.id == "group";
    }
    let run = sync.begin_run(&start).unwrap();
    sync.write_pages(&run, &pages()).unwrap();
    let bob = ResourceId::new("user", "bob");
    sync.forget(&run, &Forget::GrantsHeldBy(&bob)).unwrap();
    assert_eq!(sync.settle(&run).unwrap().counts.grants, Some(2));
}

#[test]
fn the_children_of_what_was_taken_back_go_with_it() {
    let (_folder, path) = folder();
    let mut sync = sync_store(&path);
    let run = sync.begin_run(&start()).unwrap();
    let child = |id: &str, parent: ResourceId| Resource {
        parent: Some(parent),
        ..group(id, id)
    };
    let admins = ResourceId::new("group", "admins");
    let page = Page {
        resources: vec![
            child("of-admins", admins.clone()),
            child("of-that", ResourceId::new("group", "of-admins")),
        ],
        entitlements: vec![membership("of-that")],
        grants: vec![grant("of-that", "bob")],
    };
    sync.write_pages(&run, &pages()).unwrap();
    sync.write_page(&run, &page).unwrap();
    sync.forget(&run, &Forget::Resource(&admins)).unwrap();
    let settled = sync.settle(&run).unwrap();
    assert_eq!(
        serde_json::to_string(&settled.counts).unwrap(),
        r#"{"users":2,"groups":0,"entitlements":0,"grants":0}"#
    );
}
