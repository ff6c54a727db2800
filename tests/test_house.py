"""The rules of the house, checked on the code itself: stairs, pure leaves, one writer of `status`, no leftovers."""

import ast
import os
import re
import subprocess
import sys
from contextlib import suppress
from functools import cache
from itertools import chain
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command

from accounts.roles import Role
from requests_app.workflow import STEPS, Action, Guard

ROOT = Path(__file__).resolve().parent.parent
# From the ground up: a room imports from its own floor and from those below.
FLOORS = ["accounts", "requests_app", "billing", "completion", "ims"]
PURE = ["accounts.roles", "accounts.french", "requests_app.workflow", "requests_app.business_days"]
PURE += ["completion.rules", "completion.review_facts", "completion.flags", "billing.rules"]
# These two lines of the stairs also run without Django installed.
WITHOUT_DJANGO = ["accounts.french", "requests_app.business_days", "completion.rules", "billing.rules"]
# Inside a room, each of these knows only those before it.
STAIRS = ["workflow", "models", "notifications", "services", "forms", "views", "urls"]
BANNED_MODULES = {"utils", "core", "common", "helpers", "mixins", "signals", "selectors", "tasks"}
STEPS_MARKS = ("<!-- steps -->", "<!-- /steps -->")


# Reading the code


def sources() -> list[Path]:
    """Every Python file of the house; not its tests."""
    return sorted(chain(ROOT.glob("*.py"), *(ROOT.glob(f"{room}/**/*.py") for room in FLOORS)))


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def floor_of(module: str) -> int | None:
    room = module.partition(".")[0]
    return FLOORS.index(room) if room in FLOORS else None


def imports_of(path: Path) -> set[str]:
    """The modules a file imports, and the names it takes from them; a room by itself is an empty package."""
    found = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import hides the stairs"
            found |= {f"{node.module}.{name.name}" for name in node.names}
            found |= {node.module} - set(FLOORS)
    return found


