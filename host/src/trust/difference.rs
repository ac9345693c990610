//! What one description says and another does not, in words: what a component asks for
//! more, what it asks for less, and what it asks for otherwise.

use serde_json::Value;

use super::description::Description;
use super::facts::{Fact, Section, facts};

/// Lines that are shown at most: a component that answers with nonsense must not flood
/// the terminal, and whoever reads twenty differences knows enough.
const LINES: usize = 20;
/// Characters of a line at most: five lines of a terminal.
const LINE: usize = 400;

/// The differences between what was approved and what is asked for now; empty exactly if
/// there are none.
pub fn differences(approved: &Description, now: &Description) -> Vec<String> {
    if approved == now {
        return Vec::new();
    }
    let (old, new) = (numbered(facts(approved)), numbered(facts(now)));
    let mut lines = Vec::new();
    for (key, fact) in &new {
        match old.iter().find(|(known, _)| known == key) {
            None => lines.push(format!("more: {}", introduced(fact))),
            Some((_, before)) => changed(before, fact, &mut lines),
        }
    }
    for (key, fact) in &old {
        if !new.iter().any(|(known, _)| known == key) {
            lines.push(format!("less: {}", introduced(fact)));
        }
    }
    if lines.is_empty() {
        lines.push("changed: the order in which it lists things".to_owned());
    }
    bounded(lines)
}

/// A component may name two things alike; then they are told apart by their number.
type Key = (Section, String, usize);

fn numbered(facts: Vec<Fact>) -> Vec<(Key, Fact)> {
    let mut numbered: Vec<(Key, Fact)> = Vec::new();
    for fact in facts {
        let before = numbered
            .iter()
            .filter(|((section, key, _), _)| *section == fact.section && *key == fact.key)
            .count();
        numbered.push(((fact.section, fact.key.clone(), before), fact));
    }
    numbered
}

fn introduced(fact: &Fact) -> String {
    let mut text = format!("{} {}", fact.section.noun(), fact.key);
    for (label, words) in &fact.parts {
        text.push_str(&match *label {
            "is" => format!(", {words}"),
            label => format!(", {label} {words}"),
        });
    }
    text
}

fn changed(before: &Fact, now: &Fact, lines: &mut Vec<String>) {
    if before.whole == now.whole {
        return;
    }
    let about = format!("changed: {} {}", now.section.noun(), now.key);
    let mut labels: Vec<&str> = Vec::new();
    for (label, _) in now.parts.iter().chain(&before.parts) {
        if !labels.contains(label) {
            labels.push(label);
        }
    }
    let mut in_words = false;
    for label in labels {
        let (was, is) = (before.says(label), now.says(label));
        if was != is {
            in_words = true;
            let quoted = |words: Option<&str>| {
                words.map_or("nothing".to_owned(), |words| format!("`{words}`"))
            };
            let label = match label {
                "is" => String::new(),
                label => format!(", {label}"),
            };
            lines.push(format!(
                "{about}{label} was {}, is {}",
                quoted(was),
                quoted(is)
            ));
        }
    }
    if !in_words {
        let place = first_difference(&before.whole, &now.whole, String::new());
        lines.push(format!(
            "{about}, in {}",
            place
                .filter(|place| !place.is_empty())
                .unwrap_or_else(|| "/".to_owned())
        ));
    }
}

fn bounded(mut lines: Vec<String>) -> Vec<String> {
    for line in &mut lines {
        if let Some((end, _)) = line.char_indices().nth(LINE) {
            line.truncate(end);
            line.push('…');
        }
    }
    if lines.len() > LINES {
        let more = lines.len() - (LINES - 1);
        lines.truncate(LINES - 1);
        lines.push(format!("and {more} differences more"));
    }
    lines
}

