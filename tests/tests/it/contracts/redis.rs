//! Cache and breaker on Redis. Keys are drawn anew in each run, so that nothing else in it is touched.

use super::{PROCESSES, var};
use adapters_redis::RedisCache;
use adapters_redis::RedisCircuitBreaker;
use testkit::Platform;
use testkit::contract::Fixture;

mod caches {
    use super::*;

    async fn under() -> Fixture<RedisCache> {
        let url = var("REDIS_URL");
        Fixture::new((0..PROCESSES).map(|_| RedisCache::new(&url).expect("REDIS_URL can be read")), &Platform::new())
    }

    testkit::contract_cache!(under());
}

mod breakers {
    use super::*;

    async fn under() -> Fixture<RedisCircuitBreaker> {
        let (url, name) = (var("REDIS_URL"), kernel::Ids::system().next().to_string());
        let breaker = || RedisCircuitBreaker::new(&url, &name).expect("REDIS_URL can be read");
        Fixture::new((0..PROCESSES).map(|_| breaker()), &Platform::new())
    }

    testkit::contract_circuit_breaker!(under());
}
