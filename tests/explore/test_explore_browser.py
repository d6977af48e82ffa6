"""The explorer in a real browser, clicks and keys included: as `make explore` serves it."""

from __future__ import annotations

import json
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
HOME, END, RIGHT = ("Home", 36), ("End", 35), ("ArrowRight", 39)


@pytest.fixture(scope="module")
def tab() -> Iterator[browser.Tab]:
    with browser.served() as address, browser.opened(address) as opened:
        opened.wait(browser.READY, 240)
        yield opened


def labelled(label: str) -> str:
    """The control with this label, as an expression in the page."""
    return (
        "[...document.querySelectorAll('label.widget-label')]"
        f".find(one => one.innerText.trim() === {json.dumps(label)}).parentElement"
    )


def options(label: str) -> str:
    """What can be chosen in the list with this label, as an expression in the page."""
    # ipywidgets writes the spaces of options as spaces that do not break
    texts = "one => one.text.replaceAll('\\u00a0', ' ')"
    return f"[...{labelled(label)}.querySelectorAll('option')].map({texts})"


def choose(tab: browser.Tab, label: str, value: str) -> None:
    """Chooses a value in the list with this label, as a person does."""
    tab.js(
        f"""(() => {{
          const select = {labelled(label)}.querySelector('select');
          select.selectedIndex = {options(label)}.indexOf({json.dumps(value)});
          select.dispatchEvent(new Event('change', {{bubbles: true}}));
        }})()"""
    )


def move(tab: browser.Tab, label: str, *keys: tuple[str, int]) -> None:
    """Moves the slider with this label by keys."""
    tab.js(f"{labelled(label)}.querySelector('.noUi-handle').focus()")
    for key in keys:
        tab.press(*key)


def waits_for(tab: browser.Tab, text: str) -> None:
    """Waits until a text is in the page."""
    tab.wait(f"{TEXT}.includes({json.dumps(text)})")


def test_a_click_on_the_heatmap(tab: browser.Tab) -> None:
    assert "hybrid, de questions in the el passages" not in tab.js(TEXT)
    first = f"[...document.querySelectorAll('{browser.GRID}')]"
    index = tab.js(f"{first}.findIndex(one => one.title === 'de questions, pool el')")
    tab.click(browser.GRID, index)
    waits_for(tab, "hybrid, de questions in the el passages: mean mAP")
    tab.wait(f"{first}[{index}].classList.contains('hbt-chosen')")
    assert tab.js(f"{first}.filter(one => one.classList.contains('hbt-chosen')).length") == 1
    choose(tab, "metric", "R@10")
    waits_for(tab, "hybrid, de questions in the el passages: mean R@10")
    assert tab.errors == []


def test_a_question_is_searched_and_picked(tab: browser.Tab) -> None:
    tab.click(".widget-text input")
    tab.type("Thimphu")
    found = options("question")
    tab.wait(f"{found}.length < 20 && {found}.every(one => one.includes('Thimphu'))")
    picked = tab.js(found)[-1]
    choose(tab, "question", picked)
    picked = picked.rsplit(" (", 1)[0]  # without the difference of the arms
    first_panel = "document.querySelector('.hbt-sides').closest('.hbt')"
    tab.wait(f"{first_panel}.querySelector('p').innerText.includes({json.dumps(picked)})")
    choose(tab, "asked in", "tr")
    tab.wait(f"{first_panel}.querySelector('p [lang]').lang === 'tr'")
    assert tab.errors == []


def test_batches_move_with_alpha_mix_and_strategy(tab: browser.Tab) -> None:
    move(tab, "α", END)
    waits_for(tab, "Of the first 100 batches 100% are x-x-mono")
    move(tab, "α", HOME, *10 * [RIGHT])
    choose(tab, "mix by", "pair")
    waits_for(tab, "; 0% have one language alone")
    choose(tab, "strategy", "x-y-mono")
    waits_for(tab, "100% are x-y-mono")
    move(tab, "from batch", RIGHT)
    waits_for(tab, "batch 6: x-y-mono")
    assert tab.errors == []


def test_measures_move_with_the_cutoff(tab: browser.Tab) -> None:
    move(tab, "cut-off", HOME)
    waits_for(tab, "mAP@1 in the languages trained on")
    move(tab, "cut-off", RIGHT)
    waits_for(tab, "mAP@3 in the languages trained on")
    choose(tab, "measure", "R")
    waits_for(tab, "\nR@3 in the languages trained on")
    assert tab.errors == []


@pytest.mark.parametrize("width", [browser.DESK, browser.PHONE])
def test_nothing_is_wider_than_the_page(tab: browser.Tab, width: int) -> None:
    tab.width(width)
    time.sleep(1)
    assert tab.js("document.documentElement.scrollWidth") == width
    wider = tab.js(
        f"""[...document.querySelectorAll('.hbt, .hbt-controls > *, .hbt-look, .hbt-grid')]
          .filter(one => one.getBoundingClientRect().right
            > one.closest('{browser.PANEL}').getBoundingClientRect().right + 1)
          .map(one => one.className)"""
    )
    assert wider == []
    cut = tab.js(
        f"""[...document.querySelectorAll('{browser.GRID}, .hbt-wide')]
          .filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.innerText)"""
    )
    assert cut == [], "these numbers do not fit"


def test_other_arms_and_another_study_change_every_panel(tab: browser.Tab) -> None:
    choose(tab, "arm 1", "x-y")
    waits_for(tab, "hybrid minus x-y")
    choose(tab, "study", "worldfacts-rivals")
    waits_for(tab, "Study worldfacts-rivals on worldfacts")
    shown = f"{labelled('arm 2')}.querySelector('select').selectedOptions[0].text"
    last = tab.wait(f"{TEXT}.includes('minus ') && {shown} !== 'hybrid' && {shown}")
    waits_for(tab, f"{last} minus ")
    arms = "[...document.querySelectorAll('.hbt-arm')].map(one => one.innerText)"
    tab.wait(f"{arms}.length === 4 && {arms}[1] === {json.dumps(last)}")
    assert tab.errors == []
