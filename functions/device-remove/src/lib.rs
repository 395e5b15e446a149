//! `DELETE /api/v1/users/{id}/devices/{device_id}`: removes a device, for instance at logout.
//!
//! Returns 204, also if the device is not registered. Its endpoint at the push service stays, since another user may have registered
//! the same device already.

use domain::user;
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::DeviceStore;

pub async fn handle(devices: &impl DeviceStore, call: Call<NoBody>) -> Result<Reply<()>, Failure> {
    let owner = call.owner_from_path("id", user::check_owner)?;
    devices.remove_device(owner, call.path("device_id")?).await?;
    Ok(Reply::no_content())
}
