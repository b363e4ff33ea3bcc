//! Opening a media file and reading its packets.
//!
//! The content decides what a file is, never its name. Formats that name other media (playlists, concat scripts,
//! image sequences, session descriptions) are refused, and a demuxer that still asks for a second file is denied
//! it: one path is one file. Nothing here decodes or chooses a frame.

use std::ffi::{CStr, c_char, c_int};
use std::fmt;
use std::path::Path;
use std::ptr::{NonNull, null, null_mut};

use ffmpeg_sys_next as ff;

use crate::error::{EPERM, Error, Result, Step, allocated, check, step};
use crate::io::Input;
use crate::{Interrupt, MediaKind, Packet, StreamInfo, init};

/// Demuxers whose input is a list or description of other inputs, or no media at all (`tty` paints any text).
const REFUSED: &str =
    "hls applehttp concat dash webm_dash_manifest imf image2 sdp rtsp rtp sap ffmetadata tty";

/// Bytes looked at to tell the format. Real files are told by their first kilobytes.
const PROBE_BYTES: u32 = 1 << 20;
/// Bytes and time read to describe the streams: enough to meet the sound of a transport stream that begins late,
/// little enough to open well within a tenth of a second.
const ANALYSE_BYTES: i64 = 5_000_000;
const ANALYSE_US: i64 = 3_000_000;

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
        let opened = init::serialised(|| Format::open(path, &mut input));
        if interrupt.is_tripped() {
            return Err(Error::Interrupted);
        }
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

    /// Length in microseconds, if known; a guess in containers without an index.
    pub fn duration_us(&self) -> Option<i64> {
        // SAFETY: the context is valid for as long as self.
        Some(unsafe { (*self.format.as_ptr()).duration }).filter(|&us| us > 0)
    }

    /// Timestamp of the first packet of any stream, in microseconds, if known.
    pub fn start_time_us(&self) -> Option<i64> {
        // SAFETY: as above.
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
            if self.input.interrupt().is_tripped() {
                return Err(Error::Interrupted);
            }
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
        if self.input.interrupt().is_tripped() {
            return Err(Error::Interrupted);
        }
        check("av_seek_frame", code).map(drop)
    }

    fn is_chosen(&self, index: usize) -> bool {
        [self.video, self.audio].contains(&Some(index))
    }

    /// An end is only one if no error of the file stands behind it.
    fn end(&self) -> Result<Option<Packet>> {
        match self.input.error() {
            _ if self.input.interrupt().is_tripped() => Err(Error::Interrupted),
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

/// The owner of an opened `AVFormatContext`, though not of its I/O.
struct Format(NonNull<ff::AVFormatContext>);

impl Format {
    fn open(path: &Path, input: &mut Input) -> Result<Self> {
        let demuxer = probe(path, input)?;
        // SAFETY: no precondition.
        let mut context = allocated(unsafe { ff::avformat_alloc_context() }).as_ptr();
        // SAFETY: the context is ours and not open; the input outlives it, by the order of Demuxer's fields and,
        // in this function's caller, by being borrowed. The name is the empty string: nothing may depend on it.
        // On failure avformat_open_input frees the context.
        let code = unsafe {
            (*context).pb = input.as_mut_ptr();
            (*context).flags |= ff::AVFMT_FLAG_CUSTOM_IO;
            (*context).io_open = Some(deny);
            (*context).interrupt_callback = input.interrupt_callback();
            (*context).probesize = ANALYSE_BYTES;
            (*context).max_analyze_duration = ANALYSE_US;
            ff::avformat_open_input(&raw mut context, c"".as_ptr(), demuxer, null_mut())
        };
        check("avformat_open_input", code)?;
        let format = Self(allocated(context));
        // SAFETY: the context is open.
        check("avformat_find_stream_info", unsafe { ff::avformat_find_stream_info(context, null_mut()) })?;
        Ok(format)
    }

    fn as_ptr(&self) -> *const ff::AVFormatContext {
        self.0.as_ptr()
    }

    fn as_mut_ptr(&mut self) -> *mut ff::AVFormatContext {
        self.0.as_ptr()
    }

    fn describe_streams(&mut self) -> Result<Vec<StreamInfo>> {
        // SAFETY: an open context has `nb_streams` valid streams.
        unsafe {
            let count = (*self.as_ptr()).nb_streams as usize;
            (0..count).map(|index| StreamInfo::read(*(*self.as_ptr()).streams.add(index))).collect()
        }
    }

    /// The best video and audio; all other streams are skipped by the demuxer from here on.
    fn choose(&mut self, streams: &[StreamInfo]) -> (Option<usize>, Option<usize>) {
        let video = match self.best(ff::AVMediaType::AVMEDIA_TYPE_VIDEO, None) {
            // libav does not always rate a film above a cover.
            Some(index) if streams[index].is_attached_picture() => {
                streams.iter().position(|s| s.kind() == MediaKind::Video && !s.is_attached_picture())
            }
            best => best,
        };
        let audio = self.best(ff::AVMediaType::AVMEDIA_TYPE_AUDIO, video);
        for index in (0..streams.len()).filter(|&index| Some(index) != video && Some(index) != audio) {
            // SAFETY: the index is below the number of streams, which were just described.
            unsafe { (**(*self.as_ptr()).streams.add(index)).discard = ff::AVDiscard::AVDISCARD_ALL };
        }
        (video, audio)
    }

    fn best(&mut self, kind: ff::AVMediaType, related: Option<usize>) -> Option<usize> {
        let related = related.and_then(|index| c_int::try_from(index).ok()).unwrap_or(-1);
        // Asking for the decoder leaves out streams that have none.
        let mut decoder = null();
        // SAFETY: the context is open and the decoder a place for a pointer.
        let index =
            unsafe { ff::av_find_best_stream(self.as_mut_ptr(), kind, -1, related, &raw mut decoder, 0) };
        usize::try_from(index).ok()
    }
}

impl Drop for Format {
    fn drop(&mut self) {
        let mut context = self.0.as_ptr();
        // SAFETY: the context came from avformat_open_input and is closed once; CUSTOM_IO leaves the I/O to us.
        unsafe { ff::avformat_close_input(&raw mut context) }
    }
}

/// Tells the format from the content alone.
fn probe(path: &Path, input: &mut Input) -> Result<*const ff::AVInputFormat> {
    let mut demuxer = null();
    let name = c"".as_ptr();
    // SAFETY: the I/O context is valid and at its start; the function rewinds it within its buffer.
    let code = unsafe {
        ff::av_probe_input_buffer2(input.as_mut_ptr(), &raw mut demuxer, name, null_mut(), 0, PROBE_BYTES)
    };
    check("av_probe_input_buffer2", code)?;
    // SAFETY: on success the demuxer is one of libav's static tables, with a terminated name.
    let (name, flags) = unsafe { (CStr::from_ptr((*demuxer).name).to_string_lossy(), (*demuxer).flags) };
    let refused = |name| REFUSED.split(' ').any(|refused| refused == name);
    if flags & ff::AVFMT_NOFILE != 0 || name.split(',').any(refused) {
        return Err(Error::Refused { path: path.to_owned(), format: name.into_owned() });
    }
    Ok(demuxer)
}

/// In place of libavformat's opening of further files, which playlists and references in files lead to.
unsafe extern "C" fn deny(
    _: *mut ff::AVFormatContext,
    _: *mut *mut ff::AVIOContext,
    _: *const c_char,
    _: c_int,
    _: *mut *mut ff::AVDictionary,
) -> c_int {
    EPERM
}
