"""The frame of every command.

An `Experiment` is a frozen dataclass: its fields are the options of the command, their
defaults the command's, and its docstring what ``--help`` says. It knows how to measure,
and what the table and the figure of a record are. All else that commands have in common
is here: validation, the command line, the folder for records, progress, processes,
resuming, seconds, versions, and names of files. ::

    @dataclass(frozen=True)
    class Decay(Experiment):
        \"\"\"Measure how memories forget.\"\"\"

        name = "decay"

        d: tuple = option((3, 6), whole_number(1), "orders of the memory")
        seeds: int = option(3, number_of_runs, "how often each is measured")

        def measure(self, run):
            settings = [Setting(d=d) for d in self.d]
            results = run.sweep_seeds(measure_one, settings, self.seeds)
            return {"rows": ...}

        table = shown_by("experiments.decay.report.tables")
        figure = shown_by("experiments.decay.report.draw")
"""

import argparse
import dataclasses
import inspect
import json
import sys
import time
from dataclasses import dataclass, field, fields
from pathlib import Path

from nengo_lmu.analysis import records
from nengo_lmu.experiments.options import (
    folder,
    named_as_options,
    number_of_runs,
    resumable,
)
from nengo_lmu.legendre import ArgumentError, checks
from nengo_lmu.utils.lazy import load
from nengo_lmu.utils.renamed import say_renamed


@dataclass(frozen=True)
class Option:
    """What a field of an experiment may be, and how the command line gives it.

    Attributes
    ----------
    kind : nengo_lmu.experiments.options.Kind or None
        That of the value, or of each where there are several; None for what is either
        given or not.
    help : str
        The default is added to it, unless that is None.
    metavar : str
        What stands for the value in the help.
    nargs : {"+", "*", None} or int
        As for `argparse`, for fields that are tuples.
    flag : str or None
        By default the field's name, with hyphens.
    formerly : tuple of str
        Earlier flags, which still work, with a word about it.
    renamed : dict of str
        Today's values by what they were called earlier; the command line takes these
        too, with a word about it.
    """

    kind: object
    help: str
    metavar: str = "N"
    nargs: object = None
    flag: str | None = None
    formerly: tuple = ()
    renamed: dict = field(default_factory=dict)

    def validated(self, name, value):
        """Return a value as the command line would make it, or raise an error."""
        if self.kind is None:
            return checks.flag(name, value)
        if self.nargs is None:
            return self.kind.validated(name, value)
        if not isinstance(value, (tuple, list)):
            remedy = "a tuple"
        elif isinstance(self.nargs, int) and len(value) != self.nargs:
            remedy = f"{self.nargs} of them"
        elif self.nargs == "+" and not value:
            remedy = "at least one"
        else:
            return tuple(self.kind.validated(name, part) for part in value)
        raise ArgumentError(name, f"{checks.shown(value)} was given; give {remedy}")


def option(default, kind, help, metavar="N", nargs=None, **attributes):
    """Return a field of an experiment that is an option of its command.

    Parameters
    ----------
    default : object
        `dataclasses.MISSING` for an option that has to be given. Where it is a tuple,
        so is the value, and ``nargs`` is "+" by default.
    kind, help, metavar, nargs, **attributes
        As for `Option`.
    """
    if nargs is None and isinstance(default, tuple):
        nargs = "+"
    option = Option(kind, help, metavar, nargs, **attributes)
    return field(default=default, metadata={"option": option})


def switch(help, formerly=()):
    """Return a field that is True where its option is given."""
    option = Option(None, help, nargs=0, formerly=formerly)
    return field(default=False, metadata={"option": option})


def shown_by(place):
    """Return a method that shows a record by a function of a report.

    Parameters
    ----------
    place : str
        As for `nengo_lmu.utils.lazy.load`: ``--help`` does without reports, and what
        they draw with.
    """

    def method(self, record):
        return load(place)(record)

    method.__doc__ = f"Return what `nengo_lmu.{place}` makes of a record."
    return method


