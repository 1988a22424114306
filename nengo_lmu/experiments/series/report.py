"""Tables and figures of series."""

import textwrap

import numpy as np

from nengo_lmu.analysis.style import BLACK, BLUE, GREEN, ORANGE, SKY, STYLE, VERMILION
from nengo_lmu.utils.table import format_table

NAMES = {
    "ideal": "ideal memory, rates",
    "nengo": "spikes, nengo.Simulator",
    "nengo_dl": "spikes, NengoDL",
    "emulator": "spikes, Loihi emulator",
}

COLOURS = {"ideal": GREEN, "nengo": BLUE, "nengo_dl": SKY, "emulator": VERMILION}

# What values are, by series or what is measured of a file's, and how they are written.
MEASURED = {
    "accuracy": ("test accuracy (%)", 100, 1),
    "nrmse": ("test NRMSE", 1, 3),
    "score": ("largest score", 1, 2),
    "speakers": ("test accuracy (%)", 100, 1),
    "motions": ("test accuracy (%)", 100, 1),
    "sunspots": ("test NRMSE", 1, 3),
    "pressure": ("score of the anomaly / largest other", 1, 2),
    "ecg": ("test NRMSE", 1, 3),
}


def table(record):
    """Return how the networks did in each simulator, and others beside them.

    Parameters
    ----------
    record : dict
        Of a command of a real series.

    Returns
    -------
    text : str
    """
    measured, factor, digits = MEASURED[record["series"]]
    anomalies = record["series"] == "pressure"
    rows = [
        [f"published: {one['name']}", f"{factor * one['value']:.{digits}f}"]
        for one in record["published"]
    ]
    rows += [
        [one["name"], _spread(one["values"], factor, digits), *_more([one], anomalies)]
        for one in record["baselines"]
    ]
    for simulator in record["settings"]["simulators"]:
        results = [one["results"][simulator] for one in record["seeds"]]
        values = [one["value"] for one in results]
        rows.append(
            [
                f"LMU, {NAMES[simulator]}",
                _spread(values, factor, digits),
                *_more(results, anomalies),
                _thousands([one["spikes_per_second"] for one in results]),
            ]
        )
    header = [record["series"], measured]
    header += ["area", "alarms"] if anomalies else []
    header += ["spikes / s"]
    rows = [[*row, *[""] * (len(header) - len(row))] for row in rows]
    seeds = len(record["seeds"])
    first = record["seeds"][0]
    return (
        f"{format_table(header, rows)}\n\n"
        f"Mean +- standard deviation of {seeds} seeds. The first network has "
        f"{first['neurons']} neurons:\n{_items(first['reasons'])}"
    )


def own_table(record):
    """Return how networks for somebody's own series did in each simulator."""
    measured, factor, digits = MEASURED[record["measure"]]
    rows = []
    for simulator in record["settings"]["simulators"]:
        results = [one["results"][simulator] for one in record["seeds"]]
        rows.append(
            [
                f"LMU, {NAMES[simulator]}",
                _spread([one["value"] for one in results], factor, digits),
                _thousands([one["spikes_per_second"] for one in results]),
            ]
        )
    first = record["seeds"][0]
    items = list(first["reasons"])
    if first["threshold"] is not None:
        items.append(f"the largest score of the training is {first['threshold']:.2f}")
    return (
        f"{format_table([record['settings']['task'], measured, 'spikes / s'], rows)}"
        f"\n\nThe first network has {first['neurons']} neurons:\n{_items(items)}"
    )


def _items(texts):
    """Return a list of texts, for a terminal of 80 columns."""
    wrapped = (
        textwrap.fill(text, 80, initial_indent="- ", subsequent_indent="  ")
        for text in texts
    )
    return "\n".join(wrapped)


def draw_own(record):
    """Draw how networks for somebody's own series did in each simulator."""
    return _in_style(lambda figure: _draw_values(figure.subplots(), record), (4.0, 2.0))


def _more(results, anomalies):
    if not anomalies:
        return []
    areas = [one["area"] for one in results]
    alarms = [one["alarms"] for one in results]
    if None in areas:
        return ["-", "-"]
    return [f"{np.mean(areas):.3f}", f"{np.mean(alarms):.1f}"]


def _spread(values, factor, digits):
    if None in values:
        return "-"
    text = f"{factor * np.mean(values):.{digits}f}"
    if len(values) == 1:
        return text
    return f"{text} +- {factor * np.std(values, ddof=1):.{digits}f}"


def _thousands(values):
    return f"{np.mean(values):,.0f}" if np.any(values) else "-"


def draw(record):
    """Draw what the first network said, and how all of them did.

    Parameters
    ----------
    record : dict

    Returns
    -------
    figure : matplotlib.figure.Figure
    """

    def fill(figure):
        left, right = figure.subplots(1, 2, width_ratios=[1.7, 1])
        {
            "speakers": _draw_confusions,
            "motions": _draw_confusions,
            "sunspots": _draw_forecasts,
            "ecg": _draw_forecasts,
            "pressure": _draw_scores,
        }[record["series"]](left, record)
        _draw_values(right, record)

    return _in_style(fill, (7.2, 2.8))


