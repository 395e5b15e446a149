//! A minimal Rust function that hashes a password with the parameters in its event: `memory_kib`, `passes` and `lanes` of Argon2id.

use argon2::{Algorithm, Argon2, Params, Version};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(async |event: LambdaEvent<Value>| hash(&event.payload))).await
}

fn hash(event: &Value) -> Result<Value, Error> {
    let number = |name: &str| event[name].as_u64().and_then(|number| u32::try_from(number).ok()).ok_or("no number");
    let params = Params::new(number("memory_kib")?, number("passes")?, number("lanes")?, None)?;
    let mut output = [0; 32];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into(b"correct horse battery", b"sixteen bytes of", &mut output)?;
    Ok(json!({ "first": output[0] }))
}
