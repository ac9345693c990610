//! A pool of any size that nobody stores: user `i` is a function of the seed and `i`, and so is every
//! membership, in both directions.
//!
//! Names carry their index, or a permutation of it, so that looking a user up needs no table either.
//! The variety is deliberate and covers what has broken other tools: usernames that are addresses,
//! UUIDs and federated names, reserved characters, several scripts, missing and shared addresses,
//! blank and multi-line values, formulas, every status.

use std::borrow::Cow;

use super::arithmetic::coprime_pair;
use super::company;
use super::names::{self, Person};
use crate::hash::{draw, scramble, unscramble, uuid};
use crate::model::{Group, Text, User};

// One salt for each thing that is drawn, so that no two of them are correlated.
const KIND: u64 = 1;
const NAME: u64 = 2;
const TRAIT: u64 = 3;
const SUB_A: u64 = 4;
const SUB_B: u64 = 5;
const TIME: u64 = 6;
const GROUP: u64 = 7;
const ANCHOR: u64 = 8;

/// 2019-01-01T00:00:00Z: the generated company's first account.
const EPOCH_MS: u64 = 1_546_300_800_000;
/// Six years in milliseconds: the accounts were created over this span.
const SPAN_MS: u64 = 6 * 365 * 86_400_000;
/// An account's last change lies at most a year after its creation.
const YEAR_MS: u64 = 365 * 86_400_000;
/// The longest username and group name of the API.
const NAME_LIMIT: usize = 128;

/// How many members the generated groups have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupSizes {
    /// Every group has as many.
    Uniform(u32),
    /// As in a company: everybody, a few large groups, many small ones, some empty, and the sizes
    /// around a page's limit.
    Mixed,
    /// The first group has the first number of members and so on; missing numbers are zero.
    Listed(Vec<u32>),
}

/// The size of a generated pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// Number of users, at most 2^32 − 1.
    pub users: u32,
    /// Number of groups; Cognito allows 10,000.
    pub groups: u32,
    /// How many members they have.
    pub sizes: GroupSizes,
    /// Two pools of one seed are equal.
    pub seed: u64,
}

