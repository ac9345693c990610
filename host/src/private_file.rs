//! Files for the eyes of their owner only.
//!
//! Stores, audit files, trust files, exports and reports hold personal data or decide what
//! is trusted. Their mode is set when they are created, since one that is narrowed later
//! could be opened by somebody else in between; the umask can only narrow it further. A
//! file that is there already keeps its mode: it may be shared on purpose.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Read and written by the owner, and by nobody else.
#[cfg(unix)]
const MODE: u32 = 0o600;

/// What everybody but the owner may do.
#[cfg(unix)]
const OTHERS: u32 = 0o077;

/// Lets what is created be readable and writable by its owner only.
pub fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, MODE);
    options
}

/// Creates a file for its owner only, to be written. A link, be it to nowhere, is not
/// followed.
///
/// # Errors
///
/// Something is there already, or nothing can be created there.
pub fn create_new(path: &Path) -> io::Result<File> {
    private(OpenOptions::new().write(true).create_new(true)).open(path)
}

/// Whether others than the owner may read or write an open file.
///
/// # Errors
///
/// The system does not tell.
pub fn is_shared(file: &File) -> io::Result<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        Ok(file.metadata()?.permissions().mode() & OTHERS != 0)
    }
    #[cfg(not(unix))]
    {
        file.metadata().map(|_| false)
    }
}

/// Makes the name of a new file survive a loss of power, which syncing the file itself
/// need not do. In a folder that may not be read this is left to the file system.
///
/// # Errors
///
/// The folder cannot be opened or synced.
pub fn sync_name(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        match File::open(folder.unwrap_or(Path::new("."))) {
            Ok(folder) => folder.sync_all(),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            Err(error) => Err(error),
        }
    }
    // Where a folder is no file, its entries are the system's own business.
    #[cfg(not(unix))]
    {
        let _ = path;
        Ok(())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_new_file_is_for_its_owner_and_an_old_one_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new");
        let file = create_new(&path).unwrap();
        let mode = |file: &File| file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&file), 0o600);
        assert!(!is_shared(&file).unwrap());

        let shared = std::fs::Permissions::from_mode(0o640);
        std::fs::set_permissions(&path, shared).unwrap();
        let again = private(OpenOptions::new().append(true).create(true)).open(&path);
        let again = again.unwrap();
        assert_eq!(mode(&again), 0o640);
        assert!(is_shared(&again).unwrap());
        sync_name(&path).unwrap();
    }

    #[test]
    fn a_place_that_is_taken_is_refused_also_by_a_link_to_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("link");
        symlink(folder.path().join("nowhere"), &path).unwrap();
        let error = create_new(&path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert!(!folder.path().join("nowhere").exists());
    }
}
