"""How sure a number is: intervals, null bands, multiple testing, regression."""
