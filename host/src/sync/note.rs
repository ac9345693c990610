//! What a sync wants to know again when another process goes on with its run.

use serde::{Deserialize, Serialize};

use super::warnings::Noted;
use crate::omit::Noticed;
use crate::store::Counters;

/// Stored with every page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    /// What the run has taken so far. What a process that was killed had sent and not got
    /// an answer to is missing.
    pub(super) counters: Counters,
    /// What has been noticed so far.
    pub(super) warnings: Noted,
    /// What has been noticed of what is left out.
    #[serde(default)]
    pub(super) omitted: Noticed,
    /// How many pages of who holds something on a resource have been read so far.
    #[serde(default)]
    pub(super) pages_by_resource: u64,
    /// Why the slices of the run are not believed.
    #[serde(default)]
    pub(super) slices_doubted: Option<String>,
}

impl Note {
    pub(super) fn to_text(&self) -> String {
        // Numbers and texts: there is nothing in it that JSON can't hold.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// `None` if another version of this program wrote it. A run without a page has none.
    pub(super) fn from_text(text: &str) -> Option<Self> {
        match text {
            "" => Some(Self::default()),
            text => serde_json::from_str(text).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::warnings::WarningCode;
    use super::*;

    #[test]
    fn a_note_is_read_back() {
        let note = Note {
            counters: Counters {
                requests: 7,
                ..Counters::default()
            },
            omitted: Noticed::default(),
            warnings: [(WarningCode::Restarted, (2, vec!["a list".to_owned()]))].into(),
            pages_by_resource: 7,
            slices_doubted: Some("one is not there".to_owned()),
        };
        assert_eq!(Note::from_text(&note.to_text()), Some(note));
        assert_eq!(Note::from_text(""), Some(Note::default()));
        assert_eq!(Note::from_text("{}"), None);
    }
}
