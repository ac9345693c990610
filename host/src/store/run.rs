//! One attempt to read a system, and what became of it.

use std::collections::BTreeMap;
use std::fmt;

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;

use crate::omit::Names;
use crate::trust::description::Kind;

/// What became of a run. Only a complete one is ever current.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunState {
    /// Its process is alive and writing.
    Running,
    /// Everything that was asked for is there, and it was published.
    Complete,
    /// A part could not be read.
    Partial,
    /// It was read, but a gate kept it from being published.
    Refused,
    /// It ended before it was through.
    Interrupted,
}

impl RunState {
    /// The word that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::Refused => "refused",
            Self::Interrupted => "interrupted",
        }
    }

    pub(super) fn from_stored(text: &str) -> Option<Self> {
        [
            Self::Running,
            Self::Complete,
            Self::Partial,
            Self::Refused,
            Self::Interrupted,
        ]
        .into_iter()
        .find(|state| state.as_str() == text)
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What was asked for. What was not asked for is unknown and not empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The ids of the kinds whose resources are read.
    pub kinds: Vec<String>,
    /// Whether entitlements are read.
    pub entitlements: bool,
    /// Whether grants are read.
    pub grants: bool,
    /// The attributes that are left out of what is read.
    #[serde(default, skip_serializing_if = "Names::is_empty")]
    pub omitted: Names,
}

impl Scope {
    /// Everything that the kinds offer.
    pub fn everything(kinds: &[Kind]) -> Self {
        Self {
            kinds: kinds.iter().map(|kind| kind.id.clone()).collect(),
            entitlements: true,
            grants: true,
            omitted: Names::new(),
        }
    }

    /// The same without these attributes.
    #[must_use]
    pub fn omitting(self, names: Names) -> Self {
        Self {
            omitted: names,
            ..self
        }
    }

    /// What people ask for by words: kinds by their plural or id, `entitlements`,
    /// `grants`. Kinds that must be listed to read those are added: the parents of what
    /// is asked for, and what entitlements and grants are on.
    ///
    /// # Errors
    ///
    /// A word that means nothing here.
    pub fn only<'a>(
        words: impl IntoIterator<Item = &'a str>,
        kinds: &[Kind],
    ) -> Result<Self, String> {
        let mut scope = Self::default();
        let mut asked: Vec<&str> = Vec::new();
        for word in words {
            match (
                word,
                kinds
                    .iter()
                    .find(|kind| kind.plural == word || kind.id == word),
            ) {
                ("entitlements", _) => scope.entitlements = true,
                ("grants", _) => scope.grants = true,
                (_, Some(kind)) => asked.push(&kind.id),
                (other, None) => return Err(other.to_owned()),
            }
        }
        // Children before their parents, so that one pass finds every parent.
        for kind in kinds.iter().rev() {
            let carries = kind.carries_entitlements();
            let is_needed = (scope.entitlements && carries)
                || (scope.grants
                    && (carries || kind.grants_of_principal && !is_told_by_resources(kinds, kind)));
            if is_needed || asked.contains(&kind.id.as_str()) {
                asked.push(&kind.id);
                asked.extend(kind.parents.iter().map(String::as_str));
            }
        }
        scope.kinds = kinds
            .iter()
            .filter(|kind| asked.contains(&kind.id.as_str()))
            .map(|kind| kind.id.clone())
            .collect();
        match scope.kinds.is_empty() {
            // Nothing would be asked, and the empty answer would be taken for one.
            true => Err("entitlements and grants, which nothing here has".to_owned()),
            false => Ok(scope),
        }
    }

    /// Whether resources of this kind were asked for.
    pub fn has_kind(&self, id: &str) -> bool {
        self.kinds.iter().any(|kind| kind == id)
    }
}

/// Whether everything that a principal of this kind can hold is told by the resources
/// that it is held on.
pub(crate) fn is_told_by_resources(kinds: &[Kind], principal: &Kind) -> bool {
    kinds
        .iter()
        .filter(|kind| !kind.grants_of_resource)
        .flat_map(|kind| &kind.entitlements)
        .all(|entitlement| !entitlement.grantable_to.contains(&principal.id))
}

