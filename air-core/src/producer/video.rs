//! The pictures of a file, by media time.

use std::collections::VecDeque;

use air_av::{Packet, Picture, StreamInfo, VideoDecoder};

use super::faults::Faults;
use super::reader::{Read, Reader, Track};
use crate::conform::cadence::{MediaNanos, SAME_INSTANT, SourceTimes, TimedPicture};
use crate::conform::deinterlace::Deinterlace;
use crate::conform::joints::Joints;
use crate::time::FrameRate;

/// How long before an in-point every picture is decoded again: longer than any codec reorders pictures, so that
/// those that were left out before change nothing.
const DECODED_WHOLE: MediaNanos = 500_000_000;

/// How long before an in-point pictures go through the filters, which look back: telling combed pictures that are
/// not labelled takes several of them that agree.
const FILTERED_BEFORE: MediaNanos = 400_000_000;

/// The longest that one picture stands where stamps can be believed, and more than one after it bears it out: a
/// screen on which nothing moves, a slide. Beyond this they are garbage all the same.
const LONGEST_PAUSE: MediaNanos = 600 * 1_000_000_000;

/// Pictures of the video stream, progressive.
#[derive(Debug)]
pub struct VideoTrack {
    decoder: VideoDecoder,
    times: SourceTimes,
    /// From stamps to media time, since the latest joint.
    offset: MediaNanos,
    /// Where play begins.
    in_point: MediaNanos,
    last_stamp: Option<MediaNanos>,
    /// How long a picture may stand beyond its own length without a joint behind it.
    longest_pause: MediaNanos,
    decoded: VecDeque<Picture>,
    /// A picture that is not where it was expected, until the next one is there to bear it out.
    held: Option<Picture>,
    deinterlace: Deinterlace,
    current: Option<TimedPicture>,
    /// Number in the asset of `current`, or of the first picture that was upcoming.
    number: Option<u64>,
    /// Starts of the pictures of the asset beyond that one: each of them counts once, also when its fields are
    /// pictures of their own.
    uncounted: VecDeque<MediaNanos>,
    upcoming: VecDeque<TimedPicture>,
    /// Start of the first picture decoded.
    decoded_from: Option<MediaNanos>,
    /// Start of the latest picture decoded.
    latest_start: MediaNanos,
    /// End of the latest picture decoded.
    decoded_to: Option<MediaNanos>,
    ended: bool,
    faults: Faults,
}

impl VideoTrack {
    /// Opens a decoder for `stream` of `asset`, with up to `threads` threads. Its pictures are stamped `late` units
    /// of its time base after their instants; they are to be aired at `house` a second.
    pub fn open(
        stream: &StreamInfo,
        asset: &str,
        threads: u32,
        late: i64,
        house: FrameRate,
    ) -> Result<VideoTrack, air_av::Error> {
        Ok(VideoTrack {
            decoder: VideoDecoder::new(stream, threads)?,
            times: SourceTimes::new(stream, late),
            offset: 0,
            in_point: MediaNanos::MIN,
            last_stamp: None,
            longest_pause: 0,
            decoded: VecDeque::new(),
            held: None,
            deinterlace: Deinterlace::new(stream, house),
            current: None,
            number: None,
            uncounted: VecDeque::new(),
            upcoming: VecDeque::new(),
            decoded_from: None,
            latest_start: MediaNanos::MIN,
            decoded_to: None,
            ended: false,
            faults: Faults::new(asset, "decoding the picture"),
        })
    }

    /// Takes a long time between two pictures for that, rather than a joint: the clock of the container cannot jump.
    pub fn believe_pauses(&mut self) {
        self.longest_pause = LONGEST_PAUSE;
    }

    /// How long before an in-point pictures have to be whole for those after it to be right.
    pub fn preroll(&self) -> MediaNanos {
        self.deinterlace.preroll()
    }

