//! The cache on Redis. Keys are drawn anew in each run, so that nothing else in it is touched.

use super::{PROCESSES, var};
use adapters::redis_cache::RedisCache;
use testkit::Platform;
use testkit::contract::Under;

async fn under() -> Under<RedisCache> {
    let url = var("REDIS_URL");
    Under::new((0..PROCESSES).map(|_| RedisCache::new(&url).expect("REDIS_URL can be read")), &Platform::new())
}

testkit::contract_cache!(under());
