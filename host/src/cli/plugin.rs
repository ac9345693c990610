//! Approving components: `plugin trust`, `plugin untrust`, `plugin list`, and what happens
//! to a component that nobody has approved.
//!
//! What a component asks for is shown in words before anybody is asked, and it is asked
//! itself with all egress denied. Where nobody can be asked, nothing is approved unless the
//! command line says so.

use std::io::{self, BufWriter};
use std::path::Path;

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::bundled;
use super::chosen::{self, Shared, Stranger};
use super::exit::{ExitCode, Failure, load_failure};
use super::introduction::{describe, introduction, read};
use super::limits::limits;
use super::question::{Reply, ask};
use super::{Session, hint, print, printed};
use crate::engine::{Artifact, Engine};
use crate::export::{self, Column, Columns};
use crate::limits::Limits;
use crate::limits::Paces;
use crate::limits::ceiling::ceilings;
use crate::model::timestamp;
use crate::trust::description::Description;
use crate::trust::file::{Record, TrustFile};
use crate::trust::words::summary;
use crate::trust::{Digest, differences};

/// Digits of a digest that are enough to mean one: more than two of a handful of records
/// share, and what people copy.
const ENOUGH_DIGITS: usize = 8;

/// A component that has said what it asks for.
struct Introduced {
    artifact: Artifact,
    description: Description,
    /// The settings that it has in common with the bundled component.
    shared: Shared,
}

impl Session<'_> {
    /// `plugin trust`.
    pub(super) async fn trust(self, file: Option<String>) -> Result<(), Failure> {
        let Some(file) = file.or_else(|| self.first.plugin().map(str::to_owned)) else {
            return Err(Failure::new(
                ExitCode::Usage,
                "plugin trust needs the FILE of a component",
            ));
        };
        let bytes = read(Path::new(&file))?;
        self.first.check_pin(&file, &bytes)?;
        let digest = Digest::of(&bytes);
        if bytes == bundled::COMPONENT {
            return print(
                self.format,
                &json!({
                    "outcome": "bundled",
                    "digest": digest,
                    "detail": "this is the bundled component, which needs no approval",
                }),
            );
        }
        let path = self.first.trust_path();
        let mut trust = TrustFile::read(&path)?;
        let limits = limits(self.matches, &self.layers)?;
        let introduced = introduce(&file, &bytes, &self.options, limits).await?;
        let description = &introduced.description;
        let others: Vec<&Record> = trust
            .records()
            .iter()
            .filter(|record| record.approved.name == description.name && record.digest != digest)
            .collect();
        let replace = self.layers.switch(self.matches, "replace")?;
        let outcome = |outcome: &str, replaced: &[Record]| {
            let replaced: Vec<&Digest> = replaced.iter().map(|record| &record.digest).collect();
            json!({
                "outcome": outcome,
                "name": description.name,
                "version": description.version,
                "digest": digest,
                "replaced": replaced,
                "trust": path.display().to_string(),
            })
        };
        let same = trust.find(&digest);
        if same.is_some_and(|record| record.approved == *description) && !replace {
            return print(self.format, &outcome("already-trusted", &[]));
        }
        show(&file, &introduced);
        if let Some(record) = same.or(others.last().copied()) {
            show_difference(record, &digest, description);
        }
        self.confirm_trust(&file)?;
        // Read again: somebody may have taken their time to answer.
        trust = TrustFile::read(&path)?;
        trust.add(Record {
            digest,
            file: Path::new(&file)
                .file_name()
                .map_or(file.clone(), |name| name.to_string_lossy().into_owned()),
            approved_at: timestamp(OffsetDateTime::now_utc()),
            approved_by: self.layers.who(),
            ceilings: ceilings(&description.wire),
            approved: description.clone(),
        });
        let of_others =
            |record: &Record| record.approved.name == description.name && record.digest != digest;
        let removed = if replace {
            trust.remove(of_others)
        } else {
            Vec::new()
        };
        trust.write()?;
        for record in trust.records().iter().filter(|record| of_others(record)) {
            if !self.quiet {
                hint(&format!(
                    "{} is still trusted too; `connector plugin untrust {}` takes that back",
                    record.file, record.digest
                ));
            }
        }
        print(self.format, &outcome("trusted", &removed))
    }

    /// Asks. Where nobody can be asked, --yes says it.
    fn confirm_trust(&self, file: &str) -> Result<(), Failure> {
        if self.layers.switch(self.matches, "yes")? {
            return Ok(());
        }
        match ask(&format!("trust {file} with that?")) {
            Reply::Yes => Ok(()),
            Reply::No => Err(Failure::new(
                ExitCode::Refused,
                "not confirmed; nothing was written",
            )),
            Reply::Nobody => Err(Failure::new(
                ExitCode::Usage,
                format!("{file} is not trusted: nobody can be asked here"),
            )
            .hint("read what it asks for, and add --yes if that may be")),
        }
    }

    /// `plugin untrust`.
    pub(super) fn untrust(self, meant: &str) -> Result<(), Failure> {
        let mut trust = TrustFile::read(&self.first.trust_path())?;
        let digits = meant.strip_prefix("sha256:").unwrap_or(meant);
        let is_digest =
            digits.len() >= ENOUGH_DIGITS && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let removed = trust.remove(|record| {
            record.approved.name == meant || (is_digest && record.digest.begins_with(digits))
        });
        if removed.is_empty() {
            return Err(Failure::new(
                ExitCode::NotFound,
                format!("{} approves no `{meant}`", trust.path().display()),
            )
            .hint("`connector plugin list` shows what is approved"));
        }
        trust.write()?;
        let removed: Vec<Value> = removed
            .iter()
            .map(|record| json!({"name": record.approved.name, "digest": record.digest}))
            .collect();
        print(self.format, &json!({"removed": removed}))
    }

    /// `plugin list`.
    pub(super) fn plugins(self) -> Result<(), Failure> {
        let trust = TrustFile::read(&self.first.trust_path())?;
        let columns = Columns::new([
            Column::whole("name"),
            Column::shown("version"),
            Column::shown("file"),
            Column::shown("approved_at"),
            Column::shown("approved_by"),
            Column::whole("digest"),
        ]);
        let rows: Vec<Value> = trust
            .records()
            .iter()
            .map(|record| {
                json!({
                    "name": record.approved.name,
                    "version": record.approved.version,
                    "file": record.file,
                    "approved_at": record.approved_at,
                    "approved_by": record.approved_by,
                    "digest": record.digest,
                })
            })
            .collect();
        let mut out = BufWriter::new(io::stdout().lock());
        printed(
            export::list(&mut out, self.format, &columns, &rows),
            |never| match never {},
        )
    }
}

