//! The font files in the function's package. Each is read when a text first needs it: an invoice in Latin letters reads none.

use std::{
    fs, io,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

/// A font of invoices. `FONTS.txt` names their versions, sources and licences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FontName {
    /// Ubuntu Light, in the binary: Latin, Greek and Cyrillic.
    Latin,
    /// FiraGO: Vietnamese and all of Latin, Greek and Cyrillic, Arabic, Hebrew, Thai.
    World,
    /// Hind: Devanagari. FiraGO has it too, with fewer conjuncts.
    Devanagari,
    /// Droid Sans Fallback: Chinese, Japanese and Korean.
    EastAsian,
}

impl FontName {
    /// In the order in which they are tried for a text whose script does not say more.
    pub const ALL: [Self; 4] = [Self::Latin, Self::World, Self::Devanagari, Self::EastAsian];

    /// The file in the package; `None` for the font in the binary.
    pub const fn file(self) -> Option<&'static str> {
        match self {
            Self::Latin => None,
            Self::World => Some("FiraGO-Regular.ttf"),
            Self::Devanagari => Some("Hind-Regular.ttf"),
            Self::EastAsian => Some("DroidSansFallback.ttf"),
        }
    }

    /// The value of this font in an array that has one for each.
    pub fn of<T>(self, all: &[T; Self::ALL.len()]) -> Option<&T> {
        Self::ALL.iter().zip(all).find(|(name, _)| **name == self).map(|(_, value)| value)
    }
}

/// The content of a file, or `None` if it cannot be read.
type Content = Option<Arc<Vec<u8>>>;

/// The font files of a directory.
#[derive(Debug, Default)]
pub(crate) struct Fonts {
    directory: PathBuf,
    contents: [OnceLock<Content>; FontName::ALL.len()],
}

impl Fonts {
    pub fn new(directory: PathBuf) -> Self {
        Self { directory, ..Self::default() }
    }

    /// The directory `fonts` beside the program, where the package has it.
    pub fn beside_program() -> io::Result<Self> {
        Ok(Self::new(std::env::current_exe()?.with_file_name("fonts")))
    }

    /// The content of a font's file. A file that cannot be read is an error in the log and not a failure: its characters are replaced.
    pub fn content(&self, font: FontName) -> Option<&Arc<Vec<u8>>> {
        let file = font.file()?;
        font.of(&self.contents)?.get_or_init(|| self.read(file)).as_ref()
    }

    fn read(&self, file: &str) -> Content {
        let path = self.directory.join(file);
        match fs::read(&path) {
            Ok(content) => Some(Arc::new(content)),
            Err(error) => {
                tracing::error!(font = %path.display(), failure.internal = %error, "a font cannot be read");
                None
            }
        }
    }

    /// Whether a text has needed the file.
    #[cfg(test)]
    pub fn was_read(&self, font: FontName) -> bool {
        font.of(&self.contents).is_some_and(|content| content.get().is_some())
    }
}
