//! Looking at a whole store, and copying one that is in use.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection as Sqlite;
use rusqlite::backup::{Backup, StepResult};

use super::error::one_line;
use super::lock::SyncLock;
use super::{Rows, Run, RunState, Store, StoreError, open};
use crate::model::Resource;
use crate::private_file;

/// Problems that are told; whoever has more than these needs a copy and not a list.
const MOST_PROBLEMS: usize = 20;

/// What a full check has found.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Checked {
    /// Whether nothing is wrong.
    pub ok: bool,
    /// Runs that were looked at.
    pub runs: usize,
    /// Rows that were read back.
    pub rows: u64,
    /// What is wrong, the first few of it.
    pub problems: Vec<String>,
}

impl Checked {
    /// What is known of a store that could not even be opened, if damage is the reason.
    pub fn unopened(error: &StoreError) -> Option<Self> {
        let StoreError::Corrupt { detail, .. } = error else {
            return None;
        };
        Some(Self {
            ok: false,
            runs: 0,
            rows: 0,
            problems: vec![one_line(detail)],
        })
    }
}

impl Store {
    /// Reads everything: the structure of the file, and every row of every run. Damage is
    /// a result here and not an error, wherever it is met.
    pub fn check(&self) -> Result<Checked, StoreError> {
        let mut checked = Checked {
            ok: true,
            runs: 0,
            rows: 0,
            problems: Vec::new(),
        };
        match self.check_all(&mut checked) {
            Err(StoreError::Corrupt { detail, .. }) => checked.problems.push(detail),
            other => other?,
        }
        let mut told = Vec::new();
        for problem in checked.problems.iter().map(|problem| one_line(problem)) {
            if !told.contains(&problem) {
                told.push(problem);
            }
        }
        told.truncate(MOST_PROBLEMS);
        Ok(Checked {
            ok: told.is_empty(),
            problems: told,
            ..checked
        })
    }

    fn check_all(&self, checked: &mut Checked) -> Result<(), StoreError> {
        checked.problems = self.structure()?;
        // What a damaged tree says about its rows is worth nothing.
        if !checked.problems.is_empty() {
            return Ok(());
        }
        checked.problems.extend(self.keys()?);
        for run in self.runs()? {
            checked.runs += 1;
            self.check_run(&run, &mut checked.rows, &mut checked.problems)?;
        }
        Ok(())
    }

    fn structure(&self) -> Result<Vec<String>, StoreError> {
        self.ask(|sqlite| {
            let mut statement =
                sqlite.prepare(&format!("PRAGMA integrity_check({MOST_PROBLEMS})"))?;
            let found = statement.query_map([], |row| row.get::<_, String>(0))?;
            let found = found.collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(found.into_iter().filter(|line| line != "ok").collect())
        })
    }

    /// Rows whose key is not that of the object that they hold.
    fn keys(&self) -> Result<Option<String>, StoreError> {
        let strange = self.ask(|sqlite| {
            sqlite.query_row(
                "SELECT count(*) FROM resource WHERE NOT json_valid(body)
                   OR body ->> '$.kind' <> kind OR body ->> '$.id' <> id",
                [],
                |row| row.get::<_, i64>(0),
            )
        })?;
        Ok((strange > 0).then(|| format!("{strange} resources are not what their key says")))
    }

    fn check_run(
        &self,
        run: &Run,
        rows: &mut u64,
        problems: &mut Vec<String>,
    ) -> Result<(), StoreError> {
        let kinds = run.kinds.iter().map(|kind| Rows::Resources(&kind.id));
        for sort in kinds.chain([Rows::Entitlements, Rows::Grants]) {
            let read = self.each_row(run, sort, |text| {
                *rows += 1;
                match sort {
                    Rows::Resources(_) => self.parse::<Resource>(text).map(drop),
                    Rows::Entitlements => self.parse::<serde_json::Value>(text).map(drop),
                    Rows::Grants => Ok(()),
                }
            });
            match read {
                Err(StoreError::Corrupt { detail, .. }) => {
                    problems.push(format!("run {}: {detail}", run.sync_id));
                }
                other => other?,
            }
        }
        if let (RunState::Complete, Some(counts)) = (run.state, &run.counts)
            && *counts != self.counted(run)?
        {
            problems.push(format!(
                "run {} does not have the rows that it was published with",
                run.sync_id
            ));
        }
        Ok(())
    }

