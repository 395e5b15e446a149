//! Product snapshots over HTTP, from a server that returns the public view of a product.

use adapters_http::HttpProductSnapshots;
use api::{ListView, ProductView};
use domain::product::Product;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use testkit::Platform;
use testkit::contract::{Fixture, Observed, product_snapshots::ProductSource};

/// A server of product-list. It runs until the process ends.
#[derive(Debug, Clone, Default)]
struct Api(Arc<Mutex<Vec<ProductView>>>);

impl Api {
    /// Starts the server and returns its URL.
    fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let api = self.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let api = api.clone();
                std::thread::spawn(move || api.respond(stream.expect("a connection")));
            }
        });
        format!("http://{address}")
    }

    /// Serves one request per connection.
    fn respond(&self, mut stream: TcpStream) {
        let mut lines = BufReader::new(stream.try_clone().expect("a stream")).lines().map_while(Result::ok);
        let request = lines.next().unwrap_or_default();
        lines.take_while(|line| !line.is_empty()).for_each(drop);
        let catalog::Trigger::Http { path, .. } = catalog::PRODUCT_LIST.trigger else { panic!("it has a route") };
        let asked = request.split(' ').nth(1).and_then(|target| target.strip_prefix(path)?.strip_prefix("?ids="));
        let ids: Vec<&str> = asked.map(|ids| ids.split(',').collect()).unwrap_or_default();
        let mut items = self.0.lock().expect("no poison").clone();
        items.retain(|view| ids.contains(&&*view.id));
        let body = serde_json::to_string(&ListView { items, next_cursor: None }).expect("views serialize");
        let status = if asked.is_some() { "200 OK" } else { "404 Not Found" };
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        stream.write_all((head + &body).as_bytes()).expect("the client listens");
    }
}

impl ProductSource for Api {
    async fn add(&self, product: &Product) {
        self.0.lock().expect("no poison").push(ProductView::from(product));
    }
}

async fn fixture() -> Fixture<Observed<HttpProductSnapshots, Api>> {
    let api = Api::default();
    let port = HttpProductSnapshots::new(&api.start()).expect("the URL can be read");
    Fixture::new([Observed { port, observer: api }], &Platform::new())
}

testkit::contract_product_snapshots!(fixture());
