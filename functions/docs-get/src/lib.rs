//! `GET /docs`: a page with the documentation of the HTTP API, on which every route can be tried.
//!
//! The page is Swagger UI from a packaged distribution, with its script and style inside, so that no other host is asked. It reads
//! `/openapi.json`. Its content security policy permits this script only, and requests to this API only.

use edge::http::{Call, Document, NoBody, Reply};
use kernel::Failure;

static PAGE: Document = Document::new("text/html; charset=utf-8", include_str!(concat!(env!("OUT_DIR"), "/page.html")));
const SECURITY_POLICY: &str = include_str!(concat!(env!("OUT_DIR"), "/security-policy"));

pub async fn handle(_call: Call<NoBody>) -> Result<Reply<()>, Failure> {
    Ok(PAGE.reply().cache_control("public, max-age=300").header("content-security-policy", SECURITY_POLICY))
}
