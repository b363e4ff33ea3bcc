//! The program format (house format) of a channel, and its JSON as StartChannel carries it.
//!
//! Every picture and sample upstream of a sink is in this format (PF-6), fixed for the session (PF-4).
//! It names no codec, bitrate, GOP or container: those are the sink's (PF-5), and so is the question
//! whether a codec can carry the sample rate and channels chosen here, which is asked at attach (PF-7).

use std::fmt;
use std::marker::PhantomData;
use std::ops::RangeInclusive;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::{Value, json};

use crate::time::FrameRate;

/// Pixels along one side of a picture.
const SIDE: RangeInclusive<u64> = 16..=8192;
/// Samples per second and channel.
const SAMPLE_RATE: RangeInclusive<u64> = 8_000..=192_000;
/// Mono to 7.1.
const CHANNELS: RangeInclusive<u64> = 1..=8;

/// What a channel's pictures and sound are, from the producers to the sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgramFormat {
    /// The picture half.
    pub video: VideoFormat,
    /// The sound half.
    pub audio: AudioFormat,
}

/// Pictures: YUV 4:2:0, 8 bits, square samples, progressive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VideoFormat {
    /// Pixels, even, 16 to 8192.
    pub width: u32,
    /// Pixels, even, 16 to 8192.
    pub height: u32,
    /// Frames per second, 1 to 1000, as the ratio that was given.
    pub frame_rate: FrameRate,
}

/// Sound: signed 16 bits, interleaved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioFormat {
    /// Samples per second and channel, 8000 to 192000.
    pub sample_rate: u32,
    /// 1 to 8.
    pub channels: u16,
}

/// Why a program format was refused: which field, and what stood there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// The text is not JSON, or not the objects that the format is made of.
    #[error("program format: {reason}")]
    Json {
        /// What the parser found, with line and column.
        reason: String,
    },
    /// A field is absent or null.
    #[error("program format: {field} is missing")]
    Missing {
        /// Its dotted name.
        field: &'static str,
    },
    /// A field has the wrong type, or a value out of its range.
    #[error("program format: {field} is {value}, but must be {expected}")]
    Invalid {
        /// Its dotted name.
        field: &'static str,
        /// The JSON that stood there, shortened.
        value: String,
        /// What may stand there.
        expected: &'static str,
    },
}

impl ProgramFormat {
    /// Numbers of the samples that house frame `index` of a segment carries, per channel: from ⌈index·r⌉ up to, not
    /// including, ⌈(index+1)·r⌉, r being samples per frame.
    pub fn samples_of_house_frame(&self, index: u64) -> std::ops::Range<u64> {
        let (rate, hz) = (self.video.frame_rate, u64::from(self.audio.sample_rate));
        rate.frames_to_units_ceil(index, hz)..rate.frames_to_units_ceil(index + 1, hz)
    }

    /// Reads the JSON of StartChannel. Types are strict, unknown fields are ignored at every level,
    /// a field given twice is refused.
    pub fn from_json(text: &str) -> Result<ProgramFormat, FormatError> {
        let root: Object<Root> =
            serde_json::from_str(text).map_err(|error| FormatError::Json { reason: error.to_string() })?;
        let video = root.0.video.ok_or(FormatError::Missing { field: "video" })?.0;
        let audio = root.0.audio.ok_or(FormatError::Missing { field: "audio" })?.0;
        Ok(ProgramFormat {
            video: VideoFormat {
                width: side("video.width", &video.width)?,
                height: side("video.height", &video.height)?,
                frame_rate: frame_rate("video.frame_rate", &video.frame_rate)?,
            },
            audio: AudioFormat {
                sample_rate: sample_rate("audio.sample_rate", &audio.sample_rate)?,
                channels: channels("audio.channels", &audio.channels)?,
            },
        })
    }

    /// The same format as JSON; [`ProgramFormat::from_json`] reads it back unchanged.
    pub fn to_json(&self) -> String {
        json!({
            "video": {
                "width": self.video.width,
                "height": self.video.height,
                "frame_rate": self.video.frame_rate.to_string(),
            },
            "audio": { "sample_rate": self.audio.sample_rate, "channels": self.audio.channels },
        })
        .to_string()
    }
}

