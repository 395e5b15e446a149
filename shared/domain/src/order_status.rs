//! The status of an order and the reason for it, as they appear in the API, in events and in the database.

words! {
    /// The status of an order.
    pub enum Status {
        /// Placed; stock or payment is outstanding.
        Pending,
        /// Paid and allocated; ready to be shipped.
        Processing,
        /// Handed to the carrier.
        Shipped,
        /// Delivered to the customer.
        Delivered,
        /// Cancelled.
        Cancelled,
    }

    /// Why an order has its status: a stable code that customers may see.
    pub enum Reason {
        /// Stock is not reserved yet.
        AwaitingStock,
        /// Stock is reserved; the charge is pending.
        AwaitingPayment,
        /// The charge requires the customer's consent, such as 3-D Secure; the payment says how to continue.
        AwaitingCustomer,
        /// At least one product is out of stock.
        InsufficientStock,
        /// The payment was declined. While the order is pending, the customer may retry.
        PaymentDeclined,
        /// The gateway did not report a result in time.
        PaymentUnreachable,
        /// The order is paid and waits for stock.
        Backordered,
        /// The order is paid, stock is not available, and staff must decide.
        UnderReview,
        /// The customer cancelled.
        CustomerRequest,
        /// Staff cancelled.
        StaffRequest,
        /// The payment was refunded in full.
        Refunded,
        /// Stock was not reserved in time, or the customer did not consent to the charge in time.
        TimedOut,
    }
}
