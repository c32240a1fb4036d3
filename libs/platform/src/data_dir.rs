//! The data directory of the embedded mode: made when missing, held by one process at a time.

use std::fs::File;
use std::path::{Path, PathBuf};

/// A data directory held by this process, until this is dropped or the process ends in whatever way.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

/// A data directory that cannot be held.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another process holds it.
    #[error(
        "another process is using the data directory {0}: stop it, or choose another with --data-dir"
    )]
    Taken(PathBuf),
    /// It cannot be made or written.
    #[error("the data directory {path} cannot be used")]
    Io {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl DataDir {
    /// Makes the directory when it is missing, for its owner only, and does not hold it.
    pub fn make(path: &Path) -> Result<(), DataDirError> {
        create(path).map_err(|source| DataDirError::Io {
            path: path.to_owned(),
            source,
        })
    }

    /// Makes the directory when it is missing, for its owner only, and holds it. Refuses when another process does.
    pub fn lock(path: &Path) -> Result<Self, DataDirError> {
        let failed = |source| DataDirError::Io {
            path: path.to_owned(),
            source,
        };
        create(path).map_err(failed)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("lock"))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: lock,
            }),
            Err(std::fs::TryLockError::WouldBlock) => Err(DataDirError::Taken(path.to_owned())),
            Err(std::fs::TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn create(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn a_data_directory_is_held_once_at_a_time() {
        let scratch = Scratch::new();
        let path = scratch.path("deep/data");
        let held = DataDir::lock(&path).unwrap();
        assert_eq!(held.path(), path);
        let error = DataDir::lock(&path).unwrap_err();
        assert!(matches!(error, DataDirError::Taken(_)), "{error}");
        assert!(error.to_string().contains("another process"), "{error}");
        drop(held);
        assert!(DataDir::lock(&path).is_ok());
    }

    #[test]
    fn a_file_in_the_way_is_told() {
        let scratch = Scratch::new();
        let path = scratch.path("data");
        std::fs::write(&path, "").unwrap();
        assert!(matches!(DataDir::lock(&path), Err(DataDirError::Io { .. })));
    }
}
