//! Whether a folder, and a file in it, is ours alone.
//!
//! Who can write to a folder above can put another one in its place, so every folder on
//! the way counts, as the way is now and not as it is spelled: links are resolved once.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// A folder that only we can write to.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) folder: PathBuf,
    /// Our user.
    ours: u32,
}

fn refused(why: &str) -> io::Error {
    io::Error::other(why)
}

#[cfg(unix)]
impl Place {
    /// Uses a folder, which is made if it is missing.
    ///
    /// # Errors
    ///
    /// Fails where the folder can't be made, is a link, belongs to somebody else or can be
    /// written by others; and where that holds for a folder above it, except that those may
    /// belong to the system, and may be shared if everybody's entries are their own there
    /// (`/tmp`).
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        use std::os::unix::fs::{DirBuilderExt, MetadataExt};
        match fs::symlink_metadata(folder) {
            Ok(found) if !found.is_dir() => return Err(refused("it is a link or no folder")),
            Ok(_) => {}
            Err(_) => fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?,
        }
        let name = folder
            .file_name()
            .ok_or_else(|| refused("it has no name of its own"))?;
        let parent = match folder.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let folder = fs::canonicalize(parent)?.join(name);
        // The owner of a file that we make is us, whatever the platform calls that.
        let probe = folder.join(temporary_name("probe"));
        let ours = new_file(&probe)?.metadata()?.uid();
        fs::remove_file(&probe)?;
        let place = Self { folder, ours };
        place.check()?;
        Ok(place)
    }

    fn check(&self) -> io::Result<()> {
        use std::os::unix::fs::MetadataExt;
        const ROOT: u32 = 0;
        const STICKY: u32 = 0o1000;
        for (depth, folder) in self.folder.ancestors().enumerate() {
            let found = fs::symlink_metadata(folder)?;
            let (what, is_above) = match depth {
                0 => ("it".to_owned(), false),
                _ => (format!("the folder {} above it", folder.display()), true),
            };
            if !found.is_dir() {
                return Err(refused(&format!("{what} is a link or no folder")));
            }
            if found.uid() != self.ours && !(is_above && found.uid() == ROOT) {
                return Err(refused(&format!("{what} belongs to another user")));
            }
            if found.mode() & 0o022 != 0 && !(is_above && found.mode() & STICKY != 0) {
                return Err(refused(&format!("{what} can be written by others")));
            }
        }
        Ok(())
    }

    /// Opens a file of the folder for reading.
    ///
    /// # Errors
    ///
    /// Fails where it is a link or no file, belongs to somebody else, can be written by
    /// others, or has a second name elsewhere.
    pub(super) fn open_file(&self, path: &Path) -> io::Result<File> {
        use std::os::unix::fs::MetadataExt;
        // A link is not followed to look, and a device not opened.
        let named = fs::symlink_metadata(path)?;
        if !named.is_file() {
            return Err(refused("it is a link or no file"));
        }
        let file = File::open(path)?;
        let opened = file.metadata()?;
        if (opened.dev(), opened.ino()) != (named.dev(), named.ino()) {
            return Err(refused("it was replaced while it was opened"));
        }
        if opened.uid() != self.ours {
            return Err(refused("it belongs to another user"));
        }
        if opened.mode() & 0o022 != 0 {
            return Err(refused("it can be written by others"));
        }
        if opened.nlink() != 1 {
            return Err(refused("it has a second name elsewhere"));
        }
        Ok(file)
    }
}

/// Who else can write to a folder can't be told here, so the cache stays off.
#[cfg(not(unix))]
impl Place {
    pub(super) fn open(_: &Path) -> io::Result<Self> {
        Err(refused("its protection can't be checked on this platform"))
    }

    pub(super) fn open_file(&self, _: &Path) -> io::Result<File> {
        Err(refused("its protection can't be checked on this platform"))
    }
}