impl Default for Generated {
    fn default() -> Self {
        Self {
            users: 1_000,
            groups: 20,
            sizes: GroupSizes::Mixed,
            seed: 1,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    Address,
    Uuid,
    Google,
    Saml,
    Reserved,
    Native,
    Emoji,
    Longest,
}

/// The functions of one generated pool.
#[derive(Clone, Debug)]
pub(crate) struct Generator {
    spec: Generated,
    /// Members of a group are `stride` apart, which is prime to the number of users.
    stride: u64,
    inverse: u64,
}

impl Generator {
    pub(crate) fn new(spec: Generated) -> Self {
        let n = u64::from(spec.users.max(1));
        let (stride, inverse) = coprime_pair(n, draw(spec.seed, ANCHOR, u64::MAX) % n);
        Self {
            spec,
            stride,
            inverse,
        }
    }

    pub(crate) fn user_count(&self) -> u64 {
        u64::from(self.spec.users)
    }

    pub(crate) fn groups(&self) -> Vec<Group> {
        (0..self.spec.groups).map(|g| self.group(g)).collect()
    }

    fn kind(&self, i: u64) -> Kind {
        match draw(self.spec.seed, KIND, i) % 1_000 {
            0..=394 => Kind::Plain,
            395..=594 => Kind::Address,
            595..=774 => Kind::Uuid,
            775..=864 => Kind::Google,
            865..=914 => Kind::Saml,
            915..=939 => Kind::Reserved,
            940..=979 => Kind::Native,
            980..=994 => Kind::Emoji,
            _ => Kind::Longest,
        }
    }

    fn person(&self, i: u64) -> Person {
        names::person(draw(self.spec.seed, NAME, i))
    }

    /// The first eight digits of the subject.
    pub(crate) fn sub_word(&self, i: u64) -> u32 {
        scramble(i as u32, self.spec.seed)
    }

    pub(crate) fn sub(&self, i: u64) -> String {
        uuid(
            self.sub_word(i),
            draw(self.spec.seed, SUB_A, i),
            draw(self.spec.seed, SUB_B, i),
        )
    }

    pub(crate) fn username(&self, i: u64) -> String {
        self.username_of(i, self.kind(i), &self.person(i))
    }

    fn username_of(&self, i: u64, kind: Kind, person: &Person) -> String {
        let Person {
            given_latin: given,
            family_latin: family,
            ..
        } = person;
        match kind {
            Kind::Plain => format!("{given}.{family}{i}"),
            Kind::Address => format!("{given}.{family}{i}@example.com"),
            Kind::Uuid => self.sub(i),
            Kind::Google => format!(
                "Google_1{:010}{:010}",
                self.sub_word(i),
                draw(self.spec.seed, SUB_B, i) % 10_000_000_000
            ),
            Kind::Saml => format!("SAML-Acme_{given}.{family}{i}@corp.example"),
            Kind::Reserved => match draw(self.spec.seed, TRAIT, i) % 4 {
                0 => format!("team/{given}:{family}+{i}"),
                1 => format!("{given}%40{family}#{i}?"),
                2 => format!("{family}\\{given}&{i}=\"'"),
                _ => format!("@{given}@{family}@{i}%"),
            },
            Kind::Native => format!("{}·{}{i}", person.family, person.given),
            Kind::Emoji => format!("{given}🚀é{i}😀"),
            Kind::Longest => {
                let tail = i.to_string();
                let pad = NAME_LIMIT.saturating_sub(given.len() + tail.len());
                format!("{given}{}{tail}", "x".repeat(pad))
            }
        }
    }

    pub(crate) fn user(&self, i: u64) -> User {
        let kind = self.kind(i);
        let person = self.person(i);
        let traits = draw(self.spec.seed, TRAIT, i);
        let times = draw(self.spec.seed, TIME, i);
        let federated = matches!(kind, Kind::Google | Kind::Saml);
        let username = self.username_of(i, kind, &person);
        let created = EPOCH_MS + times % SPAN_MS;

        let mut attributes: Vec<(Text, Text)> = Vec::with_capacity(12);
        let mut put =
            |name: &'static str, value: Text| attributes.push((Cow::Borrowed(name), value));
        put("sub", Cow::Owned(self.sub(i)));
        if federated {
            put(
                "identities",
                Cow::Owned(identities(kind, &username, created)),
            );
        }
        if let Some((address, verified)) = self.address(i, kind, &person, &username, traits) {
            put("email", address);
            put(
                "email_verified",
                Cow::Borrowed(if verified { "true" } else { "false" }),
            );
        }
        if (traits >> 8) % 100 < 88 {
            put("given_name", Cow::Borrowed(person.given));
            put("family_name", Cow::Borrowed(person.family));
        }
        if (traits >> 16) % 100 < 60 {
            put("name", Cow::Owned(person.full()));
        }
        if (traits >> 24) % 100 < 15 {
            put(
                "phone_number",
                Cow::Owned(format!("+4930{:07}", i % 10_000_000)),
            );
            put("phone_number_verified", Cow::Borrowed("false"));
        }
        if (traits >> 32) % 100 < 50 {
            put("locale", Cow::Borrowed(person.locale));
        }
        if (traits >> 40) % 100 < 5 {
            put("nickname", Cow::Borrowed(""));
        }
        if (traits >> 44) % 100 < 80 {
            put(
                "custom:department",
                Cow::Borrowed(names::pick(
                    &company::DEPARTMENTS,
                    traits >> 20,
                    "Engineering",
                )),
            );
        }
        if (traits >> 52) % 100 < 30 {
            put(
                "custom:employee_id",
                Cow::Owned(format!("{:08}", self.sub_word(i) % 100_000_000)),
            );
        }
        match (traits >> 28) % 200 {
            0 => put(
                "custom:notes",
                Cow::Borrowed("=HYPERLINK(\"http://example.com\",\"click\")"),
            ),
            1 => put(
                "custom:notes",
                Cow::Borrowed("first line\nsecond line, \"quoted\"\tand a tab\\"),
            ),
            2 => put(
                "custom:notes",
                Cow::Borrowed(
                    "e\u{301}clair \u{202e}mirrored\u{202c} \u{1f469}\u{200d}\u{1f680} \u{0001}",
                ),
            ),
            _ => {}
        }

        User {
            username,
            enabled: (traits >> 36) % 100 >= 4,
            status: Cow::Borrowed(if federated {
                "EXTERNAL_PROVIDER"
            } else {
                status((traits >> 48) % 100)
            }),
            created_ms: created as i64,
            modified_ms: (created + (times >> 20) % YEAR_MS) as i64,
            attributes,
            mfa: if (traits >> 12) % 100 < 20 {
                vec![Cow::Borrowed("SOFTWARE_TOKEN_MFA")]
            } else {
                Vec::new()
            },
        }
    }

    /// The address and whether it is verified. A shared one never is, so that aliases stay unique.
    fn address(
        &self,
        i: u64,
        kind: Kind,
        person: &Person,
        username: &str,
        traits: u64,
    ) -> Option<(Text, bool)> {
        if kind == Kind::Address {
            return Some((Cow::Owned(username.to_owned()), true));
        }
        match traits % 100 {
            0..=5 => None,
            6..=8 => {
                let team = draw(self.spec.seed, SUB_A, i) % 20;
                Some((
                    Cow::Owned(format!("shared.mailbox.{team}@example.com")),
                    false,
                ))
            }
            luck => {
                let address = format!(
                    "{}.{}{i}@example.com",
                    person.given_latin, person.family_latin
                );
                Some((Cow::Owned(address), luck >= 20))
            }
        }
    }

    /// Users that may be called so or have that address; the caller compares.
    pub(crate) fn candidates(&self, name: &str) -> impl Iterator<Item = u64> {
        let by_sub = name
            .get(..8)
            .filter(|_| name.len() == 36)
            .and_then(|word| u32::from_str_radix(word, 16).ok());
        let by_google = name
            .get(8..18)
            .filter(|_| name.len() == 28)
            .and_then(|word| word.parse::<u32>().ok());
        let scrambled = by_sub
            .into_iter()
            .chain(by_google)
            .map(|word| u64::from(unscramble(word, self.spec.seed)));
        let users = self.user_count();
        last_number(name)
            .into_iter()
            .chain(scrambled)
            .filter(move |i| *i < users)
    }

    fn group(&self, g: u32) -> Group {
        let luck = draw(self.spec.seed, GROUP, u64::from(g));
        let department = names::pick(&company::DEPARTMENTS, luck >> 8, "Engineering");
        let office = names::pick(&company::OFFICES, luck >> 16, "Berlin");
        let stem = match luck % 8 {
            0 => format!("ops:oncall:{office}"),
            1 => format!("Team/{office}/Access"),
            2 => format!("{office}+é😀"),
            3 => "app-admins".to_owned(),
            _ => department.replace(' ', "_"),
        };
        let created = EPOCH_MS + (luck >> 12) % SPAN_MS;
        Group {
            name: format!("{stem}-{g}"),
            description: ((luck >> 24) % 10 < 6).then(|| format!("{department}, {office}")),
            precedence: match (luck >> 32) % 8 {
                0 => Some(0),
                1 => None,
                2 => Some(i32::MAX as u32),
                _ => Some(g % 1_000),
            },
            role_arn: (luck >> 40)
                .is_multiple_of(5)
                .then(|| format!("arn:aws:iam::123456789012:role/group-{g}")),
            created_ms: created as i64,
            modified_ms: (created + (luck >> 30) % YEAR_MS) as i64,
        }
    }

    pub(crate) fn member_count(&self, g: u32) -> u64 {
        if g >= self.spec.groups {
            return 0;
        }
        let users = self.user_count();
        let wanted = match &self.spec.sizes {
            GroupSizes::Uniform(size) => u64::from(*size),
            GroupSizes::Listed(sizes) => sizes.get(g as usize).copied().map_or(0, u64::from),
            GroupSizes::Mixed => {
                mixed_size(g, users, draw(self.spec.seed, GROUP, u64::from(g)) >> 20)
            }
        };
        wanted.min(users)
    }

    fn anchor(&self, g: u32) -> u64 {
        draw(self.spec.seed, ANCHOR, u64::from(g)) % self.user_count().max(1)
    }

    /// The user at place `k` of a group, for `k` below the group's size.
    pub(crate) fn member(&self, g: u32, k: u64) -> u64 {
        let n = u128::from(self.user_count().max(1));
        ((u128::from(self.anchor(g)) + u128::from(k) * u128::from(self.stride)) % n) as u64
    }

    pub(crate) fn is_member(&self, g: u32, i: u64) -> bool {
        let n = self.user_count();
        if i >= n {
            return false;
        }
        let distance = u128::from(i + n - self.anchor(g));
        let place = (distance * u128::from(self.inverse)) % u128::from(n);
        (place as u64) < self.member_count(g)
    }
}

fn status(percent: u64) -> &'static str {
    match percent {
        0..=79 => "CONFIRMED",
        80..=88 => "FORCE_CHANGE_PASSWORD",
        89..=93 => "RESET_REQUIRED",
        94..=96 => "UNCONFIRMED",
        97 => "ARCHIVED",
        98 => "COMPROMISED",
        _ => "UNKNOWN",
    }
}

fn identities(kind: Kind, username: &str, created: u64) -> String {
    let (provider, provider_type) = match kind {
        Kind::Google => ("Google", "Google"),
        _ => ("SAML-Acme", "SAML"),
    };
    let id = username.split_once('_').map_or(username, |(_, id)| id);
    format!(
        r#"[{{"userId":"{id}","providerName":"{provider}","providerType":"{provider_type}","issuer":null,"primary":"true","dateCreated":"{created}"}}]"#
    )
}

/// Sizes of a company's groups: group 0 is nearly everybody, then the sizes on both sides of a full
/// page, then by chance.
fn mixed_size(g: u32, users: u64, luck: u64) -> u64 {
    match g {
        0 => users * 9 / 10,
        1 => 0,
        2 => 60,
        3 => 61,
        4 => 1,
        5 => 120,
        _ => match luck % 20 {
            0..=1 => 0,
            2..=9 => 1 + (luck >> 8) % 12,
            10..=15 => 10 + (luck >> 8) % 90,
            16..=18 => users / 50 + (luck >> 8) % (users / 20 + 1),
            _ => users / 10 + (luck >> 8) % (users / 5 + 1),
        },
    }
}

/// The last run of ASCII digits in a text.
fn last_number(text: &str) -> Option<u64> {
    let end = text.rfind(|c: char| c.is_ascii_digit())? + 1;
    let head = text.get(..end)?;
    let start = head.rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| {
        at + head
            .get(at..)
            .and_then(|rest| rest.chars().next())
            .map_or(1, char::len_utf8)
    });
    head.get(start..)?.parse().ok()
}

#[cfg(test)]
mod tests;
