//! The layering of `docs/design.md`, kept true: who may name whom, and who may touch what.

use std::fs;
use std::path::{Path, PathBuf};

/// Crate, and all that it may depend on. What embeds the core (`air-py` …) reaches media only through it.
const CRATES: &[(&str, &[&str])] = &[
    ("air-ts", &["thiserror"]),
    ("air-av", &["ffmpeg-sys-next", "rustix", "thiserror", "tracing"]),
    ("air-fanout", &["air-ts", "rustix"]),
    ("air-proto", &["prost", "tonic", "tonic-prost"]),
    ("air-core", &["air-av", "air-ts", "rustix", "serde", "serde_json", "thiserror", "tracing"]),
    ("air-server", SERVER),
];

/// What the server may depend on: the core, its interface, and what makes a gRPC service of them.
const SERVER: &[&str] = &[
    "air-core",
    "air-proto",
    "axum",
    "hyper",
    "hyper-util",
    "lexopt",
    "rustix",
    "thiserror",
    "tokio",
    "tokio-stream",
    "tonic",
    "tonic-health",
    "tonic-reflection",
    "tracing",
    "tracing-appender",
    "tracing-subscriber",
];

/// Module of the core, and the modules that it may name. Those not listed (`channel` …) join the others.
const MODULES: &[(&str, &[&str])] = &[
    ("time", &[]),
    ("episode", &["time"]),
    ("transport", &[]),
    ("media_roots", &[]),
    ("format", &["time"]),
    ("control", &["time"]),
    ("frame", &["control", "format", "time"]),
    ("conform", &["format", "frame", "time"]),
    ("producer", &["conform", "format", "frame", "media_roots", "time"]),
    ("program", &["control", "format", "frame", "producer", "stats", "time", "worker"]),
    ("encode", &["config", "format", "frame", "producer", "time"]),
    (
        "output",
        &[
            "config",
            "control",
            "encode",
            "episode",
            "format",
            "frame",
            "stats",
            "time",
            "transport",
            "worker",
        ],
    ),
];

/// The only file that reads the operating system's time.
const CLOCK: &str = "air-core/src/time/clock.rs";

/// The only files of the core that start a thread.
const SPAWNERS: [&str; 2] = ["src/worker.rs", "channel/session.rs"];

/// The only files that own a worker.
const OWNERS: [&str; 4] = ["src/worker.rs", "program/read_ahead.rs", "output/lane.rs", "output/pace.rs"];

/// A file without its comments and tests.
struct Source {
    path: PathBuf,
    code: String,
}

impl Source {
    fn read(path: PathBuf) -> Source {
        let text = fs::read_to_string(&path).expect("a file just listed");
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        Source { path, code: code.join("\n") }
    }

    fn is(&self, path: &str) -> bool {
        self.path.ends_with(path)
    }

    fn has_any(&self, needles: &[&str]) -> Option<String> {
        let found = needles.iter().find(|needle| self.code.contains(**needle))?;
        Some(format!("{} has {found}", self.path.display()))
    }
}

/// The files of one extension at or below `path`, which is relative to the root of the repository.
fn sources(path: &str, extension: &str) -> Vec<Source> {
    let mut found = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path), extension, &mut found);
    found
}

fn collect(path: &Path, extension: &str, found: &mut Vec<Source>) {
    if let Ok(entries) = fs::read_dir(path) {
        entries
            .for_each(|entry| collect(&entry.expect("a folder that can be read").path(), extension, found));
    } else if path.exists() && path.extension().is_some_and(|is| is == extension) {
        // Files that hold only tests: `mod tests;` and the walk through the control state.
        if !path.ends_with("tests.rs") && !path.ends_with("control/walk.rs") {
            found.push(Source::read(path.to_owned()));
        }
    }
}

