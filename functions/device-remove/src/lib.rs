//! `DELETE /api/v1/users/{id}/devices/{device_id}`: strikes a device of the caller's off, for instance when they log out on it.
//!
//! 204, and the same when it was struck off before.

use domain::{
    id::{DeviceId, UserId},
    user,
};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::{DeviceBook, DeviceDirectory};

/// Strikes one device off. The push service is told last: a device that it alone still knows is shown nothing.
pub async fn handle(
    book: &impl DeviceBook,
    directory: &impl DeviceDirectory,
    call: Call<NoBody>,
) -> Result<Reply<()>, Failure> {
    let principal = call.principal()?;
    let whose: UserId = call.path("id")?;
    user::may_see(whose, principal.id, &principal.role)?;
    let device: DeviceId = call.path("device_id")?;
    if let Some(endpoint) = book.drop_device(whose, device).await? {
        directory.strike(&endpoint).await?;
    }
    Ok(Reply::no_content())
}
