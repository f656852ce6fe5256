"""Pages in the repository: generated ones are what their programs print; links lead somewhere."""

import re
from pathlib import Path

import pytest
from benchmarks.programs import program

ROOT = Path(__file__).parent.parent
PAGES = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("src/**/README.md")})
LINK = re.compile(r"\]\(([^)\s]+)\)")


def test_the_page_of_datasets_is_what_the_adapters_say():
    made = program("datasets_page")
    assert made.PAGE.read_text(encoding="utf-8") == made.page(), (
        "docs/datasets.md is older than the adapters: python benchmarks/datasets_page.py"
    )


@pytest.mark.parametrize(
    "name", ["default_choice", "student_gates", "results_page", "left_out_table"]
)
def test_a_page_of_kept_figures_is_what_its_program_writes(name, monkeypatch, tmp_path):
    pytest.importorskip("diffusers")
    module = program(name)
    kept = module.PAGE.read_text(encoding="utf-8")
    monkeypatch.setattr(module, "PAGE", tmp_path / "page.md")
    module.write_page()
    made = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert made == kept, f"the page is older than its figures or its template: {name}.py --page"


def test_the_table_of_systems_in_the_readme_is_that_of_the_kept_figures():
    tables, readme = program("readme_table"), (ROOT / "README.md").read_text(encoding="utf-8")
    for made in (tables.systems_table(), tables.unseen_table()):
        assert made in readme, "run readme_table.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_to_files(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    local = [link for link in LINK.findall(text) if not re.match(r"[a-z]+:|#", link)]
    missing = [link for link in local if not (page.parent / link.partition("#")[0]).exists()]
    assert not missing
