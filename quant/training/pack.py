"""`python -m quant.training.pack`: everything there is to train on in one small file
(quant.data.packed).
"""

from __future__ import annotations

import argparse

from hw.spec.command_line import data_path, given_path
from quant.commands import exit_code
from quant.data.packed import write_pack
from quant.training.data import find_material


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m quant.training.pack", description=__doc__)
    parser.add_argument(
        "--data", type=data_path, required=True, help="folder with videos and stills/"
    )
    parser.add_argument("--out", type=given_path, required=True, help="the pack, a .zip")
    parser.add_argument("--quality", type=int, default=30, help="of WebP, 0 to 100 (%(default)s)")
    parser.add_argument("--side", type=int, default=256, help="shorter side (%(default)s)")
    args = parser.parse_args(argv)

    def run() -> None:
        found = find_material(args.data)
        print(found.listing())
        write_pack(found.videos, found.stills, args.out, args.quality, args.side)
        print(f"{args.out}: {args.out.stat().st_size / 1e6:.1f} MB")

    return exit_code(run, False)


if __name__ == "__main__":
    raise SystemExit(main())
