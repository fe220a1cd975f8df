"""ICBHI's companion files: what they may not state, and which patients they lack."""

import pytest

from respbench.corpora.problems import InputErrors
from respbench.corpora.readers.companions import DEMOGRAPHICS, DIAGNOSES, OFFICIAL_SPLIT, Companions

PATIENTS = {"101", "102"}


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        (DEMOGRAPHICS, "101.0 3 F NA 19 99\n", "1: patient '101.0' may be '101' of the recordings; write both in one"),
        (DEMOGRAPHICS, "\n0101 3 F NA 19 99\n", "2: patient '0101' may be '101' of the recordings; write both in one"),
        (DIAGNOSES, "ID,CLASS\nNA,COPD\n", "2: patient 'NA' is no name; state whose line it is, or remove it"),
        (DIAGNOSES, "101,COPD\n102,URTI\n101,URTI\n", "3: 101 is also on line 1, with other values; keep one"),
        (OFFICIAL_SPLIT, "101_1_A_B_x\ttrain\n101_1_A_B_y\ttest\n", "2: 101_1_A_B is also on line 1, with other"),
        (DEMOGRAPHICS, "101 old F NA 19 99\n", "1: 'old' is neither a number nor NA; correct it"),
        (DEMOGRAPHICS, "101 3 F NA 19\n", "1: '101 3 F NA 19' has 5 fields instead of 6; correct it"),
    ],
)
def test_lines_that_are_in_doubt_are_refused(tmp_path, name, content, problem):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputErrors) as error:
        Companions.found_near(tmp_path, PATIENTS)
    assert error.value.problems[0].startswith(f"{tmp_path}/{name}, line {problem}")
    assert len(error.value.problems) == 1


def test_a_header_in_any_case_a_line_twice_and_non_breaking_spaces_are_read(tmp_path):
    (tmp_path / DIAGNOSES).write_text("Id,Class\n101,\u00a0URTI\n101,URTI\n", encoding="utf-8")
    companions = Companions.found_near(tmp_path, PATIENTS)
    assert companions.of("101", "101_1b1_Al_sc_Meditron") == {"diagnosis": "URTI"}


def test_patients_who_are_lacking_are_counted(tmp_path):
    assert Companions.found_near(tmp_path, PATIENTS).lacking(PATIENTS) == ""
    (tmp_path / DIAGNOSES).write_text("ID,CLASS\n101,URTI\n103,COPD\n")
    assert Companions.found_near(tmp_path, PATIENTS).lacking(PATIENTS) == f"{DIAGNOSES} lacks 1 of 2 patients"
