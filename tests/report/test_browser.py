"""The HTML page of a report in a headless Chromium: what scripts do to tables, figures, colors and widths."""

import io
import shutil
import time
from collections.abc import Iterator

import numpy as np
import pytest
import soundfile
from made_up_results import made_up_results
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.remote.webdriver import WebDriver

from respbench.benchmarks.report.pages import Source, plan_drawings, write_pages
from respbench.benchmarks.report.sounds import SOUND_PAGE
from respbench.benchmarks.statistics.loading import load_results

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--autoplay-policy=no-user-gesture-required", "--window-size=1280,900"),
)
MODELS = {
    "prior": 0.0,
    "metadata": 0.5,
    "svm": 1.0,
    "svm-adventitious": 1.1,
    "a-model-of-quite-a-long-name": 0.9,
    "cnn": 1,
}

pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium and its driver are not installed")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    """A browser that shows a report with a sound."""
    store = made_up_results(tmp_path_factory.mktemp("results"), MODELS, seeds=1)
    results = load_results(store)
    sound = io.BytesIO()
    soundfile.write(sound, np.zeros(2000), 4000, format="WAV", subtype="PCM_16")
    sounds = {"leaderboard.png": {"a sound": sound.getvalue()}}
    figures = tuple(plan_drawings(results, store.folder))
    write_pages(Source(results=results, folder=store.folder, figures=figures, sounds=sounds))
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, Service(str(DRIVER)))
    driver.get((store.folder / SOUND_PAGE).as_uri())
    yield driver
    driver.quit()


def test_the_page_loads_without_an_error(browser: WebDriver) -> None:
    drawn = "return [...document.querySelectorAll('.chart')].every((box) => box.querySelector('svg'))"
    assert browser.execute_script(drawn)
    assert browser.execute_script("return document.querySelectorAll('.chart').length") == 3
    assert browser.get_log("browser") == []


def test_a_click_on_a_header_sorts_by_value(browser: WebDriver) -> None:
    """Text would put 10 before 2."""
    numbers = """
        const [table] = [...document.querySelectorAll('#method table')].filter((t) => t.rows.length > 12);
        const header = table.rows[0].cells[0];
        header.querySelector('button').click();
        return [header.getAttribute('aria-sort'), [...table.tBodies[0].rows].map((row) => row.cells[0].textContent)];
    """
    (first, falling), (second, rising) = browser.execute_script(numbers), browser.execute_script(numbers)
    assert (first, second) == ("descending", "ascending")
    count = len(rising)
    assert count > 10
    assert rising == [str(n + 1) for n in range(count)]
    assert falling == rising[::-1]


def test_names_are_sorted_as_text_and_what_is_missing_comes_last(browser: WebDriver) -> None:
    sort = """
        const table = document.createElement('table');
        table.innerHTML = '<thead><tr><th>a</th></tr></thead><tbody></tbody>';
        arguments[0].forEach((text) => table.tBodies[0].insertRow().insertCell().append(text));
        sortTable(table, 0, arguments[1]);
        return [...table.tBodies[0].rows].map((row) => row.textContent);
    """
    assert browser.execute_script(sort, ["b", "n/a", "a10", "a9"], False) == ["a9", "a10", "b", "n/a"]
    numbers = ["+0.010 [-0.1, +0.2]", "", "-0.300 [-0.4, -0.2]", "n/a", "+0.002 [+0.0, +0.1]"]
    assert browser.execute_script(sort, numbers, True) == [numbers[i] for i in (0, 4, 2, 1, 3)]


def test_search_leaves_the_rows_that_match(browser: WebDriver) -> None:
    typed = """
        const input = document.querySelector('#readme .filter input');
        input.value = arguments[0];
        input.dispatchEvent(new Event('input'));
        const rows = [...document.querySelectorAll('#readme figure.table:first-of-type tbody tr')];
        const shown = rows.filter((row) => getComputedStyle(row).display !== 'none');
        return [shown.map((row) => row.cells[0].textContent).sort(), input.nextSibling.textContent];
    """
    assert browser.execute_script(typed, "SVM base") == [["svm"], "1 of 6"]
    assert browser.execute_script(typed, "") == [sorted(MODELS), ""]


def test_the_figure_shows_the_metric_that_is_chosen(browser: WebDriver) -> None:
    choose = """
        const box = document.querySelector('[data-chart="leaderboard.png"]');
        const select = box.querySelector('select');
        select.value = [...select.options].find((option) => option.text === arguments[0]).value;
        select.dispatchEvent(new Event('change'));
        const row = [...box.querySelectorAll('.row')].find((each) => each.textContent.startsWith('svm0'));
        return [box.querySelector('.title').textContent, row.textContent];
    """
    table = """
        const rows = [...document.querySelectorAll('#readme tbody tr')];
        return [...rows.find((row) => row.cells[0].textContent === 'svm').cells].map((cell) => cell.textContent);
    """
    _, _, _, score, auroc, *_ = browser.execute_script(table)
    assert browser.execute_script(choose, "score") == ["score", f"svm{score}"]
    assert browser.execute_script(choose, "AUROC") == ["AUROC", f"svm{auroc}"]


def test_lines_are_switched_off_and_say_their_values(browser: WebDriver) -> None:
    switch = """
        const box = document.querySelector('[data-chart="roc.png"]');
        box.querySelector('.legend button').click();
        return box.querySelectorAll('polyline').length;
    """
    assert [browser.execute_script(switch), browser.execute_script(switch)] == [len(MODELS) - 1, len(MODELS)]
    point = """
        const picture = document.querySelector('[data-chart="roc.png"] .plot svg');
        const area = picture.getBoundingClientRect();
        const place = { clientX: area.left + area.width / 2, clientY: area.top + 50, bubbles: true };
        picture.dispatchEvent(new PointerEvent('pointermove', place));
        return picture.parentNode.querySelector('.tip').innerText.split('\\n');
    """
    where, *values = browser.execute_script(point)
    assert where.startswith("normal clips called abnormal")
    assert len(values) == len(MODELS)
    shares = [float(value.rpartition(": ")[2]) for value in values]
    assert shares == sorted(shares, reverse=True)


def test_dark_mode_changes_the_colors(browser: WebDriver) -> None:
    color = "return getComputedStyle(document.body).backgroundColor"
    toggle = "document.getElementById('theme').click(); return document.getElementById('theme').textContent"
    before = browser.execute_script(color)
    assert browser.execute_script(toggle) == "Light mode"
    assert before != browser.execute_script(color)
    assert browser.execute_script(toggle) == "Dark mode"
    assert before == browser.execute_script(color)


def test_a_sound_plays(browser: WebDriver) -> None:
    play = """
        const [done] = arguments, sound = document.querySelector('audio');
        sound.addEventListener('timeupdate', () => sound.currentTime > 0 && done(sound.currentTime));
        sound.play().catch((error) => done(String(error)));
    """
    browser.set_script_timeout(20)
    assert browser.execute_async_script(play) > 0


def test_a_phone_scrolls_tables_and_not_the_page(browser: WebDriver) -> None:
    phone = {"width": 375, "height": 812, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    widest = """
        const right = (picture) => picture.getBoundingClientRect().right;
        const pictures = [...document.querySelectorAll('.chart svg')].map(right);
        return Math.max(document.documentElement.scrollWidth, ...pictures);
    """
    for _ in range(40):  # figures are drawn anew when they hear of the width
        if (width := browser.execute_script(widest)) <= phone["width"]:
            break
        time.sleep(0.05)
    assert width <= phone["width"]
    scrolls = "return [...document.querySelectorAll('.scroll')].some((box) => box.scrollWidth > box.clientWidth)"
    assert browser.execute_script(scrolls)
    assert browser.get_log("browser") == []
