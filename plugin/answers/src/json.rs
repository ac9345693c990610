//! JSON, read in one pass over the bytes of an answer and written for requests.
//!
//! A page has some 30 KB, a sync has thousands of them, and two thirds of what comes is
//! not wanted at all. So this reader takes members where they are expected and steps
//! over everything else without building it. What it steps over is checked just the
//! same: a page that was cut off or garbled must never look like a short one. Strings
//! are searched eight bytes at a time, and only those that are not ASCII are checked for
//! UTF-8, which is all the UTF-8 that valid JSON can hold.
//!
//! It accepts what `serde_json` accepts, except for nesting beyond [`MAX_DEPTH`]; the
//! tests compare the two.

use std::borrow::Cow;

mod write;

pub use write::Writer;

/// Nothing that the service sends is nested deeper than six levels.
const MAX_DEPTH: u32 = 63;

/// What is wrong with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It ends before it is complete.
    EndsEarly,
    /// It is not JSON.
    NotJson,
    /// It has bytes that are not UTF-8.
    NotUtf8,
    /// A member is not of the expected type.
    OtherType,
    /// A member that is known is there twice.
    Twice,
    /// A member that is needed is not there.
    Missing(&'static str),
    /// A member that must say something is an empty text.
    Empty(&'static str),
}

/// What can be read from JSON.
pub trait FromJson: Sized {
    /// Reads one value.
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault>;
}

impl FromJson for String {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        reader.string()
    }
}

impl FromJson for bool {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        reader.boolean()
    }
}

impl FromJson for i64 {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        reader.integer()
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let mut items = Self::new();
        let mut progress = reader.list()?;
        while reader.item(&mut progress)? {
            items.push(T::read(reader)?);
        }
        Ok(items)
    }
}

/// `null` is nothing.
impl<T: FromJson> FromJson for Option<T> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        match reader.null()? {
            true => Ok(None),
            false => T::read(reader).map(Some),
        }
    }
}

/// Reads an object whose known members go into the variables that stand behind their
/// names, each of them an `Option` that is `None` if there was no such member.
#[macro_export]
macro_rules! members {
    ($reader:expr, $($($name:literal)|+ => $member:ident,)+) => {
        $(let mut $member = None;)+
        let mut progress = $reader.object()?;
        while let Some(name) = $reader.name(&mut progress)? {
            match &*name {
                $($($name)|+ => {
                    if $member.is_some() {
                        return Err(Fault::Twice);
                    }
                    $member = Some(FromJson::read($reader)?);
                })+
                _ => $reader.skip()?,
            }
        }
    };
}
pub use crate::members;

/// Reads a whole text, which must be one value. An error comes with how far it came.
pub fn parse<T: FromJson>(text: &[u8]) -> Result<T, (Fault, usize)> {
    let mut reader = Reader { text, at: 0 };
    T::read(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|fault| match fault {
            // Outside of strings such bytes are met as something else.
            Fault::NotJson if std::str::from_utf8(text).is_err() => (Fault::NotUtf8, reader.at),
            fault => (fault, reader.at),
        })
}

/// Where a reader is in a list or an object.
#[derive(Debug, Default)]
pub struct Progress {
    begun: bool,
}

