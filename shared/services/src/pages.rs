//! Pages of lists whose items may be large.

use kernel::Failure;
use ports::Page;
use serde::Serialize;

/// Maximum size of the items of a page as JSON, in bytes. A Lambda response is limited to 6 MB and has the body in a JSON string, in which every
/// byte may need a backslash.
pub const MAX_PAGE_BYTES: usize = 2_900_000;

/// The page of at most `limit` items, as views, that `list` returns; of fewer items if they would be larger than
/// [`MAX_PAGE_BYTES`]. The page then has a cursor to the rest. A page has at least one item, whatever its size.
pub async fn page_within<T, V>(
    limit: u32,
    list: impl AsyncFn(u32) -> Result<Page<T>, Failure>,
) -> Result<Page<V>, Failure>
where
    V: Serialize + for<'a> From<&'a T>,
{
    let mut limit = limit;
    loop {
        let found = list(limit).await?;
        let items: Vec<V> = found.items.iter().map(V::from).collect();
        let fitting = fitting(&items)?;
        if fitting == items.len() {
            return Ok(Page { items, next: found.next });
        }
        // Read again with what fits, so that the cursor is the store's. The list may change in between, hence the loop.
        limit = u32::try_from(fitting).map_err(Failure::internal)?;
    }
}

/// How many of the items a page can hold; at least one, if there is one.
fn fitting<V: Serialize>(items: &[V]) -> Result<usize, Failure> {
    let mut size = 0;
    for (count, item) in items.iter().enumerate() {
        size += serde_json::to_vec(item).map_err(Failure::internal)?.len() + 1;
        if size > MAX_PAGE_BYTES && count > 0 {
            return Ok(count);
        }
    }
    Ok(items.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::cell::RefCell;

    /// Lists `all`, with the index of the next item as the cursor, and notes the limits that it was asked for.
    fn page(all: &[String], limit: u32) -> (Page<String>, Vec<u32>) {
        let asked = RefCell::new(Vec::new());
        let list = async |limit: u32| {
            asked.borrow_mut().push(limit);
            let items: Vec<String> = all.iter().take(limit as usize).cloned().collect();
            let next = (items.len() < all.len()).then(|| items.len().to_string());
            Ok(Page { items, next })
        };
        let page = page_within(limit, list).now_or_never().unwrap().unwrap();
        (page, asked.into_inner())
    }

    #[test]
    fn page_is_cut_before_it_is_too_large_and_its_cursor_is_that_of_the_last_item() {
        let all = vec!["x".repeat(MAX_PAGE_BYTES / 4); 10];
        let (cut, asked) = page(&all, 10);
        assert_eq!((cut.items.len(), cut.next.as_deref(), asked.as_slice()), (3, Some("3"), [10, 3].as_slice()));
        let (small, asked) = page(&all[..3], 10);
        assert_eq!((small.items.len(), small.next, asked.as_slice()), (3, None, [10].as_slice()));
    }

    #[test]
    fn page_has_one_item_whatever_its_size() {
        let (one, _) = page(&vec!["x".repeat(MAX_PAGE_BYTES * 2); 2], 10);
        assert_eq!((one.items.len(), one.next.as_deref()), (1, Some("1")));
        let (none, _) = page(&[], 10);
        assert_eq!((none.items.len(), none.next), (0, None));
    }
}
