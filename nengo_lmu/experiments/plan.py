"""What a memory takes: planned by the theory, and simulated if that is wanted."""

import dataclasses
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
from nengo_lmu.legendre.noise import SPIKING
from nengo_lmu.utils.table import format_table

_SIMULATORS = {
    "fixed point": "NengoLoihi's fixed-point emulator",
    "reference": "nengo.Simulator, stochastic neurons (NengoLoihi is not installed)",
}


@dataclass(frozen=True)
class PlanMemory(Experiment):
    """Plan a memory: how many neurons an error needs, or what error neurons give.

    By the noise theory, for rectified linear neurons and white noise as input. The
    window error is the root-mean-square difference between the decoded window and
    that of the ideal memory, relative to that of the input.

      nengo-lmu plan --theta 1 --d 6 --error 0.05
      nengo-lmu plan --theta 1 --d 6 --n-neurons 1000 --verify

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

    theta: float = option(dataclasses.MISSING, seconds, "window, in seconds", "S")
    d: int = option(dataclasses.MISSING, whole_number(1), "order of the memory", "D")
    error: float | None = option(
        None, positive_number, "the window error that is wanted, such as 0.05", "E"
    )
    n_neurons: int | None = option(
        None, whole_number(2), "or the number of neurons", "M", formerly=("--m",)
    )
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
        if self.error is None and self.n_neurons is None:
            raise ArgumentError("argument --error", "give it, or else --n-neurons")
        if self.error is not None:
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
            the memory as it is planned; with ``--verify``, ``measured`` is what
            `nengo_lmu.analysis.plan.verify` returns.
        """
        from nengo_lmu.analysis import plan

        planned = plan.plan(self.setting, self.error)
        if not self.verify:
            return asdict(planned)
        measured = plan.verify(planned, self.seeds, run.workers)
        return asdict(planned) | {"measured": measured}

    @property
    def setting(self):
        """(Setting) What is asked for; if it is an error, of no matter how many."""
        return Setting(
            theta=self.theta,
            d=self.d,
            n_neurons=2 * self.d if self.n_neurons is None else self.n_neurons,
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
        table = _table(record, measured)
        if measured is not None and record["settings"]["chip"]:
            table += f"\n\nMeasured in {_SIMULATORS[measured['simulator']]}"
        return table


def _table(plan, measured):
    s = Setting(**plan["setting"])
    floor = "none" if plan["floor"] is None else f"{plan['floor']:.4f}"
    gain = plan["error_feedback"]
    rows = [
        ["window error", f"{plan['window']:.4f}", "", "window"],
        ["delay error", f"{plan['delay']:.4f}", "", "delay"],
        ["spikes", f"{_si(plan['spikes_per_second'])}/s", "", "spikes_per_second"],
        ["neurons", f"{s.n_neurons:,}"],
        ["neurons a dimension", _range(plan["neurons"])],
        ["synapse", f"{s.tau:.3g} s"],
        ["error feedback", f"{gain:g}" if gain else "none"],
        ["input up to", f"{s.input_bandwidth:.3g} Hz"],
    ]
    on_chip = s.simulator != "reference"
    if not on_chip:
        # on the chip there is no feedback that could get near the floor, and what a
        # memory takes there, nengo-lmu loihi resources says
        rows.insert(2, ["window error, floor", floor])
        rows += [
            ["multiply-adds", f"{_si(plan['multiply_adds_per_second'])}/s"],
            ["memory, neurons", f"{_si(plan['neuron_bytes'], 1024)}B"],
            ["memory, coupling", f"{_si(plan['coupling_bytes'], 1024)}B"],
        ]
    cells = []
    for name, predicted, *of in rows:
        value = ""
        if measured is not None and of:
            found = measured[of[1]]
            text = (lambda x: f"{_si(x)}/s") if "spikes" in of[1] else "{:.4f}".format
            value = text(found["mean"])
            if found["standard_error"] is not None:
                value += f" +- {text(found['standard_error'])}"
        cells.append([name, predicted, value] if measured else [name, predicted])
    title = f"theta={s.theta:g} s, d={s.d}, {s.neuron_type}"
    title += " on Loihi" if on_chip else ""
    header = [title, "predicted", "measured"] if measured else [title, "predicted"]
    return format_table(header, cells)


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
