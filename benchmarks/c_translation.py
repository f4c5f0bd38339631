"""Rules as C: read in their source with `ast`, typed by a simple pass, written as inline functions of the same arithmetic.

The subset is that of the rules (see sim/rules.py and tests/test_rules.py); anything else raises Untranslatable. The order of
operations stays as Python has it, so the same processor gives the same bits. Two things are done that change no bit:

- constants are folded by Python itself, so that log(2.0) is what math.log gives, not what the C compiler thinks;
- what depends on parameters alone (`p.isis.jailbreaks / MONTH`) is worked out once a block, in `prepare`, if `hoist` is set.
"""

import ast
import builtins
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FunctionType, ModuleType
from typing import Any

from benchmarks.c_sources import source_of, stored
from benchmarks.c_types import (
    BOOL,
    DOUBLE,
    INT,
    VOID,
    WIDTH,
    Array,
    Struct,
    Untranslatable,
    Value,
    declared,
    joined,
    literal,
    safe,
)

OPERATORS: dict[Any, str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
COMPARISONS: dict[Any, str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
MATHEMATICS = {getattr(math, name): name for name in ("exp", "log", "log1p", "expm1", "sqrt", "cos", "tanh", "erf", "floor")}
OWN: dict[Any, Callable[[Any, Any], Any]] = {  # Python's own, for constants
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


# -- the program -----------------------------------------------------------------------------------------------------------
@dataclass
class Function:
    """A translated function."""

    name: str
    result: Any
    parameters: bool  # whether it takes p
    text: str
    calls: list["Function"] = field(default_factory=list)


class Translation:
    """Functions as C, each for the types (and the constants and steady values) that it is called with."""

    def __init__(self, world: Struct, parameters: Struct, hoist: bool) -> None:
        self.world, self.parameters, self.hoist = world, parameters, hoist
        self.known: dict[Any, Function] = {}
        self.steady: dict[str, tuple[str, Any]] = {}  # code in terms of p -> its field and type
        self.steady_calls: list[Function] = []
        self.names: dict[str, int] = {}

    def function(self, function: FunctionType, arguments: list[Value], hoist: bool = True) -> Function:
        """The function for these arguments. Steady arguments (constants too) are put in where they are used."""
        taken = tuple(a.code if a.steady and a.type in WIDTH else a.type for a in arguments)
        key = (function, taken, hoist and self.hoist)
        if key not in self.known:
            stem = f"{function.__module__.rpartition('.')[2]}_{function.__name__.replace('<lambda>', 'lambda')}"
            self.names[stem] = self.names.get(stem, 0) + 1
            name = stem if self.names[stem] == 1 else f"{stem}_{self.names[stem]}"
            self.known[key] = Writer(self, function, name, arguments, hoist and self.hoist).written()
        return self.known[key]

    def kept(self, value: Value) -> Value:
        """A steady value as a field that `prepare` sets."""
        if value.code not in self.steady:
            self.steady[value.code] = (f"s{len(self.steady)}", value.type)
        return Value(f"p->{self.steady[value.code][0]}", value.type)

    def text(self, roots: list[Function]) -> str:
        """All that the roots need: types, functions in order of use, and `prepare`."""
        done: list[Function] = []

        def visit(function: Function) -> None:
            if function not in done:
                for call in function.calls:
                    visit(call)
                if function not in done:
                    done.append(function)

        for root in [*self.steady_calls, *roots]:
            visit(root)
        steady = [f"    {DOUBLE if kind == DOUBLE else INT} {name};" for name, kind in self.steady.values()]
        derived = [f"    {self.parameters.name} given;", *steady]
        prepare = [f"    p->{name} = {code};" for code, (name, _) in self.steady.items()]
        parts = [
            *declared(self.world),
            *declared(self.parameters),
            "\n".join(["typedef struct {", *derived, "} Parameters;\n"]),
            *(function.text for function in done),
            "\n".join(["static void prepare(Parameters *restrict p)\n{", *prepare, "}\n"]),
        ]
        return "\n".join(parts)


class Writer:
    """One function for one list of arguments."""

    def __init__(self, of: Translation, function: FunctionType, name: str, arguments: list[Value], hoist: bool) -> None:
        self.of, self.python, self.name, self.arguments, self.hoist = of, function, name, arguments, hoist
        self.node = source_of(function)
        self.calls: list[Function] = []
        self.types: dict[str, Any] = {}
        self.values: dict[str, Value] = {}  # names that stand for a part of the world or a steady value
        self.result: Any = None
        self.needs_p = False
        self.lines: list[str] = []
        self.depth = 1
        self.fresh = 0
        self.loops = 0
        stores = stored(self.node)
        self.once = {word for word in stores if stores.count(word) == 1}

    def written(self) -> Function:
        names = [a.arg for a in self.node.args.args]
        given = dict(zip(names, self.arguments, strict=True))
        head = []
        for word, value in given.items():
            if value.steady and value.type in WIDTH:
                self.values[word] = value
            elif value.type == self.of.world:
                self.values[word] = Value("world", value.type)
                head.append("World *restrict world")
            elif value.type == self.of.parameters:
                self.values[word] = Value("p->given", value.type, True)
                self.needs_p = True
            elif isinstance(value.type, Array):
                self.values[word] = Value(safe(word), value.type)
                head.append(f"{value.type.of} *{safe(word)}")
            else:
                self.types[word] = value.type
                head.append(f"{value.type} {safe(word)}")
        self.once -= set(names)
        own = set(self.types)
        before = dict(self.values)
        while True:  # until types settle
            types, result = dict(self.types), self.result
            self.lines, self.calls, self.values, self.fresh = [], [], dict(before), 0
            self.body()
            if (types, result) == (self.types, self.result):
                break
        if self.needs_p or any(call.parameters for call in self.calls) or "p->" in "\n".join(self.lines):
            head.insert(0, "const Parameters *restrict p")
            self.needs_p = True
        local = [f"    {kind} {safe(word)};" for word, kind in self.types.items() if word not in own]
        result = self.result or VOID
        text = [f"static inline {result} {self.name}({', '.join(head) or 'void'})", "{", *local, *self.lines, "}", ""]
        return Function(self.name, result, self.needs_p, "\n".join(text), self.calls)

    def body(self) -> None:
        if isinstance(self.node, ast.Lambda):
            self.give(self.use(self.expression(self.node.body)))
            return
        for statement in self.node.body:
            self.statement(statement)

    def refuse(self, node: ast.AST, why: str = "") -> Untranslatable:
        return Untranslatable(f"{self.python.__module__}.{self.python.__name__}: {ast.unparse(node)} {why}")

    # -- statements --
    def line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def give(self, value: Value) -> None:
        self.result = joined(self.result, value.type)
        self.line(f"return {value.code};")

    def block(self, statements: list[ast.stmt]) -> None:
        self.depth += 1
        for statement in statements:
            self.statement(statement)
        self.depth -= 1

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Pass() | ast.Expr(value=ast.Constant()):
                pass
            case ast.Expr(value=ast.Call() as call):
                self.line(f"{self.expression(call).code};")
            case ast.Return(value=None):
                self.line("return;")
            case ast.Return(value=ast.expr() as value):
                self.give(self.use(self.expression(value)))
            case ast.Break():
                self.line("break;")
            case ast.Assign(targets=targets, value=value):
                self.assignment(targets, value)
            case ast.AugAssign(target=target, op=op, value=value):
                old = ast.parse(ast.unparse(target), mode="eval").body
                self.store(target, self.use(self.expression(ast.BinOp(old, op, value))))
            case ast.If(test=test, body=body, orelse=orelse):
                self.choice(test, body, orelse)
            case ast.While(test=test, body=body, orelse=[]):
                self.line(f"while ({self.use(self.expression(test)).code}) {{")
                self.loop(body)
            case ast.For(target=ast.Name(id=word), iter=over, body=body, orelse=[]):
                self.each(word, over, body)
            case _:
                raise self.refuse(node)

    def loop(self, body: list[ast.stmt]) -> None:
        self.loops += 1
        self.block(body)
        self.loops -= 1
        self.line("}")

    def choice(self, test: ast.expr, body: list[ast.stmt], orelse: list[ast.stmt]) -> None:
        asked = self.use(self.expression(test))
        if asked.constant is not None:
            for statement in body if asked.constant else orelse:
                self.statement(statement)
            return
        self.line(f"if ({asked.code}) {{")
        self.block(body)
        if orelse:
            self.line("} else {")
            self.block(orelse)
        self.line("}")

    def each(self, word: str, over: ast.expr, body: list[ast.stmt]) -> None:
        if isinstance(over, ast.Call) and isinstance(over.func, ast.Name) and over.func.id == "range":
            bounds = [self.use(self.expression(a)) for a in over.args]
            start, end = (literal(0), *bounds) if len(bounds) == 1 else bounds
            self.types[word] = joined(self.types.get(word), INT)
            self.fresh += 1
            self.line(f"const int64_t end_{self.fresh} = {end.code};")
            at = safe(word)
            self.line(f"for ({at} = {start.code}; {at} < end_{self.fresh}; {at}++) {{")
        else:
            array = self.expression(over)
            if not isinstance(array.type, Array):
                raise self.refuse(over, "is no array")
            self.types[word] = joined(self.types.get(word), array.type.of)
            self.fresh += 1
            k = f"k_{self.fresh}"
            self.line(f"for (int64_t {k} = 0; {k} < {array.type.length}; {k}++) {{")
            self.line(f"    {safe(word)} = {array.code}[{k}];")
        self.loop(body)

    def assignment(self, targets: list[ast.expr], value: ast.expr) -> None:
        if isinstance(targets[0], ast.Tuple):
            if len(targets) > 1 or not isinstance(value, ast.Tuple):
                raise self.refuse(value)
            pairs = list(zip(targets[0].elts, [self.expression(v) for v in value.elts], strict=True))
            waiting = []
            for target, found in pairs:  # all are read before any is set
                if self.stands(target, found) or found.constant is not None:
                    waiting.append((target, found))
                else:
                    self.fresh += 1
                    found = self.use(found)
                    self.line(f"const {found.type} t_{self.fresh} = {found.code};")
                    waiting.append((target, Value(f"t_{self.fresh}", found.type)))
            for target, found in waiting:
                self.store(target, found)
            return
        found = self.expression(value)
        if len(targets) > 1 and not found.steady:
            self.fresh += 1
            self.line(f"const {found.type} t_{self.fresh} = {found.code};")
            found = Value(f"t_{self.fresh}", found.type)
        for target in targets:
            self.store(target, found)

    def stands(self, target: ast.expr, value: Value) -> bool:
        """Whether a name can stand for this value: set once, and to a part of the world or something steady."""
        once = isinstance(target, ast.Name) and target.id in self.once and self.loops == 0
        return once and (not isinstance(value.type, str) or (value.steady and self.hoist) or value.constant is not None)

    def store(self, target: ast.expr, value: Value) -> None:
        if isinstance(target, ast.Name) and self.stands(target, value):
            self.values[target.id] = value
            return
        value = self.use(value)
        if isinstance(target, ast.Name):
            if target.id in self.values:
                raise self.refuse(target, "changes")
            self.types[target.id] = joined(self.types.get(target.id), value.type)
            self.line(f"{safe(target.id)} = {value.code};")
            return
        place = self.expression(target)
        if place.steady or place.type not in WIDTH or WIDTH[value.type] > WIDTH[place.type]:
            raise self.refuse(target, f"cannot hold {value.type}")
        self.line(f"{place.code} = {value.code};")

    # -- expressions --
    def use(self, value: Value) -> Value:
        """A value that meets unsteady ones: if it took work, it is kept."""
        if not (self.hoist and value.steady and value.work > 0 and value.constant is None):
            return value
        return self.of.kept(value)

    def made(self, code: str, kind: Any, *parts: Value, work: int = 1) -> Value:
        steady = self.hoist and all(part.steady for part in parts)
        return Value(code, kind, steady, sum(part.work for part in parts) + work if steady else 0)

    def meeting(self, values: list[Value]) -> list[Value]:
        """Values that meet in one expression: steady ones are kept unless all are."""
        if self.hoist and all(value.steady for value in values):
            return values
        return [self.use(value) for value in values]

    def expression(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant(value=value):
                return literal(value)
            case ast.Name(id=word):
                return self.named(word, node)
            case ast.Attribute(value=ast.Name(id=word), attr=attr) if isinstance(self.python.__globals__.get(word), ModuleType):
                if word not in self.values and word not in self.types:
                    return literal(getattr(self.python.__globals__[word], attr))
                return self.part(node)
            case ast.Attribute():
                return self.part(node)
            case ast.Subscript(value=array, slice=index):
                return self.item(self.expression(array), self.expression(index), node)
            case ast.BinOp(left=left, op=op, right=right):
                return self.arithmetic(self.expression(left), op, self.expression(right), node)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                value = self.expression(operand)
                return (
                    literal(-value.constant) if value.constant is not None else self.made(f"(-{value.code})", value.type, value)
                )
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                value = self.expression(operand)
                return self.made(f"(!{value.code})", BOOL, value, work=0)
            case ast.BoolOp(op=op, values=parts):
                values = self.meeting([self.expression(part) for part in parts])
                if any(value.type != BOOL for value in values):
                    raise self.refuse(node, "joins what is not true or false")
                sign = " && " if isinstance(op, ast.And) else " || "
                return self.made(f"({sign.join(value.code for value in values)})", BOOL, *values, work=0)
            case ast.Compare():
                return self.comparison(node)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                asked, yes, no = self.meeting([self.expression(part) for part in (test, body, orelse)])
                return self.made(f"({asked.code} ? {yes.code} : {no.code})", joined(yes.type, no.type), asked, yes, no, work=0)
            case ast.Call():
                return self.call(node)
        raise self.refuse(node)

    def named(self, word: str, node: ast.expr) -> Value:
        if word in self.values:
            return self.values[word]
        if word in self.types:
            return Value(safe(word), self.types[word])
        value = self.python.__globals__.get(word)
        if isinstance(value, bool | int | float):
            return literal(value)
        raise self.refuse(node, "is not known")

    def part(self, node: ast.Attribute) -> Value:
        whole = self.expression(node.value)
        if not isinstance(whole.type, Struct):
            raise self.refuse(node, "is no field")
        sign = "->" if whole.type == self.of.world else "."
        return Value(f"{whole.code}{sign}{safe(node.attr)}", whole.type.type_of(node.attr), whole.steady and self.hoist)

    def item(self, array: Value, index: Value, node: ast.expr) -> Value:
        if not isinstance(array.type, Array) or index.type not in (INT, BOOL):
            raise self.refuse(node, "is no element")
        steady = array.steady and index.constant is not None and self.hoist
        index = index if steady else self.use(index)
        return Value(f"{array.code}[{index.code}]", array.type.of, steady)

    def arithmetic(self, left: Value, op: ast.operator, right: Value, node: ast.expr) -> Value:
        if left.constant is not None and right.constant is not None and not (type(op) is ast.Div and right.constant == 0):
            return literal(OWN[type(op)](left.constant, right.constant))
        left, right = self.meeting([left, right])
        kind = joined(joined(left.type, right.type), INT)
        if isinstance(op, ast.Mod) and kind == INT:
            return self.made(f"modulo({left.code}, {right.code})", INT, left, right)
        if type(op) not in OPERATORS:
            raise self.refuse(node)
        if isinstance(op, ast.Div):
            a = left.code if left.type == DOUBLE else f"(double){left.code}"
            b = right.code if right.type == DOUBLE else f"(double){right.code}"
            return self.made(f"({a} / {b})", DOUBLE, left, right)
        return self.made(f"({left.code} {OPERATORS[type(op)]} {right.code})", kind, left, right)

    def comparison(self, node: ast.Compare) -> Value:
        if isinstance(node.ops[0], ast.In) and isinstance(node.comparators[0], ast.Tuple):
            values = self.meeting([self.expression(v) for v in (node.left, *node.comparators[0].elts)])
            among = " || ".join(f"{values[0].code} == {value.code}" for value in values[1:])
            return self.made(f"({among})", BOOL, *values, work=0)
        if any(type(op) not in COMPARISONS for op in node.ops):
            raise self.refuse(node)
        values = self.meeting([self.expression(v) for v in (node.left, *node.comparators)])
        if len(values) == 2 and all(value.constant is not None for value in values):
            return literal(OWN[type(node.ops[0])](values[0].constant, values[1].constant))
        codes, head = [value.code for value in values], ""
        for k, value in enumerate(values[1:-1], 1):  # a middle one is worked out once
            if not value.code.isidentifier():
                self.fresh += 1
                head += f"const {value.type} m_{self.fresh} = {value.code}; "
                codes[k] = f"m_{self.fresh}"
        pairs = [f"{a} {COMPARISONS[type(op)]} {b}" for a, op, b in zip(codes, node.ops, codes[1:], strict=False)]
        code = f"({' && '.join(pairs)})"
        return self.made(f"({{ {head}{code}; }})" if head else code, BOOL, *values, work=0)

    def called(self, node: ast.Call) -> Any:
        space = self.python.__globals__
        match node.func:
            case ast.Name(id=word):
                return space.get(word, getattr(builtins, word, None))
            case ast.Attribute(value=ast.Name(id=module), attr=word) if isinstance(space.get(module), ModuleType):
                return getattr(space[module], word)
        raise self.refuse(node)

    def call(self, node: ast.Call) -> Value:
        function = self.called(node)
        values = [self.expression(argument) for argument in node.args]
        if function in MATHEMATICS:
            return self.mathematics(function, values[0])
        if function in (min, max):
            return self.extreme("least" if function is min else "most", values)
        if function is abs:
            (value,) = values
            return self.made(f"{'fabs' if value.type == DOUBLE else 'llabs'}({value.code})", value.type, value)
        if function is int:
            (value,) = values
            if value.constant is not None:
                return literal(int(value.constant))
            return self.made(f"(int64_t){value.code}", INT, value)
        if function is len:
            return literal(values[0].type.length)
        return self.rule(function, values, node)

    def mathematics(self, function: Any, value: Value) -> Value:
        if value.constant is not None:
            return literal(float(function(value.constant)))
        return self.made(f"{MATHEMATICS[function]}({value.code})", DOUBLE, value)

    def extreme(self, name: str, values: list[Value]) -> Value:
        """Python's min and max: the first of equals."""
        if all(value.constant is not None for value in values):
            return literal((min if name == "least" else max)(value.constant for value in values))
        values = self.meeting(values)
        kind = INT
        for value in values:
            kind = joined(kind, value.type)
        code = values[0].code
        for value in values[1:]:
            code = f"{name}_{'d' if kind == DOUBLE else 'i'}({code}, {value.code})"
        return self.made(code, kind, *values)

    def rule(self, function: Any, values: list[Value], node: ast.Call) -> Value:
        if not callable(function):
            raise self.refuse(node, "is no function")
        node_of = source_of(function)
        changing = set(stored(node_of)) & {a.arg for a in node_of.args.args}
        for k, argument in enumerate(node_of.args.args):
            if argument.arg in changing and k < len(values):
                values[k] = Value(self.use(values[k]).code, values[k].type)
        alone = self.hoist and all(value.steady for value in values)
        if alone:  # of parameters only: called once, from `prepare`, with plain arguments
            plain = [Value(v.code, v.type, v.type == self.of.parameters) for v in values]
            made = self.of.function(function, plain, hoist=False)
            if made not in self.of.steady_calls:
                self.of.steady_calls.append(made)
        else:
            made = self.of.function(function, values)
            plain = [v for v in values if not (v.steady and v.type in WIDTH)]
            if made not in self.calls:
                self.calls.append(made)
        codes = ["p"] if made.parameters else []
        codes += [v.code for v in plain if v.type != self.of.parameters]
        code = f"{made.name}({', '.join(codes)})"
        return Value(code, made.result, True, 1 + sum(v.work for v in values)) if alone else Value(code, made.result)
