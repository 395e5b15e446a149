//! A source of ids that is passed in like the time, so that a simulation is reproducible.

use crate::{Timestamp, Uuid};
use std::cell::Cell;

/// A source of UUIDv7 ids.
#[derive(Debug, Clone)]
pub struct Ids {
    seeded: Option<Cell<u64>>,
    at: Timestamp,
}

impl Ids {
    /// Ids from the system clock and random number generator.
    pub fn system() -> Self {
        Self { seeded: None, at: Timestamp::UNIX_EPOCH }
    }

    /// A deterministic sequence of ids for `seed`, all with the timestamp `at`.
    pub fn seeded(seed: u64, at: Timestamp) -> Self {
        Self { seeded: Some(Cell::new(seed)), at }
    }

    /// Returns the next id.
    pub fn next(&self) -> Uuid {
        let Some(state) = &self.seeded else { return Uuid::now_v7() };
        let mut random = [0_u8; 10];
        for (chunk, salt) in random.chunks_mut(8).zip(0_u64..) {
            chunk.copy_from_slice(&split_mix(state, salt).to_be_bytes()[..chunk.len()]);
        }
        let millis = u64::try_from(self.at.as_millisecond()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, and random enough for ids.
fn split_mix(state: &Cell<u64>, salt: u64) -> u64 {
    state.set(state.get().wrapping_add(0x9E37_79B9_7F4A_7C15));
    let mut z = state.get() ^ salt;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_gives_the_same_distinct_ids() {
        let (a, b) = (Ids::seeded(7, Timestamp::UNIX_EPOCH), Ids::seeded(7, Timestamp::UNIX_EPOCH));
        let first = (a.next(), a.next());
        assert_eq!(first, (b.next(), b.next()));
        assert_ne!(first.0, first.1);
        assert_eq!(first.0.get_version_num(), 7);
    }

    #[test]
    fn generator_matches_the_published_splitmix64_sequence() {
        let state = Cell::new(0);
        let numbers = [(), (), ()].map(|()| split_mix(&state, 0));
        assert_eq!(numbers, [0xE220_A839_7B1D_CDAF, 0x6E78_9E6A_A1B9_65F4, 0x06C4_5D18_8009_454F]);
    }

    #[test]
    fn seeded_ids_are_stable_across_releases() {
        let at = Timestamp::from_second(1_795_250_880).expect("an instant");
        assert_eq!(Ids::seeded(7, at).next().to_string(), "01a1fd4a-7e00-73cb-a1e4-59320dd77241");
    }
}
