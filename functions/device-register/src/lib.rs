//! `POST /api/v1/users/{id}/devices`: registers a device for push notifications.
//!
//! Returns 201 with its id, the same one each time for the same token. A device of another user changes its owner.

use api::DeviceView;
use domain::{
    id::{DeviceId, UserId},
    notification::RegisterDevice,
    user,
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{Device, DeviceStore, PushEndpoints};

/// Registers one device.
pub async fn handle(
    devices: &impl DeviceStore,
    endpoints: &impl PushEndpoints,
    call: Call<RegisterDevice>,
) -> Result<Reply<DeviceView>, Failure> {
    let owner: UserId = call.owner_from_path("id", user::check_owner)?;
    let endpoint = endpoints.register(&call.body.token).await?;
    let device = Device { id: DeviceId(call.ids.next()), endpoint, registered_at: call.now };
    let id = devices.save_device(owner, &device).await?;
    Ok(Reply::created(DeviceView::from(id)))
}
