//! The video encoder: 4:2:0 pictures in, an elementary stream out that can be joined at every IDR.

use std::collections::VecDeque;
use std::ffi::c_int;

use ffmpeg_sys_next as ff;

use super::{context, encode, keep, open};
use crate::codec::{Codec, thread_count};
use crate::error::{Error, Result};
use crate::{Color, Packet, Picture, PixelFormat, Rational};

/// What a video encoder is opened with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideoEncoderConfig {
    /// libav's name of the encoder, such as `libx264`.
    pub encoder: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in lines.
    pub height: u32,
    /// Pictures per second.
    pub frame_rate: Rational,
    /// Average rate aimed at, bits per second.
    pub bitrate: u64,
    /// Rate never exceeded into the buffer, bits per second; 0 for no limit.
    pub max_bitrate: u64,
    /// Size of the decoder's buffer the rate is kept for, in bits; 0 for none.
    pub vbv_buffer_bits: u64,
    /// Most pictures from one key picture to the next.
    pub gop: u32,
    /// Threads; 0 leaves the choice to the encoder.
    pub threads: u32,
    /// Further options by libav's names, of the codec context or of the encoder. Applied last, so they win, but
    /// over what [`VideoEncoder`] promises, and none may name a file.
    pub options: Vec<(String, String)>,
}

/// Encodes pictures of one size: yuv420p, BT.709 limited range, square pixels.
///
/// Parameter sets are in the stream, not beside it. Pictures are not copied on the way in.
#[derive(Debug)]
pub struct VideoEncoder {
    codec: Codec,
    width: u32,
    height: u32,
}

impl VideoEncoder {
    /// Opens the encoder.
    ///
    /// # Errors
    /// [`Error::UnknownEncoder`], [`Error::UnknownOption`], [`Error::InvalidOption`]; [`Error::Unsupported`] for an
    /// encoder that puts its headers beside the stream; otherwise the encoder's own refusal.
    pub fn open(config: &VideoEncoderConfig) -> Result<Self> {
        let mut codec = context(&config.encoder, ff::AVMediaType::AVMEDIA_TYPE_VIDEO)?;
        describe(&mut codec, config)?;
        // Otherwise a forced picture may be an I picture that is no IDR. Not every encoder needs to be told.
        match codec.set_option("forced-idr", "1", &config.encoder) {
            Ok(()) | Err(Error::UnknownOption { .. }) => {}
            Err(error) => return Err(error),
        }
        let set = Described::read(&codec);
        open(&mut codec, &config.options, &config.encoder, |codec| Described::read(codec).keeps(&set))?;
        if !codec.extradata().is_empty() {
            return Err(Error::unsupported(format!("{} with its headers beside the stream", config.encoder)));
        }
        Ok(Self { codec, width: config.width, height: config.height })
    }

    /// Encodes a picture to be shown at `tick`, counted in frame periods and rising from call to call, and
    /// appends the packets that are ready. Their timestamps count frame periods too; with B pictures the first
    /// decoding times are negative. `force_idr` makes it an IDR with parameter sets.
    ///
    /// # Errors
    /// [`Error::FormatChanged`] for a picture of another size or layout; the encoder's failure.
    pub fn encode(
        &mut self,
        picture: &Picture,
        tick: i64,
        force_idr: bool,
        out: &mut VecDeque<Packet>,
    ) -> Result<()> {
        self.check_format(picture)?;
        let mut frame = picture.to_frame()?;
        frame.set_pts(Some(tick));
        frame.forget_source(match force_idr {
            true => ff::AVPictureType::AV_PICTURE_TYPE_I,
            false => ff::AVPictureType::AV_PICTURE_TYPE_NONE,
        });
        encode(&mut self.codec, Some(&frame), out)
    }

    /// Ends the stream and appends what the encoder still held. Nothing can be encoded afterwards.
    ///
    /// # Errors
    /// The encoder's failure.
    pub fn finish(&mut self, out: &mut VecDeque<Packet>) -> Result<()> {
        encode(&mut self.codec, None, out)
    }

    /// Headers beside the stream; always empty, since encoders must put them within.
    pub fn extradata(&self) -> &[u8] {
        self.codec.extradata()
    }

