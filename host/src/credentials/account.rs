//! Which account a key belongs to, without asking.
//!
//! Quotas belong to accounts, so paces do too. The ids of today's access keys hold the
//! number of their account. That is not documented, but `aws sts get-access-key-info` tells
//! the same, and nothing depends on it but which connectors share a pace: for a key of
//! another form the id itself stands for the account.

use super::Credentials;

/// How many characters a key id has: four letters of its type, the rest in base 32.
const LENGTH: usize = 20;
/// The types: long-term keys and temporary ones.
const TYPES: [&str; 2] = ["AKIA", "ASIA"];
/// The characters after the type that hold the number. Of their 50 bits the first is
/// something else, and so are the last nine.
const HOLDING: usize = 10;
const NUMBER_BITS: u64 = (1 << 40) - 1;
const BITS_BEHIND: u32 = 9;
/// Account numbers have twelve digits.
const NUMBERS: u64 = 1_000_000_000_000;

impl Credentials {
    /// What tells the account of this key from others: its number where the key tells it,
    /// else the id of the key.
    pub fn account(&self) -> String {
        match number(&self.access_key_id) {
            Some(number) => format!("{number:012}"),
            None => self.access_key_id.clone(),
        }
    }
}

fn number(key_id: &str) -> Option<u64> {
    let rest = TYPES.iter().find_map(|kind| key_id.strip_prefix(kind))?;
    if key_id.len() != LENGTH {
        return None;
    }
    let bits = rest.bytes().take(HOLDING).try_fold(0_u64, |bits, byte| {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'2'..=b'7' => byte - b'2' + 26,
            _ => return None,
        };
        Some(bits << 5 | u64::from(value))
    })?;
    let number = (bits >> BITS_BEHIND) & NUMBER_BITS;
    (number < NUMBERS).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(id: &str) -> String {
        let key = Credentials {
            access_key_id: id.to_owned(),
            secret_access_key: String::new(),
            session_token: None,
            expires: None,
        };
        key.account()
    }

    #[test]
    fn a_key_tells_its_account() {
        // Pairs that were published with their accounts.
        assert_eq!(account("ASIAQNZGKIQY56JQ7WML"), "029608264753");
        assert_eq!(account("ASIAY34FZKBOKMUTVV7A"), "609629065308");
    }

    #[test]
    fn a_key_of_another_form_stands_for_its_account() {
        for id in [
            "",
            "AKIDEXAMPLE",
            "AKIA0000000000000000",
            "test",
            "ASIAQNZGKIQY56",
        ] {
            assert_eq!(account(id), id);
        }
    }
}
