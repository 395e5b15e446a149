//! `POST /api/v1/users/{id}/totp/recovery-codes`: replaces the recovery codes of the caller, who proves to have the device.
//!
//! Returns ten codes, which are shown only once; earlier codes are no longer accepted. A code of the device that is wrong or was used before
//! is 422, as is any without a second factor, and after repeated failures it is 429, with the delays of logins.

use api::RecoveryCodesView;
use domain::{
    second_factor::{ConfirmTotp, FactorResponse, wrong_code_field},
    user,
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{FactorAttempt, FactorCodes, FactorLogins, FactorStore};
use services::new_recovery_codes;

/// Replaces the codes of one account.
pub async fn handle(
    factors: &impl FactorStore,
    logins: &impl FactorLogins,
    codes: &impl FactorCodes,
    call: Call<ConfirmTotp>,
) -> Result<Reply<RecoveryCodesView>, Failure> {
    let user_id = call.owner_from_path("id", user::check_self)?;
    let proof = FactorResponse::Code(call.body.code.clone());
    let client_address = call.client_address(async |secret| logins.is_from_distribution(secret).await).await?;
    let attempt = FactorAttempt { user: user_id, proof: &proof, client_address, now: call.now };
    if !logins.confirm_factor(attempt).await? {
        return Err(wrong_code_field());
    }
    let (shown, digests) = new_recovery_codes(codes)?;
    match factors.renew_recovery_codes(user_id, &digests).await? {
        true => Ok(Reply::ok(RecoveryCodesView { recovery_codes: shown })),
        false => Err(wrong_code_field()),
    }
}
