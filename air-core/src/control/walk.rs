//! Every reachable state of control with every input: what must hold at each step, and the page that
//! `docs/control-state.md` shows. `UPDATE_DOCS=1 cargo test -p air-core` writes that page anew.

use std::collections::HashSet;
use std::fmt::Write;

use super::*;
use crate::time::Tick;
use Action::{AttachSink, CloseSink, Retire, Take};

/// Every input that can matter in `state`, named: ids of its own, new ones, and stale ones.
fn inputs(state: &State) -> Vec<(&'static str, Input)> {
    let session = state.session().copied().unwrap_or_default();
    let (new, stale) = (SegmentId(90), SegmentId(99));
    let preview = session.preview.segment().unwrap_or(stale);
    let live = session.live.segment().unwrap_or(stale);
    let sink = session.output.sink().unwrap_or(SinkId(99));
    let attach = |replace_existing| Command::Attach { sink: SinkId(90), replace_existing };
    let commands = [
        ("Start", Command::Start),
        ("Stop", Command::Stop),
        ("Load", Command::Load(new)),
        ("Switch now", Command::Switch { at: None }),
        ("Switch at a boundary", Command::Switch { at: Some(Tick(7)) }),
        ("Attach", attach(false)),
        ("Attach, replacing", attach(true)),
        ("Detach", Command::Detach),
        ("UpdatePlan", Command::UpdatePlan),
    ];
    let events = [
        ("preview is cued", Event::Cued(preview)),
        ("preview's cue fails", Event::CueFailed(preview)),
        ("the boundary is reached", Event::BoundaryReached(Tick(7))),
        ("an earlier tick", Event::BoundaryReached(Tick(6))),
        ("live is exhausted", Event::LiveExhausted(live)),
        ("live's cue fails", Event::CueFailed(live)),
        ("the sink is lost", Event::SinkLost(sink)),
        ("a stale segment is cued", Event::Cued(stale)),
        ("a stale cue fails", Event::CueFailed(stale)),
        ("a stale segment is exhausted", Event::LiveExhausted(stale)),
        ("a stale sink is lost", Event::SinkLost(SinkId(99))),
    ];
    let commands = commands.map(|(name, command)| (name, Input::Command(command)));
    commands.into_iter().chain(events.map(|(name, event)| (name, Input::Event(event)))).collect()
}

/// The same state with the smallest ids: what distinguishes two states is not which segment it is.
fn renumbered(state: State) -> State {
    let State::Session(mut session) = state else { return state };
    let (preview, live) = (SegmentId(1), SegmentId(2));
    session.preview = match session.preview {
        PreviewState::Empty => PreviewState::Empty,
        PreviewState::Cueing(_) => PreviewState::Cueing(preview),
        PreviewState::Cued(_) => PreviewState::Cued(preview),
        PreviewState::Armed { cut, .. } => PreviewState::Armed { segment: preview, cut },
        PreviewState::Failed(_) => PreviewState::Failed(preview),
    };
    session.live = match session.live {
        LiveState::Vacant => LiveState::Vacant,
        LiveState::Rolling(_) => LiveState::Rolling(live),
        LiveState::Exhausted(_) => LiveState::Exhausted(live),
    };
    session.output = match session.output {
        OutputState::Detached => OutputState::Detached,
        OutputState::Attached(_) => OutputState::Attached(SinkId(3)),
    };
    State::Session(session)
}

/// The segments and sinks that a state holds.
fn held(state: &State) -> (Vec<SegmentId>, Option<SinkId>) {
    let session = state.session().copied().unwrap_or_default();
    (session.preview.segment().into_iter().chain(session.live.segment()).collect(), session.output.sink())
}

