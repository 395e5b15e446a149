//! Every test that needs more than one crate, in one binary: linking is what costs on a small machine.

mod drift;
