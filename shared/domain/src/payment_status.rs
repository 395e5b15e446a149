//! The status of payments, refunds and disputes and the reasons for them, as they appear in the API, in events and in the database.

words! {
    /// The status of a payment.
    #[schemars(rename = "PaymentStatus")]
    pub enum Status {
        /// An attempt is in progress.
        Pending,
        /// The last attempt requires the customer's consent.
        RequiresAction,
        /// Charged.
        Succeeded,
        /// The last attempt was declined. While the order is pending, the customer may retry.
        Failed,
        /// Refunded in full.
        Refunded,
        /// Refunded in part.
        PartiallyRefunded,
        /// The order costs nothing: it is confirmed without a charge.
        NoPaymentRequired,
    }

    /// Why a payment is refunded.
    pub enum RefundReason {
        /// The customer requested it.
        RequestedByCustomer,
        /// The order was charged twice.
        Duplicate,
        /// The card holder did not authorize the payment.
        Fraudulent,
        /// The order was cancelled.
        OrderCancelled,
        /// Staff made it in the gateway's dashboard.
        MadeAtGateway,
    }

    /// Why staff refund a payment.
    pub enum StaffRefundReason {
        /// The customer requested it.
        RequestedByCustomer,
        /// The order was charged twice.
        Duplicate,
        /// The card holder did not authorize the payment.
        Fraudulent,
    }

    /// The status of a refund.
    pub enum RefundStatus {
        /// Requested.
        Pending,
        /// Refunded.
        Succeeded,
        /// Failed permanently.
        Failed,
    }

    /// The status of a dispute, in the gateway's words (<https://docs.stripe.com/api/disputes/object#dispute_object-status>).
    ///
    /// In the order in which a dispute may pass through them: a report of an earlier status is out of date.
    pub enum DisputeStatus {
        /// Inquiry: the bank asks before it disputes; no money is withdrawn.
        WarningNeedsResponse,
        /// The bank considers the answer to its inquiry.
        WarningUnderReview,
        /// The inquiry led to no dispute.
        WarningClosed,
        /// The dispute was resolved before it was made.
        Prevented,
        /// Evidence is due.
        NeedsResponse,
        /// The bank considers the evidence.
        UnderReview,
        /// The money is returned.
        Won,
        /// The money stays with the cardholder.
        Lost,
    }

    /// What the gateway was asked for.
    pub enum GatewayOperation {
        /// A charge.
        Charge,
        /// A refund.
        Refund,
    }

    /// What was decided on a refund that waited for approval.
    pub enum Verdict {
        /// The refund is requested.
        Approved,
        /// Nothing is refunded.
        Rejected,
    }
}

impl RefundReason {
    /// Whether staff requests refunds for this reason.
    pub const fn is_of_staff(self) -> bool {
        match self {
            Self::RequestedByCustomer | Self::Duplicate | Self::Fraudulent => true,
            Self::OrderCancelled | Self::MadeAtGateway => false,
        }
    }
}

impl From<StaffRefundReason> for RefundReason {
    fn from(reason: StaffRefundReason) -> Self {
        match reason {
            StaffRefundReason::RequestedByCustomer => Self::RequestedByCustomer,
            StaffRefundReason::Duplicate => Self::Duplicate,
            StaffRefundReason::Fraudulent => Self::Fraudulent,
        }
    }
}

impl DisputeStatus {
    /// Whether nothing follows.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::WarningClosed | Self::Prevented | Self::Won | Self::Lost)
    }

    /// Whether the gateway withdraws the amount: not during an inquiry.
    pub(crate) const fn withdraws(self) -> bool {
        matches!(self, Self::NeedsResponse | Self::UnderReview | Self::Won | Self::Lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_of_staff_are_those_that_a_request_may_give_in_the_same_words() {
        let of_staff = RefundReason::ALL.into_iter().filter(|reason| reason.is_of_staff());
        let requested = StaffRefundReason::ALL.map(RefundReason::from);
        assert_eq!(of_staff.collect::<Vec<_>>(), requested);
        assert_eq!(StaffRefundReason::ALL.map(StaffRefundReason::name), requested.map(RefundReason::name));
    }
}
