"""A stand-in for NxSDK and a Loihi board, which few people have.

It takes the calls that NengoLoihi makes of NxSDK, notes what they write into the
registers of the cores, and runs the cores by their registers alone: nothing of the
model or of the emulator comes into it. What NxSDK and a chip make of the same calls,
only a board can tell.
"""

from collections import defaultdict
from types import SimpleNamespace

import nengo_loihi
import numpy as np
from nengo_loihi.hardware import builder, interface

# What fits into a register, as far as NengoLoihi tells.
LIMITS = {
    "bias": (-(2**12) + 1, 2**12 - 1),
    "biasExp": (0, 7),
    "vth": (1, 2**17 - 1),
    "decayU": (0, 2**12 - 1),
    "decayV": (0, 2**12 - 1),
    "refractDelay": (1, 63),
    "enableNoise": (0, 1),
    "noiseAtDendOrVm": (0, 1),
    "noiseExp0": (0, 23),
    "noiseMantOffset0": (-128, 127),
    "negVmLimit": (0, 31),
    "posVmLimit": (0, 7),
    "cxProfile": (0, 31),
    "vthProfile": (0, 7),
    "CIdx": (0, 1023),
    "Wgt": (-256, 255),
    "wgtExp": (-8, 7),
    "synFmtId": (1, 15),
    "cxBase": (0, 256),
}
MAX_AXONS = 4096  # that lead into a core, and out of it

MIXED_SIGNS = 1  # fanoutType of weights of both signs, which are even
DENSE = 3  # compression that leaves out which compartments the weights lead to


class Registers:
    """Registers by their names, and tables of them, which are there once written to."""

    def __init__(self):
        self.__dict__["_rows"] = {}

    def __len__(self):
        return len(self._rows)

    def __getitem__(self, index):
        return self._rows.setdefault(int(index), Registers())

    def __getattr__(self, name):
        return self.__dict__.setdefault(name, Registers())

    def __setattr__(self, name, value):
        low, high = LIMITS.get(name, (0, 2**32 - 1))
        assert low <= value <= high, f"{name} cannot hold {value}"
        assert value == int(value), f"{name} cannot hold the fraction {value}"
        assert name not in self.__dict__, f"{name} is written to a second time"
        self.__dict__[name] = int(value)

    def configure(self, **values):
        """Write to several registers, as NxSDK does it."""
        for name, value in values.items():
            setattr(self, name, value)

    def column(self, name, rows=None):
        """Return one register of all rows of a table, or of some."""
        rows = range(len(self)) if rows is None else rows
        return np.array([self._rows[row].__dict__[name] for row in rows], dtype=int)


