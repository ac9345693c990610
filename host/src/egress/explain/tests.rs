//! Every word of an audit record has an explanation, and an honest one.

use super::super::audit::Verdict;
use super::*;

fn all() -> Vec<(String, Explanation)> {
    let rules = Rule::ALL.iter().map(|rule| {
        let verdict = Verdict::Denied(rule.word()).to_string();
        (verdict, rule.explanation())
    });
    let failures = Failure::ALL.iter().map(|failure| {
        let verdict = Verdict::Failed(failure.word()).to_string();
        (verdict, failure.explanation())
    });
    rules.chain(failures).collect()
}

#[test]
fn every_verdict_is_explained_and_no_two_rules_alike() {
    let all = all();
    for (verdict, explanation) in &all {
        assert_eq!(of_verdict(verdict), Some(*explanation), "{verdict}");
        let alike = all
            .iter()
            .filter(|(_, other)| other.meaning == explanation.meaning);
        assert_eq!(alike.count(), 1, "{verdict}");
    }
    // An exhaustive match, so that a new verdict can't be forgotten here.
    let others = [
        Verdict::Answered,
        Verdict::Throttled,
        Verdict::Abandoned,
        Verdict::NoPermit,
    ];
    for verdict in others {
        match verdict {
            Verdict::Answered | Verdict::Throttled | Verdict::Abandoned | Verdict::NoPermit => {}
            Verdict::Denied(_) | Verdict::Failed(_) => continue,
        }
        assert!(of_verdict(&verdict.to_string()).is_some(), "{verdict}");
    }
    for strange in [
        "",
        "denied:",
        "denied:weather",
        "failed:origin-x",
        "refused",
    ] {
        assert_eq!(of_verdict(strange), None, "{strange}");
    }
}

#[test]
fn what_no_honest_component_does_is_not_to_be_allowed() {
    for rule in Rule::ALL {
        let is_hostile = match rule {
            Rule::NoCall
            | Rule::ReadingCall
            | Rule::SecondChange
            | Rule::Header
            | Rule::Body
            | Rule::Binding => true,
            // A setting, a version or a missing option may be the reason as well.
            Rule::Origin
            | Rule::Protocol
            | Rule::Operation
            | Rule::Function
            | Rule::Provisioning
            | Rule::Member
            | Rule::Size => false,
        };
        let text = rule.explanation().what_would_allow_it;
        assert_eq!(
            text.starts_with("nothing should"),
            is_hostile,
            "{rule:?}: {text}"
        );
        assert!(text.contains("report it"), "{rule:?}: {text}");
    }
}
