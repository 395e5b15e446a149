//! `DELETE /api/v1/payment-methods/{id}`: detaches a saved payment method at the gateway and deletes it.
//!
//! It is detached first, so that a request that died halfway leaves a method that its owner sees and can delete again. It cannot be
//! charged or saved again.

use domain::id::UserId;
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::{MethodVault, SavedMethodStore};

/// Deletes one method. Another user's method is `NotFound`.
pub async fn handle(
    methods: &impl SavedMethodStore,
    vault: &impl MethodVault,
    call: Call<NoBody>,
) -> Result<Reply<()>, Failure> {
    let (user, id) = (UserId(call.principal()?.id), call.path("id")?);
    let method = methods.method(user, id).await?.ok_or_else(|| Failure::not_found("payment-method"))?;
    vault.detach(&method.token).await?;
    methods.remove_method(user, id).await?;
    Ok(Reply::no_content())
}
