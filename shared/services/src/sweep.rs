//! Sweeps: page through the items that are due and process each.

use kernel::{Failure, FailureKind};

/// How a sweep proceeds.
#[derive(Debug)]
pub struct Sweep<T> {
    /// Maximum number of pages in one run; the next run continues.
    pub max_pages: u32,
    /// Consecutive items that fail because a dependency is unavailable, after which a run ends: the others would fail, too.
    pub max_unavailable: u32,
    /// Logs the failure of an item that does not end the run.
    pub log: fn(&T, &Failure),
}

/// What a sweep did.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct SweepSummary {
    /// Items that were processed or failed.
    pub items: u32,
    /// Items that were changed.
    pub changed: u32,
    /// Items whose failure was logged.
    pub failed: u32,
    /// The failure that ended the run early, if one did.
    pub result: Result<(), Failure>,
}

impl<T> Sweep<T> {
    /// Reads pages with `page`, which gets the last item of the page before, until one is empty, and calls `process` with each item,
    /// which returns whether it changed anything. A failure of one item does not block the others, unless a dependency is unavailable. Once
    /// `is_over`, no other page or item begins.
    pub async fn run(
        &self,
        is_over: impl Fn() -> bool,
        mut page: impl AsyncFnMut(Option<&T>) -> Result<Vec<T>, Failure>,
        mut process: impl AsyncFnMut(&T) -> Result<bool, Failure>,
    ) -> SweepSummary {
        let mut summary = SweepSummary { items: 0, changed: 0, failed: 0, result: Ok(()) };
        let (mut last, mut unavailable) = (None, 0);
        for _ in 0..self.max_pages {
            if is_over() {
                break;
            }
            let items = match page(last.as_ref()).await {
                Ok(items) if items.is_empty() => break,
                Ok(items) => items,
                Err(failure) => return SweepSummary { result: Err(failure), ..summary },
            };
            for item in &items {
                if is_over() {
                    return summary;
                }
                summary.items += 1;
                let processed = process(item).await;
                let is_unavailable = processed.as_ref().is_err_and(|failure| failure.kind == FailureKind::Unavailable);
                unavailable = if is_unavailable { unavailable + 1 } else { 0 };
                match processed {
                    Ok(changed) => summary.changed += u32::from(changed),
                    Err(failure) if unavailable == self.max_unavailable => {
                        return SweepSummary { result: Err(failure), ..summary };
                    }
                    Err(failure) => {
                        summary.failed += 1;
                        (self.log)(item, &failure);
                    }
                }
            }
            last = items.into_iter().next_back();
        }
        summary
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use std::cell::Cell;

    fn sweep(max_pages: u32, max_unavailable: u32) -> Sweep<u32> {
        Sweep { max_pages, max_unavailable, log: |_, _| () }
    }

    /// Sweeps the numbers from 1 to `count` in pages of two.
    fn run(
        sweep: Sweep<u32>,
        count: u32,
        mut process: impl FnMut(u32) -> Result<bool, Failure>,
    ) -> (SweepSummary, Vec<u32>) {
        let mut seen = Vec::new();
        let page = async |last: Option<&u32>| {
            let first = last.map_or(1, |last| last + 1);
            Ok((first..=count).take(2).collect())
        };
        let item = async |item: &u32| {
            seen.push(*item);
            process(*item)
        };
        let summary = sweep.run(|| false, page, item).now_or_never().unwrap();
        (summary, seen)
    }

    #[test]
    fn pages_are_read_until_one_is_empty_or_their_maximum_is_reached() {
        assert_eq!(run(sweep(10, 1), 5, |_| Ok(true)).1, [1, 2, 3, 4, 5]);
        assert_eq!(run(sweep(2, 1), 5, |_| Ok(true)).1, [1, 2, 3, 4]);
        let (summary, _) = run(sweep(10, 1), 5, |n| Ok(n % 2 == 0));
        assert_eq!(summary, SweepSummary { items: 5, changed: 2, failed: 0, result: Ok(()) });
    }

    #[test]
    fn failed_items_are_counted_and_do_not_block_the_others() {
        let (summary, seen) = run(sweep(10, 1), 3, |n| if n == 2 { Err(Failure::internal("a row")) } else { Ok(true) });
        assert_eq!(summary, SweepSummary { items: 3, changed: 2, failed: 1, result: Ok(()) });
        assert_eq!(seen, [1, 2, 3]);
    }

    #[test]
    fn only_consecutive_items_with_an_unavailable_dependency_end_a_sweep() {
        let away = || Failure::unavailable("database", "away");
        let (summary, seen) = run(sweep(10, 1), 5, |_| Err(away()));
        assert_eq!((summary.failed, summary.result, seen.len()), (0, Err(away()), 1));
        let (summary, seen) = run(sweep(10, 2), 9, |n| if n % 2 == 0 || n > 6 { Err(away()) } else { Ok(true) });
        assert_eq!((summary.changed, summary.failed), (3, 3));
        assert_eq!((summary.result, seen), (Err(away()), vec![1, 2, 3, 4, 5, 6, 7]));
    }

    #[test]
    fn no_item_and_no_page_begins_when_the_time_of_a_sweep_is_over() {
        for (allowed, pages_read) in [(0, 0), (1, 1), (2, 1), (3, 2)] {
            let (pages, seen) = (Cell::new(0), Cell::new(0));
            let page = async |last: Option<&u32>| {
                pages.set(pages.get() + 1);
                let first = last.map_or(1, |last| last + 1);
                Ok(vec![first, first + 1])
            };
            let item = async |_: &u32| {
                seen.set(seen.get() + 1);
                Ok(true)
            };
            let summary = sweep(10, 1).run(|| seen.get() >= allowed, page, item).now_or_never().unwrap();
            assert_eq!((summary.items, summary.result), (allowed, Ok(())));
            assert_eq!((seen.get(), pages.get()), (allowed, pages_read));
        }
    }

    #[test]
    fn page_that_cannot_be_read_ends_a_sweep() {
        let page = async |_: Option<&u32>| Err(Failure::internal("a page"));
        let summary = sweep(10, 1).run(|| false, page, async |_: &u32| Ok(true)).now_or_never().unwrap();
        assert_eq!((summary.items, summary.result), (0, Err(Failure::internal("a page"))));
    }
}
