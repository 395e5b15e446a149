//! Pure decisions. A command and what is known come in as values, a decision and its events go out as values.
//!
//! **Invariant:** no async, no clock, no randomness, no I/O. An `if` about the business belongs here and nowhere else.

pub mod address;
pub mod event;
pub mod id;
pub mod invoice;
pub mod ledger;
pub mod money;
pub mod notification;
pub mod order;
pub mod payment;
pub mod product;
pub mod session;
pub mod stock;
pub mod text;
pub mod user;
pub mod window;

pub use event::DomainEvent;
pub use money::Money;

/// A domain event in its envelope.
pub type Event = kernel::CloudEvent<DomainEvent>;
