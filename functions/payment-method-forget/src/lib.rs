//! Forgets the payment methods of a deleted account, here and at the gateway, where its customer is deleted with everything attached to it.
//!
//! Each step may be repeated. The customer is known until it is deleted at the gateway.

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
