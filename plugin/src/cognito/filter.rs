//! The filter of ListUsers that finds one user by name.
//!
//! A name may hold quotes and backslashes. One that was not escaped would end the filter
//! early: the service refuses such a filter, and emulators ignore it and return everybody.
//! Whatever comes back is therefore compared with the name again.

/// The longest filter that the service accepts, in characters.
const LONGEST: usize = 256;

/// What stands before the name and after it, at most.
const FRAME: usize = r#"username ^= """#.len();

/// The filter for the user of this name. A name with so many characters to be escaped
/// that the filter would be too long is looked for by its first ones.
#[must_use]
pub fn username(name: &str) -> String {
    let mut written = String::with_capacity(name.len());
    let mut length = FRAME;
    let mut operator = "=";
    for letter in name.chars() {
        let escaped = matches!(letter, '"' | '\\');
        // The service may count in UTF-16; then no other count is larger.
        length += usize::from(escaped) + letter.len_utf16();
        if length > LONGEST {
            operator = "^=";
            break;
        }
        if escaped {
            written.push('\\');
        }
        written.push(letter);
    }
    format!(r#"username {operator} "{written}""#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_quoted() {
        assert_eq!(username("alice"), r#"username = "alice""#);
        assert_eq!(username("a = b,é😀"), r#"username = "a = b,é😀""#);
    }

    #[test]
    fn quotes_and_backslashes_can_not_end_the_filter() {
        assert_eq!(username(r#"a"b\c"#), r#"username = "a\"b\\c""#);
        assert_eq!(username(r#"\""#), r#"username = "\\\"""#);
        assert_eq!(
            username(r#"x" or username ^= ""#),
            r#"username = "x\" or username ^= \"""#
        );
    }

    #[test]
    fn a_filter_that_would_be_too_long_asks_for_the_beginning_of_the_name() {
        let longest = "n".repeat(128);
        assert_eq!(username(&longest), format!(r#"username = "{longest}""#));
        // 256 less the 14 of `username ^= ""` is room for 121 escaped characters.
        let room = r#"\""#.repeat(121);
        let filter = username(&r#"""#.repeat(121));
        assert_eq!(filter, format!(r#"username = "{room}""#));
        for number in [122, 128] {
            let filter = username(&r#"""#.repeat(number));
            assert_eq!(filter, format!(r#"username ^= "{room}""#));
            assert_eq!(filter.chars().count(), LONGEST);
        }
        // An escape is never cut in two, and neither is a character outside the BMP.
        let odd = username(&format!("a{}", r#"""#.repeat(127)));
        assert_eq!(odd, format!(r#"username ^= "a{}""#, r#"\""#.repeat(120)));
        let emoji = username(&"😀".repeat(128));
        assert_eq!(emoji, format!(r#"username ^= "{}""#, "😀".repeat(121)));
    }
}
