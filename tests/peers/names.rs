//! Names that Cognito's pattern admits, drawn from a seed: `[\p{L}\p{M}\p{S}\p{N}\p{P}]+`,
//! 1 to 128 characters, of any script, and more often than by chance the characters that
//! separate, quote and escape something somewhere.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use fastrand::Rng;
use regex::Regex;

/// The pattern of usernames and group names in the service's model, for one character.
const ADMITTED: &str = r"^[\p{L}\p{M}\p{S}\p{N}\p{P}]$";
const LONGEST: usize = 128;
const TROUBLE: [char; 16] = [
    ':', '/', '@', '%', '=', '\'', '"', '\\', ',', ';', '{', '$', '`', '#', '+', '-',
];
/// From ASCII to characters beyond sixteen bits; combining marks, two directions, symbols.
const SCRIPTS: [RangeInclusive<u32>; 24] = [
    0x21..=0x7e,
    0xa1..=0x24f,
    0x300..=0x36f,
    0x370..=0x3ff,
    0x400..=0x52f,
    0x531..=0x58f,
    0x591..=0x5f4,
    0x600..=0x6ff,
    0x900..=0x97f,
    0xe01..=0xe5b,
    0x10a0..=0x10ff,
    0x1100..=0x11ff,
    0x1200..=0x137c,
    0x1780..=0x17f9,
    0x2010..=0x205e,
    0x2190..=0x23ff,
    0x3041..=0x30ff,
    0x4e00..=0x9fff,
    0xac00..=0xd7a3,
    0xfb00..=0xfdff,
    0xff01..=0xffee,
    0x1d400..=0x1d7ff,
    0x1f300..=0x1faff,
    0x20000..=0x2a6df,
];

/// Draws names, none of them twice.
pub(crate) struct Names {
    rng: Rng,
    admitted: Regex,
    drawn: HashSet<String>,
}

impl Names {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            rng: Rng::with_seed(seed),
            admitted: Regex::new(ADMITTED).expect("the pattern can be compiled"),
            drawn: HashSet::new(),
        }
    }

    /// So many names, the first of one character and the second of the greatest length.
    pub(crate) fn draw(&mut self, number: usize) -> Vec<String> {
        let lengths = [1, LONGEST].into_iter().map(Some);
        let lengths = lengths.chain(std::iter::repeat(None));
        lengths
            .take(number)
            .map(|length| self.name(length))
            .collect()
    }

    /// A value: names with blanks and line ends between them.
    pub(crate) fn value(&mut self) -> String {
        let words = self.rng.usize(1..6);
        let words: Vec<String> = (0..words).map(|_| self.name(None)).collect();
        let between = [" ", "  ", "\n", "\r\n", "\t", "\u{a0}", "\u{200d}"];
        words.join(between[self.rng.usize(..between.len())])
    }

    /// A name of one script and trouble, or of all scripts.
    fn name(&mut self, length: Option<usize>) -> String {
        loop {
            // Short names are as likely as long ones.
            let most = 1 << self.rng.u32(1..=7);
            let length = length.unwrap_or_else(|| self.rng.usize(1..=most));
            let script = self.rng.bool().then(|| self.rng.usize(..SCRIPTS.len()));
            let name: String = (0..length).map(|_| self.character(script)).collect();
            if self.drawn.insert(name.clone()) {
                return name;
            }
        }
    }

    fn character(&mut self, script: Option<usize>) -> char {
        if self.rng.u8(..4) == 0 {
            return TROUBLE[self.rng.usize(..TROUBLE.len())];
        }
        loop {
            let script = script.unwrap_or_else(|| self.rng.usize(..SCRIPTS.len()));
            let drawn = char::from_u32(self.rng.u32(SCRIPTS[script].clone()));
            let admitted = drawn.filter(|c| self.admitted.is_match(c.encode_utf8(&mut [0; 4])));
            if let Some(found) = admitted {
                return found;
            }
        }
    }
}
