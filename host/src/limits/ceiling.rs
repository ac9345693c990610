//! How fast a component may be that somebody else wrote.
//!
//! A component declares the limits of its system, and it may lie: whoever declares a
//! million requests a second would be allowed half of them. So what is declared can only
//! lower a ceiling of the host's, whatever stands in the record, and only the operator
//! raises it (`--max-rate`). The ceilings are per class, so their sum is bounded too:
//! otherwise a class for every operation would multiply them.

use std::collections::BTreeMap;

use super::rate::SHARE;
use crate::trust::description::{RateClass, RateScope, Wire};

/// The fastest pace of one class, in requests per second: what many services allow one
/// client, and a directory of 10,000 people in pages of 100 is read in ten seconds.
pub const FASTEST: f64 = 10.0;
/// The pace of a class without a declared limit, in requests per second: what a person
/// with a browser does, so that no service minds.
pub const UNDECLARED: f64 = 1.0;
/// All classes together, in requests per second: four of the fastest.
pub const TOGETHER: f64 = 40.0;

/// The ceiling of every rate class that a component declares.
pub fn ceilings(wire: &Wire) -> BTreeMap<String, f64> {
    let classes = u32::try_from(wire.rate_classes.len()).unwrap_or(u32::MAX);
    let each = TOGETHER / f64::from(classes.max(1));
    wire.rate_classes
        .iter()
        .map(|class| {
            let own = documented(class).map_or(UNDECLARED, |limit| (limit * SHARE).min(FASTEST));
            (class.id.clone(), own.min(each))
        })
        .collect()
}

/// The ceilings that hold: those of a record, where they lower the host's.
pub fn in_force(wire: &Wire, recorded: &BTreeMap<String, f64>) -> BTreeMap<String, f64> {
    let mut ceilings = ceilings(wire);
    for (class, ceiling) in &mut ceilings {
        if let Some(recorded) = recorded.get(class) {
            *ceiling = ceiling.min(*recorded);
        }
    }
    ceilings
}

/// The limit that the pace of a class is measured by: the lowest that all its operations
/// share, else the lowest of single operations. What each resource allows says nothing of
/// all of them together.
fn documented(class: &RateClass) -> Option<f64> {
    class
        .lowest(&RateScope::Account)
        .or_else(|| class.lowest(&RateScope::SystemOperation))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::limits::clock::SystemClock;
    use crate::limits::rate::ClassRate;
    use crate::limits::{MaxRate, Pacer, Paces};
    use crate::trust::TrustRecord;
    use crate::trust::description::RateLimit;

    fn wire(classes: &[(&str, &[(RateScope, u32)])]) -> Wire {
        let mut wire = TrustRecord::bundled().unwrap().approved.wire;
        wire.operations.clear();
        wire.rate_classes = classes
            .iter()
            .map(|(id, limits)| RateClass {
                id: (*id).to_owned(),
                limits: limits
                    .iter()
                    .cloned()
                    .map(|(scope, per_second)| RateLimit { scope, per_second })
                    .collect(),
            })
            .collect();
        wire
    }

    #[test]
    fn what_is_declared_lowers_the_ceiling_and_never_raises_it() {
        use RateScope::{Account, SystemOperation};
        let wire = wire(&[
            ("none", &[]),
            ("slow", &[(Account, 1)]),
            ("fast", &[(Account, u32::MAX)]),
            ("both", &[(SystemOperation, 2), (Account, 8)]),
        ]);
        let expected = [("none", 1.0), ("slow", 0.5), ("fast", 10.0), ("both", 4.0)];
        let expected = expected.map(|(class, rate)| (class.to_owned(), rate));
        assert_eq!(ceilings(&wire), expected.into());
    }

    #[test]
    fn what_each_resource_allows_is_no_limit_of_all_of_them() {
        let each = || RateScope::Resource("/Name".to_owned());
        let wire = wire(&[
            ("each", &[(each(), u32::MAX)]),
            ("both", &[(each(), 1), (RateScope::Account, 8)]),
        ]);
        let expected = [("each", UNDECLARED), ("both", 4.0)];
        let expected = expected.map(|(class, rate)| (class.to_owned(), rate));
        assert_eq!(ceilings(&wire), expected.into());
    }

    #[test]
    fn many_classes_share_what_one_host_allows() {
        let names: Vec<String> = (0..80).map(|n| format!("class{n}")).collect();
        let classes: Vec<(&str, &[(RateScope, u32)])> = names
            .iter()
            .map(|name| (name.as_str(), &[(RateScope::Account, 1000)][..]))
            .collect();
        let ceilings = ceilings(&wire(&classes));
        assert_eq!(ceilings.len(), 80);
        let sum: f64 = ceilings.values().sum();
        assert!((sum - TOGETHER).abs() < 1e-9, "{sum}");
    }

    #[test]
    fn a_record_lowers_a_ceiling_and_does_not_raise_it() {
        let wire = wire(&[("a", &[(RateScope::Account, 10)]), ("b", &[]), ("c", &[])]);
        let recorded = [("a", 2.0), ("b", 500.0), ("other", 9.0)];
        let recorded = recorded
            .map(|(class, rate)| (class.to_owned(), rate))
            .into();
        let expected = [("a", 2.0), ("b", 1.0), ("c", 1.0)];
        let expected = expected.map(|(class, rate)| (class.to_owned(), rate));
        assert_eq!(in_force(&wire, &recorded), expected.into());
    }

    #[test]
    fn with_the_ceilings_no_class_is_unlimited_unless_the_operator_says_so() {
        let wire = wire(&[
            ("none", &[]),
            ("own", &[(RateScope::SystemOperation, 1_000_000)]),
        ]);
        let rates = |max_rate: &[&str]| -> Vec<String> {
            let max_rate = MaxRate::parse(max_rate.iter().copied(), &["none", "own"]).unwrap();
            let clock = Arc::new(SystemClock);
            let paces = ceilings(&wire);
            let pacer = Pacer::new(&wire, Paces::Ceiling(&paces), &max_rate, clock).unwrap();
            let ceiling = |class: &ClassRate| class.bounds.unwrap().ceiling.to_string();
            pacer.classes().map(ceiling).collect()
        };
        assert_eq!(rates(&[]), ["1", "10"]);
        assert_eq!(rates(&["none=7"]), ["7", "10"]);
    }
}