/// Shows what a component that nobody has approved asks for, and refuses it.
pub(super) async fn refuse(stranger: &Stranger, options: &[String]) -> Failure {
    let Stranger { file, bytes, trust } = stranger;
    // What was set for the approved component is not for one that nobody knows.
    let introduced = match introduce(file, bytes, options, Limits::default()).await {
        Ok(introduced) => introduced,
        Err(failure) => return failure,
    };
    show(file, &introduced);
    let known = TrustFile::read(trust).ok();
    let mut before = known.iter().flat_map(TrustFile::records);
    if let Some(record) = before.rfind(|record| record.approved.name == introduced.description.name)
    {
        show_difference(record, &Digest::of(bytes), &introduced.description);
    }
    Failure::new(
        ExitCode::PermissionDenied,
        format!(
            "nobody has approved {file} ({}): there is no record of it in {}, so it is not run",
            Digest::of(bytes),
            trust.display()
        ),
    )
    .hint(format!(
        "read what it asks for; if that may be, `connector plugin trust {file}`"
    ))
}

/// Compiles a component and asks what it is, with all egress denied. Its compiled code is
/// not kept.
async fn introduce(
    file: &str,
    bytes: &[u8],
    options: &[String],
    limits: Limits,
) -> Result<Introduced, Failure> {
    let component = Engine::new(None)?
        .limited(limits)
        .load(bytes)
        .map_err(|error| load_failure(file, &error))?;
    let description = describe(file, &component).await?;
    chosen::check_soundness(&description, options).map_err(|unsound| Failure {
        message: format!("{file} can't be trusted: {}", unsound.message),
        hint: Some("tell its author; nothing was approved".to_owned()),
        ..unsound
    })?;
    // One that answers by chance would be approved for one answer and give another.
    if describe(file, &component).await? != description {
        return Err(Failure::new(
            ExitCode::Component,
            format!("{file} can't be trusted: it describes itself differently each time"),
        ));
    }
    Ok(Introduced {
        artifact: component.artifact().clone(),
        shared: chosen::shared_settings(&description)?,
        description,
    })
}

fn show(file: &str, introduced: &Introduced) {
    let Introduced {
        artifact,
        description,
        shared,
    } = introduced;
    let text = introduction(
        artifact,
        description,
        Paces::Ceiling(&ceilings(&description.wire)),
    );
    hint(&format!("{file} asks for this:\n\n{text}"));
    if !shared.given.is_empty() {
        hint(&format!(
            "The bundled component has settings of these names too, and what is set for it in the \
             environment or the configuration file goes to this one as it is: {}\n",
            shared.given.join(", ")
        ));
    }
    if !shared.signing.is_empty() {
        hint(&format!(
            "The host signs its requests with what is set for the bundled component as {}. This \
             one sees none of it, unless --credentials=pass gives it the keys.\n",
            shared.signing.join(", ")
        ));
    }
    hint(&summary(description));
}

fn show_difference(record: &Record, digest: &Digest, description: &Description) {
    let which = if record.digest == *digest {
        "these same bytes".to_owned()
    } else {
        format!("{} ({})", record.file, record.digest)
    };
    let differences = differences(&record.approved, description);
    if differences.is_empty() {
        hint(&format!(
            "That is exactly what was approved of {which}; its code is other code.\n"
        ));
    } else {
        hint(&format!(
            "Compared with what was approved of {which} at {}:\n  {}\n",
            record.approved_at,
            differences.join("\n  ")
        ));
    }
}
