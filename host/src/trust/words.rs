//! What a component asks for, as a text for the person who decides about it.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::description::Description;
use super::facts::{Fact, NOTHING, READS, Section, facts};
use crate::limits::Paces;

/// Columns of the text: a terminal of the usual width, with room for a margin.
const WIDTH: usize = 96;
/// How far what belongs to a heading stands to the right.
const INDENT: &str = "  ";
/// How far a line that goes on stands to the right.
const GOES_ON: &str = "    ";

/// What a component asks for, in words. A rate class without a pace starts at half of its
/// limit.
pub fn words(description: &Description, paces: Paces<'_>) -> String {
    let facts = facts(description);
    let of = |section: Section| facts.iter().filter(move |fact| fact.section == section);
    let mut text = Text::default();
    text.heading("who it says it is");
    for fact in of(Section::Identity) {
        let is = fact.says("is").unwrap_or_default();
        text.entry(&format!("{}: {is}", fact.key));
    }
    text.heading("where its requests go (the first that applies, or the endpoint that you name)");
    text.facts(of(Section::Origin));
    text.heading("how its requests prove who sends them");
    text.facts(of(Section::Authentication));
    let (reading, changing): (Vec<&Fact>, Vec<&Fact>) =
        of(Section::Operation).partition(|fact| fact.says("access") == Some(READS));
    text.heading("what it reads, by its own account");
    text.operations(&reading);
    text.heading("what it changes (only with --provisioning)");
    text.operations(&changing);
    text.heading("how fast it may be (--max-rate changes that)");
    for fact in of(Section::RateClass) {
        let declared = fact.says("declared limit").unwrap_or_default();
        let pace = match (paces.of(&fact.key), paces) {
            (Some(pace), Paces::Start(_)) => {
                format!("from {}/s up to half of that here", rounded(pace))
            }
            (Some(pace), Paces::Ceiling(_)) => format!("{}/s here", rounded(pace)),
            (None, _) => "half of that here".to_owned(),
        };
        text.entry(&format!("{}: {pace}; it declares: {declared}", fact.key));
    }
    text.heading("settings that it is given");
    text.facts(of(Section::Setting));
    text.heading("kinds of resources");
    text.facts(of(Section::Kind));
    text.heading("fields of an account that it creates");
    text.facts(of(Section::AccountField));
    text.heading("actions");
    text.facts(of(Section::Action));
    text.finish()
}

/// What decides most, in a few lines: to be read last, when the rest has scrolled away.
pub fn summary(description: &Description) -> String {
    let facts = facts(description);
    let of = |section: Section| facts.iter().filter(move |fact| fact.section == section);
    let keys = |section: Section| -> Vec<&str> { of(section).map(|fact| &*fact.key).collect() };
    let mut text = Text::default();
    text.heading("in short");
    text.entry(&format!("goes to: {}", keys(Section::Origin).join(" or ")));
    for fact in of(Section::Authentication) {
        match fact.says("service") {
            Some(service) => text.entry(&format!("proves itself by: {} for {service}", fact.key)),
            None => text.entry(&format!("proves itself by: {}", fact.key)),
        }
    }
    let secret: Vec<&str> = of(Section::Setting)
        .filter(|fact| fact.says("secret").is_some())
        .map(|fact| &*fact.key)
        .collect();
    text.entry(&format!("secret settings: {}", or_none(&secret)));
    let (reading, changing): (Vec<&Fact>, Vec<&Fact>) =
        of(Section::Operation).partition(|fact| fact.says("access") == Some(READS));
    text.entry(&format!(
        "operations that read, by its own account: {}",
        reading.len()
    ));
    let names: Vec<&str> = changing.iter().map(|fact| &*fact.key).collect();
    text.entry(&format!("operations that change: {}", or_none(&names)));
    let free: Vec<&str> = of(Section::Operation)
        .filter(|fact| fact.says("free") != Some(NOTHING))
        .map(|fact| &*fact.key)
        .collect();
    text.entry(&format!(
        "operations with something free: {}",
        or_none(&free)
    ));
    text.finish()
}

fn or_none(names: &[&str]) -> String {
    match names {
        [] => "none".to_owned(),
        names => names.join(", "),
    }
}

/// Two decimals are enough to compare paces.
fn rounded(pace: f64) -> f64 {
    (pace * 100.0).round() / 100.0
}

#[derive(Default)]
struct Text {
    out: String,
    /// Whether something stands below the last heading.
    is_empty: bool,
}