    /// Encoders trust the size they were opened with and read that far: nothing else may reach them.
    fn check_format(&self, picture: &Picture) -> Result<()> {
        let format = picture.format();
        let same = (format.width, format.height) == (self.width, self.height)
            && format.pixel_format == PixelFormat::Yuv420p
            && (0..3).all(|plane| picture.plane(plane).rows > 0);
        if same {
            return Ok(());
        }
        let expected = format!("{}x{} {}", self.width, self.height, PixelFormat::Yuv420p);
        Err(Error::FormatChanged { expected, got: format.to_string() })
    }
}

fn describe(codec: &mut Codec, config: &VideoEncoderConfig) -> Result<()> {
    let frame_rate = config.frame_rate.positive();
    let frame_rate = frame_rate
        .ok_or_else(|| Error::invalid("frame_rate", config.frame_rate, "both terms must be above zero"))?;
    let (width, height) = (int("width", config.width.into())?, int("height", config.height.into())?);
    let gop = int("gop", config.gop.into())?;
    let buffer = int("vbv_buffer_bits", config.vbv_buffer_bits)?;
    let (rate, most) = (long("bitrate", config.bitrate)?, long("max_bitrate", config.max_bitrate)?);
    let color = Color::BT709_LIMITED;
    let context = codec.as_mut_ptr();
    // SAFETY: the context is ours and not open yet, which is when these fields are the user's to set; the colours
    // are written as the integers they are in C, values that libav's enums hold.
    unsafe {
        (*context).width = width;
        (*context).height = height;
        (*context).pix_fmt = ff::AVPixelFormat::AV_PIX_FMT_YUV420P;
        (*context).sample_aspect_ratio = Rational::new(1, 1).into();
        (*context).framerate = frame_rate.into();
        (*context).time_base = frame_rate.inverse().into();
        (*context).bit_rate = rate;
        (*context).rc_max_rate = most;
        (*context).rc_buffer_size = buffer;
        (*context).gop_size = gop;
        (*context).thread_count = thread_count(config.threads);
        (&raw mut (*context).color_range).cast::<c_int>().write(color.av_range());
        (&raw mut (*context).color_primaries).cast::<c_int>().write(color.primaries.into());
        (&raw mut (*context).color_trc).cast::<c_int>().write(color.transfer.into());
        (&raw mut (*context).colorspace).cast::<c_int>().write(color.matrix.into());
    }
    Ok(())
}

/// What the context says of the pictures and the stream, on which the encoder's reading of our frames relies, or
/// the stream's receivers do.
struct Described {
    size: (c_int, c_int),
    pix_fmt: PixelFormat,
    time_base: Rational,
    sample_aspect_ratio: Rational,
    color: Color,
    /// Those of the flags that put headers beside the stream or make the encoder keep files.
    flags: c_int,
}

impl Described {
    fn read(codec: &Codec) -> Self {
        const FLAGS: u32 =
            ff::AV_CODEC_FLAG_GLOBAL_HEADER | ff::AV_CODEC_FLAG_PASS1 | ff::AV_CODEC_FLAG_PASS2;
        let context = codec.as_ptr();
        // SAFETY: the context is valid as long as the codec; enums are read as integers, which C gives them the
        // size of.
        unsafe {
            Self {
                size: ((*context).width, (*context).height),
                pix_fmt: PixelFormat::from_av((&raw const (*context).pix_fmt).cast::<c_int>().read()),
                time_base: (*context).time_base.into(),
                sample_aspect_ratio: (*context).sample_aspect_ratio.into(),
                color: Color::from_av(
                    (&raw const (*context).color_range).cast::<c_int>().read(),
                    (&raw const (*context).color_primaries).cast::<c_int>().read(),
                    (&raw const (*context).color_trc).cast::<c_int>().read(),
                    (&raw const (*context).colorspace).cast::<c_int>().read(),
                ),
                flags: (*context).flags & FLAGS as c_int,
            }
        }
    }

    fn keeps(&self, set: &Self) -> Result<()> {
        keep("video_size", self.size, set.size)?;
        keep("pixel_format", self.pix_fmt, set.pix_fmt)?;
        keep("time_base", self.time_base, set.time_base)?;
        keep("aspect", self.sample_aspect_ratio, set.sample_aspect_ratio)?;
        keep("color", self.color, set.color)?;
        keep("flags", self.flags, set.flags)
    }
}

fn int(name: &str, value: u64) -> Result<c_int> {
    c_int::try_from(value).map_err(|_| Error::invalid(name, value, "too large"))
}

fn long(name: &str, value: u64) -> Result<i64> {
    i64::try_from(value).map_err(|_| Error::invalid(name, value, "too large"))
}
