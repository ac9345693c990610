//! The state of what a change is about, read by calls of its own, and what it says about
//! the change.

use crate::change::{Change, Membership, Outcome, State};
use crate::connector::{ConnectorError, Conversation};
use crate::contract::Function;
use crate::engine::{Answer, GrantsOf, Request};
use crate::model::{AccountStatus, EntitlementId, Resource, ResourceId};
use crate::trust::description::Description;

/// What a look has shown.
pub(super) struct Seen {
    /// The account that the change concerns, if it exists.
    pub(super) account: Option<Resource>,
    /// The state, as far as it may be written down.
    pub(super) state: State,
    /// What else loses something by the change: the resources that a deleted account holds
    /// something on.
    pub(super) touches: Vec<ResourceId>,
    /// What the component has to say about the change before it is made.
    pub(super) warnings: Vec<String>,
}

impl Seen {
    /// The state before a change.
    pub(super) async fn before(
        conversation: &mut Conversation<'_>,
        change: &Change,
    ) -> Result<Self, ConnectorError> {
        match change {
            Change::CreateAccount { .. } => Self::account_to_create(conversation, change).await,
            Change::DeleteAccount { account } => {
                let found = find(conversation, account).await?;
                let held = match &found {
                    Some(_) => holdings(conversation, account).await?,
                    None => Vec::new(),
                };
                let names = held.iter().map(EntitlementId::to_string).collect();
                Ok(Self {
                    touches: held.into_iter().map(|held| held.resource).collect(),
                    ..Self::of_account(found, names)
                })
            }
            Change::Grant(membership) | Change::Revoke(membership) => {
                let account = find(conversation, &membership.principal).await?;
                let held = match &account {
                    Some(_) => holds(conversation, membership).await?,
                    // Whoever does not exist holds nothing; the change will say so.
                    None => false,
                };
                Ok(Self {
                    account,
                    state: State::Membership { held },
                    touches: Vec::new(),
                    warnings: Vec::new(),
                })
            }
            Change::Invoke { .. } => Self::of_subject(conversation, change).await,
        }
    }

    /// The state after a change. `created` is the account that the component says it made
    /// or found.
    pub(super) async fn after(
        conversation: &mut Conversation<'_>,
        change: &Change,
        created: Option<ResourceId>,
    ) -> Result<Self, ConnectorError> {
        match (change, created) {
            (Change::CreateAccount { .. }, Some(id)) => {
                Ok(Self::of_account(find(conversation, &id).await?, Vec::new()))
            }
            (Change::CreateAccount { .. }, None) => {
                Self::account_to_create(conversation, change).await
            }
            (Change::Grant(membership) | Change::Revoke(membership), _) => Ok(Self {
                account: None,
                state: State::Membership {
                    held: holds(conversation, membership).await?,
                },
                touches: Vec::new(),
                warnings: Vec::new(),
            }),
            (Change::DeleteAccount { .. } | Change::Invoke { .. }, _) => {
                Self::of_subject(conversation, change).await
            }
        }
    }

    fn of_account(found: Option<Resource>, holds: Vec<String>) -> Self {
        Self {
            state: State::of_account(found.as_ref(), holds),
            account: found,
            touches: Vec::new(),
            warnings: Vec::new(),
        }
    }

    async fn of_subject(
        conversation: &mut Conversation<'_>,
        change: &Change,
    ) -> Result<Self, ConnectorError> {
        let found = match change.account(conversation.description()) {
            Some(id) => find(conversation, &id).await?,
            None => None,
        };
        Ok(Self::of_account(found, Vec::new()))
    }

    async fn account_to_create(
        conversation: &mut Conversation<'_>,
        change: &Change,
    ) -> Result<Self, ConnectorError> {
        let Change::CreateAccount { kind, fields } = change else {
            return Ok(Self::of_account(None, Vec::new()));
        };
        let request = Request::CheckAccount {
            kind: kind.clone(),
            fields: fields.clone(),
        };
        match conversation.call(&request).await? {
            Answer::AccountCheck(check) => {
                let found = check.existing.map(|account| *account);
                Ok(Self {
                    warnings: check.warnings,
                    ..Self::of_account(found, Vec::new())
                })
            }
            _ => Err(super::other_answer(Function::CheckAccount)),
        }
    }

    fn status(&self) -> Option<AccountStatus> {
        match &self.state {
            State::Account { status, .. } => *status,
            State::Membership { .. } => None,
        }
    }

    pub(super) fn is_there(&self) -> bool {
        match self.state {
            State::Membership { held } => held,
            State::Account { exists, .. } => exists,
        }
    }
}

