//! Commands of staff about orders, as requests carry them.

use super::{Input, Order, Reason, Status, Tracking, apply_command};
use crate::{
    DomainEvent,
    text::{Carrier, TrackingNumber},
};
use kernel::{Failure, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;

/// A request to change the status of an order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateStatus {
    /// `shipped`, `delivered` or `cancelled`.
    pub status: Status,
    /// Why it is cancelled: `staff_request`, the default, or `customer_request`.
    #[serde(default)]
    pub reason: Option<Reason>,
    /// Who carries the parcel, with `shipped`; together with the number.
    #[serde(default)]
    pub carrier: Option<Carrier>,
    #[serde(default)]
    pub tracking_number: Option<TrackingNumber>,
}

impl UpdateStatus {
    /// The input that the command is to the state machine. Fails with `Invalid`, naming the field.
    pub fn input(&self) -> Result<Input, Failure> {
        self.tracking()?;
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

    /// The tracking that the command states. Fails with `Invalid`, naming the field.
    fn tracking(&self) -> Result<Option<Tracking>, Failure> {
        let shipped_only = |pointer| Err(Failure::field(pointer, "is only allowed with the status shipped"));
        match (&self.carrier, &self.tracking_number) {
            (None, None) => Ok(None),
            (Some(_), _) if self.status != Status::Shipped => shipped_only("/carrier"),
            (_, Some(_)) if self.status != Status::Shipped => shipped_only("/tracking_number"),
            (Some(carrier), Some(number)) => Ok(Some(Tracking { carrier: carrier.clone(), number: number.clone() })),
            (Some(_), None) => Err(Failure::field("/tracking_number", "is required with a carrier")),
            (None, Some(_)) => Err(Failure::field("/carrier", "is required with a tracking number")),
        }
    }
}

/// Applies the command; otherwise as [`apply_command`]. Tracking of an order that is shipped already stays as it is.
pub fn update_status(
    order: &Order,
    command: &UpdateStatus,
    now: Timestamp,
) -> Result<Option<(Order, Option<DomainEvent>)>, Failure> {
    let input = command.input()?;
    match command.tracking()? {
        Some(tracking) => apply_command(&Order { tracking: Some(tracking), ..order.clone() }, input, now),
        None => apply_command(order, input, now),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(status: Status, reason: Option<Reason>) -> UpdateStatus {
        UpdateStatus { status, reason, carrier: None, tracking_number: None }
    }

    fn input(status: Status, reason: Option<Reason>) -> Result<Input, String> {
        command(status, reason).input().map_err(|failure| failure.fields[0].pointer.clone())
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

    #[test]
    fn carrier_and_number_come_together_and_with_shipped_only() {
        let (carrier, number) = (Carrier::parse("DHL").ok(), TrackingNumber::parse("00340434-1").ok());
        let input = |status, carrier: &Option<Carrier>, tracking_number: &Option<TrackingNumber>| {
            let (carrier, tracking_number) = (carrier.clone(), tracking_number.clone());
            let command = UpdateStatus { carrier, tracking_number, ..command(status, None) };
            command.input().map_err(|failure| failure.fields[0].pointer.clone())
        };
        assert_eq!(input(Status::Shipped, &carrier, &number), Ok(Input::Ship));
        assert_eq!(input(Status::Shipped, &carrier, &None), Err("/tracking_number".to_owned()));
        assert_eq!(input(Status::Shipped, &None, &number), Err("/carrier".to_owned()));
        assert_eq!(input(Status::Delivered, &carrier, &number), Err("/carrier".to_owned()));
        assert_eq!(input(Status::Cancelled, &None, &number), Err("/tracking_number".to_owned()));
    }
}
