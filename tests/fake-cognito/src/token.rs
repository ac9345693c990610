//! Page tokens: where a list goes on, bound to the list that it was made for.
//!
//! A token is signed over the operation and its parameters, so that one that is bent, or used with
//! another filter, group or pool, is refused as the service refuses it. Every token holds `+`, `/`
//! and `=`, because a client that escapes or trims them must fail here and not in production.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Turns into `+/+/`, so that every token shows both characters.
const MARK: [u8; 3] = [0xfb, 0xff, 0xbf];
/// Sized so that the base64 text ends in `=`: 3 + 3 · 8 + 2 + 12 = 41 bytes.
const TAG_BYTES: usize = 12;
const TOKEN_BYTES: usize = 41;
/// Not a secret: it only has to differ from what a client could send by mistake.
const TAG_KEY: &[u8] = b"fake-cognito page tokens";

/// Where a list goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// The first key or place that has not been looked at.
    pub(crate) next: u64,
    /// When the token was made, by the service's clock.
    pub(crate) issued_ms: i64,
    /// Which generation of tokens it belongs to.
    pub(crate) generation: u64,
    /// How many empty pages came directly before it.
    pub(crate) empty_run: u16,
}

fn tag(binding: &str, payload: &[u8]) -> Vec<u8> {
    // HMAC takes keys of every length, so the branch without a key is never taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(TAG_KEY) else {
        return Vec::new();
    };
    mac.update(&(binding.len() as u64).to_be_bytes());
    mac.update(binding.as_bytes());
    mac.update(payload);
    let mut tag = mac.finalize().into_bytes().to_vec();
    tag.truncate(TAG_BYTES);
    tag
}

/// Writes a token for the list that `binding` describes.
pub(crate) fn write(binding: &str, position: Position) -> String {
    let mut bytes = Vec::with_capacity(TOKEN_BYTES);
    bytes.extend_from_slice(&MARK);
    bytes.extend_from_slice(&position.next.to_be_bytes());
    bytes.extend_from_slice(&position.issued_ms.to_be_bytes());
    bytes.extend_from_slice(&position.generation.to_be_bytes());
    bytes.extend_from_slice(&position.empty_run.to_be_bytes());
    let tag = tag(binding, &bytes);
    bytes.extend_from_slice(&tag);
    encode(&bytes)
}

/// Reads a token back if it is one of this list.
pub(crate) fn read(binding: &str, token: &str) -> Option<Position> {
    let bytes = decode(token).filter(|bytes| bytes.len() == TOKEN_BYTES)?;
    let (payload, sealed) = bytes.split_at_checked(TOKEN_BYTES - TAG_BYTES)?;
    if tag(binding, payload) != sealed {
        return None;
    }
    let word = |at: usize| payload.get(at..at + 8)?.try_into().ok();
    Some(Position {
        next: u64::from_be_bytes(word(3)?),
        issued_ms: i64::from_be_bytes(word(11)?),
        generation: u64::from_be_bytes(word(19)?),
        empty_run: u16::from_be_bytes(payload.get(27..29)?.try_into().ok()?),
    })
}

/// The place that a token leads to and the empty pages before it, whatever list it belongs to.
pub(crate) fn place(token: &str) -> Option<(u64, u16)> {
    let bytes = decode(token).filter(|bytes| bytes.len() == TOKEN_BYTES)?;
    let next = bytes.get(3..11)?.try_into().ok()?;
    let empty_run = bytes.get(27..29)?.try_into().ok()?;
    Some((u64::from_be_bytes(next), u16::from_be_bytes(empty_run)))
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = (0..3).fold(0_u32, |sum, n| {
            sum << 8 | u32::from(chunk.get(n).copied().unwrap_or(0))
        });
        for n in 0..4 {
            let digit = (group >> (18 - 6 * n)) & 63;
            let letter = ALPHABET.get(digit as usize).copied().unwrap_or(b'=');
            out.push(char::from(if n > chunk.len() { b'=' } else { letter }));
        }
    }
    out
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let stripped = text.trim_end_matches('=');
    if !text.len().is_multiple_of(4) || text.len() - stripped.len() > 2 {
        return None;
    }
    let mut out = Vec::with_capacity(stripped.len());
    let (mut sum, mut bits) = (0_u32, 0);
    for byte in stripped.bytes() {
        let digit = ALPHABET.iter().position(|letter| *letter == byte)? as u32;
        sum = sum << 6 | digit;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((sum >> bits) as u8);
            sum &= (1 << bits) - 1;
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POSITION: Position = Position {
        next: 61,
        issued_ms: 1_739_528_018_102,
        generation: 3,
        empty_run: 2,
    };

    #[test]
    fn a_token_holds_every_awkward_character_and_no_space() {
        let token = write("ListUsers|pool|", POSITION);
        assert!(
            token.contains('+') && token.contains('/') && token.contains('='),
            "{token}"
        );
        assert!(token.chars().all(|c| c.is_ascii_graphic()));
    }

    #[test]
    fn a_token_is_read_for_its_own_list_only() {
        let token = write("a", POSITION);
        assert_eq!(read("a", &token), Some(POSITION));
        assert_eq!(read("b", &token), None);
        assert_eq!(place(&token), Some((POSITION.next, POSITION.empty_run)));
        for bent in [
            &token[1..],
            &token[..token.len() - 4],
            "",
            "=",
            "AAAA",
            &token.replace('+', " "),
        ] {
            assert_eq!(read("a", bent), None, "{bent:?}");
        }
    }

    #[test]
    fn base64_is_the_standard_one() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(plain.as_bytes()), coded);
            assert_eq!(decode(coded).unwrap(), plain.as_bytes());
        }
    }
}
