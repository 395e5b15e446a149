//! Channels and templates of notifications.

words! {
    /// How a notification is delivered.
    pub enum Channel {
        /// E-mail.
        Email,
        /// Text message.
        Sms,
        /// Push notification to the customer's devices.
        Push,
    }
}

impl Channel {
    /// Maximum length of a manual message with its subject, in characters. It fits a push payload of 4 KiB. What an SMS may take besides is
    /// [`crate::sms::MAX_SEGMENTS`].
    pub const fn max_message_chars(self) -> Option<usize> {
        match self {
            Self::Email => None,
            Self::Sms | Self::Push => Some(480),
        }
    }
}

words! {
    /// The template of a notification. Its word is also the name of the template's files.
    pub enum Template {
        /// The order is paid and allocated.
        OrderConfirmed,
        /// The order waits for the customer, for stock or for staff.
        OrderWaiting,
        /// The order was cancelled.
        OrderCancelled,
        /// The order was shipped.
        OrderShipped,
        /// The order was delivered.
        OrderDelivered,
        /// A message written by staff.
        Message,
    }
}
