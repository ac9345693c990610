//! What ties the records of an audit file together.
//!
//! Each record carries, as `prev`, the SHA-256 of all bytes from the first one of the record
//! before it to the last one in front of itself, line ends included: of one line, as a rule
//! (`sed -n 7p FILE | sha256sum`). Nothing is excepted, so what a killed process left of a
//! line is sealed by the next record too. In front of the first record of a file there is
//! nothing, and it carries the hash of that; in front of the first one after those of an
//! older version, which carry none, are all of these.
//!
//! The chain shows that a record was changed, removed or put in, as long as the one after it
//! was not written anew as well. Whoever can write the file can do that with all of them to
//! the end: only a hash that was kept elsewhere shows it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use serde::Deserialize;
use sha2::{Digest, Sha256};

/// What every record begins with. A file that begins otherwise is something else, and
/// lines appended to it would damage it.
pub(super) const BEGINNING: &[u8] = br#"{"record":""#;

/// How much of the end of a file is looked at first to find its last record. Records have
/// a few hundred bytes; only the memberships of a deleted account make some longer.
const TAIL: u64 = 16 << 10;

/// What a line is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::provision) enum Piece {
    /// A record that carries a hash.
    Linked(Link),
    /// A record of a version that wrote no hashes.
    Unlinked(Link),
    /// The beginning of a record, as a killed process, a full disk or a loss of power leaves
    /// it.
    Half,
    /// Nothing that was ever written by this program.
    Strange,
}

/// The members that every record has.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(in crate::provision) struct Link {
    /// What sort of record it is.
    pub(in crate::provision) record: String,
    /// When it was written.
    #[serde(default)]
    pub(in crate::provision) time: String,
    /// The hash of what stands before it.
    #[serde(default)]
    pub(in crate::provision) prev: Option<String>,
}

impl Piece {
    /// Looks at a line, with or without its end.
    pub(in crate::provision) fn of(line: &[u8]) -> Self {
        // A loss of power may leave zeros where something was about to be written.
        let text = line.trim_ascii_end();
        let zeros = text.iter().rev().take_while(|byte| **byte == 0).count();
        let text = text.get(..text.len() - zeros).unwrap_or_default();
        if !text.starts_with(BEGINNING) && !BEGINNING.starts_with(text) {
            return Self::Strange;
        }
        match serde_json::from_slice::<Link>(text) {
            Ok(_) if zeros > 0 => Self::Strange,
            Ok(link) if link.prev.is_some() => Self::Linked(link),
            Ok(link) => Self::Unlinked(link),
            Err(error) if error.is_eof() => Self::Half,
            Err(_) => Self::Strange,
        }
    }
}

/// The chain up to some place in a file.
#[derive(Clone, Debug, Default)]
pub(in crate::provision) struct Chain {
    /// Everything since the last record that carries a hash began.
    since: Sha256,
}

impl Chain {
    /// The hash that the next record has to carry.
    pub(in crate::provision) fn head(&self) -> String {
        hex::encode(self.since.clone().finalize())
    }

    /// Takes a line with its end.
    pub(in crate::provision) fn follow(&mut self, line: &[u8]) -> Piece {
        let piece = Piece::of(line);
        if matches!(piece, Piece::Linked(_)) {
            self.since = Sha256::new();
        }
        self.since.update(line);
        piece
    }

    /// Takes whole lines, and perhaps half of one, which is ended here. Says whether it was.
    pub(super) fn follow_all(&mut self, bytes: &[u8]) -> bool {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if line.ends_with(b"\n") {
                self.follow(line);
            } else {
                self.follow(&[line, b"\n"].concat());
            }
        }
        !bytes.is_empty() && !bytes.ends_with(b"\n")
    }

    /// The chain up to the end of a file of this length, and whether its last line has no
    /// end. Reads no more of the file than it takes to find the last record that carries a
    /// hash.
    pub(super) fn of_end(file: &File, length: u64) -> io::Result<(Self, bool)> {
        let mut tail = TAIL;
        loop {
            let start = length.saturating_sub(tail);
            let bytes = read_range(file, start, length)?;
            // Unless it is the file's first, the first line may lack its beginning.
            let skipped = match start {
                0 => 0,
                _ => bytes
                    .iter()
                    .position(|byte| *byte == b'\n')
                    .map_or(bytes.len(), |end| end + 1),
            };
            let lines = bytes.get(skipped..).unwrap_or_default();
            let has_link = lines
                .split(|byte| *byte == b'\n')
                .any(|line| matches!(Piece::of(line), Piece::Linked(_)));
            if has_link || start == 0 {
                let mut chain = Self::default();
                let is_torn = chain.follow_all(lines);
                return Ok((chain, is_torn));
            }
            tail = tail.saturating_mul(4);
        }
    }
}

