//! How far a long build is: "order-get: 14 of 60 functions, 6 min 20 s".

use std::{
    io::{IsTerminal, Write as _, stderr},
    time::{Duration, Instant},
};

/// Without a terminal a line is printed this often.
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
    /// Of so many functions; `on` is false where cargo prints its own.
    pub fn new(total: usize, on: bool) -> Self {
        Self { total, crates: 0, started: Instant::now(), printed: Instant::now(), on }
    }

    /// One more crate is compiled; `functions` are linked by now.
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
            // Progress is a courtesy: a closed terminal must not fail the build.
            stderr().flush().unwrap_or_default();
        } else {
            eprintln!("{text}");
        }
    }

    /// The build is over.
    pub fn end(&self) {
        if self.on && stderr().is_terminal() {
            eprintln!();
        }
    }
}
