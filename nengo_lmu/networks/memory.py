"""The Legendre memory: a window of the input, held by spiking neurons."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

import nengo
import numpy as np
from nengo.exceptions import ValidationError
from nengo.params import BoolParam, Default

from nengo_lmu.legendre import (
    ArgumentError,
    best_tau,
    discretize,
    forgetting_time,
    input_statistics,
    principle3,
    readout,
    state_space,
)
from nengo_lmu.legendre.checks import (
    LARGEST_SQUARE,
    MOST_DIMENSIONS,
    finite_array,
    flag,
    not_negative,
    one_of,
    order,
    positive,
    shown,
    whole,
    window,
)
from nengo_lmu.legendre.feedback import checked_gain, feedback_steps, largest_gain
from nengo_lmu.legendre.realization import checked_kind
from nengo_lmu.legendre.regression import examples
from nengo_lmu.legendre.speed import checked_speed
from nengo_lmu.legendre.statistics import (
    TYPICAL_RMS,
    StateStatistics,
    checked_sample,
    expected_range,
    sampled_input,
)
from nengo_lmu.legendre.system import METHODS
from nengo_lmu.networks.arguments import (
    all_or_nothing,
    checked_neuron_type,
    configured,
    is_true,
    lowpass,
    named,
    nengos_defaults,
    random_state,
    validated,
)
from nengo_lmu.networks.design import Design, make_design
from nengo_lmu.networks.learning import add_learned_readout
from nengo_lmu.networks.objects import Gate, GuardedNode, InputNode
from nengo_lmu.networks.population_objects import (
    PopulationConnection,
    PopulationEncoders,
    PopulationEnsemble,
    PopulationTransform,
)
from nengo_lmu.networks.populations import one_hot, tuning
from nengo_lmu.networks.readout import (
    Reading,
    checked_synapse,
    fit_readout,
    typical_examples,
)
from nengo_lmu.networks.units import MOST_NEURONS as MOST_UNITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from nengo_lmu.legendre.noise import PredictedError
    from nengo_lmu.legendre.realization import Realization
    from nengo_lmu.legendre.types import Array, ArrayLike, Input, Kind, Method
    from nengo_lmu.networks.learning import LearnedReadout
    from nengo_lmu.networks.populations import Populations
    from nengo_lmu.networks.readout import Readout


# An array of their values takes nearly a gigabyte, and there are many.
MOST_NEURONS = 10**8

POISSON = nengo.PoissonSpiking(nengo.RectifiedLinear())


@dataclass(frozen=True)
class WindowFunction:
    """A function of the window as the output of a node, which can be pickled."""

    function: Callable

    def __call__(self, t, window):
        """Return what the function gives."""
        return self.function(window)


@dataclass(frozen=True)
class Parts:
    """What a spiking memory is made of, for backends that build it in their own way.

    Attributes
    ----------
    state, spikes : nengo.Node
        What the neurons are given and what they say, in their own coordinates. The
        state is what passes the synapse: of the entry and, where theta is trainable, of
        the spikes too.
    entry : nengo.Node
        Where all that is remembered comes together before the synapse.
    fed_back : tuple of nengo.Node
        By which the network adds to the remembered signal (`add_feedback`).
    arriving : nengo.Node or None
        With a reset, where all comes together that passes the synapse into the state.
    clearing : tuple of nengo.Node
        By which the reset takes from that what the synapse holds.
    """

    state: nengo.Node
    spikes: nengo.Node
    entry: nengo.Node
    fed_back: tuple
    arriving: nengo.Node | None
    clearing: tuple


class LegendreMemory(nengo.Network):
    """A memory of the last ``theta`` seconds of its input.

    The state ``m`` holds ``d`` Legendre coefficients of the window for each input
    dimension and follows ``dm/dt = A m + B u`` ([1]_, equation 1). It lives in one
    ensemble of recurrently connected neurons, some for each dimension of the state, or
    in no neurons at all (``n_neurons=0``, the ideal memory).

    Parameters
    ----------
    theta : float
        Length of the window (seconds), a time step at least and 10^9 at most. Where it
        is trainable, it can be set later, too.
    d : int
        Order: the number of Legendre polynomials, and of state dimensions for each
        input dimension.
    size_in : int
        Dimensions of the input; each has a memory of its own.
    n_neurons : int
        All neurons of the memory; by default 100 for each state dimension. 0 makes an
        ideal memory, exact and without neurons.
    neuron_type : nengo.neurons.NeuronType
        By default Poisson neurons with a rectified linear rate. `nengo.Direct` is the
        same as ``n_neurons=0``.
    max_rates : Distribution or (n_neurons,) array_like
        Rates at the edge of each dimension's range (hertz), by default 200 to 240.
    intercepts : Distribution or (n_neurons,) array_like
        By default 0 for rectified linear neurons, spread over the range for others.
    encoders : Distribution or (n_neurons,) array_like
        The sign of each neuron, by default half on (+1) and half off (-1). Random signs
        are drawn so that each dimension has both; neurons of one sign are refused where
        they cannot represent the other half of the range, as all that rectify.
    synapse : nengo.Lowpass or float
        Of the recurrent connection and the input (time constant in seconds), by default
        `nengo_lmu.legendre.best_tau`, about ``0.4 theta``. A shorter one is noisier.
    dt : float
        Time step (seconds) that the simulator will have. The mapping is exact for it,
        and building the network with another one raises a BuildError.
    discretization : {"zoh", "euler"}
        Zero-order hold, or Euler's method (always used where theta is trainable).
    input_range : float, (min, max), nengo.Process, array_like or StateStatistics
        What input to expect: its largest absolute value, for which white noise of a
        third of it in rms is taken as typical; a pair of numbers for all input
        dimensions, for white noise around their middle; a process; or a sample,
        ``(n_steps,)`` or ``(n_steps, size_in)`` at ``dt``, at least as long as the
        window; or `nengo_lmu.legendre.StateStatistics`, as of white noise up to some
        frequency. The neurons' ranges, the basis and the
        split of neurons over dimensions are chosen for it. Rectified linear neurons,
        spiking or not, remember larger inputs too, with more noise; all others saturate
        beyond their ranges (see Notes). On Loihi, what is larger than expected is cut
        off.
    realization : {"balanced", "principal", "legendre"} or (d, d) array_like
        The basis in which neurons represent the state: the quietest of all
        (`nengo_lmu.legendre.basis`), principal components of the typical states,
        Legendre coefficients, or the columns of a matrix.
    trainable_theta : bool
        Make the initial `theta` over the present one, a number without a unit that is 1
        to begin with, one trainable scalar.
    label, seed, add_to_container
        As for `nengo.Network`.
    error_feedback : float, optional
        Gain with which the neurons hear their own error, which is what they should have
        said less what their spikes did say, to take it back in the next step
        (`nengo_lmu.legendre.feedback`). Below about 2; 0 for neurons that do not hear
        it. By default what the theory says (`nengo_lmu.legendre.best_error_feedback`),
        for neurons that answer as late as these, and less for neurons whose intercepts
        leave a dead zone: beyond it they say what changes several times as much.
    feedback_delay : float
        How long the feedback takes besides the time step of the synapse (seconds, of
        which a whole number of time steps is made).
    largest_speed : float, optional
        Make a node `speed`, and the largest value that it will have. At a speed of
        ``g``, time passes ``g`` times as fast for the memory, ``dm/dt = g (A m + B u)``
        (`nengo_lmu.legendre.speed`). With a trainable theta, whether it is stable is
        checked for the first one.
    reset : bool
        Make a node `reset`, which clears the state.

    Attributes
    ----------
    input : nengo.Node
        The signal to remember, of ``size_in`` dimensions.
    output : nengo.Node
        The state ``m``, of ``size_in * d`` dimensions, row-major from shape
        ``(size_in, d)``, in true units whatever the neurons' basis. With neurons, it is
        what their spikes and the input add up to behind the synapse. So it is not 0
        where something from outside silences them: the input's own part remains, which
        is large and not a state of any window. `decoded` then is 0.
    ensembles : list of nengo.Ensemble
        The neurons; empty for an ideal memory. Silencing them does not silence
        `output` (see there).
    expected_input : tuple
        What input to expect, ``(min, max)`` or a sample, and its time step (seconds).
    speed : nengo.Node or None
        The speed ``g``, from 0 to ``largest_speed``: 1 as made, 0 to hold the state
        as it is. Something has to be connected to it.
    reset : nengo.Node or None
        How much of the state is cleared in this step, from 0 to 1: ``m[t] = (1 - r)
        (A_bar m[t-1] + B_bar u[t])``. What neurons remember of their errors is cleared
        with it. On Loihi it has to be held for 80 time steps.

    Raises
    ------
    nengo.exceptions.ValidationError
        For an argument out of range, naming it, its value and the remedy.

    Notes
    -----
    The configured defaults of `nengo.Ensemble` (``neuron_type``, ``max_rates``,
    ``intercepts``, ``encoders``) take the place of ours, and arguments take the place
    of both. No other configured default changes the memory; what you make yourself
    ``with memory:`` has all of yours.

    With neurons, the state is one time step behind that of the ideal memory:
    the synapse takes one.

    Neurons that saturate (LIF, AdaptiveLIF, Sigmoid and Tanh, and Poisson or stochastic
    neurons with such rates) represent inputs as expected, and hardly more: 600 LIF
    neurons with ``d=6`` have a window error of 1 % for these, 5 % for inputs twice as
    large and 40 % for four times; what is ten times as large is lost. Rectified linear
    ones, the default among them, fire faster instead, and have less than 1 % at ten
    times. On Loihi every neuron ends at a spike a step.

    Loihi has no way to let neurons hear their error. The same network runs there
    without, about as it would with ``error_feedback=0``.

    What a memory cannot work with while it runs, such as NaN in `input` or a speed out
    of range, ends the simulation with a SimulationError. NengoDL gives NaN instead.

    References
    ----------
    .. [1] Voelker, A. R., Kajić, I., & Eliasmith, C. (2019). Legendre Memory Units.

    Examples
    --------
    >>> import nengo
    >>> from nengo_lmu import LegendreMemory
    >>> with nengo.Network(seed=0) as net:
    ...     memory = LegendreMemory(theta=1.0, d=6, n_neurons=600)
    >>> round(memory.predicted_error.window, 4), memory.decode([0.0, 1.0]).shape
    (0.0023, (2, 6))
    """

    @all_or_nothing
    def __init__(
        self,
        theta: float,
        d: int,
        size_in: int = 1,
        n_neurons: int | None = None,
        neuron_type: Any = Default,
        max_rates: Any = Default,
        intercepts: Any = Default,
        encoders: Any = Default,
        synapse: Any = None,
        dt: float = 0.001,
        discretization: Method = "zoh",
        input_range: Input | StateStatistics = 1.0,
        realization: Kind = "balanced",
        trainable_theta: bool = False,
        label: str | None = None,
        seed: int | None = None,
        add_to_container: bool | None = None,
        *,
        error_feedback: float | None = None,
        feedback_delay: float = 0.0,
        largest_speed: float | None = None,
        reset: bool = False,
    ) -> None:
        rng = random_state(seed, self)
        super().__init__(label=label, seed=seed, add_to_container=add_to_container)
        with validated(self, method="discretization"):
            self.initial_theta, self.dt = window(theta, dt)
            self.d = order(d)
            self.size_in = whole("size_in", size_in, 1, MOST_DIMENSIONS // self.d)
            self.discretization = one_of("discretization", discretization, METHODS)
            if n_neurons is not None:
                n_neurons = whole("n_neurons", n_neurons, 0, MOST_NEURONS)
            self.trainable_theta = flag("trainable_theta", trainable_theta)
            checked_kind("realization", realization, self.d)
            if trainable_theta:
                self.discretization = "euler"
            self._system = state_space(self.initial_theta, self.d)
            # Euler's method is refused where it is unstable.
            A_bar, _ = discretize(*self._system, self.dt, method=self.discretization)
            delay = feedback_steps("feedback_delay", feedback_delay, self.d, self.dt)
            self.feedback_delay = delay * self.dt
            if error_feedback is not None:
                bound = largest_gain(A_bar, delay)
                error_feedback = checked_gain(error_feedback, bound, delay)
            if largest_speed is not None:
                largest_speed = checked_speed(largest_speed, A_bar)
            reset = flag("reset", reset)
        set_untrainable(self)
        self._decoded: nengo.Node | None = None
        self._in_coordinates: dict[nengo.Node, Any] = {}
        self._feedback: list[nengo.Node] = []
        self._fed_back: list[nengo.Node] = []
        self._arriving: nengo.Node | None = None
        self._clearing: list[nengo.Node] = []

        def choose(name, value, recipe=None):
            return configured(name, recipe) if value is Default else value

        self.neuron_type = choose("neuron_type", neuron_type, POISSON)
        checked_neuron_type("neuron_type", self.neuron_type, self)
        max_rates = choose("max_rates", max_rates)
        intercepts = choose("intercepts", intercepts)
        encoders = choose("encoders", encoders)
        if synapse is not None:
            synapse = lowpass("synapse", synapse, self.dt, self)

        with self, nengos_defaults():
            radius, expected, expected_dt = self._expected_input(input_range)
            self.expected_input = expected, expected_dt
            owner = self.label or "LegendreMemory"
            self.input = InputNode(self.size_in, self.dt, radius, "input", owner)
            self.speed = self.reset = None
            if largest_speed is not None:
                self.speed = self._guarded(
                    1, "speed", low=0.0, high=largest_speed, needed=True
                )
            if reset:
                self.reset = self._guarded(1, "reset", low=0.0, high=1.0)

            ideal = n_neurons == 0 or isinstance(self.neuron_type, nengo.Direct)
            if ideal:
                curves = dict(
                    max_rates=max_rates, intercepts=intercepts, encoders=encoders
                )
                for name, value in curves.items():
                    if value is not None:
                        tuning(name, value)
                self.synapse: Any = None
                self._design = Design()
                self._build_ideal()
            else:
                if n_neurons is None:
                    n_neurons = 100 * self.size_state
                statistics = self.statistics
                if synapse is None:
                    tau = best_tau(
                        self.initial_theta,
                        self.d,
                        self.dt,
                        statistics,
                        self.discretization,
                    )
                    synapse = nengo.Lowpass(tau)
                self.synapse = synapse
                self._make_design = partial(
                    make_design,
                    self,
                    n_neurons,
                    statistics,
                    realization,
                    max_rates=max_rates,
                    intercepts=intercepts,
                    encoders=encoders,
                    feedback_delay=self.feedback_delay,
                    random_state=rng.get_state(),
                )
                self._design = self._make_design(error_feedback=error_feedback)
                if largest_speed is not None:
                    with validated(self):
                        gain = self.error_feedback
                        checked_speed(largest_speed, A_bar, gain, delay)
                self._build_spiking()
                if self.error_feedback:
                    self._build_feedback(delay)

    # --- what the user can ask for

    def __str__(self):
        return repr(self)

    def __repr__(self):
        if not hasattr(self, "_design"):  # it is still being made
            return super().__repr__()
        return f"<{type(self).__name__}{named(self)}: {self.summary}>"

    @property
    def summary(self) -> str:
        """(str) What it is, in a line."""
        parts = [f"theta={self.theta:g} s", f"d={self.d}"]
        if self.size_in > 1:
            parts.append(f"{self.size_in} signals")
        if self.populations is None:
            return ", ".join([*parts, "ideal, without neurons"])
        parts += [
            f"{self.populations.counts.sum()} neurons ({self.neuron_type})",
            f"tau={self.synapse.tau:g} s",
        ]
        if self.predicted_error is not None:
            parts.append(f"predicted window error {self.predicted_error.window:.2g}")
        return ", ".join(parts)

    @property
    def theta(self) -> float:
        """(float) Length of the window in seconds; after training, the learned one."""
        if not self.trainable_theta:
            return self.initial_theta
        return self.initial_theta / float(np.ravel(self._pace.transform.init)[0])

    @theta.setter
    def theta(self, theta: float) -> None:
        if not self.trainable_theta:
            raise ValidationError(
                "cannot be changed, since the memory's matrices follow from it; make "
                "another memory, or this one with trainable_theta=True",
                attr="theta",
                obj=self,
            )
        with validated(self):
            theta, _ = window(theta, self.dt)
            A, B = state_space(theta, self.d)
            discretize(A, B, self.dt, method=self.discretization)
        self._pace.transform = self.initial_theta / theta

    @cached_property
    def statistics(self) -> StateStatistics:
        """(StateStatistics) Of the states that the expected input causes."""
        with validated(self, expected="input_range"):
            return input_statistics(self.initial_theta, self.d, *self.expected_input)

    @property
    def state_rms(self) -> Array:
        """((d,) ndarray) Root mean square of each coefficient of the state.

        For the expected input, in each input dimension. Coefficients of higher order
        are smaller by orders of magnitude for slow inputs: what is connected to
        `output` has to be scaled by this.
        """
        return np.sqrt(np.diag(self.statistics.covariance))

    @property
    def state_range(self) -> Array:
        """((d,) ndarray) Largest absolute value of each coefficient of the state.

        For the expected input: of the sample that was given, or 2.5 standard deviations
        of white noise, which seldom is beyond.
        """
        return self.statistics.span(np.eye(self.d))

    def forgetting_time(self, fraction: float = 0.01) -> float:
        """Return how long a blank of zero input has to be for the memory to forget.

        Parameters
        ----------
        fraction : float
            Of the expected input's window, that may be left.

        Returns
        -------
        time : float
            Seconds (`nengo_lmu.legendre.forgetting_time`). The neurons' noise is left
            besides.
        """
        with validated(self):
            return forgetting_time(self.theta, self.d, fraction, self.statistics)

    @property
    def realization(self) -> Realization | None:
        """(Realization or None) The neurons' coordinates; None for an ideal memory."""
        return self._design.realization

    @property
    def populations(self) -> Populations | None:
        """(Populations or None) Tuning curves and decoders, by state dimension."""
        return self._design.populations

    @property
    def error_feedback(self) -> float:
        """(float) Gain with which neurons hear their error; 0 for an ideal memory."""
        return self._design.error_feedback

    @property
    def max_rate(self) -> float | None:
        """(float) Mean rate of the neurons at the edge of their range (hertz)."""
        return self._design.max_rate

    @property
    def noise_covariance(self) -> Array | None:
        """((d, d) ndarray or None) Of the error of each input dimension's state.

        As the theory predicts it for the expected input; for neurons that it does not
        cover, as if they were Poisson. None for an ideal memory.
        """
        return self._design.noise_covariance

    def filtered_noise(self, synapse: Any = None, chip: bool = False) -> Array:
        """Return the covariance of the error of each input dimension's state, filtered.

        Parameters
        ----------
        synapse : nengo.Lowpass, optional
            Behind which the state is read; None for the state as it is.
        chip : bool
            Of the neurons that the memory has on Loihi, which do not hear their error
            and spike at most once a step.

        Returns
        -------
        covariance : (d, d) ndarray
            `noise_covariance` or, behind a synapse, less; zeros for an ideal memory.
        """
        if self.noise_covariance is None:
            return np.zeros((self.d, self.d))
        if chip:
            with self.redesigned(**self.chip_design):
                return self.filtered_noise(synapse)
        if synapse is None:
            return self.noise_covariance
        filtered: Any = self._design.filtered_noise  # callable, as it has neurons
        return filtered(synapse.tau)

    @property
    def chip_design(self) -> dict:
        """(dict) What is `redesigned` for Loihi.

        Neurons do not hear their error there, spike at most once a step, and are
        staggered if the option that `nengo_lmu.loihi.add_params` adds says so.
        """
        (ensemble,) = self.ensembles
        return {
            "error_feedback": 0.0,
            "largest_rate": 1 / self.dt,
            "staggered": bool(getattr(self.config[ensemble], "staggered", False)),
        }

    @property
    def predicted_error(self) -> PredictedError | None:
        """(PredictedError or None) Of the theory, where it covers the neurons.

        Relative to the rms of the expected input.
        """
        return self._design.predicted_error

    @property
    def is_as_designed(self) -> bool:
        """(bool) Whether neurons and connections are what the design makes of them.

        Not after something of them was trained or replaced.
        """
        return all(
            _same(getattr(obj, name), value)
            for obj, name, value in self._values(self._design)
        )

    @property
    def parts(self) -> Parts:
        """(Parts) What it is made of, for backends."""
        return Parts(
            self._state,
            self._spikes,
            self._entry,
            tuple(self._fed_back),
            self._arriving,
            tuple(self._clearing),
        )

    @property
    def size_state(self) -> int:
        """(int) Dimensions of the state, ``size_in * d``."""
        return self.size_in * self.d

    def decode(self, points: ArrayLike, denoise: bool = False) -> Array:
        """Return the matrix that reads the window out of the state.

        Parameters
        ----------
        points : float or (n_points,) array_like
            Relative to the window: 0 is now, 1 is ``theta`` ago.
        denoise : bool
            Give the best linear estimate for an input as expected, which makes smaller
            what hardly stands out from the neurons' noise, instead of one without bias
            for any input. The fewer neurons a dimension, the more there is to gain.

        Returns
        -------
        D : (size_in * n_points, size_in * d) ndarray
            Row-major from shape ``(size_in, n_points)``.
        """
        with validated(self):
            D = readout(self.d, points)
        denoise = is_true("denoise", denoise, self)
        if denoise and self._design.estimator is not None:
            D = D @ self._design.estimator
        return np.kron(np.eye(self.size_in), D)

    def add_window(
        self,
        points: ArrayLike,
        function: Callable[..., Any] | None = None,
        size_out: int | None = None,
        denoise: bool = False,
        label: str | None = None,
        n_neurons: int = 0,
        neuron_type: Any = None,
        synapse: Any = Default,
        chip: bool = False,
        seed: int = 0,
    ) -> nengo.Node:
        """Add a node with the input at some points of the window.

        Parameters
        ----------
        points : float or (n_points,) array_like
            Relative to the window: 0 is now, 1 is ``theta`` ago.
        function : callable, optional
            Of the ``(size_in * n_points,)`` values; the node then gives what it
            returns. It is computed in Python by the node itself, on the host of a
            chip, unless there are neurons for it.
        size_out : int, optional
            Size of what the function returns, where calling it to find out is costly.
        denoise : bool
            As for `decode`.
        label : str, optional
        n_neurons : int
            Neurons that compute the function, in place of the node. They see the state
            at these points, and are decoded for inputs as expected (``input_range``),
            as `fit_readout` does, for the noise of theirs and of the state. 0 for none.
        neuron_type : nengo.neurons.NeuronType, optional
            Of these, by default that of the memory.
        synapse : nengo.Lowpass, float or None
            Of the decoded function (time constant in seconds), by default
            ``theta / 20`` with neurons. They see the window at points that are later by
            as much, so that it is not late, but where a point is within that of now. A
            node has None.
        seed : int
            Of the neurons.

        Returns
        -------
        node : nengo.Node
            Of ``size_in * n_points`` dimensions, row-major from shape
            ``(size_in, n_points)``, or of the size that the function returns.

        Notes
        -----
        The neurons of `ensembles` cannot compute functions: each takes part in one
        coordinate, of a basis of its own. Building a connection that is to decode one
        from them raises a BuildError.

        Examples
        --------
        The product of what was half a second and a second ago, in neurons:

        >>> from nengo_lmu import LegendreMemory
        >>> with nengo.Network(seed=0) as net:
        ...     memory = LegendreMemory(theta=1.0, d=4, n_neurons=200)
        ...     product = memory.add_window([0.5, 1.0], np.prod, n_neurons=100)
        >>> product.size_out
        1
        """
        D = self.decode(points, denoise=denoise)
        if function is not None and not callable(function):
            raise ValidationError(
                f"must be callable, but {shown(function)} was given; give a "
                f"function of the {len(D)} values of the window",
                attr="function",
                obj=self,
            )
        n_neurons, neuron_type, synapse, seed = self._between(
            n_neurons, neuron_type, synapse, seed
        )
        if n_neurons and function is None:
            raise ValidationError(
                f"of {n_neurons} was given without a function, but the window itself "
                "is read out of the memory's own neurons; give a function, or 0",
                attr="n_neurons",
                obj=self,
            )
        label = "window" if label is None else label
        if n_neurons:
            points = np.ravel(points)
            given, dt = typical_examples(self, points, function)
            late = self.dt + (0.0 if synapse is None else synapse.tau)
            rows = self.decode(np.maximum(points - late / self.theta, 0))
            reading = Reading(self, synapse, dt, chip=is_true("chip", chip, self))
            return fit_readout(
                reading, given, n_neurons, neuron_type, seed, label, rows
            ).node
        with self, nengos_defaults():
            if function is None:
                node = nengo.Node(size_in=len(D), label=label)
            else:
                node = nengo.Node(
                    WindowFunction(function),
                    size_in=len(D),
                    size_out=size_out,
                    label=label,
                )
            nengo.Connection(self.output, node, transform=D, synapse=None)
        return node

    def fit_readout(
        self,
        u: ArrayLike | list[Array],
        target: ArrayLike | list[Array],
        mask: ArrayLike | None = None,
        washout: int = 0,
        steps: int = 1,
        synapse: Any = Default,
        n_neurons: int = 0,
        neuron_type: Any = None,
        input_noise: float = 0.0,
        noise_covariance: ArrayLike | None = None,
        chip: bool = False,
        seed: int = 0,
        label: str | None = None,
    ) -> Readout:
        """Fit a readout to data, for the noise that the theory expects, and add it.

        In closed form: ridge regression on the states of the ideal memory, as late as
        they are in this one, with the covariance of the noise as the regularizer
        (`nengo_lmu.legendre.regression`), which is the best for noise that is known.
        Nothing has to be tuned but what is read. The network is as with `add_window`,
        for all simulators.

        Parameters
        ----------
        u : array_like or list of ndarray
            ``(n_rows,)`` or ``(n_rows, size_in)`` for one sequence; ``(n, n_rows,
            size_in)`` for several, each of which begins at rest; or, for sequences of
            different lengths, a list of arrays of the former shapes.
        target : array_like or list of ndarray
            For one sequence, ``(n_rows,)`` or ``(n_rows, size_out)``. For several,
            ``(n, n_rows, size_out)``, or a list, for a target at each row; ``(n,)`` or
            ``(n, size_out)`` for one at the end of each sequence.
        mask : (n_rows,) or (n, n_rows) array_like of bool, optional
            Rows that count, for sequences that were made as long as others. The last
            that counts is the end of its sequence.
        washout : int
            Rows at the beginning of each sequence that have no target.
        steps : int
            How long each row is held (time steps). Targets are for the last of these.
        synapse : nengo.Lowpass, float or None
            Of the readout (time constant in seconds). The fit knows what it filters
            and how late it is. By default None, or ``theta / 20`` with neurons.
        n_neurons : int
            Neurons between the memory and the readout, for what is not a linear
            function of the state; 0 for none.
        neuron_type : nengo.neurons.NeuronType, optional
            Of these, by default that of the memory.
        input_noise : float
            Standard deviation of noise that each row of the input will have besides.
        noise_covariance : (size_state, size_state) array_like, optional
            Of the state's noise, such as was measured, instead of the theory's.
        chip : bool
            For the noise that there is on Loihi, which is larger: neurons do not hear
            their error there.
        seed : int
            Of the neurons between.
        label : str, optional

        Returns
        -------
        readout : Readout
            With the ``node``, and the ``predicted_error``.

        Raises
        ------
        nengo.exceptions.ValidationError
            For arrays that do not fit together, with their shapes.

        Examples
        --------
        >>> import numpy as np
        >>> from nengo_lmu import LegendreMemory
        >>> u = np.sin(np.arange(400) / 20)
        >>> with nengo.Network(seed=0) as net:
        ...     memory = LegendreMemory(theta=0.05, d=4, n_neurons=400, input_range=u)
        ...     readout = memory.fit_readout(u[:-5], u[5:], washout=100)
        >>> readout.node.size_out, bool(readout.predicted_error < 0.1)
        (1, True)
        """
        with validated(self):
            steps = whole("steps", steps, 1)
            input_noise = not_negative("input_noise", input_noise)
            given = examples(u, target, self.size_in, mask, washout)
            if noise_covariance is not None:
                noise_covariance = finite_array(
                    "noise_covariance",
                    noise_covariance,
                    shape=(self.size_state, self.size_state),
                    largest=LARGEST_SQUARE,
                )
        n_neurons, neuron_type, synapse, seed = self._between(
            n_neurons, neuron_type, synapse, seed
        )
        reading = Reading(
            self,
            synapse,
            self.dt,
            steps,
            input_noise,
            noise_covariance,
            is_true("chip", chip, self),
        )
        label = "readout" if label is None else label
        return fit_readout(reading, given, n_neurons, neuron_type, seed, label)

    def add_learned_readout(
        self,
        size_out: int = 1,
        points: ArrayLike | None = None,
        radius: float = 1.0,
        n_neurons: int = 200,
        neuron_type: Any = None,
        synapse: Any = Default,
        learning_rate: float | None = None,
        seed: int = 0,
        label: str | None = None,
    ) -> LearnedReadout:
        """Add a readout that is learned by PES while the memory runs.

        Of what a teacher shows at its `target` at the same time: what was in the input
        before, or what another signal is. The error is what it says less the target.

        Parameters
        ----------
        size_out : int
            Dimensions of what is learned.
        points : (n_points,) array_like, optional
            Of the window (0 is now, 1 is ``theta`` ago), where the function to learn is
            one of these, so that neurons see nothing else: it is learned faster. By
            default they see all of the state.
        radius : float
            Largest absolute value of the target. On Loihi, errors beyond 1.27 times it
            are cut off.
        n_neurons : int
            Between the memory and the readout.
        neuron_type : nengo.neurons.NeuronType, optional
            Of these, by default that of the memory.
        synapse : nengo.Lowpass or float
            Of the readout (time constant in seconds), by default ``theta / 20``.
        learning_rate : float, optional
            Of `nengo.PES`; by default the largest that does not overshoot
            (`nengo_lmu.networks.learning`). A lower one learns more slowly, and is less
            noisy in the end.
        seed : int
            Of the neurons.
        label : str, optional

        Returns
        -------
        readout : LearnedReadout
            With the nodes ``node``, ``target`` and ``error``.

        Raises
        ------
        nengo.exceptions.ValidationError
            For an argument out of range.

        Examples
        --------
        >>> from nengo_lmu import LegendreMemory
        >>> with nengo.Network(seed=0) as net:
        ...     teacher = nengo.Node([0.0])
        ...     memory = LegendreMemory(theta=0.1, d=4, n_neurons=200)
        ...     learned = memory.add_learned_readout(n_neurons=100)
        ...     connection = nengo.Connection(teacher, learned.target, synapse=None)
        >>> bool(0 < learned.learning_rate < learned.stable_below)
        True
        """
        with validated(self):
            size_out = whole("size_out", size_out, 1, MOST_UNITS)
            n_neurons = whole("n_neurons", n_neurons, 1, MOST_UNITS)
            radius = positive("radius", radius)
            if learning_rate is not None:
                learning_rate = positive("learning_rate", learning_rate)
        n_neurons, neuron_type, synapse, seed = self._between(
            n_neurons, neuron_type, synapse, seed
        )
        if synapse is None:
            raise ValidationError(
                "PES filters the activities as the readout is filtered, but None was "
                "given; give a time constant in seconds",
                attr="synapse",
                obj=self,
            )
        return add_learned_readout(
            self,
            size_out,
            points,
            radius,
            n_neurons,
            neuron_type,
            synapse,
            learning_rate,
            seed,
            "learned readout" if label is None else label,
        )

    def _between(self, n_neurons, neuron_type, synapse, seed):
        """Return what neurons there are between the memory and a readout, if any."""
        with validated(self):
            n_neurons = whole("n_neurons", n_neurons, 0, MOST_UNITS)
            seed = whole("seed", seed, 0, 2**32 - 1)
        if neuron_type is None:
            neuron_type = self.neuron_type
        checked_neuron_type("neuron_type", neuron_type, self)
        if synapse is Default:
            synapse = nengo.Lowpass(self.theta / 20) if n_neurons else None
        return n_neurons, neuron_type, checked_synapse(synapse, self), seed

    def add_feedback(self) -> nengo.Node:
        """Add a node whose value is added to the remembered signal a step later.

        For signals that come from the network itself, such as ``e_h h + e_m m`` in
        the Legendre Memory Unit. On Loihi they stay on the chip if they come from
        spikes without another synapse, as those of hidden units and of `decoded`;
        others are sent by the host, as `input` is.

        Returns
        -------
        node : nengo.Node
            Of ``size_in`` dimensions.
        """
        with self, nengos_defaults():
            node = self._guarded(self.size_in, "feedback", on_host=False)
            block, scale = self._drive
            synapse = self._entry_synapse
            self._connect(node, self._entry, block, synapse, "into", scale)
        self._fed_back.append(node)
        return node

    @property
    def decoded(self) -> nengo.Node:
        """(nengo.Node) The state as the neurons' spikes of this very step tell it.

        In true units and unfiltered: what recurrent connections start from, since they
        are filtered where they end. The ideal memory has no other state than `output`.
        """
        if self._decoded is None:
            with self, nengos_defaults():
                self._decoded = nengo.Node(size_in=self.size_state, label="decoded")
                eye = np.eye(self.d)
                self._connect(self._spikes, self._decoded, eye, None, "out of")
        return self._decoded

    # --- where neurons are others than elsewhere

    @contextmanager
    def redesigned(self, **changes: Any) -> Iterator[None]:
        """Be a memory of another design, while a backend builds it.

        What the feedback is made of is taken out without a gain of it. Neurons and
        connections become those of the other design; the state, which is in true units,
        means the same. If something of them is not as it was designed, such as what was
        trained, all of them stay as they are.

        Parameters
        ----------
        **changes
            Arguments of `nengo_lmu.networks.design.make_design`, such as
            ``error_feedback=0.0`` for neurons that cannot hear their error.
        """
        design = self._design
        kept = [
            (obj, name, getattr(obj, name)) for obj, name, _ in self._values(design)
        ]
        objects = {cls: list(members) for cls, members in self.objects.items()}
        gain = changes.get("error_feedback", design.error_feedback)
        if self.is_as_designed:
            self._design = self._make_design(**{"error_feedback": gain} | changes)
        else:
            self._design = replace(design, error_feedback=gain)
        try:
            if self.realization is not design.realization:
                for obj, name, value in self._values(self._design):
                    setattr(obj, name, value)
            if not gain:
                self.take_out(self._feedback)
            yield
        finally:
            self._design = design
            for obj, name, value in kept:
                setattr(obj, name, value)
            for cls, members in objects.items():
                self.objects[cls][:] = members

    def take_out(self, nodes: Iterable[nengo.Node]) -> None:
        """Take nodes and what is connected to them out, while it is `redesigned`."""
        self.nodes[:] = [node for node in self.nodes if node not in nodes]
        self.connections[:] = [
            connection
            for connection in self.connections
            if connection.pre_obj not in nodes and connection.post_obj not in nodes
        ]

    def _values(self, design):
        """Yield what a design makes of our neurons and connections.

        Yields
        ------
        obj : nengo.Ensemble or nengo.Connection
        name : str
            Of its attribute.
        value : object
        """
        p = design.populations
        if p is None:
            return
        (ensemble,) = self.ensembles
        yield ensemble, "encoders", PopulationEncoders(p.counts, p.signs)
        yield ensemble, "gain", p.gain
        yield ensemble, "bias", p.bias
        decoding = PopulationTransform(p.counts, p.weights, encodes=False)
        yield self._decoding, "transform", decoding
        encoding = PopulationTransform(p.counts, p.signs, encodes=True)
        yield self._encoding, "transform", encoding
        for connection, seen in self._in_coordinates.items():
            transform = nengo.Dense(
                (connection.size_out, connection.size_mid),
                init=self._seen(design.realization, *seen),
            )
            yield connection, "transform", transform

    # --- how it is made

    def _expected_input(self, input_range):
        """Return the input's largest value, a range or sample of it, and its dt."""
        expected, dt = input_range, self.dt
        if isinstance(expected, StateStatistics):
            return expected.input_rms / TYPICAL_RMS, expected, dt
        if isinstance(input_range, nengo.Process):
            expected, dt = sampled_input(self.initial_theta, input_range, dt=dt)
        with validated(self):
            limits = expected_range("input_range", expected)
            if limits is not None:
                return float(np.abs(limits).max()), limits, dt
            expected = finite_array("input_range", expected, ndim=(1, 2))
            if expected.ndim == 2 and expected.shape[1] not in (1, self.size_in):
                raise ArgumentError(
                    "input_range",
                    f"must have {self.size_in} columns, one for each input dimension, "
                    f"but its shape is {expected.shape}; reshape it, or give one pair "
                    "(min, max) for all dimensions",
                )
            expected = checked_sample("input_range", expected, self.initial_theta, dt)
        return float(np.abs(expected).max()), expected, dt

    def _guarded(self, size, label, **options):
        return GuardedNode(size, label, self.label or "LegendreMemory", **options)

    def _next(self, following, state, post, synapse):
        """Connect to what becomes of a state, by as much as the speed says.

        Parameters
        ----------
        following : nengo.Node
            What becomes of it at a speed of 1.
        state, post : nengo.Node
        synapse : nengo.synapses.Synapse or None
        """
        if self.speed is None:
            nengo.Connection(following, post, synapse=synapse)
            return
        change = nengo.Node(size_in=self.size_state, label="change")
        nengo.Connection(following, change, synapse=None)
        nengo.Connection(state, change, transform=-1, synapse=None)
        nengo.Connection(state, post, synapse=synapse)
        nengo.Connection(self._at_speed(change), post, synapse=synapse)

    def _at_speed(self, change):
        """Return a node with a change of the state, times the speed if there is one."""
        return change if self.speed is None else self._times(self.speed, change)

    def _times(self, factor, signal):
        gate = Gate(self.size_state, f"{signal.label} times {factor.label}")
        nengo.Connection(factor, gate[0], synapse=None)
        nengo.Connection(signal, gate[1:], synapse=None)
        return gate

    def _in_front(self, state):
        """Return where all arrives that leads to a state, and the synapse to there.

        That is the memory's, and where there is a reset, it is behind the place.
        """
        if self.reset is None:
            return state, self.synapse
        arriving = nengo.Node(size_in=self.size_state, label="arriving")
        others = list(self.nodes)
        self._connect_clearable(arriving, state, self.synapse)
        self._arriving = arriving
        self._clearing = [node for node in self.nodes if node not in others]
        return arriving, None

    def _connect_clearable(self, pre, post, synapse):
        """Connect through a synapse that the reset, if there is one, clears.

        A low-pass filter that gives ``x`` now and gets ``y`` gives ``a x + (1 - a) y``
        next, and nothing if ``y + x a / (1 - a)`` is taken from what it gets.
        """
        if self.reset is not None:
            total = nengo.Node(size_in=self.size_state, label="total")
            nengo.Connection(pre, total, synapse=None)
            if synapse is not None and synapse.tau > 0:
                held = 1 / np.expm1(self.dt / synapse.tau)
                nengo.Connection(post, total, transform=held, synapse=None)
            left = nengo.Node(size_in=self.size_state, label="left")
            nengo.Connection(pre, left, synapse=None)
            cleared = self._times(self.reset, total)
            nengo.Connection(cleared, left, transform=-1, synapse=None)
            pre = left
        nengo.Connection(pre, post, synapse=synapse)

    def _connect(self, pre, post, block, synapse, place, scale=1.0):
        """Connect with the same matrix for each input dimension.

        Parameters
        ----------
        pre, post : nengo.Node
        block : (k, l) ndarray
            For states in true units.
        synapse : nengo.synapses.Synapse or None
        place : {"into", "out of", "within"}
            Where states come in, which neurons represent in coordinates of their own.
        scale : float
            Of the matrix.
        """
        seen = (block, place, scale)
        transform = self._seen(self.realization, *seen)
        connection = nengo.Connection(pre, post, transform=transform, synapse=synapse)
        if self.realization is not None:
            self._in_coordinates[connection] = seen

    def _seen(self, realization, block, place, scale):
        """Return the transform of a connection in the coordinates of neurons."""
        if realization is not None:
            block = realization.seen(block, place)
        return np.kron(np.eye(self.size_in), scale * block)

    def _build_ideal(self):
        self.output = nengo.Node(size_in=self.size_state, label="state")
        self._state = self._spikes = self._decoded = self.output
        if self.trainable_theta:
            self._build_slope(*self._system, self.dt)
        else:
            A_bar, B_bar = discretize(
                *self._system, self.dt, method=self.discretization
            )
            # The state grows by increments, which single precision rounds less.
            self._build_slope(A_bar - np.eye(self.d), B_bar, 1.0)

    def _build_spiking(self):
        n_dims = self.size_state
        p = self.populations
        ensemble = PopulationEnsemble(
            p.counts.sum(),
            n_dims,
            neuron_type=self.neuron_type,
            encoders=PopulationEncoders(p.counts, p.signs),
            normalize_encoders=False,
            gain=p.gain,
            bias=p.bias,
            radius=1.0,
            eval_points=nengo.dists.Uniform(-1, 1),
            n_eval_points=1000,
            label="neurons",
        )
        # Values go from neurons to spikes, to the state and back to the neurons, in the
        # neurons' own coordinates.
        self._spikes = nengo.Node(size_in=n_dims, label="spikes")
        self._state = nengo.Node(size_in=n_dims, label="state")
        self.output = nengo.Node(size_in=n_dims, label="output")
        self._decoded = None
        self._heard = self._state
        if self.error_feedback:
            self._heard = nengo.Node(size_in=n_dims, label="heard")
            nengo.Connection(self._state, self._heard, synapse=None)
        self._decoding = PopulationConnection(
            ensemble.neurons,
            self._spikes,
            transform=PopulationTransform(p.counts, p.weights, encodes=False),
            synapse=None,
        )
        self._encoding = PopulationConnection(
            self._heard,
            ensemble.neurons,
            transform=PopulationTransform(p.counts, p.signs, encodes=True),
            synapse=None,
        )
        self._connect(self._state, self.output, np.eye(self.d), None, "out of")
        if self.trainable_theta:
            scale = self.dt / -np.expm1(-self.dt / self.synapse.tau)
            self._build_slope(*self._system, scale)
        else:
            A_h, B_h = self._principle3()
            self._drive = B_h, 1.0
            # the input passes the same synapse as the recurrent connection, so one
            # filter does for both
            self._entry = nengo.Node(size_in=n_dims, label="drive")
            self._entry_synapse = None
            self._connect(self._spikes, self._entry, A_h, None, "within")
            self._connect(self.input, self._entry, B_h, None, "into")
            self._next(self._entry, self._spikes, *self._in_front(self._state))

    def _principle3(self):
        method = self.discretization
        return principle3(*self._system, self.synapse, self.dt, method=method)

    def _build_feedback(self, delay):
        """Let the neurons hear their error (`nengo_lmu.legendre.feedback`).

        ``f[t+1] = A_x f[t] + k (x - s)[t - delay]`` by Principle 3: what is to be
        remembered passes the memory's own synapse, of gain ``1 - a``. Nothing of it is
        trained; with a trained theta, errors are remembered as at the first one.
        """
        n_dims, tau = self.size_state, self.synapse.tau
        gain = self.error_feedback / -np.expm1(-self.dt / tau)
        A_h, _ = self._principle3()
        others = list(self.nodes)
        mistake = nengo.Node(size_in=n_dims, label="mistake")
        remembered = nengo.Node(size_in=n_dims, label="remembered mistakes")
        last = mistake
        for _ in range(delay):  # each node is a step late
            node = nengo.Node(size_in=n_dims, label="late mistake")
            self._connect_clearable(node, last, nengo.Lowpass(0))
            last = node
        nengo.Connection(self._state, last, transform=gain, synapse=None)
        nengo.Connection(self._spikes, last, transform=-gain, synapse=None)
        passed_on = mistake
        if self.speed is not None:
            passed_on = nengo.Node(size_in=n_dims, label="passed on")
            self._next(passed_on, remembered, mistake, None)
        self._connect(remembered, passed_on, A_h, None, "within")
        self._connect_clearable(mistake, remembered, self.synapse)
        self._feedback = [node for node in self.nodes if node not in others]
        nengo.Connection(remembered, self._heard, synapse=None)

    def _build_slope(self, A, B, scale):
        """Connect ``m[t] = m[t-1] + s[t]`` with ``s[t] = A m[t-1] + B u[t]``.

        With ``A`` and ``B`` for states in true units, times ``scale``. Where theta is
        trainable, they are those of the initial one in Euler's method, and ``s`` is
        multiplied by ``initial_theta / theta``, one scalar. It has no unit and begins
        at 1, so that a step of an optimizer changes it by as large a part as weights of
        order 1. With neurons, Principle 3 makes ``dt`` into ``dt / (1 - a)`` and passes
        both terms through the synapse.
        """
        self._drive = B, scale
        self._slope = nengo.Node(size_in=self.size_state, label="slope")
        # synapse=0 is a delay of one step. An ideal state is delayed on its way into
        # the slope, the input is not; spikes are delayed behind it, by the synapse.
        within = 0 if self.synapse is None else None
        self._connect(self._spikes, self._slope, A, within, "within", scale)
        self._connect(self.input, self._slope, B, None, "into", scale)
        arriving, synapse = self._in_front(self._state)
        delay = 0 if self.synapse is None else synapse
        nengo.Connection(self._spikes, arriving, synapse=delay)
        change = self._at_speed(self._slope)
        last = nengo.Connection(change, arriving, synapse=synapse)
        # what comes from the network itself is of the step before, like the state
        self._entry, self._entry_synapse = self._slope, within
        if self.trainable_theta:
            last.transform = 1.0
            self._pace = last
            self.config[last].trainable = True


def _same(value, designed):
    """Return whether a parameter is as designed, but for single precision."""
    value, designed = (
        one_hot(parameter.counts, parameter.values)
        if isinstance(parameter, PopulationEncoders)
        else np.asarray(getattr(parameter, "init", parameter))
        for parameter in (value, designed)
    )
    if value.shape != designed.shape:
        return False
    return np.allclose(value, designed, rtol=0, atol=1e-6 * np.abs(designed).max())


def set_untrainable(network):
    """Tell NengoDL not to train a network's parameters, unless asked to.

    NengoDL looks for a ``trainable`` parameter in the config of each network, so this
    needs no NengoDL, and a user may set it to True again.
    """
    for cls in (nengo.Ensemble, nengo.Connection, nengo.ensemble.Neurons):
        if cls not in network.config.params:
            network.config.configures(cls)
        network.config[cls].set_param(
            "trainable", BoolParam("trainable", default=False, optional=True)
        )
