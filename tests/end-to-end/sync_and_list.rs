//! The main job: what was synced is what the pool holds.

use std::io::Read;
use std::process::Stdio;

use fake_cognito::{Config, Group, Key, Operation, Paging, PoolSpec, User};
use serde_json::json;

use crate::support::{
    Bench, KEY_ID, POOL, SECRET, assert_rows, bare_command, expected_grants, expected_groups,
    expected_users, finish, varied_pool,
};

#[test]
fn what_was_synced_is_what_the_pool_holds_whatever_the_pages_look_like() {
    let config = Config::new()
        .pool(varied_pool())
        .key(Key::new(KEY_ID, SECRET))
        .paging(Paging {
            short_per_mille: 500,
            empty_per_mille: 300,
            empty_at_end: true,
            seed: 7,
        });
    let bench = Bench::start(config);
    let summary = bench.json(&["sync"]);
    let pool = bench.pool();
    let (users, groups, grants) = (
        expected_users(pool),
        expected_groups(pool),
        expected_grants(pool),
    );

    assert_rows(&bench.list("users"), &users);
    assert_rows(&bench.list("groups"), &groups);
    assert_rows(&bench.list("grants"), &grants);
    let entitlements = bench.list("entitlements");
    assert_eq!(entitlements.len(), groups.len());
    assert_eq!(
        entitlements[0],
        json!({
            "id": format!("group:{}:member", groups[0]["id"].as_str().unwrap()),
            "resource": format!("group:{}", groups[0]["id"].as_str().unwrap()),
            "slug": "member",
            "display_name": format!("{} Group Member", groups[0]["id"].as_str().unwrap()),
            "grantable_to": ["user"],
        })
    );

    assert_eq!(summary["complete"], true);
    assert_eq!(summary["resumed"], false);
    assert_eq!(summary["users"], users.len());
    assert_eq!(summary["groups"], groups.len());
    assert_eq!(summary["entitlements"], groups.len());
    assert_eq!(summary["grants"], grants.len());
    assert_eq!(summary["requests"], bench.server.log().total());
    assert_eq!(summary["warnings"], json!([]));
    // Each user that is read one by one becomes a billable active user.
    assert_eq!(bench.server.log().count(Operation::AdminGetUser), 0);
    assert_eq!(
        bench.server.log().count(Operation::AdminListGroupsForUser),
        0
    );
}

#[test]
fn connections_are_reused() {
    let bench = Bench::with_pool(varied_pool());
    bench.json(&["sync", "--workers", "3"]);
    let log = bench.server.log();
    // A worker may ask again before its connection is back in the pool, so there can be
    // some more than there are workers, but never one for each request.
    let (requests, connections) = (log.total(), log.connections_accepted());
    assert!(requests > 50, "{requests} requests");
    assert!(connections <= 6, "{connections} connections");
}

#[test]
fn an_empty_pool_is_a_snapshot_and_not_an_error() {
    let bench = Bench::with_pool(PoolSpec::literal(POOL));
    let summary = bench.json(&["sync"]);
    assert_eq!(
        (&summary["users"], &summary["groups"], &summary["grants"]),
        (&json!(0), &json!(0), &json!(0))
    );
    assert_eq!(bench.list("users"), Vec::<serde_json::Value>::new());
    assert_eq!(bench.json(&["list", "users"]), json!([]));
}

#[test]
fn two_syncs_of_an_unchanged_pool_print_equal_bytes_whatever_the_workers() {
    let bench = Bench::with_pool(varied_pool());
    let printed = |workers: &str| {
        bench.json(&["sync", "--workers", workers]);
        ["users", "groups", "entitlements", "grants"].map(|what| {
            ["jsonl", "csv", "table"].map(|format| bench.run(&["list", what, "-o", format]).stdout)
        })
    };
    assert_eq!(printed("1"), printed("6"));
}

