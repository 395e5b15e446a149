//! The functions, one row each, in a file for each context.

use crate::{Action::*, Auth::*, Context::*, Method::*, Trigger::*, events::*, resources::*, role::*, *};

const CUSTOMER_ONLY: Auth = Roles(&[CUSTOMER]);
const STAFF_OR_ADMIN: Auth = Roles(&[STAFF, ADMIN]);
const ADMIN_ONLY: Auth = Roles(&[ADMIN]);
/// Includes machine clients, such as a warehouse system.
const STOCK_EDITORS: Auth = Roles(&[STAFF, ADMIN, SERVICE]);
const OWNER_OR_ADMIN: Auth = Roles(&[CUSTOMER, ADMIN]);
const OWNER_OR_STAFF: Auth = Roles(&[CUSTOMER, STAFF, ADMIN]);
/// Everyone who logs in, for what is their own.
const ANY_USER: Auth = Roles(&[CUSTOMER, STAFF, ADMIN]);
/// `ANY_USER`, and users who must still set up a second factor.
const ENROLLING: Auth = Roles(&[CUSTOMER, STAFF, ADMIN, MFA_ENROLMENT]);
/// Everyone who logs in, also by another credential than an access token.
const ANY_CREDENTIAL: Auth = Optional(&[CUSTOMER, STAFF, ADMIN]);

/// Defines a constant for each function, and `ROWS` with all of them.
macro_rules! functions {
    ($($(#[$doc:meta])* $constant:ident = $row:expr;)*) => {
        $($(#[$doc])* pub const $constant: &Function = &$row;)*

        pub(super) const ROWS: &[&Function] = &[$($constant),*];
    };
}

/// Declares the file of each context, and [`FUNCTIONS`] with the rows of all of them.
macro_rules! contexts {
    ($($context:ident),*) => {
        $(mod $context; pub use $context::*;)*

        pub const FUNCTIONS: &[&Function] = &concat::<{ 0 $(+ $context::ROWS.len())* }>(&[$($context::ROWS),*]);
    };
}

contexts!(identity, catalogue, inventory, orders, payments, notifications, invoices, analytics, records, operations);

const fn concat<const N: usize>(lists: &[&[&'static Function]]) -> [&'static Function; N] {
    let mut rows = [lists[0][0]; N];
    let (mut list, mut at) = (0, 0);
    while list < lists.len() {
        let mut index = 0;
        while index < lists[list].len() {
            rows[at] = lists[list][index];
            (at, index) = (at + 1, index + 1);
        }
        list += 1;
    }
    rows
}
