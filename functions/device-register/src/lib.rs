//! `POST /api/v1/users/{id}/devices`: registers a device for push notifications.
//!
//! Returns 201 with its id, the same one each time for the same token. A device of another user changes its owner. With an
//! `Idempotency-Key`, a repeated request gets the first response and registers nothing, even while the push service is down.

use api::DeviceView;
use domain::{
    id::{DeviceId, UserId},
    notification::RegisterDevice,
    user,
};
use edge::http::{Call, Reply};
use kernel::{Failure, IdempotencyOutcome};
use ports::{Device, DeviceStore, PushEndpoints};

pub async fn handle(
    devices: &impl DeviceStore,
    endpoints: &impl PushEndpoints,
    call: Call<RegisterDevice>,
) -> Result<Reply<DeviceView>, Failure> {
    let owner: UserId = call.owner_from_path("id", user::check_owner)?;
    if let Some(key) = &call.idempotency
        && let Some(IdempotencyOutcome::Replayed(first)) = devices.find_device_response(key).await?
    {
        return Ok(Reply::replay(first));
    }
    let endpoint = endpoints.register(&call.body.token).await?;
    let device = Device { id: DeviceId(call.ids.next()), endpoint, registered_at: call.now };
    let created = |id| Reply::created(DeviceView::from(id));
    let Some(key) = &call.idempotency else {
        return Ok(created(devices.save_device(owner, &device).await?));
    };
    let (id, outcome) = devices.save_device_once(owner, &device, key, &created(device.id).to_stored()?).await?;
    Ok(created(id).or_replay(outcome))
}