/// How a run begins.
#[derive(Clone, Debug)]
pub struct RunStart {
    /// The digest of the component that reads.
    pub component_digest: String,
    /// Its version.
    pub component_version: String,
    /// When.
    pub started_at: OffsetDateTime,
    /// The kinds that the component described. Kept with the run, so that what it read
    /// can be shown without the component, whatever later versions describe.
    pub kinds: Vec<Kind>,
    /// What is asked for.
    pub scope: Scope,
    /// The settings that what it reads depends on; no secret.
    pub settings: BTreeMap<String, String>,
    /// The lists that it begins with, in the sync's own words.
    pub lists: Vec<String>,
}

/// How a run ends.
#[derive(Clone, Debug)]
pub struct RunEnd {
    /// What became of it.
    pub state: RunState,
    /// When.
    pub finished_at: OffsetDateTime,
    /// What the user should know about it.
    pub warnings: Vec<String>,
    /// What it took.
    pub counters: Counters,
    /// What the sync wants to know again if it is gone on with.
    pub note: String,
}

/// What a run took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counters {
    /// Requests sent, all attempts counted.
    pub requests: u64,
    /// How many of them the service throttled.
    pub throttled: u64,
    /// How many of them were repeats.
    pub retries: u64,
    /// Wall-clock time.
    pub duration_ms: u64,
}

/// How many rows a run has. What was not asked for is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Per plural of a kind, in the order of the kinds.
    pub resources: Vec<(String, u64)>,
    /// Entitlements.
    pub entitlements: Option<u64>,
    /// Grants.
    pub grants: Option<u64>,
}

impl Counts {
    /// The resources of one plural.
    pub fn of(&self, plural: &str) -> Option<u64> {
        self.resources
            .iter()
            .find_map(|(name, rows)| (name == plural).then_some(*rows))
    }

    /// Takes over what another run knew.
    pub(super) fn update(&mut self, newer: &Self) {
        for (plural, rows) in &newer.resources {
            match self.resources.iter_mut().find(|(name, _)| name == plural) {
                Some((_, known)) => *known = *rows,
                None => self.resources.push((plural.clone(), *rows)),
            }
        }
        self.entitlements = newer.entitlements.or(self.entitlements);
        self.grants = newer.grants.or(self.grants);
    }

    /// All names with their rows, in the order in which they are shown.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.resources
            .iter()
            .map(|(plural, rows)| (plural.as_str(), *rows))
            .chain(self.entitlements.map(|rows| ("entitlements", rows)))
            .chain(self.grants.map(|rows| ("grants", rows)))
    }
}

/// One flat object: `{"users":3,"groups":1,"entitlements":1,"grants":2}`.
impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, rows) in self.iter() {
            map.serialize_entry(name, &rows)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut counts = Self::default();
        for (name, rows) in serde_json::Map::deserialize(deserializer)? {
            let rows = u64::deserialize(rows).map_err(serde::de::Error::custom)?;
            match name.as_str() {
                "entitlements" => counts.entitlements = Some(rows),
                "grants" => counts.grants = Some(rows),
                _ => counts.resources.push((name, rows)),
            }
        }
        Ok(counts)
    }
}

/// A run as the store has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Run {
    #[serde(skip)]
    pub(super) number: i64,
    #[serde(skip)]
    pub(super) settled: bool,
    /// `20261123T140210Z-7`: the second in UTC in which it began, and which run of the
    /// store it is. Never given twice.
    pub sync_id: String,
    /// What became of it.
    pub state: RunState,
    /// RFC 3339, UTC.
    pub started_at: String,
    /// RFC 3339, UTC.
    pub finished_at: Option<String>,
    /// The digest of the component.
    pub component_digest: String,
    /// Its version.
    pub component_version: String,
    /// What was asked for.
    pub scope: Scope,
    /// The rows; absent until they have been counted.
    pub counts: Option<Counts>,
    /// What it took.
    #[serde(flatten)]
    pub counters: Counters,
    /// What the user should know about it.
    pub warnings: Vec<String>,
    /// The kinds that the component described.
    #[serde(skip)]
    pub kinds: Vec<Kind>,
}

impl Run {
    /// The kind that people mean by a word: its plural or its id.
    pub fn kind_called(&self, word: &str) -> Option<&Kind> {
        self.kinds
            .iter()
            .find(|kind| kind.plural == word || kind.id == word)
    }
}

/// The part of a run's id that says when it began.
pub(super) fn id_stem(moment: OffsetDateTime) -> String {
    let utc = moment.to_offset(time::UtcOffset::UTC);
    format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
        utc.year(),
        u8::from(utc.month()),
        utc.day(),
        utc.hour(),
        utc.minute(),
        utc.second()
    )
}
