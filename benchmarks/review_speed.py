"""How fast ``tidegate review`` is: files without realtime code, and a repository of both kinds.

    python -m benchmarks.review_speed [--files 5000] [--realtime 800]

The first kind is Python's own library, copied until there are enough. The second kind is the
examples of all rules, right and wrong ones, each set in an application of its own; that is more
realtime code, and far more faults, than a repository has. Reviews run in a process of their own,
on one core if there is a choice. Goals: 2,000 files/s without realtime code; 5,000 files in under
10 s and 500 MB.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from itertools import count, cycle, islice
from pathlib import Path

from tidegate.review import Options, all_rules, review

__all__ = ["main"]


def main() -> None:
    """Make the files, review them, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=5_000)
    parser.add_argument("--realtime", type=int, default=800)
    parser.add_argument("--in", dest="folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.folder is not None:
        _review(args.folder)
        return
    with tempfile.TemporaryDirectory(prefix="tidegate-review-") as folder:
        plain, mixed = Path(folder, "plain"), Path(folder, "mixed")
        _write_plain(plain, args.files)
        _write_plain(mixed, max(0, args.files - args.realtime))
        _write_realtime(mixed, min(args.files, args.realtime))
        for what, root in (("without realtime code", plain), ("with both kinds", mixed)):
            command = [sys.executable, "-m", "benchmarks.review_speed", "--in", str(root)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            print(f"{what}: {_told(json.loads(done.stdout))}")


def _review(folder: Path) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    report = review([folder], Options(root=folder))
    used = resource.getrusage(resource.RUSAGE_SELF)
    figures = {
        "files": report.files,
        "realtime_files": report.realtime_files,
        "findings": len(report.findings),
        "failed": sum("failed" in note.reason for note in report.notes),
        "seconds": report.seconds,
        "cpu_s": used.ru_utime + used.ru_stime,
        "memory_mb": used.ru_maxrss / 1024,
    }
    print(json.dumps(figures))


def _told(figures: dict[str, float]) -> str:
    rate = figures["files"] / figures["cpu_s"]
    return (
        f"{figures['files']:,} files, {figures['realtime_files']:,} with realtime code: "
        f"{figures['seconds']:.1f} s, CPU {figures['cpu_s']:.1f} s with the start of Python, "
        f"{rate:,.0f} files/s of CPU, {figures['memory_mb']:.0f} MB; "
        f"{figures['findings']:,} findings, {figures['failed']:.0f} rules failed"
    )


def _write_plain(root: Path, wanted: int) -> None:
    root.mkdir(exist_ok=True)
    library = Path(sysconfig.get_paths()["stdlib"])
    sources = [
        path
        for path in sorted(library.rglob("*.py"))
        if "site-packages" not in path.parts and b"socket" not in path.read_bytes()
    ]
    for number, path in enumerate(islice(cycle(sources), wanted)):
        folder = root / f"package{number // 100}"
        folder.mkdir(exist_ok=True)
        shutil.copyfile(path, folder / f"module{number}.py")


def _write_realtime(root: Path, wanted: int) -> None:
    left = wanted
    for number in count():
        for rule in all_rules():
            for example in rule.examples:
                for kind, text in (("bad", example.bad), ("good", example.good)):
                    if not left:
                        return
                    folder = root / f"app{number}-{rule.name}-{example.title[:20]}-{kind}"
                    folder.mkdir(exist_ok=True)
                    name = Path(example.file_name)
                    stem = f"{name.stem.replace('.', '-')}-{left}"
                    folder.joinpath(stem + name.suffix).write_text(text, "utf-8")
                    (folder / "package.json").write_text('{"name": "app"}', "utf-8")
                    left -= 1


if __name__ == "__main__":
    main()
