"""What a network needs on Loihi, and whether it fits, before there is a simulator.

NengoLoihi cuts ensembles into blocks, and each block takes a core of its own. What
follows from that is read off the model that the simulator would be made of.
"""

from __future__ import annotations

import warnings
from collections import Counter
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import nengo
import numpy as np
from nengo.exceptions import BuildError
from nengo_loihi.block import (
    MAX_COMPARTMENTS,
    MAX_IN_AXONS,
    MAX_OUT_AXONS,
    MAX_SYNAPSE_BITS,
)
from nengo_loihi.builder import Model
from nengo_loihi.builder.builder import ValidationLevel

from nengo_lmu.legendre.checks import flag, instance, positive
from nengo_lmu.loihi.builder.headroom import LARGEST_CURRENT
from nengo_lmu.loihi.builder.ours import ours
from nengo_lmu.loihi.told import percent
from nengo_lmu.networks.arguments import validated

if TYPE_CHECKING:
    from typing import Any


# A core has so many. The last three are those of `nengo_loihi.hardware.validate`, which
# only looks at them for a board; it leaves the first of 16 synapse formats unused.
LIMITS = {
    "compartments": MAX_COMPARTMENTS,
    "synapse_bits": MAX_SYNAPSE_BITS,
    "input_axons": MAX_IN_AXONS,
    "output_axons": MAX_OUT_AXONS,
    "compartment_formats": 32,
    "thresholds": 16,
    "synapse_formats": 15,
}
CORES_PER_CHIP = 128

# `nengo_loihi.Simulator` refuses too many of these on the emulator, too.
_ALWAYS_CHECKED = ("compartments", "synapse_bits", "input_axons", "output_axons")

_OFF_CHIP = "keep it off the chip with net.config[ensemble].on_chip = False"
_SMALLER_PIECES = (
    "use fewer neurons, or cut the ensemble into smaller pieces with "
    "net.config[ensemble].block_shape = nengo_loihi.BlockShape((size,), (n_neurons,))"
)
_REMEDIES = {
    "compartments": _SMALLER_PIECES,
    "synapse_bits": _SMALLER_PIECES,
    "input_axons": "each neuron and each input that leads to it takes one; use fewer "
    f"of them, such as a smaller memory, or {_OFF_CHIP}",
    "output_axons": "each neuron takes one for each core that it leads to; "
    + _SMALLER_PIECES,
    "compartment_formats": "give its neurons fewer different time constants",
    "thresholds": "give its neurons fewer different thresholds",
    "synapse_formats": "connections whose weights differ less in size share a format; "
    f"use fewer connections to it, or {_OFF_CHIP}",
    "current": "what is larger overflows, and its neurons spike when they should not; "
    "use smaller weights, or lower max_rates",
}


@dataclass(frozen=True)
class Use:
    """How much of a limit of its core a block takes.

    Attributes
    ----------
    block : str
        Its label.
    resource : str
        A key of `LIMITS`.
    used, limit : int
    """

    block: str
    resource: str
    used: int
    limit: int

    @property
    def fraction(self):
        """(float) Of the limit; above 1 the block does not fit."""
        return self.used / self.limit

    def __str__(self):
        name = self.resource.replace("_", " ")
        return f"{self.used:,} of {self.limit:,} {name} ({percent(self.fraction)})"


