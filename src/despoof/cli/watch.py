"""`despoof watch`: a video or a camera, live: faces followed, decided over time, drawn."""

import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from despoof.cli.options import (
    INTERRUPTED,
    LIVE,
    SPOOF,
    UNDECIDED,
    DebugOption,
    DeviceOption,
    JsonOption,
    VersionOption,
    WeightsOption,
)
from despoof.cli.output import complain, console, print_json
from despoof.cli.watch_course import Course, Step
from despoof.cli.watch_print import (
    event_line,
    event_text,
    frame_line,
    summary_line,
    summary_table,
)
from despoof.core.defaults import DEFAULT_WEIGHTS
from despoof.core.errors import DespoofError

if TYPE_CHECKING:
    from despoof.core.types import Frame
    from despoof.detector import Detector

EXAMPLE = "Example: despoof watch clip.mp4 --out watched.mp4"


def watch(
    *,
    video: Annotated[
        str | None, typer.Argument(metavar="VIDEO", help="A video; or give --camera.")
    ] = None,
    camera: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Watch camera N; 0 is the first.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the annotated video: .mp4, .mov or .mkv."),
    ] = None,
    window: Annotated[
        bool, typer.Option("--window", help="Show it on the screen; q or Esc ends.")
    ] = False,
    events: Annotated[
        bool,
        typer.Option("--events", help="With --json: a line a change of verdict, not a frame."),
    ] = False,
    realtime: Annotated[
        bool,
        typer.Option("--realtime", help="Play the file at its own pace; drop what is too much."),
    ] = False,
    seconds: Annotated[
        float | None, typer.Option(min=0.0, metavar="S", help="Stop after S seconds.")
    ] = None,
    inset: Annotated[
        float,
        typer.Option(min=0.0, metavar="S", help="Renew the noise inset every S s; 0: none."),
    ] = 1.0,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="E.g. detect_every=0, evidence.agree=0.9."),
    ] = None,
    weights: WeightsOption = DEFAULT_WEIGHTS,
    threshold: Annotated[
        float | None, typer.Option(help="Live iff score > this; default: the weights' own.")
    ] = None,
    device: DeviceOption = "cpu",
    json: JsonOption = False,
    debug: DebugOption = False,
    version: VersionOption = False,
) -> int:
    """Watch a video or a camera: follow every face and decide when there is enough evidence.

    Prints a line whenever a verdict changes, and a summary. A camera is watched until --seconds
    are over, q is pressed in the window, or Ctrl-C.

    Exit code: 0 every face live · 1 a spoof · 2 undecided or failed · 64 usage · 130 Ctrl-C.
    """
    if (video is None) == (camera is None):
        raise typer.BadParameter("give either a VIDEO or --camera N.")
    if events and not json:
        raise typer.BadParameter("--events is for --json; without it only events are printed.")
    import despoof
    from despoof.core.config import override
    from despoof.detector.live.config import LiveConfig

    config = LiveConfig.parse(override({}, settings or ()), "--set")
    source = video if video is not None else f"camera:{camera}"
    frames = _frames(video, camera, realtime)
    with ExitStack() as stack, closing(frames):
        draw = _drawing(stack, out=out, source=video or "", title=source if window else "")
        detector = despoof.load(weights, threshold=threshold, device=device)
        course = Course(detector, config, source)
        show = _shown(draw, detector, inset)
        tell = _teller(json=json, events=events)
        return _run(frames, course, tell, show, limit=seconds, json=json)


def _run(
    frames: "Generator[Frame]",
    course: Course,
    tell: Callable[[Step], None],
    show: Callable[[Step], bool],
    *,
    limit: float | None,
    json: bool,
) -> int:
    """Watch until the frames, the time or the user's patience end; sum up whatever happened."""
    begin = time.perf_counter()
    failure: Exception | None = None
    interrupted = False
    try:
        for frame in frames:
            if limit is not None and (frame.time or 0.0) >= limit:
                break
            step = course(frame)
            tell(step)
            if not show(step):
                break
    except KeyboardInterrupt:
        interrupted = True
    except Exception as error:
        failure = error
    if isinstance(failure, OSError):
        raise failure  # nobody reads the output any more, or it cannot be written
    whole = course.whole(_said(failure))
    if json:
        print_json(summary_line(course, whole, time.perf_counter() - begin, _said(failure)))
    else:
        console().print(summary_table(course, whole))
    if failure is not None and not isinstance(failure, DespoofError):
        raise failure
    if failure is not None and not json:
        complain(str(failure))
    if interrupted:
        return INTERRUPTED
    return {"live": LIVE, "spoof": SPOOF, "undecided": UNDECIDED}[whole.label]


def _said(failure: Exception | None) -> str:
    if failure is None or isinstance(failure, DespoofError):
        return str(failure or "")
    return f"unexpected {type(failure).__name__}: {failure}"


def _frames(video: str | None, camera: int | None, realtime: bool) -> "Generator[Frame]":
    from despoof.cli.watch_source import newest, paced, video_frames
    from despoof.media import camera as cameras

    if camera is not None:
        return newest(cameras.open_camera(camera))
    frames = video_frames(video or "")
    return newest(paced(frames), patience=None) if realtime else frames


def _teller(*, json: bool, events: bool) -> Callable[[Step], None]:
    def tell(step: Step) -> None:
        if json and not events:
            print_json(frame_line(step))
        for event in step.events if events or not json else ():
            if json:
                print_json(event_line(step, event))
            else:
                console().print(event_text(step, event))

    return tell


Draw = Callable[["Frame"], bool]


def _drawing(stack: ExitStack, *, out: Path | None, source: str, title: str) -> list[Draw]:
    """Open what is drawn on; each takes an annotated frame and tells whether to go on."""
    found: list[Draw] = []
    if title:
        from despoof.cli.watch_window import window

        screen = stack.enter_context(window(f"despoof {title}"))
        found.append(lambda frame: screen(frame.image))
    if out is not None:
        from despoof.cli.watch_video import annotated_video

        write = stack.enter_context(annotated_video(out, source))

        def written(frame: "Frame") -> bool:
            write(frame.image, frame.time or 0.0)
            return True

        found.append(written)
    return found


def _shown(draw: list[Draw], detector: "Detector", inset: float) -> Callable[[Step], bool]:
    if not draw:
        return lambda step: True
    from dataclasses import replace

    from despoof.cli.watch_inset import NoiseInset
    from despoof.cli.watch_overlay import annotated

    noise = NoiseInset(detector, inset)

    def show(step: Step) -> bool:
        picture = annotated(step.frame.image, step.faces, noise(step.frame, step.faces))
        return all([one(replace(step.frame, image=picture)) for one in draw])

    return show
