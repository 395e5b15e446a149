//! Cache and breaker on Redis. Keys are drawn anew in each run, so that nothing else in it is touched.

use super::{PROCESSES, var};
use adapters::redis_breaker::RedisBreaker;
use adapters::redis_cache::RedisCache;
use testkit::Platform;
use testkit::contract::Under;

mod caches {
    use super::*;

    async fn under() -> Under<RedisCache> {
        let url = var("REDIS_URL");
        Under::new((0..PROCESSES).map(|_| RedisCache::new(&url).expect("REDIS_URL can be read")), &Platform::new())
    }

    testkit::contract_cache!(under());
}

mod breakers {
    use super::*;

    async fn under() -> Under<RedisBreaker> {
        let (url, name) = (var("REDIS_URL"), kernel::Ids::system().next().to_string());
        let breaker = || RedisBreaker::new(&url, &name).expect("REDIS_URL can be read");
        Under::new((0..PROCESSES).map(|_| breaker()), &Platform::new())
    }

    testkit::contract_breaker!(under());
}
