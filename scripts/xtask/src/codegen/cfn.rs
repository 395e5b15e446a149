//! A CloudFormation template as data: intrinsic functions, references, resources in the order of their addition, and the YAML file.

use super::{COMMAND, canonical};
use crate::Result;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Value, json};

#[must_use]
pub fn reference(id: &str) -> Value {
    json!({ "Ref": id })
}

/// `Fn::Sub`, or the text alone if it has no variables.
#[must_use]
pub fn sub(text: &str) -> Value {
    if text.contains("${") { json!({ "Fn::Sub": text }) } else { json!(text) }
}

#[must_use]
pub fn attribute(id: &str, attribute: &str) -> Value {
    json!({ "Fn::GetAtt": [id, attribute] })
}

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

/// What `Ref`, `Fn::GetAtt` or a variable of `Fn::Sub` names: a parameter or a resource, and an attribute of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub id: String,
    /// The attribute; `None` for `Ref`.
    pub attribute: Option<String>,
}

/// A value with each reference replaced. Pseudo parameters (`AWS::Region`) are no references.
#[must_use]
pub fn rewritten(value: Value, replace: &mut dyn FnMut(Target) -> Target) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(|item| rewritten(item, replace)).collect(),
        Value::Object(members) => {
            let one = if members.len() == 1 { members.iter().next() } else { None };
            match one.map(|(key, value)| (key.as_str(), value)) {
                Some(("Ref", Value::String(id))) if !id.starts_with("AWS::") => {
                    expression(replace(Target { id: id.clone(), attribute: None }))
                }
                Some(("Fn::GetAtt", Value::Array(parts))) => {
                    let part = |index: usize| parts.get(index).and_then(Value::as_str).unwrap_or_default().to_owned();
                    expression(replace(Target { id: part(0), attribute: Some(part(1)) }))
                }
                Some(("Fn::Sub", Value::String(text))) => sub(&substituted(text, replace)),
                _ => Value::Object(members.into_iter().map(|(key, value)| (key, rewritten(value, replace))).collect()),
            }
        }
        other => other,
    }
}

fn expression(target: Target) -> Value {
    match target.attribute {
        Some(name) => attribute(&target.id, &name),
        None => reference(&target.id),
    }
}

/// The text of a `Fn::Sub` with each variable replaced.
fn substituted(text: &str, replace: &mut dyn FnMut(Target) -> Target) -> String {
    let mut parts = text.split("${");
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (variable, rest) = part.split_once('}').unwrap_or((part, ""));
        result.push_str("${");
        if variable.starts_with("AWS::") || variable.starts_with('!') {
            result.push_str(variable);
        } else {
            let (id, attribute) = match variable.split_once('.') {
                Some((id, attribute)) => (id, Some(attribute.to_owned())),
                None => (variable, None),
            };
            let target = replace(Target { id: id.to_owned(), attribute });
            result.push_str(&target.id);
            if let Some(attribute) = target.attribute {
                result.push('.');
                result.push_str(&attribute);
            }
        }
        result.push('}');
        result.push_str(rest);
    }
    result
}

/// A resource of a template.
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

    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The function that the resource belongs to, or `None` if it is shared.
    #[must_use]
    pub const fn owner(&self) -> Option<&'static str> {
        self.owner
    }

    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.r#type
    }

    /// The condition under which the resource exists, or `None` if it always does.
    #[must_use]
    pub const fn condition(&self) -> Option<&'static str> {
        self.condition
    }

    /// The properties as written to the template.
    #[must_use]
    pub const fn properties(&self) -> &Value {
        &self.properties
    }

    /// Replaces each reference in the properties.
    pub(super) fn rewrite(&mut self, replace: &mut dyn FnMut(Target) -> Target) {
        self.properties = canonical(rewritten(std::mem::take(&mut self.properties), replace));
    }
}

/// The template of one stack.
pub struct Template {
    /// Name of the stack: `shared` or a context. Empty for the parent.
    pub name: &'static str,
    pub description: String,
    /// `Parameters`, in the order of the file.
    pub parameters: Vec<(String, Value)>,
    /// `Conditions`, in the order of the file.
    pub conditions: Vec<(&'static str, Value)>,
    /// `Outputs`, in the order of the file.
    pub outputs: Vec<(String, Value)>,
    resources: Vec<Resource>,
}

impl Template {
    /// A template without resources.
    #[must_use]
    pub const fn new(name: &'static str, description: String) -> Self {
        Self {
            name,
            description,
            parameters: Vec::new(),
            conditions: Vec::new(),
            outputs: Vec::new(),
            resources: Vec::new(),
        }
    }

    /// Adds a resource that belongs to no function.
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

    /// A resource by its logical id.
    #[must_use]
    pub fn resource(&self, id: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.id == id)
    }

    /// Replaces each reference in the properties of the resources and in the outputs.
    pub(super) fn rewrite(&mut self, replace: &mut dyn FnMut(Target) -> Target) {
        for resource in &mut self.resources {
            resource.rewrite(replace);
        }
        for (_, output) in &mut self.outputs {
            *output = rewritten(std::mem::take(output), replace);
        }
    }

    /// The content of the file.
    pub fn to_yaml(&self) -> Result<String> {
        let body = serde_yaml_ng::to_string(self).map_err(|error| error.to_string())?;
        let body: String = body.lines().map(|line| quoted(line) + "\n").collect();
        Ok(format!("# Generated by `{COMMAND}` from shared/catalog. Do not edit.\n{body}"))
    }
}

/// The line with its text in quotes if YAML 1.1, which CloudFormation and the tools read, takes it for a boolean. The writer knows 1.2.
fn quoted(line: &str) -> String {
    let ends_in = |word: &&&str| {
        let rest = line.strip_suffix(**word);
        rest.is_some_and(|rest| rest.ends_with(": ") || rest.ends_with("- "))
    };
    match ["off", "on", "yes", "no", "y", "n"].iter().find(ends_in) {
        Some(word) => format!("{}'{word}'", line.trim_end_matches(word)),
        None => line.to_owned(),
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("AWSTemplateFormatVersion", "2010-09-09")?;
        map.serialize_entry("Description", &self.description)?;
        map.serialize_entry(
            "Parameters",
            &Ordered(self.parameters.iter().map(|(name, value)| (name.as_str(), value))),
        )?;
        // An empty section is an error.
        if !self.conditions.is_empty() {
            map.serialize_entry("Conditions", &Ordered(self.conditions.iter().map(|(name, value)| (*name, value))))?;
        }
        map.serialize_entry("Resources", &Ordered(self.resources.iter().map(|item| (item.id.as_str(), item))))?;
        if !self.outputs.is_empty() {
            map.serialize_entry("Outputs", &Ordered(self.outputs.iter().map(|(name, value)| (name.as_str(), value))))?;
        }
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

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn text_that_yaml_1_1_takes_for_a_boolean_is_quoted() {
        assert_eq!(quoted("            - off"), "            - 'off'");
        assert_eq!(quoted("  Mode: no"), "  Mode: 'no'");
        for line in ["  Mode: none", "  Mode: true", "  Name: shut-off", "- Ref: Region", "off"] {
            assert_eq!(quoted(line), line);
        }
    }
}