def _in_style(fill, size):
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=size, layout="constrained")
        fill(figure)
    return figure


def _draw_values(axes, record):
    """Draw the value of each method, with the spread of seeds."""
    measured, factor, _ = MEASURED[record.get("series") or record["measure"]]
    rows = [
        (f"published: {one['name']}", [one["value"]], BLACK)
        for one in record.get("published", ())
    ]
    rows += [
        (one["name"], one["values"], ORANGE) for one in record.get("baselines", ())
    ]
    rows += [
        (
            f"LMU, {NAMES[simulator]}",
            [one["results"][simulator]["value"] for one in record["seeds"]],
            COLOURS[simulator],
        )
        for simulator in record["settings"]["simulators"]
    ]
    rows = [row for row in rows if None not in row[1]]
    for place, (_, values, colour) in enumerate(rows):
        values = factor * np.array(values)
        error = values.std(ddof=1) if len(values) > 1 else 0
        axes.errorbar(
            values.mean(), place, xerr=error, fmt="o", ms=4, color=colour, capsize=2
        )
    axes.set_yticks(range(len(rows)), [name for name, *_ in rows])
    axes.invert_yaxis()
    axes.set_xlabel(measured.replace(" / ", " /\n"))
    axes.grid(axis="x", lw=0.4, alpha=0.5)


def _draw_confusions(axes, record):
    """Draw how often each class is taken for each, in spikes."""
    from nengo_lmu.experiments.series.measures import LABELLED

    first = record["seeds"][0]
    simulator = _spiking(first)
    classes = first["classes"]
    guesses = first["results"][simulator]["guesses"]
    step = 20 if record["settings"]["quick"] else 1
    labels = LABELLED[record["series"]]().labels_test[::step]
    counts = np.zeros((len(classes), len(classes)), dtype=int)
    for label, guess in zip(labels, guesses):
        counts[classes.index(label), classes.index(guess)] += 1
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    for i, j in np.argwhere(counts):
        colour = "white" if shares[i, j] < 0.5 else "black"
        axes.text(j, i, counts[i, j], ha="center", va="center", color=colour, size=6)
    slanted = {"rotation": 30, "ha": "right"} if len(max(classes, key=len)) > 2 else {}
    axes.set_xticks(range(len(classes)), classes, **slanted)
    axes.set_yticks(range(len(classes)), classes)
    axes.set_xlabel(f"class, told by {NAMES[simulator]}")
    axes.set_ylabel("class")
    axes.figure.colorbar(image, ax=axes, label="share of the class")


# by series, what is drawn of its test data (samples), and what its axes are
_DRAWN = {
    "sunspots": (None, "year", "sunspots a year"),
    "ecg": (300, "time (s)", "voltage (mV)"),
}


def _draw_forecasts(axes, record):
    """Draw the test data, and their forecasts."""
    from nengo_lmu.experiments.series.measures import forecast_data

    last, when, what = _DRAWN[record["series"]]
    x, t, n_train = forecast_data(record["series"])
    results = record["seeds"][0]["results"]
    n_tested = min(len(one["predicted"]) for one in results.values())
    drawn = slice(n_tested if last is None else min(last, n_tested))
    x, t = x[n_train:][drawn], t[n_train:][drawn]
    axes.plot(t, x, color=BLACK, lw=1, label="series")
    for simulator, result in results.items():
        axes.plot(
            t,
            result["predicted"][drawn],
            color=COLOURS[simulator],
            lw=0.9,
            ls="--" if simulator == "ideal" else "-",
            label=f"forecast, {NAMES[simulator]}",
        )
    axes.set_xlabel(when)
    axes.set_ylabel(what)
    axes.set_ylim(top=x.max() + 0.45 * np.ptp(x))
    axes.legend(loc="upper left", fontsize=6)


def _draw_scores(axes, record):
    """Draw the series, where its anomaly is, and the score of each sample."""
    from nengo_lmu.experiments.series.measures import WATCHED

    first = record["seeds"][0]
    data = WATCHED[record["series"]]()
    simulator = _spiking(first)
    scores = np.array(first["results"][simulator]["scores"])
    t = np.arange(len(scores))
    axes.plot(t, scores, color=COLOURS[simulator], lw=0.6, label=NAMES[simulator])
    threshold = scores[: data.n_train].max()
    axes.axhline(threshold, color=BLACK, lw=0.8, ls=":", label="threshold")
    axes.axvline(data.n_train, color=BLACK, lw=0.8, ls="--", label="end of training")
    anomaly = np.flatnonzero(data.anomaly)
    axes.axvspan(anomaly[0], anomaly[-1], color=ORANGE, alpha=0.4, label="anomaly")
    axes.set_xlim(0, len(scores))
    axes.set_ylim(0, 1.3 * scores.max())
    axes.set_xlabel("sample")
    axes.set_ylabel("error of the forecast /\ntypical error")
    axes.legend(loc="upper left", fontsize=6, ncols=2)


def _spiking(first):
    """Return the simulator whose run is drawn: one in spikes, if there is any."""
    names = list(first["results"])
    return "nengo" if "nengo" in names else names[-1]
