//! Packets of one file, handed out per stream, however its container interleaves them.
//!
//! Compressed packets of the stream that is not asked for wait here: they are small, decoded ones are not.

use std::collections::VecDeque;

use air_av::{Demuxer, Error, Packet, Rational, StreamInfo};

use super::faults::Faults;
use crate::conform::cadence::{MediaNanos, NANOS, SAME_INSTANT};

/// Packets that may wait for one stream while the other is looked for: about ten seconds of
/// broadcast-rate video. A container whose streams lie further apart gives silence, or a picture that stands,
/// not a stall.
const LOOK_AHEAD_BYTES: usize = 64 << 20;

/// What a packet takes beside its payload, about: sound may come in packets of one byte.
const PACKET_BYTES: usize = 512;

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

/// What was met on the way to an in-point.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunUp {
    /// When the key picture that waits first is shown; without pictures, when the first sound is heard.
    /// `None`: there was nothing to begin with.
    pub key: Option<MediaNanos>,
    /// When the first sound met is heard.
    pub sound: Option<MediaNanos>,
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

/// Compressed packets of one stream, in file order.
#[derive(Debug)]
struct Waiting {
    packets: VecDeque<Packet>,
    bytes: usize,
    stream: Option<usize>,
    time_base: Rational,
}

impl Waiting {
    fn new(stream: Option<&StreamInfo>) -> Waiting {
        let time_base = stream.map_or(NANOS, StreamInfo::time_base);
        Waiting { packets: VecDeque::new(), bytes: 0, stream: stream.map(StreamInfo::index), time_base }
    }

    fn push(&mut self, packet: Packet) {
        self.bytes += packet.size() + PACKET_BYTES;
        self.packets.push_back(packet);
    }

    fn pop(&mut self) -> Option<Packet> {
        let packet = self.packets.pop_front()?;
        self.bytes -= packet.size() + PACKET_BYTES;
        Some(packet)
    }

    fn clear(&mut self) {
        self.packets.clear();
        self.bytes = 0;
    }

    /// Lets go of all that waits before a key picture shown by `latest`, and answers when it is shown.
    fn cut_at_key(&mut self, packet: &Packet, latest: MediaNanos) -> Option<MediaNanos> {
        let shown = self.time(packet.pts().or(packet.dts()))?;
        let begins_here = packet.is_key() && shown <= latest.saturating_add(SAME_INSTANT);
        begins_here.then(|| {
            self.clear();
            shown
        })
    }

    fn time(&self, timestamp: Option<i64>) -> Option<MediaNanos> {
        timestamp.map(|timestamp| air_av::rescale_nearest(timestamp, self.time_base, NANOS))
    }
}

impl Reader {
    /// Reads the best video and the best audio stream of `demuxer`, which reads `asset`.
    pub fn new(demuxer: Demuxer, asset: &str) -> Reader {
        let (video, audio) = (Waiting::new(demuxer.video()), Waiting::new(demuxer.audio()));
        Reader { demuxer, video, audio, ended: false, faults: Faults::new(asset, "reading") }
    }

    /// The next packet of `track`, in file order. A stop is noticed with each: on the way to an in-point hundreds of
    /// them may wait here to be decoded.
    pub fn next(&mut self, track: Track) -> Result<Read, Error> {
        self.demuxer.check_interrupt()?;
        loop {
            let (wanted, other) = match track {
                Track::Video => (&mut self.video, &self.audio),
                Track::Audio => (&mut self.audio, &self.video),
            };
            if let Some(packet) = wanted.pop() {
                return Ok(Read::Packet(packet));
            }
            if self.ended || wanted.stream.is_none() {
                return Ok(Read::End);
            }
            if other.bytes > LOOK_AHEAD_BYTES {
                return Ok(Read::TooFar);
            }
            if let Some(packet) = self.read()? {
                self.waiting_for(&packet).push(packet);
            }
        }
    }

    /// Goes to a point of the container's choice before `timestamp` of `stream`.
    pub fn seek_before(&mut self, stream: usize, timestamp: i64) -> Result<(), Error> {
        self.demuxer.seek_before(stream, timestamp)?;
        self.video.clear();
        self.audio.clear();
        self.ended = false;
        Ok(())
    }

