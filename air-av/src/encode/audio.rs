//! The audio encoder: packed 16-bit samples in, coded frames of sound out, timed by counting.

use std::collections::VecDeque;
use std::ffi::c_int;

use ff::AVSampleFormat as Format;
use ffmpeg_sys_next as ff;

use super::{context, encode, keep, open};
use crate::codec::Codec;
use crate::error::{Error, Result};
use crate::frame::Frame;
use crate::samples::{ChannelLayout, SampleFormat, describe};
use crate::{Packet, Rational};

/// What an audio encoder is opened with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioEncoderConfig {
    /// libav's name of the encoder, such as `aac`.
    pub encoder: String,
    /// Samples per second and channel.
    pub sample_rate: u32,
    /// Number of channels, in the usual places.
    pub channels: u16,
    /// Rate aimed at, bits per second.
    pub bitrate: u64,
    /// Further options by libav's names, of the codec context or of the encoder. Applied last, so they win, but
    /// over the rate, the channels and how samples are stored.
    pub options: Vec<(String, String)>,
}

/// Samples per channel offered at a time to an encoder that takes any number.
const FREE_FRAME_SIZE: usize = 1024;

/// Encodes sound frame by frame. Timestamps count samples from 0, less the encoder's padding.
#[derive(Debug)]
pub struct AudioEncoder {
    codec: Codec,
    format: Format,
    layout: ChannelLayout,
    channels: usize,
    samples: i64,
}

impl AudioEncoder {
    /// Opens the encoder.
    ///
    /// # Errors
    /// [`Error::UnknownEncoder`], [`Error::UnknownOption`], [`Error::InvalidOption`]; otherwise the encoder's own
    /// refusal.
    pub fn open(config: &AudioEncoderConfig) -> Result<Self> {
        let too_large = |name, value: u64| Error::invalid(name, value, "too large");
        let rate = c_int::try_from(config.sample_rate);
        let rate = rate.map_err(|_| too_large("sample_rate", config.sample_rate.into()))?;
        let bitrate = i64::try_from(config.bitrate).map_err(|_| too_large("bitrate", config.bitrate))?;
        let mut codec = context(&config.encoder, ff::AVMediaType::AVMEDIA_TYPE_AUDIO)?;
        let format = choose_format(&codec)?;
        let layout = ChannelLayout::usual(config.channels.into());
        let context = codec.as_mut_ptr();
        // SAFETY: the context is ours and not open yet, which is when these fields are the user's to set. Audio
        // headers go beside the stream: a transport stream repeats them in its own framing.
        unsafe {
            (*context).sample_rate = rate;
            (*context).sample_fmt = format;
            (*context).bit_rate = bitrate;
            (*context).time_base = ff::AVRational { num: 1, den: rate };
            (*context).flags |= ff::AV_CODEC_FLAG_GLOBAL_HEADER as c_int;
            layout.copy_to(&raw mut (*context).ch_layout)?;
        }
        open(&mut codec, &config.options, &config.encoder, |codec| agreed(codec, rate, format, &layout))?;
        Ok(Self { codec, format, layout, channels: config.channels.into(), samples: 0 })
    }

    /// Samples per channel in every call to [`encode`](Self::encode).
    pub fn frame_size(&self) -> usize {
        // SAFETY: the context is valid for as long as self.
        let size = usize::try_from(unsafe { (*self.codec.as_ptr()).frame_size }).unwrap_or(0);
        if size == 0 { FREE_FRAME_SIZE } else { size }
    }

    /// Samples per channel the encoder puts before the first of ours; the first packet's timestamp is minus this.
    pub fn initial_padding(&self) -> u32 {
        // SAFETY: the context is valid for as long as self.
        u32::try_from(unsafe { (*self.codec.as_ptr()).initial_padding }).unwrap_or(0)
    }

    /// Encodes one frame of sound and appends the packets that are ready.
    ///
    /// # Errors
    /// [`Error::FormatChanged`] unless given exactly `frame_size × channels` samples; the encoder's failure.
    pub fn encode(&mut self, interleaved: &[i16], out: &mut VecDeque<Packet>) -> Result<()> {
        let frame_size = self.frame_size();
        let expected = frame_size * self.channels;
        if interleaved.len() != expected {
            let samples = |count: usize| format!("{count} samples");
            return Err(Error::FormatChanged {
                expected: samples(expected),
                got: samples(interleaved.len()),
            });
        }
        let mut frame = self.blank_frame(frame_size)?;
        fill(&mut frame, self.format, self.channels, interleaved)?;
        frame.set_pts(Some(self.samples));
        self.samples += frame_size.cast_signed() as i64;
        encode(&mut self.codec, Some(&frame), out)
    }

