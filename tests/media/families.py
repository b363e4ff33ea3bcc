"""Every kind of file that people own, by name: short, small, and a flash and a beep five times a second."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from .clip import WRAP, Clip

F = Fraction
PAL, NTSC, FILM = F(25), F(30000, 1001), F(24000, 1001)
RATES = {
    "23.976": FILM,
    "24": F(24),
    "25": PAL,
    "29.97": NTSC,
    "30": F(30),
    "50": F(50),
    "59.94": F(60000, 1001),
    "60": F(60),
}
SMALL = Clip(size=(320, 180), seconds=2, marks=5)

_PHONE = replace(SMALL, timing="phone", rate=F(60))
_PAL = replace(SMALL, rate=PAL)
_FIELDS = replace(_PAL, codec="mpeg2video", container="ts", audio="mp2", size=(720, 576), sar=F(64, 45))
_DEEP = replace(SMALL, codec="h264", pixels="yuv420p10le", rate=F(24))
_CAPTURE = replace(_PAL, container="ts")
# Whole frames of AAC and of AC-3, so that the sound of one part ends where that of the next begins.
_HALF = replace(_CAPTURE, seconds=F(48, 25))

FAMILIES: dict[str, Clip] = {
    **{f"rate-{name}": replace(SMALL, rate=rate) for name, rate in RATES.items()},
    # Times
    "vfr-phone": _PHONE,
    "vfr-misdeclared": replace(_PHONE, timing="misdeclared"),
    "rate-rounded-to-ms": replace(SMALL, rate=NTSC, container="mkv"),
    "start-at-ten-hours": replace(_CAPTURE, start=36_000),
    "start-not-zero": replace(_PAL, container="mkv", start=5),
    "stamps-wrap": replace(_CAPTURE, start=WRAP - F(5, 2)),
    "edit-list": replace(_PAL, edited=17),
    # Pictures in the stream
    "gop-250": replace(_PAL, gop=250, seconds=12, marks=1),
    "gop-open": replace(_CAPTURE, gop=12, open_gop=True),
    "gop-open-mpeg2": replace(_CAPTURE, codec="mpeg2video", gop=12, open_gop=True),
    "b-pyramid": replace(SMALL, container="mkv", rate=FILM, b_frames=5),
    "intra": replace(_PAL, gop=1, b_frames=0),
    "vp9": replace(SMALL, codec="vp9", container="webm", audio="opus"),
    "hevc": replace(SMALL, codec="hevc", container="mkv", audio="ac3"),
    # Fields
    "interlaced-top-first": replace(_FIELDS, scan="tff"),
    "interlaced-bottom-first": replace(_FIELDS, scan="bff"),
    "interlaced-h264": replace(_FIELDS, codec="h264", audio="aac", scan="tff"),
    "interlaced-untold": replace(_FIELDS, codec="h264", audio="aac", scan="tff", scan_told=False),
    # Shape
    "sar-pal-4-3": replace(_PAL, size=(720, 576), sar=F(16, 15)),
    "sar-pal-16-9": replace(_PAL, size=(720, 576), sar=F(64, 45)),
    "sar-odd": replace(SMALL, size=(1280, 720), sar=F(6525, 8624), seconds=1),
    "size-odd": replace(SMALL, codec="vp9", container="webm", audio="opus", size=(853, 480), seconds=1),
    "turned-90": replace(_PAL, turn="90"),
    "turned-180": replace(_PAL, turn="180"),
    "turned-270": replace(_PAL, turn="270"),
    "mirrored": replace(_PAL, turn="mirror"),
    "portrait": replace(_PAL, size=(360, 480), turn="90"),
    # Colour
    "prores-422-10": replace(_PAL, codec="prores", container="mov", audio="pcm24", pixels="yuv422p10le"),
    "h264-422-10": replace(_PAL, container="mkv", pixels="yuv422p10le"),
    "hdr-pq": replace(_DEEP, color="pq"),
    "hdr-hlg": replace(_DEEP, codec="hevc", container="mkv", color="hlg"),
    "range-full": replace(_PAL, color="full"),
    "matrix-601": replace(_PAL, color="bt601"),
    "matrix-709": replace(_PAL, color="bt709"),
    # Sound
    "sound-8k-mono": replace(SMALL, container="mov", audio="pcm", sample_rate=8_000, channels=1),
    "sound-11k": replace(SMALL, container="mkv", audio="pcm", sample_rate=11_025),
    "sound-22k-mp3": replace(SMALL, container="mkv", audio="mp3", sample_rate=22_050),
    "sound-32k": replace(SMALL, sample_rate=32_000),
    "sound-44k-mono": replace(SMALL, sample_rate=44_100, channels=1),
    "sound-88k": replace(SMALL, sample_rate=88_200),
    "sound-96k-pcm-24": replace(SMALL, container="mov", audio="pcm24", sample_rate=96_000),
    "sound-192k": replace(SMALL, container="mkv", audio="flac", sample_rate=192_000),
    "sound-flac-512": replace(SMALL, container="mkv", audio="flac", block=512, rate=F(60)),
    "sound-ac3-5.1": replace(SMALL, container="ts", audio="ac3", channels=6, rate=F(24)),
    "sound-mp2": replace(_CAPTURE, audio="mp2"),
    "sound-7.1": replace(SMALL, container="mov", audio="pcm", channels=8),
    "sound-late": replace(_PAL, audio_from_ms=1000),
    "sound-ends-early": replace(_PAL, audio_to_ms=1000),
    "sound-absent": replace(_PAL, audio=None),
    "sound-only": replace(_PAL, codec=None, container="flac", audio="flac"),
    "sound-only-with-cover": replace(_PAL, codec="mjpeg", container="m4a", cover=True, size=(320, 320)),
    "size-changes": replace(_HALF, start=10, parts=(replace(_HALF, size=(640, 360)),)),
    "sound-changes": replace(_HALF, start=10, audio="ac3", parts=(replace(_HALF, audio="ac3", channels=6),)),
    # Length
    "still": replace(_PAL, codec="png", container="png", audio=None, seconds=F(1, 25)),
    "one-picture": replace(_PAL, seconds=F(1, 25)),
    "three-pictures": replace(_PAL, seconds=F(3, 25)),
    "fifth-of-a-second": replace(_PAL, seconds=F(1, 5)),
    # Harm
    "truncated": replace(_CAPTURE, kept_percent=60),
    "damaged": replace(_CAPTURE, seconds=4, damaged_percent=1),
}
