"""The Legendre memory: a window of the input, held by spiking neurons."""

from dataclasses import replace

import nengo
import numpy as np
from nengo.exceptions import ValidationError
from nengo.params import BoolParam, Default

from nengo_lmu.legendre import (
    best_tau,
    discretize,
    input_statistics,
    principle3,
    readout,
    state_space,
)
from nengo_lmu.legendre.checks import finite_array, one_of, positive, whole
from nengo_lmu.legendre.planner import quietest
from nengo_lmu.legendre.statistics import sampled_input
from nengo_lmu.legendre.system import METHODS
from nengo_lmu.networks.arguments import (
    checked_neuron_type,
    configured,
    lowpass,
    random_state,
    validated,
)
from nengo_lmu.networks.objects import InputNode
from nengo_lmu.networks.population_objects import (
    PopulationConnection,
    PopulationEncoders,
    PopulationEnsemble,
    PopulationTransform,
)
from nengo_lmu.networks.populations import (
    GIVEN_BY_GAIN,
    is_linear,
    make_populations,
    mean_max_rate,
    spiking,
)

POISSON = nengo.PoissonSpiking(nengo.RectifiedLinear())


class LegendreMemory(nengo.Network):
    """A memory of the last ``theta`` seconds of its input.

    The state ``m`` holds ``d`` Legendre coefficients of the window for each input
    dimension and follows ``dm/dt = A m + B u`` ([1]_, equation 1). It lives in one
    ensemble of recurrently connected neurons, some for each dimension of the state, or
    in no neurons at all (``n_neurons=0``, the ideal memory).

    Parameters
    ----------
    theta : float
        Length of the window (seconds).
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
        The sign of each neuron, by default half on (+1) and half off (-1).
    synapse : nengo.Lowpass or float
        Of the recurrent connection and the input (time constant in seconds), by default
        `nengo_lmu.legendre.best_tau`, about ``0.4 theta``. A shorter one is noisier.
    dt : float
        Time step (seconds) that the simulator will have. The mapping is exact for it,
        and building the network with another one raises a BuildError.
    discretization : {"zoh", "euler"}
        Zero-order hold, or Euler's method (always used where theta is trainable).
    input_range : float, nengo.Process or array_like
        What input to expect: its largest absolute value, for which white noise of a
        third of it in rms is taken as typical; a process; or a sample, ``(n_steps,)``
        or ``(n_steps, size_in)`` at ``dt``. The neurons' ranges, the basis and the
        split of neurons over dimensions are chosen for it; other inputs work too, with
        more noise. On Loihi, what is larger than expected is cut off.
    realization : {"balanced", "principal", "legendre"} or (d, d) array_like
        The basis in which neurons represent the state: the quietest of all
        (`nengo_lmu.legendre.basis`), principal components of the typical states,
        Legendre coefficients, or the columns of a matrix.
    trainable_theta : bool
        Make ``1 / theta`` one trainable scalar.
    label, seed, add_to_container
        As for `nengo.Network`.

    Attributes
    ----------
    input : nengo.Node
        The signal to remember, of ``size_in`` dimensions.
    output : nengo.Node
        The state ``m``, of ``size_in * d`` dimensions, row-major from shape
        ``(size_in, d)``, in true units whatever the neurons' basis.
    ensembles : list of nengo.Ensemble
        The neurons; empty for an ideal memory.
    populations : nengo_lmu.networks.populations.Populations or None
        Tuning curves and decoders, and which neurons represent which dimension.
    realization : nengo_lmu.legendre.Realization or None
        The neurons' coordinates.
    noise_covariance : (d, d) ndarray or None
        Of the error of each input dimension's state, as the theory predicts it for the
        expected input; for neurons that it does not cover, as if they were Poisson.

    Raises
    ------
    nengo.exceptions.ValidationError
        For an argument out of range, naming it, its value and the remedy.

    Notes
    -----
    The configured defaults of `nengo.Ensemble` (``neuron_type``, ``max_rates``,
    ``intercepts``, ``encoders``) take the place of ours, and arguments take the place
    of both. With neurons, the state is one time step behind that of the ideal memory:
    the synapse takes one.

    References
    ----------
    .. [1] Voelker, A. R., Kajić, I., & Eliasmith, C. (2019). Legendre Memory Units.
    """

    def __init__(
        self,
        theta,
        d,
        size_in=1,
        n_neurons=None,
        neuron_type=Default,
        max_rates=Default,
        intercepts=Default,
        encoders=Default,
        synapse=None,
        dt=0.001,
        discretization="zoh",
        input_range=1.0,
        realization="balanced",
        trainable_theta=False,
        label=None,
        seed=None,
        add_to_container=None,
    ):
        rng = random_state(seed)
        super().__init__(label=label, seed=seed, add_to_container=add_to_container)
        with validated(self, method="discretization"):
            self._initial_theta = positive("theta", theta, "of seconds")
            self.d = whole("d", d, 1)
            self.size_in = whole("size_in", size_in, 1)
            self.dt = positive("dt", dt, "of seconds")
            self.discretization = one_of("discretization", discretization, METHODS)
            if n_neurons is not None:
                n_neurons = whole("n_neurons", n_neurons, 0)
            if trainable_theta:
                self.discretization = "euler"
            self._system = state_space(theta, d)
            # refuses Euler where it is unstable
            discretize(*self._system, self.dt, method=self.discretization)
        self.trainable_theta = bool(trainable_theta)
        set_untrainable(self)

        with self:

            def choose(name, value, recipe=None):
                return configured(name, recipe) if value is Default else value

            self.neuron_type = choose("neuron_type", neuron_type, POISSON)
            checked_neuron_type("neuron_type", self.neuron_type, self)
            max_rates = choose("max_rates", max_rates)
            intercepts = choose("intercepts", intercepts)
            encoders = choose("encoders", encoders)

            radius, expected = self._expected_input(input_range)
            self.input = InputNode(self.size_in, self.dt, radius, label="input")

            ideal = n_neurons == 0 or isinstance(self.neuron_type, nengo.Direct)
            if ideal:
                self.synapse = None
                self.realization = self.populations = self.noise_covariance = None
                self._estimator = None
                self._build_ideal()
            else:
                if n_neurons is None:
                    n_neurons = 100 * self.size_state
                with validated(self, input="input_range"):
                    statistics = input_statistics(theta, d, expected, self.dt)
                if synapse is None:
                    synapse = best_tau(
                        theta, d, self.dt, statistics, self.discretization
                    )
                self.synapse = lowpass("synapse", synapse, self)
                counts = self._design(n_neurons, statistics, realization, max_rates)
                self.populations = make_populations(
                    counts,
                    self.neuron_type,
                    max_rates=max_rates,
                    intercepts=intercepts,
                    encoders=encoders,
                    rng=rng,
                )
                self._build_spiking()

    # --- what the user can ask for

    @property
    def theta(self):
        """(float) Length of the window in seconds; after training, the learned one."""
        if not self.trainable_theta:
            return self._initial_theta
        return 1.0 / float(np.ravel(self._inverse_theta.transform.init)[0])

    @property
    def size_state(self):
        """(int) Dimensions of the state, ``size_in * d``."""
        return self.size_in * self.d

    def decode(self, points, denoise=False):
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
        if denoise and self._estimator is not None:
            D = D @ self._estimator
        return np.kron(np.eye(self.size_in), D)

    def add_window(
        self, points, function=None, size_out=None, denoise=False, label=None
    ):
        """Add a node with the input at some points of the window.

        Parameters
        ----------
        points : float or (n_points,) array_like
            Relative to the window: 0 is now, 1 is ``theta`` ago.
        function : callable, optional
            Of the ``(size_in * n_points,)`` values; the node then gives what it
            returns.
        size_out : int, optional
            Size of what the function returns, where calling it to find out is costly.
        denoise : bool
            As for `decode`.
        label : str, optional

        Returns
        -------
        node : nengo.Node
            Of ``size_in * n_points`` dimensions, row-major from shape
            ``(size_in, n_points)``, or of the size that the function returns.
        """
        D = self.decode(points, denoise=denoise)
        if function is not None and not callable(function):
            raise ValidationError(
                f"must be callable, but {function!r} was given; give a function of the "
                f"{len(D)} values of the window",
                attr="function",
                obj=self,
            )
        label = "window" if label is None else label
        with self:
            if function is None:
                node = nengo.Node(size_in=len(D), label=label)
            else:
                node = nengo.Node(
                    lambda t, window: function(window),
                    size_in=len(D),
                    size_out=size_out,
                    label=label,
                )
            nengo.Connection(self.output, node, transform=D, synapse=None)
        return node

    def add_feedback(self):
        """Add a node whose value is added to the remembered signal a step later.

        For signals that come from the network itself, such as ``e_h h + e_m m`` in
        the Legendre Memory Unit: on neuromorphic hardware they stay on the chip, where
        `input` comes from the host.

        Returns
        -------
        node : nengo.Node
            Of ``size_in`` dimensions.
        """
        with self:
            node = nengo.Node(size_in=self.size_in, label="feedback")
            self._connect(node, self._entry, self._drive, self._entry_synapse)
        return node

    @property
    def decoded(self):
        """(nengo.Node) The state as the neurons' spikes of this very step tell it.

        In true units and unfiltered: what recurrent connections start from, since they
        are filtered where they end. The ideal memory has no other state than `output`.
        """
        if self._decoded is None:
            with self:
                self._decoded = nengo.Node(size_in=self.size_state, label="decoded")
                self._connect(self._spikes, self._decoded, self.realization.T, None)
        return self._decoded

    # --- how it is made

    def _expected_input(self, input_range):
        """Return the largest value of the input, and a range or sample of it."""
        if isinstance(input_range, nengo.Process):
            expected = sampled_input(self._initial_theta, input_range, dt=self.dt)
        elif np.ndim(input_range) == 0:
            with validated(self):
                radius = positive("input_range", input_range)
            return radius, radius
        else:
            expected = input_range
        with validated(self):
            expected = finite_array("input_range", expected, ndim=(1, 2))
        if not np.any(expected):
            raise ValidationError(
                "is zero throughout; give a sample of a real input, or its largest "
                "absolute value",
                attr="input_range",
                obj=self,
            )
        if expected.ndim == 2 and expected.shape[1] not in (1, self.size_in):
            raise ValidationError(
                f"must have {self.size_in} columns, one for each input dimension, but "
                f"its shape is {expected.shape}",
                attr="input_range",
                obj=self,
            )
        return float(np.abs(expected).max()), expected

    def _design(self, n_neurons, statistics, realization, max_rates):
        """Choose the realization and return the neurons in each state dimension."""
        least = 2 * self.size_state
        if n_neurons < least:
            raise ValidationError(
                f"must be at least {least}, an on and an off neuron for each of the "
                f"{self.size_state} state dimensions, but {n_neurons} was given; use "
                "more neurons, a smaller d, or 0 for an ideal memory",
                attr="n_neurons",
                obj=self,
            )
        with validated(self):
            populations, counts = quietest(
                self._initial_theta,
                self.d,
                n_neurons // self.size_in,
                self.synapse.tau,
                mean_max_rate(max_rates),
                self.dt,
                statistics,
                realization,
                self.discretization,
                spiking(self.neuron_type) or "poisson",
            )
        self.realization = populations.realization
        if not is_linear(self.neuron_type):
            # they may saturate: decoders are solved for more than the typical range
            self.realization = replace(self.realization, T=1.3 * self.realization.T)
        self.noise_covariance = populations.covariance(counts)
        self._estimator = populations.estimator(self.noise_covariance)
        # the same split for each input dimension; the first few get what is over
        over = n_neurons - self.size_in * counts.sum()
        counts = np.tile(counts, self.size_in)
        counts[np.argsort(-counts, kind="stable")[:over]] += 1
        return counts

    def _connect(self, pre, post, block, synapse):
        """Connect with the same ``block`` for each input dimension."""
        nengo.Connection(
            pre,
            post,
            transform=np.kron(np.eye(self.size_in), block),
            synapse=synapse,
        )

    def _build_ideal(self):
        self.output = nengo.Node(size_in=self.size_state, label="state")
        self._state = self._spikes = self._decoded = self.output
        if self.trainable_theta:
            A, B = state_space(1.0, self.d)
            self._build_slope(self.dt * A, self.dt * B, delay=0)
        else:
            A_bar, B_bar = discretize(
                *self._system, self.dt, method=self.discretization
            )
            # by increments, since single precision rounds those less
            self._build_slope(A_bar - np.eye(self.d), B_bar, delay=0)

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
            **GIVEN_BY_GAIN,
            radius=1.0,
            eval_points=nengo.dists.Uniform(-1, 1),
            n_eval_points=1000,
            label="neurons",
        )
        # neurons -> spikes -> state -> neurons, in the neurons' own coordinates
        self._spikes = nengo.Node(size_in=n_dims, label="spikes")
        self._state = nengo.Node(size_in=n_dims, label="state")
        self.output = nengo.Node(size_in=n_dims, label="output")
        self._decoded = None
        PopulationConnection(
            ensemble.neurons,
            self._spikes,
            transform=PopulationTransform(p.counts, p.weights, encodes=False),
            synapse=None,
        )
        PopulationConnection(
            self._state,
            ensemble.neurons,
            transform=PopulationTransform(p.counts, p.signs, encodes=True),
            synapse=None,
        )
        self._connect(self._state, self.output, self.realization.T, None)
        if self.trainable_theta:
            A, B = self.realization.to_neurons(*state_space(1.0, self.d))
            scale = self.dt / -np.expm1(-self.dt / self.synapse.tau)
            self._build_slope(scale * A, scale * B, delay=self.synapse)
        else:
            A_h, B_h = principle3(
                *self._system, self.synapse, self.dt, method=self.discretization
            )
            A_h, self._drive = self.realization.to_neurons(A_h, B_h)
            # the input passes the same synapse as the recurrent connection, so one
            # filter does for both
            self._entry = nengo.Node(size_in=n_dims, label="drive")
            self._entry_synapse = None
            self._connect(self._spikes, self._entry, A_h, None)
            self._connect(self.input, self._entry, self._drive, None)
            nengo.Connection(self._entry, self._state, synapse=self.synapse)

    def _build_slope(self, A, B, delay):
        """Connect ``m[t] = m[t-1] + s[t]`` with ``s[t] = A m[t-1] + B u[t]``.

        Where theta is trainable, ``A`` and ``B`` are those of a window of one second,
        and ``s`` is multiplied by ``1 / theta``, one scalar, in Euler's method. With
        neurons, Principle 3 makes ``dt`` into ``dt / (1 - a)`` and passes both terms
        through the synapse.
        """
        self._drive = B
        self._slope = nengo.Node(size_in=self.size_state, label="slope")
        # synapse=0 is a delay of one step. An ideal state is delayed on its way into
        # the slope, the input is not; spikes are delayed behind it, by the synapse.
        within, across = (0, None) if delay == 0 else (None, delay)
        self._connect(self._spikes, self._slope, A, within)
        self._connect(self.input, self._slope, B, None)
        nengo.Connection(self._spikes, self._state, synapse=delay)
        last = nengo.Connection(self._slope, self._state, synapse=across)
        # what comes from the network itself is of the step before, like the state
        self._entry, self._entry_synapse = self._slope, within
        if self.trainable_theta:
            last.transform = 1 / self._initial_theta
            self._inverse_theta = last
            self.config[last].trainable = True


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