/// Makes a file that only we can read and write.
pub(super) fn new_file(path: &Path) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The name of a file that is not there to stay.
pub(super) fn temporary_name(extension: &str) -> String {
    format!(
        ".{}-{:016x}.{extension}",
        std::process::id(),
        fastrand::u64(..)
    )
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use tempfile::TempDir;

    use super::*;

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// A folder `above/cache`, both as they should be.
    fn folders() -> (TempDir, PathBuf) {
        let above = tempfile::tempdir().unwrap();
        let cache = above.path().join("cache");
        Place::open(&cache).unwrap();
        (above, cache)
    }

    fn why(folder: &Path) -> String {
        Place::open(folder).unwrap_err().to_string()
    }

    #[test]
    fn what_is_made_is_ours_alone() {
        let above = tempfile::tempdir().unwrap();
        let folder = above.path().join("made/here");
        let place = Place::open(&folder).unwrap();
        for folder in [&folder, &above.path().join("made")] {
            let mode = fs::metadata(folder).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{}", folder.display());
        }
        assert!(fs::read_dir(&place.folder).unwrap().next().is_none());
    }

    #[test]
    fn a_folder_that_others_can_write_to_is_refused() {
        let (_above, cache) = folders();
        for open in [0o770, 0o707, 0o720, 0o1777] {
            mode(&cache, open);
            assert_eq!(why(&cache), "it can be written by others", "{open:o}");
        }
        mode(&cache, 0o755);
        assert!(Place::open(&cache).is_ok());
    }

    #[test]
    fn a_folder_above_that_others_can_write_to_is_refused_unless_entries_are_their_owners() {
        let (above, cache) = folders();
        for open in [0o770, 0o702] {
            mode(above.path(), open);
            let why = why(&cache);
            assert!(why.ends_with("above it can be written by others"), "{why}");
        }
        mode(above.path(), 0o1777);
        assert!(Place::open(&cache).is_ok());
    }

    #[test]
    fn a_link_is_refused_and_one_above_is_judged_by_where_it_leads() {
        let (above, cache) = folders();
        let link = above.path().join("link");
        symlink(&cache, &link).unwrap();
        assert_eq!(why(&link), "it is a link or no folder");
        let elsewhere = tempfile::tempdir().unwrap();
        let link = elsewhere.path().join("link");
        symlink(above.path(), &link).unwrap();
        let place = Place::open(&link.join("cache")).unwrap();
        assert_eq!(place.folder, fs::canonicalize(&cache).unwrap());
        mode(above.path(), 0o777);
        assert!(Place::open(&link.join("cache")).is_err());
        let file = elsewhere.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(why(&file), "it is a link or no folder");
    }

    #[test]
    fn what_belongs_to_somebody_else_is_refused() {
        let (_above, cache) = folders();
        let file = cache.join("x");
        fs::write(&file, "").unwrap();
        let place = Place::open(&cache).unwrap();
        assert!(place.open_file(&file).is_ok());
        let other = Place {
            ours: place.ours + 1,
            folder: place.folder.clone(),
        };
        for refused in [other.check(), other.open_file(&file).map(drop)] {
            let why = refused.unwrap_err().to_string();
            assert_eq!(why, "it belongs to another user");
        }
        // Nobody but the system may own a folder on the way.
        let tmp = Place {
            ours: place.ours + 1,
            folder: PathBuf::from("/"),
        };
        let why = tmp.check().unwrap_err().to_string();
        assert_eq!(why, "it belongs to another user");
    }

    #[test]
    fn a_file_that_others_can_reach_is_refused() {
        let (_above, cache) = folders();
        let place = Place::open(&cache).unwrap();
        let file = cache.join("x");
        drop(new_file(&file).unwrap());
        let why = |path: &Path| place.open_file(path).unwrap_err().to_string();
        assert!(place.open_file(&file).is_ok());
        for open in [0o620, 0o602] {
            mode(&file, open);
            assert_eq!(why(&file), "it can be written by others", "{open:o}");
        }
        mode(&file, 0o600);
        let link = cache.join("link");
        symlink(&file, &link).unwrap();
        assert_eq!(why(&link), "it is a link or no file");
        assert_eq!(why(&cache), "it is a link or no file");
        fs::hard_link(&file, cache.join("second")).unwrap();
        assert_eq!(why(&file), "it has a second name elsewhere");
    }
}