/// Reads one text from its beginning to its end.
#[derive(Debug)]
pub struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Enters an object, whose names [`Reader::name`] gives.
    pub fn object(&mut self) -> Result<Progress, Fault> {
        self.open(b'{')
    }

    /// The next name of an object, whose value has to be read or skipped next; `None`
    /// after the last one.
    pub fn name(&mut self, progress: &mut Progress) -> Result<Option<Cow<'a, [u8]>>, Fault> {
        if !self.more(progress, b'}')? {
            return Ok(None);
        }
        let name = match self.byte()? {
            b'"' => self.after_quote()?,
            _ => return Err(Fault::NotJson),
        };
        self.colon()?;
        Ok(Some(name))
    }

    /// Enters a list, whose items [`Reader::item`] announces.
    pub fn list(&mut self) -> Result<Progress, Fault> {
        self.open(b'[')
    }

    /// Whether there is another item, which has to be read or skipped next.
    pub fn item(&mut self, progress: &mut Progress) -> Result<bool, Fault> {
        self.more(progress, b']')
    }

    /// A text.
    pub fn string(&mut self) -> Result<String, Fault> {
        match self.peek()? {
            b'"' => {
                self.at += 1;
                let bytes = self.after_quote()?.into_owned();
                String::from_utf8(bytes).map_err(|_| Fault::NotUtf8)
            }
            _ => self.other_type(),
        }
    }

    /// A whole number.
    pub fn integer(&mut self) -> Result<i64, Fault> {
        if !matches!(self.peek()?, b'-' | b'0'..=b'9') {
            return self.other_type();
        }
        let digits = self.raw()?;
        match std::str::from_utf8(digits).map(str::parse) {
            // Minus zero is a float.
            Ok(Ok(number)) if digits != b"-0" => Ok(number),
            _ => Err(Fault::OtherType),
        }
    }

    /// `true` or `false`.
    pub fn boolean(&mut self) -> Result<bool, Fault> {
        match self.peek()? {
            b't' => self.word(b"true").map(|()| true),
            b'f' => self.word(b"false").map(|()| false),
            _ => self.other_type(),
        }
    }

    /// Steps over `null`, if there is one.
    pub fn null(&mut self) -> Result<bool, Fault> {
        match self.peek()? {
            b'n' => self.word(b"null").map(|()| true),
            _ => Ok(false),
        }
    }

    /// The text of any value, as it stands there.
    pub fn raw(&mut self) -> Result<&'a [u8], Fault> {
        self.peek()?;
        let from = self.at;
        self.skip()?;
        Ok(self.text.get(from..self.at).unwrap_or_default())
    }

    /// Steps over any value.
    pub fn skip(&mut self) -> Result<(), Fault> {
        // One bit for each level, an object or a list; the first is only there to be
        // found again.
        let mut levels: u64 = 1;
        loop {
            let opened = match self.byte()? {
                b'"' => {
                    self.skip_string()?;
                    None
                }
                b'{' => Some(1),
                b'[' => Some(0),
                other => {
                    self.at -= 1;
                    match other {
                        b'-' | b'0'..=b'9' => self.number()?,
                        b't' => self.word(b"true")?,
                        b'f' => self.word(b"false")?,
                        b'n' => self.word(b"null")?,
                        _ => return Err(Fault::NotJson),
                    }
                    None
                }
            };
            if let Some(kind) = opened {
                if levels >> MAX_DEPTH != 0 {
                    return Err(Fault::NotJson);
                }
                levels = levels << 1 | kind;
                if self.peek()? != closing(levels) {
                    if kind == 1 {
                        self.skip_name()?;
                    }
                    continue;
                }
            }
            loop {
                if levels == 1 {
                    return Ok(());
                }
                match self.byte()? {
                    b',' => {
                        if levels & 1 == 1 {
                            self.skip_name()?;
                        }
                        break;
                    }
                    byte if byte == closing(levels) => levels >>= 1,
                    _ => return Err(Fault::NotJson),
                }
            }
        }
    }

    /// The error for a value of another type than the one that was expected, if it is a
    /// value at all.
    #[cold]
    fn other_type<T>(&mut self) -> Result<T, Fault> {
        let from = self.at;
        self.skip()?;
        self.at = from;
        Err(Fault::OtherType)
    }

    fn open(&mut self, bracket: u8) -> Result<Progress, Fault> {
        if self.peek()? != bracket {
            return self.other_type();
        }
        self.at += 1;
        Ok(Progress::default())
    }

    fn more(&mut self, progress: &mut Progress, closing: u8) -> Result<bool, Fault> {
        let next = self.peek()?;
        if next == closing {
            self.at += 1;
            return Ok(false);
        }
        if std::mem::replace(&mut progress.begun, true) {
            if next != b',' {
                return Err(Fault::NotJson);
            }
            self.at += 1;
            // No comma before the end.
            if self.peek()? == closing {
                return Err(Fault::NotJson);
            }
        }
        Ok(true)
    }

    fn colon(&mut self) -> Result<(), Fault> {
        match self.byte()? {
            b':' => Ok(()),
            _ => Err(Fault::NotJson),
        }
    }

    fn skip_name(&mut self) -> Result<(), Fault> {
        match self.byte()? {
            b'"' => self.skip_string()?,
            _ => return Err(Fault::NotJson),
        }
        self.colon()
    }

    /// The rest of a string whose quotation mark was read: UTF-8, escapes resolved.
    #[inline]
    fn after_quote(&mut self) -> Result<Cow<'a, [u8]>, Fault> {
        let from = self.at;
        if self.plain()? == b'"' {
            let plain = self.text.get(from..self.at - 1).unwrap_or_default();
            return Ok(Cow::Borrowed(plain));
        }
        self.escaped(from).map(Cow::Owned)
    }

    /// A string whose first backslash was read.
    #[cold]
    fn escaped(&mut self, mut from: usize) -> Result<Vec<u8>, Fault> {
        let mut resolved = Vec::new();
        loop {
            let plain = self.text.get(from..self.at - 1).unwrap_or_default();
            resolved.extend_from_slice(plain);
            let letter = self.escape()?;
            let mut buffer = [0; 4];
            resolved.extend_from_slice(letter.encode_utf8(&mut buffer).as_bytes());
            from = self.at;
            if self.plain()? == b'"' {
                let plain = self.text.get(from..self.at - 1).unwrap_or_default();
                resolved.extend_from_slice(plain);
                return Ok(resolved);
            }
        }
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Result<char, Fault> {
        Ok(match self.next()? {
            letter @ (b'"' | b'\\' | b'/') => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.four_digits()?;
                let code = match unit {
                    // Half of a character beyond the first 65,536, which the other half
                    // must follow.
                    0xd800..=0xdbff => {
                        if self.next()? != b'\\' || self.next()? != b'u' {
                            return Err(Fault::NotJson);
                        }
                        match self.four_digits()? {
                            low @ 0xdc00..=0xdfff => {
                                0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
                            }
                            _ => return Err(Fault::NotJson),
                        }
                    }
                    unit => unit,
                };
                char::from_u32(code).ok_or(Fault::NotJson)?
            }
            _ => return Err(Fault::NotJson),
        })
    }

    fn four_digits(&mut self) -> Result<u32, Fault> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = char::from(self.next()?).to_digit(16);
            unit = unit * 16 + digit.ok_or(Fault::NotJson)?;
        }
        Ok(unit)
    }

    fn skip_string(&mut self) -> Result<(), Fault> {
        while self.plain()? != b'"' {
            match self.next()? {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                b'u' => {
                    self.four_digits()?;
                }
                _ => return Err(Fault::NotJson),
            }
        }
        Ok(())
    }

    /// Steps over what stands for itself in a string, and over the quotation mark or the
    /// backslash that ends it, which is returned.
    #[inline]
    fn plain(&mut self) -> Result<u8, Fault> {
        /// The same byte eight times.
        const fn every(byte: u8) -> u64 {
            u64::from_ne_bytes([byte; 8])
        }
        const HIGH: u64 = every(0x80);
        // The high bit of the lowest byte that is zero, and of no lower one. Bytes above it
        // may be wrong, and do not matter.
        let zero = |word: u64| word.wrapping_sub(every(1)) & !word;

        let from = self.at;
        let mut seen = 0;
        while let Some(block) = self.text.get(self.at..).and_then(<[u8]>::first_chunk) {
            let word = u64::from_le_bytes(*block);
            let control = word.wrapping_sub(every(0x20)) & !word;
            let ends = (zero(word ^ every(b'"')) | zero(word ^ every(b'\\')) | control) & HIGH;
            if ends != 0 {
                let before = ends.trailing_zeros() / 8;
                seen |= word & !(u64::MAX << (8 * before));
                self.at += before as usize;
                break;
            }
            seen |= word;
            self.at += 8;
        }
        loop {
            match self.next()? {
                end @ (b'"' | b'\\') => {
                    if seen & HIGH != 0 {
                        let plain = self.text.get(from..self.at - 1).unwrap_or_default();
                        std::str::from_utf8(plain).map_err(|_| Fault::NotUtf8)?;
                    }
                    return Ok(end);
                }
                0..0x20 => return Err(Fault::NotJson),
                other => seen |= u64::from(other),
            }
        }
    }

    fn number(&mut self) -> Result<(), Fault> {
        if self.now() == Some(b'-') {
            self.at += 1;
        }
        match self.next()? {
            b'0' if matches!(self.now(), Some(b'0'..=b'9')) => return Err(Fault::NotJson),
            b'0' => {}
            b'1'..=b'9' => self.digits(),
            _ => return Err(Fault::NotJson),
        }
        if self.now() == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if let Some(b'e' | b'E') = self.now() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.now() {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Ok(())
    }

    fn some_digits(&mut self) -> Result<(), Fault> {
        match self.next()? {
            b'0'..=b'9' => {
                self.digits();
                Ok(())
            }
            _ => Err(Fault::NotJson),
        }
    }

    fn digits(&mut self) {
        while let Some(b'0'..=b'9') = self.now() {
            self.at += 1;
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), Fault> {
        for expected in word {
            if self.next()? != *expected {
                return Err(Fault::NotJson);
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Fault> {
        match self.peek() {
            Err(_) => Ok(()),
            Ok(_) => Err(Fault::NotJson),
        }
    }

    #[inline]
    fn now(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    #[inline]
    fn next(&mut self) -> Result<u8, Fault> {
        let byte = self.now().ok_or(Fault::EndsEarly)?;
        self.at += 1;
        Ok(byte)
    }

    /// The next byte that is no white space, which is not read yet.
    #[inline]
    fn peek(&mut self) -> Result<u8, Fault> {
        loop {
            match self.now() {
                Some(b' ' | b'\n' | b'\t' | b'\r') => self.at += 1,
                Some(byte) => return Ok(byte),
                None => return Err(Fault::EndsEarly),
            }
        }
    }

    /// The next byte that is no white space.
    #[inline]
    fn byte(&mut self) -> Result<u8, Fault> {
        let byte = self.peek()?;
        self.at += 1;
        Ok(byte)
    }
}

/// What ends the innermost level.
fn closing(levels: u64) -> u8 {
    match levels & 1 {
        1 => b'}',
        _ => b']',
    }
}

/// Line and column of a place in a text, both from 1.
#[must_use]
pub fn place(text: &[u8], at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let column = before
        .iter()
        .rev()
        .take_while(|byte| **byte != b'\n')
        .count();
    (line, column.max(1))
}

#[cfg(test)]
mod tests;
