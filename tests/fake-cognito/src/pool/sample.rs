//! The pool that the demo shows: a company of a few thousand people that one might have met.

use std::borrow::Cow;
use std::collections::HashSet;

use super::company::{DEPARTMENTS, OFFICES};
use super::names;
use super::spec::PoolSpec;
use crate::hash::draw;
use crate::model::{Group, Text, User};

/// Large enough to fill more than fifty pages, small enough to be over in a moment.
const PEOPLE: u64 = 3_200;
const SEED: u64 = 20_250_214;
/// 2019-03-01T08:00:00Z, the company's first day.
const FIRST_DAY_MS: i64 = 1_551_427_200_000;
/// Six and a half years in milliseconds, the company's age.
const AGE_MS: u64 = 2_372 * 86_400_000;

/// Groups that are about rights: name, description, and how many of a thousand are in it.
const ACCESS: [(&str, Option<&str>, u64); 14] = [
    (
        "vpn-users",
        Some("May open the company network from outside"),
        420,
    ),
    ("git:read", Some("Reads every repository"), 300),
    (
        "git:write",
        Some("Writes to the repositories of the own team"),
        210,
    ),
    ("prod/deploy", Some("Deploys to production"), 22),
    ("prod/oncall", Some("Carries the pager"), 12),
    (
        "finance/approvers",
        Some("Approves payments above 10,000 EUR"),
        6,
    ),
    ("crm-users", None, 180),
    ("billing-read", None, 40),
    ("tableau+viewers", Some("Dashboards, read only"), 160),
    (
        "security-champions",
        Some("One per team, meets on Thursdays"),
        18,
    ),
    ("first-aiders", Some("Ersthelfer, 応急手当"), 30),
    ("works-council", Some("Betriebsrat"), 5),
    ("beta-testers", None, 90),
    ("book-club📚", Some("Reads one book a month"), 14),
];

/// The demo's pool under that id; every call makes the same.
#[must_use]
pub fn sample_pool(id: impl Into<String>) -> PoolSpec {
    let mut spec = PoolSpec::literal(id).named("example-company");
    spec = spec
        .group(group(
            "all-staff",
            Some("Everybody who is employed here"),
            Some(100),
            0,
        ))
        .group(group(
            "admins",
            Some("Administrators of this pool"),
            Some(0),
            1,
        ))
        .group(group(
            "contractors",
            Some("People of other companies"),
            Some(90),
            2,
        ))
        .group(group(
            "break-glass",
            Some("Empty unless something burns"),
            Some(1),
            3,
        ));
    for (n, department) in (10..).zip(DEPARTMENTS) {
        let name = department.replace(" & ", "+").replace(' ', "-");
        spec = spec.group(group(&name, Some(department), Some(50), n));
    }
    for (n, office) in (30..).zip(OFFICES) {
        spec = spec.group(group(&format!("office:{office}"), None, None, n));
    }
    for (n, (name, description, _)) in (40..).zip(ACCESS) {
        spec = spec.group(group(name, description, Some(n), u64::from(n)));
    }

    let mut taken = HashSet::new();
    for i in 0..PEOPLE {
        let (user, groups) = employee(i, &mut taken);
        for group in groups {
            spec = spec.member(user.username.clone(), group);
        }
        spec = spec.user(user);
    }
    spec
}

fn group(name: &str, description: Option<&str>, precedence: Option<u32>, n: u64) -> Group {
    let at = FIRST_DAY_MS + (draw(SEED, 9, n) % (AGE_MS / 4)) as i64;
    let mut group = Group::new(name).dated(at, at + (draw(SEED, 10, n) % AGE_MS / 2) as i64);
    group.description = description.map(str::to_owned);
    group.precedence = precedence;
    if name == "admins" || name.starts_with("prod/") {
        group.role_arn = Some(format!(
            "arn:aws:iam::123456789012:role/{}",
            name.replace('/', "-")
        ));
    }
    group
}

fn employee(i: u64, taken: &mut HashSet<String>) -> (User, Vec<String>) {
    let person = names::person(draw(SEED, 1, i));
    let luck = draw(SEED, 2, i);
    let more = draw(SEED, 3, i);
    let stem = format!("{}.{}", person.given_latin, person.family_latin);
    let mut login = stem.clone();
    let mut twin = 1;
    while !taken.insert(login.clone()) {
        twin += 1;
        login = format!("{stem}{twin}");
    }

    let contractor = luck % 100 < 9;
    let federated = !contractor && (luck >> 8) % 100 < 20;
    let gone = (luck >> 16) % 100 < 5;
    let address = if contractor {
        format!("{login}@partner.example")
    } else {
        format!("{login}@example.com")
    };
    let username = if federated {
        format!(
            "Google_1{:010}{:010}",
            luck % 10_000_000_000,
            more % 10_000_000_000
        )
    } else if contractor {
        address.clone()
    } else {
        login
    };
    let department = names::pick(&DEPARTMENTS, luck >> 24, "Engineering");
    let office = names::pick(&OFFICES, luck >> 32, "Berlin");
    let created = FIRST_DAY_MS + (more % AGE_MS) as i64;
    let status: Text = Cow::Borrowed(match (federated, (luck >> 40) % 100) {
        (true, _) => "EXTERNAL_PROVIDER",
        (_, 0..=5) => "FORCE_CHANGE_PASSWORD",
        (_, 6..=8) => "RESET_REQUIRED",
        (_, 9) => "UNCONFIRMED",
        _ => "CONFIRMED",
    });

    let mut user = User::new(username).status(status).dated(
        created,
        created + ((more >> 20) % (300 * 86_400_000)) as i64,
    );
    if (luck >> 48) % 100 >= 2 {
        let verified = if (luck >> 48) % 100 >= 10 {
            "true"
        } else {
            "false"
        };
        user = user
            .attribute("email", address)
            .attribute("email_verified", verified);
    }
    user = user
        .attribute("given_name", person.given)
        .attribute("family_name", person.family)
        .attribute("name", person.full())
        .attribute("locale", person.locale)
        .attribute("custom:department", department)
        .attribute("custom:employee_id", format!("{:06}", 100_000 + i));
    if gone {
        user = user.disabled();
    }

    let mut groups = Vec::new();
    if contractor {
        groups.push("contractors".to_owned());
    } else {
        groups.push("all-staff".to_owned());
        groups.push(department.replace(" & ", "+").replace(' ', "-"));
        groups.push(format!("office:{office}"));
    }
    if i % 457 == 3 {
        groups.push("admins".to_owned());
    }
    for (n, (name, _, share)) in (20..).zip(ACCESS) {
        if !gone && draw(SEED, n, i) % 1_000 < share {
            groups.push(name.to_owned());
        }
    }
    (user, groups)
}
