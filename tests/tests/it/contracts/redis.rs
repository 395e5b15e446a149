//! Cache, circuit breaker, revocations and limits of clients on Redis. Every run uses new keys, so that other data stays untouched.

use super::{PROCESSES, var};
use adapters_redis::RedisCache;
use adapters_redis::RedisCircuitBreaker;
use adapters_redis::RedisRateLimiter;
use adapters_redis::RedisRevocations;
use testkit::Platform;
use testkit::contract::Fixture;

mod cache {
    use super::*;

    async fn fixture() -> Fixture<RedisCache> {
        let url = var("REDIS_URL");
        Fixture::new((0..PROCESSES).map(|_| RedisCache::new(&url).expect("REDIS_URL can be read")), &Platform::new())
    }

    testkit::contract_cache!(fixture());
}

mod circuit_breaker {
    use super::*;

    async fn fixture() -> Fixture<RedisCircuitBreaker> {
        let (url, name) = (var("REDIS_URL"), kernel::Ids::system().next().to_string());
        let breaker = || RedisCircuitBreaker::new(&url, &name).expect("REDIS_URL can be read");
        Fixture::new((0..PROCESSES).map(|_| breaker()), &Platform::new())
    }

    testkit::contract_circuit_breaker!(fixture());
}

mod revocations {
    use super::*;

    async fn fixture() -> Fixture<RedisRevocations> {
        let url = var("REDIS_URL");
        let process = || RedisRevocations::new(&url).expect("REDIS_URL can be read");
        Fixture::new((0..PROCESSES).map(|_| process()), &Platform::new())
    }

    testkit::contract_revocations!(fixture());
}

mod rate_limiter {
    use super::*;

    async fn fixture() -> Fixture<RedisRateLimiter> {
        let (url, class) = (var("REDIS_URL"), kernel::Ids::system().next().to_string());
        let policies = testkit::RateLimiter::POLICIES.to_vec();
        let process = || RedisRateLimiter::new(&url, &class, policies.clone()).expect("REDIS_URL can be read");
        Fixture::new((0..PROCESSES).map(|_| process()), &Platform::new())
    }

    testkit::contract_rate_limiter!(fixture());
}
