"""What people own, as a viewer sees it: fields, light, stills and covers, rendered and decoded by another libav."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

import air_py
from tests.e2e.host import FORMAT_25, QUICK
from tests.media import Clip, make
from tests.media.tool import ffmpeg

Luma = NDArray[np.uint8]

PAL = (720, 576)
STEP, BAR, START = 4, 60, 40
"""Columns that the bar of the pan moves from field to field, its width, and where it begins."""
PICTURES = 30
INTERLACED = "-flags +ildct+ilme"
H264 = "-c:v libx264 -pix_fmt yuv420p -crf 12"
FIELDS = {
    "MPEG-2, top first": ("ts", 0, f"-c:v mpeg2video -q:v 2 {INTERLACED} -top 1"),
    "MPEG-2, bottom first": ("ts", 1, f"-c:v mpeg2video -q:v 2 {INTERLACED} -top 0"),
    "MBAFF, top first": ("mp4", 0, f"{H264} {INTERLACED} -vf setfield=tff"),
    "MBAFF, bottom first": ("mkv", 1, f"{H264} {INTERLACED} -vf setfield=bff"),
    "DV": ("avi", 1, "-c:v dvvideo -pix_fmt yuv420p"),
    "untagged, top first": ("mp4", 0, H264),
    "untagged, bottom first": ("mkv", 1, H264),
}
"""Container, the lines in which the earlier field lies, and how it is coded."""


@pytest.mark.parametrize("kind", FIELDS)
def test_each_field_of_a_pan_is_seen_in_its_order(kind: str, tmp_path: Path) -> None:
    """PAINS 31: at twice the rate of its pictures interlaced motion is what the camera saw."""
    places = [place(luma) for luma in rendered(pan(kind, tmp_path), 50, tmp_path)]
    assert len(places) == 2 * PICTURES
    steps = np.diff(places)
    # The first and the last field are filled in from one side only.
    assert (abs(steps[2:-2] - STEP) < STEP / 2).all(), steps


@pytest.mark.parametrize("kind", FIELDS)
def test_interlaced_pictures_show_no_comb(kind: str, tmp_path: Path) -> None:
    """PAINS 31: at the rate of its pictures, at most a tenth of the combing of the woven picture is left."""
    shown = rendered(pan(kind, tmp_path), 25, tmp_path)
    assert len(shown) == PICTURES
    comb = combing(woven(9, 0))
    assert comb > 1
    assert max(combing(luma) for luma in shown[1:-1]) < comb / 10


def test_a_wrong_order_would_be_seen(tmp_path: Path) -> None:
    """The measure of the pan tells a file that lies about its fields."""
    lying = tmp_path / "lying.ts"
    encode([woven(n, 0) for n in range(PICTURES)], f"-c:v mpeg2video -q:v 2 {INTERLACED} -top 0", lying)
    steps = np.diff([place(luma) for luma in rendered(lying, 50, tmp_path)])
    assert (steps < 0).sum() > PICTURES / 2


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_hdr_is_shown_in_the_light_of_sdr(transfer: str, tmp_path: Path) -> None:
    """PAINS 33: reference white and middle grey where BT.709 has them, and labelled so."""
    # Black, 26 cd/m² and the reference white of 203 cd/m², at 10 bits.
    codes = {"smpte2084": (64, 394, 573), "arib-std-b67": (64, 398, 721)}[transfer]
    patches = f"geq=lum='if(lt(X,214),{codes[0]},if(lt(X,428),{codes[1]},{codes[2]}))':cb=512:cr=512"
    hdr = tmp_path / "hdr.mkv"
    label = f"-color_primaries bt2020 -color_trc {transfer} -colorspace bt2020nc -color_range tv"
    source = f"color=black:s=640x360:r=25:d=1,format=yuv420p10le,{patches}"
    ffmpeg("-f", "lavfi", "-i", source, "-c:v", "libx264", "-crf", "8", *label.split(), hdr)
    out = tmp_path / "out.ts"
    air_py.render([hdr], out, format=FORMAT_25, sink=QUICK)
    with av.open(str(out)) as media:
        frame = next(media.decode(video=0))
        assert (frame.colorspace, frame.color_range) == (1, 1)
        assert (media.streams.video[0].codec_context.color_primaries, frame.color_trc) == (1, 1)
        shown = plane(frame)
    # As a display of gamma 2.4 shows the light, of which only the white is bent.
    expected = [0.0, (26 / 203) ** (1 / 2.4), 0.917]
    for x, level in zip((100, 320, 540), expected, strict=True):
        assert (shown[180, x] - 16) / 219 == pytest.approx(level, abs=0.03)


@pytest.mark.parametrize("name", ["still.png", "still.jpg", "still.webp", "still.bmp", "still"])
def test_a_still_is_shown_until_it_is_told_to_go(name: str, tmp_path: Path) -> None:
    """An image has no length of its own, and starts anywhere."""
    image = tmp_path / name
    codec = {"still": ["-f", "image2", "-c:v", "png"]}.get(name, [])
    ffmpeg("-f", "lavfi", "-i", "color=white:s=641x361", "-frames:v", "1", "-update", "1", *codec, image)
    with pytest.raises(air_py.AirError, match="never ends"):
        air_py.render([image], tmp_path / "out.ts", format=FORMAT_25, sink=QUICK)
    segment = air_py.Segment(image, start_offset_ms=5000, duration_ms=2000)
    shown = rendered(segment, 25, tmp_path, FORMAT_25)
    assert len(shown) == 50
    assert all(luma[10:-10, 10:-10].min() > 225 for luma in (shown[0], shown[49]))


@pytest.mark.parametrize("has_cover", [True, False], ids=["cover", "none"])
def test_sound_alone_shows_its_cover_for_as_long_as_it_lasts(has_cover: bool, tmp_path: Path) -> None:
    """FP-7"""
    song = tmp_path / "song.mp3"
    cover = [
        "-f",
        "lavfi",
        "-i",
        "color=white:s=300x300:d=1",
        "-map",
        "0",
        "-map",
        "1",
        "-frames:v",
        "1",
        "-c:v",
        "png",
    ]
    ffmpeg(
        *["-f", "lavfi", "-i", "sine=f=1000:d=3"],
        *(cover if has_cover else []),
        *["-disposition:v", "attached_pic"] * has_cover,
        song,
    )
    shown = rendered(song, 25, tmp_path)
    assert len(shown) == pytest.approx(75, abs=2)
    for luma in (shown[0], shown[70]):
        assert luma[288, 360] == pytest.approx(235 if has_cover else 16, abs=4)
        assert luma[288, 10] == 16


def test_a_picture_in_house_format_is_encoded_as_it_was_decoded(tmp_path: Path) -> None:
    """PF-6: through an encoder that loses nothing, what comes out is what was decoded, sample by sample."""
    clip = make(Clip(size=(1280, 720), rate=Fraction(25), seconds=1))
    labelled = tmp_path / "labelled.mp4"
    filters = "h264_metadata=matrix_coefficients=1:video_full_range_flag=0"
    ffmpeg("-i", clip, "-map", "0:v", "-c", "copy", "-bsf:v", filters, labelled)
    lossless = air_py.SinkConfig(preset="ultrafast", video_bitrate=100_000_000, video_options={"qp": "0"})
    out = tmp_path / "out.ts"
    air_py.render([labelled], out, format=air_py.ProgramFormat(1280, 720, "25/1"), sink=lossless)
    for given, got in zip(planes(labelled), planes(out), strict=True):
        assert (given == got).all()


def test_house_format_is_encoded_as_well_as_by_ffmpeg(tmp_path: Path) -> None:
    """At the same settings of the encoder the PSNR is that of the ffmpeg command line, within 0.1 dB."""
    source, by_hand, out = tmp_path / "source.mkv", tmp_path / "by_hand.ts", tmp_path / "out.ts"
    moving = "testsrc2=s=1280x720:r=25:d=2,noise=alls=12:allf=t:all_seed=7,format=yuv420p"
    label = "-color_primaries bt709 -color_trc bt709 -colorspace bt709 -color_range tv"
    ffmpeg("-f", "lavfi", "-i", moving, "-c:v", "libx264", "-preset", "ultrafast", "-qp", "0", *label.split(), source)
    rate = "-b:v 4000k -maxrate 4000k -bufsize 1200k -g 25 -threads 1"
    tuned = "-preset veryfast -tune zerolatency -aud 1 -forced-idr 1 -sc_threshold 0"
    ffmpeg("-i", source, "-c:v", "libx264", *rate.split(), *tuned.split(), by_hand)
    sink = air_py.SinkConfig(preset="veryfast", video_bitrate=4_000_000)
    air_py.render([source], out, format=air_py.ProgramFormat(1280, 720, "25/1"), sink=sink)
    given = planes(source)
    assert psnr(given, planes(out)) == pytest.approx(psnr(given, planes(by_hand)), abs=0.1)


@pytest.mark.parametrize(("matrix", "brightest"), [("hflip", (90, 550)), ("vflip", (270, 90))])
def test_a_mirrored_clip_is_shown_the_right_way_round(matrix: str, brightest: tuple[int, int], tmp_path: Path) -> None:
    """L-35: a display matrix may mirror as well as turn."""
    stored, mirrored = tmp_path / "stored.mp4", tmp_path / "mirrored.mp4"
    corner = "color=black:s=640x360:r=25:d=1,drawbox=w=320:h=180:c=white:t=fill"
    ffmpeg("-f", "lavfi", "-i", corner, "-c:v", "libx264", "-pix_fmt", "yuv420p", stored)
    content = bytearray(stored.read_bytes())
    # ISO/IEC 14496-12, 8.3.2: the matrix begins 40 bytes into a version 0 box, after its type.
    at = content.index(b"tkhd") + 44
    one, minus = (1 << 16).to_bytes(4, "big"), (-1 << 16).to_bytes(4, "big", signed=True)
    rows = (minus, one) if matrix == "hflip" else (one, minus)
    content[at : at + 4], content[at + 16 : at + 20] = rows
    mirrored.write_bytes(content)
    shown = rendered(mirrored, 25, tmp_path, air_py.ProgramFormat(640, 360, "25/1"))[5]
    y, x = brightest
    assert shown[y, x] > 225 and shown[360 - y, 640 - x] < 30


def pan(kind: str, folder: Path) -> Path:
    """The pan of a bar, coded as `FIELDS` says."""
    container, earlier, arguments = FIELDS[kind]
    path = folder / f"pan.{container}"
    encode([woven(n, earlier) for n in range(PICTURES)], arguments, path)
    return path


def woven(number: int, earlier: int) -> Luma:
    """Two fields of a bar that moves to the right; the earlier one is in the even lines or in the odd."""
    luma = np.zeros((PAL[1], PAL[0]), np.uint8)
    grain = np.random.default_rng(7).integers(0, 12, luma.shape, np.uint8)
    for field in (0, 1):
        left = START + (2 * number + field) * STEP
        lines = luma[(earlier + field) % 2 :: 2]
        lines[:] = 40
        lines[:, left : left + BAR] = 200
    luma += grain
    return luma


def place(luma: Luma) -> float:
    """The middle of the bar."""
    return float(np.nonzero(luma[20:-20] > 120)[1].mean())


def combing(luma: Luma) -> float:
    """How far lines lie apart from those two lines away, against those next to them: 0 for a whole picture."""
    lines = luma[20:-20].astype(int)
    near, far = abs(lines[1:-1] - lines[:-2]).mean(), abs(lines[2:] - lines[:-2]).mean()
    return max(float(near - far), 0.0)


def encode(pictures: list[Luma], arguments: str, path: Path) -> None:
    """Code grey pictures of PAL, which lie there as they are, without a word about their fields."""
    chroma = bytes([128]) * (PAL[0] * PAL[1] // 2)
    raw = b"".join(luma.tobytes() + chroma for luma in pictures)
    size = f"{PAL[0]}x{PAL[1]}"
    command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", size, "-r", "25"]
    subprocess.run([*command, "-i", "pipe:0", *arguments.split(), str(path)], input=raw, check=True)


def rendered(asset: Any, rate: int, folder: Path, shape: air_py.ProgramFormat | None = None) -> list[Luma]:
    """The luma of every picture that comes of the asset, by default at the size of PAL."""
    out = folder / "out.ts"
    sink = air_py.SinkConfig(preset="veryfast", video_bitrate=12_000_000)
    air_py.render([asset], out, format=shape or air_py.ProgramFormat(*PAL, f"{rate}/1"), sink=sink)
    with av.open(str(out)) as media:
        return [plane(frame) for frame in media.decode(video=0)]


def planes(path: Path) -> list[Any]:
    """Every picture with its chroma."""
    with av.open(str(path)) as media:
        return [frame.to_ndarray(format="yuv420p") for frame in media.decode(video=0)]


def psnr(given: list[Any], got: list[Any]) -> float:
    """Of all samples of all pictures, in dB."""
    errors = [((a.astype(int) - b) ** 2).mean() for a, b in zip(given, got, strict=True)]
    return float(10 * np.log10(255**2 / np.mean(errors)))


def plane(frame: av.VideoFrame) -> Luma:
    """The luma of a picture."""
    samples = frame.planes[0]
    luma: Luma = np.frombuffer(bytes(samples), np.uint8).reshape(-1, samples.line_size)
    return luma[: frame.height, : frame.width]