/// What must be true of any step from any state.
fn check(state: &State, input: Input) {
    let step = step(state, input);
    let about = format!("{state:?} + {input:?} = {step:?}");
    assert_eq!(step.reply.is_some(), matches!(input, Input::Command(_)), "{about}");
    let (mut segments, sink) = held(state);
    let mut sinks: Vec<SinkId> = sink.into_iter().collect();
    match input {
        Input::Command(Command::Load(segment)) => segments.push(segment),
        Input::Command(Command::Attach { sink, .. }) => sinks.push(sink),
        _ => {}
    }
    for action in &step.actions {
        match *action {
            Retire(gone) => segments.retain(|segment| *segment != gone),
            CloseSink(gone) => sinks.retain(|sink| *sink != gone),
            Take(segment) => {
                assert_eq!(state.session().and_then(|session| session.preview.segment()), Some(segment));
                assert_eq!(
                    step.state.session().map(|session| session.live),
                    Some(LiveState::Rolling(segment))
                );
            }
            AttachSink(sink) => assert_eq!(held(&step.state).1, Some(sink), "{about}"),
            Action::ArmBoundary(_) => {}
        }
    }
    // Nothing is forgotten and nothing appears: what was held or offered is held or freed.
    let (mut still, sink) = held(&step.state);
    still.sort();
    segments.sort();
    assert_eq!((still, sink.into_iter().collect()), (segments, sinks), "{about}");
    if step.reply.is_some_and(|reply| reply.message.len() < 8) {
        panic!("a message an operator can act on: {about}");
    }
    let session = step.state.session().copied().unwrap_or_default();
    assert!(!session.unreported_take || session.preview == PreviewState::Empty, "{about}");
}

/// CS-15: every reachable state answers every input, and a refusal changes nothing.
#[test]
fn every_reachable_state_answers_every_input() {
    let mut seen = HashSet::from([State::Stopped]);
    let mut fresh = vec![State::Stopped];
    while let Some(state) = fresh.pop() {
        for (_, input) in inputs(&state) {
            check(&state, input);
            let step = step(&state, input);
            let refused = step.reply.as_ref().is_some_and(|reply| {
                matches!(reply.result_code, ResultCode::ProtocolViolation | ResultCode::RejectedBusy)
            });
            assert!(!refused || step.state == state, "{state:?} + {input:?}");
            let next = renumbered(step.state);
            if seen.insert(next) {
                fresh.push(next);
            }
        }
    }
    // Stopped, and seven previews (one of them also with a take to report) by three lives by two outputs;
    // there is nothing to report while live is vacant.
    assert_eq!(seen.len(), 1 + 7 * 3 * 2 + 2 * 2);
}

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/control-state.md");

/// What the tables do not say for themselves.
const INTRODUCTION: &str = "\
# Control state

Generated from `air-core/src/control/state.rs` by a test of that module; change the code, then run
`UPDATE_DOCS=1 cargo test -p air-core control`.

A channel is stopped, or in a session of three slots that hardly touch: what waits (*preview*), what is
on air (*live*), where it goes (*output*). **P** is the segment in preview, **L** the live one, **S** the
attached sink, **N** the segment or sink that comes with the command: it has been opened or connected
already, and whatever becomes of the command, the actions say who has to free it. Each segment is taken at
most once and retired exactly once; each sink is closed exactly once.

An event that is not listed changes nothing, and so does one that names a segment or a sink which is
not there any more. A dash is \"nothing\". *NotReady* promises that the take will happen by itself; the next
*Switch now* reports it, once. An order for a boundary is *Ok* as soon as it is armed, and the cut is made
there whether or not the segment is cued by then.
";

/// What each id stands for on the page.
fn letter(id: u64) -> &'static str {
    match id {
        1 => "P",
        2 => "L",
        3 => "S",
        90 => "N",
        _ => "?",
    }
}

fn preview_text(preview: PreviewState) -> String {
    let segment = preview.segment().map_or("", |segment| letter(segment.0));
    match preview {
        PreviewState::Empty => "empty".to_owned(),
        PreviewState::Armed { cut: Cut::WhenCued, .. } => format!("armed({segment}, when cued)"),
        PreviewState::Armed { cut: Cut::At { cued, .. }, .. } => {
            format!("armed({segment}, at the boundary, {})", if cued { "cued" } else { "not cued" })
        }
        other => format!("{other}({segment})"),
    }
}

fn live_text(live: LiveState) -> String {
    live.segment().map_or(live.to_string(), |segment| format!("{live}({})", letter(segment.0)))
}

fn output_text(output: OutputState) -> String {
    output.sink().map_or("detached".to_owned(), |sink| format!("attached({})", letter(sink.0)))
}

fn slots(state: &State) -> Vec<String> {
    let Some(session) = state.session() else { return vec!["stopped".to_owned()] };
    let told = if session.unreported_take { ", take unreported" } else { "" };
    vec![
        format!("preview {}{told}", preview_text(session.preview)),
        format!("live {}", live_text(session.live)),
        format!("output {}", output_text(session.output)),
    ]
}

