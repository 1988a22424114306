"""Networks of all kinds around memories, each with its own ideal twin.

The same seed gives the same network. What is read of it is compared with what is read
of one with ideal memories, on any backend.
"""

from dataclasses import dataclass

import nengo
import numpy as np

from nengo_lmu import LMU, LegendreMemory

POINTS = [0, 0.5, 1]
# NengoLoihi warns of other voltages to start with
LIF = nengo.LIF(initial_state={"voltage": nengo.dists.Choice([0])})
WINDOWS = 12
GAIN = 0.2  # of what a memory says to itself


@dataclass
class Varied:
    """A network with probes of what its memories say and of what they should say.

    Attributes
    ----------
    net : nengo.Network
    given, wanted : nengo.Probe
    dt, seconds : float
    late : float
        What the chip's feedback through the host may add to the error, being two steps
        late: the change of the signal in that time, times its gain.
    what : str
        For messages.
    """

    net: nengo.Network
    given: nengo.Probe
    wanted: nengo.Probe
    dt: float
    seconds: float
    late: float
    what: str


def varied_network(seed):
    """Return a random network."""
    rng = np.random.RandomState(seed)
    dt = float(rng.choice([0.0005, 0.001, 0.002, 0.003]))
    # 10 ms to 60 s, and no more steps than a test can wait for
    theta = float(10 ** rng.uniform(-2, np.log10(60)))
    dt = max(dt, theta / 1500)
    d = int(
        rng.choice([1, 2, 3, 6, 12, 24, 64], p=[0.1, 0.15, 0.2, 0.3, 0.15, 0.07, 0.03])
    )
    # what the memory can hold at that time step at all
    d = max(1, min(d, int(theta / dt / 6)))
    size_in = int(rng.choice([1, 2, 5, 40], p=[0.6, 0.2, 0.15, 0.05]))
    if d * size_in > 64:
        size_in = max(1, 64 // d)
    kind = rng.choice(
        [
            "plain",
            "stacked",
            "several",
            "sub-network",
            "feedback",
            "learning",
            "host ensemble",
            "chip ensemble",
        ]
    )
    synapse = None if rng.rand() < 0.7 else float(theta * rng.uniform(0.2, 0.6))
    trainable = bool(rng.rand() < 0.2)
    radius = float(10 ** rng.uniform(-1, 2))
    options = {
        "dt": dt,
        "size_in": size_in,
        "synapse": synapse,
        "input_range": radius,
    }
    if trainable and theta / dt > 4 * d**2:
        options["trainable_theta"] = True
    n_neurons = max(2 * d * size_in, min(100 * d * size_in, 2000))
    what = f"{seed}: {kind}, theta={theta:.3g}, d={d}, {options}"

    with nengo.Network(seed=seed) as net:
        stim = nengo.Node(
            nengo.processes.WhiteSignal(
                (WINDOWS + 2) * theta,
                high=max(d / (6 * theta), 1.5 / ((WINDOWS + 2) * theta)),
                rms=0.3 * radius,
                seed=seed,
            ),
            size_out=size_in,
        )

        def build(n_neurons):
            kwargs = dict(options)
            if n_neurons == 0:
                kwargs.pop("synapse")
            container = nengo.Network(label="sub") if kind == "sub-network" else net
            with container:
                one = LegendreMemory(
                    theta, d, n_neurons=n_neurons, error_feedback=0, **kwargs
                )
            source = stim
            if kind == "stacked":
                first = LegendreMemory(
                    theta, d, n_neurons=n_neurons, error_feedback=0, **kwargs
                )
                nengo.Connection(stim, first.input, synapse=None)
                source = first.add_window(0.5)
            if kind == "several":
                other = LMU(theta, d, n_neurons=n_neurons, error_feedback=0, **kwargs)
                nengo.Connection(stim, other.input, synapse=None)
                nengo.Probe(other.output)
            if kind == "feedback":
                back = one.add_feedback()
                nengo.Connection(one.add_window(1), back, transform=-0.2, synapse=None)
            nengo.Connection(source, one.input, synapse=None)
            if kind == "learning":
                pre = nengo.Ensemble(50, 1, neuron_type=LIF, seed=1)
                post = nengo.Node(size_in=1)
                # NengoLoihi wants whole time steps
                rule = nengo.PES(pre_synapse=nengo.Lowpass(5 * dt))
                learned = nengo.Connection(
                    pre, post, function=lambda x: 0, learning_rule_type=rule
                )
                nengo.Connection(post, learned.learning_rule)
                nengo.Connection(one.output[0], learned.learning_rule, transform=-1)
            if kind.endswith("ensemble"):
                reader = nengo.Ensemble(50, 1, neuron_type=LIF, seed=1)
                if kind == "host ensemble":
                    import nengo_loihi

                    nengo_loihi.add_params(net)
                    net.config[reader].on_chip = False
                nengo.Connection(one.output[0], reader, transform=1 / radius)
                nengo.Probe(reader)
            return nengo.Probe(one.add_window(POINTS))

        given, wanted = build(n_neurons), build(0)
    late = GAIN * 2 * dt / theta if kind == "feedback" else 0.0
    return Varied(net, given, wanted, dt, (WINDOWS + 2) * theta, late, what)


def error(simulator, varied, seed=0, late=6):
    """Return the relative error of a network at the best of a few delays."""
    with simulator(varied.net, dt=varied.dt, seed=seed, progress_bar=False) as sim:
        sim.run(varied.seconds)
    given, wanted = sim.data[varied.given], sim.data[varied.wanted]
    return best_error(given, wanted, len(wanted) // (WINDOWS + 2) * 2, late)


def best_error(given, wanted, first, late):
    """Return the relative error from a step on, at the best of a few delays."""

    def at(steps):
        difference = given[first + steps :] - wanted[first : len(wanted) - steps]
        return np.sqrt(np.mean(difference**2) / np.mean(wanted[first:] ** 2))

    return min(map(at, range(late)))
