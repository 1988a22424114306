"""The Legendre Memory Unit: a Legendre memory coupled to a nonlinear hidden layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nengo
import numpy as np
from nengo.builder import Builder
from nengo.builder.network import build_network
from nengo.exceptions import ValidationError
from nengo.params import Default

from nengo_lmu.legendre.checks import MOST_DIMENSIONS, finite_array, one_of, whole
from nengo_lmu.networks.apart import set_apart
from nengo_lmu.networks.arguments import (
    all_or_nothing,
    checked_neuron_type,
    configured,
    matrix,
    named,
    nengos_defaults,
    random_state,
    refuse_unknown,
    validated,
)
from nengo_lmu.networks.initializers import XavierNormal
from nengo_lmu.networks.memory import LegendreMemory, set_untrainable
from nengo_lmu.networks.objects import BiasConnection, InputNode
from nengo_lmu.networks.populations import tuning
from nengo_lmu.networks.stability import loop_gain, warn_of_growth

if TYPE_CHECKING:
    from typing import Any, Literal

    from nengo_lmu.legendre.statistics import StateStatistics
    from nengo_lmu.legendre.types import Input, Kind, Method


# What matrices are that are not given, by the coupling.
COUPLINGS = {
    "full": {
        "input_kernel": XavierNormal(),
        "hidden_kernel": XavierNormal(),
        "hidden_encoders": 0,
        "memory_encoders": 0,
    },
    "feed-forward": {
        "input_kernel": None,
        "hidden_kernel": None,
        "hidden_encoders": None,
        "memory_encoders": None,
    },
}


class LMU(nengo.Network):
    """A Legendre Memory Unit: a memory, and hidden units that read it.

    It is ``u = e_x x + e_h h + e_m m``, ``h = f(W_x x + W_h h + W_m m)`` ([1]_,
    equations 6 and 7), where ``m`` is the
    state of a `LegendreMemory` of ``u``, and ``h`` and ``m`` on the right are those of
    the step before, but for ``W_m m``. With ``units=0`` it is the memory alone. Where
    hidden units spike, the default is the feed-forward part of that, ``u = e_x x`` and
    ``h = f(W_m m)``.

    Parameters
    ----------
    theta : float
        Length of the window (seconds), a time step at least and 10^9 at most.
    d : int
        Order of the memory.
    size_in : int
        Dimensions of the input ``x``.
    units : int
        Hidden units; 0 for none.
    n_neurons : int
        All neurons of the memory, by default 100 for each of its dimensions; 0 for the
        ideal memory.
    neuron_type : nengo.neurons.NeuronType
        Of the memory, by default Poisson neurons with a rectified linear rate.
    synapse : nengo.Lowpass or float
        Of the memory; spiking hidden units use the same, since a block of a
        neuromorphic chip has one. See `LegendreMemory`.
    dt : float
        Time step (seconds).
    discretization : {"zoh", "euler"}
        Of the memory.
    input_range : float, (min, max), nengo.Process or array_like
        What ``u`` to expect; see `LegendreMemory`.
    realization : {"balanced", "principal", "legendre"} or (d, d) array_like
        The basis in which neurons represent the state; see `LegendreMemory`.
    hidden_neuron_type : nengo.neurons.NeuronType
        The nonlinearity ``f``, by default that of a spiking memory or, for an ideal
        one, `nengo.Tanh` as in the paper.
        For Loihi, `nengo_loihi.LoihiLIF` and
        `nengo_loihi.LoihiSpikingRectifiedLinear` have the chip's rates, which go in
        steps, in every simulator and in training.
    input_encoders : float, (n, size_in) array_like or Distribution
        ``e_x``. Its number of rows is the number of signals that the memory remembers.
        By default the identity; a distribution is sampled for ``size_memory`` rows.
    hidden_encoders, memory_encoders : float, array_like, Distribution or None
        ``e_h``, of shape ``(n, units)``, and ``e_m``, of shape ``(n, n * d)``. None
        leaves the connection out. By default what `coupling` says.
    input_kernel, hidden_kernel, memory_kernel : float, array_like, Distribution, None
        ``W_x``, ``W_h`` and ``W_m``, of ``units`` rows. None leaves the connection out.
        By default what `coupling` says, and Xavier-normal for ``W_m``.
    hidden_bias : float, (units,) array_like, Distribution or None
        Added to the input of the hidden units; by default None, as in the paper.
    trainable_theta : bool
        Make the initial `theta` over the present one, a number without a unit that is 1
        to begin with, one trainable scalar.
    label, seed, add_to_container
        As for `nengo.Network`.
    error_feedback : float, optional
        Gain with which the memory's neurons hear their own error, by default what the
        theory says; 0 for neurons that do not. See `LegendreMemory`.
    coupling : {"full", "feed-forward"}, optional
        Which connections there are of those that are not given. "full" is the paper's
        cell: ``e_h`` and ``e_m`` are 0, to be trained, ``W_x`` and ``W_h`` are
        Xavier-normal. "feed-forward" leaves all four out. By default "feed-forward" for
        hidden units that spike, "full" for others (see Notes).
    size_memory : int, optional
        How many signals the memory remembers, for a distribution as
        ``input_encoders``: by default one, as in the paper, which all of ``x`` is
        weighted and summed to. With ``size_memory=size_in`` it remembers as many
        mixtures as there are dimensions.
    **memory
        Further arguments of `LegendreMemory` (``max_rates``, ``intercepts``,
        ``encoders``, ``feedback_delay``, ``largest_speed``, ``reset``).

    Attributes
    ----------
    input : nengo.Node
        ``x``, of ``size_in`` dimensions.
    output : nengo.Node
        ``h``, of ``units`` dimensions, or the state ``m`` if there are no units.
    memory : LegendreMemory
    hidden : nengo.Ensemble or None
        The hidden units.
    unit : float
        The hidden neurons' output that stands for an activity of 1 (hertz).
    input_encoders, hidden_encoders, memory_encoders, input_kernel, hidden_kernel, \
    memory_kernel, hidden_bias : nengo.Connection or None
        The connections with the trainable matrices, where there are any.

    Raises
    ------
    nengo.exceptions.ValidationError
        For an argument out of range, naming it, its value and the remedy.

    Notes
    -----
    In NengoDL the encoders, kernels and bias are trained; the memory is not, unless
    ``lmu.memory.config[nengo.Connection].trainable = True``. Values of ``h`` are in
    units of the hidden neurons' maximum rate: 1 is the rate for an input of 1 (200
    hertz for spiking neurons unless ``max_rates`` is configured, the only default of
    `nengo.Ensemble` that hidden units take). Spiking hidden units receive everything
    through the memory's synapse; others have none.

    A feed-forward cell is stable whatever is trained, is trained without time
    (`nengo_lmu.dl.feedforward`) with the noise that spikes will add, and is the more
    accurate one in spikes. In a full one, what units without a largest rate say comes
    back through the memory, and backpropagation through ``n`` steps knows nothing of
    what becomes of it later. Building a simulator warns where it grows without end
    (`loop_gain`).

    ``reset=True`` clears the memory alone, as no simulator has an input for voltages.
    With ``W_h``, the activity of hidden units goes on without the memory: 30 tanh units
    with the initial weights keep 60 % of it. Without, units that do not spike are as
    new; for others the synapse of ``W_x`` fades in its own time, and voltages make a
    spike more or less.

    References
    ----------
    .. [1] Voelker, A. R., Kajić, I., & Eliasmith, C. (2019). Legendre Memory Units.

    Examples
    --------
    >>> import nengo
    >>> from nengo_lmu import LMU
    >>> with nengo.Network(seed=0) as net:
    ...     stimulus = nengo.Node(nengo.processes.WhiteSignal(10, high=1, rms=0.3))
    ...     lmu = LMU(theta=1.0, d=6)
    ...     connection = nengo.Connection(stimulus, lmu.input, synapse=None)
    ...     delayed = lmu.memory.add_window(points=[1.0])
    >>> lmu.output.size_out, delayed.size_out
    (6, 1)
    """

    @all_or_nothing
    def __init__(
        self,
        theta: float,
        d: int,
        size_in: int = 1,
        units: int = 0,
        n_neurons: int | None = None,
        neuron_type: Any = Default,
        synapse: Any = None,
        dt: float = 0.001,
        discretization: Method = "zoh",
        input_range: Input | StateStatistics = 1.0,
        realization: Kind = "balanced",
        hidden_neuron_type: Any = Default,
        input_encoders: Any = None,
        hidden_encoders: Any = Default,
        memory_encoders: Any = Default,
        input_kernel: Any = Default,
        hidden_kernel: Any = Default,
        memory_kernel: Any = Default,
        hidden_bias: Any = None,
        trainable_theta: bool = False,
        label: str | None = None,
        seed: int | None = None,
        add_to_container: bool | None = None,
        *,
        error_feedback: float | None = None,
        coupling: Literal["full", "feed-forward"] | None = None,
        size_memory: int | None = None,
        **memory: Any,
    ) -> None:
        refuse_unknown(memory, type(self), LegendreMemory)
        rng = random_state(seed, self)
        super().__init__(label=label, seed=seed, add_to_container=add_to_container)
        with validated(self):
            self.size_in = whole("size_in", size_in, 1, MOST_DIMENSIONS)
            self.units = whole("units", units, 0, MOST_DIMENSIONS)
            if coupling is not None:
                one_of("coupling", coupling, COUPLINGS)
        set_untrainable(self)

        rows = self._n_signals(input_encoders, size_memory)
        if input_encoders is None:
            e_x = np.eye(self.size_in)
        else:
            e_x = matrix(
                "input_encoders", input_encoders, (rows, self.size_in), rng, self
            )

        with self:
            self.memory = LegendreMemory(
                theta,
                d,
                size_in=len(e_x),
                n_neurons=n_neurons,
                neuron_type=neuron_type,
                synapse=synapse,
                dt=dt,
                discretization=discretization,
                input_range=input_range,
                realization=realization,
                trainable_theta=trainable_theta,
                error_feedback=error_feedback,
                label="memory",
                **memory,
            )
            max_rates = configured("max_rates", nengo.dists.Choice([200.0]))

        with self, nengos_defaults():
            self.input_encoders: Any = None
            if self.units == 0 and input_encoders is None:
                self.input = self.memory.input
            else:
                self.input = InputNode(
                    self.size_in,
                    self.memory.dt,
                    self.memory.input.radius,
                    label="input",
                    owner=self.label or "LMU",
                )
                self.input_encoders = self._trained(
                    self.input, self.memory.input, e_x, None
                )

            self.hidden: Any = None
            self.output = self.memory.output
            self.input_kernel: Any = None
            self.hidden_kernel: Any = None
            self.memory_kernel: Any = None
            self.hidden_encoders: Any = None
            self.memory_encoders: Any = None
            self.hidden_bias: Any = None
            matrices = dict(
                input_kernel=input_kernel,
                hidden_kernel=hidden_kernel,
                memory_kernel=memory_kernel,
                hidden_bias=hidden_bias,
                hidden_encoders=hidden_encoders,
                memory_encoders=memory_encoders,
            )
            if self.units > 0:
                self._make_hidden(hidden_neuron_type, max_rates)
                self._couple(rng, coupling, **matrices)
            else:
                self._check_unused(hidden_neuron_type, matrices)

    def __str__(self):
        return repr(self)

    def __repr__(self):
        if not hasattr(self, "memory"):  # it is still being made
            return super().__repr__()
        hidden = f", {self.units} hidden units" if self.units else ""
        return f"<{type(self).__name__}{named(self)}: {self.memory.summary}{hidden}>"

    @property
    def d(self) -> int:
        """(int) Order of the memory."""
        return self.memory.d

    @property
    def dt(self) -> float:
        """(float) Time step that it was made for (seconds)."""
        return self.memory.dt

    @property
    def synapse(self) -> nengo.Lowpass | None:
        """(nengo.Lowpass or None) Of the memory; None for an ideal one."""
        return self.memory.synapse

    @property
    def theta(self) -> float:
        """(float) Length of the window in seconds; after training, the learned one."""
        return self.memory.theta

    def loop_gain(self) -> float:
        """Return by how much a time step multiplies states that are large.

        See `nengo_lmu.networks.stability.loop_gain`.
        """
        return loop_gain(self)

    def _n_signals(self, input_encoders, size_memory):
        """Return how many signals the memory remembers, given ``e_x``."""
        with validated(self):
            if size_memory is not None:
                size_memory = whole("size_memory", size_memory, 1, MOST_DIMENSIONS)
            if isinstance(input_encoders, nengo.dists.Distribution):
                return size_memory or 1
            encoders = 1.0 if input_encoders is None else input_encoders
            array = finite_array("input_encoders", encoders)
        rows = self.size_in
        if array.ndim:
            rows = max(len(array), 1) if array.ndim == 2 else 1
        if size_memory not in (None, rows):
            raise ValidationError(
                f"must be {rows}, the number of signals that the input encoders make, "
                f"but {size_memory} was given; leave it out, or give a distribution, "
                "such as nengo_lmu.networks.LecunUniform(), as input_encoders",
                attr="size_memory",
                obj=self,
            )
        return rows

    def _make_hidden(self, neuron_type, max_rates):
        """Make the hidden units so that an input of 1 gives an output of 1."""
        if neuron_type is Default:
            ideal = self.memory.populations is None
            # With an amplitude of 1, h is what the neurons put out.
            neuron_type = nengo.Tanh(tau_ref=1) if ideal else self.memory.neuron_type
        checked_neuron_type("hidden_neuron_type", neuron_type, self)
        if isinstance(neuron_type, nengo.Direct):
            raise ValidationError(
                "the hidden units need a nonlinearity, but Direct() was given; use "
                "nengo.Tanh(), or units=0 for a linear memory",
                attr="hidden_neuron_type",
                obj=self,
            )
        if isinstance(neuron_type, (nengo.Tanh, nengo.Sigmoid)):
            # Nengo scales f by 1 / tau_ref, which the unit undoes.
            self.unit = 1 / neuron_type.tau_ref
            gain, bias = np.ones(self.units), np.zeros(self.units)
        else:
            rates = tuning(
                "max_rates",
                max_rates,
                self.units,
                rng=np.random.RandomState(0),
                whose="the hidden layer",
            )
            gain, bias = neuron_type.gain_bias(rates, np.zeros(self.units))
            at_one = neuron_type.rates(np.ones((1, self.units)), gain, bias)
            self.unit = float(np.mean(at_one))
        self.hidden = nengo.Ensemble(
            self.units,
            1,
            neuron_type=neuron_type,
            encoders=np.ones((self.units, 1)),
            normalize_encoders=False,
            gain=gain,
            bias=bias,
            label="hidden",
        )
        self.output = nengo.Node(size_in=self.units, label="hidden activity")
        nengo.Connection(
            self.hidden.neurons, self.output, transform=1 / self.unit, synapse=None
        )

    def _check_unused(self, neuron_type, matrices):
        """Refuse for no hidden units what would be refused for any number of them."""
        if neuron_type is not Default:
            checked_neuron_type("hidden_neuron_type", neuron_type, self)
        for name, value in matrices.items():
            is_given = value is not None and value is not Default
            if is_given and not isinstance(value, nengo.dists.Distribution):
                with validated(self):
                    finite_array(name, value)

    def _couple(self, rng, coupling, hidden_bias, **matrices):
        """Make the connections whose matrices are trained, and keep them by name."""
        neurons, memory = self.hidden.neurons, self.memory
        if coupling is None:
            spikes = self.hidden.neuron_type.spiking
            coupling = "feed-forward" if spikes else "full"
        defaults = {"memory_kernel": XavierNormal(), **COUPLINGS[coupling]}
        matrices = {
            name: defaults[name] if value is Default else value
            for name, value in matrices.items()
        }
        # One synapse, once, on the way into spiking units; what comes from the state
        # has passed the memory's already. Others get h of the step before (synapse=0).
        if self.hidden.neuron_type.spiking:
            direct = recurrent = memory.synapse or nengo.Lowpass(0.1)
        else:
            direct, recurrent = None, 0
        ends = {
            "input_kernel": (self.input, neurons, direct),
            "hidden_kernel": (self.output, neurons, recurrent),
            "memory_kernel": (memory.output, neurons, None),
        }
        encoders = [matrices["hidden_encoders"], matrices["memory_encoders"]]
        if any(value is not None for value in encoders):
            feedback = memory.add_feedback()
            ends["hidden_encoders"] = (self.output, feedback, None)
            ends["memory_encoders"] = (memory.decoded, feedback, None)

        for name, (pre, post, synapse) in ends.items():
            value = matrices[name]
            if value is None:
                continue
            value = matrix(name, value, (post.size_in, pre.size_out), rng, self)
            setattr(self, name, self._trained(pre, post, value, synapse))

        if hidden_bias is not None:
            if not isinstance(hidden_bias, nengo.dists.Distribution):
                with validated(self):
                    hidden_bias = finite_array("hidden_bias", hidden_bias)
                if hidden_bias.ndim == 0:
                    hidden_bias = np.full(self.units, hidden_bias)
                if hidden_bias.ndim == 1:
                    hidden_bias = hidden_bias[:, np.newaxis]
            value = matrix("hidden_bias", hidden_bias, (self.units, 1), rng, self)
            constant = nengo.Node([1.0], label="one")
            self.hidden_bias = self._trained(
                constant, neurons, value, None, BiasConnection
            )

    def _trained(self, pre, post, transform, synapse, cls=nengo.Connection):
        conn = cls(pre, post, transform=transform, synapse=synapse)
        self.config[conn].trainable = True
        return conn


@Builder.register(LMU)
def build_lmu(model, lmu, *args, **kwargs):
    """Build an `LMU` as any network, but its hidden units draw their own numbers."""
    build_network(model, lmu, *args, **kwargs)
    if lmu.hidden is not None:
        set_apart(model, lmu.hidden.neurons)
    warn_of_growth(lmu)