/// The slots of `after` that differ from those of `before`.
fn changes(before: &State, after: &State) -> String {
    let before = slots(before);
    let changed: Vec<String> = slots(after).into_iter().filter(|slot| !before.contains(slot)).collect();
    if changed.is_empty() { "–".to_owned() } else { changed.join("; ") }
}

fn actions_text(actions: &[Action]) -> String {
    let text = |action: &Action| match *action {
        Take(segment) => format!("take {}", letter(segment.0)),
        Retire(segment) => format!("retire {}", letter(segment.0)),
        AttachSink(sink) => format!("attach {}", letter(sink.0)),
        CloseSink(sink) => format!("close {}", letter(sink.0)),
        Action::ArmBoundary(_) => "arm the boundary".to_owned(),
    };
    if actions.is_empty() {
        "–".to_owned()
    } else {
        actions.iter().map(text).collect::<Vec<_>>().join(", ")
    }
}

/// One table: each of `states`, told apart by slot number `slot`, with each input named.
fn table(page: &mut String, title: &str, slot: usize, states: &[State], names: &[&str]) {
    let head = "| State | Input | Becomes | Actions | Reply |\n|---|---|---|---|---|";
    writeln!(page, "\n## {title}\n\n{head}").expect("a string takes everything");
    for state in states {
        for (name, input) in inputs(state).into_iter().filter(|(name, _)| names.contains(name)) {
            let step = step(state, input);
            if step.state == *state && step.actions.is_empty() && step.reply.is_none() {
                continue;
            }
            let reply = step
                .reply
                .map_or("–".to_owned(), |reply| format!("{:?}: {}", reply.result_code, reply.message));
            let (becomes, actions) = (changes(state, &step.state), actions_text(&step.actions));
            writeln!(page, "| {} | {name} | {becomes} | {actions} | {reply} |", slots(state)[slot])
                .expect("a string takes everything");
        }
    }
}

fn page() -> String {
    let (segment, live, sink) = (SegmentId(1), LiveState::Rolling(SegmentId(2)), SinkId(3));
    let session = Session { live, ..Session::default() };
    let armed = |cut| PreviewState::Armed { segment, cut };
    let at = |cued| armed(Cut::At { tick: Tick(7), cued });
    let previews = [
        PreviewState::Empty,
        PreviewState::Cueing(segment),
        PreviewState::Cued(segment),
        armed(Cut::WhenCued),
        at(false),
        at(true),
        PreviewState::Failed(segment),
    ];
    let mut preview_states = previews.map(|preview| State::Session(Session { preview, ..session })).to_vec();
    preview_states.insert(1, State::Session(Session { unreported_take: true, ..session }));
    let live_states = [LiveState::Vacant, live, LiveState::Exhausted(SegmentId(2))]
        .map(|live| State::Session(Session { preview: PreviewState::Cued(segment), live, ..session }));
    let output_states = [OutputState::Detached, OutputState::Attached(sink)]
        .map(|output| State::Session(Session { output, ..session }));
    let full =
        Session { preview: PreviewState::Cued(segment), output: OutputState::Attached(sink), ..session };

    let mut page = INTRODUCTION.to_owned();
    let switching = ["Load", "Switch now", "Switch at a boundary"];
    let cueing = ["preview is cued", "preview's cue fails", "the boundary is reached"];
    table(&mut page, "Preview", 0, &preview_states, &[switching, cueing].concat());
    table(&mut page, "Live", 1, &live_states, &["Switch now", "live is exhausted", "live's cue fails"]);
    table(
        &mut page,
        "Output",
        2,
        &output_states,
        &["Attach", "Attach, replacing", "Detach", "the sink is lost"],
    );
    table(&mut page, "The session", 0, &[State::Session(full)], &["Start", "Stop", "UpdatePlan"]);
    let commands = ["Start", "Stop", "Load", "Switch now", "Attach", "Detach", "UpdatePlan"];
    table(&mut page, "Without a session", 0, &[State::Stopped], &commands);
    page
}

/// The page in the documentation is what the code does.
#[test]
fn the_documented_table_is_the_one_in_force() {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PAGE, page()).unwrap();
    }
    let documented = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(documented == page(), "docs/control-state.md is out of date: run this test with UPDATE_DOCS=1");
}
