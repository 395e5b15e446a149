//! Kafka's default partitioner: MurmurHash2 as in `org.apache.kafka.common.utils.Utils`.

const SEED: u32 = 0x9747_b28c;
const M: u32 = 0x5bd1_e995;
const R: u32 = 24;

/// The partition of a key among `count`.
pub(super) fn partition(key: &[u8], count: i32) -> i32 {
    // The sign bit is cleared, as Kafka does.
    let positive = i32::try_from(hash(key) & 0x7fff_ffff).unwrap_or_default();
    positive.checked_rem(count).unwrap_or_default()
}

fn hash(data: &[u8]) -> u32 {
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let mut h = SEED ^ length;
    let (words, rest) = data.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> R;
        h = h.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !rest.is_empty() {
        for (byte, shift) in rest.iter().zip([0, 8, 16]) {
            h ^= u32::from(*byte) << shift;
        }
        h = h.wrapping_mul(M);
    }
    h ^= h >> 13;
    h = h.wrapping_mul(M);
    h ^ (h >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_equal_those_of_kafkas_own_tests() {
        for (text, expected) in [
            ("21", -973_932_308_i32),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(hash(text.as_bytes()), expected.cast_unsigned(), "{text}");
        }
    }

    #[test]
    fn partition_is_within_the_count() {
        for key in ["", "a", "0192f0c1-2345-7abc-8def-0123456789ab"] {
            assert!((0..4).contains(&partition(key.as_bytes(), 4)));
        }
        assert_eq!(partition(b"a", 0), 0);
    }
}
