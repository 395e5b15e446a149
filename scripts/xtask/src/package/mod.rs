//! Packages functions: one cargo invocation, then `<output>/<function>/bootstrap` and `bootstrap.zip` for each.
//!
//! `invoice-issue` and `credit-note-issue` also have their fonts, which they read when a document needs them: `fonts/`, beside `bootstrap` and
//! in the zip.
//!
//! **Invariant:** a zip depends on its files alone, never on the time or the machine, and is not rewritten while they
//! stay the same: `sam deploy` uploads by content and redeploys what changed.

mod archive;
mod companions;
mod compile;
mod progress;
pub mod reproducible;

pub use archive::write_zip;
pub use compile::compile;

use crate::Result;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Binary of this workspace that the local cloud runs in addition to the functions.
const LOCAL_KAFKA_TRIGGER: &str = "kafka-trigger";

/// Bytes of a release package: it is downloaded before a function starts for the first time.
const MAX_RELEASE_BYTES: u64 = 4 * 1024 * 1024;

/// Functions whose packages may be larger, each with the reason.
const LARGE: [(&str, &str); 15] = [
    (catalog::CREDIT_NOTE_ISSUE.name, "the fonts of documents"),
    (catalog::IMAGE_RESIZE.name, "the decoders and encoders of images, with the clients of S3, DynamoDB and SQS"),
    (catalog::INVOICE_ISSUE.name, "the fonts of documents"),
    (catalog::MESSAGE_SEND.name, "the clients of all channels of notifications, and the templates"),
    (catalog::PASSWORD_CHANGE.name, "the dictionaries of the password estimator"),
    (catalog::PASSWORD_RESET_CONFIRM.name, "the dictionaries of the password estimator"),
    (catalog::PAYMENT_CHARGE.name, "the clients of the gateway, PostgreSQL, Redis, EventBridge and SQS"),
    (catalog::PAYMENT_REFUND.name, "the clients of the gateway, PostgreSQL, Redis, EventBridge and SQS"),
    (catalog::PRODUCT_IMPORT_RUN.name, "the clients of PostgreSQL, DynamoDB and S3"),
    (catalog::QUEUE_REDRIVE.name, "the clients of Kafka, SQS, PostgreSQL and Redis"),
    (catalog::RECORD_CREATE.name, "the validator of JSON Schemas, with the clients of Kafka, PostgreSQL and Redis"),
    (catalog::RECORD_GET.name, "the reader of the archive in S3, with the clients of PostgreSQL and Redis"),
    (catalog::RECORD_LIST.name, "the reader of the archive in S3, with the clients of PostgreSQL and Redis"),
    (catalog::UPDATE_SEND.name, "the clients of all channels of notifications, and the templates"),
    (catalog::USER_REGISTER.name, "the dictionaries of the password estimator"),
];

/// What the functions are built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// The local cloud on this machine: a development build.
    Dev,
    /// Lambda: the release profile, by cargo-lambda and zig.
    Release(Arch),
}

/// An architecture of Lambda.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arch {
    /// Graviton, the architecture that the template deploys to.
    Arm64,
    /// Intel and AMD: benchmarks on this machine.
    X86,
}

/// Which functions to package, and where to write them.
pub struct Request<'a> {
    /// Root of the workspace.
    pub root: &'a Path,
    pub build: Build,
    /// Functions by catalog name; all of them when empty. The local Kafka trigger is built with the functions that it invokes.
    pub functions: &'a [String],
    /// Directory that gets `<function>/bootstrap.zip`.
    pub output: PathBuf,
    /// Target directory, if not the one that cargo would choose.
    pub target: Option<PathBuf>,
}

pub struct Packaged {
    /// Number of functions that were packaged or found up to date.
    pub total: usize,
    /// Functions whose zip changed.
    pub changed: Vec<&'static str>,
}

/// Builds and zips functions.
pub fn package(request: &Request<'_>) -> Result<Packaged> {
    let functions = functions(request.functions)?;
    let mut binaries = functions.clone();
    let reads_kafka =
        |name: &&str| catalog::find(name).is_some_and(|row| matches!(row.trigger, catalog::Trigger::Kafka(_)));
    if request.build == Build::Dev && functions.iter().any(reads_kafka) {
        binaries.push(LOCAL_KAFKA_TRIGGER);
    }
    // Before the compiler runs, because a missing file fails.
    let companions = companions::all(request.root, &functions)?;
    let built = compile(request.root, request.build, &binaries, request.target.as_deref())?;
    let changed = archive::zip_all(&built, &companions, &functions, request.build, &request.output)?;
    if request.build != Build::Dev {
        check_sizes(&functions, &request.output)?;
    }
    Ok(Packaged { total: functions.len(), changed })
}

/// Fails for release packages that are too large without a reason.
fn check_sizes(functions: &[&str], output: &Path) -> Result<()> {
    let mut too_large = Vec::new();
    for name in functions.iter().filter(|name| LARGE.iter().all(|(large, _)| large != *name)) {
        let path = output.join(name).join("bootstrap.zip");
        let bytes = fs::metadata(&path).map_err(|error| format!("{}: {error}", path.display()))?.len();
        if bytes > MAX_RELEASE_BYTES {
            too_large.push(format!("{name} has {bytes} bytes"));
        }
    }
    if too_large.is_empty() {
        return Ok(());
    }
    let names = too_large.join(", ");
    Err(format!("{names}: a package has at most {MAX_RELEASE_BYTES} bytes; make it smaller, or give LARGE a reason"))
}

fn functions(names: &[String]) -> Result<Vec<&'static str>> {
    if names.is_empty() {
        return Ok(catalog::FUNCTIONS.iter().map(|function| function.name).collect());
    }
    let find = |name: &String| {
        catalog::find(name).map(|row| row.name).ok_or_else(|| format!("the catalog has no function {name}"))
    };
    names.iter().map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn release_package_over_four_mebibytes_needs_a_reason() {
        let output = std::env::temp_dir().join(format!("quayside-sizes-{}", std::process::id()));
        let write = |name: &str, bytes: u64| {
            fs::create_dir_all(output.join(name)).expect("a directory");
            let zip = fs::File::create(output.join(name).join("bootstrap.zip")).expect("a file");
            zip.set_len(bytes).expect("its length");
        };
        let (small, printing) = (catalog::ORDER_GET.name, catalog::INVOICE_ISSUE.name);
        write(small, MAX_RELEASE_BYTES);
        write(printing, MAX_RELEASE_BYTES + 1);
        assert_eq!(check_sizes(&[small, printing], &output), Ok(()));
        write(small, MAX_RELEASE_BYTES + 1);
        let refused = check_sizes(&[small, printing], &output).expect_err("it is too large");
        assert!(refused.starts_with("order-get has 4194305 bytes: "), "{refused}");
        fs::remove_dir_all(&output).expect("removed");
    }
}
