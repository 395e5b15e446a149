//! The customer's side of the HTTP API, from a server that answers as the functions do.

use adapters_http::HttpStorefront;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use testkit::contract::{Fixture, storefront::StorefrontFixture};
use testkit::{Platform, build};

const TOKEN: &str = "a.token";

/// Orders by id, and ids by key.
#[derive(Debug, Default)]
struct Orders {
    statuses: BTreeMap<String, &'static str>,
    keys: BTreeMap<String, String>,
}

struct Request {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: Value,
}

/// Starts the server and returns its URL. It runs until the process ends.
fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let orders = Arc::new(Mutex::new(Orders::default()));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (orders, stream) = (Arc::clone(&orders), stream.expect("a connection"));
            std::thread::spawn(move || respond(&orders, stream));
        }
    });
    format!("http://{address}")
}

/// Serves one request per connection.
fn respond(orders: &Mutex<Orders>, mut stream: TcpStream) {
    let Some(request) = read(&stream) else { return };
    let (status, body) = route(&mut orders.lock().expect("no poison"), &request);
    let body = body.to_string();
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    stream.write_all((head + &body).as_bytes()).expect("the client listens");
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim().split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().expect("a number"));
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { method, path, headers, body: serde_json::from_slice(&body).unwrap_or_default() })
}

fn path_of(function: &catalog::Function) -> &'static str {
    let catalog::Trigger::Http { path, .. } = function.trigger else { panic!("{} has a route", function.name) };
    path
}

fn route(orders: &mut Orders, request: &Request) -> (u16, Value) {
    let account = build::canary_account();
    let (method, path) = (request.method.as_str(), request.path.as_str());
    if (method, path) == ("POST", path_of(catalog::USER_LOGIN)) {
        let fits = request.body == json!({ "email": account.email, "password": account.password });
        return if fits { (200, json!({ "access_token": TOKEN, "token_type": "Bearer" })) } else { (401, json!({})) };
    }
    if request.headers.get("authorization").is_none_or(|sent| *sent != format!("Bearer {TOKEN}")) {
        return (401, json!({}));
    }
    let view = |id: &str, status: &str| json!({ "id": id, "status": status, "status_reason": null });
    if path == path_of(catalog::ORDER_PLACE) && method == "POST" {
        let key = request.headers.get("idempotency-key").expect("a key").clone();
        assert_eq!(request.body["items"], json!([{ "product_id": account.product_id, "quantity": 1 }]));
        let command: domain::order::PlaceOrder = serde_json::from_value(request.body.clone()).expect("a valid request");
        command.check(domain::order::MAX_LINES).expect("valid");
        let id = orders.keys.entry(key).or_insert_with_key(|key| key.clone()).clone();
        orders.statuses.entry(id.clone()).or_insert("pending");
        return (201, view(&id, "pending"));
    }
    if (method, path) == ("GET", path_of(catalog::ORDER_LIST)) {
        let items: Vec<_> = orders.statuses.iter().map(|(id, status)| view(id, status)).collect();
        return (200, json!({ "items": items, "next_cursor": null }));
    }
    let id = path.rsplit('/').next().unwrap_or_default();
    match (method, orders.statuses.get_mut(id)) {
        (_, None) => (404, json!({})),
        ("DELETE", Some(status)) => {
            *status = "cancelled";
            (202, view(id, status))
        }
        (_, Some(status)) => (200, view(id, status)),
    }
}

async fn fixture() -> Fixture<StorefrontFixture<HttpStorefront>> {
    let port = HttpStorefront::new(&start(), Duration::ZERO).expect("the URL can be read");
    Fixture::new([StorefrontFixture { port, account: build::canary_account() }], &Platform::new())
}

testkit::contract_storefront!(fixture());
