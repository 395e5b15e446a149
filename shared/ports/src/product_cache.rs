//! The cache entries of products, which one function fills and another invalidates.

use domain::id::ProductId;

/// The cache key of a product.
pub fn product_cache_key(id: ProductId) -> String {
    format!("product:{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_have_distinct_cache_keys() {
        let [one, other] = [1, 2].map(|n| product_cache_key(ProductId(kernel::Uuid::from_u128(n))));
        assert_eq!(one, "product:00000000-0000-0000-0000-000000000001");
        assert_ne!(one, other);
    }
}
