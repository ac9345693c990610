//! What a component is given where its settings ask for a secret.
//!
//! Sealed, it gets no keys, or placeholders where it would not open its session without, and
//! a placeholder for a bearer's token: the host drops what it makes of them and proves in
//! its place who sends a request ([`crate::egress::signing`]), so that the real secret never
//! enters the sandbox, and a component cannot leak what it does not have. Passed, it gets
//! the real ones, as in a host that does not sign.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{CredentialSource, Credentials, CredentialsError};
use crate::settings::{Settings, fits};
use crate::trust::description::{Authentication, Description, SettingSchema, Sigv4};

/// Values that show at first sight that they are none, in the shapes that keys have: plain
/// words, an access key id of AWS, its secret of forty characters, and what is left when
/// nothing but digits may stand there.
const PLACEHOLDERS: [&str; 4] = [
    "sealed-by-the-host",
    "AKIASEALEDBYTHEHOST0",
    "sealed+by+the+host/it+is+no+real+secret0",
    "00000000000000000000",
];

/// Who holds the real keys.
#[derive(Debug)]
pub enum Keys {
    /// The host.
    Sealed {
        /// What the component gets instead, by setting.
        placeholders: BTreeMap<String, String>,
        /// What the host signs with, if requests are signed.
        source: Option<Arc<CredentialSource>>,
    },
    /// The component; what it signs with comes from here, if requests are signed.
    Passed(Option<Arc<CredentialSource>>),
}

/// A setting that no placeholder fits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the pattern of setting `{setting}` in the trust record fits no placeholder, so the component \
     can't be run without the real value"
)]
pub struct NoPlaceholder {
    /// The setting.
    pub setting: String,
}

/// What a session is opened with.
pub struct Handed {
    /// The settings.
    pub values: Vec<(String, String)>,
    /// Those values among them that must never be shown.
    pub secrets: Vec<String>,
    /// The credentials among them, if real ones are.
    pub credentials: Option<Credentials>,
}

impl Handed {
    /// Gives a setting another value.
    pub fn set(&mut self, name: &str, value: &str) {
        self.values.retain(|(known, _)| known != name);
        self.values.push((name.to_owned(), value.to_owned()));
    }
}

impl Keys {
    /// Keeps them in the host.
    ///
    /// # Errors
    ///
    /// [`NoPlaceholder`], if the component would not open its session with one.
    pub fn sealed(
        description: &Description,
        source: Option<Arc<CredentialSource>>,
    ) -> Result<Self, NoPlaceholder> {
        let schemas: Vec<&SettingSchema> = match &description.wire.authentication {
            Authentication::None => Vec::new(),
            Authentication::Bearer(setting) => description.setting(setting).into_iter().collect(),
            // A long-term key has no session token, and a placeholder looks like one.
            Authentication::Sigv4(sigv4) => {
                let names = [
                    &sigv4.access_key_id_setting,
                    &sigv4.secret_access_key_setting,
                ];
                let schemas = names
                    .into_iter()
                    .filter_map(|name| description.setting(name));
                let schemas: Vec<_> = schemas.collect();
                // Who can do without leaves it to the host, and saves a signature that the
                // host would drop.
                match schemas.iter().any(|schema| schema.required) {
                    true => schemas,
                    false => Vec::new(),
                }
            }
        };
        let placeholders = schemas
            .into_iter()
            .map(|schema| Ok((schema.name.clone(), placeholder(schema)?)))
            .collect::<Result<_, _>>()?;
        Ok(Self::Sealed {
            placeholders,
            source,
        })
    }

    /// What tells the account that they belong to from others; `None` where requests are
    /// not signed. The credential chain may be asked.
    ///
    /// # Errors
    ///
    /// Fails if the chain has no credentials.
    pub async fn account(&self) -> Result<Option<String>, CredentialsError> {
        let (Self::Sealed { source, .. } | Self::Passed(source)) = self;
        match source {
            Some(source) => Ok(Some(source.current().await?.account())),
            None => Ok(None),
        }
    }

