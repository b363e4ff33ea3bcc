//! Opening a media file and reading its packets.
//!
//! The content decides what a file is, never its name. Formats that name other media (playlists, concat scripts,
//! image sequences, session descriptions) are refused, and a demuxer that still asks for a second file is denied
//! it: one path is one file. Nothing here chooses a frame; what probing decodes is libavformat's affair.

mod format;

use std::ffi::{CStr, c_int};
use std::fmt;
use std::path::Path;

use ffmpeg_sys_next as ff;

use self::format::{Format, probe};
use crate::error::{Error, Result, Step, check, step};
use crate::io::Input;
use crate::{Interrupt, Packet, StreamInfo};

/// An opened media file, giving the packets of its best video and its best audio stream.
pub struct Demuxer {
    // Declared before the input, so closed before it.
    format: Format,
    input: Input,
    streams: Vec<StreamInfo>,
    video: Option<usize>,
    audio: Option<usize>,
}

// SAFETY: a format context and its I/O may be used from any thread, one at a time. Not Sync.
unsafe impl Send for Demuxer {}

impl Demuxer {
    /// Opens a local file or FIFO and finds its streams.
    ///
    /// Blocks while the file does, but never longer than until `interrupt` is tripped, which also ends any later
    /// wait of this demuxer.
    ///
    /// # Errors
    /// One per reason: see [`Error`]. [`Error::Interrupted`] goes before any other.
    pub fn open(path: &Path, interrupt: &Interrupt) -> Result<Self> {
        let mut input = Input::open(path, interrupt)?;
        let opened = probe(path, &mut input).and_then(|demuxer| Format::open(&mut input, demuxer));
        interrupt.check()?;
        let mut format = opened?;
        let streams = format.describe_streams()?;
        let (video, audio) = format.choose(&streams);
        if video.or(audio).is_none() && !streams.iter().any(StreamInfo::is_attached_picture) {
            return Err(Error::NoStreams { path: path.to_owned() });
        }
        Ok(Self { format, input, streams, video, audio })
    }

    /// libav's names of the container, such as `mov,mp4,m4a,3gp,3g2,mj2`.
    pub fn container(&self) -> &str {
        // SAFETY: an opened context has its format, whose name is a static, terminated string.
        let name = unsafe { CStr::from_ptr((*(*self.format.as_ptr()).iformat).name) };
        name.to_str().unwrap_or("")
    }

    /// Whether the container says only when a picture is decoded: then its timestamp is that of the packet for
    /// which the decoder hands it out, [`StreamInfo::reorder_delay`] pictures late.
    pub fn stamps_decoding_only(&self) -> bool {
        self.container() == "avi"
    }

    /// Whether the clock of the container may jump, as where captures were joined; else a later stamp is later.
    pub fn clock_may_jump(&self) -> bool {
        // SAFETY: an opened context has its format, whose flags are a number.
        unsafe { (*(*self.format.as_ptr()).iformat).flags & ff::AVFMT_TS_DISCONT != 0 }
    }

    /// Whether it is an image file. libav reads those by demuxers of their own, named after the image's format, and
    /// gives them a rate, which means nothing.
    pub fn is_still(&self) -> bool {
        self.container().ends_with("_pipe")
    }

    /// Length in microseconds, if known; in containers without an index by the stamps at the end of the file. What
    /// libav guesses from a bit rate may be far from true, and is not told.
    pub fn duration_us(&self) -> Option<i64> {
        let guess = ff::AVDurationEstimationMethod::AVFMT_DURATION_FROM_BITRATE as c_int;
        // SAFETY: the context is valid for as long as self; a C enum has the size of int.
        let (us, method) = unsafe {
            let context = self.format.as_ptr();
            ((*context).duration, (&raw const (*context).duration_estimation_method).cast::<c_int>().read())
        };
        Some(us).filter(|&us| us > 0 && method != guess)
    }

    /// Timestamp of the first packet of any stream, in microseconds, if known.
    pub fn start_time_us(&self) -> Option<i64> {
        // SAFETY: the context is valid for as long as self.
        Some(unsafe { (*self.format.as_ptr()).start_time }).filter(|&us| us != ff::AV_NOPTS_VALUE)
    }

    /// All streams, in the file's order.
    pub fn streams(&self) -> &[StreamInfo] {
        &self.streams
    }

