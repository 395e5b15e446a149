"""CloudFormation templates with their intrinsic functions resolved, for comparisons; nothing is deployed."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import config
import process
from config import ScriptError

Json = dict[str, Any]
NO_VALUE = object()
STACK = "AWS::CloudFormation::Stack"


def parse(text: str) -> Json:
    """A template in YAML, read with the parser of the SAM CLI's environment."""
    # The version of the format is a date in YAML.
    program = "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout, default=str)"
    parsed = process.run_as(None, [config.tools()["sam"] / "bin" / "python", "-c", program], config.clean_env(), text)
    if parsed.returncode != 0:
        raise ScriptError(f"a template cannot be read: {parsed.stderr.strip().splitlines()[-1]}")
    template: Json = json.loads(parsed.stdout)
    return template


def load(path: Path) -> Json:
    """The template in a file."""
    return parse(path.read_text())


@dataclass
class Stack:
    """A template with the values of its parameters, and the stacks that it nests."""

    template: Json
    directory: Path
    # Parameters and pseudo parameters (`AWS::Region`).
    values: Json
    nested: dict[str, "Stack"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        defaults = {name: row.get("Default", "") for name, row in self.template.get("Parameters", {}).items()}
        self.values = {**defaults, **self.values}
        for name, resource in self.template["Resources"].items():
            if resource["Type"] == STACK:
                self._nest(name, resource["Properties"])

    def _nest(self, name: str, properties: Json) -> None:
        pseudo = {key: value for key, value in self.values.items() if key.startswith("AWS::")}
        path = self.directory / properties["TemplateURL"]
        passed = self.resolve(properties.get("Parameters", {}))
        self.nested[name] = Stack(load(path), path.parent, {**pseudo, **passed})

    def resources(self) -> list[tuple[str, str, Json]]:
        """Logical id, type and resolved properties of each resource that exists, also of nested stacks."""
        found: list[tuple[str, str, Json]] = []
        for name, resource in self.template["Resources"].items():
            if resource["Type"] == STACK:
                found.extend(self.nested[name].resources())
            elif "Condition" not in resource or self._holds(resource["Condition"]):
                found.append((name, resource["Type"], self.resolve(resource.get("Properties", {}))))
        return found

    def resolve(self, value: Any) -> Any:
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (key, argument) = next(iter(value.items()))
            if key == "Ref":
                return self._reference(argument)
            if key.startswith("Fn::"):
                return self._function(key.removeprefix("Fn::"), argument)
        members = {key: self.resolve(item) for key, item in value.items()}
        return {key: item for key, item in members.items() if item is not NO_VALUE}

    def _function(self, name: str, argument: Any) -> Any:
        match name:
            case "If":
                return self.resolve(argument[1 if self._holds(argument[0]) else 2])
            case "Sub":
                return re.sub(r"\$\{([^}!]+)\}", lambda found: str(self._variable(found[1])), argument)
            case "GetAtt":
                return self._attribute(argument[0], argument[1])
        return _applied(name, self.resolve(argument))

    def _holds(self, name: str) -> bool:
        return bool(self._condition(self.template["Conditions"][name]))

    def _condition(self, condition: Json) -> Any:
        (key, argument) = next(iter(condition.items()))
        match key:
            case "Condition":
                return self._holds(argument)
            case "Fn::Not":
                return not self._condition(argument[0])
            case "Fn::And":
                return all(map(self._condition, argument))
            case "Fn::Or":
                return any(map(self._condition, argument))
        return self.resolve(condition)

    def _variable(self, name: str) -> Any:
        return self._attribute(*name.split(".", 1)) if "." in name else self._reference(name)

    def _reference(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self.values:
            return self.values[name]
        resource = self.template["Resources"][name]
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::S3::Bucket":
                return self.resolve(properties["BucketName"])
            case "AWS::Lambda::Function" | "AWS::Serverless::Function":
                return self.resolve(properties["FunctionName"])
        # Whatever the service would choose; only equality matters.
        return name

    def _attribute(self, name: str, attribute: str) -> Any:
        if attribute.startswith("Outputs."):
            child = self.nested[name]
            return child.resolve(child.template["Outputs"][attribute.removeprefix("Outputs.")]["Value"])
        resource = self.template["Resources"][name]
        properties = resource.get("Properties", {})
        match (resource["Type"], attribute):
            case ("AWS::Logs::LogGroup", "Arn"):
                return self._arn("logs", f"log-group:{self.resolve(properties['LogGroupName'])}:*")
            case ("AWS::S3::Bucket", "Arn"):
                return f"arn:{self.values['AWS::Partition']}:s3:::{self._reference(name)}"
            case ("AWS::SecretsManager::Secret", "Id"):
                # Secrets Manager ends an ARN with six random characters.
                return self._arn("secretsmanager", f"secret:{self.resolve(properties['Name'])}-??????")
            case ("AWS::SQS::Queue", "Arn"):
                return self._arn("sqs", self.resolve(properties["QueueName"]))
        return f"{name}.{attribute}"

    def _arn(self, service: str, resource: str) -> str:
        scope = [self.values[f"AWS::{name}"] for name in ("Partition", "Region", "AccountId")]
        return f"arn:{scope[0]}:{service}:{scope[1]}:{scope[2]}:{resource}"


def _applied(name: str, argument: Any) -> Any:
    match name:
        case "Equals":
            return str(argument[0]) == str(argument[1])
        case "Join":
            # A list that is a parameter is text.
            parts = argument[1] if isinstance(argument[1], list) else [argument[1]]
            return argument[0].join(map(str, parts))
        case "Select":
            return argument[1][int(argument[0])]
        case "Split":
            return argument[1].split(argument[0])
    raise ScriptError(f"Fn::{name} is not supported: extend scripts/local/cloudformation.py")