    /// What a session is opened with. The credential chain may be asked, also where the
    /// component gets none of what it gives: then a missing key is told at once, and not
    /// by the first request.
    ///
    /// # Errors
    ///
    /// Fails if the chain has no credentials.
    pub async fn hand(
        &self,
        description: &Description,
        settings: &Settings,
    ) -> Result<Handed, CredentialsError> {
        let mut values = settings.values().clone();
        let sigv4 = match &description.wire.authentication {
            Authentication::Sigv4(sigv4) => Some(sigv4),
            Authentication::None | Authentication::Bearer(_) => None,
        };
        let mut secret_names = settings.secret_names().to_vec();
        let mut credentials = None;
        match self {
            Self::Sealed {
                placeholders,
                source,
            } => {
                if let Some(source) = source {
                    source.current().await?;
                }
                if let Some(sigv4) = sigv4 {
                    values.remove(&sigv4.access_key_id_setting);
                    values.remove(&sigv4.secret_access_key_setting);
                    values.remove(&sigv4.session_token_setting);
                }
                secret_names.retain(|name| !placeholders.contains_key(name));
                values.extend(placeholders.clone());
            }
            Self::Passed(source) => {
                if let (Some(sigv4), Some(source)) = (sigv4, source) {
                    let current = source.current().await?;
                    put(sigv4, &current, &mut values);
                    secret_names.push(sigv4.secret_access_key_setting.clone());
                    secret_names.push(sigv4.session_token_setting.clone());
                    credentials = Some(current);
                }
            }
        }
        let secrets = secret_names
            .iter()
            .filter_map(|name| values.get(name).cloned())
            .collect();
        Ok(Handed {
            values: values.into_iter().collect(),
            secrets,
            credentials,
        })
    }

    /// Whether there are others than those that a component was given and the system
    /// refused. Where the host signs it has looked for them itself already.
    ///
    /// # Errors
    ///
    /// Fails if the chain fails.
    pub async fn renewed(&self, refused: Option<&Credentials>) -> Result<bool, CredentialsError> {
        match (self, refused) {
            (Self::Passed(Some(source)), Some(refused)) => {
                Ok(source.replacement(refused).await?.is_some())
            }
            _ => Ok(false),
        }
    }
}

/// Real credentials in their settings; a token of earlier ones must not stay.
fn put(sigv4: &Sigv4, credentials: &Credentials, values: &mut BTreeMap<String, String>) {
    values.insert(
        sigv4.access_key_id_setting.clone(),
        credentials.access_key_id.clone(),
    );
    values.insert(
        sigv4.secret_access_key_setting.clone(),
        credentials.secret_access_key.clone(),
    );
    values.remove(&sigv4.session_token_setting);
    if let Some(token) = &credentials.session_token {
        values.insert(sigv4.session_token_setting.clone(), token.clone());
    }
}

