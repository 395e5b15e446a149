//! Product snapshots from the product catalogue, through its HTTP API.

use adapters::Wiring;
use adapters::config::ConfigError;
use catalog::{Trigger, Uses};
use domain::Money;
use domain::id::ProductId;
use domain::order::ProductSnapshot;
use domain::text::ProductName;
use futures_util::{StreamExt, TryStreamExt, stream};
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
/// Timeout of one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);
/// Timeout of all requests of one call: an order of a hundred lines makes a hundred.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(4);
const MAX_CONCURRENT_REQUESTS: usize = 8;

#[derive(Debug, Clone)]
pub struct HttpProductSnapshots {
    http: Client,
    url: String,
}

/// The members of a product that an order needs.
#[derive(Deserialize)]
struct Product {
    id: ProductId,
    name: ProductName,
    price: Money,
}

impl HttpProductSnapshots {
    /// `api_url` is the base URL of the platform's API.
    pub fn new(api_url: &str) -> Result<Self, ConfigError> {
        let Trigger::Http { path, .. } = catalog::PRODUCT_GET.trigger else {
            return Err(ConfigError::new("product-get has no HTTP route"));
        };
        Ok(Self { http: crate::client(CONNECT_TIMEOUT, REQUEST_TIMEOUT)?, url: format!("{api_url}{path}") })
    }

    async fn find_one(&self, product: ProductId) -> Result<Option<ProductSnapshot>, Failure> {
        let unavailable = |error| Failure::unavailable(DEPENDENCY, crate::cause(error));
        let url = self.url.replace("{id}", &product.to_string());
        let response = self.http.get(url).send().await.map_err(unavailable)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                return Err(Failure::unavailable(DEPENDENCY, status));
            }
            status => return Err(Failure::internal(format!("{DEPENDENCY}: {status}"))),
        }
        let body = response.bytes().await.map_err(unavailable)?;
        let Product { id, name, price } =
            serde_json::from_slice(&body).map_err(|cause| Failure::internal(format!("{DEPENDENCY}: {cause}")))?;
        Ok(Some(ProductSnapshot { product_id: id, name, price }))
    }
}

impl ports::ProductSnapshots for HttpProductSnapshots {
    async fn find(&self, products: &[ProductId]) -> Result<Vec<ProductSnapshot>, Failure> {
        let found = stream::iter(products)
            .map(|product| self.find_one(*product))
            .buffer_unordered(MAX_CONCURRENT_REQUESTS)
            .try_filter_map(|snapshot| async { Ok(snapshot) })
            .try_collect();
        match tokio::time::timeout(TOTAL_TIMEOUT, found).await {
            Ok(snapshots) => snapshots,
            Err(_) => Err(Failure::unavailable(DEPENDENCY, "not all products were read in time")),
        }
    }
}
