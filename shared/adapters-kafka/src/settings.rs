//! Settings of a topic. The client has no operations for them: the requests are written here, and sent over its connections.

use crate::cluster::{Cluster, DEPENDENCY};
use crate::refused;
use kernel::Failure;
use rskafka::client::error::ProtocolError;
use rskafka::messenger::{Messenger, RequestError};
use rskafka::protocol::api_key::ApiKey;
use rskafka::protocol::api_version::{ApiVersion, ApiVersionRange};
use rskafka::protocol::messages::{
    ReadVersionedError, ReadVersionedType, RequestBody, WriteVersionedError, WriteVersionedType,
};
use rskafka::protocol::primitives::{Array, Boolean, Int8, Int16, Int32, NullableString, String_};
use rskafka::protocol::traits::{ReadError, ReadType, WriteType};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// What the protocol calls a topic among its resources.
const TOPIC: Int8 = Int8(2);
/// The operation that sets a value.
const SET: Int8 = Int8(0);

/// A connection to one broker, which forwards what is the controller's.
pub(crate) struct Settings(Messenger<TlsStream<TcpStream>>);

impl Settings {
    pub(crate) async fn of(cluster: &Cluster) -> Result<Self, Failure> {
        Ok(Self(cluster.connect_to_broker().await?))
    }

    /// The values of these settings of a topic, those of the cluster included.
    pub(crate) async fn read(&self, topic: &str, names: &[&str]) -> Result<BTreeMap<String, String>, Failure> {
        let Described(topics) = self.0.request(Describe { topic, names }).await.map_err(|error| failed(&error))?;
        let mut values = BTreeMap::new();
        for Topic { error, settings } in topics.0.unwrap_or_default() {
            accepted(error)?;
            let settings = settings.0.unwrap_or_default().into_iter();
            values.extend(settings.filter_map(|Setting { name, value }| Some((name, value?))));
        }
        Ok(values)
    }

    /// Sets these settings of a topic, and no others.
    pub(crate) async fn write(&self, topic: &str, settings: &[(&str, &str)]) -> Result<(), Failure> {
        let Altered(topics) = self.0.request(Alter { topic, settings }).await.map_err(|error| failed(&error))?;
        topics.0.unwrap_or_default().into_iter().try_for_each(|Answer { error }| accepted(error))
    }
}

fn failed(error: &RequestError) -> Failure {
    Failure::unavailable(DEPENDENCY, error)
}

fn accepted(error: Int16) -> Result<(), Failure> {
    ProtocolError::new(error.0).map_or(Ok(()), |error| Err(refused(&error)))
}

fn count<W: Write>(writer: &mut W, number: usize) -> Result<(), WriteVersionedError> {
    let number = i32::try_from(number).map_err(rskafka::protocol::traits::WriteError::Overflow)?;
    Ok(Int32(number).write(writer)?)
}

fn text<W: Write>(writer: &mut W, text: &str) -> Result<(), WriteVersionedError> {
    Ok(String_(text.to_owned()).write(writer)?)
}

const fn version(number: i16) -> ApiVersionRange {
    ApiVersionRange::new(ApiVersion(Int16(number)), ApiVersion(Int16(number)))
}

/// `DescribeConfigs` of one topic.
struct Describe<'a> {
    topic: &'a str,
    names: &'a [&'a str],
}

impl RequestBody for Describe<'_> {
    type ResponseBody = Described;
    const API_KEY: ApiKey = ApiKey::DescribeConfigs;
    const API_VERSION_RANGE: ApiVersionRange = version(1);
    const FIRST_TAGGED_FIELD_IN_REQUEST_VERSION: ApiVersion = ApiVersion(Int16(4));
}

impl<W: Write> WriteVersionedType<W> for Describe<'_> {
    fn write_versioned(&self, writer: &mut W, _version: ApiVersion) -> Result<(), WriteVersionedError> {
        count(writer, 1)?;
        TOPIC.write(writer)?;
        text(writer, self.topic)?;
        count(writer, self.names.len())?;
        self.names.iter().try_for_each(|name| text(writer, name))?;
        // Not where a value comes from.
        Ok(Boolean(false).write(writer)?)
    }
}

struct Described(Array<Topic>);

impl<R: Read> ReadVersionedType<R> for Described {
    fn read_versioned(reader: &mut R, _version: ApiVersion) -> Result<Self, ReadVersionedError> {
        let _throttled_ms = Int32::read(reader)?;
        Ok(Self(Array::read(reader)?))
    }
}

/// The settings of a topic, or the error code of the broker.
struct Topic {
    error: Int16,
    settings: Array<Setting>,
}

impl<R: Read> ReadType<R> for Topic {
    fn read(reader: &mut R) -> Result<Self, ReadError> {
        let Answer { error } = Answer::read(reader)?;
        Ok(Self { error, settings: Array::read(reader)? })
    }
}

struct Setting {
    name: String,
    value: Option<String>,
}

impl<R: Read> ReadType<R> for Setting {
    fn read(reader: &mut R) -> Result<Self, ReadError> {
        let (String_(name), NullableString(value)) = (ReadType::read(reader)?, ReadType::read(reader)?);
        let _is_read_only = Boolean::read(reader)?;
        let _source = Int8::read(reader)?;
        let _is_sensitive = Boolean::read(reader)?;
        let _synonyms = Array::<Synonym>::read(reader)?;
        Ok(Self { name, value })
    }
}

/// Where else a value is set, which was not asked for. The client reads no array of a type without a size.
struct Synonym {
    _source: Int8,
}

impl<R: Read> ReadType<R> for Synonym {
    fn read(reader: &mut R) -> Result<Self, ReadError> {
        let _name = String_::read(reader)?;
        let _value = NullableString::read(reader)?;
        Ok(Self { _source: Int8::read(reader)? })
    }
}

/// `IncrementalAlterConfigs` of one topic.
struct Alter<'a> {
    topic: &'a str,
    settings: &'a [(&'a str, &'a str)],
}

impl RequestBody for Alter<'_> {
    type ResponseBody = Altered;
    const API_KEY: ApiKey = ApiKey::IncrementalAlterConfigs;
    const API_VERSION_RANGE: ApiVersionRange = version(0);
    const FIRST_TAGGED_FIELD_IN_REQUEST_VERSION: ApiVersion = ApiVersion(Int16(1));
}

impl<W: Write> WriteVersionedType<W> for Alter<'_> {
    fn write_versioned(&self, writer: &mut W, _version: ApiVersion) -> Result<(), WriteVersionedError> {
        count(writer, 1)?;
        TOPIC.write(writer)?;
        text(writer, self.topic)?;
        count(writer, self.settings.len())?;
        for (name, value) in self.settings {
            text(writer, name)?;
            SET.write(writer)?;
            NullableString(Some((*value).to_owned())).write(writer)?;
        }
        // Not for a check alone.
        Ok(Boolean(false).write(writer)?)
    }
}

struct Altered(Array<Answer>);

impl<R: Read> ReadVersionedType<R> for Altered {
    fn read_versioned(reader: &mut R, _version: ApiVersion) -> Result<Self, ReadVersionedError> {
        let _throttled_ms = Int32::read(reader)?;
        Ok(Self(Array::read(reader)?))
    }
}

/// The response about one topic.
struct Answer {
    error: Int16,
}

impl<R: Read> ReadType<R> for Answer {
    fn read(reader: &mut R) -> Result<Self, ReadError> {
        let error = Int16::read(reader)?;
        let _message = NullableString::read(reader)?;
        let _kind = Int8::read(reader)?;
        let _name = String_::read(reader)?;
        Ok(Self { error })
    }
}
