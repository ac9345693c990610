//! Components that attack: the guest `hostile` with an attack stamped into it, and with
//! parts added that no compiler makes.

mod parts;

pub use parts::Part;

use crate::HOSTILE;

/// What an attack is stamped in behind; the guest has the same.
const MARK: &[u8] = b"hostile-guest-attack:";

/// What the room for the stamp is filled with.
const FILLING: u8 = b'_';

/// The hostile connector with an attack: `NAME during FUNCTION at OPERATION with ARGUMENT`,
/// where all parts but the first may be missing; the function is `list-resources` then. What
/// there is stands in `tests/guests/hostile/src`; `none` is an honest connector.
///
/// # Panics
///
/// If the guest was not built with its mark, or the attack is longer than its room.
pub fn component(attack: &str) -> Vec<u8> {
    let mut bytes = HOSTILE.to_vec();
    let marks: Vec<usize> = bytes
        .windows(MARK.len())
        .enumerate()
        // The mark alone stands there as well, for the guest itself.
        .filter(|(at, window)| *window == MARK && HOSTILE.get(at + MARK.len()) == Some(&FILLING))
        .map(|(at, _)| at + MARK.len())
        .collect();
    assert!(marks.len() == 1, "one place to stamp, and not {marks:?}");
    for (target, byte) in bytes
        .iter_mut()
        .skip(marks.iter().sum())
        .zip(attack.bytes())
    {
        assert!(*target == FILLING, "no room for the attack {attack:?}");
        *target = byte;
    }
    bytes
}

/// The honest form of the hostile connector with a part added.
///
/// # Panics
///
/// As [`component`].
pub fn component_with(part: Part) -> Vec<u8> {
    part.added_to(component("none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attack_is_another_component_of_the_same_length() {
        let (one, other) = (component("none"), component("panic with x"));
        assert_eq!(one.len(), other.len());
        assert_ne!(one, other);
        assert_eq!(component("none"), one);
    }
}
