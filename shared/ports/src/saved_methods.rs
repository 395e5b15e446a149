//! Ports of saved payment methods.

use domain::{
    id::{PaymentMethodId, UserId},
    saved_method::{Card, SavedMethod},
    text::PaymentMethod,
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply};

/// A payment method as the gateway attached it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachedMethod {
    /// The token to charge it with. A test card gets a token of its own each time.
    pub token: PaymentMethod,
    pub card: Card,
}

/// Who saved a payment method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MethodOwner {
    /// It is not saved: it pays once.
    Nobody,
    /// The gateway charges it for this customer only.
    User { user: UserId, customer: String },
}

/// Keeps payment methods at the payment gateway, under a customer of its own for each user. The gateway knows a user by id only.
///
/// Failures without a result are those of [`Gateway`](crate::Gateway).
pub trait MethodVault {
    /// Creates the gateway's customer of a user. A repetition within the gateway's idempotency window of 24 hours returns the same one.
    async fn create_customer(&self, user: UserId) -> Result<String, Failure>;

    /// Attaches a method to a customer; `request` identifies the request. A repeated one returns the same result, and a method that is attached to
    /// this customer already is returned as it is. `Invalid` for `/payment_method` if the gateway does not know the method, does not accept it,
    /// or has it for another customer.
    async fn attach(&self, method: &PaymentMethod, customer: &str, request: &str) -> Result<AttachedMethod, Failure>;

    /// Detaches a method permanently. One that is unknown or not attached stays so.
    async fn detach(&self, method: &PaymentMethod) -> Result<(), Failure>;

    /// Deletes a customer with all methods that are attached to it. One that is unknown or deleted stays so.
    async fn delete_customer(&self, customer: &str) -> Result<(), Failure>;
}

/// Stores saved payment methods and the customers that they are attached to.
pub trait SavedMethodStore {
    /// The response that is stored under a key, if any.
    async fn find_method_response(&self, key: &IdempotencyKey) -> Result<Option<IdempotencyOutcome>, Failure>;

    /// The customer of a user at the gateway, if there is one. `NotFound` if the user is deleted.
    async fn customer(&self, user: UserId) -> Result<Option<String>, Failure>;

    /// Stores the customer of a user, unless one is stored. Returns the stored one. `NotFound` if the user is deleted.
    async fn save_customer(&self, user: UserId, customer: &str) -> Result<String, Failure>;

    /// Saves a method, the first of a user as the default one, and the response for the key, if any, which names the given id. Returns the method:
    /// the given one, unless its token is saved already. `NotFound` if the user is deleted, and the failure [`domain::saved_method::too_many`] if
    /// it would be one more than [`domain::saved_method::MAX_SAVED_METHODS`], also of concurrent requests.
    async fn save_method(
        &self,
        method: &SavedMethod,
        response: Option<(&IdempotencyKey, &StoredReply)>,
    ) -> Result<(SavedMethod, IdempotencyOutcome), Failure>;

    /// The methods of a user, oldest first.
    async fn methods(&self, user: UserId) -> Result<Vec<SavedMethod>, Failure>;

    /// A method of a user; `None` also if it is somebody else's.
    async fn method(&self, user: UserId, id: PaymentMethodId) -> Result<Option<SavedMethod>, Failure>;

    /// Whose method a token is.
    async fn owner(&self, token: &PaymentMethod) -> Result<MethodOwner, Failure>;

    /// Makes a method of a user the default one; `None` also if it is somebody else's.
    async fn make_default(&self, user: UserId, id: PaymentMethodId) -> Result<Option<SavedMethod>, Failure>;

    /// Removes a method of a user. If it was the default one, the user has none.
    async fn remove_method(&self, user: UserId, id: PaymentMethodId) -> Result<(), Failure>;

    /// Removes all methods of a deleted user, and stores that there will be none; also the reasons of decisions about their refunds. A payment with
    /// such a reason, or with a refund that waits for a decision, gets a new version, so that what was decided before conflicts. Returns the
    /// customer, as long as [`Self::forget_customer`] was not called.
    async fn forget_methods(&self, user: UserId) -> Result<Option<String>, Failure>;

    /// Removes the customer of a deleted user.
    async fn forget_customer(&self, user: UserId) -> Result<(), Failure>;
}
