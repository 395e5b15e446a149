//! Journeys over HTTP through the whole local cloud: what people do, and what must then be true.

mod bad_input;
mod channels;
mod failure;
mod order;
mod saga;
mod stack;
mod stock;