#[test]
fn show_tells_what_a_user_holds_and_who_is_in_a_group() {
    let pool = PoolSpec::literal(POOL)
        .user(
            User::new("alice")
                .email("alice@example.com")
                .attribute("name", "Alice Archer"),
        )
        .user(User::new("bob").disabled())
        .group(Group::new("ops/on:call"))
        .member("alice", "ops/on:call")
        .member("bob", "ops/on:call");
    let bench = Bench::with_pool(pool);
    bench.json(&["sync"]);

    let alice = bench.json(&["show", "user:alice"]);
    assert_eq!(alice["display_name"], "Alice Archer");
    assert_eq!(
        alice["memberships"][0]["entitlement"],
        "group:ops/on:call:member"
    );
    let group = bench.json(&["show", "group:ops/on:call"]);
    let members: Vec<_> = group["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["principal"].clone())
        .collect();
    assert_eq!(members, ["user:alice", "user:bob"]);

    let nobody = bench.run(&["show", "user:carol"]);
    assert_eq!(nobody.code, 5, "{nobody:?}");
    assert!(nobody.stderr.contains("user:carol"), "{nobody:?}");
}

#[test]
fn get_reads_the_live_resource_and_not_the_snapshot() {
    let groups = (0..150).map(|number| Group::new(format!("group-{number:03}")));
    let pool = groups
        .fold(PoolSpec::literal(POOL), PoolSpec::group)
        .user(User::new("alice").email("a@example.com"));
    let bench = Bench::with_pool(pool);
    bench.json(&["sync"]);
    assert_eq!(bench.json(&["get", "user:alice"]), bench.list("users")[0]);
    assert_eq!(bench.json(&["get", "group:group-149"])["id"], "group-149");

    bench.pool().remove_user("alice");
    let gone = bench.run(&["get", "user:alice"]);
    assert_eq!(gone.code, 5, "{gone:?}");
    assert_eq!(
        bench.list("users").len(),
        1,
        "the snapshot is not changed by a look at the service"
    );
    let missing = bench.run(&["get", "group:no-such-group"]);
    assert_eq!(missing.code, 5, "{missing:?}");
}

#[test]
fn stats_and_syncs_tell_what_the_store_holds() {
    let bench = Bench::with_pool(varied_pool());
    let first = bench.json(&["sync"]);
    let second = bench.json(&["sync"]);
    let stats = bench.json(&["stats"]);
    assert_eq!(stats["sync_id"], second["sync_id"]);
    assert_eq!(stats["users"], 700);
    let syncs = bench.json(&["syncs"]);
    let ids: Vec<_> = syncs
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["sync_id"].clone())
        .collect();
    assert!(
        ids.contains(&first["sync_id"]) && ids.contains(&second["sync_id"]),
        "{syncs}"
    );
    assert!(
        syncs
            .as_array()
            .unwrap()
            .iter()
            .all(|run| run["state"] == "complete"),
        "{syncs}"
    );
}

#[test]
fn csv_can_be_opened_in_a_spreadsheet_without_running_formulas() {
    let pool = PoolSpec::literal(POOL).user(
        User::new("mallory")
            .attribute("name", "=HYPERLINK(\"http://evil.example\",\"x\")")
            .attribute("custom:note", "@SUM(1)"),
    );
    let bench = Bench::with_pool(pool);
    bench.json(&["sync"]);
    let csv = bench.run(&["list", "users", "-o", "csv"]).stdout;
    assert!(csv.contains("'=HYPERLINK"), "{csv}");
    assert!(csv.contains("'@SUM(1)"), "{csv}");
    assert!(!csv.contains(",=") && !csv.contains(",\"="), "{csv}");
}