class Core:
    """A core: its registers, and its compartments once it has read them."""

    def __init__(self, chip, core_id, n_synapses):
        self.parent = chip
        self.id = core_id
        self.n_synapses = n_synapses
        self.cxState = self  # which is where probes look
        self.registers = Registers()
        self.targets = defaultdict(list)  # chip, core and axon, for each compartment

    def __getattr__(self, name):
        return getattr(self.registers, name)

    def createDiscreteAxon(self, srcCxId, dstChipId, dstCoreId, dstSynMapId):
        """Let a compartment send its spikes to an axon."""
        self.targets[srcCxId].append((dstChipId, dstCoreId, dstSynMapId))

    def read_registers(self):
        """Make arrays of the registers."""
        compartments, profiles = self.cxCfg, self.cxProfileCfg
        profile = compartments.column("cxProfile")
        self.n_compartments = n = len(compartments)
        self.bias = compartments.column("bias") * 2 ** compartments.column("biasExp")
        self.decay_u = profiles.column("decayU", profile)
        self.decay_v = profiles.column("decayV", profile)
        self.refractory = profiles.column("refractDelay", profile)
        self.noisy = profiles.column("enableNoise", profile).astype(bool)
        self.vth = 2**6 * np.array(
            [
                self.vthProfileCfg[i].staticCfg.vth
                for i in compartments.column("vthProfile")
            ]
        )
        shared = self.dendriteSharedCfg
        self.vmin = 1 - 2**shared.negVmLimit
        self.vmax = 2 ** (9 + 2 * shared.posVmLimit) - 1
        self.noise_level = 2.0 ** (shared.noiseExp0 - 7)
        self.noise_offset = 64 * shared.noiseMantOffset0
        self.noise_at_membrane = bool(shared.noiseAtDendOrVm)
        # NengoLoihi writes less than that where the chip adds 1
        assert shared.noiseExp0 >= 7 or not self.noisy.any()
        # the chip updates compartments by fours, and only those in phase 2
        assert self.numUpdates.numUpdates == -(-n // 4)
        for i in range(n):
            assert getattr(self.cxMetaState[i // 4], f"phase{i % 4}") == 2
        self.rows = self._read_synapses()
        assert sum(map(len, self.targets.values())) <= MAX_AXONS
        self.current, self.voltage, self.waiting = np.zeros((3, n), dtype=int)
        self.spiked = np.zeros(n, dtype=bool)

    def _read_synapses(self):
        """Return the compartments and weights that each axon leads to."""
        memory, formats = self.synapses, self.synapseFmt
        assert len(memory) == self.n_synapses
        compartments, weights = memory.column("CIdx"), memory.column("Wgt")
        numbers = memory.column("synFmtId")
        mixed = formats.column("fanoutType", numbers) == MIXED_SIGNS
        assert np.all(weights[mixed] % 2 == 0)
        weights = weights * 2 ** (6 + formats.column("wgtExp", numbers))
        rows = {}
        for axon in range(len(self.synapseMap)):
            entry = self.synapseMap[axon]
            row = slice(entry.synapsePtr, entry.synapsePtr + entry.synapseLen)
            # all synapses of an axon are of one format, dense ones without gaps
            (number,) = set(numbers[row])
            if formats[number].compression == DENSE:
                assert np.all(np.diff(compartments[row]) == 1)
            base = entry.discreteMapEntry.cxBase
            rows[axon] = base + compartments[row], weights[row]
        assert len(rows) <= MAX_AXONS
        return rows

    def update(self, axons, random):
        """Advance by a step, with the axons that spikes arrive on.

        Parameters
        ----------
        axons : list of int
        random : (n_compartments,) ndarray
            Of the chip's noise, from -127 to 127.
        """
        arrived = np.zeros(self.n_compartments, dtype=int)
        for axon in axons:
            np.add.at(arrived, *self.rows[axon])
        noise = (random + self.noise_offset) * self.noise_level
        noise = np.where(self.noisy, noise, 0).astype(int)
        to_current, to_voltage = (0, noise) if self.noise_at_membrane else (noise, 0)

        # the chip adds 1 to the decay of currents
        decayed = _towards_zero(self.current * (2**12 - 1 - self.decay_u))
        self.current = decayed + arrived + to_current
        assert np.all(np.abs(self.current) < 2**23)
        decayed = _towards_zero(self.voltage * (2**12 - self.decay_v))
        voltage = decayed + self.current + self.bias + to_voltage
        voltage = np.clip(voltage, self.vmin, self.vmax)
        voltage[self.waiting > 0] = 0
        self.spiked = voltage > self.vth
        self.voltage = np.where(self.spiked, 0, voltage)
        self.waiting = np.where(self.spiked, self.refractory, self.waiting)
        self.waiting = np.maximum(self.waiting - 1, 0)


def _towards_zero(x):
    return np.sign(x) * (np.abs(x) >> 12)


class Board:
    """NxSDK's board, of chips and cores whose numbers do not begin at 0."""

    rng = None  # of the noise, which cores have in common if it is the same
    same_noise = False

    def __init__(self, board_id, n_chips, n_cores_per_chip, n_synapses_per_core):
        self.n2Chips = []
        for i in range(n_chips):
            chip = SimpleNamespace(id=3 + 5 * i, parent=self)
            chip.n2CoresAsList = chip.n2Cores = [
                Core(chip, 7 + 2 * j, n) for j, n in enumerate(n_synapses_per_core[i])
            ]
            assert len(chip.n2Cores) == n_cores_per_chip[i]
            self.n2Chips.append(chip)
        self.cores = {
            (chip.id, core.id): core for chip in self.n2Chips for core in chip.n2Cores
        }
        self.started = False
        self.executor = SimpleNamespace(hasStarted=lambda: self.started)
        self.monitor = SimpleNamespace(probe=self._probe)
        self._probes = []
        self.t = 0
        self.from_host = defaultdict(list)  # chip, core and axon, for each step
        self._on_their_way = []

    def _probe(self, core, compartments, key):
        probes = []
        for i in compartments:
            probes.append(SimpleNamespace(timeSeries=SimpleNamespace(data=[])))
            self._probes.append((core, i, key, probes[-1].timeSeries.data))
        return probes

    def createSnip(self, **kwargs):
        """Take a program for the chip; `HostSnip` does what it would."""
        return SimpleNamespace()

    def createChannel(self, *args, **kwargs):
        """Take a channel for the programs."""
        return SimpleNamespace(connect=lambda *ends: None)

    def start(self):
        """Let the cores read their registers."""
        for core in self.cores.values():
            core.read_registers()
        self.started = True

    def run(self, steps, aSync):
        """Run, unless the programs that exchange spikes with the host do that."""
        if not aSync:
            for _ in range(steps):
                self.step()

    def finishRun(self):
        """Wait for a run to end."""

    def disconnect(self):
        """End it all."""
        self.started = False

    def _random(self):
        """Return random numbers for each core, in the emulator's order."""
        sizes = [core.n_compartments for core in self.cores.values()]
        if self.same_noise:
            numbers = self.rng.randint(-127, 128, size=max(sizes), dtype=np.int32)
            return [numbers[:size] for size in sizes]
        numbers = self.rng.randint(-127, 128, size=sum(sizes), dtype=np.int32)
        return np.split(numbers, np.cumsum(sizes)[:-1])

    def step(self):
        """Advance all cores; spikes from wherever arrive in the step after."""
        arriving = defaultdict(list)
        for *core, axon in self._on_their_way + self.from_host.pop(self.t, []):
            arriving[tuple(core)].append(axon)
        self.t += 1
        for (key, core), random in zip(self.cores.items(), self._random()):
            core.update(arriving[key], random)
        self._on_their_way = [
            target
            for core in self.cores.values()
            for i in np.flatnonzero(core.spiked)
            for target in core.targets[i]
        ]
        for core, i, key, data in self._probes:
            data.append(_state(core, key)[i])


def _state(core, key):
    return {"u": core.current, "v": core.voltage}.get(key, core.spiked)


class SpikeGenerator:
    """NxSDK's way to have spikes sent to axons at given times."""

    addPop16Spike = addPop32Spike = None

    def __init__(self, board):
        self._board = board

    def addSpike(self, time, chipId, coreId, axonId):
        """Send a spike in a step; it arrives in the next."""
        self._board.from_host[time].append((chipId, coreId, axonId))


class HostSnip:
    """The host's end of the exchange of a step, and the chips' programs behind it.

    NengoLoihi's sends integers to a program on the board's host, which hands them on to
    a program on each chip; that sends spikes, and its answer is the state of the
    probed compartments.
    """

    def __init__(self, directory):
        self.connected = False
        self.snip = None

    def create(self, board, chip_snips):
        """Note what the programs are made for."""
        self._board, self._chips = board, chip_snips

    def connect(self, board):
        """Open the connection."""
        self.connected = True

    def close(self):
        """Close the connection."""
        self.connected = False

    def send_all(self, data):
        """Let the board make a step, and take the spikes for the next."""
        self._board.step()
        sent = self._board.from_host[self._board.t]
        data = iter(data)
        lengths = [next(data) for _ in self._chips]
        for chip, length in zip(self._chips, lengths):
            n_spikes = next(data)
            assert length == 1 + 2 * n_spikes
            for _ in range(n_spikes):
                where, kind = next(data), next(data)
                assert kind == 0  # neither atoms nor populations
                sent.append((chip.chip_id, where >> 16, where & 0xFFFF))

    def recv_bytes(self, n_bytes):
        """Return the step's number and the probed states, for each of the chips."""
        packets = []
        for chip in self._chips:
            answer = np.zeros(64 * chip.n_output_packets, dtype=np.int32)
            answer[0] = self._board.t
            for first, key, core_id, start, stride, n in chip.probes:
                core = self._board.cores[chip.chip_id, core_id]
                probed = start + stride * np.arange(n)
                state = _state(core, key)[probed]
                if key not in ("u", "v"):
                    # on the chip, spikes are read from what is left of the pause
                    assert np.all(key == 128 * core.refractory[probed])
                    bits = np.packbits(state, bitorder="little")
                    state = np.pad(bits, (0, -len(bits) % 4)).view(np.int32)
                answer[first : first + len(state)] = state
            packets.append(answer)
        assert 4 * sum(map(len, packets)) == n_bytes
        return np.concatenate(packets)


def install(monkeypatch, seed, same_noise=False):
    """Put the stand-in in the place of NxSDK.

    Parameters
    ----------
    monkeypatch : pytest.MonkeyPatch
    seed : int
        Of the noise: the same as an emulator's, if the compartments are in its order.
    same_noise : bool
        Whether compartments of the same number have the same noise on all cores.
    """

    def board(*args):
        made = Board(*args)
        made.rng, made.same_noise = np.random.RandomState(seed), same_noise
        return made

    phases = ("EMBEDDED_MGMT", "EMBEDDED_PRELEARN_MGMT", "HOST_CONCURRENT_EXECUTION")
    monkeypatch.setattr(nengo_loihi.simulator, "HAS_NXSDK", True)
    for module, name, value in [
        (builder, "NxsdkBoard", board),
        (builder, "SpikeGen", SpikeGenerator),
        (interface, "HostSnip", HostSnip),
        (interface, "SnipPhase", SimpleNamespace(**dict.fromkeys(phases))),
        (interface, "SpikeProbe", SimpleNamespace(probeDict={})),
        (interface, "assert_nxsdk", lambda: None),
        (interface, "nxsdk", SimpleNamespace(__version__="1.0.0")),
    ]:
        monkeypatch.setattr(module, name, value)
