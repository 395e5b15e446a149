//! Limits of the requests of clients in Redis, which all functions of a class of routes share: GCRA, one round trip.

use crate::link::RedisLink;
use edge::http::RateLimiter;
use futures_util::{FutureExt as _, future::LocalBoxFuture};
use kernel::Timestamp;
use kernel::rate_limit::{Admission, Policy, Usage};
use redis::RedisError;
use std::rc::Rc;

/// Decides as [`kernel::rate_limit::admit`] does, in one step. `ARGV[1]` is the time, followed by interval and limit of the policy of each
/// key, all in microseconds. Returns whether the request is admitted, and the backlog of each policy. A number of 16 digits is stored as
/// text, since Lua's own format would round it.
const ADMIT: &str = "
local now, backlogs, admitted = tonumber(ARGV[1]), {}, 1
for i, key in ipairs(KEYS) do
  backlogs[i] = math.max(tonumber(redis.call('GET', key) or 0) - now, 0)
  if backlogs[i] + tonumber(ARGV[2 * i]) > tonumber(ARGV[2 * i + 1]) then admitted = 0 end
end
if admitted == 1 then
  for i, key in ipairs(KEYS) do
    backlogs[i] = backlogs[i] + tonumber(ARGV[2 * i])
    redis.call('SET', key, string.format('%.0f', now + backlogs[i]), 'PX', math.ceil(backlogs[i] / 1000))
  end
end
return {admitted, backlogs}";

/// The limits of one class of routes.
#[derive(Debug, Clone)]
pub struct RedisRateLimiter {
    link: Rc<RedisLink>,
    class: String,
    policies: Vec<Policy>,
}

impl RedisRateLimiter {
    /// Requests to all routes of `class` count together. Connects at the first request.
    pub fn new(url: &str, class: &str, policies: Vec<Policy>) -> Result<Self, RedisError> {
        Ok(Self::of(RedisLink::to(url)?, class, policies))
    }

    pub(crate) fn of(link: Rc<RedisLink>, class: &str, policies: Vec<Policy>) -> Self {
        Self { link, class: class.to_owned(), policies }
    }

    /// In braces, so that the keys of a client are on one node of a cluster.
    fn key(&self, client: &str, policy: &Policy) -> String {
        format!("rate:{{{}:{client}}}:{}", self.class, policy.window_s)
    }

    /// As [`RateLimiter::admit`]. Boxed, so that it is compiled here, and not in the crate of each route.
    fn count<'a>(&'a self, client: &'a str, now: Timestamp) -> LocalBoxFuture<'a, Option<Admission>> {
        async move {
            let mut command = redis::cmd("EVAL");
            command.arg(ADMIT).arg(self.policies.len());
            for policy in &self.policies {
                command.arg(self.key(client, policy));
            }
            command.arg(now.as_microsecond());
            for policy in &self.policies {
                command.arg(policy.interval_us()).arg(policy.limit_us());
            }
            let (admitted, backlogs) = self.link.execute::<(bool, Vec<i64>)>(&command).await?;
            let usage =
                self.policies.iter().zip(backlogs).map(|(policy, backlog_us)| Usage { policy: *policy, backlog_us });
            Some(Admission { admitted, usage: usage.collect() })
        }
        .boxed_local()
    }
}

impl RateLimiter for RedisRateLimiter {
    async fn admit(&self, client: &str, now: Timestamp) -> Option<Admission> {
        self.count(client, now).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_redis_no_request_is_counted_and_none_fails() {
        let policy = Policy { name: "minute", quota: 1, window_s: 60 };
        let limiter = RedisRateLimiter::new("redis://127.0.0.1:1", "read", vec![policy]).unwrap();
        for _ in 0..2 {
            assert_eq!(limiter.admit("192.0.2.1", Timestamp::UNIX_EPOCH).await, None);
        }
    }
}
