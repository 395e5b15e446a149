//! A database of the bench's own in the local PostgreSQL, dropped at the end.

use std::process::Command;
use xtask::Result;

/// Where the server is and who may do what; said by `scripts/bench`.
pub struct Database {
    /// Name of the database.
    pub name: String,
    /// Port on this machine.
    pub port: String,
    /// Password of the owner role.
    pub owner_password: String,
    /// Password of the contexts' roles.
    pub role_password: String,
    /// Whether this value created the database, and so has to drop it.
    created: bool,
}

impl Database {
    /// Makes it, empty.
    pub fn create() -> Result<Self> {
        Self::create_at("BENCH_DATABASE_PORT")
    }

    /// Makes one on the server whose data lie in memory: a disk that takes no time.
    pub fn create_in_memory() -> Result<Self> {
        Self::create_at("BENCH_MEMORY_PORT")
    }

    /// None: for functions that are started and never called.
    pub fn absent() -> Self {
        let text = || "absent".to_owned();
        Self { name: text(), port: "9".into(), owner_password: text(), role_password: text(), created: false }
    }

    fn create_at(port: &str) -> Result<Self> {
        let said = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set: run scripts/bench"));
        let database = Self {
            name: format!("bench_{}", std::process::id()),
            port: said(port)?,
            owner_password: said("BENCH_OWNER_PASSWORD")?,
            role_password: said("BENCH_ROLE_PASSWORD")?,
            created: true,
        };
        database.run(&format!("CREATE DATABASE {}", database.name))?;
        Ok(database)
    }

    fn run(&self, statement: &str) -> Result<()> {
        let output = Command::new("psql")
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", &self.port])
            .args(["-U", xtask::codegen::environment::OWNER_ROLE, "-d", "postgres", "-c", statement])
            .env("PGPASSWORD", &self.owner_password)
            .output()
            .map_err(|error| format!("psql does not start: {error}; run scripts/setup"))?;
        if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()) }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if !self.created {
            return;
        }
        if let Err(problem) = self.run(&format!("DROP DATABASE {} WITH (FORCE)", self.name)) {
            eprintln!("bench: {} stays behind: {problem}", self.name);
        }
    }
}
