//! Commands of staff about orders, as requests carry them.

use super::{Input, Reason, Status};
use kernel::Failure;
use schemars::JsonSchema;
use serde::Deserialize;

/// A request to change the status of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateStatus {
    /// `shipped`, `delivered` or `cancelled`.
    pub status: Status,
    /// Why it is cancelled: `staff_request`, the default, or `customer_request`.
    #[serde(default)]
    pub reason: Option<Reason>,
}

impl UpdateStatus {
    /// The input that the command is to the state machine. Fails with `Invalid`, naming the field.
    pub fn input(self) -> Result<Input, Failure> {
        match (self.status, self.reason) {
            (Status::Shipped, None) => Ok(Input::Ship),
            (Status::Delivered, None) => Ok(Input::Deliver),
            (Status::Cancelled, None | Some(Reason::StaffRequest)) => Ok(Input::CancelByStaff),
            (Status::Cancelled, Some(Reason::CustomerRequest)) => Ok(Input::CancelByCustomer),
            (Status::Pending | Status::Processing, _) => {
                Err(Failure::field("/status", "must be shipped, delivered or cancelled"))
            }
            (Status::Cancelled, Some(_)) => Err(Failure::field("/reason", "must be staff_request or customer_request")),
            (_, Some(_)) => Err(Failure::field("/reason", "is only allowed with the status cancelled")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(status: Status, reason: Option<Reason>) -> Result<Input, String> {
        UpdateStatus { status, reason }.input().map_err(|failure| failure.fields[0].pointer.clone())
    }

    #[test]
    fn staff_ship_deliver_and_cancel() {
        assert_eq!(input(Status::Shipped, None), Ok(Input::Ship));
        assert_eq!(input(Status::Delivered, None), Ok(Input::Deliver));
        assert_eq!(input(Status::Cancelled, None), Ok(Input::CancelByStaff));
        assert_eq!(input(Status::Cancelled, Some(Reason::StaffRequest)), Ok(Input::CancelByStaff));
        assert_eq!(input(Status::Cancelled, Some(Reason::CustomerRequest)), Ok(Input::CancelByCustomer));
    }

    #[test]
    fn other_statuses_and_reasons_are_rejected_by_field() {
        for status in [Status::Pending, Status::Processing] {
            assert_eq!(input(status, Some(Reason::StaffRequest)), Err("/status".to_owned()));
        }
        assert_eq!(input(Status::Cancelled, Some(Reason::Refunded)), Err("/reason".to_owned()));
        assert_eq!(input(Status::Shipped, Some(Reason::StaffRequest)), Err("/reason".to_owned()));
    }
}
