//! libav's words reach `tracing`, with their arguments filled in.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod support;

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use air_av::{Demuxer, Interrupt, install_log};
use support::{folder, media};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

/// Keeps every event of libav's as its level and text.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<(Level, String)>>>);

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, _: &Field, value: &dyn Debug) {
        self.0 += &format!("{value:?}");
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "libav"
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        self.0.lock().unwrap().push((*event.metadata().level(), text.0));
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[test]
fn what_libav_says_about_a_broken_file_is_a_warning_in_the_log() {
    let recorder = Recorder::default();
    tracing::subscriber::set_global_default(recorder.clone()).unwrap();
    install_log();
    let path = media(&folder("log"), "broken.mp4", "-c:v mpeg4 -an");
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert!(Demuxer::open(&path, &Interrupt::new()).is_err());
    let lines = recorder.0.lock().unwrap();
    let said = lines.iter().find(|(_, text)| text.contains("moov atom not found"));
    let (level, text) = said.unwrap_or_else(|| panic!("{lines:?}"));
    assert_eq!(*level, Level::WARN);
    assert!(text.starts_with("[mov,mp4,m4a,3gp,3g2,mj2 @ 0x"), "{text}");
}