    /// Finds the first picture that starts at or after `target`, throwing away those before it.
    /// Answers its start; `None` when the stream has none.
    pub fn cue(
        &mut self,
        reader: &mut Reader,
        joints: &mut Joints,
        target: MediaNanos,
    ) -> Result<Option<MediaNanos>, air_av::Error> {
        self.in_point = target;
        loop {
            while let Some(picture) = self.upcoming.pop_front() {
                if picture.start.saturating_add(SAME_INSTANT) >= target {
                    let start = picture.start;
                    let begun = self.count_to(start).1.unwrap_or(start);
                    self.number = Some(self.times.number_at(begun));
                    self.upcoming.push_front(picture);
                    return Ok(Some(start));
                }
            }
            if !self.decode_more(reader, joints)? {
                if self.ended {
                    return Ok(None);
                }
                // Sound far ahead of the first picture is not missed as much as the picture would be.
                reader.make_room(Track::Audio);
            }
        }
    }

    /// Where decoding began.
    pub fn decoded_from(&self) -> Option<MediaNanos> {
        self.decoded_from
    }

    /// The picture due at `due`: the latest that starts at or before it, or else the latest within the
    /// look-ahead. `None` once the last one is over.
    pub fn due(
        &mut self,
        reader: &mut Reader,
        joints: &mut Joints,
        due: MediaNanos,
    ) -> Result<Option<&TimedPicture>, air_av::Error> {
        loop {
            while let Some(next) =
                self.upcoming.pop_front_if(|next| next.start <= due.saturating_add(SAME_INSTANT))
            {
                let (begun, _) = self.count_to(next.start);
                self.number = self.number.map(|number| number + begun);
                self.current = Some(next);
            }
            if !self.upcoming.is_empty() || !self.decode_more(reader, joints)? {
                break;
            }
        }
        let over = self.upcoming.is_empty() && self.ended;
        let current = self.current.as_ref().or(self.upcoming.front());
        Ok(current.filter(|picture| !over || due.saturating_add(SAME_INSTANT) < picture.end))
    }

    /// Number of the picture last due, in display order from the start of the asset.
    pub fn number(&self) -> Option<u64> {
        self.number
    }

    /// How many more pictures of the asset have begun by `time`, and when the last of them did.
    fn count_to(&mut self, time: MediaNanos) -> (u64, Option<MediaNanos>) {
        let (mut begun, mut last) = (0, None);
        while let Some(start) = self.uncounted.pop_front_if(|start| *start <= time) {
            (begun, last) = (begun + 1, Some(start));
        }
        (begun, last)
    }

    /// Damaged packets and pictures so far.
    pub fn errors(&self) -> u64 {
        self.faults.count()
    }

    /// Decodes until at least one more picture is there; `false` when there is none, or none for now.
    fn decode_more(&mut self, reader: &mut Reader, joints: &mut Joints) -> Result<bool, air_av::Error> {
        let had = self.upcoming.len();
        while self.upcoming.len() == had && !self.ended {
            let packet = match reader.next(Track::Video)? {
                Read::Packet(packet) => Some(packet),
                Read::TooFar => break,
                Read::End => None,
            };
            self.ended = packet.is_none();
            self.spare_decoder(packet.as_ref());
            self.faults.pass_over(self.decoder.decode(packet.as_ref(), &mut self.decoded))?;
            while let Some(picture) = self.decoded.pop_front() {
                let kept = self.keep(picture, joints);
                self.faults.pass_over(kept)?;
            }
            if self.ended {
                let held = self.held.take().map_or(Ok(()), |held| self.place(held, None, joints));
                self.faults.pass_over(held)?;
                self.faults.pass_over(self.deinterlace.finish(&mut self.upcoming))?;
            }
        }
        Ok(self.upcoming.len() > had)
    }

    /// Well before the in-point, pictures that no other is made from are not worth their decoding.
    fn spare_decoder(&mut self, packet: Option<&Packet>) {
        let stamp = packet.and_then(|packet| packet.pts().or(packet.dts()));
        let shown = stamp.map(|stamp| self.times.at(stamp).saturating_add(self.offset));
        let is_early = shown.is_some_and(|shown| shown.saturating_add(DECODED_WHOLE) < self.in_point);
        self.decoder.skip_unreferenced(is_early);
    }

