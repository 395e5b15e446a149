//! Sessions of browsers.

use super::{Config, Result, env};
use domain::session::REFRESH_TOKEN_SECONDS;
use edge::http::CredentialCookie;

impl Config {
    /// The cookie of refresh tokens, for pages of the listed origins and of the API's own.
    pub fn refresh_cookie(&self) -> Result<CredentialCookie> {
        let api = self.api_url()?;
        // Browsers refuse the prefix without TLS, which only the local cloud lacks.
        let name = if api.starts_with("https://") { "__Host-refresh_token" } else { "refresh_token" };
        let listed = self.optional(env::CORS_ORIGINS).unwrap_or_default();
        let listed = listed.split(',').map(str::trim).filter(|origin| !origin.is_empty()).map(str::to_owned);
        let origins = listed.chain([origin_of(&api)]).collect();
        Ok(CredentialCookie { name, max_age_s: REFRESH_TOKEN_SECONDS, origins })
    }
}

/// The origin of a URL, as browsers spell it: without a path, in lower case.
fn origin_of(url: &str) -> String {
    url.split('/').take(3).collect::<Vec<_>>().join("/").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refresh_cookie_is_for_the_listed_origins_and_the_own() {
        let cookie = |url, origins| {
            let config = Config::from_vars([("API_URL", url), ("CORS_ORIGINS", origins)]);
            let cookie = config.refresh_cookie().unwrap();
            (cookie.name, cookie.origins.join(" "))
        };
        let listed = "https://shop.example,https://console.example";
        let origins = "https://shop.example https://console.example https://api.example.com";
        assert_eq!(cookie("https://API.example.com/", listed), ("__Host-refresh_token", origins.to_owned()));
        let local = cookie("http://127.0.0.1:4566/_aws/execute-api/a1", "");
        assert_eq!(local, ("refresh_token", "http://127.0.0.1:4566".to_owned()));
        assert!(Config::from_vars([]).refresh_cookie().is_err());
    }
}
