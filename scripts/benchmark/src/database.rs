//! A temporary database for one run of the benchmark.

use std::process::Command;
use xtask::Result;

/// A database with its credentials, from the variables that `scripts/bench` sets. Dropping the value drops the database.
pub struct Database {
    pub name: String,
    /// Port of the server on this machine.
    pub port: String,
    /// Password of the owner role.
    pub owner_password: String,
    /// Password of the contexts' roles.
    pub role_password: String,
    is_created: bool,
}

impl Database {
    /// Creates an empty database on the server at `BENCH_DATABASE_PORT`.
    pub fn create() -> Result<Self> {
        Self::create_at("BENCH_DATABASE_PORT")
    }

    /// Creates an empty database on the server at `BENCH_MEMORY_PORT`, whose data directory is in memory.
    pub fn create_in_memory() -> Result<Self> {
        Self::create_at("BENCH_MEMORY_PORT")
    }

    /// Returns unusable settings, for functions that are started and never invoked.
    pub fn absent() -> Self {
        let text = || "absent".to_owned();
        Self { name: text(), port: "9".into(), owner_password: text(), role_password: text(), is_created: false }
    }

    fn create_at(port_variable: &str) -> Result<Self> {
        let variable = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set: run scripts/bench"));
        let database = Self {
            name: format!("bench_{}", std::process::id()),
            port: variable(port_variable)?,
            owner_password: variable("BENCH_OWNER_PASSWORD")?,
            role_password: variable("BENCH_ROLE_PASSWORD")?,
            is_created: true,
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
        if !self.is_created {
            return;
        }
        if let Err(error) = self.run(&format!("DROP DATABASE {} WITH (FORCE)", self.name)) {
            eprintln!("bench: database {} was not dropped: {error}", self.name);
        }
    }
}
