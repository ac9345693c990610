//! The trust file: which components the operator has approved, and as what.
//!
//! Whoever can write it decides what runs and where it may send the credentials. So it is
//! made for its owner alone, and it is not believed where somebody else could have written
//! it: where it is a link, belongs to another user, or others can write to it. It is small
//! and readable, to be reviewed and kept with the configuration. A record is for the bytes
//! with one digest, whatever the file with these bytes is called.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::description::Description;
use super::{Digest, TrustRecord};
use crate::limits::ceiling;
use crate::private_file;

/// The name of the file where none is given.
pub const DEFAULT_NAME: &str = "connector.trust.json";

/// The version that is written. It grows when an older program would misread the file.
const VERSION: u64 = 1;

/// Bytes that are read at most: a hundred of the largest records.
const LARGEST: u64 = 32 << 20;

/// What was approved of one component.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Of the component's bytes.
    pub digest: Digest,
    /// What the file was called when it was approved, for people.
    pub file: String,
    /// When it was approved (RFC 3339).
    pub approved_at: String,
    /// By whom, as the system calls them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// The fastest pace of each rate class in requests per second. They lower the host's
    /// own ceilings and never raise them.
    #[serde(default)]
    pub ceilings: BTreeMap<String, f64>,
    /// The answer of `describe` that was approved.
    pub approved: Description,
}

impl Record {
    /// What the host acts on.
    pub fn in_force(&self) -> TrustRecord {
        TrustRecord {
            approved: self.approved.clone(),
            pace: ceiling::in_force(&self.approved.wire, &self.ceilings),
            limits_source: None,
            endpoint_variables: Vec::new(),
        }
    }
}

/// The approved components, as the file has them.
#[derive(Clone, Debug, PartialEq)]
pub struct TrustFile {
    path: PathBuf,
    records: Vec<Record>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u64,
    records: Vec<Record>,
}

/// Why a trust file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TrustFileError {
    /// It can't be read or written.
    #[error("the trust file {} can't be {verb}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        verb: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// Somebody else may have written it.
    #[error("the trust file {} {why}, so it is not believed", path.display())]
    Unprotected {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
        /// What mends it.
        remedy: String,
    },
    /// A newer program wrote it.
    #[error(
        "the trust file {} has version {found}, and this program knows version {VERSION}: use a \
         newer program", path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// It holds something else.
    #[error("the trust file {} is damaged or something else: {why}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

