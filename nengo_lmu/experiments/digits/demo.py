"""One network for handwritten digits, trained once and run in four ways."""

from dataclasses import asdict, dataclass

import nengo

from nengo_lmu.experiments.classifier.row import compare
from nengo_lmu.experiments.digits.options import NetworkOrPretrained, simulated_digits


@dataclass(frozen=True)
class Demo(NetworkOrPretrained):
    """Train one network on handwritten digits, and run it in four ways.

    The digits (8 x 8 pixels, from scikit-learn; nothing is downloaded) are
    presented one pixel at a time. A Legendre memory of spiking neurons holds the
    last 64 pixels, hidden spiking neurons read it, and ten outputs read those.
    Trained in NengoDL, the network classifies digits that it has not seen

      with an ideal memory and rates instead of spikes,
      in NengoDL, in the reference simulator and on the Loihi emulator with spikes.

    A table goes to the screen; records (demo.json) and a figure (demo.png) to a
    folder.

    With --pretrained, the network is the one that comes with the package, trained
    by nengo-lmu train digits.
    """

    name = "demo"
    keeps = "records and figure"
    loads = "TensorFlow, NengoDL and NengoLoihi"

    digits: int = simulated_digits("in the reference simulator")
    loihi_digits: int = simulated_digits("on the Loihi emulator")

    def measure(self, run):
        """Train the network and classify test digits in four ways.

        Returns
        -------
        measured : dict
            ``network``, its settings; ``theta``, the length of a digit (seconds);
            ``n_neurons``, of all of it; and ``results``, a dict for each way: a
            `nengo_lmu.experiments.classifier.row.Row` with its ``accuracy`` and
            ``standard_error``.
        """
        import nengo_loihi

        from nengo_lmu.experiments.digits.report import draw_digits

        classifier = self.classifier()
        rows = [
            classifier.ideal(),
            classifier.simulate_nengo_dl(len(classifier.digits.test)),
        ]
        row, traces = classifier.simulate(
            nengo.Simulator,
            "nengo.Simulator",
            self.digits,
            n_traces=3,
            progress_bar=False,
        )
        rows.append(row)
        row, _ = classifier.simulate(
            nengo_loihi.Simulator, "Loihi emulator", self.loihi_digits, target="sim"
        )
        rows.append(row)
        run.draw(draw_digits(traces, classifier))
        return {
            "network": asdict(classifier.settings),
            "theta": classifier.settings.theta,
            "n_neurons": classifier.network.n_neurons,
            "results": [row.record for row in rows],
        }

    def table(self, record):
        """Return the accuracies, and how often the last two simulators agree."""
        from nengo_lmu.experiments.digits import report

        n, reference, emulated, alike = compare(*record["results"][-2:])
        return (
            f"{report.describe(record['network'])}\n\n{report.ways_table(record)}\n\n"
            f"The first {n} digits: {100 * reference:.1f} % correct in "
            f"nengo.Simulator, {100 * emulated:.1f} % on the\nemulator; "
            f"{100 * alike:.0f} % read alike."
        )
