//! Deterministic ids by number: `ids::order(1)` is the same in every test and differs from every product id.

use domain::id::{OrderId, PaymentId, ProductId, RefundId, UserId};
use kernel::Uuid;

/// A version 7 UUID with the timestamp 2026-01-01T00:00:00Z, the kind `kind` and the number `n`.
const fn numbered(kind: u8, n: u64) -> Uuid {
    const MILLISECONDS: u128 = 1_767_225_600_000;
    const VERSION_7_VARIANT_1: u128 = 0x7000_8000_0000_0000_0000;
    Uuid::from_u128(
        (MILLISECONDS << 80)
            | VERSION_7_VARIANT_1
            | ((kind as u128) << 64 & (0xFFF << 64))
            | n as u128 & 0x3FFF_FFFF_FFFF_FFFF,
    )
}

pub const fn user(n: u64) -> UserId {
    UserId(numbered(1, n))
}

pub const fn product(n: u64) -> ProductId {
    ProductId(numbered(2, n))
}

pub const fn order(n: u64) -> OrderId {
    OrderId(numbered(3, n))
}

pub const fn payment(n: u64) -> PaymentId {
    PaymentId(numbered(4, n))
}

pub const fn event(n: u64) -> Uuid {
    numbered(5, n)
}

pub const fn refund(n: u64) -> RefundId {
    RefundId(numbered(7, n))
}

/// The correlation id of request `n`.
pub const fn request(n: u64) -> Uuid {
    numbered(6, n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_7_and_differ_by_kind_and_number() {
        for id in [order(0).0, order(1).0, product(1).0, event(u64::MAX)] {
            assert_eq!((id.get_version_num(), id.get_variant()), (7, order(9).0.get_variant()), "{id}");
        }
        assert_ne!(order(1).0, product(1).0);
        assert_ne!(order(1), order(2));
    }
}
