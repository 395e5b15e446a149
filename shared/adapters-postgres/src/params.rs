//! Parameters with their types. Typed parameters are what makes an unnamed statement one round trip: nobody has to ask the
//! server what it expects.

use kernel::{Timestamp, Uuid};
use serde::Serialize;
use std::fmt::Debug;
use tokio_postgres::types::{Json, ToSql, Type};

/// One parameter.
pub(super) struct Param<'a> {
    pub(super) value: Box<dyn ToSql + Sync + Send + 'a>,
    pub(super) of: Type,
}

/// A Rust type that stands for one type of Postgres.
pub(super) trait Typed: ToSql + Sync + Send {
    /// Which.
    const TYPE: Type;
}

macro_rules! typed {
    ($($rust:ty => $constant:ident,)*) => {$(
        impl Typed for $rust {
            const TYPE: Type = Type::$constant;
        }
    )*};
}

typed! {
    bool => BOOL,
    &str => TEXT,
    String => TEXT,
    Vec<&str> => TEXT_ARRAY,
    i32 => INT4,
    i64 => INT8,
    Vec<i64> => INT8_ARRAY,
    Uuid => UUID,
    Vec<Uuid> => UUID_ARRAY,
    Timestamp => TIMESTAMPTZ,
}

impl<T: Serialize + Debug + Sync + Send> Typed for Json<T> {
    const TYPE: Type = Type::JSONB;
}

impl<T: Typed> Typed for &T {
    const TYPE: Type = T::TYPE;
}

impl<T: Typed> Typed for Option<T> {
    const TYPE: Type = T::TYPE;
}

/// Pairs a value with its type.
pub(super) fn param<'a, T: Typed + 'a>(value: T) -> Param<'a> {
    Param { value: Box::new(value), of: T::TYPE }
}

/// The parameters of a statement, `$1` first.
macro_rules! params {
    ($($value:expr),* $(,)?) => { [$($crate::params::param($value)),*] };
}
pub(super) use params;
