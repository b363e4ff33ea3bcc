//! Where a rendering is written until it is whole.

use std::fs;
use std::path::{Path, PathBuf};

use super::RenderError;

/// A file beside its place, put there at the end; what is no regular file is written to at once.
pub(super) struct Draft {
    place: PathBuf,
    part: Option<PathBuf>,
}

impl Draft {
    /// A draft of what will be `place`.
    pub fn of(place: &Path) -> Draft {
        let is_special = fs::metadata(place).is_ok_and(|there| !there.is_file());
        Draft { place: place.to_owned(), part: (!is_special).then(|| beside(place)) }
    }

    /// Where to write.
    pub fn path(&self) -> &Path {
        self.part.as_ref().unwrap_or(&self.place)
    }

    /// Puts it in its place, over what was there.
    pub fn publish(mut self) -> Result<(), RenderError> {
        if let Some(part) = &self.part {
            fs::rename(part, &self.place)
                .map_err(|source| RenderError::Place { path: self.place.clone(), source })?;
        }
        self.part = None;
        Ok(())
    }
}

/// The file beside `place` that is written in its stead.
pub(super) fn beside(place: &Path) -> PathBuf {
    let mut part = place.as_os_str().to_owned();
    part.push(".part");
    part.into()
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(part) = &self.part {
            // It may never have been made.
            let _ = fs::remove_file(part);
        }
    }
}
