//! What a person sees while a sync runs: one line that says how far it is, how fast, and
//! how much of the time it waits for the service's quota. Only on a terminal.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::egress::Egress;
use crate::sync::Progress;

/// How often the line changes: often enough to look alive, seldom enough to be read.
const REDRAW: Duration = Duration::from_millis(200);

/// Whether somebody is looking who can bear cursor movements.
pub(super) fn wanted(quiet: bool, no_color: bool) -> bool {
    !quiet && !no_color && std::io::stderr().is_terminal()
}

/// Redraws the line until it is dropped.
pub(super) async fn show(progress: Arc<Progress>, egress: Arc<Egress>) {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}") {
        bar.set_style(style);
    }
    let _clear = Clear(&bar);
    let started = Instant::now();
    loop {
        bar.set_message(line(
            &progress,
            egress.traffic().requests,
            egress.traffic().waited,
            started.elapsed(),
        ));
        bar.tick();
        tokio::time::sleep(REDRAW).await;
    }
}

/// Leaves a clean line behind, however the sync ends.
struct Clear<'a>(&'a ProgressBar);

impl Drop for Clear<'_> {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn line(progress: &Progress, requests: u64, waited: Duration, elapsed: Duration) -> String {
    let mut parts: Vec<String> = progress
        .kinds()
        .iter()
        .map(|kind| match kind.estimate {
            Some(estimate) => format!("{} {}/~{estimate}", kind.plural, kind.read),
            None => format!("{} {}", kind.plural, kind.read),
        })
        .collect();
    parts.push(format!("grants {}", progress.grants()));
    let seconds = elapsed.as_secs_f64().max(0.001);
    #[expect(clippy::cast_precision_loss, reason = "a rate shown with one digit")]
    parts.push(format!("{:.1}/s", requests as f64 / seconds));
    parts.push(format!("quota wait {:.0} s", waited.as_secs_f64()));
    if progress.retries() > 0 {
        parts.push(format!("{} retries", progress.retries()));
    }
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_far_how_fast_and_how_long_it_waited() {
        let progress = Progress::new([("user".to_owned(), "users".to_owned())]);
        assert_eq!(
            line(
                &progress,
                50,
                Duration::from_secs(7),
                Duration::from_secs(10)
            ),
            "users 0 · grants 0 · 5.0/s · quota wait 7 s"
        );
    }
}
