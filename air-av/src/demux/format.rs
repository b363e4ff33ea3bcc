//! Telling what a file is, opening it as that, and describing its streams: one file, and no other.

use std::ffi::{CStr, c_char, c_int};
use std::path::Path;
use std::ptr::{NonNull, null, null_mut};

use ffmpeg_sys_next as ff;

use crate::codec::MAX_PIXELS;
use crate::error::{EPERM, Error, Result, allocated, check};
use crate::io::Input;
use crate::{MediaKind, StreamInfo};

/// Demuxers whose input is a list or description of other inputs or a script that computes them, which look for
/// a companion file (`vobsub`), or whose input is no media at all (`tty` paints any text, `sbg` makes sound of
/// it). Those of devices and discs, and `image2`, are known by taking no file.
const REFUSED: &str = "hls applehttp concat dash webm_dash_manifest imf sdp rtsp rtp sap avisynth vapoursynth \
     vobsub ffmetadata tty sbg";

/// Bytes looked at to tell the format. Real files are told by their first kilobytes.
const PROBE_BYTES: u32 = 1 << 20;
/// Bytes and time read to describe the streams: enough to meet the sound of a transport stream that begins late,
/// little enough to open well within a tenth of a second.
const ANALYSE_BYTES: i64 = 5_000_000;
const ANALYSE_US: i64 = 3_000_000;

/// The owner of an opened `AVFormatContext`, though not of its I/O.
pub(super) struct Format(NonNull<ff::AVFormatContext>);

impl Format {
    /// Opens the input as what it was found to be.
    pub(super) fn open(input: &mut Input, demuxer: InputFormat) -> Result<Self> {
        input.interrupt().check()?;
        // SAFETY: no precondition.
        let mut context = allocated(unsafe { ff::avformat_alloc_context() }).as_ptr();
        // SAFETY: the context is ours and not open; the input outlives it, by the order of Demuxer's fields and,
        // in this function's caller, by being borrowed. The name is the empty string: nothing may depend on it.
        // The context frees the whitelist, and avformat_open_input, when it fails, the context.
        let code = unsafe {
            (*context).pb = input.as_mut_ptr();
            (*context).flags |= ff::AVFMT_FLAG_CUSTOM_IO;
            (*context).io_open = Some(deny);
            // A demuxer within a demuxer takes over no `io_open`, but this: it too opens nothing.
            (*context).protocol_whitelist = allocated(ff::av_strdup(c"none".as_ptr())).as_ptr();
            (*context).interrupt_callback = input.interrupt_callback();
            (*context).probesize = ANALYSE_BYTES;
            (*context).max_analyze_duration = ANALYSE_US;
            ff::avformat_open_input(&raw mut context, c"".as_ptr(), demuxer.0, null_mut())
        };
        check("avformat_open_input", code)?;
        let mut format = Self(allocated(context));
        input.interrupt().check()?;
        format.find_stream_info()?;
        Ok(format)
    }

    /// Reads and decodes until the streams are known, within the limit to pictures that our decoders have. Streams
    /// that show only while this reads, as in MPEG-PS and FLV, have libav's own limit meanwhile.
    fn find_stream_info(&mut self) -> Result<()> {
        let context = self.as_mut_ptr();
        // SAFETY: the context is open.
        let mut options = vec![null_mut(); unsafe { (*context).nb_streams } as usize];
        // SAFETY: a null dictionary is an empty one, which av_dict_set allocates and av_dict_free takes away;
        // libavformat asks for as many as there are streams, and the context is open.
        let code = unsafe {
            for stream in &mut options {
                ff::av_dict_set_int(stream, c"max_pixels".as_ptr(), MAX_PIXELS, 0);
            }
            let code = ff::avformat_find_stream_info(context, options.as_mut_ptr());
            options.iter_mut().for_each(|stream| ff::av_dict_free(stream));
            code
        };
        check("avformat_find_stream_info", code).map(drop)
    }

    pub(super) fn as_ptr(&self) -> *const ff::AVFormatContext {
        self.0.as_ptr()
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut ff::AVFormatContext {
        self.0.as_ptr()
    }

    pub(super) fn describe_streams(&mut self) -> Result<Vec<StreamInfo>> {
        // SAFETY: an open context has `nb_streams` valid streams.
        unsafe {
            let count = (*self.as_ptr()).nb_streams as usize;
            (0..count).map(|index| StreamInfo::read(*(*self.as_ptr()).streams.add(index))).collect()
        }
    }

    /// The best video and audio; all other streams are skipped by the demuxer from here on.
    pub(super) fn choose(&mut self, streams: &[StreamInfo]) -> (Option<usize>, Option<usize>) {
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

/// One of the demuxers that libav registers.
#[derive(Clone, Copy)]
pub(super) struct InputFormat(*const ff::AVInputFormat);

/// Tells the format from the content alone.
pub(super) fn probe(path: &Path, input: &mut Input) -> Result<InputFormat> {
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
    Ok(InputFormat(demuxer))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Interrupt;

    /// How libav's demuxer of that name fails on a script, which is kept from it otherwise.
    fn failure(format: &CStr, script: &str) -> c_int {
        let name = format!("air-av-{}-{}", std::process::id(), format.to_string_lossy());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, script).unwrap();
        let mut input = Input::open(&path, &Interrupt::new()).unwrap();
        std::fs::remove_file(&path).unwrap();
        // SAFETY: the name is terminated.
        let demuxer = InputFormat(unsafe { ff::av_find_input_format(format.as_ptr()) });
        match Format::open(&mut input, demuxer).err() {
            Some(Error::Av { code, .. }) => code,
            other => panic!("{other:?}"),
        }
    }

    /// The fences behind the list, not to be seen from outside for as long as that is complete. The second file is
    /// there, if no media: an error of its content would show that it was read.
    #[test]
    fn a_demuxer_that_asks_for_a_second_file_is_denied_it() {
        let variant = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let playlist = format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{variant}\n");
        assert_eq!(failure(c"hls", &playlist), EPERM, "by `deny`");
        // A safe name, as this demuxer has it, is a relative one: tests run in the folder of the manifest.
        let not_on_whitelist = ff::AVERROR(ff::EINVAL);
        assert_eq!(failure(c"concat", "ffconcat version 1.0\nfile Cargo.toml\n"), not_on_whitelist);
    }
}
