//! Whose credentials are used, and who holds them: `--credentials`, `--profile`,
//! `--role-arn`, `--external-id` and `--scope-credentials`.

use std::sync::Arc;

use clap::ArgMatches;

use super::exit::{ExitCode, Failure};
use super::layers::Layers;
use crate::credentials::{CredentialSource, Credentials, Keys, Role, Wanted};
use crate::documents::session_policy;
use crate::egress::Policy;
use crate::egress::signing::Proof;
use crate::settings::Settings;
use crate::trust::description::{Authentication, Description, Sigv4};

/// The shortest and the longest external id that AWS takes.
const EXTERNAL_ID: std::ops::RangeInclusive<usize> = 2..=1224;

/// How the id of a key begins that needs a session token.
const TEMPORARY: &str = "ASIA";

/// Who holds the real keys.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holder {
    Host,
    Component,
}

/// What `connect` needs to know of a connection whose credentials are to be found.
pub(super) struct For<'a> {
    pub(super) description: &'a Description,
    pub(super) settings: &'a Settings,
    /// The key among the settings.
    pub(super) key: Option<Credentials>,
    pub(super) policy: &'a Policy,
    /// Whether changes are permitted.
    pub(super) provisioning: bool,
}

/// The keys of a connection, and how its requests prove who sends them.
pub(super) async fn find(
    matches: &ArgMatches,
    layers: &Layers<'_>,
    of: For<'_>,
) -> Result<(Keys, Proof), Failure> {
    let holder = holder(layers.option(matches, "credentials").as_deref())?;
    let authentication = &of.description.wire.authentication;
    let role = role(matches, layers, &of)?;
    let source = match authentication {
        Authentication::Sigv4(sigv4) => {
            if let Some(key) = &of.key {
                check_key(sigv4, key)?;
            }
            let wanted = Wanted {
                key: of.key,
                profile: layers.option(matches, "profile"),
                region: of.settings.get(&sigv4.region_setting).map(str::to_owned),
                role,
            };
            Some(Arc::new(CredentialSource::find(wanted).await?))
        }
        Authentication::None | Authentication::Bearer(_) => None,
    };
    let invalid = |error: String| Failure::new(ExitCode::Invalid, error);
    match holder {
        Holder::Component => Ok((Keys::Passed(source), Proof::of_component(authentication))),
        Holder::Host => {
            let (values, origin) = (of.settings.values(), of.policy.origin());
            let proof = Proof::of_host(authentication, values, source.clone(), origin)
                .map_err(|error| invalid(error.to_string()))?;
            let keys = Keys::sealed(of.description, source).map_err(|error| {
                invalid(error.to_string())
                    .hint("--credentials=pass gives it the real one, if you trust it that far")
            })?;
            Ok((keys, proof))
        }
    }
}

fn holder(given: Option<&str>) -> Result<Holder, Failure> {
    match given {
        None | Some("sealed") => Ok(Holder::Host),
        Some("pass") => Ok(Holder::Component),
        Some(other) => Err(Failure::new(
            ExitCode::Invalid,
            format!(
                "--credentials is `{other}`; write `sealed` (the host signs, and the component \
                 never sees a key) or `pass` (the component gets the real ones)"
            ),
        )),
    }
}

/// Finds what is wrong with a key before the service does, whose answer would speak of a
/// key that it does not know. A component can't find it: it gets another one.
fn check_key(sigv4: &Sigv4, key: &Credentials) -> Result<(), Failure> {
    let invalid = |message: String| Err(Failure::new(ExitCode::Invalid, message));
    let token = key.session_token.as_deref();
    let id = &sigv4.access_key_id_setting;
    for (setting, value) in [
        (id, key.access_key_id.as_str()),
        (&sigv4.secret_access_key_setting, &key.secret_access_key),
        (&sigv4.session_token_setting, token.unwrap_or_default()),
    ] {
        if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
            return invalid(format!(
                "setting `{setting}` has a blank or another character that no AWS key has; copy \
                 it again"
            ));
        }
    }
    if key.access_key_id.starts_with(TEMPORARY) && token.is_none() {
        let token = &sigv4.session_token_setting;
        return invalid(format!(
            "setting `{id}` begins with {TEMPORARY} and so belongs to temporary credentials; give \
             their `{token}` too"
        ));
    }
    Ok(())
}

