//! A CloudFormation template as data: intrinsic functions, resources in the order of their addition, and the YAML file.

use super::{COMMAND, canonical};
use crate::Result;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Value, json};

/// `Ref`.
#[must_use]
pub fn reference(id: &str) -> Value {
    json!({ "Ref": id })
}

/// `Fn::Sub`.
#[must_use]
pub fn sub(text: &str) -> Value {
    json!({ "Fn::Sub": text })
}

/// `Fn::GetAtt`.
#[must_use]
pub fn attribute(id: &str, attribute: &str) -> Value {
    json!({ "Fn::GetAtt": [id, attribute] })
}

/// `Fn::If`.
#[must_use]
pub fn when(condition: &str, then: Value, otherwise: Value) -> Value {
    json!({ "Fn::If": [condition, then, otherwise] })
}

/// `Fn::If` with `AWS::NoValue` as the alternative: the value exists only under the condition.
#[must_use]
pub fn only_when(condition: &str, value: Value) -> Value {
    when(condition, value, reference("AWS::NoValue"))
}

/// An ARN in the stack's own partition, region and account.
#[must_use]
pub fn arn(service: &str, resource: &str) -> Value {
    sub(&arn_text(service, resource))
}

/// The text of [`arn`], for a longer `Fn::Sub`.
#[must_use]
pub fn arn_text(service: &str, resource: &str) -> String {
    format!("arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{resource}")
}

/// A resource of the template.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Resource {
    #[serde(skip)]
    id: String,
    #[serde(skip)]
    owner: Option<&'static str>,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    depends_on: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deletion_policy: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_replace_policy: Option<&'static str>,
    properties: Value,
}

impl Resource {
    /// An unconditional resource that is deleted with the stack.
    #[must_use]
    pub fn new(id: impl Into<String>, r#type: &'static str, properties: Value) -> Self {
        Self {
            id: id.into(),
            owner: None,
            r#type,
            condition: None,
            depends_on: Vec::new(),
            deletion_policy: None,
            update_replace_policy: None,
            properties: canonical(properties),
        }
    }

    /// Creates the resource only under a condition.
    #[must_use]
    pub fn only_when(mut self, condition: &'static str) -> Self {
        self.condition = Some(condition);
        self
    }

    /// Creates the resource after others that it does not refer to (`DependsOn`).
    #[must_use]
    pub fn after(mut self, others: impl IntoIterator<Item = String>) -> Self {
        self.depends_on.extend(others);
        self
    }

    /// Retains the resource when the stack is deleted or the resource replaced, because it contains data.
    #[must_use]
    pub fn retained(mut self) -> Self {
        self.deletion_policy = Some("RetainExceptOnCreate");
        self.update_replace_policy = Some("Retain");
        self
    }

    /// The logical id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The function that the resource belongs to, or `None` if it is shared.
    #[must_use]
    pub const fn owner(&self) -> Option<&'static str> {
        self.owner
    }

    /// The CloudFormation type after the SAM transform.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        if self.r#type == "AWS::Serverless::Function" { "AWS::Lambda::Function" } else { self.r#type }
    }

    /// The properties as written to the template.
    #[must_use]
    pub const fn properties(&self) -> &Value {
        &self.properties
    }
}

/// A template.
pub struct Template {
    /// `Parameters`, in the order of the file.
    pub parameters: Vec<(&'static str, Value)>,
    /// `Conditions`, in the order of the file.
    pub conditions: Vec<(&'static str, Value)>,
    /// `Globals` of the SAM transform.
    pub globals: Value,
    /// `Outputs`, in the order of the file.
    pub outputs: Vec<(String, Value)>,
    resources: Vec<Resource>,
}

impl Template {
    /// A template without resources.
    #[must_use]
    pub const fn new(
        parameters: Vec<(&'static str, Value)>,
        conditions: Vec<(&'static str, Value)>,
        globals: Value,
    ) -> Self {
        Self { parameters, conditions, globals, outputs: Vec::new(), resources: Vec::new() }
    }

    /// Adds a shared resource.
    pub fn add_shared(&mut self, resource: Resource) {
        self.resources.push(resource);
    }

    /// Adds a resource that belongs to a function.
    pub fn add_for(&mut self, function: &catalog::Function, mut resource: Resource) {
        resource.owner = Some(function.name);
        self.resources.push(resource);
    }

    /// All resources, in the order of the file.
    #[must_use]
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// The content of `template.yaml`.
    pub fn to_yaml(&self) -> Result<String> {
        let body = serde_yaml_ng::to_string(self).map_err(|error| error.to_string())?;
        Ok(format!("# Generated by `{COMMAND}` from shared/catalog. Do not edit.\n{body}"))
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("AWSTemplateFormatVersion", "2010-09-09")?;
        map.serialize_entry("Transform", "AWS::Serverless-2016-10-31")?;
        map.serialize_entry("Description", "Quayside, an event-driven order platform.")?;
        map.serialize_entry("Parameters", &Ordered(self.parameters.iter().map(|(name, value)| (*name, value))))?;
        map.serialize_entry("Conditions", &Ordered(self.conditions.iter().map(|(name, value)| (*name, value))))?;
        map.serialize_entry("Globals", &self.globals)?;
        map.serialize_entry("Resources", &Ordered(self.resources.iter().map(|item| (item.id.as_str(), item))))?;
        map.serialize_entry("Outputs", &Ordered(self.outputs.iter().map(|(name, value)| (name.as_str(), value))))?;
        map.end()
    }
}

/// Serializes pairs as a map without sorting them.
struct Ordered<I>(I);

impl<'a, I, V> Serialize for Ordered<I>
where
    I: Iterator<Item = (&'a str, &'a V)> + Clone,
    V: Serialize + 'a,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.clone())
    }
}
