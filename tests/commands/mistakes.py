"""Command lines that are refused."""

import pytest

from jgan.console.main import main


def refused(capsys, *arguments):
    """The one line on standard error with which a command line ends, with status 2."""
    with pytest.raises(SystemExit) as stopped:
        main(list(map(str, arguments)))
    error = capsys.readouterr().err
    assert stopped.value.code == 2 and len(error.splitlines()) == 1, error
    return error
