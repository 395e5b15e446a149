//! Deterministic zips.

use super::Build;
use crate::Result;
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::UNIX_EPOCH,
};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

impl Build {
    /// Level 1 is five times as fast as level 9 and gives a tenth more bytes, which suits the local cloud: its zips are built often
    /// and never uploaded.
    const fn compression_level(self) -> i64 {
        match self {
            Self::Dev => 1,
            Self::Release(_) => 9,
        }
    }
}

/// A file beside the binary in a package.
pub struct PackageFile {
    /// In the zip, such as `fonts/a.ttf`.
    pub name: String,
    pub path: PathBuf,
}

/// Zips all functions, on all cores, since the compiler has finished. Returns the names of those that changed.
pub fn zip_all(
    built: &BTreeMap<String, PathBuf>,
    companions: &BTreeMap<&'static str, Vec<PackageFile>>,
    functions: &[&'static str],
    build: Build,
    output: &Path,
) -> Result<Vec<&'static str>> {
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, std::num::NonZero::get) {
            scope.spawn(|| {
                while let Some(name) = functions.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let beside = companions.get(name).map_or(&[][..], Vec::as_slice);
                    let outcome = zip_one(&built[*name], beside, build, &output.join(name));
                    outcomes.lock().unwrap_or_else(PoisonError::into_inner).push((*name, outcome));
                }
            });
        }
    });
    let mut changed = Vec::new();
    for (name, outcome) in outcomes.into_inner().unwrap_or_else(PoisonError::into_inner) {
        if outcome.map_err(|error| format!("{name}: {error}"))? {
            changed.push(name);
        }
    }
    changed.sort_unstable();
    Ok(changed)
}

/// Writes one function's zip if its binary or a file beside it changed. Returns whether the zip is new.
fn zip_one(binary: &Path, companions: &[PackageFile], build: Build, directory: &Path) -> io::Result<bool> {
    fs::create_dir_all(directory)?;
    let (bootstrap, archive) = (directory.join("bootstrap"), directory.join("bootstrap.zip"));
    let stamp = directory.join("bootstrap.stamp");
    let stamped = fs::read_to_string(&stamp).unwrap_or_default();
    let (seen_identity, seen_digest) = stamped.split_once('\n').unwrap_or_default();
    let identity = identity(binary, companions)?;
    if seen_identity == identity && archive.exists() && bootstrap.exists() {
        return Ok(false);
    }
    let mut files = vec![("bootstrap", fs::read(binary)?)];
    for companion in companions {
        files.push((&companion.name, fs::read(&companion.path)?));
    }
    let digest = files.iter().map(|(_, content)| sha256(content)).collect::<Vec<_>>().join("+");
    // A copy and not a link, because the next build with another profile overwrites the binary.
    unlink(&bootstrap)?;
    fs::copy(binary, &bootstrap)?;
    // For programs that run the copy.
    for (name, content) in files.iter().skip(1) {
        let path = directory.join(name);
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(path, content)?;
    }
    let is_new = seen_digest.trim_end() != digest || !archive.exists();
    if is_new {
        // Written under another name and renamed, so that an interrupted run leaves no incomplete zip.
        let unfinished = directory.join("bootstrap.zip.new");
        write_files(&unfinished, &files, build)?;
        fs::rename(&unfinished, &archive)?;
    }
    fs::write(&stamp, format!("{identity}\n{digest}\n"))?;
    Ok(is_new)
}

/// Identifies the files of a package without reading them.
fn identity(binary: &Path, companions: &[PackageFile]) -> io::Result<String> {
    let paths = std::iter::once(binary).chain(companions.iter().map(|companion| companion.path.as_path()));
    let identities: io::Result<Vec<_>> = paths
        .map(|path| {
            let found = fs::metadata(path)?;
            let modified = found.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
            Ok(format!("{} {} {}", path.display(), found.len(), modified.as_nanos()))
        })
        .collect();
    Ok(identities?.join(" + "))
}

fn unlink(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A zip with `content` as its bootstrap. Equal content gives equal bytes.
pub fn write_zip(path: &Path, content: &[u8], build: Build) -> io::Result<()> {
    write_files(path, &[("bootstrap", content)], build)
}

/// A zip of files, of which the first is the program. Equal content gives equal bytes.
fn write_files(path: &Path, files: &[(&str, impl AsRef<[u8]>)], build: Build) -> io::Result<()> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(build.compression_level()))
        .last_modified_time(DateTime::DEFAULT);
    let mut archive = ZipWriter::new(BufWriter::new(File::create(path)?));
    for (n, (name, content)) in files.iter().enumerate() {
        archive.start_file(*name, options.unix_permissions(if n == 0 { 0o755 } else { 0o644 }))?;
        archive.write_all(content.as_ref())?;
    }
    archive.finish()?.flush()
}

/// The SHA-256 digest in hexadecimal.
pub fn sha256(content: &[u8]) -> String {
    Sha256::digest(content).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap_or_default();
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    /// A directory that is removed when dropped.
    struct Scratch(PathBuf);

    impl Drop for Scratch {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap_or_default();
        }
    }

    fn contents(archive: &Path) -> Vec<(String, String, Option<u32>)> {
        let mut archive = zip::ZipArchive::new(File::open(archive).expect("a file")).expect("a zip");
        (0..archive.len())
            .map(|n| {
                let mut entry = archive.by_index(n).expect("an entry");
                let mut text = String::new();
                entry.read_to_string(&mut text).expect("text");
                (entry.name().expect("a name").into_owned(), text, entry.unix_mode().map(|mode| mode & 0o777))
            })
            .collect()
    }

    #[test]
    fn package_is_new_if_the_binary_or_a_file_beside_it_changed() {
        let scratch = Scratch(std::env::temp_dir().join(format!("quayside-package-{}", std::process::id())));
        fs::create_dir_all(&scratch.0).expect("a directory");
        let (binary, font, output) = (scratch.0.join("binary"), scratch.0.join("a.ttf"), scratch.0.join("out"));
        let companions = [PackageFile { name: "fonts/a.ttf".into(), path: font.clone() }];
        let package = |program: &str, glyphs: &str| {
            fs::write(&binary, program).expect("written");
            fs::write(&font, glyphs).expect("written");
            zip_one(&binary, &companions, Build::Dev, &output).expect("a package")
        };
        assert!(package("program", "glyphs"));
        assert!(!package("program", "glyphs"), "equal files give no new zip");
        assert!(package("program", "other glyphs"));
        assert!(package("other program", "other glyphs"));
        let zipped = contents(&output.join("bootstrap.zip"));
        let entry = |name: &str, text: &str, mode| (name.to_owned(), text.to_owned(), Some(mode));
        assert_eq!(zipped, [entry("bootstrap", "other program", 0o755), entry("fonts/a.ttf", "other glyphs", 0o644)]);
        assert_eq!(fs::read_to_string(output.join("fonts/a.ttf")).expect("a copy"), "other glyphs");
    }
}
