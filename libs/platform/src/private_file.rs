//! Files that hold secrets: their owner's only, written whole or not at all.
//!
//! Nothing here knows what is inside. On systems without Unix permissions the check is left out.

use std::fs::{File, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::random::random_token;

/// A private file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PrivateFileError {
    /// It cannot be read or written.
    #[error("{path} cannot be {doing}")]
    Io {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        doing: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Others than its owner may read or write it.
    #[error("{path} is open to others (mode {mode:o}): make it its owner's only (chmod 600)")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

/// Reads a private file; refuses one that others than its owner may read or write.
pub fn read(path: &Path) -> Result<Zeroizing<String>, PrivateFileError> {
    refuse_exposed(path)?;
    let text = std::fs::read_to_string(path).map_err(failed(path, "read"))?;
    Ok(Zeroizing::new(text))
}

/// Reads a private file; where there is none, makes it first. Of several processes that make it at once, one wins
/// and all read the same.
pub fn read_or_create(
    path: &Path,
    make: impl FnOnce() -> Zeroizing<String>,
) -> Result<Zeroizing<String>, PrivateFileError> {
    if !path.try_exists().map_err(failed(path, "read"))? {
        publish(path, &make())?;
    }
    read(path)
}

/// Puts a new text in the place of a private file. Once this returns it is there, whatever happens to the machine.
pub fn replace(path: &Path, text: &str) -> Result<(), PrivateFileError> {
    let next = write_beside(path, text)?;
    std::fs::rename(&next, path).map_err(failed(path, "written"))?;
    keep_name(path)
}

/// Keeps others who ask for it from changing a private file, until what this gives is dropped or the process ends in
/// whatever way; `None` when somebody else does so. The lock is a file beside it, which stays.
pub fn try_lock(path: &Path) -> Result<Option<File>, PrivateFileError> {
    let beside = path.with_extension("lock");
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&beside)
        .map_err(failed(&beside, "written"))?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(failed(&beside, "written")(error)),
    }
}

/// Puts a new file in place, but never over one that another process put there meanwhile.
fn publish(path: &Path, text: &str) -> Result<(), PrivateFileError> {
    let made = write_beside(path, text)?;
    let linked = std::fs::hard_link(&made, path);
    std::fs::remove_file(&made).map_err(failed(&made, "written"))?;
    match linked {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(failed(path, "written")(error))
        }
        _ => keep_name(path),
    }
}

/// Has the folder keep a file's name on disk.
#[cfg(unix)]
fn keep_name(path: &Path) -> Result<(), PrivateFileError> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let folder = File::open(folder.unwrap_or(Path::new(".")));
    folder
        .and_then(|folder| folder.sync_all())
        .map_err(failed(path, "written"))
}

#[cfg(not(unix))]
fn keep_name(_: &Path) -> Result<(), PrivateFileError> {
    Ok(())
}

/// Writes a file that only its owner can read, beside the one it is to become.
fn write_beside(path: &Path, text: &str) -> Result<PathBuf, PrivateFileError> {
    let beside = path.with_extension(format!("{}.new", random_token(9)));
    let write = || {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(failed(path, "written"))?;
    Ok(beside)
}

#[cfg(unix)]
fn refuse_exposed(path: &Path) -> Result<(), PrivateFileError> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = std::fs::metadata(path).map_err(failed(path, "read"))?;
    let mode = metadata.permissions().mode() & 0o7777;
    let others = mode & 0o077;
    if others != 0 {
        return Err(PrivateFileError::Exposed {
            path: path.to_owned(),
            mode,
        });
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_exposed(_: &Path) -> Result<(), PrivateFileError> {
    Ok(())
}

fn failed(path: &Path, doing: &'static str) -> impl FnOnce(std::io::Error) -> PrivateFileError {
    move |source| PrivateFileError::Io {
        path: path.to_owned(),
        doing,
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn a_file_is_made_once_and_replaced_whole() {
        let scratch = Scratch::new();
        let path = scratch.path("secret");
        let text = |text: &'static str| move || Zeroizing::new(text.to_owned());
        assert_eq!(*read_or_create(&path, text("one")).unwrap(), "one");
        assert_eq!(*read_or_create(&path, text("two")).unwrap(), "one");
        publish(&path, "three").unwrap();
        assert_eq!(*read(&path).unwrap(), "one", "what is there stays");
        replace(&path, "four").unwrap();
        assert_eq!(*read(&path).unwrap(), "four");
        assert_eq!(scratch.files(), ["secret"]);
    }

    #[test]
    fn a_file_is_locked_once_at_a_time() {
        let scratch = Scratch::new();
        let path = scratch.path("secret");
        let held = try_lock(&path).unwrap();
        assert!(held.is_some());
        assert!(try_lock(&path).unwrap().is_none());
        drop(held);
        assert!(try_lock(&path).unwrap().is_some());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_its_owners_only_or_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let scratch = Scratch::new();
        let path = scratch.path("secret");
        read_or_create(&path, || Zeroizing::new("x".to_owned())).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        for open in [0o640, 0o604, 0o660, 0o610] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(open)).unwrap();
            let error = read(&path).unwrap_err();
            assert!(
                matches!(error, PrivateFileError::Exposed { mode, .. } if mode == open),
                "{error}"
            );
        }
    }
}