impl Text {
    fn heading(&mut self, heading: &str) {
        self.close();
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.out.push_str(heading);
        self.out.push('\n');
        self.is_empty = true;
    }

    fn facts<'a>(&mut self, facts: impl Iterator<Item = &'a Fact>) {
        for fact in facts {
            let parts: Vec<String> = fact
                .parts
                .iter()
                .map(|(label, words)| match *label {
                    "is" => words.trim_end_matches('.').to_owned(),
                    label => format!("{label}: {words}"),
                })
                .collect();
            self.entry(&match parts.as_slice() {
                [] => fact.key.clone(),
                parts => format!("{}  {}", fact.key, parts.join("; ")),
            });
        }
    }

    /// Operations, each with a line for what decides about it.
    fn operations(&mut self, operations: &[&Fact]) {
        for fact in operations {
            match fact.says("request") {
                Some(request) => self.entry(&format!("{}  {request}", fact.key)),
                None => self.entry(&fact.key),
            }
            let said = |labels: &[&str]| -> Vec<String> {
                let said = labels
                    .iter()
                    .filter_map(|label| Some(format!("{label}: {}", fact.says(label)?)));
                said.collect()
            };
            for label in ["sent by", "fixed", "free"] {
                for line in said(&[label]) {
                    self.line(GOES_ON, &line);
                }
            }
            self.line(GOES_ON, &said(&["for", "pace", "right"]).join("; "));
        }
    }

    fn entry(&mut self, entry: &str) {
        self.line(INDENT, entry);
    }

    /// One line, broken between words where it is too long, and within a word that is longer
    /// than a line.
    fn line(&mut self, indent: &str, text: &str) {
        self.is_empty = false;
        let mut line = indent.to_owned();
        let mut is_first = true;
        for word in text.split(' ') {
            if !is_first {
                if line.width() + 1 + word.width() > WIDTH {
                    self.put(&line);
                    line = format!("{indent}{GOES_ON}");
                } else {
                    line.push(' ');
                }
            }
            is_first = false;
            for c in word.chars() {
                if line.width() + c.width().unwrap_or_default() > WIDTH {
                    self.put(&line);
                    line = format!("{indent}{GOES_ON}");
                }
                line.push(c);
            }
        }
        self.put(&line);
    }

    fn put(&mut self, line: &str) {
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }

    fn close(&mut self) {
        if self.is_empty && !self.out.is_empty() {
            self.out.push_str(INDENT);
            self.out.push_str("none\n");
        }
        self.is_empty = false;
    }

    fn finish(mut self) -> String {
        self.close();
        self.out
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::limits::ceiling::ceilings;
    use crate::trust::TrustRecord;
    use crate::trust::description::{Access, Binding, BindingCondition, BindingSource, Route};

    fn bundled() -> Description {
        TrustRecord::bundled().unwrap().approved
    }

    #[test]
    fn everything_that_decides_is_told() {
        let description = bundled();
        let text = words(&description, Paces::Ceiling(&ceilings(&description.wire)));
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for operation in &description.wire.operations {
            assert!(flat.contains(&operation.name), "{}", operation.name);
        }
        for told in [
            "https://cognito-idp.{region}.amazonaws.com.cn only if: setting region begins with \"cn-\"",
            "AWS signatures service: cognito-idp; region from: setting region",
            "ListUsers sent by: sync.list-resources",
            "AdminAddUserToGroup sent by: provisioning.grant fixed: /UserPoolId = setting \
             user-pool-id, /Username = the principal asked for, /GroupName = the resource asked \
             for free: nothing",
            "free: Limit, PaginationToken, Filter",
            "/UserAttributes = the arguments asked for but username and sendInviteEmail",
            "/MessageAction = always \"SUPPRESS\" if argument sendInviteEmail is not \"true\"",
            "user-list: 5.71/s here; it declares: 30/s for all its operations",
            "user-read: 5.71/s here; it declares: 120/s for all its operations, 10/s about each \
             /Username",
            "user-pool-id The user pool to work on",
            "secret: yes",
            "right: cognito-idp:AdminAddUserToGroup",
            "disable_user",
        ] {
            assert!(flat.contains(told), "{told}\nis missing in\n{text}");
        }
        let (reading, changing) = text.split_once("what it changes").unwrap();
        assert!(reading.contains("AdminGetUser") && !reading.contains("AdminDeleteUser"));
        assert!(changing.contains("AdminDeleteUser"));
    }

    #[test]
    fn what_it_does_not_ask_for_is_said_too_and_no_text_steers_the_terminal() {
        let mut description = bundled();
        description.actions.clear();
        description.display_name = "Nice\u{1b}[2J\nwho it says it is".to_owned();
        let text = words(&description, Paces::Ceiling(&ceilings(&description.wire)));
        assert!(text.ends_with("\nactions\n  none\n"), "{text}");
        assert!(!text.contains('\u{1b}'));
        assert_eq!(
            text.lines()
                .filter(|line| *line == "who it says it is")
                .count(),
            1
        );
    }
    fn flat(text: &str) -> String {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_value_can_not_pass_for_the_words_around_it() {
        let mut description = bundled();
        let operations = &mut description.wire.operations;
        let bindings = operations.iter_mut().flat_map(|it| it.bound.iter_mut());
        for when in bindings.filter_map(|it| it.when.as_mut()) {
            when.value = "x\", /Username = argument user_id".to_owned();
        }
        let text = flat(&words(&description, Paces::Start(&BTreeMap::new())));
        let told = r#"is not "x\", /Username = argument user_id""#;
        assert!(text.contains(told), "{text}");
    }

    #[test]
    fn a_placeholder_that_is_fixed_in_some_calls_is_free_in_the_others() {
        let mut description = bundled();
        let get = description
            .wire
            .operations
            .iter_mut()
            .find(|it| it.name == "AdminGetUser")
            .unwrap();
        get.functions = vec![
            "sync.get-resource".to_owned(),
            "sync.find-listed".to_owned(),
        ];
        get.route = Some(Route {
            method: "GET".to_owned(),
            path: "/people/{person}".to_owned(),
        });
        get.members.clear();
        let fixed = |functions: &[&str], when| Binding {
            member: "{person}".to_owned(),
            sources: vec![BindingSource::Resource],
            functions: functions.iter().map(|&name| name.to_owned()).collect(),
            when,
        };
        let condition = BindingCondition {
            argument: "user_id".to_owned(),
            value: "x".to_owned(),
            equals: true,
        };
        for (bound, free) in [
            (vec![], "free: {person} for"),
            (vec![fixed(&[], None)], "free: nothing for"),
            (vec![fixed(&[], Some(condition))], "free: {person} for"),
            (
                vec![fixed(&["sync.find-listed"], None)],
                "free: {person} in sync.get-resource for",
            ),
        ] {
            let mut description = description.clone();
            let operations = &mut description.wire.operations;
            let get = operations.iter_mut().find(|it| it.name == "AdminGetUser");
            get.unwrap().bound = bound;
            let text = flat(&words(&description, Paces::Start(&BTreeMap::new())));
            let (_, of_get) = text.split_once("AdminGetUser GET /people").unwrap();
            let (_, of_get) = of_get.split_once("free:").unwrap();
            let of_get = format!("free:{of_get}");
            assert!(of_get.starts_with(free), "{free}\n{of_get}");
        }
    }

    #[test]
    fn no_line_is_wider_than_a_terminal_whatever_stands_in_it() {
        let mut description = bundled();
        description.display_name = "東".repeat(200);
        description.wire.operations[0].name = "x".repeat(300);
        let text = words(&description, Paces::Start(&BTreeMap::new()));
        for line in text.lines() {
            assert!(line.width() <= WIDTH, "{line}");
        }
    }

    #[test]
    fn what_reads_where_changes_are_made_is_marked() {
        let mut description = bundled();
        let operations = &mut description.wire.operations;
        for operation in operations.iter_mut() {
            operation.access = Access::Read;
        }
        let text = flat(&words(&description, Paces::Start(&BTreeMap::new())));
        let told = "AdminDeleteUser sent by: provisioning.delete-account (among them calls that \
                    change something)";
        assert!(text.contains(told), "{text}");
    }

    #[test]
    fn in_short_it_is_what_decides_most() {
        let text = flat(&summary(&bundled()));
        for told in [
            "or https://cognito-idp.{region}.amazonaws.com",
            "AWS signatures for cognito-idp",
            "secret settings: aws-secret-access-key, aws-session-token",
            "operations that read, by its own account: 6",
            "operations that change: AdminAddUserToGroup, ",
            "operations with something free: ListUsers, ",
        ] {
            assert!(text.contains(told), "{told}\nis missing in\n{text}");
        }
        assert!(summary(&bundled()).lines().count() < 15);
    }
}