@dataclass(frozen=True)
class BlockResources:
    """What one block, which is what one core holds, takes of it.

    Attributes
    ----------
    ensemble : str
        What the block is, or is a piece of: an ensemble, after the labels of the
        networks around it, or the decoders of a connection.
    piece, pieces : int
        Which one it is, from 0, and how many there are.
    compartments : int
        Neurons.
    synapse_bits : int
        Memory for weights, as it is allotted.
    input_axons, output_axons : int
        Axons that lead to the block, and those that leave it: one for each neuron and
        each core that it leads to.
    compartment_formats, thresholds, synapse_formats : int
        Different sets of decays and refractory periods, thresholds, and ways to store
        weights.
    current : int
        The largest that is to be expected in a neuron, with its bias and its noise, of
        what memories say to it (`nengo_lmu.loihi.builder.headroom`); 0 if it hears of
        none.
    """

    ensemble: str
    piece: int
    pieces: int
    compartments: int
    synapse_bits: int
    input_axons: int
    output_axons: int
    compartment_formats: int
    thresholds: int
    synapse_formats: int
    current: int = 0

    @property
    def label(self):
        """(str) The ensemble, and which of its pieces."""
        if self.pieces == 1:
            return self.ensemble
        return f"{self.ensemble} ({self.piece + 1} of {self.pieces})"

    @property
    def uses(self):
        """(dict) Of each limit, by its name: a `Use`."""
        return {
            name: Use(self.label, name, getattr(self, name), limit)
            for name, limit in LIMITS.items()
        }

    @property
    def largest_current(self):
        """(Use) Of what a neuron of the chip can hold; above that, it overflows.

        The scale of a block is chosen by it, so that it is no sign of a full core.
        """
        return Use(self.label, "current", self.current, LARGEST_CURRENT)

    @property
    def fractions(self):
        """(dict) Of each limit, by its name: how much of it is taken."""
        return {name: use.fraction for name, use in self.uses.items()}


@dataclass(frozen=True)
class WithoutFeedback:
    """A memory whose neurons do not hear their error on the chip.

    Attributes
    ----------
    ensemble : str
        Its neurons, after the labels of the networks around them.
    elsewhere, here : float or None
        Predicted window error in other simulators and on the chip, relative to the rms
        of the expected input; None for neurons that the theory does not cover.
    """

    ensemble: str
    elsewhere: float | None
    here: float | None

    def __str__(self):
        error = ""
        if self.here is not None:
            error = f":\n  window error {self.here:.2g} instead of {self.elsewhere:.2g}"
        return f"{_short(self.ensemble, 38)} cannot hear its error on the chip{error}"


