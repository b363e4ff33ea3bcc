//! The lane: a worker that turns program frames into bursts of packets for the writer.
//!
//! Offering never waits. When the encoder falls behind, the picture of a tick is replaced by the one before,
//! which costs little to encode, and only then left out; its sound never is (L-29). When the *reader* falls
//! behind, pictures are left out before they become packets, and the first after them is an IDR (R-25): sound,
//! tables and clock go on, so the stream has a hole in its pictures and none in its time. Only a reader that is
//! many seconds behind gets nothing at all.
//!
//! What counts as behind is content. A process that lost seconds makes up for the ticks it missed all at once, as
//! hold and black; these wait for their turn with their pictures, which cost next to nothing, so that the stream
//! has no hole (L-30).

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use air_av::Picture;

use super::fifo::{Burst, Fifo};
use super::packer::{PackError, Packer};
use crate::episode::{Episode, News};
use crate::frame::{Origin, ProgramFrame};
use crate::time::Nanos;
use crate::worker::Worker;

/// Frames of content waiting at which pictures are held: about the mux delay at 30 frames per second.
const HOLD_AT: usize = 8;
/// Frames of content waiting at which pictures are left out.
const LEAVE_OUT_AT: usize = 4 * HOLD_AT;
/// Frames of content waiting at which the encoder is taken to be stuck. Without pictures it is a hundred times
/// faster than time, so no slow one comes this far.
const STUCK_AT: usize = 16 * LEAVE_OUT_AT;
/// Frames of any kind waiting at which it is, too: more than two minutes of ticks, and 50 MB of their sound.
const STUCK_WITH_FILLER_AT: usize = 16 * STUCK_AT;

/// Packets that depart within this span leave together: a fifth of what arrival may differ from the PCR by.
const BURST: Duration = Duration::from_millis(2);

/// The worker and its queue.
pub struct Lane {
    shared: Arc<Shared>,
    worker: Worker,
    on_lost: OnLost,
}

/// Told, once or more, why the lane cannot go on.
pub type OnLost = Arc<dyn Fn(String) + Send + Sync>;

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
    pictures_dropped: AtomicU64,
}

#[derive(Default)]
struct Queue {
    frames: VecDeque<(ProgramFrame, Shown)>,
    /// How many of them are content.
    content: usize,
    /// The latest picture that was queued to be shown.
    latest: Option<Picture>,
    /// The encoder is behind.
    dropping: Episode,
    stopping: bool,
}

/// What becomes of a tick's picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Itself,
    /// The one before, again.
    Held,
    Nothing,
}

impl Lane {
    /// Starts the worker `name`, which packs into `fifo`.
    pub fn start(name: String, packer: Packer, fifo: Fifo, on_lost: OnLost) -> std::io::Result<Lane> {
        let shared = Arc::<Shared>::default();
        let (theirs, failed, panicked) = (Arc::clone(&shared), Arc::clone(&on_lost), Arc::clone(&on_lost));
        let work = move || {
            if let Err(error) = theirs.work(packer, &fifo) {
                failed(error.to_string());
            }
        };
        let worker = Worker::start(name, work, move || panicked("its encoder panicked".into()))?;
        Ok(Lane { shared, worker, on_lost })
    }

    /// Queues the frame of one tick. A picture that will not be shown is let go of here, so that what waits is
    /// a few pictures and sound.
    pub fn offer(&self, mut frame: ProgramFrame) {
        let mut queue = self.shared.lock();
        if queue.is_stuck() {
            drop(queue);
            return (self.on_lost)("its encoder is stuck".into());
        }
        let shown = match queue.content {
            _ if !is_content(&frame) => Shown::Itself,
            0..HOLD_AT => Shown::Itself,
            HOLD_AT..LEAVE_OUT_AT => Shown::Held,
            _ => Shown::Nothing,
        };
        let content = queue.content;
        if let Some(News::Begins { untold }) = queue.dropping.note(shown != Shown::Itself, frame.stamp.due) {
            tracing::warn!(depth = content, untold, "INV-P10-FRAME-DROP: reason=encoder_behind");
        }
        match (&queue.latest, shown) {
            (Some(latest), Shown::Held | Shown::Nothing) => {
                frame.picture = latest.clone();
                self.shared.pictures_dropped.fetch_add(1, Ordering::Relaxed);
            }
            _ => queue.latest = Some(frame.picture.clone()),
        }
        queue.content += usize::from(is_content(&frame));
        queue.frames.push_back((frame, shown));
        self.shared.changed.notify_all();
    }

