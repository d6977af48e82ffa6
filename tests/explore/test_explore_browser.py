"""The explorer in a real browser, clicks included: as `make explore` serves it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

pytest.importorskip("voila", reason="the extra `explore` is missing")
browser = pytest.importorskip("browser", reason="websockets, which voila brings, is missing")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(browser.find_browser() is None, reason="no Chromium is installed"),
]
TEXT = "document.body.innerText"


@pytest.fixture(scope="module")
def tab() -> Iterator[browser.Tab]:
    with browser.served() as address, browser.opened(address) as opened:
        opened.wait(browser.READY, 240)
        yield opened


def choose(tab: browser.Tab, label: str, value: str) -> None:
    """Chooses a value in the list with this label, as a person does."""
    tab.js(
        f"""(() => {{
          const box = [...document.querySelectorAll('.widget-dropdown')]
            .find(one => one.querySelector('label').innerText === '{label}');
          const select = box.querySelector('select');
          select.value = [...select.options].find(one => one.text.includes('{value}')).value;
          select.dispatchEvent(new Event('change', {{bubbles: true}}));
        }})()"""
    )


def test_a_click_on_the_heatmap(tab: browser.Tab) -> None:
    assert "hybrid, de questions in the passages of de" not in tab.js(TEXT)
    first = f"[...document.querySelectorAll('{browser.GRID}')]"
    index = tab.js(f"{first}.findIndex(one => one.title === 'de questions, pool el')")
    tab.click(browser.GRID, index)
    tab.wait(f"{TEXT}.includes('hybrid, de questions in the el passages: mean mAP')")
    tab.wait(f"{first}[{index}].classList.contains('hbt-chosen')")
    assert tab.errors == []


def test_controls_move_what_is_shown(tab: browser.Tab) -> None:
    choose(tab, "asked in", "tr")
    tab.wait(f"{TEXT}.includes('Rusya')")
    choose(tab, "strategy", "x-y-mono")
    tab.wait(f"{TEXT}.includes('100% are x-y-mono')")
    choose(tab, "measure", "R")
    tab.wait(f"{TEXT}.includes('R@10 in the languages trained on')")
    choose(tab, "arm 1", "x-y")
    tab.wait(f"{TEXT}.includes('hybrid minus x-y')")
    assert tab.errors == []


@pytest.mark.parametrize("width", [browser.DESK, browser.PHONE])
def test_nothing_is_wider_than_the_page(tab: browser.Tab, width: int) -> None:
    tab.width(width)
    time.sleep(1)
    assert tab.js("document.documentElement.scrollWidth") == width
    wider = tab.js(
        f"""[...document.querySelectorAll('.hbt, .hbt-controls > *, .hbt-grid')]
          .filter(one => one.getBoundingClientRect().right > {width}).map(one => one.className)"""
    )
    assert wider == []
    cut = tab.js(
        f"""[...document.querySelectorAll('{browser.GRID}')]
          .filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.innerText)"""
    )
    assert cut == [], "the numbers of these cells do not fit"
