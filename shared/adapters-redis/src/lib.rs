//! What all processes share in Redis: a cache, a circuit breaker and revoked sessions. None of them fails a request when Redis is unreachable.

mod cache;
mod circuit_breaker;
mod link;
mod revocations;
mod token;

pub use cache::{RedisCache, RedisProbe};
pub use circuit_breaker::RedisCircuitBreaker;
pub use revocations::RedisRevocations;

use adapters::config::ConfigError;
use adapters::wiring::{Result, Wiring};
use link::Server;
use token::TokenSigner;

/// The shared cache.
pub fn cache(wiring: &Wiring) -> Result<RedisCache> {
    Ok(RedisCache::of(server(wiring)?))
}

/// The readiness check of the cache.
pub fn cache_probe(wiring: &Wiring) -> Result<RedisProbe> {
    Ok(RedisProbe::of(server(wiring)?))
}

/// The circuit breaker before the payment gateway.
pub fn circuit_breaker(wiring: &Wiring) -> Result<RedisCircuitBreaker> {
    Ok(RedisCircuitBreaker::of(server(wiring)?, "gateway"))
}

/// The revoked sessions.
pub fn revocations(wiring: &Wiring) -> Result<RedisRevocations> {
    Ok(RedisRevocations::of(server(wiring)?))
}

/// The Redis of the configuration, which on ElastiCache takes IAM tokens as passwords.
fn server(wiring: &Wiring) -> Result<Server> {
    let (url, config) = (wiring.redis_url()?, wiring.config());
    let tokens = match config.redis_iam_cache() {
        Some(cache) => Some(TokenSigner::new(config.credentials()?, config.region()?, cache)),
        None => None,
    };
    let invalid = |_| {
        ConfigError::new("the environment variable REDIS_URL is not a valid Redis URL; IAM tokens need TLS and a user")
    };
    Server::new(&url, tokens).map_err(invalid)
}