#[test]
fn a_closed_pipe_is_a_normal_end() {
    let bench = Bench::with_pool(varied_pool());
    bench.json(&["sync"]);
    let mut child = bench
        .command(&["list", "users", "-o", "jsonl"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 1];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn what_a_store_holds_can_be_listed_without_settings_or_network() {
    let bench = Bench::with_pool(varied_pool());
    bench.json(&["sync"]);
    let ran = finish(&mut bare_command(
        bench.folder.path(),
        &["list", "groups", "-o", "jsonl"],
    ));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.stdout.lines().count(), 25);
}

#[test]
fn settings_come_from_baton_variables_and_a_file_too() {
    let bench = Bench::with_pool(varied_pool());
    std::fs::write(
        bench.folder.path().join("connector.toml"),
        format!(
            "endpoint-url = \"{}\"\nmax-rate = [\"unlimited\"]\n",
            bench.server.endpoint()
        ),
    )
    .unwrap();
    let ran = finish(
        bare_command(bench.folder.path(), &["sync", "-o", "json"])
            .env("BATON_USER_POOL_ID", POOL)
            .env("BATON_REGION", "eu-central-1")
            .env("BATON_AWS_ACCESS_KEY_ID", KEY_ID)
            .env("BATON_AWS_SECRET_ACCESS_KEY", SECRET),
    );
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn credentials_come_from_the_aws_chain_when_none_are_given() {
    let bench = Bench::with_pool(varied_pool());
    let folder = bench.folder.path();
    std::fs::create_dir(folder.join(".aws")).unwrap();
    std::fs::write(
        folder.join(".aws/credentials"),
        format!("[auditor]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n"),
    )
    .unwrap();
    let sync = |profile: &str| {
        finish(
            bare_command(
                folder,
                &[
                    "sync",
                    "--profile",
                    profile,
                    "--max-rate",
                    "unlimited",
                    "-o",
                    "json",
                ],
            )
            .env("CONNECTOR_USER_POOL_ID", POOL)
            .env(
                "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER",
                bench.server.endpoint(),
            ),
        )
    };
    let ran = sync("auditor");
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = sync("nobody");
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.stderr.contains("no AWS credentials"), "{ran:?}");
}

#[test]
fn what_was_not_asked_for_is_unknown_and_not_empty() {
    let bench = Bench::with_pool(varied_pool());
    let summary = bench.json(&["sync", "--only", "users"]);
    assert_eq!(summary["users"], 700);
    assert!(
        summary.get("groups").is_none() && summary.get("grants").is_none(),
        "{summary}"
    );
    assert_eq!(bench.server.log().count(Operation::ListGroups), 0);
    assert_rows(&bench.list("users"), &expected_users(bench.pool()));
    for what in ["groups", "grants", "entitlements"] {
        let ran = bench.run(&["list", what]);
        assert_eq!(ran.code, 5, "{ran:?}");
        assert!(ran.stderr.contains("nothing is known"), "{ran:?}");
    }
    let summary = bench.json(&["sync", "--only", "grants"]);
    assert!(summary.get("users").is_none(), "{summary}");
    assert_eq!(summary["warnings"], json!([]));
    assert_rows(&bench.list("grants"), &expected_grants(bench.pool()));
    let ran = bench.run(&["sync", "--only", "roles"]);
    assert_eq!(ran.code, 3, "{ran:?}");
}

#[test]
fn a_store_can_be_checked_and_copied_while_it_stays_in_use() {
    let bench = Bench::with_pool(varied_pool());
    bench.json(&["sync"]);
    let checked = bench.json(&["store", "check"]);
    assert_eq!(checked["ok"], true, "{checked}");
    assert!(checked["rows"].as_u64().unwrap() > 700, "{checked}");
    let copied = bench.json(&["store", "backup", "--out", "copy.db"]);
    assert_eq!(copied["file"], "copy.db");
    let listed = |store: &str| {
        let ran = bench.run(&["list", "grants", "--store", store, "-o", "jsonl"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.stdout
    };
    assert_eq!(listed("copy.db"), listed("connector.db"));
    let again = bench.run(&["store", "backup", "--out", "copy.db"]);
    assert_eq!(again.code, 3, "{again:?}");
    let told = "`copy.db` exists already, and nothing is overwritten: name another file with --out";
    assert!(again.stderr.contains(told), "{again:?}");
    assert_eq!(bench.run(&["store", "backup"]).code, 2);

    let sound = std::fs::read(bench.store()).unwrap();
    let half = sound.len() / 2;
    let mut overwritten = sound.clone();
    overwritten[half / 4096 * 4096..][..4096].fill(0xff);
    let mut beheaded = sound.clone();
    beheaded[100..4096].fill(0xff);
    for bytes in [&sound[..half], &overwritten, &beheaded] {
        std::fs::write(bench.store(), bytes).unwrap();
        let damaged = bench.run(&["store", "check", "-o", "json"]);
        assert_eq!(damaged.code, 3, "{damaged:?}");
        assert!(damaged.stderr.contains("damaged"), "{damaged:?}");
        let told: serde_json::Value = serde_json::from_str(&damaged.stdout).unwrap();
        assert_eq!(told["ok"], false, "{told}");
        assert!(told["runs"].is_u64() && told["rows"].is_u64(), "{told}");
        let problems = told["problems"].as_array().unwrap();
        assert!(!problems.is_empty(), "{told}");
        let lines = |problem: &serde_json::Value| problem.as_str().unwrap().lines().count();
        assert!(problems.iter().all(|problem| lines(problem) == 1), "{told}");
    }
}
