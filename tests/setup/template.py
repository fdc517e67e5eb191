"""A CloudFormation template with its parameters set: as much of CloudFormation as the templates in setup/ use.

    python -m setup.template TEMPLATE [NAME=VALUE…]        (in tests/)

prints the template's resources and outputs as JSON with every function resolved. Attributes of resources stand as
`<Role.Arn>`. What is not known is an error; `make fidelity-templates` compares with an emulator.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/my-stack/51af3dc0-da77-11e4-872e-1234567db123",
    "AWS::StackName": "my-stack",
}

_NO_VALUE = object()


class Invalid(Exception):
    """Parameters that CloudFormation would refuse."""


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms."""


def _short_form(loader: yaml.Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.SequenceNode):
        value: Any = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    else:
        value = loader.construct_scalar(node)
    if suffix == "GetAtt":
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)


@dataclass
class Template:
    """A template, read."""

    body: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> "Template":
        """The template in a file."""
        return cls(yaml.load(path.read_text(), _Loader))  # noqa: S506: a loader made of the safe one

    @property
    def parameters(self) -> dict[str, Any]:
        """The declarations of the parameters."""
        return self.body["Parameters"]

    def resolve(self, **given: str) -> "Stack":
        """The stack with these parameters."""
        if unknown := given.keys() - self.parameters.keys():
            raise Invalid(f"no such parameter: {', '.join(sorted(unknown))}")
        values = {}
        for name, declared in self.parameters.items():
            if name not in given and "Default" not in declared:
                raise Invalid(f"{name} has no value")
            values[name] = value = str(given.get(name, declared.get("Default")))
            pattern = declared.get("AllowedPattern")
            if pattern is not None and not re.fullmatch(pattern, value):
                raise Invalid(f"{name} does not match {pattern}")
            if "AllowedValues" in declared and value not in declared["AllowedValues"]:
                raise Invalid(f"{name} is none of {declared['AllowedValues']}")
        stack = Stack(self.body, PSEUDO | values)
        stack.check_rules()
        return stack


@dataclass
class Stack:
    """A template with values for its parameters."""

    body: dict[str, Any]
    values: dict[str, str]

    def check_rules(self) -> None:
        """Raises what the first rule that does not hold says."""
        for rule in self.body.get("Rules", {}).values():
            if "RuleCondition" in rule and not self._holds(rule["RuleCondition"]):
                continue
            for assertion in rule["Assertions"]:
                if not self._holds(assertion["Assert"]):
                    raise Invalid(assertion["AssertDescription"])

    def resources(self) -> dict[str, Any]:
        """The resources whose conditions hold, with their properties resolved."""
        return {
            name: {"Type": resource["Type"], "Properties": self._value(resource.get("Properties", {}))}
            for name, resource in self.body["Resources"].items()
            if "Condition" not in resource or self._holds({"Condition": resource["Condition"]})
        }

    def properties(self, name: str) -> dict[str, Any]:
        """The properties of one resource."""
        return self.resources()[name]["Properties"]

    def outputs(self) -> dict[str, str]:
        """The outputs."""
        return {name: self._value(output["Value"]) for name, output in self.body["Outputs"].items()}

    def _holds(self, condition: dict[str, Any]) -> bool:
        [(function, given)] = condition.items()
        match function:
            case "Condition":
                return self._holds(self.body["Conditions"][given])
            case "Fn::Equals":
                first, second = map(self._value, given)
                return first == second
            case "Fn::Not":
                return not self._holds(given[0])
            case "Fn::And":
                return all(map(self._holds, given))
            case "Fn::Or":
                return any(map(self._holds, given))
        raise ValueError(f"condition function {function}")

    def _value(self, node: Any) -> Any:
        if isinstance(node, list):
            return [value for item in node if (value := self._value(item)) is not _NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            [(function, given)] = node.items()
            if function == "Ref":
                return self._reference(given)
            if function.startswith("Fn::"):
                return self._function(function, given)
        resolved = {name: self._value(value) for name, value in node.items()}
        return {name: value for name, value in resolved.items() if value is not _NO_VALUE}

    def _function(self, function: str, given: Any) -> Any:
        match function:
            case "Fn::If":
                condition, yes, no = given
                return self._value(yes if self._holds({"Condition": condition}) else no)
            case "Fn::Sub":
                text, more = (given, {}) if isinstance(given, str) else given
                local = {name: self._value(value) for name, value in more.items()}
                return re.sub(r"\$\{([\w.:]+)\}", lambda found: self._named(found[1], local), text)
            case "Fn::Join":
                delimiter, parts = given
                return delimiter.join(map(str, self._value(parts)))
            case "Fn::Split":
                return self._value(given[1]).split(given[0])
            case "Fn::Select":
                return self._value(given[1])[int(given[0])]
            case "Fn::GetAtt":
                return f"<{'.'.join(given)}>"
        raise ValueError(f"function {function}")

    def _named(self, name: str, local: dict[str, Any]) -> str:
        if name in local:
            return str(local[name])
        return f"<{name}>" if "." in name else str(self._reference(name))

    def _reference(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NO_VALUE
        if name in self.values:
            return self.values[name]
        if name in self.body["Resources"]:
            return f"<{name}>"
        raise ValueError(f"reference to {name}")


def main() -> None:
    """Prints a stack."""
    stack = Template.read(Path(sys.argv[1])).resolve(**dict(given.split("=", 1) for given in sys.argv[2:]))
    print(json.dumps({"Resources": stack.resources(), "Outputs": stack.outputs()}, indent=2))


if __name__ == "__main__":
    main()
