"""What a memory takes: planned by the theory, and simulated if that is wanted."""

import textwrap
from dataclasses import asdict, dataclass

from nengo_lmu.analysis.memory import Setting
from nengo_lmu.experiments.experiment import Experiment, option, switch
from nengo_lmu.experiments.options import (
    number_from_zero,
    number_of_runs,
    one_of,
    positive_number,
    seconds,
    whole_number,
)
from nengo_lmu.legendre import ArgumentError
from nengo_lmu.legendre.checks import relative_error
from nengo_lmu.legendre.noise import SPIKING
from nengo_lmu.utils.progress import progress_bar
from nengo_lmu.utils.table import format_table

# Rounding leaves such errors where there are none.
_NOTHING = 1e-9

_SIMULATORS = {
    "fixed point": "NengoLoihi's fixed-point emulator",
    "reference": "nengo.Simulator, stochastic neurons (NengoLoihi is not installed)",
}


@dataclass(frozen=True)
class PlanMemory(Experiment):
    """Plan a memory: how many neurons an error needs, or what error neurons give.

    By the noise theory, for rectified linear neurons and white noise as input.

      nengo-lmu plan --delay 0.4 --bandwidth 1.5 --error 0.05 --size-in 2
      nengo-lmu plan --theta 1 --d 6 --error 0.05
      nengo-lmu plan --theta 1 --d 6 --n-neurons 1000 --verify

    With --delay, window, order, readout and neurons are chosen for the error of the
    delay itself: the root-mean-square difference to what the input was, relative to
    that of the input. With --theta and --d, the window error is the difference
    between the decoded window and that of the ideal memory, and how far that is
    from the input is a row of its own.

    --verify builds the memory, runs it in nengo.Simulator and prints what it
    measured.

    --chip plans a memory for Loihi: its neurons do not hear their error there, and
    Poisson neurons have at most one spike a step. --verify then runs it in
    NengoLoihi's fixed-point emulator, or where NengoLoihi is not installed, in
    nengo.Simulator without error feedback and with such neurons.
    """

    name = "plan"
    processes = "here"
    always_kept = False

    theta: float | None = option(None, seconds, "window, in seconds", "S")
    d: int | None = option(None, whole_number(1), "order of the memory", "D")
    delay: float | None = option(
        None, seconds, "or a delay, in seconds, of an input with a --bandwidth", "S"
    )
    error: float | None = option(
        None,
        positive_number,
        "the error that is wanted, of the window or the delay, such as 0.05",
        "E",
    )
    n_neurons: int | None = option(
        None,
        whole_number(2),
        "or the number of neurons, of all signals",
        "M",
        formerly=("--m",),
    )
    size_in: int = option(1, whole_number(1), "signals, each with its own neurons")
    tau: float | None = option(
        None,
        seconds,
        "time constant of the synapse, in seconds (default: the quietest)",
        "S",
    )
    max_rates: tuple | None = option(
        None,
        positive_number,
        "of the neurons, from and to, in hertz (default: 200 240)",
        "HZ",
        nargs=2,
    )
    neuron_type: str = option("poisson", one_of(SPIKING), ", ".join(SPIKING), "TYPE")
    error_feedback: float | None = option(
        None,
        number_from_zero,
        "gain with which neurons hear their own error, 0 for not at all (default: the "
        "theory's)",
        "K",
    )
    chip: bool = switch(
        "for Loihi: without error feedback, and with at most one spike a step "
        "(stochastic, as Poisson neurons are there)"
    )
    rms: float = option(0.3, positive_number, "of the input", "U")
    bandwidth: float | None = option(
        None,
        positive_number,
        "highest frequency of the input, in hertz (default: d / (6 theta))",
        "HZ",
    )
    dt: float = option(0.001, seconds, "time step, in seconds", "S")
    verify: bool = switch(
        "simulate the memory, and print the measured error beside the predicted"
    )
    seeds: int = option(5, number_of_runs, "simulations of --verify")
    windows: int = option(20, whole_number(1), "length of each in theta")

    def __post_init__(self):
        super().__post_init__()
        if self.delay is not None:
            self.refuse_with(
                "--delay", ("theta", "d", "n_neurons"), "it says what these have to be"
            )
            for flag in ("error", "bandwidth"):
                if getattr(self, flag) is None:
                    raise ArgumentError(
                        f"argument --{flag}", "give it too, for a memory with a --delay"
                    )
        elif self.theta is None or self.d is None:
            missing = "--theta" if self.theta is None else "--d"
            raise ArgumentError(
                f"argument {missing}", "give --theta and --d, or else --delay"
            )
        if self.error is None and self.n_neurons is None:
            raise ArgumentError("argument --error", "give it, or else --n-neurons")
        if self.error is not None:
            relative_error("argument --error", self.error)
            self.refuse_with(
                "--error", ("n_neurons",), "it says how many neurons there have to be"
            )
        if self.chip:
            self.refuse_with(
                "--chip",
                ("error_feedback", "neuron_type"),
                "on the chip, neurons are Poisson neurons that do not hear their error",
            )

    def measure(self, run):
        """Plan the memory, and simulate it if that is wanted.

        Returns
        -------
        measured : dict
            The fields of `nengo_lmu.analysis.plan.Plan`, whose ``setting`` is that of
            the memory as it is planned; with ``--delay``, those of
            `nengo_lmu.analysis.plan.PlannedDelay`. With ``--verify``, ``measured`` is
            what `nengo_lmu.analysis.plan.verify` or ``verify_delay`` returns.
        """
        from nengo_lmu.analysis import plan

        with progress_bar(desc="Planning", unit=" memories", leave=False) as bar:
            if self.delay is None:
                planned, verify = plan.plan(self.setting, self.error), plan.verify
            else:
                planned = plan.plan_for_delay(
                    self.setting, self.delay, self.error, progress=bar.update
                )
                verify = plan.verify_delay
        if not self.verify:
            return asdict(planned)
        measured = verify(planned, self.seeds, run.workers)
        return asdict(planned) | {"measured": measured}

    @property
    def setting(self):
        """(Setting) What is asked for; what is not, is no matter what."""
        d = 1 if self.d is None else self.d
        return Setting(
            theta=1.0 if self.theta is None else self.theta,
            d=d,
            n_neurons=self.n_neurons or 2 * d * self.size_in,
            size_in=self.size_in,
            tau=self.tau,
            max_rates=self.max_rates,
            neuron_type=self.neuron_type,
            rms=self.rms,
            bandwidth=self.bandwidth,
            windows=self.windows,
            dt=self.dt,
            simulator="fixed point" if self.chip else "reference",
            error_feedback=0.0 if self.chip else self.error_feedback,
        )

    def table(self, record):
        """Return what is predicted, and what was measured."""
        measured = record.get("measured")
        if record["settings"]["delay"] is None:
            table = _table_of_window(record, measured)
        else:
            table = _table_of_delay(record, measured)
        if measured is not None and record["settings"]["chip"]:
            table += f"\n\nMeasured in {_SIMULATORS[measured['simulator']]}"
            if "late" in measured:
                table += f", {measured['late']['mean']:.1f} time steps later"
        return table


