//! The formats of a comparison. None of them holds more than one difference in memory: a
//! format that groups or aligns them reads both sides again.

use std::io::Write;

use serde_json::{Map, Value, json};

use crate::export::{self, Column, Columns, Format, RenderError, Visit};
use crate::store::{
    Changed, Comparison, Difference, Differs, Member, Rows, Run, StoreError, Tallies, What,
};

type Rendered = Result<(), RenderError<StoreError>>;

/// What is printed, and what was seen meanwhile.
pub(super) struct Output<'a> {
    comparison: &'a Comparison<'a>,
    from: &'a Run,
    to: &'a Run,
    /// Whether a difference has been found so far.
    pub(super) is_different: bool,
    /// What the last pass has counted.
    pub(super) tallies: Option<Tallies>,
}

impl<'a> Output<'a> {
    pub(super) fn new(comparison: &'a Comparison<'a>, from: &'a Run, to: &'a Run) -> Self {
        Self {
            comparison,
            from,
            to,
            is_different: false,
            tallies: None,
        }
    }

    /// Prints everything: JSON as one object with a list for each way to differ, JSON lines
    /// with one difference a line, tables and CSV with one member a line.
    pub(super) fn write(&mut self, out: &mut dyn Write, format: Format) -> Rendered {
        let columns = Columns::new([
            Column::whole("change"),
            Column::whole("kind"),
            Column::whole("id"),
            Column::whole("attribute"),
            Column::shown("from"),
            // Nothing stands to its right.
            Column::whole("to"),
        ]);
        match format {
            Format::Json => self.object(out),
            Format::Jsonl => export::rows(out, format, &columns, |visit| {
                self.pass(None, |difference| visit(&line_object(&difference)?))
            }),
            Format::Table | Format::Csv => export::rows(out, format, &columns, |visit| {
                self.pass(None, |difference| lines(&difference, visit))
            }),
        }
    }

    fn pass(
        &mut self,
        only: Option<Differs>,
        mut visit: impl FnMut(Difference<'_>) -> Rendered,
    ) -> Rendered {
        let is_different = &mut self.is_different;
        self.tallies = Some(self.comparison.each(only, |difference| {
            *is_different = true;
            visit(difference)
        })?);
        Ok(())
    }

    fn object(&mut self, out: &mut dyn Write) -> Rendered {
        let (from, to) = (side(self.from), side(self.to));
        write!(out, "{{\"from\":{from},\n\"to\":{to}").map_err(RenderError::output)?;
        for differs in [Differs::Added, Differs::Removed, Differs::Changed] {
            write!(out, ",\n\"{differs}\":[").map_err(RenderError::output)?;
            let mut before = "\n";
            self.pass(Some(differs), |difference| {
                let row = object(&difference)?;
                write!(out, "{before}{row}").map_err(RenderError::output)?;
                before = ",\n";
                Ok(())
            })?;
            let end = if before == "\n" { "]" } else { "\n]" };
            out.write_all(end.as_bytes()).map_err(RenderError::output)?;
        }
        let unknown = json!(self.comparison.not_compared());
        writeln!(out, ",\n\"not_compared\":{unknown}}}").map_err(RenderError::output)?;
        out.flush().map_err(RenderError::output)
    }
}

fn side(run: &Run) -> Value {
    json!({
        "sync_id": run.sync_id,
        "state": run.state,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
    })
}

fn kind<'a>(difference: &Difference<'a>) -> &'a str {
    match difference.rows {
        Rows::Resources(kind) => kind,
        Rows::Entitlements => "entitlement",
        Rows::Grants => "grant",
    }
}

/// The row as lists print it, with its kind in front; of one that changed, what did.
fn object(difference: &Difference<'_>) -> Result<String, RenderError<StoreError>> {
    Ok(match (difference.what, difference.rows) {
        (What::Added(row) | What::Removed(row), Rows::Resources(_)) => row.to_owned(),
        (What::Added(row) | What::Removed(row), _) => with_first("kind", kind(difference), row),
        (What::Changed(changed), _) => {
            let mut object = Map::new();
            object.insert("kind".to_owned(), json!(kind(difference)));
            object.insert("id".to_owned(), json!(changed.id));
            if changed.recreated {
                object.insert("recreated".to_owned(), json!(true));
            }
            let changes = changed.members.iter();
            let changes = changes
                .map(|Member { name, from, to }| (name.clone(), json!({"from": from, "to": to})));
            object.insert("changes".to_owned(), changes.collect::<Map<_, _>>().into());
            Value::Object(object).to_string()
        }
    })
}

fn line_object(difference: &Difference<'_>) -> Result<String, RenderError<StoreError>> {
    let word = difference.what.differs().to_string();
    Ok(with_first("change", &word, &object(difference)?))
}

/// The JSON text of an object that has members, with one more in front.
fn with_first(name: &str, value: &str, object: &str) -> String {
    let members = object.strip_prefix('{').unwrap_or(object);
    format!("{{\"{name}\":{},{members}", json!(value))
}

fn lines(difference: &Difference<'_>, visit: Visit<'_, StoreError>) -> Rendered {
    match difference.what {
        What::Added(row) | What::Removed(row) => {
            let row: Map<String, Value> =
                serde_json::from_str(row).map_err(RenderError::Malformed)?;
            let line = json!({
                "change": difference.what.differs().to_string(),
                "kind": kind(difference),
                "id": row.get("id"),
            });
            visit(&line.to_string())
        }
        What::Changed(changed) => changed.members.iter().try_for_each(|member| {
            let mut leaves = Vec::new();
            differing_leaves(&member.name, &member.from, &member.to, &mut leaves);
            leaves.iter().try_for_each(|leaf| {
                let line = json!({
                    "change": word(changed),
                    "kind": kind(difference),
                    "id": changed.id,
                    "attribute": leaf.name,
                    "from": leaf.from,
                    "to": leaf.to,
                });
                visit(&line.to_string())
            })
        }),
    }
}

fn word(changed: &Changed) -> String {
    match changed.recreated {
        true => "recreated".to_owned(),
        false => Differs::Changed.to_string(),
    }
}

/// A cell shows one value, so of nested ones those inside are compared: `emails.0.verified`.
fn differing_leaves(name: &str, from: &Value, to: &Value, leaves: &mut Vec<Member>) {
    if from == to {
        return;
    }
    let inside = |value: &Value| match value {
        Value::Object(members) => Some(members.clone()),
        Value::Array(items) if items.iter().any(Value::is_object) => {
            let numbered = items.iter().enumerate();
            let numbered = numbered.map(|(index, item)| (index.to_string(), item.clone()));
            Some(numbered.collect())
        }
        _ => None,
    };
    let (from, to) = match (inside(from), inside(to)) {
        (None, None) => {
            leaves.push(Member {
                name: name.to_owned(),
                from: from.clone(),
                to: to.clone(),
            });
            return;
        }
        // The other one is empty or unknown.
        (from, to) => (from.unwrap_or_default(), to.unwrap_or_default()),
    };
    let come = to.keys().filter(|member| !from.contains_key(*member));
    for member in from.keys().chain(come) {
        let value = |side: &Map<String, Value>| side.get(member).cloned().unwrap_or_default();
        differing_leaves(
            &format!("{name}.{member}"),
            &value(&from),
            &value(&to),
            leaves,
        );
    }
}