fn placeholder(schema: &SettingSchema) -> Result<String, NoPlaceholder> {
    let example = schema.example.as_deref();
    PLACEHOLDERS
        .into_iter()
        .chain(example)
        .find(|value| fits(schema, value))
        .map(str::to_owned)
        .ok_or_else(|| NoPlaceholder {
            setting: schema.name.clone(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::TrustRecord;

    const SECRET: &str = "the-real-secret-0123456789";
    const TOKEN: &str = "the-real-token-9876543210";
    const KEYS: [&str; 2] = ["aws-access-key-id", "aws-secret-access-key"];

    fn given() -> Arc<CredentialSource> {
        Arc::new(CredentialSource::given(Credentials {
            access_key_id: "ASIAREAL000000000000".to_owned(),
            secret_access_key: SECRET.to_owned(),
            session_token: Some(TOKEN.to_owned()),
            expires: None,
        }))
    }

    fn description() -> Description {
        TrustRecord::bundled().unwrap().approved
    }

    fn settings(more: &[(&str, &str)]) -> Settings {
        let given = [("user-pool-id", "eu-central-1_AbCd12345")];
        let given = given.iter().chain(more);
        let given = given.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::check(&description(), given.collect(), &KEYS).unwrap()
    }

    /// One whose component would not open its session without keys.
    fn demanding() -> Description {
        let mut description = description();
        for setting in &mut description.settings {
            setting.required |= KEYS.contains(&setting.name.as_str());
        }
        description
    }

    #[tokio::test]
    async fn sealed_a_component_gets_no_key_whatever_was_given() {
        let typed = settings(&[
            ("aws-access-key-id", "ASIAREAL000000000000"),
            ("aws-secret-access-key", SECRET),
            ("aws-session-token", TOKEN),
        ]);
        for settings in [settings(&[]), typed] {
            for (description, expected) in
                [(description(), None), (demanding(), Some(PLACEHOLDERS[0]))]
            {
                let keys = Keys::sealed(&description, Some(given())).unwrap();
                let handed = keys.hand(&description, &settings).await.unwrap();
                let text = format!("{:?}", handed.values);
                assert!(!text.contains(SECRET) && !text.contains(TOKEN), "{text}");
                assert!(!text.contains("ASIAREAL"), "{text}");
                for name in KEYS {
                    let value = handed.values.iter().find(|(known, _)| known == name);
                    let value = value.map(|(_, value)| value.as_str());
                    assert_eq!(value, expected, "{name}");
                }
                assert!(!text.contains("aws-session-token"), "{text}");
                assert_eq!(handed.credentials, None);
                assert_eq!(handed.secrets, [""; 0], "there is nothing to redact");
            }
        }
    }

    #[tokio::test]
    async fn passed_a_component_gets_the_real_ones_and_they_are_secrets() {
        let keys = Keys::Passed(Some(given()));
        let handed = keys.hand(&description(), &settings(&[])).await.unwrap();
        let current = given().current().await.unwrap();
        assert_eq!(handed.credentials, Some(current));
        for secret in [SECRET, TOKEN] {
            assert!(handed.secrets.iter().any(|known| known == secret));
        }
        let token = ("aws-session-token".to_owned(), TOKEN.to_owned());
        assert!(handed.values.contains(&token));
    }

    #[tokio::test]
    async fn a_token_of_earlier_credentials_is_not_handed_over_with_others() {
        let key = Credentials {
            session_token: None,
            ..given().current().await.unwrap()
        };
        let keys = Keys::Passed(Some(Arc::new(CredentialSource::given(key))));
        let settings = settings(&[("aws-session-token", "a-token-of-before")]);
        let handed = keys.hand(&description(), &settings).await.unwrap();
        assert!(!format!("{:?}", handed.values).contains("a-token-of-before"));
    }

    #[test]
    fn a_placeholder_fits_the_pattern_of_its_setting_or_there_is_none() {
        let sealed = |pattern: &str, example: Option<&str>| {
            let mut description = demanding();
            let setting = description
                .settings
                .iter_mut()
                .find(|setting| setting.name == "aws-secret-access-key")
                .unwrap();
            setting.pattern = Some(pattern.to_owned());
            setting.example = example.map(str::to_owned);
            Keys::sealed(&description, None).map(|keys| match keys {
                Keys::Sealed { placeholders, .. } => placeholders["aws-secret-access-key"].clone(),
                Keys::Passed(_) => panic!("it was to be sealed"),
            })
        };
        for (pattern, expected) in [
            ("[a-z-]+", PLACEHOLDERS[0]),
            ("(AKIA|ASIA)[A-Z0-9]{16}", PLACEHOLDERS[1]),
            ("[A-Za-z0-9/+]{40}", PLACEHOLDERS[2]),
            ("[0-9]+", PLACEHOLDERS[3]),
        ] {
            assert_eq!(sealed(pattern, None).unwrap(), expected);
        }
        assert_eq!(
            sealed("tok_[a-z]{4}", Some("tok_abcd")).unwrap(),
            "tok_abcd"
        );
        let error = sealed("tok_[a-z]{4}", None).unwrap_err();
        assert_eq!(error.setting, "aws-secret-access-key");
    }

    #[test]
    fn what_holds_keys_shows_none() {
        for keys in [
            Keys::Passed(Some(given())),
            Keys::sealed(&description(), Some(given())).unwrap(),
        ] {
            let text = format!("{keys:?}");
            assert!(!text.contains(SECRET) && !text.contains(TOKEN), "{text}");
        }
    }
}