/// The resource, or `None` if the system says that it does not exist.
async fn find(
    conversation: &mut Conversation<'_>,
    id: &ResourceId,
) -> Result<Option<Resource>, ConnectorError> {
    match conversation.resource(id).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

async fn holds(
    conversation: &mut Conversation<'_>,
    Membership {
        entitlement,
        principal,
    }: &Membership,
) -> Result<bool, ConnectorError> {
    let by_principal = conversation
        .description()
        .kind(&principal.kind)
        .is_some_and(|kind| kind.grants_of_principal);
    let of = if by_principal {
        GrantsOf::Principal(principal.clone())
    } else {
        GrantsOf::Resource(entitlement.resource.clone())
    };
    let mut held = false;
    conversation
        .grants(&of, |grant| {
            held |= grant.entitlement == *entitlement && grant.principal == *principal;
            held
        })
        .await?;
    Ok(held)
}

/// What an account holds, for the record; empty where grants can't be listed by principal.
async fn holdings(
    conversation: &mut Conversation<'_>,
    account: &ResourceId,
) -> Result<Vec<EntitlementId>, ConnectorError> {
    let listed = conversation
        .description()
        .kind(&account.kind)
        .is_some_and(|kind| kind.grants_of_principal);
    if !listed {
        return Ok(Vec::new());
    }
    let of = GrantsOf::Principal(account.clone());
    let grants = conversation.grants(&of, |_| false).await?;
    Ok(grants.into_iter().map(|grant| grant.entitlement).collect())
}

/// What a change would come to. What only the change itself would find out is asked for
/// here: whether the resources exist.
pub(super) async fn foreseen(
    conversation: &mut Conversation<'_>,
    change: &Change,
    before: &Seen,
) -> Result<Outcome, ConnectorError> {
    let there = before.is_there();
    Ok(match change {
        Change::Grant(membership) | Change::Revoke(membership) => {
            if before.account.is_none() {
                conversation.resource(&membership.principal).await?;
            }
            conversation
                .resource(&membership.entitlement.resource)
                .await?;
            match (change, there) {
                (Change::Grant(_), true) => Outcome::AlreadyGranted,
                (Change::Grant(_), false) => Outcome::Granted,
                (_, true) => Outcome::Revoked,
                (_, false) => Outcome::AlreadyRevoked,
            }
        }
        Change::CreateAccount { .. } if there => Outcome::AlreadyExists,
        Change::CreateAccount { .. } => Outcome::Created,
        Change::DeleteAccount { .. } if there => Outcome::Deleted,
        Change::DeleteAccount { .. } => Outcome::AlreadyGone,
        Change::Invoke { .. } => {
            if before.account.is_none()
                && let Some(id) = change.account(conversation.description())
            {
                conversation.resource(&id).await?;
            }
            Outcome::Done
        }
    })
}

/// What the state after a change says about it: the outcome, that it did not take effect
/// (`Some(None)`), or nothing (`None`).
pub(super) fn decided(
    description: &Description,
    change: &Change,
    before: &Seen,
    after: &Seen,
) -> Option<Option<Outcome>> {
    let (was, is) = (before.is_there(), after.is_there());
    Some(match (change, was, is) {
        (Change::Grant(_), false, true) => Some(Outcome::Granted),
        (Change::Grant(_), true, true) => Some(Outcome::AlreadyGranted),
        (Change::Revoke(_), true, false) => Some(Outcome::Revoked),
        (Change::Revoke(_), false, false) => Some(Outcome::AlreadyRevoked),
        (Change::CreateAccount { .. }, false, true) => Some(Outcome::Created),
        (Change::CreateAccount { .. }, true, true) => Some(Outcome::AlreadyExists),
        (Change::DeleteAccount { .. }, true, false) => Some(Outcome::Deleted),
        (Change::DeleteAccount { .. }, false, false) => Some(Outcome::AlreadyGone),
        // Somebody has made it meanwhile, and it is not for us to delete.
        (Change::DeleteAccount { .. }, false, true) => return None,
        (Change::Invoke { .. }, _, _) => {
            let wanted = wanted_status(description, change)?;
            (after.status()? == wanted).then_some(Outcome::Done)
        }
        _ => None,
    })
}

/// Whether the state after a change does not go with what the component reported.
pub(super) fn contradicts(
    description: &Description,
    change: &Change,
    outcome: Outcome,
    before: &Seen,
    after: &Seen,
) -> bool {
    match change {
        Change::Invoke { .. } => decided(description, change, before, after) == Some(None),
        Change::Grant(_) | Change::CreateAccount { .. } => !after.is_there(),
        Change::Revoke(_) | Change::DeleteAccount { .. } => {
            // An account can be made anew under the same name at any time.
            outcome.has_changed() && after.is_there()
        }
    }
}

/// The status that an action leads to, by the standard words for what it does.
fn wanted_status(description: &Description, change: &Change) -> Option<AccountStatus> {
    let Change::Invoke { action, .. } = change else {
        return None;
    };
    let purposes = &description.action(action)?.purposes;
    let has = |word: &str| purposes.iter().any(|purpose| purpose == word);
    match (has("account-enable"), has("account-disable")) {
        (true, false) => Some(AccountStatus::Enabled),
        (false, true) => Some(AccountStatus::Disabled),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Account, AttributeValue, Attributes};
    use crate::trust::TrustRecord;

    fn described() -> Description {
        TrustRecord::bundled().unwrap().approved
    }

    fn member(held: bool) -> Seen {
        Seen {
            account: None,
            state: State::Membership { held },
            touches: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn account(status: Option<Option<AccountStatus>>) -> Seen {
        let found = status.map(|status| Resource {
            id: ResourceId::new("user", "alice"),
            parent: None,
            display_name: "alice".to_owned(),
            description: None,
            created_at: None,
            updated_at: None,
            account: Some(Account {
                status,
                ..Account::default()
            }),
            attributes: Attributes::default(),
        });
        Seen::of_account(found, Vec::new())
    }

    fn membership() -> Membership {
        Membership {
            entitlement: "group:admins:member".parse().unwrap(),
            principal: ResourceId::new("user", "alice"),
        }
    }

    fn grant() -> Change {
        Change::Grant(membership())
    }

    fn revoke() -> Change {
        Change::Revoke(membership())
    }

    fn invoke(action: &str) -> Change {
        let id = AttributeValue::Text("alice".to_owned());
        Change::Invoke {
            action: action.to_owned(),
            arguments: vec![("user_id".to_owned(), id)],
        }
    }

    #[test]
    fn the_state_after_a_change_decides_whether_it_took_effect() {
        let create = Change::CreateAccount {
            kind: "user".to_owned(),
            fields: Vec::new(),
        };
        let delete = Change::DeleteAccount {
            account: ResourceId::new("user", "alice"),
        };
        let there = || account(Some(None));
        let gone = || account(None);
        for (change, before, after, decision) in [
            (grant(), member(false), member(true), Some(Outcome::Granted)),
            (grant(), member(false), member(false), None),
            (
                grant(),
                member(true),
                member(true),
                Some(Outcome::AlreadyGranted),
            ),
            (
                revoke(),
                member(true),
                member(false),
                Some(Outcome::Revoked),
            ),
            (revoke(), member(true), member(true), None),
            (
                revoke(),
                member(false),
                member(false),
                Some(Outcome::AlreadyRevoked),
            ),
            (create.clone(), gone(), there(), Some(Outcome::Created)),
            (create.clone(), gone(), gone(), None),
            (create, there(), there(), Some(Outcome::AlreadyExists)),
            (delete.clone(), there(), gone(), Some(Outcome::Deleted)),
            (delete.clone(), there(), there(), None),
            (delete, gone(), gone(), Some(Outcome::AlreadyGone)),
        ] {
            let decided = decided(&described(), &change, &before, &after);
            assert_eq!(decided, Some(decision), "{change:?}");
        }
    }

    #[test]
    fn an_action_is_decided_by_the_status_that_it_is_for() {
        use AccountStatus::{Disabled, Enabled};
        let decided = |action: &str, after: Option<AccountStatus>| {
            let (before, after) = (account(Some(Some(Enabled))), account(Some(after)));
            decided(&described(), &invoke(action), &before, &after)
        };
        assert_eq!(
            decided("disable_user", Some(Disabled)),
            Some(Some(Outcome::Done))
        );
        assert_eq!(decided("disable_user", Some(Enabled)), Some(None));
        assert_eq!(
            decided("enable_user", Some(Enabled)),
            Some(Some(Outcome::Done))
        );
        assert_eq!(
            decided("enable_user", None),
            None,
            "the system does not say"
        );

        let mut described = described();
        for action in &mut described.actions {
            action.purposes.clear();
        }
        let (before, after) = (account(Some(Some(Enabled))), account(Some(Some(Disabled))));
        let unknown = super::decided(&described, &invoke("disable_user"), &before, &after);
        assert_eq!(unknown, None, "nobody knows what it is for");
    }

    #[test]
    fn a_state_that_does_not_go_with_the_outcome_is_noticed() {
        let (yes, no) = (member(true), member(false));
        let contradicted = |change: Change, outcome, after: &Seen| {
            contradicts(&described(), &change, outcome, &no, after)
        };
        assert!(contradicted(grant(), Outcome::Granted, &no));
        assert!(!contradicted(grant(), Outcome::Granted, &yes));
        assert!(contradicted(revoke(), Outcome::Revoked, &yes));
        assert!(!contradicted(revoke(), Outcome::Revoked, &no));
        let enabled = account(Some(Some(AccountStatus::Enabled)));
        assert!(contradicted(
            invoke("disable_user"),
            Outcome::Done,
            &enabled
        ));
        assert!(!contradicted(
            invoke("enable_user"),
            Outcome::Done,
            &enabled
        ));
    }
}