@dataclass(frozen=True)
class Run:
    """Where and by how many processes an experiment is measured.

    Attributes
    ----------
    name : str
        Of the experiment's files.
    folder : Path or None
        For all that is to be kept.
    workers : int or None
        Processes; None for one for each core.
    dask : str or None
        Address of the scheduler of a cluster to use in their place.
    """

    name: str
    folder: Path | None = None
    workers: int | None = None
    dask: str | None = None

    def sweep(self, function, settings, **options):
        """Measure each setting once, as `nengo_lmu.analysis.sweep.run` does."""
        from nengo_lmu.analysis import sweep  # --help does not need joblib

        return sweep.run(function, settings, **self._options, **options)

    def sweep_seeds(self, function, settings, seeds, **options):
        """Measure each with several seeds, as `nengo_lmu.analysis.sweep.run_seeds`."""
        from nengo_lmu.analysis import sweep

        return sweep.run_seeds(function, settings, seeds, **self._options, **options)

    def draw(self, figure):
        """Keep a figure that takes more to draw than what is in the record."""
        from nengo_lmu.analysis import style

        if self.folder is not None:
            style.save(figure, self.folder / f"{self.name}.png")

    @property
    def _options(self):
        return {"folder": self.folder, "workers": self.workers, "dask": self.dask}


