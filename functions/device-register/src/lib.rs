//! `POST /api/v1/users/{id}/devices`: enters a device of the caller's that is to show notices.
//!
//! 201 with its id, the same one each time for the same token. A device that was somebody else's is the caller's now.

use api::DeviceView;
use domain::{
    id::{DeviceId, UserId},
    notification::RegisterDevice,
    user,
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{Device, DeviceStore, PushEndpoints};

/// Enters one device.
pub async fn handle(
    book: &impl DeviceStore,
    directory: &impl PushEndpoints,
    call: Call<RegisterDevice>,
) -> Result<Reply<DeviceView>, Failure> {
    let (wish, call) = call.into_parts();
    let principal = call.principal()?;
    let whose: UserId = call.path("id")?;
    user::check_owner(whose, principal.id, &principal.role)?;
    let endpoint = directory.register(&wish.token).await?;
    let device = Device { id: DeviceId(call.ids.next()), endpoint, registered_at: call.now };
    let known_as = book.save_device(whose, &device).await?;
    Ok(Reply::created(DeviceView::from(known_as)))
}
