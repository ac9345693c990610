//! Writing: one object, member by member.

/// Writes one object. What is `None` is left out.
#[derive(Debug)]
pub struct Writer {
    text: String,
    /// Whether something stands before the next member or item.
    begun: bool,
}

impl Writer {
    /// An object without members.
    #[must_use]
    pub fn object() -> Self {
        // Most requests and lines of the log fit.
        let mut text = String::with_capacity(256);
        text.push('{');
        Self { text, begun: false }
    }

    /// A member that is a text.
    pub fn text(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.name(name);
            self.quoted(value);
        }
    }

    /// A member that is a number.
    pub fn number(&mut self, name: &str, value: Option<i64>) {
        if let Some(value) = value {
            self.name(name);
            self.text.push_str(&value.to_string());
        }
    }

    /// A member that is a list of objects or texts, as `item` writes them.
    pub fn list<T>(&mut self, name: &str, items: &[T], item: impl Fn(&mut Self, &T)) {
        self.name(name);
        self.text.push('[');
        self.begun = false;
        for value in items {
            self.comma();
            item(self, value);
            self.begun = true;
        }
        self.text.push(']');
        self.begun = true;
    }

    /// An item that is an object of texts.
    pub fn texts(&mut self, members: &[(&str, &str)]) {
        self.text.push('{');
        self.begun = false;
        for (name, value) in members {
            self.text(name, Some(value));
        }
        self.text.push('}');
    }

    /// An item that is a text.
    pub fn quoted(&mut self, text: &str) {
        self.text.push('"');
        for letter in text.chars() {
            match letter {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                '\t' => self.text.push_str("\\t"),
                '\u{8}' => self.text.push_str("\\b"),
                '\u{c}' => self.text.push_str("\\f"),
                '\0'..='\u{1f}' => {
                    let digit = |value| char::from_digit(value, 16).unwrap_or_default();
                    self.text.push_str("\\u00");
                    self.text.push(digit(u32::from(letter) / 16));
                    self.text.push(digit(u32::from(letter) % 16));
                }
                other => self.text.push(other),
            }
        }
        self.text.push('"');
    }

    /// The finished object.
    #[must_use]
    pub fn finish(mut self) -> String {
        self.text.push('}');
        self.text
    }

    fn name(&mut self, name: &str) {
        self.comma();
        self.quoted(name);
        self.text.push(':');
        self.begun = true;
    }

    fn comma(&mut self) {
        if self.begun {
            self.text.push(',');
        }
    }
}
