"""Runs the AWS emulator with one correction: an update of a nested stack keeps the attributes of unchanged resources.

ministack 1.5.33 forgets them, so that the next `Fn::GetAtt` of such a resource fails the update: unlike the update of a
top-level stack, `_cfn_nested_stack_deploy` does not pass the recorded attributes to `_update_resource`, which returns
them for a resource that does not change. Only the emulator's environment can import this program.
"""

from typing import Any

from ministack.app import main
from ministack.services import cloudformation
from ministack.services.cloudformation import provisioners

_update_resource = provisioners._update_resource


def _update_with_attributes(
    resource_type: str,
    physical_id: str,
    old_props: dict[str, Any],
    new_props: dict[str, Any],
    stack_name: str,
    logical_id: str | None = None,
    old_attrs: dict[str, Any] | None = None,
) -> Any:
    if old_attrs is None:
        stack = cloudformation._stacks.get(stack_name) or {}
        old_attrs = stack.get("_resources", {}).get(logical_id, {}).get("Attributes")
    return _update_resource(resource_type, physical_id, old_props, new_props, stack_name, logical_id, old_attrs)


provisioners._update_resource = _update_with_attributes

if __name__ == "__main__":
    main()