@dataclass(frozen=True)
class Resources:
    """What a network needs on Loihi.

    Attributes
    ----------
    blocks : tuple of BlockResources
        One for each core.
    problems : tuple of str
        What does not fit, with numbers and a remedy; empty if all does.
    without_feedback : tuple of WithoutFeedback
        What is less accurate there than elsewhere.
    """

    blocks: tuple
    problems: tuple
    without_feedback: tuple = ()

    @property
    def cores(self) -> int:
        """(int) In total; each block takes one."""
        return len(self.blocks)

    @property
    def chips(self) -> int:
        """(int) That have so many cores."""
        return -(-self.cores // CORES_PER_CHIP)

    @property
    def binding(self) -> Use:
        """(Use) The limit that is nearest, of all limits of all blocks."""
        uses = (use for block in self.blocks for use in block.uses.values())
        return max(uses, key=lambda use: use.fraction)

    @property
    def largest_current(self):
        """(Use) The largest that is to be expected, of all blocks."""
        uses = (block.largest_current for block in self.blocks)
        return max(uses, key=lambda use: use.fraction)

    @property
    def fits(self) -> bool:
        """(bool) Whether each block fits its core.

        Then `nengo_loihi.Simulator` takes the network, whatever the number of chips.
        """
        return not self.problems

    def require_fit(self) -> None:
        """Raise a BuildError with the first problem, if there is one."""
        if self.problems:
            raise BuildError(self.problems[0])

    def as_record(self) -> dict[str, Any]:
        """Return all of it as JSON can hold it."""
        return {
            "cores": self.cores,
            "chips": self.chips,
            "fits": self.fits,
            "problems": list(self.problems),
            "binding": asdict(self.binding) | {"fraction": self.binding.fraction},
            "largest_current": asdict(self.largest_current)
            | {"fraction": self.largest_current.fraction},
            "without_feedback": [asdict(memory) for memory in self.without_feedback],
            "blocks": [
                asdict(block) | {"fractions": block.fractions} for block in self.blocks
            ],
        }

    def __repr__(self):
        cores = f"{self.cores} core{'s' * (self.cores > 1)} of {CORES_PER_CHIP}"
        compartments = sum(block.compartments for block in self.blocks)
        verdict = "fits" if self.fits else f"does not fit: {self.problems[0]}"
        return f"<Resources: {cores}, {compartments:,} compartments, {verdict}>"

    def __str__(self):
        pieces = {}
        for block in self.blocks:
            pieces.setdefault(block.ensemble, []).append(block)
        lines = [
            ["fullest core of", "cores", "neurons", "synapses", "axons in", "axons out"]
        ]
        for label, blocks in pieces.items():
            fullest = [
                max(block.fractions[name] for block in blocks)
                for name in _ALWAYS_CHECKED
            ]
            lines.append([_short(label), str(len(blocks)), *map(percent, fullest)])
        widths = [max(map(len, column)) for column in zip(*lines)]
        lines.insert(1, ["-" * width for width in widths])
        table = [
            "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])])
            for line in lines
        ]
        cores = f"{self.cores} core{'s' * (self.cores > 1)} of {CORES_PER_CHIP}"
        chips = f" on {self.chips} chips" if self.chips > 1 else ""
        verdict = "fits" if self.fits else "does not fit"
        nearest = f"nearest limit: {self.binding},\n  {_short(self.binding.block, 78)}"
        lines = [*table, "", f"{cores}{chips}; {verdict}", nearest]
        if self.largest_current.used:
            lines.append(f"largest current to expect: {self.largest_current}")
        return "\n".join([*lines, *map(str, self.without_feedback)])


def resources(
    network: nengo.Network,
    dt: float = 0.001,
    precompute: bool | None = None,
    remove_passthrough: bool = True,
) -> Resources:
    """Return what a network needs on Loihi, whether it fits or not.

    The model is built as `nengo_loihi.Simulator` does it, but no simulator is.

    Parameters
    ----------
    network : nengo.Network
        It is left as it is.
    dt : float
        Time step (seconds).
    precompute, remove_passthrough : bool
        As for `nengo_loihi.Simulator`.

    Returns
    -------
    resources : Resources
        ``print(resources)`` for a table.

    Raises
    ------
    nengo.exceptions.ValidationError
        For an argument that is none.
    nengo.exceptions.BuildError
        If no neurons would be on the chip, or some cannot be, whatever their number.

    Examples
    --------
    >>> needs = resources(net)
    >>> needs.cores, needs.fits
    (1, True)
    """
    with validated(resources):
        instance("network", network, nengo.Network, "give the network itself")
        dt = positive("dt", dt, "of seconds")
        precompute = None if precompute is None else flag("precompute", precompute)
        remove_passthrough = flag("remove_passthrough", remove_passthrough)
    model = Model(dt=dt, label=str(network))
    # what is too large is built too
    model.validation_level = ValidationLevel.NONE
    with _as_it_was(network):
        model.build(
            network, precompute=precompute, remove_passthrough=remove_passthrough
        )
    if not model.blocks:
        raise BuildError(
            f"{network}: no neurons would be on the chip; use a spiking neuron type, "
            "and net.config[ensemble].on_chip = True where it was set to False"
        )
    return model_resources(model)


def model_resources(model):
    """Return what a built model needs on Loihi.

    Parameters
    ----------
    model : nengo_loihi.builder.Model
        With at least one block.

    Returns
    -------
    resources : Resources
    """
    blocks, problems = [], []
    for block, needed in _needed(model):
        blocks.append(needed)
        problems += [
            _problem(model, block, use)
            for use in (*needed.uses.values(), needed.largest_current)
            if use.used > use.limit
        ]
    names = dict(_paths(model.toplevel))
    without_feedback = tuple(
        WithoutFeedback(names[memory.ensemble], memory.elsewhere, memory.here)
        for memory in ours(model).without_feedback
    )
    return Resources(tuple(blocks), tuple(problems), without_feedback)


def check_resources(model):
    """Refuse a model with a block that is too large for a core.

    As NengoLoihi's own validation of a model, but with an error that says what to do.
    Like that, it is left out at `ValidationLevel.NONE`.

    Parameters
    ----------
    model : nengo_loihi.builder.Model
        With all its blocks as they will be on the chip.

    Raises
    ------
    nengo.exceptions.BuildError
        Naming the block, the limit, the numbers and the remedy.
    """
    if model.validation_level is ValidationLevel.NONE:
        return
    for block, needed in _needed(model):
        for name in _ALWAYS_CHECKED:
            use = needed.uses[name]
            if use.used > use.limit:
                raise BuildError(_problem(model, block, use))


def warn_of_currents(model):
    """Warn of currents that are to be expected and would overflow.

    Parameters
    ----------
    model : nengo_loihi.builder.Model
        Of whole numbers.
    """
    if model.validation_level is ValidationLevel.NONE:
        return
    for block, needed in _needed(model):
        if needed.largest_current.fraction > 1:
            warnings.warn(_problem(model, block, needed.largest_current), stacklevel=2)


def _needed(model):
    """Yield all blocks, each with what it takes."""
    names = _names(model)
    pieces = Counter(names.values())
    seen = Counter()
    for block in model.blocks:
        name = names[block]
        current = int(np.max(ours(model).currents.get(block, 0)))
        yield block, _block_resources(block, name, seen[name], pieces[name], current)
        seen[name] += 1


def _block_resources(block, ensemble, piece, pieces, current):
    c = block.compartment
    formats = np.stack([c.decay_u, c.decay_v, c.refract_delay, c.enable_noise])
    taken = {name: used for name, (used, _) in block.utilization().items()}
    return BlockResources(
        ensemble=ensemble,
        piece=piece,
        pieces=pieces,
        compartments=taken["compartments"],
        synapse_bits=taken["synapses"],
        input_axons=taken["in-axons"],
        output_axons=taken["out-axons"],
        compartment_formats=len(np.unique(formats, axis=1).T),
        thresholds=len(np.unique(c.vth)),
        synapse_formats=len({synapse.synapse_cfg for synapse in block.synapses}),
        current=current,
    )


def _problem(model, block, use):
    """Say what does not fit, why, and what to do."""
    most = ""
    if use.resource == "input_axons":
        name, axons = _largest_source(model, block)
        most = f", {axons} of them from {name}"
    return (
        f"{use.block} needs {use.used} {use.resource.replace('_', ' ')}{most}, but a "
        f"core of Loihi has {use.limit}: {_REMEDIES[use.resource]}"
    )


def _largest_source(model, block):
    """Return the name of what most axons to a block come from, and their number."""
    names = _names(model)
    axons = Counter()
    for source in (*model.blocks, *model.inputs):
        for axon in source.axons:
            if axon.target in block.synapses:
                axons[names.get(source, "the host")] += axon.n_axons
    return axons.most_common(1)[0]


def _names(model):
    """Return the name of what each block is a piece of.

    NengoLoihi's own labels do not say which network an ensemble is in.
    """
    ensembles = dict(_paths(model.toplevel))

    def name(obj):
        if isinstance(obj, nengo.Connection):
            return f"{name(obj.pre_obj)} to {name(obj.post_obj)}"
        obj = getattr(obj, "ensemble", obj)  # neurons have no name of their own
        return ensembles.get(obj) or obj.label or type(obj).__name__

    names = {block: str(block.label) for block in model.blocks}
    for obj, parts in model.objs.items():
        # Probes have blocks too, but these belong to others.
        if isinstance(obj, nengo.Ensemble):
            names.update((block, name(obj)) for block in parts["in"])
        elif isinstance(obj, nengo.Connection):
            names.update((block, name(obj)) for block in parts.get("decoded", ()))
    return names


def _paths(network, prefix=""):
    """Yield all ensembles, each with the labels that lead to it."""
    children = [*network.ensembles, *network.networks]
    labels = [child.label or type(child).__name__ for child in children]
    for i, (child, label) in enumerate(zip(children, labels)):
        if labels.count(label) > 1:
            label += f" {labels[:i].count(label) + 1}"
        if isinstance(child, nengo.Network):
            yield from _paths(child, f"{prefix}{label}.")
        else:
            yield child, prefix + label


def _short(label, size=28):
    """Return the end of a label that is too long for a table."""
    return label if len(label) <= size else f"...{label[3 - size :]}"


@contextmanager
def _as_it_was(network):
    """Take back the options that NengoLoihi adds to the configs of a network."""
    configs = [
        net.config[cls]._extra_params
        for net in (network, *network.all_networks)
        for cls in (nengo.Ensemble, nengo.Connection)
    ]
    before = [set(params) for params in configs]
    try:
        yield
    finally:
        for params, names in zip(configs, before):
            for name in set(params) - names:
                del params[name]
