//! `scripts/verify`, which checks a deployment from outside, passes on the local cloud.

use super::stack::{run_script, shared_stack, var};

#[tokio::test]
async fn check_of_a_deployment_passes() {
    let _stack = shared_stack().await;
    let verified = run_script("verify", &["--api-url", &var("API_URL")]).await;
    let said = [verified.stdout, verified.stderr].concat();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&said));
}
