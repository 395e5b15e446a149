//! Progress of a long build: "order-get: 14 of 60 functions, 6 min 20 s".

use std::{
    io::{IsTerminal, Write as _, stderr},
    time::{Duration, Instant},
};

/// Time between two lines when the output is not a terminal.
const EVERY: Duration = Duration::from_secs(15);

/// Progress of one build, on standard error.
pub struct Progress {
    total: usize,
    crates: usize,
    started: Instant,
    printed: Instant,
    on: bool,
}

impl Progress {
    /// The progress of a build of `total` functions. With `on` false it prints nothing, because cargo prints its own progress.
    pub fn new(total: usize, on: bool) -> Self {
        Self { total, crates: 0, started: Instant::now(), printed: Instant::now(), on }
    }

    /// Counts one more compiled crate and prints a line. `functions` is the number of functions linked so far.
    pub fn show(&mut self, functions: usize) {
        self.crates += 1;
        if !self.on || (!stderr().is_terminal() && self.printed.elapsed() < EVERY && functions < self.total) {
            return;
        }
        self.printed = Instant::now();
        let elapsed = self.started.elapsed().as_secs();
        let text = format!(
            "build: {functions} of {} functions, {} crates, {} min {} s",
            self.total,
            self.crates,
            elapsed / 60,
            elapsed % 60
        );
        if stderr().is_terminal() {
            eprint!("\r\x1b[K{text}");
            // A closed terminal must not fail the build.
            stderr().flush().unwrap_or_default();
        } else {
            eprintln!("{text}");
        }
    }

    /// Ends the line of progress.
    pub fn end(&self) {
        if self.on && stderr().is_terminal() {
            eprintln!();
        }
    }
}