/// A record as it is written: the text of its JSON object with the hash as last member, and
/// the end of the line.
pub(super) fn linked(object: &[u8], prev: &str) -> Vec<u8> {
    let open = object.strip_suffix(b"}").unwrap_or(object);
    [open, br#","prev":""#, prev.as_bytes(), b"\"}\n"].concat()
}

/// The bytes of a file between two places.
pub(super) fn read_range(mut file: &File, start: u64, end: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(start))?;
    file.take(end.saturating_sub(start))
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a file has in front of its first byte.
    const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_record_carries_the_hash_of_the_bytes_since_the_one_before() {
        let mut chain = Chain::default();
        assert_eq!(chain.head(), NOTHING);
        let first = linked(br#"{"record":"run"}"#, &chain.head());
        assert_eq!(
            String::from_utf8(first.clone()).unwrap(),
            format!("{{\"record\":\"run\",\"prev\":\"{NOTHING}\"}}\n")
        );
        chain.follow(&first);
        let of = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
        assert_eq!(chain.head(), of(&first));
        assert_eq!(chain.follow(b"{\"rec\n"), Piece::Half);
        assert_eq!(chain.head(), of(&[&first, &b"{\"rec\n"[..]].concat()));
        let second = linked(br#"{"record":"run"}"#, &chain.head());
        chain.follow(&second);
        assert_eq!(chain.head(), of(&second));
    }

    #[test]
    fn half_a_record_is_told_from_something_else() {
        let whole = linked(br#"{"record":"run","time":"t","a":{"b":[1,"c"]}}"#, NOTHING);
        let end = whole.len() - 1;
        for length in 0..end {
            let half = &whole[..length];
            assert_eq!(Piece::of(half), Piece::Half, "{length}");
            let zeros = [half, &[0; 7]].concat();
            assert_eq!(Piece::of(&zeros), Piece::Half, "{length}");
        }
        assert!(matches!(Piece::of(&whole), Piece::Linked(_)));
        assert!(matches!(Piece::of(&whole[..end]), Piece::Linked(_)));
        assert!(matches!(
            Piece::of(br#"{"record":"run"}"#),
            Piece::Unlinked(_)
        ));
        for strange in [
            &b"hello"[..],
            b"{\"kind\":\"user\"",
            b"{\"record\":\"run\"} {",
            b"{\"record\":7}",
            b"{\"record\":\"a\",\"prev\":\"b\",\"prev\":\"c\"}",
            b"{\"record\":\"a\"}\0",
            b"\0{\"record\":\"a\"}",
        ] {
            assert_eq!(Piece::of(strange), Piece::Strange, "{strange:?}");
        }
    }

    #[test]
    fn the_end_of_a_file_is_found_however_long_its_last_lines_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let long = "x".repeat(usize::try_from(TAIL).unwrap());
        let record = |more: &str, prev: &str| {
            linked(
                format!(r#"{{"record":"run","more":"{more}"}}"#).as_bytes(),
                prev,
            )
        };
        let old = format!("{{\"record\":\"run\",\"more\":\"{long}\"}}\n").into_bytes();
        for content in [
            Vec::new(),
            old.clone(),
            [&old[..], &old].concat(),
            record("", NOTHING),
            [record("", NOTHING), record(&long, "a")].concat(),
            [record("", NOTHING), record(&long, "a"), record("", "b")].concat(),
            [record("", NOTHING), record(&long, "a"), b"{\"rec".to_vec()].concat(),
            [
                record("", NOTHING),
                old.clone(),
                old[..old.len() - 9].to_vec(),
            ]
            .concat(),
        ] {
            std::fs::write(&path, &content).unwrap();
            let mut whole = Chain::default();
            let is_torn = whole.follow_all(&content);
            let length = content.len() as u64;
            let (end, torn) = Chain::of_end(&File::open(&path).unwrap(), length).unwrap();
            assert_eq!((end.head(), torn), (whole.head(), is_torn));
        }
    }
}
