//! What the catalogue offers, through its published interface: its own HTTP API.

use crate::config::ConfigError;
use crate::web;
use catalog::Trigger;
use domain::Money;
use domain::id::ProductId;
use domain::order::ProductSnapshot;
use domain::text::ProductName;
use futures_util::{StreamExt, TryStreamExt, stream};
use kernel::Failure;
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use std::time::Duration;

const PART: &str = "catalogue";
const CONNECT: Duration = Duration::from_secs(1);
/// On one exchange.
const TOTAL: Duration = Duration::from_secs(3);
/// On all of them together: an order of a hundred lines makes a hundred.
const ALL: Duration = Duration::from_secs(4);
/// Requests at once.
const AT_ONCE: usize = 8;

/// ProductSnapshots from the catalogue's API.
#[derive(Debug, Clone)]
pub struct HttpProductSnapshots {
    http: Client,
    url: String,
}

/// A product as the API shows it, as far as an order needs it.
#[derive(Deserialize)]
struct Product {
    id: ProductId,
    name: ProductName,
    price: Money,
}

impl HttpProductSnapshots {
    /// The catalogue under this base URL.
    pub fn new(api_url: &str) -> Result<Self, ConfigError> {
        let Trigger::Http { path, .. } = catalog::PRODUCT_GET.trigger else {
            return Err(ConfigError::new("the catalogue shows no product over HTTP"));
        };
        Ok(Self { http: web::client(CONNECT, TOTAL)?, url: format!("{api_url}{path}") })
    }

    async fn one(&self, product: ProductId) -> Result<Option<ProductSnapshot>, Failure> {
        let unavailable = |error| Failure::unavailable(PART, web::cause(error));
        let url = self.url.replace("{id}", &product.to_string());
        let answer = self.http.get(url).send().await.map_err(unavailable)?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                return Err(Failure::unavailable(PART, status));
            }
            status => return Err(Failure::internal(format!("{PART}: {status}"))),
        }
        let body = answer.bytes().await.map_err(unavailable)?;
        let Product { id, name, price } =
            serde_json::from_slice(&body).map_err(|cause| Failure::internal(format!("{PART}: {cause}")))?;
        Ok(Some(ProductSnapshot { product_id: id, name, price }))
    }
}

impl ports::ProductSnapshots for HttpProductSnapshots {
    async fn find(&self, products: &[ProductId]) -> Result<Vec<ProductSnapshot>, Failure> {
        let found = stream::iter(products)
            .map(|product| self.one(*product))
            .buffer_unordered(AT_ONCE)
            .try_filter_map(|offer| async { Ok(offer) })
            .try_collect();
        match tokio::time::timeout(ALL, found).await {
            Ok(offers) => offers,
            Err(_) => Err(Failure::unavailable(PART, "not all products were answered for in time")),
        }
    }
}
