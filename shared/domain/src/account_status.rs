//! The status of an account and the kinds of its addresses, as they appear in the API, in events and in the database.

words! {
    /// Whether a user may log in.
    pub enum AccountStatus {
        /// May log in.
        Active,
        /// Was disabled by an admin.
        Disabled,
    }

    /// An address of a user that can be verified.
    pub enum ContactKind {
        /// The e-mail address.
        Email,
        /// The phone number.
        Phone,
    }
}
