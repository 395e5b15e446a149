//! Committed offsets, in a JSON file that is replaced atomically.

use crate::log;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// The next offset of each mapping.
pub struct Offsets {
    file: PathBuf,
    next: Mutex<BTreeMap<String, i64>>,
}

impl Offsets {
    /// Reads the file. If it is missing or invalid, all partitions start from the beginning.
    pub fn load(file: PathBuf) -> Self {
        let next = match fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|cause| {
                log(&format!("{} is invalid, starting from the beginning: {cause}", file.display()));
                BTreeMap::new()
            }),
            Err(_) => BTreeMap::new(),
        };
        Self { file, next: Mutex::new(next) }
    }

    pub fn next(&self, mapping: &str) -> Option<i64> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).get(mapping).copied()
    }

    /// Records that everything before `next` was processed.
    pub fn commit(&self, mapping: &str, next: i64) -> io::Result<()> {
        let mut known = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(mapping.to_owned(), next);
        if let Some(directory) = self.file.parent() {
            fs::create_dir_all(directory)?;
        }
        let draft = self.file.with_extension("json.new");
        fs::write(&draft, serde_json::to_vec_pretty(&*known)?)?;
        fs::rename(&draft, &self.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_survive_a_restart_and_an_invalid_file_counts_as_missing() {
        let directory = std::env::temp_dir().join(format!("kafka-trigger-{}", std::process::id()));
        let file = directory.join("deep/offsets.json");
        let offsets = Offsets::load(file.clone());
        assert_eq!(offsets.next("f/t/0"), None);
        offsets.commit("f/t/0", 7).unwrap();
        offsets.commit("f/t/1", 1).unwrap();
        assert_eq!(Offsets::load(file.clone()).next("f/t/0"), Some(7));
        fs::write(&file, "{").unwrap();
        assert_eq!(Offsets::load(file).next("f/t/0"), None);
        fs::remove_dir_all(directory).unwrap();
    }
}