    /// The video that is read, if there is any; an attached picture is none.
    pub fn video(&self) -> Option<&StreamInfo> {
        self.video.map(|index| &self.streams[index])
    }

    /// The audio that is read, if there is any.
    pub fn audio(&self) -> Option<&StreamInfo> {
        self.audio.map(|index| &self.streams[index])
    }

    /// The still that belongs to the file, such as the cover of an album, with its only packet.
    pub fn attached_picture(&self) -> Option<(&StreamInfo, Packet)> {
        let stream = self.streams.iter().find(|stream| stream.is_attached_picture())?;
        // SAFETY: the index came from this context, whose streams live as long as it does.
        let packet = unsafe {
            let stream = *(*self.format.as_ptr()).streams.add(stream.index());
            Packet::cloned(&raw const (*stream).attached_pic)
        };
        (packet.size() > 0).then_some((stream, packet))
    }

    /// The next packet of the chosen streams, in the file's order; `None` at the end.
    ///
    /// # Errors
    /// [`Error::Interrupted`] once tripped. Any other may be damage that ends within the file: reading may go on,
    /// but a file can be all damage, so not for ever.
    pub fn read(&mut self) -> Result<Option<Packet>> {
        loop {
            self.input.interrupt().check()?;
            let mut packet = Packet::new();
            // SAFETY: the context is open and the packet blank, as av_read_frame asks.
            let code = unsafe { ff::av_read_frame(self.format.as_mut_ptr(), packet.as_mut_ptr()) };
            match step("av_read_frame", code)? {
                Step::Done(_) if self.is_chosen(packet.stream_index()) => return Ok(Some(packet)),
                // Our reader never says EAGAIN: a demuxer that does has stepped over something.
                Step::Done(_) | Step::Again => {}
                Step::End => return self.end(),
            }
        }
    }

    /// Fails once the interrupt was tripped; for work on packets that are read already, which no waiting ends.
    ///
    /// # Errors
    /// [`Error::Interrupted`].
    pub fn check_interrupt(&self) -> Result<()> {
        self.input.interrupt().check()
    }

    /// Goes to the last point at or before `ts` from which `stream` can be decoded. `ts` is in the time base of
    /// the stream. Decoders must be flushed.
    ///
    /// Some containers are indexed by decoding time, so the first picture may still be shown a little after `ts`:
    /// then ask for an earlier point.
    ///
    /// # Errors
    /// When the file cannot be sought in (a FIFO, some raw streams) or has no such stream; where the reading goes
    /// on is then undefined.
    pub fn seek_before(&mut self, stream: usize, ts: i64) -> Result<()> {
        if !self.input.is_seekable() {
            // libavformat would move within its buffer and call it done.
            return Err(Error::unsupported("seek in a FIFO"));
        }
        let stream = c_int::try_from(stream).unwrap_or(c_int::MAX);
        let (format, flags) = (self.format.as_mut_ptr(), ff::AVSEEK_FLAG_BACKWARD);
        // SAFETY: the context is open; the count is its own.
        if stream.unsigned_abs() >= unsafe { (*format).nb_streams } {
            return Err(Error::unsupported(format!("seek in stream {stream}, which the file has not")));
        }
        // SAFETY: the context is open and the stream exists.
        let code = unsafe { ff::av_seek_frame(format, stream, ts, flags) };
        self.input.interrupt().check()?;
        check("av_seek_frame", code).map(drop)
    }

    /// Whether [`seek_before`](Self::seek_before) may work: a FIFO is read as it comes.
    pub fn is_seekable(&self) -> bool {
        self.input.is_seekable()
    }

    fn is_chosen(&self, index: usize) -> bool {
        [self.video, self.audio].contains(&Some(index))
    }

    /// An end is only one if no error of the file stands behind it.
    fn end(&self) -> Result<Option<Packet>> {
        self.input.interrupt().check()?;
        match self.input.error() {
            Some(code) => check("read", code).map(|_| None),
            None => Ok(None),
        }
    }
}

impl fmt::Debug for Demuxer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (container, streams) = (self.container(), &self.streams);
        f.debug_struct("Demuxer")
            .field("container", &container)
            .field("streams", streams)
            .finish_non_exhaustive()
    }
}
