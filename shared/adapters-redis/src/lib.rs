//! What all processes share in Redis: a cache, a circuit breaker, revoked sessions and the requests of clients. None of them fails a request
//! when Redis is unreachable.

mod cache;
mod circuit_breaker;
mod link;
mod rate_limiter;
mod revocations;
mod token;

pub use cache::{RedisCache, RedisProbe};
pub use circuit_breaker::RedisCircuitBreaker;
pub use rate_limiter::RedisRateLimiter;
pub use revocations::RedisRevocations;

use adapters::config::ConfigError;
use adapters::wiring::{Result, Wiring};
use edge::http::Limited;
use link::{RedisLink, Server};
use std::rc::Rc;
use token::TokenSigner;

pub fn cache(wiring: &Wiring) -> Result<RedisCache> {
    Ok(RedisCache::of(link(wiring)?))
}

/// The readiness check of the cache.
pub fn cache_probe(wiring: &Wiring) -> Result<RedisProbe> {
    Ok(RedisProbe::of(link(wiring)?))
}

/// The circuit breaker before the payment gateway.
pub fn circuit_breaker(wiring: &Wiring) -> Result<RedisCircuitBreaker> {
    Ok(RedisCircuitBreaker::of(link(wiring)?, "gateway"))
}

pub fn revocations(wiring: &Wiring) -> Result<RedisRevocations> {
    Ok(RedisRevocations::of(link(wiring)?))
}

/// The route of a function, with the limits of its clients.
pub fn limited_route(wiring: &Wiring) -> Result<Limited<RedisRateLimiter>> {
    let (class, policies) = (wiring.function().route_class(), wiring.rate_limits()?);
    Ok(wiring.route()?.limited(RedisRateLimiter::of(link(wiring)?, class.name(), policies)))
}

/// The connection of the process, which all of its adapters share.
fn link(wiring: &Wiring) -> Result<Rc<RedisLink>> {
    wiring.shared(|| Ok(Rc::new(RedisLink::new(server(wiring)?))))
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
