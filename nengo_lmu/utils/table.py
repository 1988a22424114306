"""Tables that fit a terminal."""


def format_table(header, rows):
    """Return a table with its first column left, the others right aligned.

    Parameters
    ----------
    header : list of str
    rows : list of list of str

    Returns
    -------
    text : str
    """
    lines = [header, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]

    def join(line):
        label, *values = line
        cells = [value.rjust(width) for value, width in zip(values, widths[1:])]
        return "  ".join([label.ljust(widths[0]), *cells]).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([join(header), rule, *map(join, rows)])


def percent(value, error, digits=1):
    """Return a fraction and its error, if there is one, in percent."""
    text = f"{100 * value:.{digits}f}"
    return text if error is None else f"{text} +- {100 * error:.{digits}f}"
