//! IAM tokens of RDS: presigned `connect` requests, which are the password of a role.

use adapters::config::Credentials;
use adapters_presign::Presigner;
use kernel::Failure;
use std::time::SystemTime;

/// Signs the tokens of one role at one address.
#[derive(Debug, Clone)]
pub(crate) struct TokenSigner {
    presigner: Presigner,
    url: String,
    user: String,
}

impl TokenSigner {
    pub(crate) fn new(credentials: Credentials, region: String, host: &str, port: u16, user: &str) -> Self {
        let presigner = Presigner::new(credentials, region, "rds-db");
        Self { presigner, url: format!("https://{host}:{port}/"), user: user.to_owned() }
    }

    /// The password of one connection.
    pub(crate) fn token(&self) -> Result<String, Failure> {
        self.token_at(SystemTime::now())
    }

    fn token_at(&self, at: SystemTime) -> Result<String, Failure> {
        let signed = self.presigner.sign(&self.url, &[("Action", "connect"), ("DBUser", &self.user)], at)?;
        // The token is the presigned URL without its scheme.
        Ok(signed.as_str().trim_start_matches("https://").to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// The values of the test of `AuthTokenGenerator` in aws-sdk-rds 1.159.0.
    #[test]
    fn token_is_the_one_that_the_sdk_of_aws_makes() {
        let credentials = Credentials {
            access_key_id: "akid".to_owned(),
            secret_access_key: "secret".to_owned(),
            session_token: None,
        };
        let host = "prod-instance.us-east-1.rds.amazonaws.com";
        let signer = TokenSigner::new(credentials, "us-east-1".to_owned(), host, 3306, "peccy");
        let token = signer.token_at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_724_709_600)).unwrap();
        let expected = "prod-instance.us-east-1.rds.amazonaws.com:3306/?Action=connect&DBUser=peccy\
            &X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=akid%2F20240826%2Fus-east-1%2Frds-db%2Faws4_request\
            &X-Amz-Date=20240826T220000Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host\
            &X-Amz-Signature=dd0cba843009474347af724090233265628ace491ea17ce3eb3da098b983ad89";
        assert_eq!(token, expected);
    }
}