/// JSON Pointer to the first difference.
fn first_difference(left: &Value, right: &Value, place: String) -> Option<String> {
    match (left, right) {
        (Value::Object(a), Value::Object(b)) => a
            .keys()
            .chain(b.keys().filter(|key| !a.contains_key(*key)))
            .find_map(|key| {
                let at = format!("{place}/{key}");
                match (a.get(key), b.get(key)) {
                    (Some(x), Some(y)) => first_difference(x, y, at),
                    _ => Some(at),
                }
            }),
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => a
            .iter()
            .zip(b)
            .enumerate()
            .find_map(|(index, (x, y))| first_difference(x, y, format!("{place}/{index}"))),
        _ if left == right => None,
        _ => Some(place),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::TrustRecord;
    use crate::trust::description::{Access, BindingSource, Origin};

    fn differing(change: impl FnOnce(&mut Description)) -> Vec<String> {
        let approved = TrustRecord::bundled().unwrap().approved;
        let mut now = approved.clone();
        change(&mut now);
        differences(&approved, &now)
    }

    #[test]
    fn the_same_answer_has_no_differences() {
        assert_eq!(differing(|_| {}), [""; 0]);
    }

    #[test]
    fn what_is_more_what_is_less_and_what_changed_is_told_at_once() {
        let lines = differing(|now| {
            now.wire.origins.push(Origin {
                template: "https://evil.example".to_owned(),
                when: None,
            });
            now.wire.operations[0].access = Access::Change;
            now.wire.operations[1].bound[0].sources = vec![BindingSource::Resource];
            now.wire.operations.pop();
            now.settings[1].secret = true;
        });
        for (line, expected) in lines.iter().zip([
            "more: origin https://evil.example",
            "changed: operation ListUsers, access was `reads`, is `changes`",
            "changed: operation AdminGetUser, fixed was `/UserPoolId = setting user-pool-id",
            "changed: setting region, secret was nothing, is `yes`",
            "less: operation AdminDisableUser, access changes",
        ]) {
            assert!(line.starts_with(expected), "{line}\nand not\n{expected}");
        }
        assert_eq!(lines.len(), 5, "{lines:#?}");
    }

    #[test]
    fn every_single_member_of_an_answer_counts() {
        let approved = TrustRecord::bundled().unwrap().approved;
        let whole = serde_json::to_value(&approved).unwrap();
        let mut texts = Vec::new();
        places(&whole, String::new(), &mut texts);
        let mut judged = 0;
        for place in &texts {
            let mut changed = whole.clone();
            *changed.pointer_mut(place).unwrap() = "changed".into();
            // Where only certain words may stand nothing else parses, and nothing else can
            // come from a component.
            let Ok(now) = serde_json::from_value::<Description>(changed) else {
                continue;
            };
            if now != approved {
                judged += 1;
                assert_ne!(differences(&approved, &now), [""; 0], "{place}");
            }
        }
        assert!(judged > 250, "only {judged} members were changed");
    }

    fn places(value: &Value, at: String, texts: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    let name = name.replace('~', "~0").replace('/', "~1");
                    places(value, format!("{at}/{name}"), texts);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    places(item, format!("{at}/{index}"), texts);
                }
            }
            Value::String(_) => texts.push(at),
            _ => {}
        }
    }

    #[test]
    fn another_order_is_a_difference_too() {
        // The first origin whose condition holds is meant, so the order decides.
        let lines = differing(|now| now.wire.origins.reverse());
        assert_eq!(lines, ["changed: the order in which it lists things"]);
        let lines = differing(|now| {
            let twin = now.wire.operations[0].clone();
            now.wire.operations.push(twin);
        });
        assert_eq!(lines.len(), 1, "{lines:#?}");
        assert!(
            lines[0].starts_with("more: operation ListUsers"),
            "{lines:#?}"
        );
    }

    #[test]
    fn a_flood_of_differences_and_hostile_text_stay_bounded() {
        let lines = differing(|now| {
            now.version = "\u{1b}]0;title\u{7}\n".repeat(10_000);
            for operation in &mut now.wire.operations {
                for _ in 0..50 {
                    operation.name.push_str("\u{1b}[2J");
                }
            }
        });
        assert_eq!(lines.len(), LINES);
        assert!(lines.last().unwrap().contains("differences more"));
        for line in &lines {
            assert!(!line.contains(['\u{1b}', '\n', '\u{7}']), "{line}");
            assert!(line.chars().count() <= LINE + 1, "{}", line.len());
        }
    }
}
