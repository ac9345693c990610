//! Files that are not read at all, and what is said of them.

use super::*;

fn refused_creation(text: &str) -> String {
    let schema = schema();
    refused(
        text,
        Wanted::CreateAccount {
            kind: "user",
            schema: &schema,
        },
    )
}

#[test]
fn a_csv_of_accounts_has_no_column_that_formulas_may_have_changed() {
    let said = refused("account,id\nuser:a,'=x\n", Wanted::DeleteAccount);
    assert_eq!(
        said,
        "column 2 of the header is not `account`, which is the only one here; the CSV of `list` is \
         not taken, because an id that looks like a formula is changed in it: use `list … -o jsonl`"
    );
    let rows = rows("account\nuser:a\n", Wanted::DeleteAccount);
    assert_eq!(errors(&rows), ["fine"]);
}

#[test]
fn a_wrong_header_is_one_error_of_the_file() {
    let cases = [
        (
            "entitlement\ngroup:a:member\n",
            "the header lacks the column `principal`; the first line names the columns: entitlement, principal",
        ),
        (
            "entitlement;principal\na;b\n",
            "its columns are separated by semicolons; write commas",
        ),
        (
            "entitlement\tprincipal\na\tb\n",
            "its columns are separated by tabs; write commas",
        ),
        (
            "entitlement,principal,\na,b,\n",
            "column 3 of the header has no name; name it or leave it out",
        ),
        (
            "entitlement, principal\na,b\n",
            "column 2 of the header has blanks around its name; leave them out",
        ),
        (
            "entitlement,principal,principal\na,b,b\n",
            "columns 2 and 3 of the header have the same name; leave one of them out",
        ),
        (
            "group:s3cret:member,user:s3cret\n",
            "column 1 of the header is not one of entitlement, principal; leave it out or correct its name",
        ),
        ("entitlement,principal\n\n", "it has a header and no rows"),
        (
            " \n\t\n",
            "it is empty; the first line names the columns, or each line is a JSON object",
        ),
        (
            "",
            "it is empty; the first line names the columns, or each line is a JSON object",
        ),
    ];
    for (text, wanted) in cases {
        assert_eq!(refused(text, Wanted::Grant), wanted);
    }
}

#[test]
fn values_in_place_of_a_header_are_not_taken_for_names_of_attributes() {
    let said = refused_creation("s3cret@example.com,Alice\nbob@example.com,Bob\n");
    assert_eq!(
        said,
        "no column of the header is a field of the account; the first line names the columns: \
         email, given_name, send_invite_email, level, and attributes under the system's own names"
    );
}

#[test]
fn a_column_of_a_new_account_stands_once() {
    assert_eq!(
        refused_creation("email,nickname,nickname\na,b,c\n"),
        "columns 2 and 3 of the header have the same name; leave one of them out"
    );
}

#[test]
fn json_that_is_not_by_lines_is_one_error_of_the_file() {
    let said = "it is JSON, but not one object a line; write it so (`-o jsonl` does, `jq -c '.[]'` \
                turns an array into it)";
    assert_eq!(
        refused("[{\"account\":\"user:a\"}]", Wanted::DeleteAccount),
        said
    );
    assert_eq!(
        refused("{\n\"account\":\"user:a\"\n}\n", Wanted::DeleteAccount),
        said
    );
}

#[test]
fn a_quote_that_leaves_open_where_a_cell_ends_is_an_error_of_the_file() {
    let cases = [
        ("a\"b,user:a\n", 2, "a quote stands inside a cell"),
        (
            "x,y\n\"a\nb\"c,user:a\n",
            4,
            "something follows the quote that closes a cell",
        ),
        (
            "x,y\n\"a\nb,user:a\nc,d\n",
            3,
            "the quote that opens a cell is never closed",
        ),
        ("x, \"user:a, b\"\n", 2, "a quote stands inside a cell"),
    ];
    for (rows, line, problem) in cases {
        assert_eq!(
            refused(format!("entitlement,principal\n{rows}"), Wanted::Grant),
            format!(
                "line {line}: {problem}, so it is open where the row ends; put the whole cell into \
                 quotes and write each quote in it twice"
            )
        );
    }
}

#[test]
fn a_file_that_is_no_utf_8_is_refused_with_the_line() {
    let latin = b"entitlement,principal\ngroup:a:member,user:J\xfcrgen\n";
    let said = "line 2 is not UTF-8 text; save the file as UTF-8 (spreadsheets: `CSV UTF-8`)";
    assert_eq!(refused(latin, Wanted::Grant), said);
    assert_eq!(refused("account\nuser:\0a\n", Wanted::DeleteAccount), said);
    for mark in [[0xff, 0xfe], [0xfe, 0xff]] {
        assert_eq!(
            refused([&mark[..], b"a\0"].concat(), Wanted::Grant),
            "it is UTF-16 text; save it as UTF-8 (spreadsheets: `CSV UTF-8`)"
        );
    }
}

#[test]
fn a_file_beyond_the_limits_is_refused() {
    let endless = io::repeat(b'a');
    let said = read(endless, &Wanted::Grant).unwrap_err().to_string();
    assert_eq!(
        said,
        "it is larger than 64 MiB; divide it into several files"
    );

    let mut text = "account\n".to_owned();
    text.push_str(&"a\n".repeat(MAX_ROWS));
    assert_eq!(rows(&text, Wanted::DeleteAccount).len(), MAX_ROWS);
    text.push_str("a\n");
    assert_eq!(
        refused(&text, Wanted::DeleteAccount),
        "it has more than 1000000 rows; divide it into several files"
    );
}

#[test]
fn a_file_that_cannot_be_read_says_why() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let said = read(Failing, &Wanted::Grant).unwrap_err().to_string();
    assert_eq!(said, "it cannot be read: the disk is gone");
}

#[test]
fn no_bytes_make_it_fail_otherwise_than_by_an_error() {
    const SPECIAL: &[u8] = b"\",\n\r{}[]:;account\0\xff\xef\xbb\xbf";
    let mut random = fastrand::Rng::with_seed(4);
    for _ in 0..5000 {
        let mut text = match random.u8(..3) {
            0 => b"account\n".to_vec(),
            1 => b"{\"account\":".to_vec(),
            _ => Vec::new(),
        };
        for _ in 0..random.usize(..40) {
            text.push(SPECIAL[random.usize(..SPECIAL.len())]);
        }
        if let Ok(rows) = read(text.as_slice(), &Wanted::DeleteAccount) {
            let numbers: Vec<_> = rows.iter().map(|row| row.number).collect();
            assert_eq!(numbers, (1..=rows.len() as u64).collect::<Vec<_>>());
        }
    }
}
