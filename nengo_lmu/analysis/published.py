"""What others have built or measured, to compare our memory with."""

import nengo
import numpy as np

from nengo_lmu.legendre import principle3, state_space

# The neurons in all that was published have these, as `nengo_loihi.set_defaults` does.
MAX_RATES = nengo.dists.Uniform(100, 120)
INTERCEPTS = nengo.dists.Uniform(-1, 0.5)


def usual_memory(
    theta,
    d,
    n_neurons,
    synapse=0.1,
    neuron_type=None,
    max_rates=None,
    dt=0.001,
):
    """Make a memory as it is found in the literature.

    An ensemble array with as many neurons for each Legendre coefficient, all of
    radius 1, with intercepts spread from -1 to 0.5.

    Parameters
    ----------
    theta : float
        Length of the window (seconds).
    d : int
        Order of the memory.
    n_neurons : int
        All neurons; each dimension gets ``n_neurons // d`` of them.
    synapse : float
        Time constant of the recurrent low-pass synapse (seconds).
    neuron_type : nengo.neurons.NeuronType, optional
        By default Poisson neurons with a rectified linear rate.
    max_rates : nengo.dists.Distribution, optional
        Hertz; by default uniform from 100 to 120.
    dt : float
        Time step (seconds) that the simulator will have.

    Returns
    -------
    memory : nengo.Network
        With nodes ``input`` and ``output`` (the state, decoded and filtered, of ``d``
        dimensions).

    Raises
    ------
    nengo_lmu.legendre.ArgumentError
        For a ``theta``, ``d``, ``synapse`` or ``dt`` out of range.

    Examples
    --------
    >>> memory = usual_memory(theta=0.1, d=3, n_neurons=60)
    >>> memory.output.size_out, memory.n_neurons
    (3, 60)
    """
    A_h, B_h = principle3(*state_space(theta, d), synapse, dt)
    if neuron_type is None:
        neuron_type = nengo.PoissonSpiking(nengo.RectifiedLinear())
    with nengo.Network(label="usual memory") as memory:
        memory.input = nengo.Node(size_in=1, label="input")
        memory.output = nengo.Node(size_in=d, label="output")
        array = nengo.networks.EnsembleArray(
            n_neurons // d,
            d,
            radius=1.0,
            neuron_type=neuron_type,
            max_rates=MAX_RATES if max_rates is None else max_rates,
            intercepts=INTERCEPTS,
            n_eval_points=1000,  # Nengo's choice grows with the neurons
        )
        # The neurons are driven by what the filtered connections end in.
        nengo.Connection(array.output, array.input, transform=A_h, synapse=synapse)
        nengo.Connection(memory.input, array.input, transform=B_h, synapse=synapse)
        nengo.Connection(array.input, memory.output, synapse=None)
    return memory


def example_memory(theta, d, n_neurons, synapse=0.1, max_rates=None, dt=0.001):
    """Make a memory as NengoLoihi's documentation does [1]_.

    One ensemble for each Legendre coefficient, as in `usual_memory`, of deterministic
    neurons that start at rest. The recurrent connection is that of Principle 3 in
    continuous time, and NengoLoihi makes neurons on the chip that decode and encode it.
    The input is filtered on the host and, as NengoLoihi has it, on the chip once more.

    Parameters
    ----------
    theta, d, n_neurons, synapse, max_rates, dt
        As for `usual_memory`.

    Returns
    -------
    memory : nengo.Network
        With nodes ``input`` and ``output``.

    Notes
    -----
    The example connects through nodes, which NengoLoihi removes as it builds: what is
    left are the connections that are made here. Its output is read by an ensemble that
    learns; here it is what drives the neurons, from the same spikes.

    References
    ----------
    .. [1] https://www.nengo.ai/nengo-loihi/v1.1.0/examples/lmu.html

    Examples
    --------
    >>> len(example_memory(theta=0.1, d=3, n_neurons=60).all_ensembles)
    3
    """
    A, B = state_space(theta, d)
    return _array_on_chip(
        synapse * A + np.eye(d),
        synapse * B,
        n_neurons,
        synapse,
        max_rates,
        solver=nengo.solvers.LstsqL2(),
        input_synapse=synapse,
    )


def notebook_memory(
    theta, d, n_neurons, synapse=0.1, max_rates=None, dt=0.001, on_chip=True
):
    """Make the memory of [1]_ that its authors ran on Loihi [2]_.

    As `example_memory`, but with the mapping of discrete time, and from neuron to
    neuron: its authors changed the solver in NengoLoihi, of all connections between
    ensembles, to one for full weights.

    Parameters
    ----------
    theta, d, n_neurons, synapse, max_rates, dt
        As for `usual_memory`.
    on_chip : bool
        Whether it is for NengoLoihi, which then has to filter the input in the place of
        the connection: in its model, `nengo_loihi.builder.Model.decode_tau` has to be
        ``synapse``.

    Returns
    -------
    memory : nengo.Network
        With nodes ``input`` and ``output``.

    Notes
    -----
    It was made with Nengo 2.8 and NengoLoihi 0.7, and run on a board for 50 seconds of
    white noise; no error was published. It probes the decoded spikes; here the output
    is what drives the neurons, from the same spikes.

    References
    ----------
    .. [1] Voelker, A. R., Kajić, I., & Eliasmith, C. (2019). Legendre Memory Units.
    .. [2] https://github.com/nengo/keras-lmu, neuromorphic/loihi_lmu.ipynb in the
       history of the repository.

    Examples
    --------
    >>> len(notebook_memory(theta=0.1, d=3, n_neurons=60).all_ensembles)
    3
    """
    A_h, B_h = principle3(*state_space(theta, d), synapse, dt)
    return _array_on_chip(
        A_h,
        B_h,
        n_neurons,
        synapse,
        max_rates,
        solver=nengo.solvers.LstsqL2(weights=True),
        input_synapse=None if on_chip else synapse,
    )


def _array_on_chip(A_h, B_h, n_neurons, synapse, max_rates, solver, input_synapse):
    """Make an array of ensembles that are connected without nodes in between."""
    d = len(A_h)
    B_h = np.reshape(B_h, (d, 1))
    with nengo.Network(label="published memory") as memory:
        memory.input = nengo.Node(size_in=1, label="input")
        memory.output = nengo.Node(size_in=d, label="output")
        ensembles = [
            nengo.Ensemble(
                n_neurons // d,
                1,
                radius=1.0,
                neuron_type=nengo.SpikingRectifiedLinear(
                    initial_state={"voltage": nengo.dists.Choice([0])}
                ),
                max_rates=MAX_RATES if max_rates is None else max_rates,
                intercepts=INTERCEPTS,
            )
            for _ in range(d)
        ]
        for i, post in enumerate(ensembles):
            nengo.Connection(
                memory.input, post, transform=B_h[[i]], synapse=input_synapse
            )
            for j, pre in enumerate(ensembles):
                nengo.Connection(
                    pre, post, transform=A_h[i, j], synapse=synapse, solver=solver
                )
        # The host makes once more what drives the neurons.
        nengo.Connection(memory.input, memory.output, transform=B_h, synapse=synapse)
        for j, pre in enumerate(ensembles):
            nengo.Connection(pre, memory.output, transform=A_h[:, [j]], synapse=synapse)
    return memory