    /// Ends the stream and appends what the encoder still held. Nothing can be encoded afterwards.
    ///
    /// # Errors
    /// The encoder's failure.
    pub fn finish(&mut self, out: &mut VecDeque<Packet>) -> Result<()> {
        encode(&mut self.codec, None, out)
    }

    /// The codec's header, for AAC the AudioSpecificConfig of ISO/IEC 14496-3.
    pub fn extradata(&self) -> &[u8] {
        self.codec.extradata()
    }

    fn blank_frame(&self, frame_size: usize) -> Result<Frame> {
        let nb_samples = c_int::try_from(frame_size);
        let nb_samples = nb_samples.map_err(|_| Error::invalid("frame_size", frame_size, "too large"))?;
        let mut frame = Frame::new();
        let fields = frame.as_mut_ptr();
        // SAFETY: the frame is fresh and ours, the codec context valid.
        unsafe {
            (*fields).format = self.format as c_int;
            (*fields).nb_samples = nb_samples;
            (*fields).sample_rate = (*self.codec.as_ptr()).sample_rate;
            self.layout.copy_to(&raw mut (*fields).ch_layout)?;
        }
        frame.allocate()?;
        Ok(frame)
    }
}

/// Encoders read frames by what their context says: it must say what `blank_frame` makes.
fn agreed(codec: &Codec, rate: c_int, format: Format, layout: &ChannelLayout) -> Result<()> {
    let context = codec.as_ptr();
    // SAFETY: the context is valid as long as the codec; enums are read as integers, which C gives them the size
    // of.
    let (got_rate, time_base, flags, got_format) = unsafe {
        let format = (&raw const (*context).sample_fmt).cast::<c_int>().read();
        ((*context).sample_rate, (*context).time_base, (*context).flags, format)
    };
    // SAFETY: the layout is part of a valid context.
    let got_layout = unsafe { describe(&raw const (*context).ch_layout) };
    keep("sample_rate", got_rate, rate)?;
    keep("sample_fmt", SampleFormat(got_format), SampleFormat(format as c_int))?;
    keep("time_base", Rational::from(time_base), Rational::new(1, rate))?;
    keep("ch_layout", got_layout, layout.describe())?;
    keep("flags", flags & ff::AV_CODEC_FLAG_GLOBAL_HEADER as c_int != 0, true)
}

/// The first of the formats we can make that the encoder takes, cheapest first.
fn choose_format(codec: &Codec) -> Result<Format> {
    const OURS: [Format; 4] = [
        Format::AV_SAMPLE_FMT_S16,
        Format::AV_SAMPLE_FMT_S16P,
        Format::AV_SAMPLE_FMT_FLTP,
        Format::AV_SAMPLE_FMT_FLT,
    ];
    // SAFETY: an allocated context knows its codec; the list is null or ends with NONE, and is read as integers.
    let takes = |wanted: Format| unsafe {
        let mut listed = (*(*codec.as_ptr()).codec).sample_fmts.cast::<c_int>();
        while !listed.is_null() && *listed != Format::AV_SAMPLE_FMT_NONE as c_int {
            if *listed == wanted as c_int {
                return true;
            }
            listed = listed.add(1);
        }
        false
    };
    let unsupported = || Error::unsupported("encoder that takes neither 16-bit nor float samples");
    OURS.into_iter().find(|&format| takes(format)).ok_or_else(unsupported)
}

/// Writes packed 16-bit samples into a fresh frame, in the frame's own format.
fn fill(frame: &mut Frame, format: Format, channels: usize, interleaved: &[i16]) -> Result<()> {
    let to_float = |sample: i16| f32::from(sample) / 32768.0;
    match format {
        Format::AV_SAMPLE_FMT_S16 => write_plane(frame, 0, interleaved.iter().copied()),
        Format::AV_SAMPLE_FMT_FLT => write_plane(frame, 0, interleaved.iter().copied().map(to_float)),
        _ => (0..channels).try_for_each(|channel| {
            let samples = interleaved.iter().copied().skip(channel).step_by(channels);
            match format {
                Format::AV_SAMPLE_FMT_S16P => write_plane(frame, channel, samples),
                _ => write_plane(frame, channel, samples.map(to_float)),
            }
        }),
    }
}

fn write_plane<T>(frame: &mut Frame, plane: usize, samples: impl ExactSizeIterator<Item = T>) -> Result<()> {
    let start = frame.bytes(plane, samples.len() * size_of::<T>()).map(|start| start.cast::<T>());
    let start = start.filter(|start| start.is_aligned());
    let start = start.ok_or_else(|| Error::unsupported("sound without samples"))?;
    for (index, sample) in samples.enumerate() {
        // SAFETY: `bytes` proved room for `samples.len()` of them, aligned; the frame was allocated by us and is
        // not shared yet.
        unsafe { start.add(index).write(sample) };
    }
    Ok(())
}
