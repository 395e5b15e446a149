//! Journeys over HTTP through the whole local cloud: the steps of customers and staff, and the results that must follow.

mod back_office;
mod bad_input;
mod canary;
mod catalogue;
mod channels;
mod clients;
mod failure;
mod gateway;
mod identity;
mod operations;
mod order;
mod payment_methods;
mod personal_data;
mod records;
mod saga;
mod second_factors;
mod secrets;
mod service_clients;
mod stack;
mod stock;
mod trace;
mod verify;
mod webhooks;
