use std::io::Read;

use super::*;

fn get(server: &Server, target: &str, token: &str) -> (u16, Value) {
    let mut connection = TcpStream::connect(server.address).unwrap();
    let request =
        format!("GET {target} HTTP/1.1\r\nhost: x\r\nAuthorization: Bearer {token}\r\n\r\n");
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

#[test]
fn following_the_cursors_reads_every_list_whole() {
    let server = Server::start().unwrap();
    for (path, expected) in [("/people", PEOPLE.len()), ("/teams/everyone/members", 3)] {
        let (mut target, mut found) = (path.to_owned(), 0);
        loop {
            let (status, page) = get(&server, &target, TOKEN);
            assert_eq!(status, 200, "{target}");
            found += page["items"].as_array().unwrap().len();
            let Some(next) = page["next"].as_str() else {
                break;
            };
            let next = next.replace('/', "%2F").replace('&', "%26");
            target = format!("{path}?size=2&cursor={next}");
        }
        assert_eq!(found, expected, "{path}");
    }
}

#[test]
fn a_wrong_token_a_foreign_cursor_and_an_unknown_id_are_refused() {
    let server = Server::start().unwrap();
    assert_eq!(get(&server, "/people", "x").0, 401);
    assert_eq!(get(&server, "/people?cursor=%2Fteams%262", TOKEN).0, 410);
    assert_eq!(get(&server, "/roles/crm.none/assignments", TOKEN).0, 404);
    assert_eq!(get(&server, "/roles/wiki%2Fadmin", TOKEN).1["app"], "wiki?");
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn a_planned_answer_is_given_once() {
    let server = Server::start().unwrap();
    server.answer_once(
        "/teams",
        Answer {
            status: 429,
            headers: vec![("retry-after", "1".to_owned())],
            body: "{}".to_owned(),
        },
    );
    assert_eq!(get(&server, "/people", TOKEN).0, 200);
    assert_eq!(get(&server, "/teams", TOKEN).0, 429);
    assert_eq!(get(&server, "/teams", TOKEN).0, 200);
}

#[test]
fn a_dropped_server_is_gone() {
    let server = Server::start().unwrap();
    let address = server.address;
    drop(server);
    assert!(TcpStream::connect(address).is_err());
}