    /// Reads up to the pictures of `latest`, or as far as may wait, and lets go of what an in-point there has no
    /// use for: pictures before the last key picture up to `latest`, and sound that is over by `sound_from`.
    pub fn run_up(&mut self, latest: MediaNanos, sound_from: MediaNanos) -> Result<RunUp, Error> {
        let mut met = RunUp::default();
        let has_video = self.video.stream.is_some();
        while !self.ended && self.video.bytes.max(self.audio.bytes) <= LOOK_AHEAD_BYTES {
            let Some(packet) = self.read()? else { continue };
            let is_video = self.video.stream == Some(packet.stream_index());
            let waiting = self.waiting_for(&packet);
            let shown = waiting.time(packet.pts().or(packet.dts()));
            let decoded = waiting.time(packet.dts().or(packet.pts()));
            let is_wanted = if is_video {
                met.key = waiting.cut_at_key(&packet, latest).or(met.key);
                met.key.is_some()
            } else {
                met.sound = met.sound.or(shown);
                let length = waiting.time(Some(packet.duration())).unwrap_or(0);
                shown.is_none_or(|shown| shown.saturating_add(length) > sound_from)
            };
            if is_wanted {
                waiting.push(packet);
            }
            if is_video == has_video && decoded.is_some_and(|decoded| decoded > latest) {
                break;
            }
        }
        if !has_video {
            met.key = met.sound;
        }
        Ok(met)
    }

    /// Throws away the older half of what waits for `track`, so that the other can be looked for further on.
    pub fn make_room(&mut self, track: Track) {
        let waiting = match track {
            Track::Video => &mut self.video,
            Track::Audio => &mut self.audio,
        };
        while waiting.bytes > LOOK_AHEAD_BYTES / 2 && waiting.pop().is_some() {}
    }

    /// What the container says of itself.
    pub fn demuxer(&self) -> &Demuxer {
        &self.demuxer
    }

    /// Reads that failed and were passed over.
    pub fn errors(&self) -> u64 {
        self.faults.count()
    }

    /// The next packet of either track; `None` where the file is damaged or has ended.
    fn read(&mut self) -> Result<Option<Packet>, Error> {
        match self.demuxer.read() {
            Ok(Some(packet)) => {
                self.faults.went_well();
                return Ok(Some(packet));
            }
            Ok(None) => self.ended = true,
            Err(Error::Interrupted) => return Err(Error::Interrupted),
            Err(error) => self.ended = self.faults.add(&error) >= MAX_READ_ERRORS,
        }
        Ok(None)
    }

    /// Where a packet waits: the demuxer gives those of the two streams only.
    fn waiting_for(&mut self, packet: &Packet) -> &mut Waiting {
        match self.video.stream == Some(packet.stream_index()) {
            true => &mut self.video,
            false => &mut self.audio,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use air_av::Interrupt;

    use super::*;

    /// A tenth of a second of mono silence at 8 kHz.
    fn silence() -> Vec<u8> {
        let samples = [0; 1600];
        let mut wave = b"RIFF".to_vec();
        wave.extend((36 + samples.len() as u32).to_le_bytes());
        wave.extend(b"WAVEfmt \x10\0\0\0"); // the format chunk is 16 bytes
        wave.extend([1, 0, 1, 0]); // PCM, one channel
        wave.extend(8000_u32.to_le_bytes());
        wave.extend(16_000_u32.to_le_bytes()); // bytes per second
        wave.extend([2, 0, 16, 0]); // bytes of a frame, bits of a sample
        wave.extend(b"data");
        wave.extend((samples.len() as u32).to_le_bytes());
        wave.extend(samples);
        wave
    }

    /// TD-2, L-45: what has been read may take longer to decode than a stop may wait.
    #[test]
    fn a_stop_is_noticed_also_by_who_takes_packets_that_are_read_already() {
        let path = std::env::temp_dir().join(format!("air-reader-{}.wav", std::process::id()));
        std::fs::write(&path, silence()).unwrap();
        let interrupt = Interrupt::new();
        let demuxer = Demuxer::open(Path::new(&path), &interrupt).unwrap();
        let mut reader = Reader::new(demuxer, "silence");
        let packet = reader.read().unwrap().unwrap();
        std::fs::remove_file(path).unwrap();
        reader.audio.push(packet);
        interrupt.trip();
        assert!(matches!(reader.next(Track::Audio), Err(Error::Interrupted)));
    }
}
