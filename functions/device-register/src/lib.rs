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

/// Registers one device.
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
    let id = devices.save_device(owner, &device).await?;
    let reply = Reply::created(DeviceView::from(id));
    // Stored after the effect: a repetition that finds no response registers the same device again, which changes nothing.
    let Some(key) = &call.idempotency else { return Ok(reply) };
    let outcome = devices.store_device_response(key, &reply.to_stored()?).await?;
    Ok(reply.or_replay(outcome))
}
