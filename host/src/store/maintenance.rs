//! Looking at a whole store, and copying one that is in use.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

use rusqlite::Connection as Sqlite;
use rusqlite::backup::{Backup, StepResult};

use super::{Rows, Run, RunState, Store, StoreError, lock};
use crate::model::Resource;

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

impl Store {
    /// Reads everything: the structure of the file, and every row of every run.
    pub fn check(&self) -> Result<Checked, StoreError> {
        let mut problems = self.structure()?;
        let mut rows = 0;
        let mut runs = 0;
        // What a damaged tree says about its rows is worth nothing.
        if problems.is_empty() {
            problems.extend(self.keys()?);
            for run in self.runs()? {
                runs += 1;
                self.check_run(&run, &mut rows, &mut problems)?;
            }
        }
        problems.truncate(MOST_PROBLEMS);
        Ok(Checked {
            ok: problems.is_empty(),
            runs,
            rows,
            problems,
        })
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
        let failed = |source| StoreError::from_sqlite(out, source);
        if out.exists() {
            return Err(unwritable(io::ErrorKind::AlreadyExists.into()));
        }
        let mut draft = out.as_os_str().to_owned();
        draft.push(".new");
        let draft = Path::new(&draft);
        // Created here, so that nobody else may read it for a moment.
        lock::private(OpenOptions::new().write(true).create_new(true))
            .open(draft)
            .map_err(unwritable)?;
        let made = Sqlite::open(draft)
            .map_err(failed)
            .and_then(|mut copy| {
                let step = Backup::new(&self.sqlite, &mut copy)
                    .and_then(|backup| backup.step(-1))
                    .map_err(failed)?;
                match step {
                    StepResult::Done => copy.close().map_err(|(_, source)| failed(source)),
                    _ => Err(StoreError::Busy {
                        path: self.path.clone(),
                    }),
                }
            })
            .and_then(|()| fs::rename(draft, out).map_err(unwritable));
        if let Err(error) = made {
            let _ = fs::remove_file(draft);
            return Err(error);
        }
        fs::metadata(out)
            .map(|found| found.len())
            .map_err(unwritable)
    }
}
