"""What goes wrong, in a line each: what it was about, what was wanted, what was got, what next."""


class PalimpsestError(Exception):
    """A mistake in the input that the user can mend.

    Args:
        what: the key, file or array at fault.
        wanted: what would have been right.
        got: what was found instead.
        hint: the next step.
    """

    def __init__(
        self,
        what: str,
        *,
        wanted: object = None,
        got: object = None,
        hint: str | None = None,
    ) -> None:
        self.what, self.wanted, self.got, self.hint = what, wanted, got, hint
        line = what
        if wanted is not None:
            line += f": want {wanted}"
            if got is not None:
                line += f", got {got}"
        elif got is not None:
            line += f": got {got}"
        if hint:
            line += f"; {hint}"
        super().__init__(" ".join(line.split()))


class ParamsError(PalimpsestError):
    """params.yaml or chain.yaml says something that cannot be meant."""


class CorpusError(PalimpsestError):
    """The human text is missing, empty or too small."""


class ModelError(PalimpsestError):
    """A model folder, tokenizer or encoder cannot be used."""


class TrainingError(PalimpsestError):
    """Training went wrong, for example a loss that is not a number."""


class MetricError(PalimpsestError):
    """Arrays or texts that no metric can be computed from."""


class ProjectError(PalimpsestError):
    """DVC or git said no."""


class ComparisonError(PalimpsestError):
    """Chains that cannot be compared."""
