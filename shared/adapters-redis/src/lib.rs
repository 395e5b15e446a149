//! What all processes share in Redis: a cache and a circuit breaker. Neither fails a request when Redis is unreachable.

mod cache;
mod circuit_breaker;
mod link;

pub use cache::{RedisCache, RedisProbe};
pub use circuit_breaker::RedisCircuitBreaker;

use adapters::config::ConfigError;
use adapters::wiring::{Result, Wiring};

/// The shared cache.
pub fn cache(wiring: &Wiring) -> Result<RedisCache> {
    RedisCache::new(&wiring.redis_url()?).map_err(|_| invalid_url())
}

/// The readiness check of the cache.
pub fn cache_probe(wiring: &Wiring) -> Result<RedisProbe> {
    RedisProbe::new(&wiring.redis_url()?).map_err(|_| invalid_url())
}

/// The circuit breaker before the payment gateway.
pub fn circuit_breaker(wiring: &Wiring) -> Result<RedisCircuitBreaker> {
    RedisCircuitBreaker::new(&wiring.redis_url()?, "gateway").map_err(|_| invalid_url())
}

fn invalid_url() -> ConfigError {
    ConfigError::new("the environment variable REDIS_URL is not a valid Redis URL")
}
