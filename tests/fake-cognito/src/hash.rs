//! Numbers that look random and are functions of their inputs.
//!
//! A generated pool is not stored: whatever a request wants to know about user `i` is computed from
//! the seed and `i`, so the mixing must be fast, and for the subject it must be invertible. None of
//! this protects anything.

/// The finaliser of SplitMix64.
const fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A number for the place (`seed`, `salt`, `index`).
pub(crate) const fn draw(seed: u64, salt: u64, index: u64) -> u64 {
    mix(mix(seed ^ salt.wrapping_mul(0xd6e8_feb8_6659_fd93)) ^ index)
}

/// A permutation of the 32-bit numbers (the "lowbias32" hash without its constant).
pub(crate) const fn scramble(mut x: u32, seed: u64) -> u32 {
    x ^= seed as u32;
    x ^= x >> 16;
    x = x.wrapping_mul(0x7feb_352d);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

/// The inverse of [`scramble`]: the multipliers are the inverses modulo 2^32.
pub(crate) const fn unscramble(mut x: u32, seed: u64) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(0x4302_1123);
    x ^= (x >> 15) ^ (x >> 30);
    x = x.wrapping_mul(0x1d69_e2a5);
    x ^= x >> 16;
    x ^ seed as u32
}

/// A version 4 UUID out of a leading word, which stays recognisable, and two draws.
pub(crate) fn uuid(word: u32, a: u64, b: u64) -> String {
    format!(
        "{word:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        (a >> 48) & 0xffff,
        a & 0xfff,
        0x8000 | (b & 0x3fff),
        b >> 16
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scrambling_can_be_undone() {
        for x in (0..5_000).chain([u32::MAX, u32::MAX - 1, 1 << 31]) {
            assert_eq!(unscramble(scramble(x, 77), 77), x);
        }
    }

    #[test]
    fn a_uuid_has_the_form_of_version_four() {
        let id = uuid(0xabc, u64::MAX, u64::MAX);
        assert_eq!(id, "00000abc-ffff-4fff-bfff-ffffffffffff");
    }
}
