"""Writes what Jinja2, set up as Hugging Face transformers sets it up for chat templates, makes of the cases in this folder.

Needs the package jinja2 (3.1). Run it here after adding a template: every case in *.json gets its "output", or the "error" of the
same case where that is a part of Jinja2's message already (the engine's own may say less, or name another kind).
"""

import copy
import datetime
import json
import pathlib
import warnings

import jinja2
import jinja2.ext
import jinja2.nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

FOLDER = pathlib.Path(__file__).parent


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_write"), [], [], body).set_lineno(line)

    def _write(self, caller):
        return caller()


def environment():
    result = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    result.filters["tojson"] = tojson
    result.globals["raise_exception"] = raise_exception
    result.globals["strftime_now"] = lambda form: datetime.datetime(2026, 11, 23).strftime(form)
    return result


ENVIRONMENT = environment()


def render(template, variables):
    variables = {"messages": [], "tools": None, "documents": None, "add_generation_prompt": True, **copy.deepcopy(variables)}
    try:
        return ENVIRONMENT.from_string(template).render(**variables), None
    except jinja2.exceptions.TemplateSyntaxError as error:
        return None, f"{type(error).__name__}: {error.message}"
    except Exception as error:  # noqa: BLE001
        return None, str(error) if type(error) is jinja2.exceptions.TemplateError else f"{type(error).__name__}: {error}"


def fill(case, variables, template):
    output, error = render(template, variables)
    case.pop("output", None)
    kept = case.pop("error", None)
    if error is None:
        case["output"] = output
    else:
        case["error"] = kept if kept is not None and kept in error else error


def main():
    warnings.simplefilter("ignore")
    for name in ("expressions", "methods", "statements", "random", "tojson", "corners"):
        path = FOLDER / f"{name}.json"
        document = json.loads(path.read_text())
        for case in document["cases"]:
            fill(case, document["variables"], case["template"])
        lines = ",\n".join("    " + json.dumps(case, ensure_ascii=False) for case in document["cases"])
        variables = json.dumps(document["variables"], ensure_ascii=False)
        path.write_text(f'{{\n  "variables": {variables},\n  "cases": [\n{lines}\n  ]\n}}\n')

    conversations = json.loads((FOLDER / "conversations.json").read_text())
    families = {}
    for path in sorted((FOLDER / "families").glob("*.jinja")):
        families[path.stem] = {}
        for name, conversation in conversations.items():
            case = families[path.stem][name] = {}
            fill(case, {"bos_token": "<s>", "eos_token": "</s>", **conversation}, path.read_text())
    (FOLDER / "families.json").write_text(json.dumps(families, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