fn side(field: &'static str, value: &Value) -> Result<u32, FormatError> {
    let even = value.as_u64().filter(|side| SIDE.contains(side) && side % 2 == 0);
    let expected = "an even integer from 16 to 8192 (4:2:0 halves both sides)";
    given(field, value, expected, even.map(|side| side as u32))
}

fn sample_rate(field: &'static str, value: &Value) -> Result<u32, FormatError> {
    let rate = value.as_u64().filter(|rate| SAMPLE_RATE.contains(rate));
    given(field, value, "an integer from 8000 to 192000", rate.map(|rate| rate as u32))
}

fn channels(field: &'static str, value: &Value) -> Result<u16, FormatError> {
    let count = value.as_u64().filter(|count| CHANNELS.contains(count));
    given(field, value, "an integer from 1 to 8", count.map(|count| count as u16))
}

fn frame_rate(field: &'static str, value: &Value) -> Result<FrameRate, FormatError> {
    let rate = value.as_str().and_then(|text| {
        let (num, den) = text.split_once('/')?;
        FrameRate::new(whole(num)?, whole(den)?).ok()
    });
    let at_least_one_a_second = rate.filter(|rate| rate.num() >= rate.den());
    given(field, value, "a string \"N/D\" from 1 to 1000 frames per second", at_least_one_a_second)
}

/// Digits only: `u32::from_str` would also take a plus sign.
fn whole(digits: &str) -> Option<u32> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// `read`, or the error that says what stood at `field` instead.
fn given<T>(
    field: &'static str,
    value: &Value,
    expected: &'static str,
    read: Option<T>,
) -> Result<T, FormatError> {
    read.ok_or_else(|| match value {
        Value::Null => FormatError::Missing { field },
        _ => FormatError::Invalid { field, value: shortened(value), expected },
    })
}

