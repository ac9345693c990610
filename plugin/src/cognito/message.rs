//! Requests and answers, as small as one API needs them.
//!
//! Headers are a plain list: the crate `http` has a hash table for them and the table of
//! all names that there are, which would be larger than what reads and writes them here.

/// Where a connection begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Without TLS.
    Http,
    /// With TLS.
    Https,
}

/// One header. Not shown for debugging: its value may be a secret.
#[derive(Clone)]
pub struct Header {
    /// In lower case.
    pub name: String,
    /// Without control characters.
    pub value: Vec<u8>,
    /// Whether the value must not be shown.
    pub secret: bool,
}

/// Headers, in the order in which they were added.
#[derive(Clone, Default)]
pub struct Headers(Vec<Header>);

/// A value with a control character in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidValue;

impl Headers {
    /// Adds a header.
    pub fn add(&mut self, name: &str, value: &[u8]) -> Result<(), InvalidValue> {
        self.push(name, value, false)
    }

    /// Adds a header whose value must not be shown.
    pub fn add_secret(&mut self, name: &str, value: &[u8]) -> Result<(), InvalidValue> {
        self.push(name, value, true)
    }

    fn push(&mut self, name: &str, value: &[u8], secret: bool) -> Result<(), InvalidValue> {
        if value
            .iter()
            .any(|byte| *byte != b'\t' && byte.is_ascii_control())
        {
            return Err(InvalidValue);
        }
        self.0.push(Header {
            name: name.to_owned(),
            value: value.to_owned(),
            secret,
        });
        Ok(())
    }

    /// Adds all of others.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Header> {
        self.0.iter()
    }

    /// The values of a name.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let named = self.0.iter().filter(move |header| header.name == name);
        named.map(|header| header.value.as_slice())
    }

    /// Whether there is a header of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// The first value of a name, if it is text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.all(name).next().and_then(text)
    }
}

/// A value as text, which has to be ASCII.
#[must_use]
pub fn text(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value)
        .ok()
        .filter(|text| text.is_ascii())
}

/// A request.
#[derive(Clone)]
pub struct Request {
    /// Its method, in capitals.
    pub method: String,
    /// Where its connection begins.
    pub scheme: Scheme,
    /// Host, and port where it is not the scheme's own.
    pub authority: Option<String>,
    /// Path and query.
    pub path: Option<String>,
    /// Its headers, without those about its length.
    pub headers: Headers,
    /// Its body.
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Clone)]
pub struct Answer {
    /// From 100 to 999.
    pub status: u16,
    /// The headers that anybody looks at.
    pub headers: Headers,
    /// Its body.
    pub body: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_no_control_character_but_the_tab() {
        let mut headers = Headers::default();
        for value in [&b"a\tb"[..], b"", "\u{fc}".as_bytes(), b"\xff"] {
            assert_eq!(headers.add("a", value), Ok(()), "{value:?}");
        }
        for value in [&b"a\r\nb: c"[..], b"\0", b"\x1b", b"\x7f"] {
            assert_eq!(headers.add("b", value), Err(InvalidValue), "{value:?}");
        }
        assert!(headers.has("a") && !headers.has("b"));
    }

    #[test]
    fn the_first_value_of_a_name_counts_if_it_is_ascii() {
        let mut headers = Headers::default();
        for (name, value) in [("a", "1"), ("b", "\u{fc}"), ("a", "2"), ("b", "3")] {
            headers.add(name, value.as_bytes()).unwrap();
        }
        assert_eq!(headers.text("a"), Some("1"));
        assert_eq!(headers.text("b"), None);
        assert_eq!(headers.text("c"), None);
        assert!(headers.all("a").eq([b"1", b"2"]));
    }
}
