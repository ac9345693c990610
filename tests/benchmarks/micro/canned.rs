//! The pages that the small benchmarks read: full ones, of users as a company has them.

use std::fmt::Write as _;

/// The most rows that the service puts on a page.
const ROWS: usize = 60;

/// An answer to ListUsers.
pub(crate) fn users() -> String {
    page("PaginationToken")
}

/// An answer to ListUsersInGroup, which sends as much about each user.
pub(crate) fn members() -> String {
    page("NextToken")
}

fn page(token: &str) -> String {
    let mut page = String::from("{\"Users\":[");
    for row in 0..ROWS {
        let comma = if row == 0 { "" } else { "," };
        let sub = format!("{row:08x}-8c67-466d-9ee8-c0f1fe61b22c");
        // Writing into a text can't fail.
        let _ = write!(
            page,
            "{comma}{{\"Username\":\"{sub}\",\"Attributes\":[\
             {{\"Name\":\"sub\",\"Value\":\"{sub}\"}},\
             {{\"Name\":\"email\",\"Value\":\"kaethe.gross{row}@example.com\"}},\
             {{\"Name\":\"email_verified\",\"Value\":\"true\"}},\
             {{\"Name\":\"given_name\",\"Value\":\"Käthe\"}},\
             {{\"Name\":\"family_name\",\"Value\":\"Groß\"}},\
             {{\"Name\":\"name\",\"Value\":\"Käthe Groß\"}},\
             {{\"Name\":\"locale\",\"Value\":\"de-DE\"}},\
             {{\"Name\":\"custom:department\",\"Value\":\"R\\u0026D\"}},\
             {{\"Name\":\"custom:employee_id\",\"Value\":\"{row:08}\"}}],\
             \"UserCreateDate\":1546540643.271,\"UserLastModifiedDate\":1568128350.622,\
             \"Enabled\":true,\"UserStatus\":\"CONFIRMED\"}}"
        );
    }
    let _ = write!(page, "],\"{token}\":\"{}\"}}", "dG9rZW4".repeat(40));
    page
}
