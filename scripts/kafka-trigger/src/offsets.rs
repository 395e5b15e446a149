//! How far each function has come: one small JSON file, replaced whole.

use crate::say;
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
    /// What the file says. Of a file that is missing or broken nothing is known, and everything is delivered again.
    pub fn load(file: PathBuf) -> Self {
        let next = match fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|cause| {
                say(&format!("{} cannot be read, beginning anew: {cause}", file.display()));
                BTreeMap::new()
            }),
            Err(_) => BTreeMap::new(),
        };
        Self { file, next: Mutex::new(next) }
    }

    pub fn next(&self, mapping: &str) -> Option<i64> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).get(mapping).copied()
    }

    /// Notes that everything before `next` is done.
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
    fn what_is_committed_is_there_after_a_restart_and_a_broken_file_is_as_good_as_none() {
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
