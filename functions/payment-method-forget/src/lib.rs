//! Deletes the payment methods of a deleted account: in the database, and at the gateway with the customer that they are attached to. The reasons
//! that admins typed for decisions about its refunds go with them.
//!
//! Every step is idempotent. The id of the gateway's customer is deleted last, so that a retry still finds it.

use domain::{DomainEvent, event::UserDeleted};
use edge::Delivery;
use kernel::Failure;
use ports::{MethodVault, SavedMethodStore};

/// Forgets the methods of one user.
pub async fn handle(
    methods: &impl SavedMethodStore,
    vault: &impl MethodVault,
    delivery: Delivery<DomainEvent>,
) -> Result<(), Failure> {
    let deleted: &UserDeleted = delivery.event.event.payload()?;
    if let Some(customer) = methods.forget_methods(deleted.user_id).await? {
        vault.delete_customer(&customer).await?;
    }
    methods.forget_customer(deleted.user_id).await
}