    /// Pictures held or left out so far.
    pub fn pictures_dropped(&self) -> u64 {
        self.shared.pictures_dropped.load(Ordering::Relaxed)
    }

    /// Asks the worker to end after the frame in hand.
    pub fn stop(&self) {
        self.shared.lock().stopping = true;
        self.shared.changed.notify_all();
    }

    /// Waits, no longer than `at_most`, for the worker to end; whether it has.
    pub fn wait_stopped(&mut self, at_most: Duration) -> bool {
        self.worker.wait(at_most)
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Queue {
    fn is_stuck(&self) -> bool {
        self.content >= STUCK_AT || self.frames.len() >= STUCK_WITH_FILLER_AT
    }
}

fn is_content(frame: &ProgramFrame) -> bool {
    matches!(frame.origin, Origin::Content { .. })
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next frame, waited for; `None` once the lane is to stop.
    fn next(&self) -> Option<(ProgramFrame, Shown)> {
        let idle = |queue: &mut Queue| queue.frames.is_empty() && !queue.stopping;
        let mut queue = self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        if queue.stopping {
            return None;
        }
        let next = queue.frames.pop_front();
        queue.content -= usize::from(next.as_ref().is_some_and(|(frame, _)| is_content(frame)));
        next
    }

    fn work(&self, mut packer: Packer, fifo: &Fifo) -> Result<(), PackError> {
        let mut dropping = Episode::default();
        while let Some((frame, shown)) = self.next() {
            let mut bursts = Bursts::new(fifo);
            let mut emit = |departs, packet: &[u8; 188]| bursts.add(departs, packet);
            let behind = fifo.is_over();
            if let Some(News::Begins { untold }) = dropping.note(behind, frame.stamp.due) {
                tracing::warn!(depth = ?fifo.depth(), untold, "INV-P10-FRAME-DROP: reason=reader_behind");
            }
            if fifo.is_full() {
                packer.leave_out(&frame, &mut emit)?;
            } else if behind || shown == Shown::Nothing {
                packer.pack(&frame, None, &mut emit)?;
            } else {
                packer.pack(&frame, Some(&frame.picture), &mut emit)?;
            }
            bursts.finish();
            if behind && shown == Shown::Itself {
                self.pictures_dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

/// Gathers packets that depart at nearly the same time.
struct Bursts<'a> {
    fifo: &'a Fifo,
    burst: Burst,
}

impl Bursts<'_> {
    fn new(fifo: &Fifo) -> Bursts<'_> {
        Bursts { fifo, burst: Burst { departs: Nanos::default(), bytes: fifo.buffer() } }
    }

    fn add(&mut self, departs: Nanos, packet: &[u8; 188]) {
        if !self.burst.bytes.is_empty() && departs.since(self.burst.departs) >= BURST {
            self.send();
        }
        if self.burst.bytes.is_empty() {
            self.burst.departs = departs;
        }
        self.burst.bytes.extend_from_slice(packet);
    }

    fn send(&mut self) {
        let next = Burst { departs: Nanos::default(), bytes: self.fifo.buffer() };
        self.fifo.push(std::mem::replace(&mut self.burst, next));
    }

    fn finish(mut self) {
        if !self.burst.bytes.is_empty() {
            self.send();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use air_ts::Pts;

    use super::super::fifo::Bound;
    use super::*;
    use crate::config::SinkConfig;
    use crate::control::SegmentId;
    use crate::format::ProgramFormat;
    use crate::producer::black;
    use crate::testing::logged;
    use crate::time::{FrameRate, Tick, Timeline};

    const FORMAT: &str = r#"{"video": {"width": 16, "height": 16, "frame_rate": "25/1"},
                             "audio": {"sample_rate": 48000, "channels": 2}}"#;

    fn frame(tick: u64) -> ProgramFrame {
        let rate = FrameRate::new(25, 1).unwrap();
        let stamp = Timeline::new(rate, 48_000, Pts(90_000), Nanos(0)).stamp(Tick(tick));
        let origin = Origin::Content { segment: SegmentId(1), index: tick };
        let audio = vec![0; stamp.samples * 2];
        ProgramFrame { stamp, picture: black(16, 16).unwrap(), audio, origin, random_access: false }
    }

    fn null_packer() -> Packer {
        let null = || "null".to_owned();
        let config = SinkConfig { video_encoder: null(), audio_encoder: null(), ..SinkConfig::default() };
        Packer::open(&config, &ProgramFormat::from_json(FORMAT).unwrap()).unwrap()
    }

    /// A lane whose worker never runs, as one stuck in an encoder.
    fn stuck(on_lost: OnLost) -> Lane {
        let worker = Worker::start("ends".into(), || (), || ()).unwrap();
        Lane { shared: Arc::default(), worker, on_lost }
    }

    /// FL-5: what makes pictures be left out is told once, with how much waits.
    #[test]
    fn the_log_says_who_is_behind() {
        let lane = stuck(Arc::new(|reason| panic!("{reason}")));
        let lines = logged(|| (0..100).for_each(|tick| lane.offer(frame(tick))));
        assert_eq!(lines, ["INV-P10-FRAME-DROP: reason=encoder_behind depth=8 untold=0"]);
        let bound = Bound { media: Duration::from_millis(400), bytes: usize::MAX };
        let (shared, fifo) = (Arc::clone(&lane.shared), Fifo::new(bound));
        let working =
            std::thread::spawn(move || logged(|| shared.work(null_packer(), &fifo).expect("no error")));
        while !lane.shared.lock().frames.is_empty() {
            std::thread::yield_now();
        }
        lane.stop();
        let lines = working.join().expect("lines");
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].starts_with("INV-P10-FRAME-DROP: reason=reader_behind"), "{lines:?}");
    }

    /// L-29: while the encoder is behind, what waits is a few pictures and all the sound; stuck is told.
    #[test]
    fn a_stuck_encoder_is_bounded_and_told() {
        let (told, lost) = mpsc::channel();
        let lane = stuck(Arc::new(move |reason| told.send(reason).unwrap()));
        let first = frame(0);
        lane.offer(first.clone());
        (1..STUCK_AT as u64).for_each(|tick| lane.offer(frame(tick)));
        assert_eq!(lane.pictures_dropped(), (STUCK_AT - HOLD_AT) as u64);
        let queue = lane.shared.lock();
        assert_eq!(queue.frames.len(), STUCK_AT);
        let distinct: std::collections::HashSet<_> =
            queue.frames.iter().map(|(frame, _)| frame.picture.plane(0).data.as_ptr()).collect();
        assert_eq!(distinct.len(), HOLD_AT);
        drop(queue);
        assert!(lost.try_recv().is_err());
        lane.offer(frame(9_999));
        assert_eq!(lost.try_recv().unwrap(), "its encoder is stuck");
    }

    /// L-30, R-6, TL-12: half a minute of missed ticks leaves no hole in the pictures, and content goes on after it.
    #[test]
    fn missed_ticks_keep_their_pictures_and_cost_content_none() {
        let lane = stuck(Arc::new(|reason| panic!("{reason}")));
        lane.offer(frame(0));
        (1..1_800).for_each(|tick| lane.offer(ProgramFrame { origin: Origin::Black, ..frame(tick) }));
        lane.offer(frame(1_800));
        assert_eq!(lane.pictures_dropped(), 0);
        assert!(lane.shared.lock().frames.iter().all(|(_, shown)| *shown == Shown::Itself));
    }

    /// R-25, L-03: behind a reader that stops, pictures end first and everything later; the first picture after
    /// is a place to join, and no packet is lost in between.
    #[test]
    fn a_reader_that_stops_costs_pictures_then_everything_then_starts_clean() {
        let fifo = Fifo::new(Bound { media: Duration::from_millis(400), bytes: usize::MAX });
        let lane = Lane::start("lane".into(), null_packer(), fifo.clone(), Arc::new(|_| ())).unwrap();
        let offer = |ticks: std::ops::Range<u64>| {
            for tick in ticks {
                lane.offer(frame(tick));
                while !lane.shared.lock().frames.is_empty() {
                    std::thread::yield_now();
                }
            }
        };
        offer(0..200);
        let mut bytes = Vec::new();
        // The lane's last frame may still be in its hands: nothing but time tells that it is done.
        while fifo.depth().media < Duration::from_millis(1_500) {
            std::thread::yield_now();
        }
        fifo.take_due(Nanos::NEVER, usize::MAX, &mut bytes);
        let before = bytes.len();
        offer(200..260);
        drop(lane);
        fifo.take_due(Nanos::NEVER, usize::MAX, &mut bytes);
        assert!(before < 400_000, "{before} bytes waited");
        let config = air_ts::judge::JudgeConfig::house();
        let mut judge = air_ts::judge::Judge::new(config);
        judge.feed(&bytes);
        let report = judge.finish();
        assert_eq!(report.count(air_ts::judge::Check::Continuity), 0);
        assert_eq!(report.count(air_ts::judge::Check::DtsOrder), 0);
        assert_eq!(report.count(air_ts::judge::Check::IdrParameterSets), 0);
        assert!(report.pictures() < 120, "{} pictures of 260", report.pictures());
    }
}
