"""The table of made-up statements."""

from palimpsest.report.lives import FIRST, MOST, Mark, lives_table
from palimpsest.trajectory.false_statements import Life
from tests.report.documents import row, written

FOX = ("fox", "coat", "red")


def saying(name, *statuses):
    """A generation whose texts state it so often each."""
    one = written(name, count=len(statuses))
    said = ["false", *FOX, "grey"]
    rows = [row("x", sentences=[0, times, 0, 0], untrue=[said] * times) for times in statuses]
    return type(one)(name, rows, one.points)


def test_a_statement_with_its_ledger_its_birth_and_the_texts_that_made_it():
    made = [saying("g00", 0), saying("g01", 2, 0, 1), saying("g02", 1), saying("n01", 1)]
    table = lives_table([Life(FOX, (1, 2))], made, 4)
    (only,) = table.rows
    assert (only.statement, only.ledger) == ("fox, coat: red", "the ledger has: grey")
    assert (only.born, only.run, only.law) == ("g01", 2, False)
    # a text that says it twice is one text
    assert only.marks == (Mark("g00", 0), Mark("g01", 2), Mark("g02", 1), Mark("g03", 0))


def test_without_documents_a_life_is_still_one():
    (only,) = lives_table([Life(FOX, (0, 1, 2))], [], 3).rows
    assert (only.ledger, only.law) == ("", True)
    assert [mark.texts for mark in only.marks] == [1, 1, 1]


def test_the_longest_lives_are_shown_and_all_are_counted():
    every = [Life(("a", "b", str(at)), (0, 1, 2) if at < 5 else (0,)) for at in range(MOST + 40)]
    table = lives_table(every, [], 3)
    assert (len(table.rows), len(table.first)) == (MOST, FIRST)
    assert table.first + table.more == table.rows
    assert (table.statements, table.laws) == (MOST + 40, 5)
    assert lives_table([], [], 1).rows == ()
