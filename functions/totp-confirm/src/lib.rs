//! `POST /api/v1/users/{id}/totp/confirm`: activates the second factor of the caller with a code of the device.
//!
//! Returns ten recovery codes, which are shown only once; each finishes one login. 409 `totp-active` if it is active already, 404 if no secret was
//! made, and 422 for a wrong code. From then on, a login needs a code.

use api::RecoveryCodesView;
use domain::{
    second_factor::{self, ConfirmTotp},
    user,
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{FactorCodes, FactorStore};
use services::new_recovery_codes;

/// Activates one second factor.
pub async fn handle(
    factors: &impl FactorStore,
    codes: &impl FactorCodes,
    call: Call<ConfirmTotp>,
) -> Result<Reply<RecoveryCodesView>, Failure> {
    let user_id = call.owner_from_path("id", user::check_self)?;
    let totp = factors.totp(user_id).await?.ok_or_else(|| Failure::not_found("second factor"))?;
    if totp.is_active {
        return Err(second_factor::already_active());
    }
    let step = codes.step_of(user_id, &totp.sealed, &call.body.code, call.now).await?;
    let step = step.ok_or_else(second_factor::wrong_code_field)?;
    let (shown, digests) = new_recovery_codes(codes)?;
    match factors.activate_totp(user_id, &totp.sealed, step, &digests).await? {
        true => Ok(Reply::ok(RecoveryCodesView { recovery_codes: shown })),
        false => Err(second_factor::already_active()),
    }
}
