"""Options for the parameters of methods, taken from where the methods declare them."""

from __future__ import annotations

import dataclasses
from typing import Any

from latentcore.analysis.parameters import SEED, parameter_of
from latentcore.registry import Registry
from latentcore.requests.verbs import option


def with_parameters(base: type, family: Registry[Any]) -> Any:
    """Return a request with an option for each parameter of any method of a family.

    Parameters
    ----------
    base : type
        A frozen dataclass with the request's other fields. It is called ``_NameRequest``.
    family : Registry
        Of frozen dataclasses whose fields are parameters; one that several methods share is one
        option, whose help says what it means to each. A new method brings its options. A
        parameter that `base` declares itself stays as it is.
    """
    declared_already = {field.name for field in dataclasses.fields(base)} | {SEED}
    helps: dict[str, dict[str, str]] = {}
    parameters: dict[str, Any] = {}
    for method, kind in family.items():
        for declared in dataclasses.fields(kind):
            if declared.name in declared_already:
                continue
            details = parameter_of(declared)
            default = details.automatic if declared.default is None else declared.default
            text = f"{method}: {details.help} (default: {default})"
            helps.setdefault(declared.name, {})[method] = text
            parameters[declared.name] = details
    fields = [
        (
            name,
            Any,
            option(
                None,
                help="; ".join(helps[name].values()),
                methods=tuple(helps[name]),
                convert=details.convert,
                choices=details.choices or None,
                metavar=None if details.choices else name.upper()[:1],
            ),
        )
        for name, details in parameters.items()
    ]
    return dataclasses.make_dataclass(
        base.__name__.removeprefix("_"),
        fields,
        bases=(base,),
        frozen=True,
        namespace={"__doc__": base.__doc__, "__module__": base.__module__},
    )


def parameters_of(request: object, family: Registry[Any]) -> dict[str, object]:
    """Return what a request says of the parameters of a family's methods, None where nothing."""
    return {
        declared.name: getattr(request, declared.name)
        for _, kind in family.items()
        for declared in dataclasses.fields(kind)
    }
