"""Follow text back to where it comes from, in the source: is all of it the program's own?

What a call renders is followed through names, functions, their callers and properties until it is
a constant, a number, or text that was escaped. Each other end is told: a name of a file might stand
there. Calls are followed one by one, so that a function may be given escaped text by one caller and
other text by another who shows it elsewhere.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

__all__ = ["Place", "Sources", "numeric"]

Function = ast.FunctionDef | ast.Lambda
# Their results are numbers and dates, or made of their arguments alone.
_NUMBERS = {"strftime", "len", "int", "float", "bool", "round", "abs", "sum", "range", "any", "all"}
_PASS_ON = {
    "str", "sorted", "reversed", "list", "tuple", "dict", "set", "frozenset", "zip", "enumerate",
    "min", "max", "next", "iter", "map", "filter",
}  # fmt: skip
_TEXT_METHODS = {
    "capitalize", "lower", "upper", "strip", "rstrip", "lstrip", "replace", "removeprefix",
    "removesuffix", "split", "rsplit", "partition", "rpartition", "splitlines", "format", "join",
    "items", "values", "keys", "get", "copy", "pop", "most_common", "__getitem__",
}  # fmt: skip
_PUT_IN = {"append", "extend", "insert", "add", "update", "setdefault"}
_DEEPEST = 4
_NUMERIC = {"int", "float", "bool", "None", "np.int64", "np.float64", "np.bool_", "..."}
_HOLDERS = ("ClassVar", "tuple", "list", "Sequence", "Iterable", "Iterator")


@dataclass(frozen=True)
class Place:
    """Where an expression stands: in which functions, and by which calls these were entered."""

    module: str
    functions: tuple[Function, ...] = ()
    calls: tuple[tuple[ast.Call, Place], ...] = ()


Step = tuple[ast.expr, Place]


@dataclass
class _Module:
    tree: ast.Module
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)
    defined: dict[str, ast.FunctionDef | ast.ClassDef] = field(default_factory=dict)


class Sources:
    """All modules of a program.

    Parameters
    ----------
    root : Path
        The folder that they are imported from.
    files : iterable of Path
    escaping : set of str
        Functions whose results may be rendered whatever was given to them.
    own : mapping or set of str
        Expressions that were looked at: all that they can be is the program's own. Each is written
        as it stands in the source, of one module alone with ``module: `` before it.

    Attributes
    ----------
    calls : list
        Each call, with where it stands.
    met : set of str
        Those of `own` that text has come from.
    """

    def __init__(
        self, root: Path, files: Iterable[Path], escaping: set[str], own: Collection[str] = ()
    ) -> None:
        self._safe = escaping | _NUMBERS
        self._own = frozenset(own)
        self.met: set[str] = set()
        self._modules: dict[str, _Module] = {}
        self._parents: dict[ast.AST, ast.AST] = {}
        self._members: defaultdict[str, list[tuple[str, ast.stmt]]] = defaultdict(list)
        self.calls: list[tuple[ast.Call, Place]] = []
        self._calls_of: defaultdict[str, list[tuple[ast.Call, Place]]] = defaultdict(list)
        self._handed_on: defaultdict[str, list[Step]] = defaultdict(list)
        for file in files:
            name = ".".join(file.relative_to(root).with_suffix("").parts)
            self._read(name.removesuffix(".__init__"), file.read_text(encoding="utf-8"))

    def ends(self, expression: ast.expr, place: Place) -> set[str]:
        """Return the ends of an expression that are neither constants, numbers nor escaped."""
        found: set[str] = set()
        seen: set[Step] = set()
        waiting: list[Step] = [(expression, place)]
        while waiting:
            step = waiting.pop()
            if step in seen:
                continue
            seen.add(step)
            text = ast.unparse(step[0])
            told = f"{step[1].module}: {text}"
            if own := self._own & {text, told}:
                self.met |= own
            elif (origins := self._origins(*step)) is None:
                found.add(told)
            else:
                waiting += origins
        return found

    def _read(self, name: str, text: str) -> None:
        module = _Module(ast.parse(text))
        self._modules[name] = module
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    module.imports[alias.asname or alias.name] = (node.module, alias.name)
        for statement in module.tree.body:
            if isinstance(statement, ast.FunctionDef | ast.ClassDef):
                module.defined[statement.name] = statement
        self._index(module.tree, Place(name))

    def _index(self, node: ast.AST, place: Place) -> None:
        for child in ast.iter_child_nodes(node):
            self._parents[child] = node
            inside = place
            if isinstance(child, Function):
                inside = Place(place.module, (*place.functions, child))
            elif isinstance(child, ast.ClassDef):
                for statement in child.body:
                    for name in _named(statement):
                        self._members[name].append((place.module, statement))
            elif isinstance(child, ast.Call):
                self.calls.append((child, place))
                self._calls_of[_last_name(child.func)].append((child, place))
                given = [*child.args, *(one.value for one in child.keywords)]
                for one in given:
                    self._handed_on[_last_name(one)].append((one, place))
            self._index(child, inside)

    def _origins(self, one: ast.expr, place: Place) -> list[Step] | None:
        """Return what an expression is made of, None where that can't be told."""
        if isinstance(one, ast.Constant | ast.Compare | ast.UnaryOp):
            return []
        if isinstance(one, ast.FormattedValue):
            return [] if _formats_number(one) else [(one.value, place)]
        if isinstance(one, ast.Call):
            return self._of_call(one, place)
        if isinstance(one, ast.Name):
            return self._of_name(one, place)
        if isinstance(one, ast.Attribute):
            return self._of_attribute(one, place)
        if isinstance(one, ast.Lambda):
            return [(one.body, Place(place.module, (*place.functions, one), place.calls))]
        if isinstance(one, ast.Subscript):
            return self._of_item(one, place)
        parts = _parts(one)
        return None if parts is None else [(part, place) for part in parts]

    def _of_item(self, one: ast.Subscript, place: Place) -> list[Step] | None:
        """Take what stands at a place of a tuple, where it can be told apart from the others."""
        value = one.value
        number = one.slice.value if isinstance(one.slice, ast.Constant) else None
        origins: list[Step] | None = [(value, place)]
        if isinstance(value, ast.Tuple | ast.List):
            return [(part, place) for part in _places(value.elts, number)]
        if isinstance(value, ast.Name):
            origins = self._of_name(value, place)
        elif isinstance(value, ast.Subscript):
            origins = self._of_item(value, place)
        elif isinstance(value, ast.Call) and isinstance(
            defined := self._defined(value.func, place), tuple
        ):
            origins = self._returned(*defined, (value, place))
        else:
            return origins
        if origins is None:
            return [(value, place)]
        return [(_item(part, number), at) for part, at in origins]

    def _of_call(self, call: ast.Call, place: Place) -> list[Step] | None:
        name = _last_name(call.func)
        given = [*call.args, *(one.value for one in call.keywords)]
        if name in self._safe or (name == "map" and _last_name(call.args[0]) in self._safe):
            return []
        defined = self._defined(call.func, place)
        if isinstance(defined, ast.ClassDef):
            return [(one, place) for one in given]
        if defined is not None:
            return self._returned(*defined, (call, place))
        if isinstance(call.func, ast.Name):
            return [(one, place) for one in given] if name in _PASS_ON else None
        if _is_registered_part(call):
            return []
        if name in _TEXT_METHODS and isinstance(call.func, ast.Attribute):
            return [(one, place) for one in (call.func.value, *given)]
        methods = [one for _, one in self._members[name] if isinstance(one, ast.FunctionDef)]
        return [] if methods and all(numeric(one.returns) for one in methods) else None

    def _defined(
        self, name: ast.expr, place: Place
    ) -> tuple[str, ast.FunctionDef, tuple[Function, ...]] | ast.ClassDef | None:
        """Return the function or class of this program that a name means there."""
        if isinstance(name, ast.Name):
            for depth, function in reversed(list(enumerate(place.functions))):
                for node in _nodes_of(function):
                    if isinstance(node, ast.FunctionDef) and node.name == name.id:
                        return place.module, node, place.functions[: depth + 1]
        module, called = self._home(name, place.module)
        found = self._modules[module].defined.get(called) if module else None
        return (module, found, ()) if isinstance(found, ast.FunctionDef) else found

    def _home(self, name: ast.expr, module: str) -> tuple[str, str]:
        """Return the module that a name comes from, and what it is called there."""
        called = ""
        if isinstance(name, ast.Attribute) and isinstance(name.value, ast.Name):
            package, part = self._modules[module].imports.get(name.value.id, ("", ""))
            module, called = f"{package}.{part}", name.attr
        elif isinstance(name, ast.Name):
            called = name.id
        while module in self._modules and called in self._modules[module].imports:
            module, called = self._modules[module].imports[called]
        return (module, called) if module in self._modules else ("", "")

    def _returned(
        self,
        module: str,
        function: ast.FunctionDef,
        around: tuple[Function, ...] = (),
        call: tuple[ast.Call, Place] | None = None,
    ) -> list[Step]:
        if numeric(function.returns):
            return []
        calls: tuple[tuple[ast.Call, Place], ...] = ()
        if call is not None and all(one is not call[0] for one, _ in call[1].calls):
            calls = (*call[1].calls, call)
        inside = Place(module, (*around, function), calls)
        return [
            (node.value, inside)
            for node in _nodes_of(function)
            if isinstance(node, ast.Return | ast.Yield | ast.YieldFrom) and node.value is not None
        ]

    def _of_name(self, name: ast.Name, place: Place) -> list[Step] | None:
        around: ast.AST | None = name
        while (around := self._parents.get(around)) and not isinstance(around, Function):
            if found := list(_assigned(getattr(around, "generators", ()), name.id)):
                return [(one, place) for one in found]
        for depth in range(len(place.functions), 0, -1):
            function = place.functions[depth - 1]
            at = place
            if depth < len(place.functions):
                at = Place(place.module, place.functions[:depth])
            assigned = [(one, at) for one in _assigned(_nodes_of(function), name.id)]
            parameter = _parameter(function, name.id)
            if parameter is not None and not _is_renewed(function, name.id):
                given = self._given(function, parameter, at)
                return None if given is None else [*given, *assigned]
            if assigned or parameter is not None:
                return assigned
        return self._of_global(name, place)

    def _of_global(self, name: ast.expr, place: Place) -> list[Step] | None:
        module, called = self._home(name, place.module)
        if module:
            body = self._modules[module].tree.body
            plain = [one for one in body if not isinstance(one, ast.FunctionDef | ast.ClassDef)]
            nodes = [node for statement in plain for node in (statement, *_nodes_of(statement))]
            if assigned := [(one, Place(module)) for one in _assigned(nodes, called)]:
                return assigned
        defined = self._defined(name, place)
        if isinstance(defined, tuple):
            return self._returned(*defined)
        return [] if called in self._safe | _PASS_ON else None

    def _given(self, function: Function, parameter: ast.arg, at: Place) -> list[Step] | None:
        """Return what callers give for a parameter."""
        if numeric(parameter.annotation):
            return []
        if isinstance(function, ast.Lambda):
            call = self._parents[function]
            call = self._parents[call] if isinstance(call, ast.keyword) else call
            others = call.args[1:] if isinstance(call, ast.Call) else []
            return [(one, Place(at.module, at.functions[:-1], at.calls)) for one in others] or None
        calls = [at.calls[-1]] if at.calls else self._callers(function)
        if not calls or (not at.calls and self._is_handed_on(function)):
            return None
        default = Place(at.module)
        return [
            (given, where or default)
            for call in calls
            for given, where in _argument(function, parameter, *call)
        ]

    def _callers(self, function: ast.FunctionDef) -> list[tuple[ast.Call, Place]]:
        calls = self._calls_of[function.name]
        return [(call, at) for call, at in calls if self._is_meant(call.func, at, function)]

    def _is_handed_on(self, function: ast.FunctionDef) -> bool:
        """Tell whether others are given a function, who may call it with whatever they like."""
        return any(self._is_meant(*step, function) for step in self._handed_on[function.name])

    def _is_meant(self, name: ast.expr, place: Place, function: ast.FunctionDef) -> bool:
        defined = self._defined(name, place)
        return isinstance(defined, tuple) and defined[1] is function

    def _of_attribute(self, one: ast.Attribute, place: Place) -> list[Step] | None:
        if one.attr in _TEXT_METHODS:
            return [(one.value, place)]
        whole = self._of_name(one.value, place) if isinstance(one.value, ast.Name) else None
        if all(_is_registered_part(part) for part, _ in whole or [(one.value, place)]):
            return []
        if (known := self._of_global(one, place)) is not None:
            return known
        found: list[Step] = []
        for module, member in self._members[one.attr]:
            if isinstance(member, ast.FunctionDef):
                found += self._returned(module, member)
            elif isinstance(member, ast.Assign):
                found.append((member.value, Place(module)))
            elif isinstance(member, ast.AnnAssign) and not numeric(member.annotation):
                if "ClassVar" not in ast.unparse(member.annotation):
                    return None
                found += [(member.value, Place(module))] if member.value is not None else []
        return found if self._members[one.attr] else None