/// As much of a hostile value as a log line can bear.
fn shortened(value: &Value) -> String {
    const MOST: usize = 40;
    let text = value.to_string();
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[derive(Deserialize)]
struct Root {
    video: Option<Object<Video>>,
    audio: Option<Object<Audio>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Video {
    width: Value,
    height: Value,
    frame_rate: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Audio {
    sample_rate: Value,
    channels: Value,
}

/// A `T` that was written as a JSON object: serde's derive alone would take an array as well.
struct Object<T>(T);

trait Named {
    const NAME: &'static str;
}

impl Named for Root {
    const NAME: &'static str = "an object with video and audio";
}

impl Named for Video {
    const NAME: &'static str = "an object for video";
}

impl Named for Audio {
    const NAME: &'static str = "an object for audio";
}

impl<'de, T: Deserialize<'de> + Named> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + Named> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::NAME)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"video":{"width":1280,"height":720,"frame_rate":"30000/1001"},
        "audio":{"sample_rate":48000,"channels":2}}"#;

    /// PF-2, PF-8: what is not ours is not read, wherever it stands; the ratio stays the ratio given.
    #[test]
    fn unknown_fields_are_ignored_at_every_level() {
        let text = r#" { "x":{"width":7,"width":8,"frame_rate":[["1/0"]]}, "audio" : {"channels":2,
            "codec":"aac", "sample_rate":48000}, "video":{"deep":{"height":1},"frame_rate":"30000/1001",
            "height":720,"width":1280}, "y":null } "#;
        let format = ProgramFormat::from_json(text).unwrap();
        assert_eq!(Ok(format), ProgramFormat::from_json(GOOD));
        assert_eq!(format.video.frame_rate, FrameRate::new(30000, 1001).unwrap());
        assert_eq!(ProgramFormat::from_json(&format.to_json()), Ok(format));
    }

    #[test]
    fn the_limits_themselves_are_good() {
        for (field, low, high) in [
            ("1280", "16", "8192"),
            ("720", "16", "8192"),
            ("30000/1001", "1/1", "1000/1"),
            ("48000", "8000", "192000"),
            (":2}", ":1}", ":8}"),
        ] {
            for limit in [low, high] {
                ProgramFormat::from_json(&GOOD.replace(field, limit)).unwrap();
            }
        }
    }

    /// PF-1: each is refused, and the message names the field or the place, and what stood there.
    #[test]
    fn a_bad_format_is_refused_by_name() {
        let swaps = [
            (r#""width":1280,"#, "", "video.width is missing"),
            (r#""frame_rate":"30000/1001""#, r#""frame":1"#, "video.frame_rate is missing"),
            (r#""channels":2"#, r#""channels":null"#, "audio.channels is missing"),
            ("1280", "1280.0", "video.width is 1280.0"),
            ("1280", r#""1280""#, r#"video.width is "1280""#),
            ("1280", "-1280", "video.width is -1280"),
            ("1280", "0", "video.width is 0"),
            ("1280", "1281", "even integer"),
            ("1280", "8194", "video.width is 8194"),
            ("1280", "18446744073709551616", "video.width is 1.8446744"),
            ("1280", "4294968576", "video.width is 4294968576"),
            ("1280", "1e999", "out of range"),
            ("1280", "NaN", "line 1 column"),
            ("1280", r#"1280,"width":1280"#, "duplicate field `width`"),
            ("720", "true", "video.height is true"),
            ("720", "14", "video.height is 14"),
            ("720", "[720]", "video.height is [720]"),
            ("720", r#"{"value":720}"#, "video.height is {"),
            (r#""30000/1001""#, "29.97", "video.frame_rate is 29.97"),
            ("30000/1001", "29.97", r#"video.frame_rate is "29.97""#),
            ("30000/1001", "30", r#"video.frame_rate is "30""#),
            ("30000/1001", "30/0", r#"video.frame_rate is "30/0""#),
            ("30000/1001", "0/1", r#"video.frame_rate is "0/1""#),
            ("30000/1001", "-30/1", r#"video.frame_rate is "-30/1""#),
            ("30000/1001", "+30/1", r#"video.frame_rate is "+30/1""#),
            ("30000/1001", "30 / 1", r#"video.frame_rate is "30 / 1""#),
            ("30000/1001", "30/1/1", r#"video.frame_rate is "30/1/1""#),
            ("30000/1001", "/", r#"video.frame_rate is "/""#),
            ("30000/1001", "1001/1", "1 to 1000 frames per second"),
            ("30000/1001", "1/2", "1 to 1000 frames per second"),
            ("30000/1001", "99999999999/1", "video.frame_rate is"),
            ("48000", "7999", "audio.sample_rate is 7999"),
            ("48000", "192001", "audio.sample_rate is 192001"),
            (":2}", ":0}", "audio.channels is 0"),
            (":2}", ":9}", "audio.channels is 9"),
            (":2}", ":65538}", "audio.channels is 65538"),
            (r#"{"sample_rate":48000,"channels":2}"#, "[48000,2]", "expected an object for audio"),
            (r#"{"sample_rate":48000,"channels":2}"#, "null", "audio is missing"),
            (r#""audio""#, r#""video""#, "duplicate field `video`"),
            (r#""audio""#, r#""sound""#, "audio is missing"),
            ("2}}", "2}} x", "trailing characters"),
            ("2}}", "2}", "line 2 column"),
        ];
        for (good, bad, says) in swaps {
            assert!(GOOD.contains(good), "{good}");
            let error = ProgramFormat::from_json(&GOOD.replacen(good, bad, 1)).expect_err(bad).to_string();
            assert!(error.contains(says), "{bad}: {error}");
        }
        let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let buried = GOOD.replace("1280", &nested);
        for text in ["", " ", "null", "[]", "7", "{", "width=1280", "\u{feff}{}", "{}", &nested, &buried] {
            assert!(ProgramFormat::from_json(text).is_err(), "{text:.40}");
        }
    }

    #[test]
    fn a_hostile_value_is_quoted_only_in_part() {
        let error = ProgramFormat::from_json(&GOOD.replace("30000/1001", &"é".repeat(5000))).unwrap_err();
        assert!(error.to_string().len() < 250, "{error}");
    }
}
