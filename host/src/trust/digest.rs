//! The digest of a component's bytes: what a trust record is about. A name can be given to
//! other code, a path to another file; a digest can't.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// What stands before the hexadecimal digits, so that another algorithm can be told apart.
const PREFIX: &str = "sha256:";

/// SHA-256 of a component's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Digest([u8; 32]);

/// A text that is no digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a digest is 64 hexadecimal digits, as `connector inspect` shows them after sha256:")]
pub struct NotADigest;

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(<Sha256 as sha2::Digest>::digest(bytes).into())
    }

    /// Whether its hexadecimal digits begin with these.
    pub fn begins_with(&self, digits: &str) -> bool {
        let digits = digits.strip_prefix(PREFIX).unwrap_or(digits);
        hex::encode(self.0).starts_with(&digits.to_ascii_lowercase())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", hex::encode(self.0))
    }
}

/// With or without `sha256:`, in capitals too: other tools print it in all these ways.
impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix(PREFIX).unwrap_or(text);
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| NotADigest)?;
        Ok(Self(bytes))
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for Digest {
    type Error = NotADigest;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn one_digest_is_read_in_all_its_spellings() {
        let digest = Digest::of(b"abc");
        assert_eq!(digest.to_string(), format!("sha256:{OF_ABC}"));
        for text in [
            OF_ABC.to_owned(),
            OF_ABC.to_ascii_uppercase(),
            format!("sha256:{OF_ABC}"),
        ] {
            assert_eq!(text.parse(), Ok(digest), "{text}");
        }
        for text in [
            "",
            "sha256:",
            "abc",
            &OF_ABC[..62],
            &format!("sha512:{OF_ABC}"),
            &format!("{OF_ABC}00"),
            &format!(" {OF_ABC}"),
        ] {
            assert_eq!(text.parse::<Digest>(), Err(NotADigest), "{text}");
        }
        assert!(digest.begins_with("sha256:BA7816bf") && digest.begins_with("ba"));
        assert!(!digest.begins_with("a7816"));
    }
}
