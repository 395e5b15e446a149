//! `DELETE /api/v1/users/{id}/devices/{device_id}`: strikes a device of the caller's off, for instance when they log out on it.
//!
//! 204, and the same when it was struck off before. The push service keeps its name: nobody is told of it any more, and the device may
//! be somebody else's already.

use domain::{id::UserId, user};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::DeviceStore;

/// Strikes one device off.
pub async fn handle(book: &impl DeviceStore, call: Call<NoBody>) -> Result<Reply<()>, Failure> {
    let principal = call.principal()?;
    let whose: UserId = call.path("id")?;
    user::check_owner(whose, principal.id, &principal.role)?;
    book.remove_device(whose, call.path("device_id")?).await?;
    Ok(Reply::no_content())
}