@cache
def numeric(annotation: ast.expr | None) -> bool:
    """Tell whether a type is of numbers only."""
    if annotation is None:
        return False
    text = ast.unparse(annotation).strip("'\"")
    while text.startswith(tuple(f"{one}[" for one in _HOLDERS)) and text.endswith("]"):
        text = text.partition("[")[2].removesuffix("]")
    arrays = tuple(f"NDArray[np.{kind}" for kind in ("float", "int", "uint", "bool"))
    return text.startswith(arrays) or all(
        part.strip() in _NUMERIC for either in text.split("|") for part in either.split(",")
    )


def _parts(one: ast.expr) -> list[ast.expr] | None:
    """Return what an expression is put together from."""
    match one:
        case ast.JoinedStr() | ast.BoolOp():
            return list(one.values)
        case ast.IfExp():
            return [one.body, one.orelse]
        case ast.BinOp():
            return [one.left, one.right]
        case ast.List() | ast.Tuple() | ast.Set():
            return list(one.elts)
        case ast.Dict():
            return [part for part in (*one.keys, *one.values) if part is not None]
        case ast.ListComp() | ast.GeneratorExp() | ast.SetComp():
            return [one.elt]
        case ast.DictComp():
            return [one.key, one.value]
        case ast.Starred() | ast.NamedExpr():
            return [one.value]
    return None


