"""Options of commands that train the network of handwritten digits."""

from dataclasses import dataclass, fields, replace

from nengo_lmu.experiments import pretrained
from nengo_lmu.experiments.classifier.network import NEURONS
from nengo_lmu.experiments.digits.network import DigitClassifier, Settings
from nengo_lmu.experiments.experiment import Experiment, option, switch
from nengo_lmu.experiments.options import number_from_zero, one_of, whole_number

# The network has these where no option says otherwise.
SETTINGS = Settings()

# The test set has so many digits.
N_TEST = 540


def simulated_digits(where):
    """Return a field for how many digits to classify somewhere."""
    return option(100, whole_number(1, N_TEST), f"how many to classify {where}")


@dataclass(frozen=True)
class NetworkOptions(Experiment):
    """What can be chosen of the network."""

    names = {"hidden_neuron_type": "--hidden"}

    n_neurons: int = option(
        SETTINGS.n_neurons, whole_number(1), "neurons of the memory", "M"
    )
    error_feedback: float | None = option(
        SETTINGS.error_feedback,
        number_from_zero,
        "gain with which neurons hear their own error, 0 for not at all "
        "(default: the theory's)",
        "K",
    )
    d: int = option(SETTINGS.d, whole_number(1), "order of the memory", "D")
    neuron_type: str = option(
        SETTINGS.neuron_type,
        one_of(NEURONS),
        f"of the memory's neurons: {', '.join(NEURONS)}",
        "TYPE",
        formerly=("--neurons",),
    )
    hidden: str = option(
        SETTINGS.hidden,
        one_of(NEURONS),
        f"of the hidden neurons: {', '.join(NEURONS)}",
        "TYPE",
    )
    seed: int = option(
        SETTINGS.seed,
        whole_number(0, 2**31 - 2),
        "of the split, the weights and the spikes",
    )

    @property
    def network(self):
        """(nengo_lmu.experiments.digits.network.Settings) What is asked for."""
        return replace(SETTINGS, **{name: getattr(self, name) for name in NETWORK})


NETWORK = tuple(item.name for item in fields(NetworkOptions))


@dataclass(frozen=True)
class NetworkOrPretrained(NetworkOptions):
    """What can be chosen of the network; or the one that comes with the package."""

    pretrained: bool = switch(
        "take the network that comes with the package instead of training one"
    )

    def __post_init__(self):
        super().__post_init__()
        if self.pretrained:
            self.refuse_with("--pretrained", NETWORK, "its network is made already")

    def classifier(self):
        """Return the network, trained.

        Returns
        -------
        classifier : nengo_lmu.experiments.digits.network.DigitClassifier
        """
        if self.pretrained:
            return pretrained.load("digits").model
        classifier = DigitClassifier(self.network)
        classifier.train()
        return classifier
