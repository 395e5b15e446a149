//! Product snapshots from the product catalogue, through its HTTP API.

use adapters::Wiring;
use adapters::config::ConfigError;
use catalog::{Trigger, Uses};
use domain::Money;
use domain::id::ProductId;
use domain::order::ProductSnapshot;
use domain::text::{Category, ProductName};
use kernel::Failure;
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use std::time::Duration;

pub fn product_snapshots(wiring: &Wiring) -> Result<HttpProductSnapshots, ConfigError> {
    wiring.require("the platform's API", |uses| matches!(uses, Uses::Api))?;
    HttpProductSnapshots::new(&wiring.config().api_url()?)
}

const DEPENDENCY: &str = "product catalogue";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);

#[derive(Debug, Clone)]
pub struct HttpProductSnapshots {
    http: Client,
    url: String,
}

/// The members of the catalogue's list that an order needs.
#[derive(Deserialize)]
struct Products {
    items: Vec<Product>,
}

#[derive(Deserialize)]
struct Product {
    id: ProductId,
    name: ProductName,
    category: Category,
    price: Money,
    version: u64,
}

impl HttpProductSnapshots {
    /// `api_url` is the base URL of the platform's API.
    pub fn new(api_url: &str) -> Result<Self, ConfigError> {
        let Trigger::Http { path, .. } = catalog::PRODUCT_LIST.trigger else {
            return Err(ConfigError::new("product-list has no HTTP route"));
        };
        Ok(Self { http: crate::client(CONNECT_TIMEOUT, REQUEST_TIMEOUT)?, url: format!("{api_url}{path}") })
    }
}

impl ports::ProductSnapshots for HttpProductSnapshots {
    async fn find(&self, products: &[ProductId]) -> Result<Vec<ProductSnapshot>, Failure> {
        if products.is_empty() {
            return Ok(Vec::new());
        }
        let unavailable = |error| Failure::unavailable(DEPENDENCY, crate::cause(error));
        // Ids have no characters that a query would have to escape.
        let ids: Vec<String> = products.iter().map(ToString::to_string).collect();
        let response =
            self.http.get(format!("{}?ids={}", self.url, ids.join(","))).send().await.map_err(unavailable)?;
        match response.status() {
            StatusCode::OK => {}
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                return Err(Failure::unavailable(DEPENDENCY, status));
            }
            status => return Err(Failure::internal(format!("{DEPENDENCY}: {status}"))),
        }
        let body = response.bytes().await.map_err(unavailable)?;
        let Products { items } =
            serde_json::from_slice(&body).map_err(|cause| Failure::internal(format!("{DEPENDENCY}: {cause}")))?;
        let snapshot = |Product { id, name, category, price, version }| ProductSnapshot {
            product_id: id,
            name,
            category,
            price,
            active: true,
            version,
        };
        Ok(items.into_iter().map(snapshot).collect())
    }
}
