//! A second reader of JSON, lenient where servers are: it keeps every member of an object
//! in its order, a key that stands twice included, so that a target can ask what a server
//! reads that takes the first and what one reads that takes the last.
//!
//! It shares no line with the parser of the code under test.

/// A JSON value with all its members.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`, `true`, `false` or a number, as written.
    Word(String),
    /// A text, unescaped.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// An object.
    Object(Vec<(String, Json)>),
}

/// Which of several members with one key a server takes.
#[derive(Clone, Copy, Debug)]
pub enum Takes {
    /// The first.
    First,
    /// The last.
    Last,
}

impl Json {
    /// Reads the first value and does not mind what follows it.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let mut reader = Reader {
            rest: text.trim_start_matches('\u{feff}'),
        };
        reader.value(0)
    }

    /// Whether a key stands twice in an object, at any depth.
    pub fn has_twins(&self) -> bool {
        match self {
            Self::Word(_) | Self::Text(_) => false,
            Self::List(items) => items.iter().any(Self::has_twins),
            Self::Object(members) => members.iter().enumerate().any(|(index, (key, value))| {
                members[..index].iter().any(|(other, _)| other == key) || value.has_twins()
            }),
        }
    }

    /// The member of an object.
    pub fn member(&self, key: &str, takes: Takes) -> Option<&Self> {
        let Self::Object(members) = self else {
            return None;
        };
        let mut found = members.iter().filter(|(name, _)| name == key);
        let member = match takes {
            Takes::First => found.next(),
            Takes::Last => found.next_back(),
        };
        member.map(|(_, value)| value)
    }

    /// What a JSON Pointer leads to.
    pub fn pointer(&self, pointer: &str, takes: Takes) -> Option<&Self> {
        let mut at = self;
        for part in pointer.split('/').skip(1) {
            at = match at {
                Self::List(items) => items.get(part.parse::<usize>().ok()?)?,
                _ => at.member(&part.replace("~1", "/").replace("~0", "~"), takes)?,
            };
        }
        Some(at)
    }

    /// The text that it is.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a list.
    pub fn items(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The keys of an object.
    pub fn keys(&self) -> Vec<&str> {
        match self {
            Self::Object(members) => members.iter().map(|(key, _)| key.as_str()).collect(),
            _ => Vec::new(),
        }
    }
}

/// Deeper than any parser of the code under test goes.
const MAX_DEPTH: usize = 256;

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    /// The next character that is no white space, without taking it.
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    fn value(&mut self, depth: usize) -> Option<Json> {
        if depth > MAX_DEPTH {
            return None;
        }
        match self.peek()? {
            '"' => self.text().map(Json::Text),
            '[' => {
                self.take();
                let mut items = Vec::new();
                loop {
                    match self.peek()? {
                        ']' => {
                            self.take();
                            return Some(Json::List(items));
                        }
                        ',' => drop(self.take()),
                        _ => items.push(self.value(depth + 1)?),
                    }
                }
            }
            '{' => {
                self.take();
                let mut members = Vec::new();
                loop {
                    match self.peek()? {
                        '}' => {
                            self.take();
                            return Some(Json::Object(members));
                        }
                        ',' => drop(self.take()),
                        '"' => {
                            let key = self.text()?;
                            if self.peek()? != ':' {
                                return None;
                            }
                            self.take();
                            members.push((key, self.value(depth + 1)?));
                        }
                        _ => return None,
                    }
                }
            }
            _ => {
                let end = self
                    .rest
                    .find(|c: char| c.is_whitespace() || ",:[]{}\"".contains(c))
                    .unwrap_or(self.rest.len());
                let (word, rest) = self.rest.split_at(end);
                self.rest = rest;
                (!word.is_empty()).then(|| Json::Word(word.to_owned()))
            }
        }
    }

    fn text(&mut self) -> Option<String> {
        self.take();
        let mut units: Vec<u16> = Vec::new();
        loop {
            match self.take()? {
                '"' => return Some(String::from_utf16_lossy(&units)),
                '\\' => match self.take()? {
                    'u' => {
                        let digits = self.rest.get(..4)?;
                        units.push(u16::from_str_radix(digits, 16).ok()?);
                        self.rest = self.rest.get(4..)?;
                    }
                    escaped => {
                        let meant = match escaped {
                            'b' => '\u{8}',
                            'f' => '\u{c}',
                            'n' => '\n',
                            'r' => '\r',
                            't' => '\t',
                            other => other,
                        };
                        units.extend(meant.encode_utf16(&mut [0; 2]).iter());
                    }
                },
                plain => units.extend(plain.encode_utf16(&mut [0; 2]).iter()),
            }
        }
    }
}
