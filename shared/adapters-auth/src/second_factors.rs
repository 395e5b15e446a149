//! Second factors: TOTP (RFC 6238 with SHA-1, six digits and 30 seconds, which all authenticator apps know), over the HMAC of AWS-LC. Secrets are
//! stored sealed.

use crate::{sealed::SealedSecrets, verification::digest};
use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac, rand};
use domain::{
    id::UserId,
    second_factor::{Code, DIGITS, accepted_steps},
    verification::Token,
};
use kernel::{Failure, Timestamp};
use ports::Sealer;

/// Bytes of a secret: as many as SHA-1 has (RFC 4226, section 4).
const SECRET_LENGTH: usize = 20;
/// RFC 4648.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

#[derive(Debug)]
pub struct TotpCodes<S = SealedSecrets> {
    sealer: S,
}

impl<S: Sealer> TotpCodes<S> {
    pub fn new(sealer: S) -> Self {
        Self { sealer }
    }
}

/// What a secret belongs to.
fn associated_data(user: UserId) -> String {
    format!("totp/{user}")
}

impl<S: Sealer> ports::FactorCodes for TotpCodes<S> {
    async fn totp_secret(&self, user: UserId) -> Result<(String, String), Failure> {
        let secret: [u8; SECRET_LENGTH] = random()?;
        Ok((base32(&secret), self.sealer.seal(&associated_data(user), &secret).await?))
    }

    async fn step_of(&self, user: UserId, sealed: &str, code: &Code, now: Timestamp) -> Result<Option<i64>, Failure> {
        let secret = self.sealer.open(&associated_data(user), sealed).await?;
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &secret);
        // All steps are compared, so that the time does not reveal which one it is.
        let mut found = None;
        for step in accepted_steps(now) {
            if verify_slices_are_equal(totp(&key, step).as_bytes(), code.as_str().as_bytes()).is_ok() {
                found = Some(step);
            }
        }
        Ok(found)
    }

    fn recovery_code(&self) -> Result<(Token, String), Failure> {
        let token = Token::from_random(&random()?);
        let digest = digest(&token);
        Ok((token, digest))
    }

    fn recovery_digest(&self, code: &Token) -> String {
        digest(code)
    }
}

/// The code of a step (RFC 4226, section 5.3).
fn totp(key: &hmac::Key, step: i64) -> String {
    let tag = hmac::sign(key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    let offset = usize::from(bytes.last().copied().unwrap_or_default() & 15);
    let chosen = bytes.get(offset..).and_then(|rest| rest.first_chunk::<4>()).copied().unwrap_or_default();
    let number = (u32::from_be_bytes(chosen) & 0x7fff_ffff) % 1_000_000;
    format!("{number:0DIGITS$}")
}

fn base32(bytes: &[u8]) -> String {
    let digit = |chunk: &[u8], at: usize| {
        let bits = chunk.iter().fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte)) >> (35 - 5 * at);
        char::from(BASE32[usize::try_from(bits & 31).unwrap_or_default()])
    };
    // A secret is a whole number of groups of five bytes.
    bytes.chunks_exact(5).flat_map(|chunk| (0..8).map(move |at| digit(chunk, at))).collect()
}

fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| Failure::internal("no random bytes are available"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::KeySource;
    use kernel::Uuid;
    use ports::{FactorCodes as _, SealingKeys as _};
    use std::{cell::RefCell, rc::Rc};

    #[derive(Debug, Clone, Default)]
    struct Memory(Rc<RefCell<Option<String>>>);

    impl KeySource for Memory {
        async fn read(&self) -> Result<Option<String>, Failure> {
            Ok(self.0.borrow().clone())
        }

        async fn write(&self, text: String) -> Result<(), Failure> {
            self.0.replace(Some(text));
            Ok(())
        }
    }

    async fn codes() -> TotpCodes<SealedSecrets<Memory>> {
        let sealer = SealedSecrets::new(Memory::default());
        sealer.add_sealing_key().await.unwrap();
        TotpCodes::new(sealer)
    }

    #[test]
    fn codes_are_those_of_rfc_6238() {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"12345678901234567890");
        // Appendix B has eight digits, of which the last six are the code.
        for (second, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(totp(&key, second / 30), code, "{second}");
        }
    }

    #[test]
    fn secrets_are_shown_in_base32() {
        assert_eq!(base32(b"12345678901234567890"), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }

    #[tokio::test]
    async fn stored_secret_is_sealed_for_its_user() {
        let codes = codes().await;
        let [one, other] = [1, 2].map(|number| UserId(Uuid::from_u128(number)));
        let (shown, sealed) = codes.totp_secret(one).await.unwrap();
        assert!(shown.len() == 32 && !sealed.contains(&shown));
        assert_eq!(base32(&codes.sealer.open(&associated_data(one), &sealed).await.unwrap()), shown);
        let code = Code::try_from("123456".to_owned()).unwrap();
        assert!(codes.step_of(other, &sealed, &code, Timestamp::UNIX_EPOCH).await.is_err());
    }

    #[tokio::test]
    async fn code_is_accepted_one_step_around_its_own() {
        let (codes, user) = (codes().await, UserId(Uuid::from_u128(1)));
        let (_, sealed) = codes.totp_secret(user).await.unwrap();
        let secret = codes.sealer.open(&associated_data(user), &sealed).await.unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &secret);
        let code = Code::try_from(totp(&key, 1_000)).unwrap();
        for (second, step) in
            [(29_969, None), (29_970, Some(1_000)), (30_000, Some(1_000)), (30_059, Some(1_000)), (30_060, None)]
        {
            let at = Timestamp::from_second(second).unwrap();
            assert_eq!(codes.step_of(user, &sealed, &code, at).await.unwrap(), step, "{second}");
        }
    }
}