    /// Copies the store as it is now to a new file, whole or not at all, for its owner
    /// only. A sync may go on meanwhile; what it writes later is not in the copy. Returns
    /// its length in bytes.
    pub fn backup(&self, out: &Path) -> Result<u64, StoreError> {
        let unwritable = |source: io::Error| StoreError::Unwritable {
            path: out.to_owned(),
            source,
        };
        refuse_place(out)?;
        // A first sync to this place takes the same lock for the same draft. Whoever holds
        // it knows that a draft which is there was left by a process that died.
        let _lock = SyncLock::acquire(out).map_err(|error| match error {
            StoreError::Locked { path, owner } => StoreError::BackupRuns { path, owner },
            other => other,
        })?;
        // Another backup may have ended between the two steps.
        refuse_place(out)?;
        let draft = beside(out, ".new");
        remove_draft(&draft).map_err(unwritable)?;
        // Created here, so that nobody else may read it for a moment.
        private_file::create_new(&draft).map_err(unwritable)?;
        let made = self
            .copy_to(&draft, out)
            .and_then(|()| fs::rename(&draft, out).map_err(unwritable));
        if let Err(error) = made {
            let _ = remove_draft(&draft);
            return Err(error);
        }
        fs::metadata(out)
            .map(|found| found.len())
            .map_err(unwritable)
    }

    /// Fills the draft and looks whether a store came out: damaged pages are copied like
    /// others, and would be found on the day when the copy is needed.
    fn copy_to(&self, draft: &Path, out: &Path) -> Result<(), StoreError> {
        let failed = |source| StoreError::from_sqlite(out, source);
        let damaged = |detail| StoreError::Corrupt {
            path: self.path.clone(),
            detail,
        };
        let mut copy =
            Sqlite::open(draft).map_err(|source| StoreError::from_sqlite(draft, source))?;
        let step = Backup::new(&self.sqlite, &mut copy)
            .and_then(|backup| backup.step(-1))
            .map_err(failed);
        let checked = match step {
            Ok(StepResult::Done) => open::quick_check(&copy, draft),
            Ok(_) => Err(StoreError::Busy {
                path: self.path.clone(),
            }),
            Err(error) => Err(error),
        };
        // The draft was empty, so what is wrong with it came from the store.
        checked.map_err(|error| match error {
            StoreError::Corrupt { detail, .. } => damaged(detail),
            StoreError::NotADatabase { .. } => damaged("its copy is no database".to_owned()),
            other => other,
        })?;
        copy.close().map_err(|(_, source)| failed(source))
    }
}

/// Refuses a place that is taken, be it by a link to nowhere, and one that is in no folder.
fn refuse_place(out: &Path) -> Result<(), StoreError> {
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder
        && let Err(error) = fs::metadata(folder)
        && error.kind() == io::ErrorKind::NotFound
    {
        return Err(StoreError::NoFolder {
            folder: folder.to_owned(),
        });
    }
    let path = out.to_owned();
    match fs::symlink_metadata(out) {
        Ok(_) => Err(StoreError::Exists { path }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(StoreError::Unwritable { path, source }),
    }
}

/// Removes a draft and what SQLite keeps beside it, which it would take for the journal of
/// the next draft of this name.
fn remove_draft(draft: &Path) -> io::Result<()> {
    for suffix in ["", "-journal", "-wal", "-shm"] {
        match fs::remove_file(beside(draft, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