def strings_of(path: Path) -> set[str]:
    return {
        node.value for node in ast.walk(tree_of(path)) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def places(found) -> list[str]:
    """« file:line » of some nodes, for a failure that can be read."""
    return [f"{path.relative_to(ROOT)}:{node.lineno}" for path, node in found]


# Stairs


def climbs(module: str, other: str) -> bool:
    """Whether `module` reaches upstairs when it names `other`."""
    here, there = floor_of(module), floor_of(other)
    is_leaf = any(other == leaf or other.startswith(f"{leaf}.") for leaf in PURE)
    return here is not None and there is not None and there > here and not is_leaf


def test_imports_go_down_the_stairs_only():
    climbing = {}
    for path in sources():
        module = module_of(path)
        if names := {name for name in imports_of(path) if climbs(module, name)}:
            climbing[module] = names
    assert climbing == {}


def test_no_string_points_upstairs():
    """A foreign key « room.Model », a task « room.module.function », an include « room.urls »."""
    dotted = re.compile(rf"({'|'.join(FLOORS)})(\.\w+)+")
    climbing = {}
    for path in sources():
        module = module_of(path)
        if names := {text for text in strings_of(path) if dotted.fullmatch(text) and climbs(module, text)}:
            climbing[module] = names
    assert climbing == {}


def test_no_model_is_fetched_by_name_from_upstairs():
    climbing = []
    for path in sources():
        for node in ast.walk(tree_of(path)):
            is_fetch = isinstance(node, ast.Call) and getattr(node.func, "attr", "") in {"get_model", "get_app_config"}
            first = node.args[0] if is_fetch and node.args else None
            if isinstance(first, ast.Constant) and climbs(module_of(path), str(first.value).lower()):
                climbing.append((path, node))
    assert places(climbing) == []


def test_inside_a_room_each_module_knows_only_those_before_it():
    climbing = {}
    for path in sources():
        room, _, name = module_of(path).partition(".")
        name = name.partition(".")[0]
        if name in STAIRS:
            above = {f"{room}.{other}" for other in STAIRS[STAIRS.index(name) + 1 :]}
            if names := {found for found in imports_of(path) if ".".join(found.split(".")[:2]) in above}:
                climbing[module_of(path)] = names
    assert climbing == {}


def test_only_ims_is_wired_to_its_own_floor():
    """ims knows no rule: nobody imports it but tests, the commands and itself."""
    users = [module_of(path) for path in sources() if any(name.split(".")[0] == "ims" for name in imports_of(path))]
    assert [module for module in users if not module.startswith("ims") and module not in {"manage", "run"}] == []


# Pure leaves


@pytest.mark.parametrize("leaf", PURE)
def test_a_pure_leaf_knows_the_standard_library_and_other_leaves_alone(leaf):
    names = imports_of(ROOT.joinpath(*leaf.split(".")).with_suffix(".py"))
    allowed = set(sys.stdlib_module_names)
    foreign = {name for name in names if name.split(".")[0] not in allowed and not name.startswith(tuple(PURE))}
    assert foreign <= {"django.db.models", "django.db.models.TextChoices"}


@pytest.mark.parametrize("leaf", WITHOUT_DJANGO)
def test_the_rules_run_where_django_is_absent(leaf):
    code = f"import sys; sys.modules['django'] = None; import {leaf}"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("leaf", PURE)
def test_a_pure_leaf_does_not_read_the_clock(leaf):
    calls = ast.walk(tree_of(ROOT.joinpath(*leaf.split(".")).with_suffix(".py")))
    read = [n.lineno for n in calls if isinstance(n, ast.Call) and getattr(n.func, "attr", "") in {"now", "today"}]
    assert read == []


# One writer of `status`


WRITERS = {("moves", "move"), ("services", "submit"), ("services", "_relay")}
MAKES = {"update", "create", "get_or_create", "update_or_create", "ServiceRequest"}


def writes_status(node) -> bool:
    """`x.status = …`, `.update(status=…)`, `ServiceRequest(status=…)`, `setattr(x, "status", …)`, a bulk of it."""
    if isinstance(node, ast.Attribute):
        return node.attr == "status" and isinstance(node.ctx, ast.Store)
    if not isinstance(node, ast.Call):
        return False
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    texts = [getattr(item, "value", None) for argument in node.args for item in getattr(argument, "elts", [argument])]
    if name in {"setattr", "bulk_update"}:
        return "status" in texts
    return name in MAKES and any(keyword.arg == "status" for keyword in node.keywords)


def functions_of(path: Path):
    for node in tree_of(path).body:
        yield getattr(node, "name", ""), node


def test_only_one_function_moves_a_request():
    found = []
    for path in sources():
        for name, function in functions_of(path):
            if path.parent == ROOT / "requests_app" and (path.stem, name) in WRITERS:
                continue
            found += [(path, node) for node in ast.walk(function) if writes_status(node)]
    assert places(found) == []


def test_the_one_writer_is_seen_by_this_test():
    rooms = [ROOT / "requests_app/moves.py", ROOT / "requests_app/services.py"]
    found = [(path.stem, name, function) for path in rooms for name, function in functions_of(path)]
    assert {(stem, name) for stem, name, function in found if any(map(writes_status, ast.walk(function)))} == WRITERS


def test_no_sql_writes_the_status_either():
    sql = re.compile(r"UPDATE\s+requests_app_servicerequest", re.IGNORECASE)
    assert [module_of(path) for path in sources() if any(map(sql.search, strings_of(path)))] == []


def test_only_requests_have_a_status():
    models = [model for room in FLOORS for model in apps.get_app_config(room).get_models() if not model._meta.proxy]
    assert {model.__name__ for model in models if "status" in [field.name for field in model._meta.fields]} == {
        "ServiceRequest"
    }


# Templates


TEMPLATES = ROOT / "templates"
# Found by their name: Django's own error pages, the admin's, the form fields', one text for each topic, each answer.
CONVENTION = re.compile(r"\d{3}\.html|admin/.*|django/.*|(email|sms)/[a-z]\w*\.txt|help/[a-z][a-z0-9-]*\.html")
# A mail reader loads no style sheet: this one carries its own, and never reaches a browser of ours.
MAIL = TEMPLATES / "email" / "layout.html"


def template_names() -> list[str]:
    return sorted(str(path.relative_to(TEMPLATES)) for path in every_page())


def every_page() -> list[Path]:
    return [path for path in TEMPLATES.rglob("*") if path.suffix in {".html", ".txt"}]


def named_templates() -> set[str]:
    """Every template that the code, or another template, names."""
    in_code = set(chain.from_iterable(strings_of(path) for path in sources()))
    in_pages = re.findall(r"""{%\s*(?:include|extends)\s+["']([^"']+)""", "".join(p.read_text() for p in every_page()))
    return in_code | set(in_pages)


def test_no_template_is_unused():
    named = named_templates()
    unused = {name for name in template_names() if name not in named and not CONVENTION.fullmatch(name)}
    assert not unused


def test_no_template_is_missing():
    looks_like = re.compile(r"\w+\.html|\w+/[\w/]+\.(html|txt)")
    ours = {name for name in named_templates() if looks_like.fullmatch(name) and not name.startswith("admin/")}
    assert sorted(ours - set(template_names())) == []


def test_no_template_has_a_style_or_a_script_of_its_own():
    inline = re.compile(r"<style|\sstyle\s*=|<script(?![^>]*\bsrc=)|\son[a-z]+\s*=|javascript:", re.IGNORECASE)
    pages = [path for path in every_page() if path != MAIL]
    found = {str(path.relative_to(ROOT)): inline.findall(path.read_text()) for path in pages}
    assert {name: words for name, words in found.items() if words} == {}


def test_a_status_is_a_class_and_never_a_branch():
    """« no status if/elif »: colour is CSS's business, and what may be done is workflow's."""
    branch = re.compile(r"{%\s*(?:el)?if[^%]*\bstatus\s*==")
    found = {str(path.relative_to(ROOT)): branch.findall(path.read_text()) for path in every_page()}
    assert {name: tests for name, tests in found.items() if len(tests) > 1} == {}


# Names and leftovers


def test_no_module_is_named_after_nothing():
    named = {module_of(path): set(path.relative_to(ROOT).with_suffix("").parts) for path in sources()}
    assert [module for module, parts in named.items() if parts & BANNED_MODULES] == []


def test_migrations_are_named_by_hand():
    names = [path.stem for room in FLOORS for path in ROOT.glob(f"{room}/migrations/0*.py")]
    assert [name for name in names if re.search(r"_auto_|_initial$|_alter_|_and_more$|_\d{8}", name)] == []


def test_nothing_is_printed_and_nothing_is_left_to_do():
    printed = [
        (path, node)
        for path in sources()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
        # run.py speaks on standard error before anything else is installed.
        if not any(keyword.arg == "file" for keyword in node.keywords)
    ]
    assert places(printed) == []
    assert found_in_files("TO" + "DO", "FIX" + "ME", "XX" + "X") == []


NOT_OURS = {".git", ".venv", "var", "__pycache__", ".pytest_cache", ".ruff_cache", "mutants"}


def every_text() -> dict[str, str]:
    """What the repository says, file by file; what is not text says nothing."""
    said = {}
    for folder, inside, names in os.walk(ROOT):
        inside[:] = [name for name in inside if name not in NOT_OURS]
        for path in (Path(folder, name) for name in names):
            with suppress(UnicodeDecodeError, FileNotFoundError):
                said[str(path.relative_to(ROOT))] = path.read_text()
    return said


def found_in_files(*words: str) -> list[str]:
    wanted = re.compile("|".join(rf"(?<!\w){re.escape(word)}" for word in words))
    lines = (
        (name, number, line) for name, text in every_text().items() for number, line in enumerate(text.splitlines(), 1)
    )
    return [f"{name}:{number}" for name, number, line in lines if wanted.search(line)]


def test_no_package_registry_is_named():
    """The machine's own settings say where packages come from."""
    # In two pieces, so that this file does not name them either.
    hosts = ["py" + "pi.org", "files.python" + "hosted", "registry.np" + "mjs", "--index" + "-url", "index" + "-url ="]
    assert found_in_files(*hosts) == []


@pytest.mark.django_db
def test_the_models_and_the_migrations_agree():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


# The table of the README


def _lines():
    """STEPS in their order, those put together that differ only by their roles or their statuses.

    An action that keeps several statuses as they are has one line, whose target is None.
    """
    roles, sources = {}, {}
    for step in STEPS:
        roles.setdefault((step.action, step.guards, step.source, step.target), []).append(step.role)
    for (action, guards, source, target), who in roles.items():
        sources.setdefault((action, guards, tuple(who), target), []).append(source)
    kept = {}
    for (action, guards, who, target), origins in sources.items():
        is_kept = origins == [target]
        kept.setdefault((action, guards, who, None if is_kept else target), []).extend(origins)
    for (action, guards, who, target), origins in kept.items():
        yield action, origins, origins[0] if len(origins) == 1 and not target else target, who, guards


def _words(values) -> str:
    return ", ".join(value.label if value else "–" for value in values)


def state_table() -> str:
    """What README.md says between its marks; `python -m tests.test_house` prints it."""
    rows = ["| Action | From | To | Who | Guards |", "|---|---|---|---|---|"]
    for action, origins, target, who, guards in _lines():
        conditions = ", ".join(f"`{guard}`" for guard in guards)
        after = target.label if target else "unchanged"
        rows.append(f"| `{action}` {action.label} | {_words(origins)} | {after} | {_words(who)} | {conditions} |")
    rows += ["", "| Guard | What one reads when it does not hold |", "|---|---|"]
    rows += [f"| `{guard}` | {guard.label} |" for guard in Guard]
    return "\n".join(rows).replace("\u00a0", " ")


@pytest.mark.skipif(not (ROOT / "README.md").exists(), reason="no README yet")
def test_the_table_of_the_readme_is_the_table_of_the_code():
    text = (ROOT / "README.md").read_text()
    before, _, rest = text.partition(STEPS_MARKS[0])
    table, mark, _ = rest.partition(STEPS_MARKS[1])
    assert mark, f"README.md has no table between {' and '.join(STEPS_MARKS)}"
    assert table.strip() == state_table()


def test_every_action_and_every_condition_is_in_the_table():
    table = state_table()
    assert [action for action in Action if f"| `{action}` " not in table] == []
    assert [guard for guard in Guard if not any(guard in step.guards for step in STEPS)] == []
    assert [role for role in set(Role) - {Role.ADMINISTRATOR} if role.label not in table] == []


if __name__ == "__main__":
    sys.stdout.write(state_table() + "\n")
