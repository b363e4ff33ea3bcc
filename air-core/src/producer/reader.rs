//! Packets of one file, handed out per stream, however its container interleaves them.
//!
//! Compressed packets of the stream that is not asked for wait here: they are small, decoded ones are not.

use std::collections::VecDeque;

use air_av::{Demuxer, Packet};

use super::faults::Faults;

/// Packets that may wait for one stream while the other is looked for: about ten seconds of
/// broadcast-rate video. A container whose streams lie further apart gives silence, or a picture that stands,
/// not a stall.
const LOOK_AHEAD_BYTES: usize = 64 << 20;

/// Damaged reads in a row after which the file is taken to have ended.
const MAX_READ_ERRORS: u32 = 64;

/// Which of the two streams a packet is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Track {
    /// The picture.
    Video,
    /// The sound.
    Audio,
}

/// Answer to "the next packet of this track, please".
#[derive(Debug)]
pub enum Read {
    /// Here it is.
    Packet(Packet),
    /// The file has no more of this track.
    End,
    /// None within the look-ahead; others wait. There may be one when some of those are taken.
    TooFar,
}

/// Splits a demuxer into its two tracks.
#[derive(Debug)]
pub struct Reader {
    demuxer: Demuxer,
    video: Waiting,
    audio: Waiting,
    ended: bool,
    faults: Faults,
}

#[derive(Debug, Default)]
struct Waiting {
    packets: VecDeque<Packet>,
    bytes: usize,
    stream: Option<usize>,
}

impl Reader {
    /// Reads the best video and the best audio stream of `demuxer`, which reads `asset`.
    pub fn new(demuxer: Demuxer, asset: &str) -> Reader {
        let waiting = |stream: Option<&air_av::StreamInfo>| Waiting {
            stream: stream.map(|stream| stream.index()),
            ..Waiting::default()
        };
        let (video, audio) = (waiting(demuxer.video()), waiting(demuxer.audio()));
        Reader { demuxer, video, audio, ended: false, faults: Faults::new(asset, "reading") }
    }

    /// The next packet of `track`, in file order.
    pub fn next(&mut self, track: Track) -> Result<Read, air_av::Error> {
        loop {
            let (wanted, other) = match track {
                Track::Video => (&mut self.video, &self.audio),
                Track::Audio => (&mut self.audio, &self.video),
            };
            if let Some(packet) = wanted.packets.pop_front() {
                wanted.bytes -= packet.size();
                return Ok(Read::Packet(packet));
            }
            if self.ended || wanted.stream.is_none() {
                return Ok(Read::End);
            }
            if other.bytes > LOOK_AHEAD_BYTES {
                return Ok(Read::TooFar);
            }
            match self.demuxer.read() {
                Ok(Some(packet)) => {
                    self.faults.went_well();
                    self.keep(packet);
                }
                Ok(None) => self.ended = true,
                Err(air_av::Error::Interrupted) => return Err(air_av::Error::Interrupted),
                Err(error) => self.ended = self.faults.add(&error) >= MAX_READ_ERRORS,
            }
        }
    }

    /// Goes back to a key frame of the video, or else the audio, at or before `timestamp` of that stream.
    pub fn seek_before(&mut self, stream: usize, timestamp: i64) -> Result<(), air_av::Error> {
        self.demuxer.seek_before(stream, timestamp)?;
        for waiting in [&mut self.video, &mut self.audio] {
            waiting.packets.clear();
            waiting.bytes = 0;
        }
        self.ended = false;
        Ok(())
    }

    /// Throws away the older half of what waits for `track`, so that the other can be looked for further on.
    pub fn make_room(&mut self, track: Track) {
        let waiting = match track {
            Track::Video => &mut self.video,
            Track::Audio => &mut self.audio,
        };
        while waiting.bytes > LOOK_AHEAD_BYTES / 2
            && let Some(packet) = waiting.packets.pop_front()
        {
            waiting.bytes -= packet.size();
        }
    }

    /// What the container says of itself.
    pub fn demuxer(&self) -> &Demuxer {
        &self.demuxer
    }

    /// Reads that failed and were passed over.
    pub fn errors(&self) -> u64 {
        self.faults.count()
    }

    fn keep(&mut self, packet: Packet) {
        let stream = Some(packet.stream_index());
        for waiting in [&mut self.video, &mut self.audio] {
            if waiting.stream == stream {
                waiting.bytes += packet.size();
                waiting.packets.push_back(packet);
                return;
            }
        }
    }
}
