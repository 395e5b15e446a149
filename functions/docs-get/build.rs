//! Makes one page of the packaged Swagger UI, and the policy that permits the page's scripts.

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use std::{
    env, fs,
    io::{Cursor, Read},
    path::Path,
};
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;

/// Starts the page. `/openapi.json` is beside `/docs`, wherever the API is mounted.
const START: &str =
    "SwaggerUIBundle({url: 'openapi.json', dom_id: '#page', deepLinking: true, persistAuthorization: false});";

type BuildResult<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> BuildResult<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let (script, style) = (inline(&file("dist/swagger-ui-bundle.js")?), file("dist/swagger-ui.css")?);
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Quayside API</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n<style>{style}</style>\n</head>\n<body>\n<div id=\"page\"></div>\n\
         <script>{script}</script>\n<script>{START}</script>\n</body>\n</html>\n"
    );
    let policy = format!(
        "default-src 'none'; connect-src 'self'; img-src 'self' data:; style-src 'unsafe-inline'; \
         script-src {} {}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash(&script),
        hash(START)
    );
    let output = env::var("OUT_DIR")?;
    fs::write(Path::new(&output).join("page.html"), page)?;
    fs::write(Path::new(&output).join("security-policy"), policy)?;
    Ok(())
}

/// A file of the distribution, whose paths begin with its version.
fn file(path: &str) -> BuildResult<String> {
    let mut archive = zip::ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED))?;
    let is_wanted = |name: &str| name.split_once('/').is_some_and(|(_, rest)| rest == path);
    let name = archive.file_names().filter_map(Result::ok).find(|name| is_wanted(name)).map(|name| name.into_owned());
    let name = name.ok_or_else(|| format!("Swagger UI has no {path}"))?;
    let mut text = String::new();
    archive.by_name(&name)?.read_to_string(&mut text)?;
    Ok(text)
}

/// A script with its strings in the form that ends no element (HTML Living Standard, section 4.12.1.3).
fn inline(script: &str) -> String {
    script.replace("<!--", "<\\!--").replace("<script", "<\\script").replace("</script", "<\\/script")
}

/// The source expression of an inline script (CSP Level 3, section 2.3.1).
fn hash(script: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(script)))
}