/// The role to assume, if one is.
fn role(matches: &ArgMatches, layers: &Layers<'_>, of: &For<'_>) -> Result<Option<Role>, Failure> {
    let invalid = |message: String| Failure::new(ExitCode::Invalid, message);
    let external_id = layers.option(matches, "external-id");
    let is_scoped = layers.switch(matches, "scope-credentials")?;
    let Some(arn) = layers.option(matches, "role-arn") else {
        let without = match (&external_id, is_scoped) {
            (Some(_), _) => "--external-id",
            (None, true) => "--scope-credentials",
            (None, false) => return Ok(None),
        };
        return Err(invalid(format!(
            "{without} is given, and it says nothing without a role"
        ))
        .hint("name the role with --role-arn"));
    };
    if !matches!(of.description.wire.authentication, Authentication::Sigv4(_)) {
        return Err(invalid(format!(
            "--role-arn is given, but {} does not sign its requests for AWS",
            of.description.display_name
        )));
    }
    let account = account_of(&arn).ok_or_else(|| {
        invalid(format!(
            "--role-arn is `{arn}`, which is not the ARN of a role"
        ))
        .hint("one looks like arn:aws:iam::123456789012:role/auditor")
    })?;
    if let Some(id) = &external_id
        && !(EXTERNAL_ID.contains(&id.len()) && id.bytes().all(is_of_external_id))
    {
        return Err(invalid(
            "--external-id is not one: it has 2 to 1224 letters, digits and characters of \
             +=,.@:/-_"
                .to_owned(),
        ));
    }
    let policy = is_scoped
        .then(|| {
            let settings = of.settings.values();
            session_policy(of.description, settings, Some(account), of.provisioning)
        })
        .transpose()
        .map_err(|error| {
            invalid(format!("the credentials can't be scoped: {error}"))
                .hint("leave --scope-credentials out; the role itself can be restricted as `connector iam-policy` says")
        })?;
    Ok(Some(Role {
        arn,
        external_id,
        policy,
    }))
}

/// The account of a role. A pool can be reached only with roles of its own account, so it
/// is the account of the pool as well.
fn account_of(arn: &str) -> Option<&str> {
    let mut parts = arn.splitn(6, ':');
    let (scheme, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    let name = resource.strip_prefix("role/")?;
    let is_role = scheme == "arn" && !partition.is_empty() && service == "iam";
    let is_named =
        region.is_empty() && !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic());
    let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    (is_role && is_named && is_account).then_some(account)
}

fn is_of_external_id(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+=,.@:/-_".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_holds_the_keys_unless_it_is_told_otherwise() {
        assert!(holder(None).unwrap() == Holder::Host);
        assert!(holder(Some("sealed")).unwrap() == Holder::Host);
        assert!(holder(Some("pass")).unwrap() == Holder::Component);
        for word in ["", "Sealed", "none", "passed"] {
            assert!(holder(Some(word)).is_err(), "{word}");
        }
    }

    #[test]
    fn only_the_arn_of_a_role_is_one_and_it_names_the_account() {
        let account = Some("123456789012");
        assert_eq!(
            account_of("arn:aws:iam::123456789012:role/auditor"),
            account
        );
        let path = "arn:aws-us-gov:iam::123456789012:role/team/a+b=c";
        assert_eq!(account_of(path), account);
        for wrong in [
            "",
            "auditor",
            "arn:aws:iam::123456789012:user/alice",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::123456789012:role/a b",
            "arn:aws:iam::12345:role/auditor",
            "arn:aws:iam:eu-west-1:123456789012:role/auditor",
            "arn:aws:sts::123456789012:assumed-role/auditor/me",
        ] {
            assert_eq!(account_of(wrong), None, "{wrong}");
        }
    }
}
