"""The Legendre delay system: its matrices, its discretization, its ideal states."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import expm

from nengo_lmu.legendre.checks import (
    LONGEST_WINDOW,
    ArgumentError,
    finite_array,
    one_of,
    order,
    positive,
    shown,
    whole,
    window,
)

if TYPE_CHECKING:
    from typing import Any

    from nengo_lmu.legendre.types import Array, ArrayLike, Method


METHODS = ("zoh", "euler")

# A response of so many steps takes about a gigabyte for each dimension.
_MOST_STEPS = 10**8

# some roundings of a matrix exponential, as a part of its largest values
_ROUNDING = 16 * np.finfo(float).eps


def state_space(theta: float, d: int) -> tuple[Array, Array]:
    """Return the matrices of the Legendre delay system, ``dm/dt = A m + B u``.

    Parameters
    ----------
    theta : float
        Length of the window (seconds).
    d : int
        Order of the memory, the number of Legendre polynomials.

    Returns
    -------
    A : (d, d) ndarray
        State matrix (1/second): [1]_, equation 2, divided by ``theta``.
    B : (d, 1) ndarray
        Input matrix (1/second).

    Raises
    ------
    ArgumentError
        If ``theta`` is not positive or ``d`` is not a whole number of at least 1.

    References
    ----------
    .. [1] Voelker, A. R., Kajić, I., & Eliasmith, C. (2019). Legendre Memory Units.

    Examples
    --------
    >>> from nengo_lmu.legendre import state_space
    >>> A, B = state_space(theta=1.0, d=2)
    >>> A
    array([[-1., -1.],
           [ 3., -3.]])
    >>> B
    array([[ 1.],
           [-3.]])
    """
    theta = positive("theta", theta, "of seconds")
    d = order(d)
    i, j = np.meshgrid(np.arange(d), np.arange(d), indexing="ij")
    sign = np.where(i < j, -1.0, np.where((i - j) % 2 == 0, -1.0, 1.0))
    A = (2 * i + 1) * sign / theta
    n = np.arange(d)
    B = ((2 * n + 1) * np.where(n % 2 == 0, 1.0, -1.0) / theta)[:, np.newaxis]
    return A, B


def discretize(
    A: ArrayLike, B: ArrayLike, dt: float, method: Method = "zoh"
) -> tuple[Array, Array]:
    """Discretize ``dm/dt = A m + B u`` for steps of ``dt``.

    Parameters
    ----------
    A : (d, d) array_like
        State matrix (1/second).
    B : (d, k) array_like
        Input matrix (1/second).
    dt : float
        Time step (seconds).
    method : {"zoh", "euler"}
        Zero-order hold, exact for an input that is constant over each step, or the
        forward Euler method, linear in ``A`` and so in ``1 / theta``.

    Returns
    -------
    A_bar, B_bar : (d, d) and (d, k) ndarray
        So that ``m[t] = A_bar m[t-1] + B_bar u[t]``.

    Raises
    ------
    ArgumentError
        If the method is unknown, an array is not finite or of another shape, Euler
        steps of this ``dt`` turn a stable system into an unstable one, or a system
        grows beyond all numbers within a step.

    Examples
    --------
    >>> import numpy as np
    >>> from nengo_lmu.legendre import discretize, state_space
    >>> A_bar, B_bar = discretize(*state_space(theta=1.0, d=2), dt=0.001)
    >>> (1000 * (A_bar - np.eye(2))).round(2)
    array([[-1.  , -1.  ],
           [ 2.99, -3.  ]])
    """
    A, B = _system(A, B)
    dt = positive("dt", dt, "of seconds")
    one_of("method", method, METHODS)

    d, k = B.shape
    if method == "euler":
        A_bar = np.eye(d) + dt * A
        _refuse_unstable_euler(A, A_bar, dt)
        return A_bar, dt * B

    # exp([[A, B], [0, 0]] dt) = [[A_bar, B_bar], [0, I]]: Van Loan (1978), which needs
    # no inverse of A and so holds for integrators too. What is large in B must not make
    # A small beside it.
    largest = max(np.abs(A).max() * dt, 1.0)
    scale = max(np.abs(B).max() * dt / largest, 1.0) if k else 1.0
    block = np.zeros((d + k, d + k))
    block[:d, :d] = A * dt
    block[:d, d:] = B * dt / scale
    with np.errstate(all="ignore"):
        block = expm(block)
    if not np.all(np.isfinite(block)):
        raise ArgumentError(
            "A",
            f"grows beyond all numbers in a step of dt={dt:g} s, with entries of up to "
            f"{np.abs(A).max():g}; use a shorter dt, or a stable system",
        )
    return block[:d, :d], block[:d, d:] * scale


def _system(A: ArrayLike, B: ArrayLike) -> tuple[Array, Array]:
    """Return the matrices of a system if they are."""
    A = finite_array("A", A, ndim=2)
    if A.shape[0] != A.shape[1] or not A.size:
        raise ArgumentError(
            "A", f"must be square, but its shape is {A.shape}; give a (d, d) matrix"
        )
    B = finite_array("B", B, ndim=2)
    if B.shape[0] != A.shape[0]:
        raise ArgumentError(
            "B",
            f"must have {A.shape[0]} rows as A has, but its shape is {B.shape}; give "
            "one row for each state",
        )
    return A, B


def _refuse_unstable_euler(A, A_bar, dt):
    radius = np.abs(np.linalg.eigvals(A_bar)).max()
    rates = np.linalg.eigvals(A)
    if radius > 1 and np.all(rates.real < 0):
        # |1 + dt x| <= 1 for each eigenvalue x: dt <= -2 Re(x) / |x|^2
        longest = np.min(-2 * rates.real / np.abs(rates) ** 2)
        # It is rounded down, so that whoever follows the advice is not refused again.
        digit = 10.0 ** (np.floor(np.log10(longest)) - 2)
        longest = np.floor(longest / digit) * digit
        raise ArgumentError(
            "method",
            f"'euler' is unstable here: with dt={dt:g} s the spectral radius is "
            f"{radius:.4g}, above 1; use a dt of at most {longest:.3g} s (equally, a "
            "longer theta or a smaller d), or 'zoh' if theta is not to be trained",
        )


def principle3(
    A: ArrayLike,
    B: ArrayLike,
    synapse: Any,
    dt: float | None = None,
    method: Method = "zoh",
) -> tuple[Array, Array]:
    """Map a linear system onto a recurrent connection with a low-pass synapse.

    The Neural Engineering Framework's Principle 3. With ``dt`` the mapping is exact in
    discrete time: ``A_h = (A_bar - a I) / (1 - a)`` and ``B_h = B_bar / (1 - a)`` with
    ``a = exp(-dt / tau)`` ([1]_, section 4.2); without, it is the continuous one,
    ``A_h = tau A + I`` and ``B_h = tau B``.

    Parameters
    ----------
    A : (d, d) array_like
        Continuous-time state matrix (1/second).
    B : (d, k) array_like
        Continuous-time input matrix (1/second).
    synapse : float or nengo.Lowpass
        The low-pass synapse, or its time constant (seconds).
    dt : float, optional
        Time step of the simulator (seconds); it must be the one the network runs with.
    method : {"zoh", "euler"}
        How the system is discretized where ``dt`` is given.

    Returns
    -------
    A_h, B_h : (d, d) and (d, k) ndarray
        Recurrent and input transform, dimensionless; both connections carry the
        synapse.

    Raises
    ------
    ArgumentError
        As for `discretize`, or if the synapse is no number above 0, or too long for
        steps of ``dt``.

    References
    ----------
    .. [1] Voelker, A. R., & Eliasmith, C. (2018). Improving spiking dynamical networks.

    Examples
    --------
    >>> from nengo_lmu.legendre import principle3, state_space
    >>> A, B = state_space(theta=1.0, d=1)
    >>> recurrent, feed = principle3(A, B, synapse=0.1, dt=0.001)
    >>> recurrent.round(3), feed.round(3)
    (array([[0.9]]), array([[0.1]]))
    """
    tau = positive("synapse", getattr(synapse, "tau", synapse), "of seconds")
    if dt is None:
        A, B = _system(A, B)
        one_of("method", method, METHODS)
        return tau * A + np.eye(len(A)), tau * B
    A_bar, B_bar = discretize(A, B, dt, method=method)
    dt = float(dt)
    if tau > LONGEST_WINDOW * dt:
        raise ArgumentError(
            "synapse",
            f"must be at most {LONGEST_WINDOW:g} time steps, since rounding leaves "
            f"little of what a shorter step changes, but {shown(tau)} was given where "
            f"dt={dt:g} s; use a shorter synapse",
        )
    decay = np.exp(-dt / tau)
    gain = -np.expm1(-dt / tau)
    fed_back = A_bar - decay * np.eye(len(A_bar))
    # Where the synapse forgets as the system does, only rounding is left, which depends
    # on the processor; simulators leave out connections that are exactly 0.
    nothing = np.abs(np.diag(fed_back)) <= _ROUNDING * decay
    fed_back[nothing, nothing] = 0.0
    return fed_back / gain, B_bar / gain


def impulse_response(
    n_steps: int, theta: float, d: int, dt: float = 0.001, method: Method = "zoh"
) -> Array:
    """Return the ideal memory's response to a unit impulse at the first step.

    Parameters
    ----------
    n_steps : int
        Number of steps.
    theta, d, dt, method
        As for `simulate`.

    Returns
    -------
    response : (n_steps, d) ndarray
        ``response[k] = A_bar^k B_bar``, so that the state after the last of
        ``len(u)`` steps is ``response[:len(u)].T @ u[::-1]``.

    Examples
    --------
    >>> from nengo_lmu.legendre import impulse_response
    >>> impulse_response(theta=1.0, d=3, n_steps=1000).shape
    (1000, 3)
    """
    n_steps = whole("n_steps", n_steps, 1, _MOST_STEPS)
    impulse = np.zeros(n_steps)
    impulse[0] = 1.0
    return simulate(impulse, theta, d, dt=dt, method=method)


def last_step(
    n_inputs: int,
    theta: float,
    d: int,
    dt: float = 0.001,
    steps: int = 1,
    delay: int = 0,
    method: Method = "zoh",
) -> Array:
    """Return the matrix from a sequence to the state of the memory at its end.

    Parameters
    ----------
    n_inputs : int
        Length of the sequence.
    theta, d, dt, method
        As for `simulate`.
    steps : int
        How long each input is held (time steps).
    delay : int
        Time steps before the end at which to take the state.

    Returns
    -------
    matrix : (n_inputs, d) ndarray
        ``m = u @ matrix`` for ``u`` of shape ``(n, n_inputs)``.

    Raises
    ------
    ArgumentError
        As for `simulate`, or if there are no inputs or steps, or the delay is not
        within the sequence.

    Examples
    --------
    >>> import numpy as np
    >>> from nengo_lmu.legendre import last_step, simulate
    >>> u = np.random.RandomState(0).standard_normal((5, 100))
    >>> m = u @ last_step(100, theta=0.1, d=4)
    >>> np.allclose(m[0], simulate(u[0], theta=0.1, d=4)[-1])
    True
    """
    n_inputs = whole("n_inputs", n_inputs, 1, _MOST_STEPS)
    steps = whole("steps", steps, 1, _MOST_STEPS)
    delay = whole("delay", delay, 0, n_inputs * steps)
    d = order(d)
    impulse = np.zeros(n_inputs * steps)
    impulse[delay : delay + 1] = 1.0  # later ones are not seen yet
    response = simulate(impulse, theta, d, dt=dt, method=method)
    held = response[::-1].reshape(n_inputs, steps, d)
    return held[:, 0] if steps == 1 else held.sum(axis=1)


def simulate(
    u: ArrayLike, theta: float, d: int, dt: float = 0.001, method: Method = "zoh"
) -> Array:
    """Return the ideal, noise-free states of the memory for an input.

    Parameters
    ----------
    u : (n_steps,) or (n_steps, size_in) array_like
        The input, one row a step.
    theta : float
        Length of the window (seconds).
    d : int
        Order of the memory.
    dt : float
        Time step (seconds).
    method : {"zoh", "euler"}
        The discretization.

    Returns
    -------
    m : (n_steps, d) or (n_steps, size_in, d) ndarray
        ``m[t] = A_bar m[t-1] + B_bar u[t]`` with ``m[-1] = 0``; each input dimension
        has a memory of its own.

    Raises
    ------
    ArgumentError
        As for `state_space` and `discretize`, if ``u`` is not finite or has another
        number of dimensions, or the window is shorter than a step.

    Examples
    --------
    A step of the input fills the window: a constant 1 is the state (1, 0, 0).

    >>> import numpy as np
    >>> from nengo_lmu.legendre import simulate
    >>> m = simulate(np.ones(3000), theta=1.0, d=3)
    >>> m.shape
    (3000, 3)
    >>> np.allclose(m[-1], [1, 0, 0], atol=1e-3)
    True
    """
    return states(u, theta, d, dt=dt, method=method)


def states(u, theta, d, dt=0.001, method="zoh", every=1):
    """Return the states of `simulate` after each ``every``-th step only.

    Parameters
    ----------
    u, theta, d, dt, method
        As for `simulate`.
    every : int

    Returns
    -------
    m : (n_steps // every, d) or (n_steps // every, size_in, d) ndarray
    """
    u = finite_array("u", u, ndim=(1, 2))
    theta, dt = window(theta, dt)
    A_bar, B_bar = discretize(*state_space(theta, d), dt, method=method)
    inputs = u if u.ndim == 2 else u[:, np.newaxis]
    n = len(inputs) // every
    stretches = inputs[: n * every].reshape(n, every, inputs.shape[1])
    # The inputs of a stretch change the state at its end by this.
    effect = np.empty((every, len(A_bar)))
    effect[-1] = B_bar[:, 0]
    for k in range(every - 1, 0, -1):
        effect[k - 1] = A_bar @ effect[k]
    m = np.tensordot(stretches, effect, axes=(1, 0))
    A_T = np.linalg.matrix_power(A_bar, every).T
    for t in range(1, n):
        m[t] += m[t - 1] @ A_T
    return m if u.ndim == 2 else m[:, 0]
