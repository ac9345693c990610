//! What a run of the program came to, next to what is documented, case by case: in the
//! form in which `battery.py` reports, so that the same rule decides what may differ.

use serde_json::{Map, Value, json};

use crate::battery::assert_as_expected;
use crate::connector::Run;
use crate::site::Site;

/// The cases of one test.
#[derive(Default)]
pub(crate) struct Observed(Map<String, Value>);

impl Observed {
    /// Anything that can be put into one value.
    pub(crate) fn note(&mut self, case: &str, observed: &Value, documented: &Value, source: &str) {
        let noted = json!({"observed": observed, "documented": documented, "source": source});
        let before = self.0.insert(case.to_owned(), noted);
        assert!(before.is_none(), "two cases {case:?}");
    }

    /// A command that ends well, by its outcome.
    pub(crate) fn outcome(&mut self, case: &str, run: &Run, documented: &str, source: &str) {
        self.note(case, &came_to(run), &json!(documented), source);
    }

    /// A command that ends with a code and a message in which these words stand.
    pub(crate) fn refusal(
        &mut self,
        case: &str,
        run: &Run,
        documented: i32,
        words: &[&str],
        source: &str,
    ) {
        let observed = came_to(run);
        // Another code is another refusal, with other words.
        if observed == documented {
            let message = run.error()["message"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            for word in words {
                assert!(
                    message.contains(word),
                    "{case}: {word:?} is not in {message:?}"
                );
            }
        }
        self.note(case, &observed, &json!(documented), source);
    }

    /// Every case is as documented, or deviates as it is listed for this site.
    #[track_caller]
    pub(crate) fn assert_as_documented(self, site: &Site, cases: &str) {
        assert_as_expected(&Value::Object(self.0), &site.deviations(cases));
    }
}

/// The outcome, or the code of the failure.
fn came_to(run: &Run) -> Value {
    match run.code {
        Some(0) => run.json()["outcome"].clone(),
        code => json!(code),
    }
}
