//! What people and programs send that nobody meant: each row is an input, the expected status, and the expected state afterwards.

mod generated;
mod http;
mod routes;
mod text;
