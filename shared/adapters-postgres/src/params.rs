//! Parameters with their types. With these, an unnamed statement takes one round trip, since the driver need not look them up.

use kernel::{Date, Timestamp, Uuid};
use serde::Serialize;
use std::fmt::Debug;
use tokio_postgres::types::{Json, ToSql, Type};

pub(super) struct Param<'a> {
    pub(super) value: Box<dyn ToSql + Sync + Send + 'a>,
    pub(super) kind: Type,
}

/// A Rust type with a fixed PostgreSQL type.
pub(super) trait Typed: ToSql + Sync + Send {
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
    f64 => FLOAT8,
    Vec<i32> => INT4_ARRAY,
    Vec<i64> => INT8_ARRAY,
    Uuid => UUID,
    Vec<Uuid> => UUID_ARRAY,
    Timestamp => TIMESTAMPTZ,
    Vec<Timestamp> => TIMESTAMPTZ_ARRAY,
    Date => DATE,
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

pub(super) fn param<'a, T: Typed + 'a>(value: T) -> Param<'a> {
    Param { value: Box::new(value), kind: T::TYPE }
}

/// The parameters of a statement, `$1` first.
macro_rules! params {
    ($($value:expr),* $(,)?) => { [$($crate::params::param($value)),*] };
}
pub(super) use params;
