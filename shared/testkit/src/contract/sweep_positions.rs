//! Contract of [`SweepPositions`].

use super::{Fixture, fresh};
use domain::id::ProductId;
use kernel::Timestamp;
use ports::{SweepPosition, SweepPositions};

/// Generates one test per rule of [`SweepPositions`]. The expression is a future of a `Fixture<impl SweepPositions>`.
#[macro_export]
macro_rules! contract_sweep_positions {
    ($fixture:expr) => {
        $crate::each_rule! { sweep_positions, $fixture;
            last_position_is_stored_for_all_processes
        }
    };
}

pub async fn last_position_is_stored_for_all_processes(fixture: &Fixture<impl SweepPositions>) {
    assert_eq!(fixture.port().position().await, Ok(None));
    let page = SweepPosition { hour: Timestamp::UNIX_EPOCH, after: Some(ProductId(fresh())) };
    for position in [page, SweepPosition { after: None, ..page }] {
        assert_eq!(fixture.port().advance(position).await, Ok(()));
        for process in fixture.concurrent(2) {
            assert_eq!(process.position().await, Ok(Some(position)));
        }
    }
}
