//! Faults by rule: the n-th request of an operation, every one with a word in its body, one in ten.
//!
//! Rules are counted and drawn from seeds, never from time, so that a failing run can be repeated.
//! By default a fault that replaces the answer strikes before the operation takes effect;
//! [`Rule::after_effect`] lets the operation happen first, which is how a client meets a timeout
//! after a successful write.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::fault::Fault;
use crate::hash::draw;
use crate::operation::Operation;
use crate::storm::Storm;

/// Which requests a fault strikes.
#[derive(Clone, Debug)]
pub struct Rule {
    fault: Fault,
    operation: Option<Operation>,
    containing: Option<String>,
    skip: u64,
    times: u64,
    probability: Option<(f64, u64)>,
    after_effect: bool,
    seen: u64,
    struck: u64,
}

impl Rule {
    /// Strikes every request.
    #[must_use]
    pub fn any(fault: Fault) -> Self {
        Self {
            fault,
            operation: None,
            containing: None,
            skip: 0,
            times: u64::MAX,
            probability: None,
            after_effect: false,
            seen: 0,
            struck: 0,
        }
    }

    /// Strikes every request of one operation.
    #[must_use]
    pub fn on(operation: Operation, fault: Fault) -> Self {
        Self {
            operation: Some(operation),
            ..Self::any(fault)
        }
    }

    /// Only requests whose body contains this text.
    #[must_use]
    pub fn containing(mut self, text: impl Into<String>) -> Self {
        self.containing = Some(text.into());
        self
    }

    /// Only the n-th matching request, counted from one.
    #[must_use]
    pub fn nth(mut self, n: u64) -> Self {
        self.skip = n.saturating_sub(1);
        self.times = 1;
        self
    }

    /// Lets so many matching requests through first.
    #[must_use]
    pub fn after(mut self, requests: u64) -> Self {
        self.skip = requests;
        self
    }

    /// Strikes at most so many times.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    /// Strikes each matching request with this probability, drawn from a seed.
    #[must_use]
    pub fn probability(mut self, probability: f64, seed: u64) -> Self {
        self.probability = Some((probability, seed));
        self
    }

    /// Lets the operation take effect before its answer is lost.
    #[must_use]
    pub fn after_effect(mut self) -> Self {
        self.after_effect = true;
        self
    }

    fn strikes(&mut self, operation: Option<Operation>, body: &[u8]) -> bool {
        let matches = self
            .operation
            .is_none_or(|wanted| operation == Some(wanted))
            && self.containing.as_ref().is_none_or(|text| {
                !text.is_empty() && body.windows(text.len()).any(|part| part == text.as_bytes())
            });
        if !matches {
            return false;
        }
        let place = self.seen;
        self.seen += 1;
        let lucky = self.probability.is_some_and(|(probability, seed)| {
            draw(seed, 0, place) as f64 / u64::MAX as f64 >= probability
        });
        let strikes = place >= self.skip && self.struck < self.times && !lucky;
        self.struck += u64::from(strikes);
        strikes
    }
}

/// What strikes one request.
#[derive(Clone, Debug)]
pub(crate) struct Strike {
    pub(crate) fault: Fault,
    pub(crate) after_effect: bool,
}

/// What goes wrong, by rule and by storm.
#[derive(Debug, Default)]
struct Plan {
    rules: Vec<Rule>,
    storm: Storm,
}

/// The rules of the service and its weather; clones are the same and may be changed while it runs.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Plan>>);

impl Faults {
    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a rule. Of several that match a request the first strikes; the others do not count it.
    pub fn add(&self, rule: Rule) {
        self.plan().rules.push(rule);
    }

    /// Begins a storm, in place of the one before. It strikes only what no rule strikes.
    pub fn begin(&self, storm: Storm) {
        self.plan().storm = storm;
    }

    /// Forgets all rules and ends the storm.
    pub fn clear(&self) {
        *self.plan() = Plan::default();
    }

    /// How often the present rules and the present storm have struck.
    #[must_use]
    pub fn struck(&self) -> u64 {
        let plan = self.plan();
        let by_rule: u64 = plan.rules.iter().map(|rule| rule.struck).sum();
        by_rule + plan.storm.struck().values().sum::<u64>()
    }

    /// How often the present storm has struck, by what.
    #[must_use]
    pub fn storm_struck(&self) -> BTreeMap<&'static str, u64> {
        self.plan().storm.struck().clone()
    }

    pub(crate) fn strike(&self, operation: Option<Operation>, body: &[u8]) -> Option<Strike> {
        let mut plan = self.plan();
        let rule = plan
            .rules
            .iter_mut()
            .find_map(|rule| rule.strikes(operation, body).then_some(rule));
        match rule {
            Some(rule) => Some(Strike {
                fault: rule.fault.clone(),
                after_effect: rule.after_effect,
            }),
            None => plan.storm.strike(operation, body).map(|fault| Strike {
                fault,
                after_effect: false,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strikes(rule: Rule, requests: usize) -> Vec<usize> {
        let faults = Faults::default();
        faults.add(rule);
        (1..=requests)
            .filter(|_| {
                faults
                    .strike(Some(Operation::ListUsers), b"{\"a\":1}")
                    .is_some()
            })
            .collect()
    }

    #[test]
    fn rules_strike_by_place_and_count() {
        assert_eq!(strikes(Rule::any(Fault::Drop).nth(3), 6), [3]);
        assert_eq!(strikes(Rule::any(Fault::Drop).times(2), 6), [1, 2]);
        assert_eq!(strikes(Rule::any(Fault::Drop).after(2).times(2), 6), [3, 4]);
        assert_eq!(
            strikes(Rule::on(Operation::ListGroups, Fault::Drop), 6),
            [0; 0]
        );
        assert_eq!(
            strikes(Rule::any(Fault::Drop).containing("\"b\""), 6),
            [0; 0]
        );
        assert_eq!(strikes(Rule::any(Fault::Drop).containing("\"a\""), 1), [1]);
    }

    #[test]
    fn a_probability_repeats_itself() {
        let first = strikes(Rule::any(Fault::Drop).probability(0.3, 5), 1_000);
        assert_eq!(
            first,
            strikes(Rule::any(Fault::Drop).probability(0.3, 5), 1_000)
        );
        assert!((200..400).contains(&first.len()), "{}", first.len());
        assert!(strikes(Rule::any(Fault::Drop).probability(0.0, 5), 100).is_empty());
        assert_eq!(
            strikes(Rule::any(Fault::Drop).probability(1.0, 5), 100).len(),
            100
        );
    }
}