    /// Takes the next decoded picture. One whose stamp is not where the last one ended waits for the stamp of the
    /// one after it, to be borne out or contradicted.
    fn keep(&mut self, picture: Picture, joints: &mut Joints) -> Result<(), air_av::Error> {
        let stamp = picture.pts().map(|pts| self.times.at(pts));
        let held = self.held.take().map_or(Ok(()), |held| self.place(held, stamp, joints));
        match self.is_in_step(stamp) {
            true => held.and(self.place(picture, None, joints)),
            false => {
                self.held = Some(picture);
                held
            }
        }
    }

    fn is_in_step(&self, stamp: Option<MediaNanos>) -> bool {
        let (Some(stamp), Some(expected)) = (stamp, self.decoded_to) else { return stamp.is_none() };
        let off = stamp.saturating_add(self.offset).saturating_sub(expected);
        off.saturating_abs() < self.times.duration(0) / 2
    }

    fn place(
        &mut self,
        picture: Picture,
        next: Option<MediaNanos>,
        joints: &mut Joints,
    ) -> Result<(), air_av::Error> {
        let stamp = picture.pts().map(|pts| self.times.at(pts));
        let Some(start) = self.start_of(stamp, next, joints) else { return Ok(()) };
        let end = match (picture.pts(), stamp) {
            (Some(pts), Some(stamp))
                if picture.duration() > 0 && start == stamp.saturating_add(self.offset) =>
            {
                let over = self.times.at(pts.saturating_add(picture.duration()));
                over.saturating_add(self.offset)
            }
            _ => start.saturating_add(self.times.duration(0)),
        };
        self.decoded_from.get_or_insert(start);
        self.decoded_to = Some(end);
        self.latest_start = start;
        match end < self.in_point.saturating_sub(FILTERED_BEFORE) {
            true => Ok(()),
            false => {
                self.uncounted.push_back(start);
                self.deinterlace.push(TimedPicture { start, end, picture }, &mut self.upcoming)
            }
        }
    }

    /// When a picture stamped `stamp` is due, before one stamped `next`; `None` for one that has no time of its
    /// own, as after a joint.
    fn start_of(
        &mut self,
        stamp: Option<MediaNanos>,
        next: Option<MediaNanos>,
        joints: &mut Joints,
    ) -> Option<MediaNanos> {
        let is_contradicted = stamp.zip(next).is_some_and(|(stamp, next)| next < stamp);
        let Some(expected) = self.decoded_to else {
            self.last_stamp = stamp;
            return match next {
                Some(next) if is_contradicted => Some(next.saturating_sub(self.times.duration(0))),
                _ => Some(stamp.unwrap_or(0)),
            };
        };
        let Some(stamp) = stamp else { return Some(expected) };
        if is_contradicted && stamp.saturating_add(self.offset) > expected {
            return Some(expected);
        }
        let runs_on = self.last_stamp.is_none_or(|last| last < stamp);
        let shown = stamp.saturating_add(self.offset);
        let pause = shown.saturating_sub(expected);
        // A picture that the last one's length runs into is no overlap: containers tell lengths in coding order.
        let runs_into = shown > self.latest_start && pause <= 0;
        let is_pause = pause <= self.longest_pause && next.is_some_and(|next| next > stamp);
        let start = match runs_into || (pause > 0 && is_pause) {
            true => shown,
            false => joints.place(stamp, expected, &mut self.offset),
        };
        let is_due_next = |next: MediaNanos| {
            next > stamp
                && next.saturating_add(self.offset).saturating_sub(expected) < self.times.duration(0) / 2
        };
        self.last_stamp = Some(stamp);
        match start > self.latest_start {
            true => Some(start),
            false if runs_on || next.is_some_and(is_due_next) => None,
            // One that stands or runs backwards follows the one before it, as one without a stamp does.
            false => Some(expected),
        }
    }
}