impl TrustFile {
    /// Reads the file; one that does not exist approves nothing.
    ///
    /// # Errors
    ///
    /// [`TrustFileError`] says why it can't be read or is not believed.
    pub fn read(path: &Path) -> Result<Self, TrustFileError> {
        let failed = |source| TrustFileError::Io {
            path: path.to_owned(),
            verb: "read",
            source,
        };
        let mut content = Vec::new();
        match open(path)? {
            None => {
                return Ok(Self {
                    path: path.to_owned(),
                    records: Vec::new(),
                });
            }
            Some(file) => file
                .take(LARGEST + 1)
                .read_to_end(&mut content)
                .map_err(failed)?,
        };
        Ok(Self {
            path: path.to_owned(),
            records: parse(path, &content)?,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All records, in the order in which they were approved.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The record of the bytes with this digest.
    pub fn find(&self, digest: &Digest) -> Option<&Record> {
        self.records.iter().find(|record| record.digest == *digest)
    }

    /// Adds a record, in the place of an older one of the same bytes.
    pub fn add(&mut self, record: Record) {
        self.records.retain(|known| known.digest != record.digest);
        self.records.push(record);
    }

    /// Takes records out and returns them.
    pub fn remove(&mut self, meant: impl Fn(&Record) -> bool) -> Vec<Record> {
        let (removed, kept) = self.records.drain(..).partition(|record| meant(record));
        self.records = kept;
        removed
    }

    /// Writes the file, whole or not at all, for its owner alone.
    ///
    /// # Errors
    ///
    /// [`TrustFileError::Io`].
    pub fn write(&self) -> Result<(), TrustFileError> {
        let failed = |source| TrustFileError::Io {
            path: self.path.clone(),
            verb: "written",
            source,
        };
        let content = Content {
            version: VERSION,
            records: self.records.clone(),
        };
        let mut text = serde_json::to_string_pretty(&content)
            .map_err(|error| failed(io::Error::other(error)))?;
        text.push('\n');
        let mut draft = self.path.as_os_str().to_owned();
        draft.push(format!(".{:016x}.new", fastrand::u64(..)));
        let draft = PathBuf::from(draft);
        let written = (|| {
            let mut file = private_file::create_new(&draft)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&draft, &self.path)
        })();
        if written.is_err() {
            let _ = fs::remove_file(&draft);
        }
        written.map_err(failed)
    }
}

fn parse(path: &Path, content: &[u8]) -> Result<Vec<Record>, TrustFileError> {
    /// Read first: a newer file may have members that are not known here.
    #[derive(Deserialize)]
    struct Versioned {
        version: u64,
    }
    let malformed = |why: String| TrustFileError::Malformed {
        path: path.to_owned(),
        why,
    };
    if content.len() as u64 > LARGEST {
        return Err(malformed(format!("it is longer than {LARGEST} bytes")));
    }
    let found = serde_json::from_slice::<Versioned>(content)
        .map_err(|error| malformed(error.to_string()))?
        .version;
    if found > VERSION {
        return Err(TrustFileError::Newer {
            path: path.to_owned(),
            found,
        });
    }
    if found < VERSION {
        return Err(malformed(format!("there is no version {found}")));
    }
    let Content { records, .. } =
        serde_json::from_slice(content).map_err(|error| malformed(error.to_string()))?;
    for (index, record) in records.iter().enumerate() {
        let before = records.iter().take(index);
        if before
            .into_iter()
            .any(|other| other.digest == record.digest)
        {
            return Err(malformed(format!("{} stands twice", record.digest)));
        }
        if let Some(class) = record
            .ceilings
            .iter()
            .find_map(|(class, rate)| (*rate <= 0.0).then_some(class))
        {
            return Err(malformed(format!(
                "the ceiling `{}` of {} is not greater than 0",
                class.escape_debug(),
                record.digest
            )));
        }
    }
    Ok(records)
}

/// Opens the file if nobody but its owner can have written it.
#[cfg(unix)]
fn open(path: &Path) -> Result<Option<File>, TrustFileError> {
    open_as(path, rustix::process::geteuid().as_raw())
}

/// Opens the file if nobody can have written it but the user that runs this, or root.
#[cfg(unix)]
fn open_as(path: &Path, us: u32) -> Result<Option<File>, TrustFileError> {
    use std::os::unix::fs::MetadataExt;

    let failed = |source| TrustFileError::Io {
        path: path.to_owned(),
        verb: "read",
        source,
    };
    let unprotected = |why: &str, remedy: String| {
        Err(TrustFileError::Unprotected {
            path: path.to_owned(),
            why: why.to_owned(),
            remedy,
        })
    };
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        found => found.map_err(failed)?,
    };
    let shown = path.display();
    if found.is_symlink() {
        return unprotected(
            "is a link",
            "name the file itself with --trust, or put a copy there".to_owned(),
        );
    }
    if !found.is_file() {
        return unprotected("is no file", "name another with --trust".to_owned());
    }
    let file = File::open(path).map_err(failed)?;
    // What was looked at is what is read, also if somebody exchanged it meanwhile.
    let opened = file.metadata().map_err(failed)?;
    if (opened.dev(), opened.ino()) != (found.dev(), found.ino()) {
        return unprotected(
            "was exchanged while it was opened",
            "run the command again".to_owned(),
        );
    }
    if opened.uid() != us && opened.uid() != 0 {
        return unprotected(
            &format!("belongs to another user (uid {})", opened.uid()),
            format!("look at what it approves; if that is right, `chown {us} {shown}`"),
        );
    }
    if opened.mode() & 0o022 != 0 {
        return unprotected(
            "can be written by others",
            format!("look at what it approves; if that is right, `chmod go-w {shown}`"),
        );
    }
    Ok(Some(file))
}

/// Who else can write to a file can't be told here.
#[cfg(not(unix))]
fn open(path: &Path) -> Result<Option<File>, TrustFileError> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some).map_err(|source| TrustFileError::Io {
            path: path.to_owned(),
            verb: "read",
            source,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(bytes: &[u8]) -> Record {
        Record {
            digest: Digest::of(bytes),
            file: "other.wasm".to_owned(),
            approved_at: "2026-11-23T10:00:00.000Z".to_owned(),
            approved_by: Some("alice".to_owned()),
            ceilings: [("user-list".to_owned(), 2.5)].into(),
            approved: TrustRecord::bundled().unwrap().approved,
        }
    }

    fn written() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(DEFAULT_NAME);
        let mut file = TrustFile::read(&path).unwrap();
        assert_eq!(file.records(), []);
        file.add(record(b"one"));
        file.write().unwrap();
        (folder, path)
    }

    #[test]
    fn what_was_approved_is_found_again_by_its_digest_alone() {
        let (_folder, path) = written();
        let mut file = TrustFile::read(&path).unwrap();
        assert_eq!(file.find(&Digest::of(b"one")), Some(&record(b"one")));
        assert_eq!(file.find(&Digest::of(b"two")), None);

        file.add(record(b"two"));
        file.add(record(b"one"));
        file.write().unwrap();
        let mut file = TrustFile::read(&path).unwrap();
        assert_eq!(file.records(), [record(b"two"), record(b"one")]);
        let removed = file.remove(|record| record.digest == Digest::of(b"two"));
        assert_eq!(removed, [record(b"two")]);
        assert_eq!(file.records(), [record(b"one")]);
    }

    #[test]
    fn a_record_that_says_more_than_the_ceiling_of_the_host_does_not_raise_it() {
        let mut record = record(b"one");
        record.ceilings = [("user-list".to_owned(), 9_999.0)].into();
        let in_force = record.in_force();
        assert_eq!(
            in_force.pace,
            ceiling::ceilings(&record.approved.wire),
            "the host's own"
        );
        record.ceilings = [("user-list".to_owned(), 0.25)].into();
        assert_eq!(record.in_force().pace["user-list"], 0.25);
    }

    #[test]
    fn a_file_that_says_something_unknown_is_refused() {
        let (_folder, path) = written();
        let good = fs::read_to_string(&path).unwrap();
        let twice = {
            let mut value: serde_json::Value = serde_json::from_str(&good).unwrap();
            let first = value["records"][0].clone();
            value["records"].as_array_mut().unwrap().push(first);
            value.to_string()
        };
        for (text, expected) in [
            ("", "damaged or something else"),
            ("[]", "damaged or something else"),
            (
                r#"{"version":2,"records":[],"signed":true}"#,
                "has version 2",
            ),
            (r#"{"version":0,"records":[]}"#, "no version 0"),
            (r#"{"version":1,"records":[],"more":1}"#, "unknown field"),
            (r#"{"version":1}"#, "missing field"),
            (&good.replace("\"file\"", "\"flie\""), "unknown field"),
            (&good.replace("sha256:", "md5:"), "64 hexadecimal digits"),
            (&good.replace("2.5", "0"), "not greater than 0"),
            (&good.replace("2.5", "1e999"), "damaged or something else"),
            (&twice, "stands twice"),
        ] {
            fs::write(&path, text).unwrap();
            let refused = TrustFile::read(&path).unwrap_err().to_string();
            assert!(refused.contains(expected), "{expected}: {refused}");
        }
    }

    #[cfg(unix)]
    mod protection {
        use std::os::unix::fs::{PermissionsExt, symlink};

        use super::*;

        fn refused(path: &Path) -> (String, String) {
            match TrustFile::read(path).unwrap_err() {
                TrustFileError::Unprotected { why, remedy, .. } => (why, remedy),
                other => panic!("{other}"),
            }
        }

        #[test]
        fn it_is_written_for_its_owner_alone_and_nothing_else_is_left() {
            let (folder, path) = written();
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }

        #[test]
        fn a_file_that_others_can_write_is_not_believed_and_one_that_they_can_read_is() {
            let (_folder, path) = written();
            for (mode, believed) in [(0o644, true), (0o620, false), (0o602, false), (0o400, true)] {
                fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
                if believed {
                    TrustFile::read(&path).unwrap();
                } else {
                    let (why, remedy) = refused(&path);
                    assert_eq!(why, "can be written by others");
                    assert!(remedy.contains("chmod go-w"), "{remedy}");
                }
            }
        }

        #[test]
        fn a_link_a_folder_and_a_device_are_not_believed() {
            let (folder, path) = written();
            let link = folder.path().join("link.json");
            symlink(&path, &link).unwrap();
            assert_eq!(refused(&link).0, "is a link");
            symlink("nowhere", folder.path().join("dangling")).unwrap();
            assert_eq!(refused(&folder.path().join("dangling")).0, "is a link");
            assert_eq!(refused(folder.path()).0, "is no file");
            assert_eq!(refused(Path::new("/dev/zero")).0, "is no file");
        }

        #[test]
        fn a_file_of_another_user_is_not_believed() {
            let (_folder, path) = written();
            let us = rustix::process::geteuid().as_raw();
            // Root owns what everybody may believe, and can give it away; for anybody else
            // this is the file of another user as soon as they are somebody else.
            let (owner, reader) = if us == 0 { (12_345, us) } else { (us, us + 1) };
            if us == 0 {
                std::os::unix::fs::chown(&path, Some(owner), None).unwrap();
            }
            let Err(TrustFileError::Unprotected { why, remedy, .. }) = open_as(&path, reader)
            else {
                panic!("it is believed");
            };
            assert_eq!(why, format!("belongs to another user (uid {owner})"));
            assert!(remedy.contains(&format!("chown {reader} ")), "{remedy}");
        }
    }
}