def _places(parts: list[ast.expr], number: object) -> list[ast.expr]:
    """Return what may stand at a place of several; all of them where that can't be told."""
    if any(isinstance(one, ast.Starred) for one in parts) or not isinstance(number, int):
        return parts
    return [parts[number]] if -len(parts) <= number < len(parts) else []


def _formats_number(one: ast.FormattedValue) -> bool:
    parts = one.format_spec.values if isinstance(one.format_spec, ast.JoinedStr) else []
    last = parts[-1] if parts else None
    # Text takes neither these nor a date's.
    spec = str(last.value) if isinstance(last, ast.Constant) else ""
    return "%" in spec or spec[-1:] in set(",dfgeG")


def _is_registered_part(one: ast.expr) -> bool:
    """Tell of ``PROBES.get(name)`` and the like: what it says of itself stands in the source."""
    return (
        isinstance(one, ast.Call)
        and isinstance(one.func, ast.Attribute)
        and one.func.attr in ("get", "names")
        and len(one.args) + len(one.keywords) <= 1  # no other value beside it
        and isinstance(one.func.value, ast.Name)
        and one.func.value.id.isupper()
        and not one.func.value.id.startswith("_")
    )


def _last_name(one: ast.expr) -> str:
    if isinstance(one, ast.Attribute):
        return one.attr
    return one.id if isinstance(one, ast.Name) else ""