def _table_of_window(plan, measured):
    s = Setting(**plan["setting"])
    rows = [
        ["window error", _error(plan["window"]), "window"],
        ["delay error", _error(plan["delay"]), "delay"],
        ["ideal memory, window", _error(plan["ideal_window"])],
        ["ideal memory, delay", _error(plan["ideal_delay"])],
    ]
    if s.simulator == "reference":
        # on the chip there is no feedback that could get near the floor
        floor = "none" if plan["floor"] is None else _error(plan["floor"])
        rows.insert(2, ["window error, floor", floor])
    table = _format(f"theta={s.theta:g} s, d={s.d}, ", plan, rows, measured)
    if plan["window"] < _NOTHING:
        table += (
            "\n\nThe synapse alone is this memory, and neurons add nothing to it, not "
            "even noise:\nof its window, the ideal memory's own error is what is wrong."
        )
    return table


def _table_of_delay(plan, measured):
    s = Setting(**plan["memory"]["setting"])
    rows = [
        ["error", _error(plan["error"]), "error"],
        ["  of the ideal memory", _error(plan["ideal"]), "ideal"],
        ["  of spikes", _error(plan["noise"]), "noise"],
        ["window, theta", f"{s.theta:g} s"],
        ["order, d", str(s.d)],
        ["point of the window", f"{plan['point']:.3g}"],
    ]
    table = _format(f"delay={plan['delay']:g} s, ", plan["memory"], rows, measured)
    readout = ", ".join(f"{weight:.4g}" for weight in plan["readout"])
    lines = textwrap.wrap(f"readout = [{readout}]", 78, subsequent_indent=" " * 11)
    return "\n".join([table, "", *lines, "delayed = readout @ state, of each signal"])


def _format(title, plan, rows, measured):
    """Return a table of some rows, and of those that all memories have."""
    s = Setting(**plan["setting"])
    gain = plan["error_feedback"]
    rows += [
        ["spikes", f"{_si(plan['spikes_per_second'])}/s", "spikes_per_second"],
        ["neurons", f"{s.n_neurons:,}"],
    ]
    if s.size_in > 1:
        rows.append(["neurons a signal", f"{s.n_neurons_each:,}"])
    rows += [
        ["neurons a dimension", _range(plan["neurons"])],
        ["synapse", f"{s.tau:.3g} s"],
        ["error feedback", f"{gain:g}" if gain else "none"],
        ["input up to", f"{s.input_bandwidth:.3g} Hz"],
    ]
    on_chip = s.simulator != "reference"
    if not on_chip:  # nengo-lmu loihi resources says what a memory takes there
        rows += [
            ["multiply-adds", f"{_si(plan['multiply_adds_per_second'])}/s"],
            ["memory, neurons", f"{_si(plan['neuron_bytes'], 1024)}B"],
            ["memory, coupling", f"{_si(plan['coupling_bytes'], 1024)}B"],
        ]
    cells = []
    for name, predicted, *of in rows:
        value = ""
        if measured is not None and of:
            result = measured[of[0]]
            text = (lambda x: f"{_si(x)}/s") if "spikes" in of[0] else _error
            value = text(result["mean"])
            if result["standard_error"] is not None:
                value += f" +- {text(result['standard_error'])}"
        cells.append([name, predicted, value] if measured else [name, predicted])
    title += f"{s.neuron_type} on Loihi" if on_chip else s.neuron_type
    header = [title, "predicted", "measured"] if measured else [title, "predicted"]
    return format_table(header, cells)


def _error(value):
    """Return an error with as many digits as say something."""
    if value < _NOTHING:
        return "none"
    return f"{value:.4f}" if value >= 0.0005 else f"{value:.1e}"


def _range(neurons):
    low, high = min(neurons), max(neurons)
    return str(low) if low == high else f"{low} to {high}"


def _si(value, base=1000):
    """Return a number with a prefix."""
    for prefix in ("", "k", "M", "G", "T"):
        if value < 999.5 or prefix == "T":
            break
        value /= base
    return f"{value:.3g} {prefix}{'i' if base == 1024 and prefix else ''}"