fn dependencies(of: &str) -> Vec<String> {
    let Some(manifest) = sources(&format!("{of}/Cargo.toml"), "toml").pop() else { return Vec::new() };
    let section = manifest.code.split("[dependencies]\n").nth(1).unwrap_or_default();
    let lines = section.lines().take_while(|line| !line.starts_with('[')).filter(|line| !line.is_empty());
    lines.map(|line| line.split(['.', '=', ' ']).next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn each_crate_depends_only_on_what_its_layer_allows() {
    for (of, allowed) in CRATES {
        let found = dependencies(of);
        assert!(!found.is_empty(), "{of} has dependencies");
        let stranger = found.iter().find(|name| !allowed.contains(&name.as_str()));
        assert_eq!(stranger, None, "{of} may depend on {allowed:?} only");
    }
    for of in ["air-py", "air-capi", "air-server"] {
        let media = dependencies(of).into_iter().find(|name| name == "air-av" || name.starts_with("ffmpeg"));
        assert_eq!(media, None, "{of} reaches media through air-core only");
    }
}

/// OB-2 and the map above; modules are named from the root, never by climbing.
#[test]
fn each_module_names_only_those_below_it() {
    for (module, allowed) in MODULES {
        let root = format!("air-core/src/{module}");
        let files: Vec<Source> =
            sources(&root, "rs").into_iter().chain(sources(&format!("{root}.rs"), "rs")).collect();
        assert!(!files.is_empty(), "{module} exists");
        for file in files {
            let is_root = file.is(&format!("{module}/mod.rs")) || file.is(&format!("src/{module}.rs"));
            assert_eq!(file.has_any(&[if is_root { "super::" } else { "super::super::" }]), None);
            // Ids are everybody's; who else sees a state or a command could decide something.
            let ids = file.code.split("crate::control::").skip(1);
            assert!(
                ids.into_iter().all(|named| named.starts_with("SegmentId") || named.starts_with("SinkId"))
            );
            for named in file.code.split("crate::").skip(1) {
                let name: String = named.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let fits = name == *module || allowed.contains(&name.as_str());
                assert!(fits, "{} names {name:?}, but {module} may name {allowed:?}", file.path.display());
            }
        }
    }
}

/// CK-1: one clock; MC-6: nothing else knows the time of day.
#[test]
fn only_the_clock_reads_the_time_and_nobody_sleeps() {
    for file in [sources("air-core/src", "rs"), sources("air-ts/src", "rs")].into_iter().flatten() {
        let found = file.has_any(&["Instant::now", "SystemTime::now", "thread::sleep"]);
        assert!(found.is_none() || file.is(CLOCK), "{found:?}");
    }
}

#[test]
fn threads_are_started_where_the_design_says() {
    for file in sources("air-core/src", "rs") {
        let found = file.has_any(&["thread::spawn", "thread::Builder", "thread::scope", "Builder::new()"]);
        assert!(found.is_none() || SPAWNERS.iter().any(|path| file.is(path)), "{found:?}");
        let found = file.has_any(&["Worker::start"]);
        assert!(found.is_none() || OWNERS.iter().any(|path| file.is(path)), "{found:?}");
    }
    for file in sources("air-fanout/src", "rs") {
        let found = file.has_any(&["thread::spawn", "thread::scope", " Builder::new()", "thread::sleep"]);
        assert!(found.is_none() || file.is("src/fanout.rs"), "{found:?}");
    }
}

/// L-07: no float where time is counted. The mux and judge touch nothing but bytes.
#[test]
fn timing_has_no_floats_and_the_mux_no_io() {
    for path in ["air-core/src/time", "air-core/src/control", "air-ts/src"] {
        for file in sources(path, "rs") {
            assert_eq!(file.has_any(&["f32", "f64"]), None);
        }
    }
    for file in sources("air-ts/src", "rs") {
        assert_eq!(file.has_any(&["std::fs", "std::io", "std::net", "std::thread", "std::process"]), None);
    }
}

#[test]
fn unsafe_code_is_forbidden_where_that_is_promised() {
    for path in ["air-ts/src/lib.rs", "air-core/src/lib.rs", "air-fanout/src/lib.rs", "air-server/src/lib.rs"]
    {
        let crate_root = sources(path, "rs").pop().unwrap();
        assert!(crate_root.code.contains("#![forbid(unsafe_code)]"), "{path}");
    }
}

/// OB-5: words that belong to no part of Air.
#[test]
fn retired_words_stay_away() {
    let faces = [("air-core/src", "rs"), ("air-capi/src", "rs"), ("include", "h"), ("protos", "proto")];
    let python = [("air-py/src", "rs"), ("air-py/python", "py"), ("air-py/python", "pyi")];
    for (path, extension) in faces.into_iter().chain(python) {
        for file in sources(path, extension) {
            assert_eq!(file.has_any(&["StreamWriter", "WriterState", "WriterThread", "WriteLoop"]), None);
        }
    }
}