@dataclass(frozen=True)
class Experiment:
    """What a command measures, and how that is shown.

    Raises
    ------
    nengo_lmu.legendre.ArgumentError
        If a field is not of its option's kind. None is what it is by default.

    Attributes
    ----------
    name : str
        The command, without ``nengo-lmu``. Files have it, with hyphens.
    keeps : str
        What goes to the folder, for the help and the last line.
    processes : {None, "here", "anywhere"}
        Whether measurements take several processes, and whether these may be those of
        a Dask cluster.
    resumes : bool
        Whether the same command goes on where it was stopped.
    always_kept : bool
        Whether there is a folder by default.
    loads : str or None
        What takes seconds to be loaded, and is worth a line.
    names : dict of str
        What options are called whose values other functions know by another name.
    """

    name = None
    keeps = "record"
    processes = None
    resumes = False
    always_kept = True
    loads = None
    names = {}

    def __post_init__(self):
        for item in fields(self):
            value = getattr(self, item.name)
            if value is not None or item.default is not None:
                value = item.metadata["option"].validated(item.name, value)
                object.__setattr__(self, item.name, value)

    def measure(self, run):
        """Measure, and return what there is to record.

        Parameters
        ----------
        run : Run

        Returns
        -------
        measured : dict
            Of what JSON can hold.
        """
        raise NotImplementedError

    def table(self, record):
        """Return the tables of a record, for a terminal of 80 columns."""
        raise NotImplementedError

    def figure(self, record):
        """Return the figure of a record; None where there is none to draw from it."""
        return None

    def run(self, out=None, workers=None, dask=None):
        """Measure, and keep the record and the figure.

        Parameters
        ----------
        out : str or Path, optional
            The folder. A sweep that was stopped continues from its records there.
        workers : int, optional
            Processes; by default one for each core.
        dask : str, optional
            Address of the scheduler of a Dask cluster to use in their place.

        Returns
        -------
        record : dict
            ``experiment``, ``version`` (of nengo_lmu), ``settings`` (the fields), what
            was measured, ``versions`` and ``seconds``.

        Raises
        ------
        nengo_lmu.legendre.ArgumentError
            If there can be no such folder, or not so many processes.
        """
        started = time.perf_counter()
        out = None if out is None else folder.validated("out", out)
        if workers is not None:
            workers = number_of_runs.validated("workers", workers)
        run = Run(self.files(), out, workers, dask)
        result = self.measure(run)
        versions = records.versions()
        record = {
            "experiment": self.name,
            "version": versions["nengo-lmu"],
            "settings": self.settings,
            **result,
            "versions": versions,
            "seconds": time.perf_counter() - started,
        }
        record = json.loads(
            json.dumps(record)
        )  # callers get what readers of the file get
        if run.folder is not None:
            records.write_json(run.folder / f"{run.name}.json", record)
            figure = self.figure(record)
            if figure is not None:
                run.draw(figure)
        return record

    @property
    def settings(self):
        """(dict) The fields, as JSON holds them."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return json.loads(json.dumps(values, default=_plain))

    @classmethod
    def files(cls):
        """Return what the files of the experiment are called."""
        return cls.name.replace(" ", "-")

    def refuse_with(self, option, others, reason):
        """Refuse options that another one has no use for.

        Parameters
        ----------
        option : str
            The one that is given, as it is written.
        others : sequence of str
            Fields that must have their default.
        reason : str
        """
        for item in fields(self):
            if item.name in others and getattr(self, item.name) != item.default:
                raise ArgumentError(
                    f"argument {option}",
                    f"cannot be given together with {_flag(item)}, since {reason}; "
                    "leave one of them out",
                )

    # --- the command

    @classmethod
    def add_arguments(cls, parser):
        """Add the options of the command to its parser."""
        parser.description = inspect.getdoc(cls)
        for item in fields(cls):
            _add_option(parser, item)
        if cls.processes is not None:
            parser.add_argument(
                "--workers",
                metavar="N",
                type=number_of_runs,
                help="processes (default: one for each core)",
            )
        if cls.processes == "anywhere":
            parser.add_argument(
                "--dask",
                metavar="ADDRESS",
                help="run on the Dask cluster with this scheduler, such as "
                "tcp://127.0.0.1:8786, instead of processes here",
            )
        default = f"nengo-lmu-{cls.files()}" if cls.always_kept else None
        parser.add_argument(
            "--out",
            metavar="DIR",
            type=folder,
            default=default,
            help=f"folder for the {cls.keeps}"
            + (" (default: %(default)s)" if default else ""),
        )
        parser.add_argument(
            "--json", action="store_true", help="print the record instead of the tables"
        )

    @classmethod
    def run_command(cls, arguments):
        """Run the command, print what came out, and return the record."""
        flags = {item.name: _flag(item) for item in fields(cls)}
        if cls.loads and not arguments.json:
            print(f"Loading {cls.loads} ...", flush=True)
        records_folder = arguments.out if cls.resumes else None
        with (
            named_as_options(flags | {"dask": "--dask"} | cls.names),
            resumable(records_folder),
        ):
            experiment = cls(**{name: _given(arguments, name) for name in flags})
            record = experiment.run(
                arguments.out,
                getattr(arguments, "workers", None),
                getattr(arguments, "dask", None),
            )
        if arguments.json:
            json.dump(record, sys.stdout, indent=2)
            print()
            return record
        print(experiment.table(record).strip("\n"))
        if arguments.out is not None:
            keeps = cls.keeps[0].upper() + cls.keeps[1:]
            print(f"\n{keeps} in {arguments.out} ({record['seconds']:.0f} s)")
        return record


def _flag(item):
    return item.metadata["option"].flag or f"--{item.name.replace('_', '-')}"


def _given(arguments, name):
    value = getattr(arguments, name)
    return tuple(value) if isinstance(value, list) else value


def _add_option(parser, item):
    """Add the option of a field."""
    option = item.metadata["option"]
    help = option.help.replace("%", "%%")
    if option.kind is None:
        parser.add_argument(_flag(item), dest=item.name, action="store_true", help=help)
        _add_earlier_flags(parser, item, dest=item.name, nargs=0)
        return
    required = item.default is dataclasses.MISSING
    if not required and item.default is not None:
        several = isinstance(item.default, tuple)
        default = " ".join(map(str, item.default)) if several else item.default
        help = f"{help} (default: {default})"
    common = {
        "dest": item.name,
        "metavar": option.metavar,
        "type": _Renaming(item, parser.prog) if option.renamed else option.kind,
        "nargs": option.nargs,
    }
    default = None if required else item.default
    parser.add_argument(
        _flag(item), required=required, default=default, help=help, **common
    )
    _add_earlier_flags(parser, item, **common)


def _add_earlier_flags(parser, item, **common):
    for flag in item.metadata["option"].formerly:
        parser.add_argument(
            flag,
            action=_Renamed,
            default=argparse.SUPPRESS,
            help=argparse.SUPPRESS,
            now=_flag(item),
            **common,
        )


class _Renamed(argparse.Action):
    """Takes an earlier flag of an option, for this release, and says so."""

    def __init__(self, *args, now, **kwargs):
        super().__init__(*args, **kwargs)
        self.now = now

    def __call__(self, parser, namespace, values, option_string=None):
        say_renamed(parser.prog, option_string, self.now)
        setattr(namespace, self.dest, True if self.nargs == 0 else values)


class _Renaming:
    """Takes an earlier value of an option, for this release, and says so."""

    def __init__(self, item, prog):
        self._option, self._flag, self._prog = (
            item.metadata["option"],
            _flag(item),
            prog,
        )

    def __call__(self, text):
        now = self._option.renamed.get(text, text)
        if now != text:
            say_renamed(self._prog, f"{self._flag} {text}", f"{self._flag} {now}")
        return self._option.kind(now)


def _plain(value):
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{value!r} cannot be recorded")
