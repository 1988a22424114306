"""Train networks with Legendre memories, one experiment of the field a subcommand."""

from nengo_lmu.cli import (
    train_ablation,
    train_capacity,
    train_digits,
    train_mackey_glass,
    train_noise,
    train_psmnist,
    train_scale_invariance,
    train_time_scale,
)

HELP = "the experiments of the paper: psMNIST, Mackey-Glass, capacity and others"

# one line a module: nengo_lmu.cli.train_<name>
SUBCOMMANDS = (
    train_psmnist,
    train_capacity,
    train_mackey_glass,
    train_ablation,
    train_time_scale,
    train_digits,
    train_noise,
    train_scale_invariance,
)


def add_arguments(parser):
    """Add the arguments of ``nengo-lmu train``."""
    subparsers = parser.add_subparsers(
        dest="experiment", metavar="WHAT", required=True, parser_class=type(parser)
    )
    for module in SUBCOMMANDS:
        name = module.__name__.rpartition(".train_")[-1].replace("_", "-")
        subparser = subparsers.add_parser(
            name,
            help=module.HELP,
            description=module.__doc__,
            formatter_class=parser.formatter_class,
        )
        module.add_arguments(subparser)
        subparser.set_defaults(train=module.run, prog=subparser.prog)


def run(arguments):
    """Run the experiment."""
    arguments.train(arguments)
