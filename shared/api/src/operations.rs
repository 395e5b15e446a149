//! Liveness and readiness.

use schemars::JsonSchema;
use serde::Serialize;

/// The response of a function that is alive.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct HealthView {
    /// Always `ok`.
    pub status: &'static str,
}

impl HealthView {
    /// The only value.
    pub const OK: Self = Self { status: "ok" };
}

/// Whether the service is ready, with the state of each dependency.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ReadinessView {
    /// `ready`, `degraded` if a dependency is down that is not essential, or `not_ready`.
    pub status: &'static str,
    /// All dependencies.
    pub dependencies: Vec<DependencyView>,
}

/// A dependency of the service.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DependencyView {
    /// Name of the dependency.
    pub name: &'static str,
    /// `up` or `down`.
    pub state: &'static str,
    /// Whether the service is not ready without it.
    #[serde(skip)]
    pub is_essential: bool,
}

impl DependencyView {
    /// Creates the view of a dependency that was checked.
    pub fn new(name: &'static str, is_essential: bool, is_up: bool) -> Self {
        Self { name, state: if is_up { "up" } else { "down" }, is_essential }
    }

    fn is_down(&self) -> bool {
        self.state == "down"
    }
}

impl ReadinessView {
    /// Creates the view of a service with these dependencies.
    pub fn new(dependencies: Vec<DependencyView>) -> Self {
        let is_degraded = dependencies.iter().any(DependencyView::is_down);
        let is_ready = !dependencies.iter().any(|dependency| dependency.is_essential && dependency.is_down());
        let status = match (is_ready, is_degraded) {
            (true, false) => "ready",
            (true, true) => "degraded",
            (false, _) => "not_ready",
        };
        Self { status, dependencies }
    }

    /// Whether every essential dependency is up.
    pub fn is_ready(&self) -> bool {
        self.status != "not_ready"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_is_degraded_without_a_dependency_and_not_ready_without_an_essential_one() {
        for (database, cache, status) in
            [(true, true, "ready"), (true, false, "degraded"), (false, true, "not_ready"), (false, false, "not_ready")]
        {
            let view = ReadinessView::new(vec![
                DependencyView::new("database", true, database),
                DependencyView::new("cache", false, cache),
            ]);
            assert_eq!((view.status, view.is_ready()), (status, database));
        }
    }
}
