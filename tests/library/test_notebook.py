from palimpsest.library.notebook import html_table


def test_a_table_by_hand() -> None:
    rows = [{"metric": "a<b", "value": 0.5, "low": None}, {"metric": "c", "value": 2, "low": 1.0}]
    assert html_table(rows, "one & two") == (
        "<p><b>one &amp; two</b></p><table><thead><tr><th>metric</th><th>value</th><th>low</th>"
        "</tr></thead><tbody><tr><td>a&lt;b</td><td>0.500</td><td>–</td></tr>"
        "<tr><td>c</td><td>2</td><td>1</td></tr></tbody></table>"
    )


def test_without_rows_the_sentence_is_left() -> None:
    assert html_table([], "nothing") == (
        "<p><b>nothing</b></p><table><thead><tr></tr></thead><tbody></tbody></table>"
    )