def _named(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef):
        return [statement.name]
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    if isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    return [one.id for one in targets if isinstance(one, ast.Name)]


def _nodes_of(function: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes of a function but what functions and comprehensions have for themselves."""
    waiting = list(ast.iter_child_nodes(function))
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.comprehension):
            waiting += [node.iter, *node.ifs]
            continue
        yield node
        if not isinstance(node, Function | ast.ClassDef):
            waiting += ast.iter_child_nodes(node)


def _parameters(function: Function) -> list[ast.arg]:
    named = [*function.args.posonlyargs, *function.args.args]
    return named[1:] if [one.arg for one in named[:1]] in (["self"], ["cls"]) else named


def _parameter(function: Function, name: str) -> ast.arg | None:
    args = function.args
    all_ = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
    return next((one for one in all_ if one is not None and one.arg == name), None)


def _is_renewed(function: Function, name: str) -> bool:
    """Tell whether a function gives one of its parameters another value, come what may."""
    body = [] if isinstance(function, ast.Lambda) else function.body
    return any(
        isinstance(one, ast.Assign) and any(True for _ in _assigned([one], name)) for one in body
    )


def _argument(
    function: ast.FunctionDef, parameter: ast.arg, call: ast.Call, place: Place
) -> Iterator[tuple[ast.expr, Place | None]]:
    """Yield what a call gives for a parameter, and where that stands; None at the function."""
    args, positional = function.args, _parameters(function)
    named = {one.arg: one.value for one in call.keywords}
    if parameter.arg in named:
        yield named[parameter.arg], place
    elif parameter is args.vararg:
        yield from ((one, place) for one in call.args[len(positional) :])
    elif parameter in positional and positional.index(parameter) < len(call.args):
        yield call.args[positional.index(parameter)], place
    elif None in named:  # **others
        yield named[None], place
    else:
        last = [*args.posonlyargs, *args.args][-len(args.defaults) :] if args.defaults else []
        defaults = dict(
            [
                *zip(last, args.defaults, strict=True),
                *zip(args.kwonlyargs, args.kw_defaults, strict=True),
            ]
        )
        if (default := defaults.get(parameter)) is not None:
            yield default, None


def _assigned(nodes: Iterable[ast.AST], name: str) -> Iterator[ast.expr]:
    """Yield what a name may stand for: what is assigned to it, or put into it."""
    for node in nodes:
        if isinstance(node, ast.Call):
            if _last_name(node.func) in _PUT_IN and _holder(node.func) == name:
                yield from node.args
            continue
        for target, value in _targets(node):
            yield from _matched(target, value, name)


def _targets(node: ast.AST) -> list[tuple[ast.expr, ast.expr]]:
    match node:
        case ast.Assign():
            return [(target, node.value) for target in node.targets]
        case ast.AnnAssign() | ast.AugAssign() | ast.NamedExpr():
            return [] if node.value is None else [(node.target, node.value)]
        case ast.For() | ast.comprehension():
            return [(node.target, _item(node.iter, None))]
        case ast.withitem():
            return [] if node.optional_vars is None else [(node.optional_vars, node.context_expr)]
    return []


def _matched(target: ast.expr, value: ast.expr, name: str) -> Iterator[ast.expr]:
    if isinstance(target, ast.Tuple | ast.List):
        for one, its in _in_pairs(target.elts, value):
            yield from _matched(one, its, name)
    elif isinstance(target, ast.Starred):
        yield from _matched(target.value, value, name)
    elif isinstance(target, ast.Name):
        if target.id == name:
            yield value
    elif isinstance(target, ast.Subscript) and _last_name(target.value) == name:
        yield value


def _in_pairs(targets: list[ast.expr], value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield each target of several and what it gets, all of it where that can't be parted."""
    parts = list(value.elts) if isinstance(value, ast.Tuple | ast.List) else _in_step(value)
    if any(isinstance(one, ast.Starred) for one in (*targets, *parts)):
        yield from ((one, value) for one in targets)
    elif len(parts) == len(targets):
        yield from zip(targets, parts, strict=True)
    else:
        yield from ((one, _item(value, number)) for number, one in enumerate(targets))


def _in_step(value: ast.expr) -> list[ast.expr]:
    """Return what one step of a loop over ``zip`` or ``enumerate`` takes of each."""
    whole = value.value if isinstance(value, ast.Subscript) else value
    if not isinstance(whole, ast.Call) or any(isinstance(one, ast.Starred) for one in whole.args):
        return []
    given = [_item(one, None) for one in whole.args]
    name = _last_name(whole.func)
    return given if name == "zip" else [ast.Constant(0), *given[:1]] if name == "enumerate" else []


@cache
def _item(value: ast.expr, number: int | None) -> ast.expr:
    """Return one of several that a value holds, the same whenever asked; None: any of them."""
    around = value
    for _ in range(_DEEPEST):
        around = around.value if isinstance(around, ast.Subscript) else None
    if around is not None:  # a name may stand for a part of itself
        return value
    return ast.Subscript(value, ast.Constant(number), ast.Load())


def _holder(function: ast.expr) -> str:
    return _last_name(function.value) if isinstance(function, ast.Attribute) else ""
